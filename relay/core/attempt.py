"""One attempt: send, judge the head, then read as far as the commit point."""

from __future__ import annotations

import logging
import math
from dataclasses import replace

from multidict import CIMultiDict

from relay import faults
from relay.core.attempts import Attempt
from relay.core.calls import RelayRequest
from relay.core.means import Clocks
from relay.core.stream import RelayStream
from relay.core.trail import Trail
from relay.errors import Blame, UpstreamError
from relay.formats.openai_chat import without_usage_chunk
from relay.formats.passing import PassingStream, Verbatim
from relay.formats.registry import DIALECTS
from relay.formats.upstream_errors import may_tell_an_error, read_words
from relay.formats.upstream_json import NotJson, read_json
from relay.formats.usage import read_usage
from relay.formats.verdict import judged, refused, told_s
from relay.model import AttemptRecord, Usage
from relay.per_call import record
from relay.upstream.advised_wait import advised_wait_s
from relay.upstream.headers import downward, upstream_request_id
from relay.upstream.transport import Deadlines, Head, Transport, UpstreamCall, UpstreamRequest

OK = 200
MAX_HELD_BYTES = 8 * 1024 * 1024
"""A plain answer up to this size is read whole before the client's answer begins, so that a break can be retried."""
MAX_ERROR_BYTES = 256 * 1024
"""As much of an error answer as is read."""

log = logging.getLogger(__name__)


@record(frozen=True, slots=True)
class PlainAnswer:
    """An answer that was read whole."""

    status: int
    headers: CIMultiDict[str]
    body: bytes
    usage: Usage | None
    """None: the provider told nothing."""


