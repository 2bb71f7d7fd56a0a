"""Options and fixtures of the whole suite."""

from __future__ import annotations

import gc
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Mapping
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import hypothesis
import pytest

from relay.state import World
from tests.support.clients import Callers
from tests.support.running import ACCESS_KEY, RunningRelay, configuration, running_relay
from tests.support.scripted import Script, ScriptedUpstream, scripted_upstream

hypothesis.settings.register_profile("suite", deadline=None)  # A slow machine is no failure.
hypothesis.settings.load_profile("suite")

StartRelay = Callable[..., Awaitable[RunningRelay]]
StartUpstream = Callable[[Script], Awaitable[ScriptedUpstream]]


def pytest_addoption(parser: pytest.Parser) -> None:
    """How much of each heavy proof is run."""
    parser.addoption("--proof-scale", type=float, default=0.1, help="share of each heavy proof that runs (default 0.1)")


def pytest_collection_finish() -> None:
    """What is there by now stays: the official SDKs alone are a million objects, which need not be looked through."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI everything that a test needs is there, so a skipped test is a failed one."""
    report = yield
    if report.skipped and os.environ.get("CI") and not hasattr(report, "wasxfail"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, which CI does not allow: {report.longrepr}"
    return report


@pytest.fixture
def proof_count(request: pytest.FixtureRequest) -> Callable[[int], int]:
    """The number of rounds to run of a proof that has so many in full."""
    scale: float = request.config.getoption("--proof-scale")
    return lambda full: max(1, round(full * scale))


@pytest.fixture
async def start_upstream() -> AsyncIterator[StartUpstream]:
    """Starts scripted upstreams that end with the test."""
    async with AsyncExitStack() as stack:

        async def start(script: Script) -> ScriptedUpstream:
            return await stack.enter_async_context(scripted_upstream(script))

        yield start


@pytest.fixture
async def start_relay() -> AsyncIterator[StartRelay]:
    """Starts relays that end with the test: `await start_relay(providers, section={...})`."""
    async with AsyncExitStack() as stack:

        async def start(
            providers: Mapping[str, Any] | None = None, *, world: World | None = None, **sections: Any
        ) -> RunningRelay:
            return await stack.enter_async_context(running_relay(configuration(providers, **sections), world))

        yield start


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A plain client that sends the access key and decompresses nothing."""
    headers = {"Authorization": f"Bearer {ACCESS_KEY}"}
    async with aiohttp.ClientSession(headers=headers, auto_decompress=False) as session:
        yield session


@pytest.fixture
async def call() -> AsyncIterator[Callers]:
    """Raw clients: `caller = await call(port, request)`."""
    callers = Callers()
    yield callers
    await callers.close()
