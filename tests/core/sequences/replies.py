"""What a provider may answer: the good, and every fault of the fault table, each with the failure that it is."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.utils import format_datetime
from random import Random
from typing import TypeAlias

import orjson

from relay import faults
from relay.errors import UpstreamError
from tests.core.fakes import DONE, EVENT_STREAM, JSON_TYPE, NOW, chunk
from tests.core.sequences import failures
from tests.core.sequences.failures import Failure, Then, Whose


class Silence(enum.Enum):
    """A step that never comes."""

    SILENCE = "silence"


SILENCE = Silence.SILENCE
AT_HEAD = -1
Break: TypeAlias = Callable[[], UpstreamError]
Step: TypeAlias = bytes | Break | Silence


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer, be it good or not."""

    name: str
    steps: tuple[Step, ...] = ()
    """Of the body; a break is raised."""
    failure: Failure | None = None
    """That it is before its answer begins; None: it begins."""
    if_cut: Failure | None = None
    """Where its body does not come: its status still stands."""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    no_head: Break | None = None
    """Raised in place of a head."""
    judged_at: int = 0
    """The step after which everything is known, their number for the end of the body, or AT_HEAD."""
    tokens: int = 0
    """That it tells, at `told_at`."""
    told_at: int = 0
    is_cut: bool = False
    """It ends cleanly, and before it is whole."""


HUGE = b'{"choices":[],"padding":"' + b"x" * (8 * 1024 * 1024)
"""More than is read before the client's answer begins."""
_FINISH = chunk("", finish_reason="stop")
_BREAKS: tuple[Step, ...] = (faults.disconnected, faults.protocol, SILENCE)


