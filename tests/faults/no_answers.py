"""Answers of 200 that are none, and redirects."""

from __future__ import annotations

from typing import Any

from relay.model import Dialect
from tests.faults.refusals import SLOWER, UPSTREAM_AUTH, WRONG_KEY, failed, limited
from tests.faults.row import COUNTS, DOUBTED, PLAIN, REJECTED, STREAMED, Fault, Refused, Row, ScriptFor
from tests.faults.scripts import (
    HTML,
    JSON,
    PAGE,
    SSE,
    Says,
    always,
    answering,
    beginning_with,
    refusing,
    sending,
)
from tests.support.conversation import event
from tests.support.scripted import Out, Received, streams

EMPTY = Refused(502, "server_error", "empty_response", "api_error")
REDIRECT = Refused(502, "server_error", "upstream_redirect", "api_error")
OVERLOADED = Says("server_error", "server_overloaded", "overloaded_error")
INVALID = Says("invalid_request_error", "invalid_prompt", "invalid_request_error")
UNHEARD_OF = Says("", None, "something_new")
OF_THE_TARGET: dict[str, Any] = {"tries": "k, u", "key": DOUBTED, "target": COUNTS}
OF_NOTHING: dict[str, Any] = {"tries": "u once", "key": DOUBTED, "target": COUNTS, "told": EMPTY}
NOT_RESPONSES = (Dialect.CHAT, Dialect.MESSAGES)
"""The end mark of Responses carries the whole answer, so that there it is not empty."""


def redirecting(status: int) -> ScriptFor:
    """To where nobody listens, so that following it would be another fault."""
    return answering(status, headers=[*HTML, ("Location", "http://127.0.0.1:1/v1")])


async def no_content(request: Received, out: Out) -> None:
    """204 has neither body nor length."""
    await out.head(204)


ROWS: tuple[Row, ...] = (
    Fault(number=21, name="200 with an HTML page", script=answering(200, PAGE, HTML),
          told=Refused(502, "server_error", "bad_upstream_event", "api_error"), **OF_THE_TARGET),
    Fault(number=22, name="200 with the error of a rate limit", script=refusing(200, SLOWER),
          tries="k, u", key="rests 60 s", told=limited(60)),
    Fault(number=22, name="200 with the error of a rate limit and `Retry-After`", tries="k, u", key="rests 30 s",
          script=refusing(200, SLOWER, ("Retry-After", "30")), told=limited(30)),
    Fault(number=22, name="200 with the error of a wrong key", script=refusing(200, WRONG_KEY),
          tries="k, u", key=REJECTED, told=UPSTREAM_AUTH),
    Fault(number=22, name="200 with the error of an invalid request", script=refusing(200, INVALID),
          told=Refused(400, "invalid_request_error", "invalid_prompt", "invalid_request_error")),
    Fault(number=22, name="200 with an error that nobody knows", script=refusing(200, UNHEARD_OF),
          told=failed(502), **OF_THE_TARGET),
    Fault(number=23, name="the first event is the error of a rate limit", script=beginning_with(SLOWER),
          forms=STREAMED, tries="k, u", key="rests 60 s", told=limited(60)),
    Fault(number=23, name="the first event is the error of a rate limit, behind `Retry-After`", forms=STREAMED,
          script=beginning_with(SLOWER, ("Retry-After", "30")), tries="k, u", key="rests 30 s", told=limited(30)),
    Fault(number=23, name="the first event is the error of a wrong key", script=beginning_with(WRONG_KEY),
          forms=STREAMED, tries="k, u", key=REJECTED, told=UPSTREAM_AUTH),
    Fault(number=23, name="the first event is the error of an overload", script=beginning_with(OVERLOADED),
          forms=STREAMED, told=Refused(503, "server_error", "server_overloaded", "overloaded_error", 529),
          **OF_THE_TARGET),
    Fault(number=23, name="the first event is the error of an invalid request", script=beginning_with(INVALID),
          forms=STREAMED, told=Refused(400, "invalid_request_error", "invalid_prompt", "invalid_request_error")),
    Fault(number=23, name="the first event is an error that nobody knows", script=beginning_with(UNHEARD_OF),
          forms=STREAMED, told=failed(502), **OF_THE_TARGET),
    Fault(number=23, name="the first event is `response.failed`", forms=STREAMED, dialects=(Dialect.RESPONSES,),
          script=always(streams([event({"type": "response.failed", "response": {"error": {"code": "server_error"}}})])),
          told=Refused(500, "server_error", "server_error", "api_error"), **OF_THE_TARGET),
    Fault(number=24, name="200 with an empty body", script=answering(200, headers=JSON), forms=PLAIN, **OF_NOTHING),
    Fault(number=24, name="200 with an empty body", script=answering(200, headers=SSE), forms=STREAMED, **OF_NOTHING),
    Fault(number=24, name="204", script=always(no_content), **OF_NOTHING),
    Fault(number=24, name="the end mark alone", script=sending(lambda events: events[-1:]), forms=STREAMED,
          dialects=NOT_RESPONSES, **OF_NOTHING),
    Fault(number=24, name="comments alone", script=always(streams([b": a\n\n", b": b\n\n"])), forms=STREAMED,
          **OF_NOTHING),
    *(Fault(number=25, name=f"{status}", script=redirecting(status), tries="u", key=DOUBTED, target=COUNTS,
            told=REDIRECT)
      for status in (302, 308)),
)  # fmt: skip
