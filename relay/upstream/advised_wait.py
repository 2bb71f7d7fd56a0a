"""How long a provider asks to be left alone, from the headers of its refusal. Pure: the time is passed in.

    retry-after-ms                  milliseconds                                              OpenAI, Azure
    retry-after                     seconds, or a date                                        RFC 9110, 10.2.3
    x-ratelimit-reset-requests      1s, 6m0s, 20ms; seconds; RFC 3339                         OpenAI, Groq, Mistral
    x-ratelimit-reset               seconds, or an epoch in seconds or milliseconds           OpenRouter
    anthropic-ratelimit-*-reset     RFC 3339                                                  Anthropic

The first two say what is meant; a reset counts where nothing is left of what is reset then.

Sources: OpenAI "Rate limits", Anthropic "Rate limits", OpenRouter "Limits", Groq "Rate limits" (read 2026-11-24).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

MAX_WAIT_S = 3600.0
"""Whatever is asked for: a key that nobody tries for longer is a key that is forgotten."""
_MAX_CHARACTERS = 64
_EPOCH_S, _EPOCH_MS = 1e9, 1e11
"""Numbers from here on are no waits but moments (2001), in seconds and in milliseconds."""
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h|d)")
_UNIT_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}


def advised_wait_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Seconds from now on, up to MAX_WAIT_S; None: the provider does not say, or not so that it can be read."""
    now = _date(headers.get("Date", "")) or now  # The provider's dates are by its own clock.
    found = _milliseconds(headers.get("retry-after-ms", ""))
    if found is None:
        found = _wait_s(headers.get("Retry-After", ""), now)
    if found is None:
        found = _until_reset_s(headers, now)
    return None if found is None else min(max(found, 0.0), MAX_WAIT_S)


def _until_reset_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """The longest wait for what is used up; where nothing says what is left, the shortest of all."""
    spent: list[float] = []
    untold: list[float] = []
    for name, value in headers.items():
        lower = name.lower()
        if "ratelimit" not in lower or "reset" not in lower:
            continue
        wait_s = _wait_s(value, now)
        left = headers.get(lower.replace("reset", "remaining"), "").strip()
        if wait_s is not None and not left:
            untold.append(wait_s)
        elif wait_s is not None and _NUMBER.fullmatch(left) and float(left) == 0:
            spent.append(wait_s)
    if spent:
        return max(spent)
    return min(untold, default=None)


def _milliseconds(text: str) -> float | None:
    text = text.strip()
    return float(text) / 1000 if len(text) <= _MAX_CHARACTERS and _NUMBER.fullmatch(text) else None


def _wait_s(text: str, now: datetime) -> float | None:
    """A number, a duration or a date, whichever it is."""
    text = text.strip()
    if len(text) > _MAX_CHARACTERS:
        return None
    if _NUMBER.fullmatch(text):
        return _of_number(float(text), now)
    if _DURATION.fullmatch(text):
        return math.fsum(float(number) * _UNIT_S[unit] for number, unit in _PART.findall(text))
    moment = _date(text)
    return None if moment is None else (moment - now).total_seconds()


def _of_number(number: float, now: datetime) -> float:
    if number >= _EPOCH_MS:
        return number / 1000 - now.timestamp()
    return number - now.timestamp() if number >= _EPOCH_S else number


def _date(text: str) -> datetime | None:
    readers: tuple[Callable[[str], datetime], ...] = (datetime.fromisoformat, parsedate_to_datetime)
    for read in readers:
        try:
            moment = read(text)
            return (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
