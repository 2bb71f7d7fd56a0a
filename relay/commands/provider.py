"""`monorelay provider test NAME`: what a provider can do, tried. It needs the configuration and no daemon."""

from __future__ import annotations

import argparse
import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

from relay.commands.places import add_config, load_checked
from relay.config.nearest import suggestion
from relay.config.schema import Config
from relay.core.means import Clocks
from relay.core.provider_report import Check, ProviderReport
from relay.core.provider_test import examine
from relay.errors import RelayError
from relay.model import MAX_MODEL_CHARACTERS
from relay.sweep import Sweep, sweeping
from relay.upstream.demo import DemoTransport
from relay.upstream.direct import open_direct
from relay.upstream.providers import DEMO, Provider, build
from relay.upstream.session import SessionTransport, open_sessions
from relay.upstream.transport import Transport

EXIT_FAILED = 1


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("provider", help="providers: test", allow_abbrev=False)
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    testing = acts.add_parser("test", help="try what a provider can do; each check costs a few tokens")
    testing.add_argument("name", metavar="NAME", help="as it is called in the configuration")
    testing.add_argument("--model", type=_model, help="call this one (default: its test_model)")
    add_config(testing)
    testing.set_defaults(run=run)


def _model(text: str) -> str:
    if not (text.isprintable() and 0 < len(text) <= MAX_MODEL_CHARACTERS):
        raise argparse.ArgumentTypeError("that is no name of a model")
    return text


def run(arguments: argparse.Namespace) -> int:
    """Test, a line a check; 1 where one failed. Raises RelayError where there is no such provider."""
    provider = _named(load_checked(arguments.config), arguments.name)
    report = asyncio.run(_examined(provider, arguments.model or ""))
    return EXIT_FAILED if report.has_failed else 0


def _named(config: Config, name: str) -> Provider:
    providers = build(config)
    if name in providers:
        return providers[name]
    if name in config.providers:
        raise RelayError(f"provider {name!r} is switched off: set enabled: true to test it")
    raise RelayError(f"there is no provider {name!r}{suggestion(name, providers)}")


async def _examined(provider: Provider, model: str) -> ProviderReport:
    clocks = Clocks(lambda: datetime.now(UTC), time.monotonic, random.random, asyncio.sleep)
    async with _open_transport(provider) as transport:
        return await examine(provider, transport, clocks, model=model, tell=_show)


def _show(check: Check) -> None:
    name = check.name if check.dialect is None else f"{check.dialect} {check.name}"
    print(f"{check.verdict:<11}  {name:<16}  {check.duration_ms:>6} ms  {check.message}".rstrip(), flush=True)


@asynccontextmanager
async def _open_transport(provider: Provider) -> AsyncIterator[Transport]:
    """The one that the daemon would use for it."""
    async with AsyncExitStack() as stack:
        sweep = Sweep()
        await stack.enter_async_context(sweeping(sweep))
        if provider.name == DEMO:
            yield DemoTransport(time.time)
        elif provider.http_client == "aiohttp":
            yield SessionTransport(await stack.enter_async_context(open_sessions()), sweep)
        else:
            yield await stack.enter_async_context(open_direct(sweep))
