"""What is to be changed of the requests for a target, and what was changed of one: both as data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from relay.formats.conversations import Placement

TOOLS = "tools"
"""How the receipt names them."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One parameter of a layer."""

    name: str
    """As the file has it, with dots."""
    value: object
    put: Callable[[dict[str, Any], Sequence[str], object], dict[str, Any]]
    """`filled` or `replaced` of `paths`."""

    def applied(self, body: dict[str, Any]) -> dict[str, Any]:
        """The same object where there was nothing to do."""
        return self.put(body, self.name.split("."), self.value)


@dataclass(frozen=True, slots=True)
class SystemPrompt:
    """A text that is not empty."""

    placement: Placement
    text: str


@dataclass(frozen=True, slots=True)
class Layer:
    """One place of the configuration that changes requests."""

    source: str
    """The option that holds it: `model_routing.payload_transformation.rules[1]`."""
    settings: tuple[Setting, ...]
    prompt: SystemPrompt | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """All that is changed for one name at one target."""

    layers: tuple[Layer, ...]
    """Those with parameters, in their order."""
    prompt: SystemPrompt | None
    """Those of all layers, as one."""
    drops_tools: bool


@dataclass(frozen=True, slots=True)
class LayerChange:
    """What one layer did to a request."""

    source: str
    names: tuple[str, ...]
    """Dotted; those that were set, without those that the client or an earlier layer had given."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What was changed of one request. Names only: values may be nobody's business."""

    layers: tuple[LayerChange, ...] = ()
    system_prompt: Placement | None = None
    """None: none was put."""
    dropped: tuple[str, ...] = ()
    """What the client sent and the target did not get; clients are told in `X-MonoRelay-Changed`."""


UNCHANGED = Receipt()
