"""Every kind of credential is an `api_key` of the official SDKs, and an expired one is what they know it to be."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anthropic
import openai
import pytest

from tests.support.running import ACCESS_KEY
from tests.web.accounts.client import Api, Calendar

Secret = Callable[[Api], Awaitable[str]]


async def access_key(api: Api) -> str:
    return ACCESS_KEY


async def access_token(api: Api) -> str:
    return await api.token()


async def api_key(api: Api) -> str:
    made = await api.call("POST", "/api/keys", {"name": "sdk"}, by=await api.token())
    secret: str = made.data["key"]
    return secret


@pytest.fixture(params=[access_key, access_token, api_key], ids=lambda kind: kind.__name__)
async def secret(request: pytest.FixtureRequest, api: Api) -> str:
    kind: Secret = request.param
    return await kind(api)


async def test_openais_sdk_takes_every_credential(api: Api, secret: str) -> None:
    async with openai.AsyncOpenAI(base_url=api.relay.openai_url, api_key=secret) as client:
        plain = await client.chat.completions.create(model="demo", messages=[{"role": "user", "content": "Hello"}])
        assert plain.choices[0].message.content
        stream = await client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": "Hello"}], stream=True
        )
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        assert text == plain.choices[0].message.content
        assert [model.id async for model in client.models.list()] == ["demo"]


async def test_anthropics_sdk_takes_every_credential(api: Api, secret: str) -> None:
    async with anthropic.AsyncAnthropic(base_url=api.relay.url, api_key=secret) as client:
        plain = await client.messages.create(
            model="demo", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
        )
        async with client.messages.stream(
            model="demo", max_tokens=100, messages=[{"role": "user", "content": "Hello"}]
        ) as stream:
            text = "".join([piece async for piece in stream.text_stream])
    assert plain.content[0].type == "text"
    assert plain.content[0].text == text


async def test_an_expired_token_is_an_authentication_error_to_both(api: Api, calendar: Calendar) -> None:
    token = await api.token()
    calendar.passes(hours=2)
    async with openai.AsyncOpenAI(base_url=api.relay.openai_url, api_key=token) as client:
        with pytest.raises(openai.AuthenticationError):
            await client.chat.completions.create(model="demo", messages=[{"role": "user", "content": "Hello"}])
    async with anthropic.AsyncAnthropic(base_url=api.relay.url, api_key=token) as other:
        with pytest.raises(anthropic.AuthenticationError):
            await other.messages.create(model="demo", max_tokens=9, messages=[{"role": "user", "content": "Hello"}])