def good(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """A whole answer that tells its tokens."""
    tokens = chance.choice((1, 10, 60))
    usage = {"prompt_tokens": tokens - 1, "completion_tokens": 1, "total_tokens": tokens}
    if not is_stream:
        body = orjson.dumps({"id": "c", "choices": [], "usage": usage})
        return Reply("good", (body[:9], body[9:]), headers=JSON_TYPE, judged_at=2, tokens=tokens, told_at=1)
    told = b"data: " + orjson.dumps({"id": "c", "choices": [], "usage": usage}) + b"\n\n"
    behind = (b"data: more\n\n",) if chance.random() < 0.2 else ()
    steps = (chunk("a"), chunk("b"), _FINISH, told, DONE, *behind)
    return Reply("good", steps, headers=EVENT_STREAM, tokens=tokens, told_at=3)


def huge(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """A document that is too large to be held: as the answer to a plain call it passes as it comes."""
    failure = failures.NO_JSON if is_stream else None
    return Reply("huge", (HUGE, b'"}'), failure, headers=JSON_TYPE)


def broken_later(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """A break behind the first byte; a plain answer has none before its end."""
    how = chance.choice(_BREAKS)
    if not is_stream:
        failure = Failure(Then.TARGET_OR_KEY, Whose.TARGET)
        return Reply("breaks", (b'{"choices"', how), failure, headers=JSON_TYPE, judged_at=2)
    steps = (chunk("a"), chunk("b"))[: chance.randint(1, 2)]
    if chance.random() < 0.3:
        return Reply("truncated", steps, headers=EVENT_STREAM, is_cut=True)
    return Reply("breaks later", (*steps, how), headers=EVENT_STREAM)


def told_later(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """An error event behind the first one; for a plain call, a good answer."""
    if not is_stream:
        return good(chance, now_s, is_stream)
    return Reply("error event later", (chunk("a"), _event("server_error")), headers=EVENT_STREAM)


def no_answer(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """Nothing at all comes back."""
    name, no_head, failure = chance.choice(
        (
            ("unreachable", faults.unreachable, failures.DOWN),
            ("no connection in time", faults.connect_timeout, failures.DOWN),
            ("closed before head", faults.closed_before_head, failures.CLOSED),
            ("closed before head", faults.closed_before_head, failures.CLOSED),
            ("reset before head", faults.disconnected, failures.RESET),
            ("no HTTP", faults.protocol, failures.BROKEN),
            ("no descriptors", faults.out_of_descriptors, failures.OUR_OWN),
            ("no answer in time", faults.first_byte_timeout, failures.SILENT),
        )
    )
    return Reply(name, failure=failure, no_head=no_head)


def refused(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """An error about the request, the model, or the key."""
    status, code, failure = chance.choice(
        (
            (400, "bad", failures.REJECTED_INPUT),
            (413, "request_too_large", failures.REJECTED_INPUT),
            (422, "bad", failures.REJECTED_INPUT),
            (403, "permission_error", failures.REJECTED_INPUT),
            (404, "model_not_found", failures.NO_MODEL),
            (401, "invalid_api_key", failures.WRONG_KEY),
            (401, "", failures.WRONG_KEY),
            (403, "invalid_api_key", failures.WRONG_KEY),
        )
    )
    return _refusal(status, code, failure, if_cut=failures.REJECTED_INPUT if status == 403 else failure)


def wrong_key(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """A key that is none."""
    status, if_cut = chance.choice(((401, failures.WRONG_KEY), (403, failures.REJECTED_INPUT)))
    return _refusal(status, "invalid_api_key", failures.WRONG_KEY, if_cut=if_cut)


def at_fault(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """The provider's own error; a wait in it is about the client, not about the key."""
    status = chance.choice((408, 409, 500, 502, 503, 504, 529))
    failure = failures.failed(status)
    return _maybe_cut(chance, _refusal(status, "server_error", failure, if_cut=failure))


def limited(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """429, with a wait in one of the forms, or without."""
    headers, wait_s, until_s = _told_wait(chance, now_s)
    rate = Failure(Then.KEY, Whose.LIMITED, 429, wait_s, until_s)
    spent = Failure(Then.KEY, Whose.SPENT, None, wait_s, until_s)
    reply = chance.choice(
        (
            _refusal(402, "billing_error", spent, if_cut=spent),
            _refusal(429, "insufficient_quota", spent, if_cut=rate),
            *[_refusal(429, "rate_limit_exceeded", rate, if_cut=rate)] * 6,
        )
    )
    return _maybe_cut(chance, replace(reply, headers={**JSON_TYPE, **headers}))


def strange(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """A redirect, nothing, no JSON, an error behind a 200 or as the first event."""
    name = chance.choice(("redirect", "empty", "no content", "no JSON", "error", "another kind"))
    if name == "redirect":
        headers = {"Location": "http://elsewhere.test/"}
        return Reply(name, (), failures.REDIRECT, status=307, headers=headers, judged_at=AT_HEAD)
    if name == "empty":
        steps = (chance.choice((DONE, b": nothing\n\n")),) if is_stream else ()
        judged_at = 0 if steps == (DONE,) else len(steps)
        return Reply(name, steps, failures.EMPTY, headers=_kind(is_stream), judged_at=judged_at)
    if name == "no content":
        return Reply(name, (), failures.EMPTY, status=204)
    if name == "no JSON":
        steps = (b"data: <html>\n\n",) if is_stream else (b"<html>",)
        return Reply(name, steps, failures.NO_JSON, headers=_kind(is_stream), judged_at=0 if is_stream else 1)
    if name == "another kind" and is_stream:
        return Reply(name, (b'{"choices":[]}',), failures.NO_JSON, headers=JSON_TYPE, judged_at=1)
    code, failure = chance.choice(_ERRORS_BY_WORD)
    if is_stream and chance.random() < 0.7:
        return Reply(f"first event {code}", (_event(code),), failure, headers=EVENT_STREAM)
    return Reply(f"200 {code}", (_error(code),), failure, headers=JSON_TYPE, judged_at=1)


_ERRORS_BY_WORD = (
    ("rate_limit_exceeded", Failure(Then.KEY, Whose.LIMITED)),
    ("insufficient_quota", Failure(Then.KEY, Whose.SPENT)),
    ("invalid_api_key", failures.WRONG_KEY),
    ("server_error", failures.failed(None)),
    ("overloaded_error", failures.failed(None)),
    ("invalid_request_error", failures.REJECTED_INPUT),
    ("model_not_found", failures.NO_MODEL),
)

KINDS: Mapping[Callable[[Random, float, bool], Reply], int] = {
    good: 45, broken_later: 8, told_later: 2, no_answer: 12, refused: 8, wrong_key: 4, at_fault: 10, limited: 12,
    strange: 8,
}  # fmt: skip
"""With the weight of each."""


def any_reply(chance: Random, now_s: float, is_stream: bool) -> Reply:
    """One of all."""
    if chance.random() < 0.002:
        return huge(chance, now_s, is_stream)
    (kind,) = chance.choices(list(KINDS), list(KINDS.values()))
    return kind(chance, now_s, is_stream)


def _refusal(status: int, code: str, failure: Failure, *, if_cut: Failure) -> Reply:
    return Reply(f"{status} {code}", (_error(code),), failure, if_cut, status, JSON_TYPE, judged_at=1)


def _maybe_cut(chance: Random, reply: Reply) -> Reply:
    """Sometimes its body breaks off: its status still stands."""
    if chance.random() < 0.8:
        return reply
    return replace(reply, name=f"{reply.name}, cut", steps=(b'{"err', chance.choice(_BREAKS)))


def _told_wait(chance: Random, now_s: float) -> tuple[dict[str, str], float | None, float | None]:
    """Headers, and the wait or the moment that they name."""
    wait_s = round(10 ** chance.uniform(-1, 4), 2)
    whole_s = int(wait_s) + 1
    moment = (NOW + timedelta(seconds=now_s + wait_s)).replace(microsecond=0)
    until_s = (moment - NOW).total_seconds()
    written = moment.isoformat().replace("+00:00", "Z")
    spent = {"x-ratelimit-remaining-requests": "0"}
    forms: tuple[tuple[dict[str, str], float | None, float | None], ...] = (
        ({}, None, None),
        ({}, None, None),
        ({"Retry-After": "soon"}, None, None),
        ({"Retry-After": "0"}, 0.0, None),
        ({"Retry-After": str(whole_s)}, whole_s, None),
        ({"Retry-After": format_datetime(moment, usegmt=True)}, None, until_s),
        ({"retry-after-ms": str(round(wait_s * 1000))}, wait_s, None),
        ({"x-ratelimit-reset-requests": f"{whole_s}s", **spent}, whole_s, None),
        ({"x-ratelimit-reset-requests": f"1m{whole_s}.5s", **spent}, whole_s + 60.5, None),
        ({"X-RateLimit-Reset": str(int(moment.timestamp()))}, None, until_s),
        ({"X-RateLimit-Reset": str(int(moment.timestamp()) * 1000)}, None, until_s),
        ({"anthropic-ratelimit-requests-reset": written, "anthropic-ratelimit-requests-remaining": "0"}, None, until_s),
    )
    return chance.choice(forms)


def _kind(is_stream: bool) -> Mapping[str, str]:
    return EVENT_STREAM if is_stream else JSON_TYPE


def _error(code: str) -> bytes:
    return orjson.dumps({"error": {"message": "no", "type": code, "code": code}})


def _event(code: str) -> bytes:
    return b"data: " + _error(code) + b"\n\n"
