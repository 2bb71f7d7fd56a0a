"""Clients on raw sockets, which leave, stall and wait as no SDK would."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from tests.support.running import ACCESS_KEY

CHAT = "/v1/chat/completions"


def chat_request(*, stream: bool = True, model: str = "m", user: str = "", close: bool = False) -> bytes:
    """A whole request; `user` travels in its body, so that an upstream can tell calls apart."""
    flag = "true" if stream else "false"
    body = (
        f'{{"model":"{model}","stream":{flag},"user":"{user}","messages":[{{"role":"user","content":"a"}}]}}'.encode()
    )
    connection = "close" if close else "keep-alive"
    lines = [f"POST {CHAT} HTTP/1.1", "Host: x", f"x-api-key: {ACCESS_KEY}", f"Connection: {connection}"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


@dataclass
class Caller:
    """One connection that has sent a request."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    def leave(self) -> None:
        """Go without a word."""
        self.writer.transport.abort()

    async def rest(self) -> bytes:
        """All that comes until the connection ends, or until an answer's last chunk."""
        received = b""
        while not received.endswith(b"\r\n0\r\n\r\n") and (data := await self.reader.read(65536)):
            received += data
        return received


class Callers:
    """Makes callers, and closes them all in the end."""

    def __init__(self) -> None:
        self._made: list[Caller] = []

    async def __call__(self, port: int, request: bytes, *, limit: int = 65536) -> Caller:
        """Connect and send."""
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=limit)
        writer.write(request)
        self._made.append(Caller(reader, writer))
        return self._made[-1]

    async def close(self) -> None:
        """Close what is still open."""
        for caller in self._made:
            caller.leave()
        await asyncio.gather(*(caller.writer.wait_closed() for caller in self._made), return_exceptions=True)
