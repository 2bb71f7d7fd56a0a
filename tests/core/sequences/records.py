"""How each call has ended, and what its record says of it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from relay.errors import RequestError, UpstreamError
from relay.model import CallRecord, Outcome
from tests.core.sequences.asks import Call
from tests.core.sequences.model import Model
from tests.core.sequences.stage import Stage


def look_at(model: Model, calls: Iterable[Call], stage: Stage, *, was_cut: bool) -> None:
    """Each call has one end and one record, and they agree. `was_cut`: the process did not wait for their ends."""
    recorded: dict[str, list[CallRecord]] = defaultdict(list)
    for record in stage.told.records:
        recorded[record.call_id].append(record)
    for call in calls:
        _count(call, model.met)
        for objection in _objections(call, recorded[str(call.number)], stage, was_cut=was_cut):
            model.object(f"call {call.number} {objection}")


def _count(call: Call, met: Counter[str]) -> None:
    met["calls"] += 1
    met["calls that waited in line"] += call.has_waited
    met["calls that paused"] += call.has_slept
    met["clients that left"] += call.task is not None and call.task.cancelled()


def _objections(call: Call, records: list[CallRecord], stage: Stage, *, was_cut: bool) -> Iterator[str]:
    if len(records) != call.has_come:
        yield f"has {len(records)} records"
    if call.task is None or not call.task.done():
        yield "goes on"
        return
    if not call.task.cancelled():
        error = call.task.exception()
        if error is not None and not isinstance(error, RequestError | UpstreamError):
            yield f"ended by {error!r}"
        if isinstance(error, RequestError) and call.targets and not stage.is_narrow:
            yield f"was refused: {error!r}"
    may_be = _outcomes(call) | ({Outcome.SHUTTING_DOWN} if was_cut else set())
    asked = Counter((ask.target, ask.key.label if ask.key else None) for ask in call.asks)
    for record in records:
        told = Counter((attempt.target, attempt.key_label) for attempt in record.attempts)
        if asked != told:
            yield f"asked {asked}, and its record says {told}"
        if record.outcome not in may_be:
            yield f"is recorded as {record.outcome}, not {may_be}"


def _outcomes(call: Call) -> set[Outcome]:
    """How it may have ended, as seen from outside."""
    task = call.task
    is_broken = call.is_refused or any(ask.is_broken for ask in call.asks)
    end = Outcome.UPSTREAM_BROKEN if is_broken else Outcome.COMPLETE
    if task is None or task.cancelled():
        return {Outcome.CLIENT_GONE, end} if call.is_finished else {Outcome.CLIENT_GONE}
    if task.exception() is not None:
        return {Outcome.REJECTED if isinstance(task.exception(), RequestError) else Outcome.REFUSED}
    return {end} if call.is_finished else {Outcome.CLIENT_GONE, Outcome.UPSTREAM_BROKEN}
