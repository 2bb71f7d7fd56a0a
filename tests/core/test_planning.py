"""Where a call goes, over what is remembered from call to call."""

from __future__ import annotations

from typing import Any

import pytest

from relay.core import routing
from relay.core.catalog import catalog_of
from relay.core.means import Memory, means_of
from relay.core.planning import Planner
from relay.errors import ModelNotFound
from relay.model import Target
from relay.upstream.providers import build
from tests.config.parsing import configured
from tests.core.fakes import asked, fake_clocks

CONFIG = """
providers:
  up: {base_url: http://up/v1, models: {include: [weak, strong]}}
model_routing:
  complexity: {enabled: true, model: auto, simple: weak, complex: strong}
  fallbacks: {weak: [auto]}
  aliases: {any: {strategy: order, targets: [weak, strong]}}
"""
WEAK, STRONG = Target("up", "weak"), Target("up", "strong")
SAID = [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho"}, {"role": "user", "content": "And?"}]


def planner() -> Planner:
    config = configured(CONFIG)
    providers, clocks = build(config), fake_clocks()
    return Planner(catalog_of(config, providers, ()), means_of(config, providers, Memory(), clocks), clocks)


@pytest.mark.parametrize(
    ("model", "more", "targets"),
    [
        ("any", {}, (STRONG, WEAK)),
        ("auto", {}, (WEAK, STRONG)),
        ("auto", {"reasoning_effort": "high", "tools": [{"type": "function"}]}, (STRONG, WEAK)),
    ],
)
def test_a_conversation_stays_where_it_was_unless_its_prompt_says_where(
    model: str, more: dict[str, Any], targets: tuple[Target, ...]
) -> None:
    plans = planner()
    thread = plans.itinerary(asked(model=model, messages=SAID)).thread
    assert thread is not None
    plans.served(thread, STRONG, None)
    assert plans.itinerary(asked(model=model, messages=SAID, **more)).targets == targets


def test_a_fallback_that_is_graded_moves_no_conversation() -> None:
    plans = planner()
    thread = plans.itinerary(asked(model="any", messages=SAID)).thread
    assert thread is not None
    plans.served(thread, STRONG, None)
    assert plans.itinerary(asked(model="any", messages=SAID)).targets == (STRONG, WEAK)


def test_a_refusal_is_found_once_and_each_call_gets_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_up = []

    def resolve(*given: Any) -> routing.Resolved:
        looked_up.append(given[1])
        return original(*given)

    original = routing.resolve
    monkeypatch.setattr(routing, "resolve", resolve)
    plans, refusals = planner(), []
    for _ in range(2):
        with pytest.raises(ModelNotFound) as caught:
            plans.itinerary(asked(model="weaker"))
        refusals.append(caught.value)
    assert looked_up == ["weaker"]
    assert refusals[0] is not refusals[1]
    assert refusals[0].facts == refusals[1].facts
