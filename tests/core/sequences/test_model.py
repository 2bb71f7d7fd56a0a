"""The model objects to what it should: a proof whose judge can't say no is none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from relay.model import Target
from tests.core.sequences import failures
from tests.core.sequences.asks import Ask, Call
from tests.core.sequences.facts import AliasFacts, Facts, KeyFacts, ProviderFacts
from tests.core.sequences.failures import Failure, Then, Whose
from tests.core.sequences.model import Model

ONE, TWO = Target("p0", "m"), Target("p1", "m")
LIMITED = Failure(Then.KEY, Whose.LIMITED, 429, wait_s=9)
LIMITED_UNTOLD = Failure(Then.KEY, Whose.LIMITED, 429)


class Scene:
    """Calls for a name of two targets, of which the first one has the keys `a` and `b`."""

    def __init__(self, provider: dict[str, Any], key: dict[str, Any]) -> None:
        keys = (KeyFacts("a", "a", **key), KeyFacts("b", "b"))
        providers = {"p0": ProviderFacts("p0", keys, **provider), "p1": ProviderFacts("p1")}
        self.facts = Facts(providers, {"x": AliasFacts((ONE, TWO))})
        self.calls: dict[int, Call] = {}
        self.now_s = 0.0
        self.model = Model(lambda: self.now_s, lambda what: None, self.calls)

    def call(self, name: str = "x") -> Call:
        number = len(self.calls) + 1
        self.calls[number] = Call(number, name, is_stream=False, facts=self.facts)
        return self.calls[number]

    def ask(self, call: Call | None = None, key: str = "a", target: Target = ONE, **more: Any) -> Ask:
        call = call or self.call()
        racer: asyncio.Task[Any] = more.pop("racer", None)
        found = self.facts.key(target.provider, key) if target == ONE else None
        settings = {"is_fresh": False, "within_s": 1800 - self.now_s, "sent_s": self.now_s, **more}
        ask = Ask(len(call.asks) + 1, call, racer, target, found, **settings)
        self.model.sent(ask)
        return ask

    def failing(self, failure: Failure, ask: Ask | None = None) -> Ask:
        ask = ask or self.ask()
        self.model.failed(ask, failure)
        self.model.closed(ask)
        return ask

    def serving(self, ask: Ask | None = None, tokens: int = 0) -> Ask:
        ask = ask or self.ask()
        ask.tokens = tokens
        self.model.began(ask)
        self.model.closed(ask)
        return ask


def rest(scene: Scene) -> None:
    scene.failing(LIMITED)
    scene.now_s = 8.9
    scene.ask()


def rest_twice_as_long(scene: Scene) -> None:
    for scene.now_s in (0, 60):
        scene.failing(LIMITED_UNTOLD)
    scene.now_s = 179
    scene.ask()


def rejected(scene: Scene) -> None:
    scene.failing(failures.WRONG_KEY)
    scene.now_s = 59
    scene.ask()


def two_trials(scene: Scene) -> None:
    scene.failing(failures.WRONG_KEY)
    scene.now_s = 60.1
    scene.ask()
    scene.ask()


def expired(scene: Scene) -> None:
    scene.now_s = 50.1
    scene.ask()


def twice(scene: Scene) -> None:
    scene.ask()
    scene.ask()


def twice_in_turn(scene: Scene) -> None:
    scene.serving()
    scene.now_s = 0.9
    scene.serving()


def two_and_tokens(scene: Scene) -> None:
    scene.serving(tokens=10)
    scene.now_s = 59
    scene.ask()


def doubted(scene: Scene) -> None:
    scene.failing(failures.failed(500))
    scene.ask()


def behind(failure: Failure, **more: Any) -> Callable[[Scene], None]:
    def story(scene: Scene) -> None:
        call = scene.failing(failure).call
        scene.ask(call, **more)

    return story


def four_attempts(scene: Scene) -> None:
    call = scene.failing(failures.failed(500)).call
    scene.failing(failures.failed(500), scene.ask(call, "b"))
    scene.failing(failures.failed(500), scene.ask(call, target=TWO))
    scene.ask(call, target=TWO, is_fresh=True)


def billed_twice(scene: Scene) -> None:
    call = scene.failing(failures.SILENT).call
    scene.failing(failures.EMPTY, scene.ask(call, target=TWO))
    scene.ask(call, "b")


def behind_the_first_byte(scene: Scene) -> None:
    ask = scene.failing(failures.failed(500))
    ask.call.has_first_byte = True
    scene.ask(ask.call, "b")


def too_late(scene: Scene) -> None:
    call = scene.failing(failures.failed(500)).call
    scene.now_s = 1801
    scene.ask(call, "b", within_s=1)


def too_long(scene: Scene) -> None:
    call = scene.failing(failures.failed(500)).call
    scene.now_s = 10
    scene.ask(call, "b", within_s=1800)


def out(scene: Scene) -> None:
    scene.failing(failures.failed(500))
    scene.ask(key="b")


def tried_by_two(scene: Scene) -> None:
    scene.failing(failures.failed(500))
    scene.now_s = 30.1
    scene.ask(key="b")
    scene.ask(key="b")


def unreachable(scene: Scene) -> None:
    scene.failing(failures.DOWN)
    scene.now_s = 4.9
    scene.ask(key="b")


def pressed(scene: Scene) -> None:
    for _ in range(31):
        call = scene.failing(Failure(Then.KEY, Whose.REQUEST)).call
        scene.serving(scene.ask(call, "b"))


def sent_away(scene: Scene) -> None:
    scene.model.gives_up(scene.call())


@pytest.mark.parametrize(
    ("provider", "key", "story", "objection"),
    [
        ({}, {}, rest, "rests until"),
        ({}, {}, rest_twice_as_long, "rests until 180"),
        ({}, {}, rejected, "is rejected until"),
        ({}, {}, two_trials, "another call is trying it"),
        ({}, {"expires_s": 50}, expired, "has expired"),
        ({}, {"is_enabled": False}, expired, "is disabled"),
        ({}, {"limits": {"max_parallel": 1}}, twice, "a key that may have 1"),
        ({}, {"limits": {"quota_limit": 1}}, twice_in_turn, "quota of 1"),
        ({}, {"limits": {"rate_limit_rps": 1}}, twice_in_turn, "1 times in 1 s"),
        ({}, {"limits": {"rate_limit_rps": 0.5}}, twice_in_turn, "1 times in 2 s"),
        ({}, {"limits": {"rate_limit_tpm": 10}}, two_and_tokens, "10 tokens"),
        ({}, {}, doubted, "is doubted"),
        ({"max_parallel": 1}, {}, twice, "a provider that may have 1"),
        ({}, {}, behind(failures.REJECTED_INPUT, key="b"), "another key behind"),
        ({}, {}, behind(failures.DOWN, key="b"), "another key behind"),
        ({}, {}, behind(failures.failed(500)), "nothing else behind"),
        ({}, {}, behind(failures.RESET, key="b"), "another key, though"),
        ({}, {}, behind(failures.RESET, is_fresh=True), "fresh connection behind"),
        ({"retries": False}, {}, behind(failures.failed(500), key="b"), "may follow the first"),
        ({"max_retries": 0}, {}, behind(failures.failed(500), key="b"), "may follow the first"),
        ({"statuses": (503,)}, {}, behind(failures.failed(500), key="b"), "status 500 is none of"),
        ({}, {}, behind(LIMITED, racer=object(), target=TWO), "two at a time"),
        ({}, {}, four_attempts, "3 attempts"),
        ({}, {}, billed_twice, "may be billed"),
        ({}, {}, behind_the_first_byte, "first byte"),
        ({}, {}, too_late, "time for all attempts"),
        ({}, {}, too_long, "1790.0 s are left"),
        ({"failures": 1}, {}, out, "the target rests"),
        ({"failures": 1}, {}, tried_by_two, "the target rests"),
        ({}, {}, unreachable, "the target rests"),
        ({}, {}, pressed, "asked again 30 times"),
        ({}, {}, sent_away, "was sent away"),
    ],
)
def test_the_model_objects(
    provider: dict[str, Any], key: dict[str, Any], story: Callable[[Scene], None], objection: str
) -> None:
    scene = Scene(provider, key)
    story(scene)
    assert [said for said in scene.model.objections if objection in said]
    assert [said for said in scene.model.objections[:-2] if objection not in said] == []


def test_the_model_objects_to_nothing_that_may_be() -> None:
    scene = Scene({}, {"limits": {"rate_limit_rps": 1}})
    call = scene.failing(failures.failed(500)).call
    scene.failing(LIMITED, scene.ask(call, "b"))
    scene.serving(scene.ask(call, target=TWO))
    scene.now_s = 60
    scene.serving()
    scene.now_s = 61.1
    scene.serving(scene.ask(scene.call("m@p0")))
    assert scene.model.objections == []
