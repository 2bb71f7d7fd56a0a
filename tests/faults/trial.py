"""One row made to happen: providers, a relay before them, an official SDK that calls, and what was seen of it.

up      two keys; the fault
other   one key; the fault as well, or a good answer
third   one key; the same. Not there where another key of `up` may be tried: three tries are all that there are.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anthropic
import openai

from relay.model import CallRecord, Dialect, Target
from relay.state import World
from tests.faults.clock import NOW
from tests.faults.row import COUNTS, DOUBTED, REJECTED, UNTOUCHED, Fault, Row, Unreachable
from tests.faults.scripts import good
from tests.support.running import RunningRelay, configuration, provider, running_relay
from tests.support.scripted import scripted_upstream
from tests.support.sdks import BREAKS, MODEL, Form, texts

WORLD = World(now=lambda: NOW, random=lambda: 0.0)
KEYS = [{"key": "sk-1", "label": "key-1"}, {"key": "sk-2", "label": "key-2"}]
"""Short ones: a relay prepares to find its secrets in whatever a provider says, which takes longest at its start."""
TARGET = Target("up", MODEL)
SDK_ERRORS: tuple[type[Exception], ...] = (
    openai.OpenAIError,
    anthropic.AnthropicError,
    json.JSONDecodeError,
    *BREAKS,
)
"""The third is what both let through where an event is no JSON."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What an SDK gave its program."""

    text: str
    """As much as came."""
    error: Exception | None
    """None: it returned."""


async def heard(
    root: str, dialect: Dialect, form: Form, *, at_each: Callable[[str], Awaitable[None]] | None = None
) -> Heard:
    """Call, and read all that comes; `at_each` is called with each piece before more is read."""
    text = ""
    try:
        async with aclosing(texts(root, dialect, form)) as pieces:
            async for piece in pieces:
                text += piece
                if at_each is not None:
                    await at_each(piece)
    except SDK_ERRORS as error:
        return Heard(text, error)
    return Heard(text, None)


@asynccontextmanager
async def at_fault(row: Fault | Unreachable, form: Form, dialect: Dialect) -> AsyncIterator[str]:
    """Where the fault is met, each time: a URL."""
    if isinstance(row, Unreachable):
        with row.place() as url:
            yield url
        return
    async with scripted_upstream(row.script(dialect, form)) as upstream:
        yield upstream.url


@asynccontextmanager
async def at_work(form: Form, dialect: Dialect) -> AsyncIterator[str]:
    """Where good answers are had: a URL."""
    async with scripted_upstream(good(dialect, form)) as upstream:
        yield upstream.url


@asynccontextmanager
async def relay_before(
    row: Row,
    dialect: Dialect,
    *,
    up: str,
    others: str = "",
    patience: Mapping[str, float] | None = None,
    server: Mapping[str, float] | None = None,
) -> AsyncIterator[RunningRelay]:
    """A relay before providers at these URLs; `patience` is the `timeout` of those which are where `up` is."""
    names = ("up", "other") if row.tries in ("k, u", "none") else ("up", "other", "third")
    kind = "anthropic" if dialect is Dialect.MESSAGES else "openai"
    options: dict[str, Any] = {"kind": kind, "models": {"include": [MODEL]}, "retry": {"backoff_max": 0}}
    providers = {name: provider(others or up, **options) | {"keys": KEYS[:1]} for name in names[1:]}
    if others == up:
        for other in providers.values():
            other["timeout"] = dict(patience or {})
    providers = {"up": provider(up, timeout=dict(patience or {}), **options) | {"keys": KEYS}, **providers}
    async with running_relay(configuration(providers, server=dict(server or {})), WORLD) as relay:
        yield relay


@dataclass(frozen=True, slots=True)
class Seen:
    """What came of a call: what the SDK gave, what was recorded, what the relay keeps in mind."""

    heard: Heard
    record: CallRecord
    key: str
    target: str
    in_flight: int


async def seen(
    row: Fault | Unreachable,
    form: Form,
    dialect: Dialect,
    *,
    up: str,
    others: str,
    at_each: Callable[[str], Awaitable[None]] | None = None,
    server: Mapping[str, float] | None = None,
) -> Seen:
    """Call once, behind as many calls as the row says. Each call leaves one record."""
    calls = 1 + (row.calls_before if isinstance(row, Fault) else 0)
    async with relay_before(row, dialect, up=up, others=others, patience=row.timeout, server=server) as relay:
        last = [await heard(relay.url, dialect, form, at_each=at_each) for _ in range(calls)][-1]
        records = await relay.records(calls)
        found = Seen(last, records[-1], standing_of_first_key(relay), standing_of_target(relay), in_flight(relay))
    assert len(relay.store.records) == calls
    return found


def attempts_of(record: CallRecord) -> tuple[str, ...]:
    """Who was asked with which key, in order."""
    return tuple(f"{attempt.target.provider} {attempt.key_label}" for attempt in record.attempts)


def standing_of_first_key(relay: RunningRelay) -> str:
    """In the words of the table."""
    standing = relay.state.memory.rings["up"].keys["key-1"].standing
    if standing.is_rejected:
        return REJECTED
    rest_s = standing.rests_until_s - NOW.timestamp()
    if rest_s > 0:
        return f"rests {round(rest_s, 3):g} s"
    return DOUBTED if standing.failures else UNTOUCHED


def standing_of_target(relay: RunningRelay) -> str:
    """In the words of the table."""
    breakers = relay.state.memory.breakers
    if (whole := breakers.providers.get(TARGET.provider)) is not None:
        return f"rests {whole.open_until_s - NOW.timestamp():g} s"
    return COUNTS if TARGET in breakers.targets else UNTOUCHED


def in_flight(relay: RunningRelay) -> int:
    """Slots of keys, targets, providers, and calls as such that are not freed: 0 behind every call."""
    memory, names = relay.state.memory, list(relay.config.providers)
    keys = sum(known.meters.in_flight for ring in memory.rings.values() for known in ring.keys.values())
    targets = sum(memory.meters.busy(Target(name, MODEL)) for name in names)
    providers = sum(memory.meters.provider(name).in_flight for name in names)
    return keys + targets + providers + len(relay.state.live_calls)
