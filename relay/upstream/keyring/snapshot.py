"""What is remembered of a key, as a JSON document and back. Pure. Calls under way end with the process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from relay.upstream.keyring.key import MINUTE_S
from relay.upstream.keyring.meters import Meters
from relay.upstream.keyring.ring import KeyMemory
from relay.upstream.keyring.standing import Standing
from relay.upstream.keyring.window import Window

_STANDING = {
    "rests_until_s": float,
    "doubted_until_s": float,
    "limited": int,
    "refused": int,
    "failures": int,
}
"""What is kept of a standing, with its kind."""


def written(memory: KeyMemory) -> dict[str, Any]:
    """`{"calls", "calls_in": [[span, buckets]], "tokens": buckets, "standing": {...}}`"""
    meters = memory.meters
    return {
        "calls": meters.calls,
        "calls_in": [[span_s, window.buckets()] for span_s, window in meters.calls_in.items()],
        "tokens": meters.tokens.buckets(),
        "standing": {name: getattr(memory.standing, name) for name in _STANDING},
    }


def read(fingerprint: str, document: Mapping[str, Any]) -> KeyMemory:
    """The memory of a key with this fingerprint. Raises ValueError for what is no such document."""
    try:
        meters, standing = Meters(), Standing()
        meters.calls = int(document["calls"])
        meters.calls_in = {float(span_s): _window(float(span_s), kept) for span_s, kept in document["calls_in"]}
        meters.tokens = _window(MINUTE_S, document["tokens"])
        for name, kind in _STANDING.items():
            setattr(standing, name, kind(document["standing"][name]))
    except (KeyError, TypeError, OverflowError) as error:
        raise ValueError(f"no memory of a key: {error!r}") from error
    return KeyMemory(fingerprint, meters, standing)


def _window(span_s: float, kept: list[tuple[int, float]]) -> Window:
    return Window.of(span_s, [(int(index), float(amount)) for index, amount in kept])
