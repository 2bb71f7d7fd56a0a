"""Durations and sizes as people write them: `"90s"`, `"64MiB"`. Pure; the numbers are seconds and bytes."""

from __future__ import annotations

import re

_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000, "d": 86_400_000}
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}

# The numbers of digits are bounded so that no text is a number that Python refuses or a float can't hold.
_DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?(ms|s|m|h|d)?")
_SIZE = re.compile(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB|TiB)?")


def parse_duration(text: str) -> float | None:
    """Seconds; a bare number is seconds. None: the text is no duration."""
    match = _DURATION.fullmatch(text)
    if match is None:
        return None
    number, unit = match.groups(default="s")
    return float(number) * _MILLISECONDS[unit] / 1000


def format_duration(seconds: float) -> str:
    """The shortest form that `parse_duration` reads back, to the millisecond."""
    milliseconds = round(seconds * 1000)
    if milliseconds == 0:
        return "0"
    unit = next(unit for unit in ("d", "h", "m", "s", "ms") if milliseconds % _MILLISECONDS[unit] == 0)
    return f"{milliseconds // _MILLISECONDS[unit]}{unit}"


def parse_size(text: str) -> int | None:
    """Bytes; a bare number is bytes. None: the text is no size."""
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    number, unit = match.groups(default="B")
    return int(number) * _BYTES[unit]


def format_size(size_bytes: int) -> str:
    """The shortest form that `parse_size` reads back."""
    if size_bytes == 0:
        return "0"
    unit = next(unit for unit in ("TiB", "GiB", "MiB", "KiB", "B") if size_bytes % _BYTES[unit] == 0)
    return f"{size_bytes // _BYTES[unit]}{unit}"
