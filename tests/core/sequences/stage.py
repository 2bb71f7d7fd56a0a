"""All that the daemon builds for the way of a call, but the network: one site after the other over one memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import cast

import orjson

from relay.core.admission import Admission, AdmissionRule, BodyBudget
from relay.core.attempt import PlainAnswer
from relay.core.calls import RelayRequest
from relay.core.catalog import catalog_of
from relay.core.endpoints import ENDPOINTS
from relay.core.ledger import Ledger
from relay.core.live_calls import LiveCalls
from relay.core.means import Clocks, Memory, means_of
from relay.core.metrics import CallCounter, CallTallies, ModelLabels
from relay.core.relay import Relay
from relay.core.stream import RelayStream
from relay.core.trail import Trail
from relay.core.turns import Turns
from relay.core.waiting_line import WaitingLines
from relay.errors import UpstreamError
from relay.sweep import NEVER, Sweep
from relay.upstream.keyring import KeyMemory, RingMemory, snapshot
from relay.upstream.providers import build
from relay.web.body import BodyLimits
from relay.web.keepalive import Silence
from relay.web.relayed import Desk, RelayedEndpoint
from tests.core.fakes import NOW
from tests.core.sequences.asks import Call
from tests.core.sequences.facts import Facts
from tests.core.sequences.model import Model
from tests.core.sequences.upstream import Upstream
from tests.support.running import MemoryStore, Told


class WatchedRelay(Relay):
    """Tells of every call that it gives up."""

    calls: Mapping[int, Call]
    gives_up: Callable[[Call], None]

    async def open(self, request: RelayRequest, trail: Trail) -> PlainAnswer | RelayStream:
        """See Relay.open."""
        try:
            return await super().open(request, trail)
        except UpstreamError:
            self.gives_up(self.calls[int(request.body["metadata"]["call"])])
            raise


class Stage:
    """One process, which may be started anew."""

    def __init__(self, chance: Random, upstream: Upstream, gives_up: Callable[[Call], None]) -> None:
        self._upstream = upstream
        self._gives_up = gives_up
        loop = asyncio.get_running_loop()
        random = Random(chance.random())
        self.now_s = loop.time
        self.clocks = Clocks(lambda: NOW + timedelta(seconds=loop.time()), loop.time, random.random, self._sleep)
        self.memory = Memory()
        self.lines = WaitingLines()
        self.store, self.told = MemoryStore(), Told()
        self.ledger = Ledger(self.store, self.told.tell)
        self.sweep = Sweep(loop.time)
        self.live_calls = LiveCalls()
        rule = AdmissionRule(3, 2, 2) if chance.random() < 0.05 else AdmissionRule()
        self.is_narrow = rule.max_in_flight < 10
        self.admission = Admission(rule)
        self.body_budget = BodyBudget()
        self._silence = Silence(chance.choice((NEVER, NEVER, 5)), 5)
        self._known: list[KeyMemory] = []
        """All that was ever known of keys, be it forgotten by now."""

    async def _sleep(self, delay_s: float) -> None:
        with self._sleeping():
            await asyncio.sleep(delay_s)

    @contextmanager
    def _sleeping(self) -> Iterator[None]:
        task = asyncio.current_task()
        call = next(call for call in self._upstream.calls.values() if any(ask.racer is task for ask in call.asks))
        call.is_sleeping = call.has_slept = True
        try:
            yield
        finally:
            call.is_sleeping = False

    def endpoint(self, facts: Facts) -> RelayedEndpoint:
        """A site of this configuration: what is remembered stays."""
        config = facts.config()
        providers = build(config)
        means = means_of(config, providers, self.memory, self.clocks)
        self._known += [known for ring in self.memory.rings.values() for known in ring.keys.values()]
        turns = Turns(means, self.clocks, self.lines, config.key_selection.queue_s)
        catalog = catalog_of(config, providers, ("demo",))
        relay = WatchedRelay(catalog, means, lambda provider: self._upstream, self.clocks, turns)
        relay.calls, relay.gives_up = self._upstream.calls, self._gives_up
        (chat, *_) = ENDPOINTS
        return RelayedEndpoint(chat, self._desk(relay, CallCounter(CallTallies(), ModelLabels(catalog))))

    def _desk(self, relay: Relay, counter: CallCounter) -> Desk:
        now_s = self.clocks.clock_s
        return Desk(
            relay,
            self.admission,
            self.ledger,
            counter,
            self.live_calls,
            BodyLimits(2**20, 30, self.body_budget, now_s),
            self._silence,
            self.sweep,
            now_s,
            self.clocks.now,
            lambda: cast("asyncio.Task[None]", asyncio.current_task()).get_name(),
            lambda request: "192.0.2.1",
        )

    def start_anew(self) -> None:
        """As after the end of the process: of keys it is known what the store has kept, of all else nothing."""
        kept = self.memory
        self.memory, self.lines = Memory(), WaitingLines()
        for name, ring in kept.rings.items():
            keys = {
                label: snapshot.read(known.fingerprint, orjson.loads(orjson.dumps(snapshot.written(known))))
                for label, known in ring.keys.items()
            }
            self.memory.rings[name] = RingMemory(keys=keys)

    def assert_empty(self, model: Model) -> None:
        """No call is under way, and nothing is held. The model is told what is."""
        memory, targets = self.memory, {ask.target for call in self._upstream.calls.values() for ask in call.asks}
        breakers = (*memory.breakers.targets.values(), *memory.breakers.providers.values())
        held = {
            "uses of keys": sum(abs(known.meters.in_flight) for known in self._known),
            "trials of keys": sum(known.standing.is_on_trial for known in self._known),
            "trials of targets": sum(breaker.trial is not None for breaker in breakers),
            "calls at providers": sum(abs(memory.meters.provider(target.provider).in_flight) for target in targets),
            "calls at targets": sum(abs(memory.meters.busy(target)) for target in targets),
            "places in line": len(self.lines),
            "slots": self.admission.in_flight + self.admission.waiting,
            "bytes of bodies": self.body_budget.held_bytes,
            "live calls": len(self.live_calls),
            "watches": len(self.sweep),
            "requests without a head": self._upstream.pending,
            "open answers": sum(not call.is_closed for call in self._upstream.opened),
            "providers that wait": len(self._upstream.gates),
        }
        for what, count in held.items():
            if count:
                model.object(f"{count} {what} are left")
