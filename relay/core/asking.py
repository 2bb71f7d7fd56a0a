"""One small question of the relay's own to a provider, which is answered whole or failed. On no client's way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from relay import faults
from relay.core.attempt import MAX_ERROR_BYTES, Collector
from relay.errors import UpstreamError
from relay.formats.registry import DIALECTS
from relay.formats.verdict import refused
from relay.model import Dialect
from relay.upstream.advised_wait import advised_wait_s
from relay.upstream.keyring import Key
from relay.upstream.providers import Provider
from relay.upstream.transport import Connection, Head, Transport, UpstreamCall

NO_ENDPOINT = frozenset({404, 405, 501})
"""Statuses of a server that does not have an endpoint."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, of whom, and for how long at most."""

    path: str
    """Behind the provider's root, with the query where there is one."""
    body: bytes = b""
    """JSON; empty: it is a GET."""
    dialect: Dialect = Dialect.CHAT
    """In which a refusal is read."""
    within_s: float = 30
    """Each deadline of the provider's that is longer is cut to this."""
    limit_bytes: int = 1024 * 1024
    """Of the answer."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A 2xx, read whole."""

    head: Head
    body: bytes


class Asker:
    """Asks one provider with one of its keys; None: without a credential."""

    def __init__(self, provider: Provider, key: Key | None, transport: Transport, now: Callable[[], datetime]) -> None:
        self.provider = provider
        self._key = key
        self._transport = transport
        self._now = now

    async def ask(self, question: Question) -> Answer:
        """Raises UpstreamError, without a secret of the provider's, for all that is no whole 2xx."""
        try:
            call = await self._send(question)
            try:
                return await self._read(call, question)
            finally:
                call.close()
        except UpstreamError as error:
            raise self.provider.scrub.error(error) from None

    async def _send(self, question: Question) -> UpstreamCall:
        provider = self.provider
        headers = provider.headers_for((("Accept", "application/json, text/event-stream"),), "", self._key)
        if not question.body:
            headers = headers.without("Content-Type")
        request = provider.request(
            "POST" if question.body else "GET",
            question.path,
            headers,
            question.body,
            deadlines=provider.deadlines.within(question.within_s),
            connection=Connection.FRESH,  # A dead pooled one would tell nothing of the provider.
        )
        return await self._transport.send(request)

    async def _read(self, call: UpstreamCall, question: Question) -> Answer:
        head = call.head
        if 300 <= head.status < 400:
            raise faults.redirect()
        if head.status >= 400:
            raise await self._refusal(call, question)
        collected = Collector(question.limit_bytes)
        if not await call.pump(collected):
            raise faults.answer_too_large(question.limit_bytes)
        return Answer(head, bytes(collected.body))

    async def _refusal(self, call: UpstreamCall, question: Question) -> UpstreamError:
        collected = Collector(MAX_ERROR_BYTES)
        try:
            await call.pump(collected)
        except UpstreamError:
            collected.body.clear()  # Half a refusal: its status still stands.
        wait_s = advised_wait_s(call.head.headers, self._now())
        return refused(call.head.status, bytes(collected.body), DIALECTS[question.dialect], wait_s=wait_s)
