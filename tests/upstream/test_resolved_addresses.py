"""A name that leads to where clouds hand out credentials is a provider that can't be reached."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import pytest

from relay.upstream.direct.dialer import Names
from relay.upstream.session.sessions import GuardedResolver

METADATA, OWN = ("169.254.169.254", 80), ("127.0.0.1", 80)


def resolving_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    """Names of this test lead to these addresses; no resolver is asked."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    async def getaddrinfo(*_: Any, **__: Any) -> list[Any]:
        return found

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", getaddrinfo)


async def test_the_own_transport_takes_only_what_may_be_asked(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    names = Names(time.monotonic)
    resolving_to(monkeypatch, METADATA, OWN)
    assert [one[4] for one in await names.addresses("both.example", 80)] == [OWN]
    resolving_to(monkeypatch, METADATA)
    with pytest.raises(PermissionError):
        await names.addresses("evil.example", 80)
    assert "evil.example leads to a metadata address" in caplog.text


async def test_aiohttps_client_takes_only_what_may_be_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    resolver = GuardedResolver()
    resolving_to(monkeypatch, METADATA, OWN)
    assert [one["host"] for one in await resolver.resolve("both.example", 80)] == ["127.0.0.1"]
    resolving_to(monkeypatch, METADATA)
    with pytest.raises(PermissionError):
        await resolver.resolve("evil.example", 80)