class Try:
    """One attempt of one call; however it ends, it is added to the call's trail."""

    def __init__(self, request: RelayRequest, attempt: Attempt, trail: Trail, clocks: Clocks) -> None:
        self._request = request
        self._attempt = attempt
        self._key = attempt.key
        self._trail = trail
        self._now, self._clock_s = clocks.now, clocks.clock_s
        self._parts = DIALECTS[request.endpoint.dialect]

    async def open(self, transport: Transport) -> PlainAnswer | RelayStream:
        """An answer at its commit point. Raises UpstreamError; the upstream call is then closed."""
        outgoing = self._outgoing()
        status: int | None = None
        code: str | None = None
        self._trail.upstream_request_id = None
        started_s = self._clock_s()
        try:
            answer = await self._exchange(outgoing, transport)
            status = OK
            return answer
        except UpstreamError as raw:
            error = self._attempt.provider.scrub.error(raw)
            status, code = error.facts.status, error.facts.code or error.facts.openai_type
            self._trail.upstream_request_id = error.upstream_request_id or self._trail.upstream_request_id
            raise error from None
        finally:
            waited_s = self._clock_s() - started_s
            label = None if self._key is None else self._key.label
            self._trail.add(AttemptRecord(self._attempt.target, label, status, code, round(waited_s * 1000)), waited_s)

    async def _exchange(self, outgoing: UpstreamRequest, transport: Transport) -> PlainAnswer | RelayStream:
        call = await transport.send(outgoing)
        answer: PlainAnswer | RelayStream | None = None
        try:
            self._trail.upstream_request_id = upstream_request_id(call.head.headers)
            answer = await self._judge(call)
        except UpstreamError as error:
            raise self._with_wait(error, call.head) from None
        finally:
            if not isinstance(answer, RelayStream):
                call.close()  # A stream closes its call itself.
        return answer

    def _outgoing(self) -> UpstreamRequest:
        request, provider = self._request, self._attempt.provider
        return provider.request(
            "POST",
            request.endpoint.upstream_path,
            provider.headers_for(request.headers, request.connection, self._key),
            request.body_for(self._attempt.target),
            query=request.query,
            deadlines=self._deadlines(),
            connection=self._attempt.connection,
        )

    def _deadlines(self) -> Deadlines:
        """The provider's own; of a further attempt what is left of the time for all."""
        deadlines, ends_s = self._attempt.provider.deadlines, self._attempt.ends_s
        return deadlines if ends_s == math.inf else deadlines.within(max(0.0, ends_s - self._clock_s()))

    async def _judge(self, call: UpstreamCall) -> PlainAnswer | RelayStream:
        head = call.head
        if 300 <= head.status < 400:
            raise faults.redirect()
        if head.status >= 400:
            raise await self._refusal(call)
        if self._request.is_stream and not _is_json(head):
            return await self._stream(call)
        return await self._plain(call)

    def _with_wait(self, error: UpstreamError, head: Head) -> UpstreamError:
        """With what the headers ask for, where a 200 turned out to be the refusal of a key."""
        if head.status != OK or error.blame not in (Blame.KEY_LIMITED, Blame.KEY_SPENT):
            return error
        wait_s = advised_wait_s(head.headers, self._now())
        return error.but(wait_s=wait_s, facts=replace(error.facts, retry_after_s=told_s(wait_s)))

    async def _refusal(self, call: UpstreamCall) -> UpstreamError:
        collected = Collector(MAX_ERROR_BYTES)
        try:
            await call.pump(collected)
        except UpstreamError as broken:
            log.debug("the body of an error answer broke off: %s", broken.facts.code)
        call.close()
        head = call.head
        body = bytes(collected.body)
        error = refused(head.status, body, self._parts, wait_s=advised_wait_s(head.headers, self._now()))
        is_told = error.facts.status == head.status  # Else the refusal is the operator's business, not the client's.
        return error.but(
            headers=_told_headers(head) if is_told else (),
            upstream_request_id=upstream_request_id(head.headers),
        )

    async def _stream(self, call: UpstreamCall) -> RelayStream:
        request = self._request
        transform = PassingStream(
            self._parts,
            request.request_id,
            choices=request.choices,
            hide=without_usage_chunk if request.hides_usage else None,
            scrub=self._attempt.provider.scrub,
        )
        stream = RelayStream(call, transform, _stream_headers(call.head))
        await stream.begin()
        return stream

    async def _plain(self, call: UpstreamCall) -> PlainAnswer | RelayStream:
        head = call.head
        collected = Collector(MAX_HELD_BYTES)
        is_whole = await call.pump(collected)
        body = bytes(collected.body)
        if not is_whole and self._request.is_stream:
            raise faults.bad_event()  # A document where events were asked for, and one too large to be judged.
        if not is_whole:
            return RelayStream(call, Verbatim(), downward(head.headers), prefix=body)
        call.close()
        usage = self._judge_plain(body)
        shown = self._attempt.provider.scrub.data(body) if may_tell_an_error(body) else body
        return PlainAnswer(head.status, downward(head.headers), shown, usage)

    def _judge_plain(self, body: bytes) -> Usage | None:
        """A 200 is believed only when it holds an answer; gives what it tells of its tokens."""
        if not body.strip():
            raise faults.empty()
        try:
            document = read_json(body)
        except NotJson as error:
            raise faults.bad_event() from error
        words = read_words(document)
        if words is not None and isinstance(document, dict) and self._parts.answer_key not in document:
            raise judged(words.status or 502, words, self._parts)
        if self._request.is_stream:
            raise faults.bad_event()  # A stream was asked for and one JSON document came: SDKs would see nothing.
        return read_usage(self._request.endpoint.dialect, document) if isinstance(document, dict) else None


class Collector:
    """A sink that keeps what it gets, and asks for a pause at `limit_bytes`."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self.body = bytearray()

    def feed(self, data: bytes, /) -> bool:
        """See Sink.feed."""
        self.body += data
        return len(self.body) < self._limit_bytes


def _told_headers(head: Head) -> tuple[tuple[str, str], ...]:
    """What a client may see of an error's headers; Retry-After is the verdict's, read and bounded."""
    return tuple((name, value) for name, value in downward(head.headers).items() if name.lower() != "retry-after")


def _is_json(head: Head) -> bool:
    return head.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "application/json"


def _stream_headers(head: Head) -> CIMultiDict[str]:
    """What every event stream is sent with: not cached, and not collected by a proxy in between."""
    headers = downward(head.headers)
    if not headers.get("Content-Type", "").lower().startswith("text/event-stream"):
        headers["Content-Type"] = "text/event-stream"
    headers["Cache-Control"] = "no-cache"
    headers["X-Accel-Buffering"] = "no"
    return headers
