from __future__ import annotations

from typing import Any

from relay.core.catalog import catalog_of
from relay.core.explaining import Explainer, Explanation
from relay.core.means import Means, Memory, means_of
from relay.core.routing import Step
from relay.errors import Blame, ErrorFacts, Retry, UpstreamError
from relay.model import Target
from relay.upstream.keyring import KeyStatus
from relay.upstream.providers import build
from tests.config.parsing import configured
from tests.core.fakes import NOW, asked, fake_clocks

CONFIG = """
providers:
  one:
    base_url: http://one/v1
    keys: [{key: k1, label: a}, {key: k2, label: b, enabled: false}]
    models: {include: [m, plain]}
    params: {temperature: 1}
  two: {base_url: http://two/v1, max_parallel: 1, models: {include: [m]}}
model_routing:
  aliases: {x: [plain, m@two]}
tool_calling: {auto_downgrade: false, unsupported_models: [plain]}
"""


class Bench:
    """An explainer, and what it must not change."""

    def __init__(self) -> None:
        config = configured(CONFIG)
        providers, clocks = build(config), fake_clocks()
        self.means: Means = means_of(config, providers, Memory(), clocks)
        self._explainer = Explainer(catalog_of(config, providers, ()), self.means, clocks)

    def __call__(self, model: str, **fields: Any) -> Explanation:
        return self._explainer.explain(asked(model=model, **fields))


def told(found: Explanation) -> list[tuple[str, tuple[str, ...]]]:
    return [(f"{one.target.model}@{one.target.provider}", one.notes) for one in found.targets]


def test_steps_targets_and_the_body_are_told() -> None:
    found = Bench()("m", messages=[], stream=True)
    assert found.steps == (Step("detection", "one, two", "'m' is a known model there"),)
    assert told(found) == [("m@one", ()), ("m@two", ())]
    assert found.body == {
        "model": "m", "messages": [], "stream": True, "temperature": 1, "stream_options": {"include_usage": True},
    }  # fmt: skip
    assert [layer.source for layer in found.receipt.layers] == ["providers.one"]
    assert found.refusal is None


def test_a_target_that_cannot_take_the_request_stands_last_with_the_reason() -> None:
    found = Bench()("x", messages=[], tools=[{"type": "function"}])
    assert told(found) == [
        ("m@two", ()),
        ("plain@one", ("passed over where another is left: it takes no tools",)),
    ]


def test_what_rests_and_what_is_full_is_told() -> None:
    bench = Bench()
    slot = bench.means.keyrings["one"].take(NOW)
    assert slot is not None
    slot.failed(Blame.KEY_LIMITED, 60, NOW)
    slot.free(NOW)
    bench.means.meters.begin(Target("two", "m"), NOW.timestamp())
    down = UpstreamError(ErrorFacts(502, "x", "server_error", "api_error"), Retry.OTHER_TARGET, Blame.TARGET_DOWN)
    bench.means.breakers.enter_anyway(Target("two", "m")).failed(down, NOW)
    found = bench("m", messages=[])
    assert told(found) == [
        ("m@one", ("none of its keys may be used at the moment",)),
        ("m@two", ("rests for 5 s, since it failed again and again", "full: 1 calls are under way")),
    ]
    assert [(key.label, key.status, key.wait_s) for key in found.targets[0].keys] == [
        ("a", KeyStatus.RESTING, 60),
        ("b", KeyStatus.DISABLED, None),
    ]


def test_a_refusal_is_told_with_its_steps() -> None:
    found = Bench()("nothing", messages=[])
    assert found.refusal is not None
    assert (found.refusal.code, found.targets, found.body) == ("model_not_found", (), None)
    assert found.steps == (Step("detection", "", "nobody knows 'nothing'"),)


def test_explaining_uses_nothing_up() -> None:
    bench = Bench()
    for _ in range(3):
        assert bench("m", messages=[]).targets[0].keys[0].calls == 0
    assert bench.means.meters.busy(Target("one", "m")) == 0


def test_the_place_of_a_conversation_is_told() -> None:
    bench = Bench()
    fields: dict[str, Any] = {"messages": [{"role": "user", "content": "Hi"}], "prompt_cache_key": "c"}
    place = bench.means.affinity.find(asked(model="m", **fields), NOW.timestamp())
    assert place is not None
    bench.means.affinity.remember(place, Target("two", "m"), None, NOW.timestamp())
    found = bench("m", **fields)
    assert found.steps[-1] == Step("affinity", "m@two", "the last call of this conversation was served there")
    assert told(found)[0] == ("m@two", ())
