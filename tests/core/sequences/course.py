"""One sequence: calls, answers, clients that leave, time and reloads, in an order by chance.

Each step draws from a chance of its own, so that a sequence without some of its steps is a sequence as well.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from random import Random

from relay.errors import StoreError
from tests.core.sequences import replies
from tests.core.sequences.asks import Ask, Call
from tests.core.sequences.client import Manners, request_of
from tests.core.sequences.drawing import Drawer
from tests.core.sequences.model import Model
from tests.core.sequences.records import look_at
from tests.core.sequences.replies import Reply
from tests.core.sequences.stage import Stage
from tests.core.sequences.upstream import GO_ON, Answering, Upstream
from tests.support.virtual_time import VirtualLoop

STORM = "storm"
MOODS = (replies.good, replies.at_fault, replies.limited, replies.no_answer, replies.wrong_key, replies.broken_later)


class Course:
    """Runs once."""

    def __init__(self, loop: VirtualLoop, seed: int, steps: Sequence[int]) -> None:
        self._loop = loop
        self._seed = seed
        self._steps = steps
        self.story: list[str] = []
        """What happened, for whoever has to find out why."""
        self._drawer = Drawer()
        self._moods: dict[str, Callable[[Random, float, bool], Reply]] = {}
        """How providers and keys (by secret) answer as a rule, for a while."""
        chance = self._chance("beginning")
        self._facts = self._drawer.facts(chance)
        self._calls: dict[int, Call] = {}
        self.model = Model(loop.time, self._note, self._calls)
        self._upstream = Upstream(self._calls, self.model, self._answering)
        self._stage = Stage(chance, self._upstream, self.model.gives_up)
        self._endpoint = self._stage.endpoint(self._facts)
        self._was_cut = False

    def _chance(self, what: object) -> Random:
        return Random(f"{self._seed}/{what}")

    def _note(self, what: str) -> None:
        self.story.append(f"{self._loop.time():.3f} {what}")

    async def run(self) -> None:
        """All steps, and the end of all calls. The model then tells what it objects to."""
        async with self._stage.ledger.keeping():
            for step in self._steps:
                chance = self._chance(step)
                (act,) = chance.choices(list(ACTS), list(ACTS.values()))
                self._note(f"--- step {step}: {act.__name__}")
                self.model.met[act.__name__] += 1
                await act(self, chance)
                await self._breathe(chance)
                if self.model.objections:
                    break
            await self._end(self._chance("end"))
        self._look_at_the_end()

    def _look_at_the_end(self) -> None:
        for context in self._loop.unforeseen:
            self.model.object(f"asyncio says: {context}")
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            self.model.object(f"a task is left: {task}")
        look_at(self.model, self._calls.values(), self._stage, was_cut=self._was_cut)

    async def _breathe(self, chance: Random) -> None:
        """Let all go on as far as they can, or a little."""
        if chance.random() < 0.75:
            await self._settled()
        else:
            await self._turns(chance.randint(0, 6))

    async def _settled(self) -> None:
        await self._loop.settled()
        if not self._stage.is_narrow:  # Else they may wait to be let in at all.
            self.model.look_at_those_who_wait()
        self.model.look_at_those_who_lost()

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    # What may happen

    async def calls_come(self, chance: Random) -> None:
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            names = [*self._facts.aliases] * 3 + [f"m0@{name}" for name in self._facts.providers]
            manners = Manners(
                chance.choice(("", "", "red", "blue")),
                chance.randint(0, 4) if chance.random() < 0.1 else None,
                chance.choice((0.01, 1, 20)) if chance.random() < 0.1 else 0,
            )
            self._call(chance.choice(names), manners, is_stream=chance.random() < 0.6)

    def _call(self, name: str, manners: Manners, *, is_stream: bool) -> None:
        number = len(self._calls) + 1
        call = self._calls[number] = Call(number, name, is_stream, self._facts, self._loop.time())
        self._note(f"call {number} for {name}{' as a stream' if is_stream else ''}, {manners}")
        endpoint = self._endpoint

        async def served() -> None:
            call.has_come = True
            await endpoint.post(request_of(call, manners, self._loop.time()))

        call.task = self._loop.create_task(served(), name=str(number))

    async def a_provider_goes_on(self, chance: Random) -> None:
        gates = self._upstream.gates
        if gates:
            gate = chance.choice(gates)
            gate.open(GO_ON if gate.has_head else self._answer(chance, gate.ask))

    async def all_providers_go_on(self, chance: Random) -> None:
        gates = list(self._upstream.gates)
        chance.shuffle(gates)
        for gate in gates:
            gate.open(GO_ON if gate.has_head else self._answer(chance, gate.ask))

    async def time_passes(self, chance: Random) -> None:
        wait_s = self._pause_s(chance)
        self._note(f"{wait_s:.3f} s pass")
        if wait_s > 60:
            self._stage.store.broken = None  # The ledger would try again each second.
        await asyncio.sleep(wait_s)

    def _pause_s(self, chance: Random) -> float:
        """Milliseconds to days, and often to where something changes."""
        kind = chance.random()
        if kind < 0.3 and (moments := sorted(self._moments())):
            moment = moments[min(int(chance.expovariate(1)), len(moments) - 1)]
            return max(0.0, moment - self._loop.time() + chance.choice((-0.01, 0.0, 0.002, 0.01, 1)))
        low, high = (
            (-3.0, -1.0) if kind < 0.45 else (-1.0, 1.5) if kind < 0.8 else (1.5, 3.6) if kind < 0.95 else (3.6, 5.5)
        )
        return round(10 ** chance.uniform(low, high), 3)

    def _moments(self) -> Iterator[float]:
        model = self.model
        known = [key.rests_until_s for key in model.keys.values()] + [
            key.doubted_until_s for key in model.keys.values()
        ]
        known += [rest.out_until_s for rest in model.targets.values()]
        known += [provider.rest.out_until_s for provider in model.providers.values()]
        known += [key.expires_s for provider in self._facts.providers.values() for key in provider.keys]
        return (moment for moment in set(known) if self._loop.time() < moment < 1e7)

    async def a_client_leaves(self, chance: Random) -> None:
        """At any moment, such as just when a provider goes on."""
        if chance.random() < 0.5:
            await self.a_provider_goes_on(chance)
            await self._turns(chance.randint(0, 5))
        live = [call for call in self._calls.values() if call.task is not None and not call.task.done()]
        if live:
            self._leave(chance.choice(live))
            if chance.random() < 0.1:
                await self._turns(chance.randint(0, 3))
                self._leave(chance.choice(live))

    def _leave(self, call: Call) -> None:
        self._note(f"the client of call {call.number} leaves")
        if call.task is not None:
            call.task.cancel()

    async def the_file_changes(self, chance: Random) -> None:
        self._facts = self._drawer.changed(chance, self._facts, self._loop.time())
        self._note(f"reload: {self._facts}")
        self._endpoint = self._stage.endpoint(self._facts)

    async def the_process_starts_anew(self, chance: Random) -> None:
        await self._all_leave()
        self._stage.assert_empty(self.model)
        self._stage.start_anew()
        self.model.restarted()
        self._endpoint = self._stage.endpoint(self._facts)

    async def moods_change(self, chance: Random) -> None:
        for name, provider in self._facts.providers.items():
            for whose in (name, *(key.secret for key in provider.keys)):
                self._moods.pop(whose, None)
                if chance.random() < 0.4:
                    self._moods[whose] = chance.choice(MOODS)

    async def streams_were_measured(self, chance: Random) -> None:
        """So many that it is known what is late."""
        now_s = self._stage.clocks.now().timestamp()
        for name, alias in self._facts.aliases.items():
            for target in self._facts.targets(name) if alias.percentile else ():
                took_s = chance.choice((0.01, 0.5, 3))
                for _ in range(20):
                    self._stage.memory.meters.first_token(target, took_s, now_s)

    async def deadlines_are_looked_at(self, chance: Random) -> None:
        self._stage.sweep.tick()

    async def the_store_goes_or_comes(self, chance: Random) -> None:
        self._stage.store.broken = StoreError("it is gone") if self._stage.store.broken is None else None

    async def a_storm(self, chance: Random) -> None:
        """Many calls at once for a provider that fails them all."""
        self._facts = self._drawer.storm(self._facts, STORM)
        self._endpoint = self._stage.endpoint(self._facts)
        self._moods = {STORM: replies.at_fault}
        for _ in range(chance.choice((25, 40, 40, 180))):
            self._call(f"m0@{STORM}", Manners(), is_stream=False)
        await asyncio.sleep(chance.uniform(0.1, 3))

    # How providers answer

    def _answering(self, ask: Ask) -> Answering:
        chance = self._chance(f"ask {ask.number}")
        if ask.target.provider == STORM:
            return Answering(self._reply(chance, ask))
        if chance.random() < 0.5:
            return Answering(None)
        after_s = 0 if chance.random() < 0.7 else round(10 ** chance.uniform(-2, 1.5), 3)
        return self._answer(chance, ask, after_s)

    def _answer(self, chance: Random, ask: Ask, after_s: float = 0) -> Answering:
        return Answering(self._reply(chance, ask), after_s, is_stepwise=chance.random() < 0.3)

    def _reply(self, chance: Random, ask: Ask) -> Reply:
        mood = self._moods.get(ask.target.provider) or (self._moods.get(ask.key.secret) if ask.key else None)
        kind = mood if mood is not None and chance.random() < 0.85 else replies.any_reply
        reply = kind(chance, self._loop.time(), ask.call.is_stream)
        self._note(f"{ask}: it will answer: {reply.name}")
        return reply

    # The end

    async def _end(self, chance: Random) -> None:
        """All calls end: by themselves, since their clients leave, or since the process does."""
        how = chance.random()
        self._note("--- the end")
        if how < 0.4:
            await self._all_leave()
        elif how < 0.6:
            self._was_cut = True
            self._stage.live_calls.cut()
            await self._all_end()
        else:
            await self._all_end()
        self._stage.assert_empty(self.model)

    async def _all_leave(self) -> None:
        for call in self._calls.values():
            if call.task is not None and not call.task.done():
                self._leave(call)
        await self._all_end()

    async def _all_end(self) -> None:
        for _ in range(2000):
            await self._loop.settled()
            if all(call.task is None or call.task.done() for call in self._calls.values()):
                return
            for gate in list(self._upstream.gates):
                reply = replies.good(Random(0), self._loop.time(), gate.ask.call.is_stream)
                gate.open(GO_ON if gate.has_head else Answering(reply))
            await asyncio.sleep(2)
        self.model.object("a call does not end")


ACTS: Mapping[Callable[[Course, Random], Awaitable[None]], int] = {
    Course.calls_come: 30,
    Course.a_provider_goes_on: 30,
    Course.all_providers_go_on: 6,
    Course.time_passes: 24,
    Course.a_client_leaves: 8,
    Course.the_file_changes: 7,
    Course.the_process_starts_anew: 2,
    Course.moods_change: 8,
    Course.streams_were_measured: 5,
    Course.deadlines_are_looked_at: 4,
    Course.the_store_goes_or_comes: 2,
    Course.a_storm: 1,
}
"""What may happen, with the weight of each."""
