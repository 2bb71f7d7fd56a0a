from __future__ import annotations

from typing import Any

import pytest

from relay.core.routing import Capability, able, what_it_lacks
from relay.formats.asked import Asked
from relay.model import Target

IMAGE = {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]}
TOOLS = {"messages": [], "tools": [{"type": "function"}]}


@pytest.mark.parametrize(
    ("capability", "body", "why"),
    [
        (Capability(), TOOLS, None),
        (Capability(takes_tools=True, takes_images=True), TOOLS | IMAGE, None),
        (Capability(takes_tools=False), TOOLS, "it takes no tools"),
        (Capability(takes_tools=False), IMAGE, None),
        (Capability(takes_images=False), IMAGE, "it takes no images"),
        (Capability(takes_images=False), TOOLS, None),
        (Capability(context_tokens=100), {"prompt": "x" * 500}, None),
        (Capability(context_tokens=100), {"prompt": "x" * 501}, "its context of 100 tokens is too short"),
    ],
)
def test_only_what_is_known_against_a_target_counts(
    capability: Capability, body: dict[str, Any], why: str | None
) -> None:
    assert what_it_lacks(capability, Asked(body)) == why


def test_targets_that_cannot_take_a_request_are_left_out_unless_none_can() -> None:
    one, two = Target("p", "one"), Target("p", "two")
    no_tools = Capability(takes_tools=False)
    assert able((one, two), {one: no_tools}, Asked(TOOLS)) == (two,)
    assert able((one, two), {one: no_tools}, Asked(IMAGE)) == (one, two)
    assert able((one, two), {one: no_tools, two: no_tools}, Asked(TOOLS)) == (one, two)
