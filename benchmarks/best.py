"""CPU of one call of a function: the best of many rounds, so that other work on the machine counts less."""

from __future__ import annotations

import time
from collections.abc import Callable

ROUNDS, CALLS = 200, 500


def best_us(act: Callable[[], object], *, rounds: int = ROUNDS, calls: int = CALLS) -> float:
    """Microseconds of one call in the best round."""
    best_s = float("inf")
    for _ in range(rounds):
        started_s = time.thread_time()
        for _ in range(calls):
            act()
        best_s = min(best_s, time.thread_time() - started_s)
    return best_s / calls * 1e6
