"""What one call has had of its tries. Two that race for its answer share it. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from relay.model import Target


@dataclass(slots=True)
class Tally:
    """Of one call."""

    made: int = 0
    """How many tries were handed out."""
    targets: set[Target] = field(default_factory=set)
    """That were tried: the other one of two does not come there."""
    providers: set[str] = field(default_factory=set)
    """That were asked, by name: once more is a matter of their budget."""
    ends_s: float = math.inf
    """When the time of all tries together is over (monotonic); known once the first one is."""
