"""The official SDKs, each asked in its dialect for the same: a text, plain or streamed, with one try."""

from __future__ import annotations

import enum
import importlib
import ssl
from collections.abc import AsyncGenerator, Callable, Mapping
from functools import cache
from typing import Any

import anthropic
import openai

from relay.model import Dialect
from tests.support.running import ACCESS_KEY

MODEL = "m"
ASKED: Mapping[Dialect, Mapping[str, Any]] = {
    Dialect.CHAT: {"messages": [{"role": "user", "content": "Hello"}]},
    Dialect.RESPONSES: {"input": "Hello"},
    Dialect.MESSAGES: {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 99},
}
PATHS: Mapping[Dialect, str] = {
    Dialect.CHAT: "chat/completions",
    Dialect.RESPONSES: "responses",
    Dialect.MESSAGES: "messages",
}
"""Behind /v1/."""


class Form(enum.StrEnum):
    """How an answer is asked for."""

    PLAIN = "plain"
    STREAMED = "streamed"


_HTTPX = importlib.import_module(anthropic.DefaultAsyncHttpxClient.__mro__[1].__module__.partition(".")[0])
"""Which HTTP library it is depends on the SDK's version."""
BREAKS: tuple[type[Exception], ...] = (openai.APIConnectionError, anthropic.APIConnectionError, _HTTPX.TransportError)
"""What a connection that breaks off in a stream raises: anthropic lets the error of its HTTP library through."""


@cache
def _tls() -> ssl.SSLContext:
    """What a client makes for itself, each time anew, though nothing here speaks TLS."""
    return ssl.create_default_context()


def sdk_client(root: str, dialect: Dialect) -> Any:
    """The SDK of a dialect at a root URL. It never tries again by itself."""
    if dialect is Dialect.MESSAGES:
        http = anthropic.DefaultAsyncHttpxClient(verify=_tls())
        return anthropic.AsyncAnthropic(base_url=root, api_key=ACCESS_KEY, max_retries=0, http_client=http)
    http_client = openai.DefaultAsyncHttpxClient(verify=_tls())
    return openai.AsyncOpenAI(base_url=f"{root}/v1", api_key=ACCESS_KEY, max_retries=0, http_client=http_client)


_CREATE: Mapping[Dialect, Callable[[Any], Callable[..., Any]]] = {
    Dialect.CHAT: lambda client: client.chat.completions.create,
    Dialect.RESPONSES: lambda client: client.responses.create,
    Dialect.MESSAGES: lambda client: client.messages.create,
}
_WHOLE: Mapping[Dialect, Callable[[Any], str]] = {
    Dialect.CHAT: lambda answer: answer.choices[0].message.content,
    Dialect.RESPONSES: lambda answer: answer.output_text,
    Dialect.MESSAGES: lambda answer: "".join(block.text for block in answer.content),
}
_PIECE: Mapping[Dialect, Callable[[Any], str]] = {
    Dialect.CHAT: lambda chunk: "".join(choice.delta.content or "" for choice in chunk.choices),
    Dialect.RESPONSES: lambda event: event.delta if event.type == "response.output_text.delta" else "",
    Dialect.MESSAGES: lambda event: event.delta.text if event.type == "content_block_delta" else "",
}


async def texts(root: str, dialect: Dialect, form: Form) -> AsyncGenerator[str]:
    """The answer's text as the SDK gives it. Raises what the SDK raises.

    A plain one comes in one piece. A stream's first piece is empty: its head is there.
    """
    async with sdk_client(root, dialect) as client:
        create = _CREATE[dialect](client)
        if form is Form.PLAIN:
            yield _WHOLE[dialect](await create(model=MODEL, **ASKED[dialect]))
            return
        async with await create(model=MODEL, **ASKED[dialect], stream=True) as stream:
            yield ""
            async for event in stream:
                yield _PIECE[dialect](event)
