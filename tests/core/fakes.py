"""A transport, its calls and a client, all in memory and all by script; and a relay that has them for its world."""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

import orjson
from multidict import CIMultiDict, CIMultiDictProxy

from relay.core.attempt import PlainAnswer
from relay.core.calls import RelayRequest, read_request
from relay.core.catalog import catalog_of
from relay.core.endpoints import ENDPOINTS
from relay.core.means import Clocks, Memory, means_of
from relay.core.relay import Relay
from relay.core.stream import RelayStream
from relay.core.turns import Turns
from relay.core.waiting_line import WaitingLines
from relay.errors import ClientGone, UpstreamError
from relay.upstream.providers import Provider, build
from relay.upstream.transport import Head, Sink, UpstreamCall, UpstreamRequest
from tests.config.parsing import configured

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
EVENT_STREAM = {"Content-Type": "text/event-stream"}
JSON_TYPE = {"Content-Type": "application/json"}
CHAT = "/v1/chat/completions"


class Hang(enum.Enum):
    """A step that never comes to an end by itself."""

    HANG = "hang"


HANG = Hang.HANG
Step: TypeAlias = bytes | UpstreamError | Hang


class FakeCall:
    """An answer in steps: bytes are fed, an error is raised, a hang waits until it is cancelled."""

    def __init__(self, *steps: Step, status: int = 200, headers: Mapping[str, str] | None = None) -> None:
        self.head = Head(status, CIMultiDictProxy(CIMultiDict(EVENT_STREAM if headers is None else headers)))
        self.left = deque(steps)
        self.hangs = asyncio.Event()
        self.is_closed = False
        self.has_ended = False

    async def pump(self, sink: Sink, /) -> bool:
        if self.is_closed:
            raise AssertionError("a closed call is pumped")
        while self.left:
            step = self.left.popleft()
            if isinstance(step, UpstreamError):
                raise step
            if isinstance(step, Hang):
                self.hangs.set()
                await asyncio.Event().wait()
            elif not sink.feed(step):
                return False
        self.has_ended = True
        return True

    def close(self) -> None:
        self.is_closed = True


class FakeTransport:
    """Gives its answers in turn; an error is raised in place of a head."""

    def __init__(self, *answers: FakeCall | Exception | Hang) -> None:
        self._left = deque(answers)
        self.requests: list[UpstreamRequest] = []
        self.hangs = asyncio.Event()

    async def send(self, request: UpstreamRequest, /) -> UpstreamCall:
        self.requests.append(request)
        answer = self._left.popleft()
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, Hang):
            self.hangs.set()
            await asyncio.Event().wait()
            raise AssertionError
        return answer


class FakeClient:
    """Writes down what is done to it. It leaves at the named method; with `stays_for` only after so many writes."""

    def __init__(self, *, leaves_at: str = "", stays_for: int = 0) -> None:
        self._leaves_at = leaves_at
        self._writes_left = stays_for
        self.status: int | None = None
        self.headers: CIMultiDict[str] = CIMultiDict()
        self.writes: list[bytes] = []
        self.end = ""
        """`finish` or `abort`; empty before either."""

    @property
    def body(self) -> bytes:
        return b"".join(self.writes)

    async def start(self, status: int, headers: CIMultiDict[str], /) -> None:
        self._leave("start")
        self.status, self.headers = status, headers

    async def write(self, data: bytes, /) -> None:
        if self._leaves_at == "write" and self._writes_left == 0:
            raise ClientGone
        self._writes_left -= 1
        self.writes.append(data)

    async def finish(self) -> None:
        self._leave("finish")
        self.end = "finish"

    def abort(self) -> None:
        self.end = "abort"

    def _leave(self, method: str) -> None:
        if self._leaves_at == method:
            raise ClientGone


class Ticking:
    """A monotonic clock that goes on by one second each time it is read."""

    def __init__(self) -> None:
        self._time_s = 0.0

    def __call__(self) -> float:
        self._time_s += 1
        return self._time_s


def providers_of(text: str) -> dict[str, Provider]:
    return build(configured(text))


def relay_of(text: str, transports: Mapping[str, FakeTransport], memory: Memory | None = None) -> Relay:
    """A relay for a configuration, with a transport for each provider."""
    config = configured(text)
    providers = build(config)
    clocks = fake_clocks()
    means = means_of(config, providers, memory or Memory(), clocks)
    return Relay(
        catalog_of(config, providers, ("demo",)),
        means,
        lambda provider: transports[provider.name],
        clocks,
        Turns(means, clocks, WaitingLines(), config.key_selection.queue_s),
    )


def fake_clocks(sleep: Callable[[float], Awaitable[None]] | None = None) -> Clocks:
    """The time of day stands still, the other clock ticks, and nobody waits."""

    async def nobody_waits(delay_s: float) -> None:
        await asyncio.sleep(0)

    return Clocks(lambda: NOW, Ticking(), lambda: 0.0, sleep or nobody_waits)


def asked(path: str = CHAT, *, headers: Iterable[tuple[str, str]] = (), query: str = "", **fields: Any) -> RelayRequest:
    """A client's request; `model` is `m` unless it is given."""
    (endpoint,) = [one for one in ENDPOINTS if one.path == path]
    raw = orjson.dumps({"model": "m", **fields})
    return read_request(endpoint, raw, headers=list(headers), query=query, request_id="req_1")


async def delivered(stream: RelayStream, client: FakeClient) -> None:
    """Send a stream as the web layer does."""
    async with stream:
        await stream.send_to(client)


def stream_of(answer: PlainAnswer | RelayStream) -> RelayStream:
    """The answer, which must be a stream."""
    if not isinstance(answer, RelayStream):
        raise AssertionError("a stream was expected")
    return answer


def chunk(text: str, **more: Any) -> bytes:
    """One event of a chat stream."""
    choice = {"index": 0, "delta": {"content": text}, **more}
    return b"data: " + orjson.dumps({"id": "c", "choices": [choice]}) + b"\n\n"


DONE = b"data: [DONE]\n\n"
