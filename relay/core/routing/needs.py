"""What a target is known not to take. Only what is known counts: what nobody has told is for the provider to refuse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from relay.formats.asked import Asked
from relay.model import Target

CHARACTERS_PER_TOKEN = 5
"""More than most texts have (about 4 in English, 1 to 2 in Chinese), so that what seems too long really is."""


@dataclass(frozen=True, slots=True)
class Capability:
    """What is known of one model at one provider; None: not known."""

    context_tokens: int | None = None
    takes_images: bool | None = None
    takes_tools: bool | None = None

    @property
    def is_limited(self) -> bool:
        """Whether there is a request that it is known not to take."""
        return self.context_tokens is not None or self.takes_images is False or self.takes_tools is False


def able(targets: tuple[Target, ...], limits: Mapping[Target, Capability], asked: Asked) -> tuple[Target, ...]:
    """Those that nothing is known against; all of them where there is none: then a provider says why not."""
    found = tuple(target for target in targets if target not in limits or what_it_lacks(limits[target], asked) is None)
    return found or targets


def what_it_lacks(capability: Capability, asked: Asked) -> str | None:
    """Why it can't take the request, for people to read; None: nothing is known against it."""
    if capability.takes_tools is False and asked.uses_tools:
        return "it takes no tools"
    if capability.takes_images is False and asked.has_images:
        return "it takes no images"
    context_tokens = capability.context_tokens
    if context_tokens is not None and asked.is_longer_than(context_tokens * CHARACTERS_PER_TOKEN):
        return f"its context of {context_tokens} tokens is too short"
    return None
