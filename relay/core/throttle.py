"""How long wrong passwords, registrations and acts keep the next one waiting. Pure.

An account is counted by the address that tries: who guesses elsewhere does not lock its owner out. An address is
counted over all accounts, an IPv6 one by its /64, which is what one customer has.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from relay.identity import NO_WAIT, Tries

MAX_DELAY = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Rule:
    """So many within a time are free; each further one doubles the wait."""

    free: int
    within: timedelta


OF_ACCOUNT = Rule(10, timedelta(minutes=15))
OF_ADDRESS = Rule(30, timedelta(minutes=10))
OF_REGISTRATIONS = Rule(20, timedelta(minutes=10))
"""Of an address: good ones count too."""
OF_ACTS = Rule(600, timedelta(minutes=10))
"""Of a user: each is a line that is kept for ever."""


def wait_s(known: Tries, now: datetime) -> int:
    """Whole seconds until another try is looked at; 0: now."""
    return max(0, math.ceil((known.until - now).total_seconds()))


def counted(known: Tries, now: datetime, rule: Rule) -> Tries:
    """What is on record after one more."""
    if known.until <= now and now - known.since > rule.within:
        return Tries(1, now, NO_WAIT)
    count = known.count + 1
    if count < rule.free:
        return Tries(count, known.since, NO_WAIT)
    doublings = min(count - rule.free + 1, 10)
    return Tries(count, now, now + min(MAX_DELAY, timedelta(seconds=2**doublings)))


def forgiven(known: Tries) -> Tries:
    """What is on record after one that was counted turned out to be good: it kept nobody waiting."""
    return Tries(max(0, known.count - 1), known.since, NO_WAIT)


def group_of(address: str) -> str:
    """The addresses that are counted as one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((parsed, 64), strict=False)) if isinstance(parsed, IPv6Address) else address
