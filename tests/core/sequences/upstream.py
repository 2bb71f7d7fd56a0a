"""All providers at once, in memory. Each waits for the course to say what it answers, or answers by itself."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol, cast

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from relay import faults
from relay.errors import UpstreamError
from relay.model import Target
from relay.upstream.transport import Connection, Deadlines, Head, Sink, UpstreamRequest
from tests.core.sequences import failures
from tests.core.sequences.asks import Ask, Call, Racer
from tests.core.sequences.failures import Failure
from tests.core.sequences.replies import AT_HEAD, Reply, Silence


class Witness(Protocol):
    """Is told what happens at the providers, in the moment in which the relay could know it."""

    def sent(self, ask: Ask) -> None: ...

    def failed(self, ask: Ask, failure: Failure) -> None:
        """Before its answer began."""
        ...

    def began(self, ask: Ask) -> None:
        """Its answer begins, or is there as a whole."""
        ...

    def closed(self, ask: Ask) -> None:
        """It is over."""
        ...


@dataclass(frozen=True, slots=True)
class Answering:
    """How a provider answers a request: at once, after a while, or step by step when it is told to."""

    reply: Reply | None
    """None: it waits to be told what."""
    after_s: float = 0
    is_stepwise: bool = False


@dataclass(eq=False, slots=True)
class Gate:
    """A provider that waits to be told to go on."""

    ask: Ask
    told: asyncio.Future[Answering]
    has_head: bool
    """Then what it answers is known, and only when is not."""

    def open(self, answering: Answering) -> None:
        """Go on."""
        if not self.told.done():
            self.told.set_result(answering)


GO_ON = Answering(None)


class Upstream:
    """Implements upstream.transport.Transport for all providers."""

    def __init__(self, calls: Mapping[int, Call], witness: Witness, script: Callable[[Ask], Answering]) -> None:
        self.calls = calls
        """Of clients, by number."""
        self._witness = witness
        self._script = script
        self._numbers = itertools.count(1)
        self.gates: list[Gate] = []
        self.opened: list[ScriptedCall] = []
        self.pending = 0
        """Requests without a head."""

    async def send(self, request: UpstreamRequest, /) -> ScriptedCall:
        """See Transport.send."""
        ask = self._ask(request)
        self._witness.sent(ask)
        self.pending += 1
        call: ScriptedCall | None = None
        try:
            call = await self._answered(ask, request.deadlines)
        finally:
            self.pending -= 1
            if call is None:
                self._witness.closed(ask)
        self.opened.append(call)
        return call

    def _ask(self, request: UpstreamRequest) -> Ask:
        body = orjson.loads(request.body)
        call = self.calls[int(body["metadata"]["call"])]
        name = request.url.partition("://")[2].partition(".")[0]
        secret = request.headers.fields.get("Authorization", "").removeprefix("Bearer ")
        return Ask(
            next(self._numbers),
            call,
            cast(Racer, asyncio.current_task()),
            Target(name, body["model"]),
            call.facts.key(name, secret),
            request.connection is Connection.FRESH,
            request.deadlines.total_s,
            asyncio.get_running_loop().time(),
        )

    async def _answered(self, ask: Ask, deadlines: Deadlines) -> ScriptedCall:
        times = _Times(ask, deadlines, self._witness)
        answering = self._script(ask)
        async with times.running():
            if answering.reply is None:
                answering = await self.told(ask, has_head=False)
            await asyncio.sleep(answering.after_s)
        reply = answering.reply
        if reply is None:
            raise AssertionError("a head needs a reply")
        if reply.no_head is not None and reply.failure is not None:
            self._witness.failed(ask, reply.failure)
            raise reply.no_head()
        return ScriptedCall(self, ask, reply, times, self._witness, is_stepwise=answering.is_stepwise)

    async def told(self, ask: Ask, *, has_head: bool) -> Answering:
        """Wait at a gate."""
        gate = Gate(ask, asyncio.get_running_loop().create_future(), has_head)
        self.gates.append(gate)
        try:
            return await gate.told
        finally:
            self.gates.remove(gate)


class _Times:
    """The deadlines of one request, kept as a transport keeps them."""

    def __init__(self, ask: Ask, deadlines: Deadlines, witness: Witness) -> None:
        self._ask = ask
        self._witness = witness
        self._idle_s = deadlines.idle_s
        self._first_byte_at_s = ask.sent_s + deadlines.connect_s + deadlines.first_byte_s
        self._ends_at_s = ask.sent_s + deadlines.total_s
        self.has_first_byte = False
        self.if_cut: Failure | None = None
        """What the answer is all the same; None: it is what broke it."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Raises UpstreamError where what is inside takes too long."""
        now_s = asyncio.get_running_loop().time()
        due_s = now_s + self._idle_s if self.has_first_byte else self._first_byte_at_s
        try:
            async with asyncio.timeout_at(min(due_s, self._ends_at_s)):
                yield
        except TimeoutError:
            raise self._late() from None

    def _late(self) -> UpstreamError:
        error, failure = faults.first_byte_timeout(), failures.SILENT
        if asyncio.get_running_loop().time() >= self._ends_at_s:
            error, failure = faults.total_timeout(), failures.OUT_OF_TIME
        elif self.has_first_byte:
            error, failure = faults.idle_timeout(), failures.RESET
        broken(self._ask, self.if_cut or failure, self._witness)
        return error


