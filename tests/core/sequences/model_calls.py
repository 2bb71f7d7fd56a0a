"""What docs/routing.md lets a call do: how often, how long, and what may follow a failure."""

from __future__ import annotations

import enum
from collections.abc import Iterator

from tests.core.sequences.asks import Ask, Call
from tests.core.sequences.failures import Then, Whose
from tests.core.sequences.model_keys import SLACK_S

MOST = 3


class Move(enum.Enum):
    """From one request of a call to the next."""

    FRESH = "the same on a fresh connection"
    KEY = "another key"
    TARGET = "another target"
    NONE = "nothing else"


_MOVES = {
    Then.NOTHING: frozenset[Move](),
    Then.KEY: frozenset({Move.KEY, Move.TARGET}),
    Then.TARGET: frozenset({Move.TARGET}),
    Then.TARGET_OR_KEY: frozenset({Move.KEY, Move.TARGET}),
    Then.ONCE: frozenset({Move.KEY, Move.TARGET}),
    Then.FRESH: frozenset({Move.FRESH, Move.TARGET}),
}


def objections(ask: Ask) -> Iterator[str]:
    """Why a call should not have sent this request, whoever gets it."""
    call = ask.call
    if ask.target not in call.targets:
        yield f"the name {call.name} does not lead there"
    if call.has_first_byte:
        yield "the client has the first byte of its answer"
    if len(call.asks) >= MOST:
        yield f"the call has had {len(call.asks)} attempts"
    if call.asks:
        yield from _out_of_time(call.asks[0], ask)
    way = call.way_of(ask.racer)
    if way:
        yield from _wrong_moves(way, ask)
    elif call.asks:
        yield from _no_hedge(call, ask)


def _out_of_time(first: Ask, ask: Ask) -> Iterator[str]:
    left_s = first.sent_s + first.provider.total_s - ask.sent_s
    if left_s < -SLACK_S:
        yield "the time for all attempts is over"
    elif ask.within_s > left_s + SLACK_S:
        yield f"it may last for {ask.within_s} s, and {left_s} s are left"


def _no_hedge(call: Call, ask: Ask) -> Iterator[str]:
    alias = call.alias
    if alias is None or alias.percentile is None or not call.is_stream:
        yield "nobody asked for two at a time"
    if len({other.racer for other in call.asks}) > 1:
        yield "two are under way already"
    if call.asks[0].target == ask.target:
        yield "the second of two goes where the first one is"


def _wrong_moves(way: list[Ask], ask: Ask) -> Iterator[str]:
    last = way[-1]
    failure, move = last.failure, move_to(ask, way)
    if failure is None:
        yield "the one before has not failed"
        return
    if move not in _MOVES[_then(last)] and not (
        move is Move.KEY and _then(last) is Then.FRESH and not last.is_repeatable
    ):
        yield f"{move.value} behind {failure}"
    if failure.then is Then.ONCE and any(one.failure and one.failure.then is Then.ONCE for one in way[:-1]):
        yield "the second failure that may be billed"
    if move is Move.KEY and _then(last) is not Then.KEY and _open_to(way):
        yield f"another key, though {_open_to(way)} are there"
    if move is not Move.TARGET and len(ask.call.asks) == len(way) == MOST - 1 and _open_to(way):
        yield f"the last attempt stays, though {_open_to(way)} are there"
    yield from _against_the_rule(last, len(way))


def _then(last: Ask) -> Then:
    """Once the connection is fresh, a closed one is a reset."""
    then = Then.NOTHING if last.failure is None else last.failure.then
    return Then.TARGET_OR_KEY if then is Then.FRESH and last.is_fresh else then


def _against_the_rule(last: Ask, made: int) -> Iterator[str]:
    rule, failure = last.provider, last.failure
    if not rule.retries or made > rule.max_retries:
        yield f"{made} attempts were made where {rule.max_retries} may follow the first"
    is_narrowed = failure is not None and failure.whose in (Whose.TARGET, Whose.LIMITED) and failure.status is not None
    if is_narrowed and failure is not None and failure.status not in rule.statuses:
        yield f"status {failure.status} is none of {rule.statuses}"


def move_to(ask: Ask, way: list[Ask]) -> Move:
    """What this request is to those before it."""
    last = way[-1]
    if ask.target != last.target:
        return Move.NONE if ask.target in {one.target for one in way} else Move.TARGET
    if ask.is_fresh and ask.key == last.key:
        return Move.FRESH
    visited = {one.key for one in way if one.target == ask.target}
    return Move.NONE if ask.key in visited else Move.KEY


def _open_to(way: list[Ask]) -> set[str]:
    """Targets that were open at each failure, and have not been asked."""
    never_closed = frozenset.intersection(way[0].else_at_first, *(one.elsewhere for one in way))
    never_closed -= {one.target for one in way[0].call.asks}
    return {f"{target.model}@{target.provider}" for target in never_closed}
