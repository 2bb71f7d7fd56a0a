"""docs/faults.md from the rows that the tests make happen: `python -m tests.faults.rendering > docs/faults.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping

from relay.model import Dialect
from tests.faults.row import BOTH, UNTOUCHED, Broken, BrokenOff, Passed, Recorded, Refused, Row, Told
from tests.faults.table import ROWS
from tests.faults.told import STATUS_CLASSES

INTRO = """\
# Faults

What can go wrong with a call, what is tried next, and what a client is told. Each row is made to happen on raw sockets,
in each form and for each dialect, and judged by what the official SDKs raise or return
(`tests/end_to_end/test_fault_table.py`). This page is written from the data of those tests; change it there
(`tests/faults`, `python -m tests.faults.rendering > docs/faults.md`).

## Before the first byte, and behind it

The **commit point** is the first byte that is sent to the client.

- A stream is held until its first complete event has been read and is no error. A plain answer of up to 8 MiB is read
  whole. Until then a fault may mean another try, and the client gets an ordinary error with a true status.
- Behind it nothing is tried again, since the client has half of an answer. A stream ends with an error event; a plain
  answer larger than 8 MiB is broken off, so that nobody takes the part for the whole.
- Only complete events go out, so that an error event or a keepalive always stands between two. The rest of an event is
  held, 16 MiB at most, and dropped where the provider dies.
- A keepalive sent before the first event (`server.sse_keepalive_first`) spends the status: whatever happens afterwards
  is an error event with the same type and code.

## What an error looks like

Before the commit point it is JSON in the form of the dialect, never a provider's HTML. The provider's own body is kept
where the request itself is to blame. Behind the commit point:

| dialect | the event that ends a stream |
|---|---|
| Chat Completions | `data: {"error": {"message", "type", "param", "code"}}`, and no `[DONE]` |
| Responses | `event: error`: `{"type", "code", "message", "param", "sequence_number", "error": {the same}}` |
| Messages | `event: error`: `{"type": "error", "error": {"type", "message"}, "request_id"}` |

Each makes its SDK raise; a stream that merely ends would not, and would look like a whole answer.

`Retry-After` is at most 60: the SDKs keep such a wait, and fall back to their own for a longer one. They try again by
themselves on 408, 409, 429 and from 500 on, unless the answer says `x-should-retry: false`. It says so where trying
again is of no use (marked "final" below), and wherever the relay has made its three attempts without success; a 429
that is not final is left to its `Retry-After`.

What the SDKs raise for a status, both under the same name (`anthropic` has finer ones below some of them):

"""

LEGEND = """
In a stream that has begun `openai` raises its `APIError` and `anthropic` its `APIStatusError`, with the type that the
table says.

## The table

**next**: k = another key of the provider, u = another target, s = the same once more on a fresh connection, none =
no attempt at all, - = nothing more. A call has three attempts, and where there is another target it gets the last one.
**key** and **target** are what is kept in mind of the first that was tried. A key *rests*, or it is *rejected* (one
call tries it after a minute, then after two, four, up to an hour) or *doubted* (used where no other is left). A target
*rests*, or the fault *counts*: so many in a row (`breaker.failures`), and it rests. [routing.md](routing.md#attempts)
has the rules.

"""

NOTES = """
- **5**: the event comes within a second of the deadline.
- **7**: told at once; with `http_client: aiohttp` at the idle deadline.
- **8**: events behind the first are not judged: what is no JSON passes, as it would without the relay. Anthropic's SDK
  reads only events whose name it knows.
- **9**: the bytes of the answer as a whole are the provider's; reads and writes are not.
- **14**: twice as long with each in a row, an hour at most.
- **20**: before it asks the same provider again the relay waits by chance, within `retry.backoff_factor` and
  `backoff_max`.
- **26**: the call to the provider is closed within 100 ms; what was told of the tokens by then is recorded.
- **28**: of a number that is told several times the last one counts, since they are cumulative. What was not told is
  not recorded.
- **32**: with `key_selection.queue` a call waits for a key first.
- **33**: the error event goes out two seconds before the end of `server.drain`.
"""


def page() -> str:
    """All of it."""
    statuses = table(("status", "raised"), status_rows())
    return INTRO + statuses + LEGEND + table(tuple(COLUMNS), map(cells, ROWS)) + NOTES


def status_rows() -> Iterable[tuple[str, ...]]:
    """Which class stands for which status."""
    yield from ((str(status), f"`{name}`") for status, name in STATUS_CLASSES.items())
    yield "from 500 on", "`InternalServerError`"
    yield "others", "`APIStatusError`"


def table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    """In Markdown."""
    first, *others = (f"| {' | '.join(line)} |\n" for line in (head, *rows))
    return first + "|---" * len(head) + "|\n" + "".join(others)


def cells(row: Row) -> tuple[str, ...]:
    """One line of the table."""
    return tuple(column(row) for column in COLUMNS.values())


def forms(row: Row) -> str:
    """Where the fault can happen."""
    where = "both" if row.forms == BOTH else str(row.forms[0])
    return where if row.dialects == tuple(Dialect) else f"{where}, {' and '.join(row.dialects)}"


def kept_in_mind(state: str) -> str:
    """Of a key or a target."""
    return "-" if state == UNTOUCHED else state


def in_openai(told: Told) -> str:
    """What clients of Chat Completions and Responses are told."""
    match told:
        case Refused():
            return f"{told.status} `{told.openai_type}`{_code(told.code)}"
        case Broken():
            return f"event `{told.openai_type}`{_code(told.code)}"
    return _untold(told)


def in_anthropic(told: Told) -> str:
    """What clients of Messages are told."""
    match told:
        case Refused():
            return f"{told.status_in(Dialect.MESSAGES)} `{told.anthropic_type}`"
        case Broken():
            return f"event `{told.anthropic_type}`"
    return _untold(told)


def _code(code: str | None) -> str:
    return "" if code is None else f" / `{code}`"


def _untold(told: BrokenOff | Passed | Recorded) -> str:
    if isinstance(told, Recorded):
        return f"recorded: {told.status} `{told.outcome}`"
    if isinstance(told, BrokenOff):
        return "broken off"
    if told.raises is not None:
        return "passes; the SDK itself may raise"
    return f"passes: {told.mends}" if told.mends else "passes"


def waits(told: Told) -> str:
    """Retry-After, and whether the SDKs should try again at all."""
    if not isinstance(told, Refused):
        return ""
    wait = "" if told.retry_after_s is None else str(told.retry_after_s)
    return ", ".join(filter(None, [wait, "final" if told.is_final else ""]))


COLUMNS: Mapping[str, Callable[[Row], str]] = {
    "#": lambda row: str(row.number),
    "fault": lambda row: row.name,
    "form": forms,
    "next": lambda row: row.tries,
    "key": lambda row: kept_in_mind(row.key),
    "target": lambda row: kept_in_mind(row.target),
    "OpenAI": lambda row: in_openai(row.told),
    "Anthropic": lambda row: in_anthropic(row.told),
    "`Retry-After`; final": lambda row: waits(row.told),
}


if __name__ == "__main__":
    sys.stdout.write(page())