def broken(ask: Ask, failure: Failure, witness: Witness) -> None:
    """A request fails, be it before its answer began or behind."""
    if ask.has_begun:
        ask.is_broken |= not ask.call.is_finished  # What comes behind the end is no part of the answer.
    elif ask.failure is None:
        witness.failed(ask, failure)


class ScriptedCall:
    """Implements upstream.transport.UpstreamCall."""

    def __init__(
        self, upstream: Upstream, ask: Ask, reply: Reply, times: _Times, witness: Witness, *, is_stepwise: bool
    ) -> None:
        self.head = Head(reply.status, CIMultiDictProxy(CIMultiDict(reply.headers)))
        self.ask = ask
        self.is_closed = False
        self._upstream = upstream
        self._reply = reply
        self._times = times
        self._witness = witness
        self._is_stepwise = is_stepwise
        self._place = 0
        times.if_cut = reply.if_cut
        self._tell(AT_HEAD)

    async def pump(self, sink: Sink, /) -> bool:
        """See UpstreamCall.pump."""
        steps = self._reply.steps
        while self._place < len(steps):
            if self.is_closed:
                raise AssertionError("a closed call is pumped")
            if not sink.feed(await self._step()):
                self._tell(self._place - 1)
                return False
            self._tell(self._place - 1)
        self._tell(len(steps))
        if self._reply.is_cut:
            broken(self.ask, failures.RESET, self._witness)
        return True

    async def _step(self) -> bytes:
        step = self._reply.steps[self._place]
        async with self._times.running():
            if self._is_stepwise:
                await self._upstream.told(self.ask, has_head=True)
            if isinstance(step, Silence):
                await asyncio.Event().wait()
                raise AssertionError
        self._place += 1
        if isinstance(step, bytes):
            self._times.has_first_byte = True
            return step
        broken(self.ask, self._reply.if_cut or self._reply.failure or failures.RESET, self._witness)
        raise step()

    def _tell(self, place: int) -> None:
        """The relay has all up to this step."""
        reply, ask = self._reply, self.ask
        if place == reply.told_at:
            ask.tokens = reply.tokens
        if place != reply.judged_at or ask.has_begun or ask.failure is not None:
            return
        if reply.failure is None:
            self._witness.began(ask)
        else:
            self._witness.failed(ask, reply.failure)

    def close(self) -> None:
        """See UpstreamCall.close."""
        if not self.is_closed:
            self.is_closed = True
            self._witness.closed(self.ask)
