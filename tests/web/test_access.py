"""Who may pass: credentials in every form, and the 401 to the letter."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy

from relay.core.refusals import Kind
from relay.state import World
from relay.web.middleware.access import credential
from tests.conftest import StartRelay
from tests.support.running import ACCESS_KEY, raw_exchange

UNAUTHORIZED = b'{"error": {"message": "Unauthorized", "type": "auth_error"}}'
CALL = b'{"model":"demo","messages":[{"role":"user","content":"hi"}]}'
PROTECTED = [
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/responses",
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/embeddings",
    "/v1/moderations",
]

ACCEPTED = {
    "bearer": {"Authorization": f"Bearer {ACCESS_KEY}"},
    "bearer in lower case": {"authorization": f"bearer {ACCESS_KEY}"},
    "bearer in capitals": {"Authorization": f"BEARER {ACCESS_KEY}"},
    "bearer with more space": {"Authorization": f"Bearer   {ACCESS_KEY}"},
    "x-access-key": {"X-Access-Key": ACCESS_KEY},
    "x-access-key beside another Authorization": {"X-Access-Key": ACCESS_KEY, "Authorization": "Basic Zm9vOmJhcg=="},
    "x-api-key": {"x-api-key": ACCESS_KEY},
    "api-key": {"api-key": ACCESS_KEY},
    "bearer beside a wrong x-api-key": {"Authorization": f"Bearer {ACCESS_KEY}", "x-api-key": "wrong"},
    "x-api-key beside a wrong api-key": {"x-api-key": ACCESS_KEY, "api-key": "wrong"},
}
REFUSED = {
    "nothing": {},
    "a wrong key": {"Authorization": "Bearer wrong"},
    "the key cut short": {"Authorization": f"Bearer {ACCESS_KEY[:-1]}"},
    "the key and more": {"Authorization": f"Bearer {ACCESS_KEY}0"},
    "an empty bearer": {"Authorization": "Bearer "},
    "an empty header": {"Authorization": ""},
    "no scheme": {"Authorization": ACCESS_KEY},
    "basic": {"Authorization": "Basic " + base64.b64encode(ACCESS_KEY.encode()).decode()},
    "a bearer twice in one": {"Authorization": f"Bearer Bearer {ACCESS_KEY}"},
    "x-access-key with a scheme": {"X-Access-Key": f"Bearer {ACCESS_KEY}"},
    "a wrong x-access-key over a good bearer": {"X-Access-Key": "wrong", "Authorization": f"Bearer {ACCESS_KEY}"},
    "an empty x-access-key over a good bearer": {"X-Access-Key": "", "Authorization": f"Bearer {ACCESS_KEY}"},
    "a wrong bearer over a good x-api-key": {"Authorization": "Bearer wrong", "x-api-key": ACCESS_KEY},
    "basic over a good x-api-key": {"Authorization": "Basic Zm9vOmJhcg==", "x-api-key": ACCESS_KEY},
    "a wrong x-api-key over a good api-key": {"x-api-key": "wrong", "api-key": ACCESS_KEY},
    "a cookie": {"Cookie": f"access_key={ACCESS_KEY}"},
    "a very long key": {"x-api-key": "k" * 8000},
    "SQL (LiteLLM, CVE-2026-42208)": {"Authorization": "Bearer ' OR '1'='1' --"},
    "SQL in the shape of an API key": {"x-api-key": "sk-mr-' UNION SELECT digest FROM api_keys; --       "},
}


@pytest.mark.parametrize("headers", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_the_access_key_is_accepted_in_this_header(start_relay: StartRelay, headers: dict[str, str]) -> None:
    relay = await start_relay()
    async with aiohttp.request("POST", f"{relay.openai_url}/chat/completions", data=CALL, headers=headers) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("headers", REFUSED.values(), ids=REFUSED.keys())
async def test_anything_else_is_the_same_401(start_relay: StartRelay, headers: dict[str, str]) -> None:
    relay = await start_relay()
    async with aiohttp.request("POST", f"{relay.openai_url}/chat/completions", data=CALL, headers=headers) as answer:
        assert (answer.status, await answer.read()) == (401, UNAUTHORIZED)
        assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", [*PROTECTED, "/v1/nothing", "/api/users", "/metrics", "/v1/models/x/y"])
@pytest.mark.parametrize("method", ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "TRACE"])
async def test_every_other_route_and_method_is_the_same_401_without_a_credential(
    start_relay: StartRelay, method: str, path: str
) -> None:
    if path.startswith("/v1/models/") and method in ("GET", "HEAD"):
        return  # Public; the name may hold slashes.
    relay = await start_relay()
    async with aiohttp.request(method, f"{relay.url}{path}") as answer:
        body = await answer.read()
        assert (answer.status, body) == (401, b"" if method == "HEAD" else UNAUTHORIZED)


async def test_a_disabled_access_key_matches_nothing(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"access_key_enabled": False})
    async with aiohttp.request(
        "POST", f"{relay.openai_url}/chat/completions", headers={"x-api-key": ACCESS_KEY}
    ) as answer:
        assert (answer.status, await answer.read()) == (401, UNAUTHORIZED)


@pytest.mark.parametrize("presented", ["", "x"])
async def test_no_key_configured_matches_nothing(start_relay: StartRelay, presented: str) -> None:
    relay = await start_relay(server={"access_key": ""})
    headers = {"Authorization": f"Bearer {presented}", "X-Access-Key": presented}
    async with aiohttp.request("POST", f"{relay.openai_url}/chat/completions", headers=headers) as answer:
        assert answer.status == 401


async def test_each_of_several_keys_works_until_it_expires(start_relay: StartRelay) -> None:
    keys = [
        {"name": "old", "key": "key-that-expired-000000", "expires_at": "2026-01-01T00:00:00Z"},
        {"name": "new", "key": "key-that-is-good-000000", "expires_at": "2026-01-01T00:00:01Z"},
        {"name": "ever", "key": "key-that-stays-00000000"},
    ]
    world = World(now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
    relay = await start_relay(server={"access_key": keys}, world=world)
    found = {}
    for key in keys:
        async with aiohttp.request(
            "POST", f"{relay.openai_url}/chat/completions", data=CALL, headers={"x-api-key": key["key"]}
        ) as answer:
            found[key["name"]] = answer.status
    assert found == {"old": 401, "new": 200, "ever": 200}


async def test_a_header_that_is_sent_twice_is_refused(start_relay: StartRelay) -> None:
    relay = await start_relay()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Length: {len(CALL)}\r\n"
    twice = f"Authorization: Bearer {ACCESS_KEY}\r\n" * 2
    answer = await raw_exchange(relay.port, f"{head}{twice}\r\n".encode() + CALL)
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_wrong_credentials_are_counted_and_told_without_what_they_were(
    start_relay: StartRelay, caplog: pytest.LogCaptureFixture
) -> None:
    relay = await start_relay()
    wrong = {"x-api-key": "wrong-canary", "X-Forwarded-For": "203.0.113.7"}
    for path in ("/v1/chat/completions", "/api/nothing"):
        async with aiohttp.request("POST", f"{relay.url}{path}", headers=wrong) as answer:
            assert answer.status == 401
    async with aiohttp.request("GET", f"{relay.url}/v1/models", headers=wrong) as answer:
        assert answer.status == 200  # Where none is needed, a bad one counts as none.
    async with aiohttp.request("POST", f"{relay.url}/v1/chat/completions") as answer:
        assert answer.status == 401
    assert relay.state.refusals.counts == {Kind.ACCESS_KEY: 2}
    assert "no valid access key, from 127.0.0.1; 2 of these since the start" in caplog.messages
    assert "wrong-canary" not in caplog.text


@pytest.mark.proof
async def test_ten_thousand_bad_auth_headers_give_only_400_and_401(
    start_relay: StartRelay, proof_count: Callable[[int], int]
) -> None:
    relay = await start_relay()
    names = st.sampled_from(["Authorization", "X-Access-Key", "x-api-key", "api-key"])
    values = st.one_of(
        st.binary(max_size=200),
        st.binary(max_size=40).map(lambda tail: b"Bearer " + tail),
        st.sampled_from(
            [b"\x80", b"\xff" * 100, b"Bearer \x00", b"k" * 8000, b"\t", b"Bearer\t" + ACCESS_KEY.encode()]
        ),
    )
    requests: list[list[tuple[str, bytes]]] = []

    @settings(max_examples=proof_count(10_000), database=None, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(st.tuples(names, values), min_size=1, max_size=3))
    def collect(headers: list[tuple[str, bytes]]) -> None:
        requests.append(headers)

    collect()
    for headers in requests:
        lines = b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers)
        answer = await raw_exchange(relay.port, b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n" + lines + b"\r\n")
        assert answer[9:12] in (b"400", b"401"), (headers, answer)


def headers_of(*pairs: tuple[str, str]) -> CIMultiDictProxy[str]:
    return CIMultiDictProxy(CIMultiDict(pairs))


def test_no_header_is_no_credential() -> None:
    assert credential(headers_of()) is None
