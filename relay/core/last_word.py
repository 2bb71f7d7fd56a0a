"""What a client is told when no attempt served: of the last failure, and of the keys that may serve soon. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from relay import faults
from relay.core.attempts import MAX_ATTEMPTS
from relay.errors import Blame, UpstreamError
from relay.formats.verdict import told_s
from relay.upstream.keyring import Shortage

SERVER_FAULTS = (408, 409, 500, 502, 503, 504, 529)
"""What SDKs try again by themselves, beside 429, whose wait they keep."""


def last_word(failure: UpstreamError | None, shortages: Sequence[Shortage], made: int) -> UpstreamError:
    """The error of a call; `shortages` are those of its targets' keys, `made` the number of its attempts."""
    if failure is None:
        return _of_keys(shortages)
    facts = failure.facts
    if failure.blame is Blame.KEY_LIMITED:
        facts = replace(facts, retry_after_s=_soonest_s(shortages) or facts.retry_after_s)
    elif made >= MAX_ATTEMPTS and facts.status in SERVER_FAULTS:
        facts = replace(facts, should_retry=False)  # The relay has tried as often as the client would.
    return failure if facts == failure.facts else failure.but(facts=facts)


def _of_keys(shortages: Sequence[Shortage]) -> UpstreamError:
    """Nothing was tried, since no key may be used."""
    wait_s = _soonest_s([shortage for shortage in shortages if not shortage.are_rejected])
    if wait_s is not None:
        return faults.keys_resting(wait_s)
    return faults.keys_rejected() if any(shortage.are_rejected for shortage in shortages) else faults.no_key()


def _soonest_s(shortages: Sequence[Shortage]) -> int | None:
    """Until a key may be used, in whole seconds from 1 to 60; None: nobody knows. A busy one may be free at once."""
    waits_s = [shortage.wait_s for shortage in shortages if shortage.wait_s is not None]
    waits_s += [0.0 for shortage in shortages if shortage.is_busy]
    return max(1, told_s(min(waits_s)) or 1) if waits_s else None
