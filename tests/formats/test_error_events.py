"""A break that is told: the last event is the error, and the official SDKs raise it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import anthropic
import httpx2
import openai
import pytest

from relay import faults
from relay.errors import UpstreamError
from relay.formats.registry import DIALECTS
from relay.formats.sse import read_event
from relay.model import Dialect
from tests.formats import reference
from tests.formats.streams import Golden, each, every_golden, every_whole_golden, goldens, single_bytes

USER: Any = [{"role": "user", "content": "Hello"}]


def answering(stream: bytes) -> httpx2.Client:
    """An HTTP client for an SDK, whose every answer is this stream."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, content=stream, request=request)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def read_chat(stream: bytes) -> list[Any]:
    with openai.OpenAI(api_key="any", max_retries=0, http_client=answering(stream)) as client:
        return list(client.chat.completions.create(model="m", messages=USER, stream=True))


def read_responses(stream: bytes) -> list[Any]:
    with openai.OpenAI(api_key="any", max_retries=0, http_client=answering(stream)) as client:
        return list(client.responses.create(model="m", input="Hello", stream=True))


def read_messages(stream: bytes) -> list[Any]:
    with anthropic.Anthropic(api_key="any", max_retries=0, http_client=answering(stream)) as client:
        return list(client.messages.create(model="m", messages=USER, max_tokens=5, stream=True))


READERS: dict[Dialect, Callable[[bytes], list[Any]]] = {
    Dialect.CHAT: read_chat,
    Dialect.RESPONSES: read_responses,
    Dialect.MESSAGES: read_messages,
}
ERRORS: dict[Dialect, type[Exception]] = {
    Dialect.CHAT: openai.APIError,
    Dialect.RESPONSES: openai.APIError,
    Dialect.MESSAGES: anthropic.APIError,
}
"""What each dialect's SDK raises for an error within a stream."""


@cache
def broken(golden: Golden) -> list[bytes]:
    """All that a client can get of a stream whose connection is reset somewhere before its end."""
    transform, out = golden.passing(), b""
    sent: dict[bytes, bytes] = {}
    for piece in single_bytes(golden.stream):
        out += transform.feed(piece)
        if transform.has_begun and not transform.has_ended and out not in sent:
            sent[out] = out + (transform.error_event(faults.disconnected().facts) or b"")
    return list(sent.values())


@every_golden
def test_whatever_was_sent_the_last_event_is_the_error(golden: Golden) -> None:
    for sent in broken(golden):
        last = reference.read(sent)[-1]
        is_the_providers_own = golden.has_an_error and sent == golden.stream
        assert is_the_providers_own or b"The provider's answer broke off." in (last.data or b"")


@every_golden
def test_an_error_event_damages_no_event_before_it(golden: Golden) -> None:
    whole = reference.read(golden.stream)
    for sent in broken(golden):
        before = reference.read(sent)[:-1]
        assert before == whole[: len(before)]


@each(golden for golden in goldens() if not golden.has_an_error)
def test_the_sdk_raises_wherever_the_stream_breaks(golden: Golden) -> None:
    for sent in broken(golden):
        with pytest.raises(ERRORS[golden.dialect], match="The provider's answer broke off"):
            READERS[golden.dialect](sent)


@every_whole_golden
def test_the_sdk_reads_the_whole_stream_without_an_error(golden: Golden) -> None:
    assert len(READERS[golden.dialect](golden.stream)) > 0


@each(golden for golden in goldens() if golden.has_an_error)
def test_the_sdk_raises_for_the_error_that_a_provider_sent(golden: Golden) -> None:
    with pytest.raises(ERRORS[golden.dialect]):
        READERS[golden.dialect](golden.stream)


@pytest.mark.parametrize("dialect", list(DIALECTS))
@pytest.mark.parametrize("fault", [faults.truncated, faults.idle_timeout, lambda: faults.event_too_large(1)])
def test_the_sdk_raises_for_an_error_event_alone(dialect: Dialect, fault: Callable[[], UpstreamError]) -> None:
    facts = fault().facts
    event = DIALECTS[dialect].error_event(facts, "req_1", b"")
    assert read_event(event).data is not None
    with pytest.raises(ERRORS[dialect]) as caught:
        READERS[dialect](event)
    assert facts.message in str(caught.value)
