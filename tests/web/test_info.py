"""The probes, what the relay says of itself, 404 and 405, request ids."""

from __future__ import annotations

import re
from typing import Any

import aiohttp
import pytest

from relay.core.health import Phase
from relay.web.info import base_url
from tests.conftest import StartRelay
from tests.support.running import ACCESS_KEY, UPSTREAM_KEY, provider, raw_exchange


async def get(url: str, **headers: str) -> tuple[int, Any]:
    async with aiohttp.request("GET", url, headers=headers) as answer:
        return answer.status, await answer.json()


async def test_health_tells_of_each_provider_and_of_no_key_or_url(start_relay: StartRelay) -> None:
    up = provider("http://upstream.invalid", keys=2)
    up["keys"][1]["enabled"] = False
    relay = await start_relay({"up": up, "off": provider("http://off.invalid", enabled=False)})
    status, document = await get(f"{relay.url}/health")
    assert (status, document["status"], document["uptime_s"] >= 0) == (200, "ok", True)
    assert document["providers"] == {
        "up": {"enabled": True, "keys": 2, "available_keys": 1, "status": "ok"},
        "off": {"enabled": False, "keys": 1, "available_keys": 0, "status": "disabled"},
        "demo": {"enabled": True, "keys": 0, "available_keys": 0, "status": "ok"},
    }
    assert UPSTREAM_KEY not in str(document)
    assert "invalid" not in str(document)


async def test_health_says_when_no_key_can_be_used(start_relay: StartRelay) -> None:
    up = provider("http://upstream.invalid")
    up["keys"][0]["enabled"] = False
    relay = await start_relay({"up": up})
    _, document = await get(f"{relay.url}/health")
    assert document["providers"]["up"]["status"] == "no_available_key"


@pytest.mark.parametrize(("phase", "status"), [(Phase.STARTING, 503), (Phase.SERVING, 200), (Phase.DRAINING, 503)])
async def test_ready_is_for_the_serving_phase_alone_and_live_for_all(
    start_relay: StartRelay, phase: Phase, status: int
) -> None:
    relay = await start_relay()
    relay.state.lifecycle.phase = phase
    assert (await get(f"{relay.url}/health/ready"))[0] == status
    assert (await get(f"{relay.url}/health/live"))[0] == 200


async def test_info_holds_what_a_client_needs_and_no_more(start_relay: StartRelay) -> None:
    relay = await start_relay(server={"public_host": "relay.example.org"})
    _, document = await get(f"{relay.url}/api/info")
    assert document == {
        "name": "monorelay",
        "version": document["version"],
        "base_url": "https://relay.example.org/v1",
        "anthropic_base_url": "https://relay.example.org",
        "access_key_enabled": True,
        "registration": "open",
        "sso": False,
    }


@pytest.mark.parametrize(
    ("public_host", "request_host", "expected"),
    [
        ("https://relay.example.org/", "x", "https://relay.example.org"),
        ("http://relay.example.org/prefix", "x", "http://relay.example.org/prefix"),
        ("relay.example.org", "x", "https://relay.example.org"),
        ("relay.example.org:8443", "x", "http://relay.example.org:8443"),
        ("192.0.2.7", "x", "http://192.0.2.7"),
        ("192.0.2.7:8787", "x", "http://192.0.2.7:8787"),
        ("localhost", "x", "http://localhost"),
        ("[2001:db8::1]:8787", "x", "http://[2001:db8::1]:8787"),
        ("", "relay.lan:8787", "http://relay.lan:8787"),
        ("", "[::1]:8787", "http://[::1]:8787"),
        ("", "", "http://127.0.0.1:8787"),
        ("", 'evil"><script>', "http://127.0.0.1:8787"),
        ("", "user@evil.example", "http://127.0.0.1:8787"),
        ("", "evil.example/path", "http://127.0.0.1:8787"),
    ],
)
def test_the_base_url_is_the_configured_one_or_that_of_the_request(
    public_host: str, request_host: str, expected: str
) -> None:
    assert base_url(public_host, request_host, 8787) == expected


async def test_an_unknown_path_is_a_json_404_with_a_credential(
    start_relay: StartRelay, http: aiohttp.ClientSession
) -> None:
    relay = await start_relay()
    async with http.get(f"{relay.url}/v1/nothing") as answer:
        assert (answer.status, (await answer.json())["error"]["message"]) == (404, "Not found: /v1/nothing")


async def test_another_method_is_a_json_405_that_names_the_right_ones(
    start_relay: StartRelay, http: aiohttp.ClientSession
) -> None:
    relay = await start_relay()
    async with http.get(f"{relay.url}/v1/messages") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")
        assert "allowed: POST" in (await answer.json())["error"]["message"]


async def test_nothing_tells_which_software_serves(start_relay: StartRelay) -> None:
    relay = await start_relay()
    for path in ("/", "/health", "/v1/models", "/v1/nothing"):
        async with aiohttp.request("GET", f"{relay.url}{path}") as answer:
            assert answer.headers["Server"] == "MonoRelay"


async def request_id_of(port: int, sent: str) -> str:
    answer = await raw_exchange(port, f"GET /health HTTP/1.1\r\nHost: x\r\n{sent}\r\n".encode())
    found = re.search(rb"X-Request-Id: (.*)\r\n", answer)
    assert found is not None
    return found[1].decode()


@pytest.mark.parametrize("sent", ["abc", "req_1-2.3:4", "a" * 128])
async def test_a_sane_request_id_is_kept(start_relay: StartRelay, sent: str) -> None:
    relay = await start_relay()
    assert await request_id_of(relay.port, f"X-Request-Id: {sent}\r\n") == sent


@pytest.mark.parametrize("line", ["", "X-Request-Id: a b\r\n", f"X-Request-Id: {'a' * 129}\r\n", "X-Request-Id: ü\r\n"])
async def test_any_other_request_id_is_replaced(start_relay: StartRelay, line: str) -> None:
    relay = await start_relay()
    assert re.fullmatch(r"req_[0-9a-f]{24}", await request_id_of(relay.port, line))


async def test_anthropics_clients_find_the_request_id_under_their_name(start_relay: StartRelay) -> None:
    relay = await start_relay()
    headers = {"x-api-key": ACCESS_KEY, "X-Request-Id": "mine"}
    async with aiohttp.request("POST", f"{relay.url}/v1/messages", data=b"{}", headers=headers) as answer:
        assert (answer.headers["request-id"], answer.headers["X-Request-Id"]) == ("mine", "mine")
        assert (await answer.json())["request_id"] == "mine"
