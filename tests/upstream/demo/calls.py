"""Calls the demo's transport as the relay would, with a clock that stands still."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from relay.upstream.demo import DemoTransport
from relay.upstream.transport import Deadlines, Head, SentHeaders, UpstreamCall, UpstreamRequest

NOW = 1_700_000_000.5

USER_SAYS_HELLO = [{"role": "user", "content": "Hello  there"}]
HELLO = 'This is MonoRelay\'s demo model. You said: "Hello there".'

WEATHER_SCHEMA: dict[str, object] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "unit": {"enum": ["C", "F"]}, "note": {"type": "string"}},
    "required": ["city", "unit"],
}
WEATHER_ARGUMENTS = {"city": "demo", "unit": "C"}


class ListSink:
    """Keeps what it is fed and always wants more."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def feed(self, data: bytes, /) -> bool:
        self.pieces.append(data)
        return True


class PausingSink(ListSink):
    """A sink that wants a pause after every piece."""

    def feed(self, data: bytes, /) -> bool:
        super().feed(data)
        return False


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer, read to its end."""

    head: Head
    pieces: tuple[bytes, ...]

    @property
    def body(self) -> bytes:
        return b"".join(self.pieces)

    @property
    def json(self) -> Any:
        return orjson.loads(self.body)

    @property
    def events(self) -> list[Any]:
        """The JSON of every event that has one."""
        lines = self.body.decode().split("\n")
        data = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]
        return [orjson.loads(line) for line in data if line != "[DONE]"]


async def open_call(path: str, raw: bytes, *, now: float = NOW) -> UpstreamCall:
    deadlines = Deadlines(connect_s=1, first_byte_s=1, idle_s=1, total_s=1)
    url = f"http://demo.invalid/{path.lstrip('/')}"
    return await DemoTransport(lambda: now).send(UpstreamRequest("POST", url, SentHeaders({}), raw, deadlines))


async def send_raw(path: str, raw: bytes, *, now: float = NOW) -> Answered:
    call = await open_call(path, raw, now=now)
    sink = ListSink()
    assert await call.pump(sink)
    call.close()
    return Answered(call.head, tuple(sink.pieces))


async def send(path: str, body: dict[str, Any], *, now: float = NOW) -> Answered:
    """Send the body with a model's name, unless it has one."""
    return await send_raw(path, orjson.dumps({"model": "demo", **body}), now=now)
