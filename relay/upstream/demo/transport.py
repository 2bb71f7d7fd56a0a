"""The transport that makes no calls: it finds the endpoint in a table and hands its answer over piece by piece.

It implements `relay.upstream.transport` and, offline as it is, raises none of that seam's errors: what is wrong with a
request is answered as a provider would answer it, with an ordinary error body.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from multidict import CIMultiDict, CIMultiDictProxy

from relay.errors import InvalidRequest, NotFound
from relay.formats.body import read_object, required_text
from relay.formats.registry import DIALECTS
from relay.model import Dialect
from relay.upstream.demo import chat, completions, embeddings, messages, moderations, responses
from relay.upstream.demo.wire import JSON_TYPE, Answer, Incoming
from relay.upstream.transport import Head, Sink, UpstreamRequest

DEMO_MODELS: tuple[str, ...] = ("demo",)
"""What a list of models shows; any other name is answered just as well."""

ID_HEADERS = {Dialect.CHAT: "x-request-id", Dialect.RESPONSES: "x-request-id", Dialect.MESSAGES: "request-id"}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """How one path is answered."""

    answer: Callable[[Incoming], Answer]
    """Raises InvalidRequest for a body of the wrong shape, and nothing else."""
    dialect: Dialect
    """Of its errors."""


ENDPOINTS = {
    "/chat/completions": Endpoint(chat.answer, Dialect.CHAT),
    "/completions": Endpoint(completions.answer, Dialect.CHAT),
    "/embeddings": Endpoint(embeddings.answer, Dialect.CHAT),
    "/moderations": Endpoint(moderations.answer, Dialect.CHAT),
    "/responses": Endpoint(responses.answer, Dialect.RESPONSES),
    "/messages": Endpoint(messages.answer, Dialect.MESSAGES),
    "/messages/count_tokens": Endpoint(messages.answer_count, Dialect.MESSAGES),
}
"""By the end of the path; where two fit, the longer one is meant."""


class DemoTransport:
    """Answers every request on the spot. `now` gives the time in Unix seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now

    async def send(self, request: UpstreamRequest, /) -> DemoCall:
        path = urlsplit(request.url).path
        seed = hashlib.sha256(request.body).hexdigest()
        request_id = f"req_{seed[:24]}"
        endpoint = ENDPOINTS.get(_suffix(path))
        dialect = Dialect.CHAT if endpoint is None else endpoint.dialect
        try:
            if endpoint is None:
                raise NotFound(path)
            answer = endpoint.answer(_read(request.body, created_at=int(self._now()), seed=seed))
        except (InvalidRequest, NotFound) as error:
            body = DIALECTS[dialect].error_body(error.facts, request_id)
            answer = Answer(error.facts.status, JSON_TYPE, (body,))
        headers = CIMultiDict({"content-type": answer.content_type, ID_HEADERS[dialect]: request_id})
        return DemoCall(Head(answer.status, CIMultiDictProxy(headers)), answer.pieces)


class DemoCall:
    """An answer that is ready, handed over a piece at a time."""

    def __init__(self, head: Head, pieces: tuple[bytes, ...]) -> None:
        self._head = head
        self._left = deque(pieces)

    @property
    def head(self) -> Head:
        return self._head

    async def pump(self, sink: Sink, /) -> bool:
        """Feed until the sink asks for a pause or nothing is left; a closed call has nothing left."""
        while self._left:
            if not sink.feed(self._left.popleft()):
                return False
            # Without a turn for others a long answer would hold up every other client.
            await asyncio.sleep(0)
        return True

    def close(self) -> None:
        self._left.clear()


def _suffix(path: str) -> str:
    """The key of the path's endpoint; empty where it has none."""
    return max((suffix for suffix in ENDPOINTS if path.endswith(suffix)), key=len, default="")


def _read(raw: bytes, *, created_at: int, seed: str) -> Incoming:
    body = read_object(raw)
    return Incoming(body, required_text(body, "model"), created_at, seed)
