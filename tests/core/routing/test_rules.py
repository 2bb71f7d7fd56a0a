"""Fallbacks, virtual models and groups: what stands behind a name beyond its own targets."""

from __future__ import annotations

import pytest

from relay.core.routing import (
    AliasRule,
    Capability,
    Cascade,
    Catalog,
    Complexity,
    Place,
    Rules,
    Step,
    Strategy,
    plan,
    resolve,
)
from relay.core.routing.tree import Graded, Group
from relay.errors import ModelNotFound
from relay.model import Dialect, Target

CHAT = Dialect.CHAT
PLACES = (
    Place("a", frozenset({CHAT}), ("big", "small", "both", "auto-known")),
    Place("b", frozenset({CHAT}), ("other", "both")),
    Place("m", frozenset({Dialect.MESSAGES}), ("claude",)),
)


def catalog(rules: Rules) -> Catalog:
    return Catalog(PLACES, rules)


def found(rules: Rules, name: str) -> list[str]:
    return [f"{target.provider}/{target.model}" for target in plan(catalog(rules), name, CHAT).targets]


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        ("big", ["a/big", "b/other"]),
        ("BIG", ["a/big", "b/other"]),
        ("small", ["a/small", "a/big"]),
        ("smart", ["a/small", "b/both", "a/big"]),
        ("nobody-knows", ["b/other"]),
        ("big@a", ["a/big"]),
        ("big@b", ["b/big", "a/small"]),
        ("other", ["b/other"]),
        ("dead-end", ["a/both", "b/both"]),
    ],
)
def test_fallbacks_come_behind_all_targets_of_the_name(name: str, targets: list[str]) -> None:
    rules = Rules(
        {"smart": AliasRule(("small", "both@b")), "dead-end": AliasRule(("nowhere@nobody",))},
        fallbacks=(
            ("smart", ("both@b",)),
            ("big@b", ("small",)),
            ("small", ("big",)),
            ("b?g", ("other", "claude")),
            ("nobody-*", ("other",)),
            ("dead-*", ("both",)),
        ),
    )
    assert found(rules, name) == targets


def test_every_name_on_the_way_has_its_fallbacks() -> None:
    rules = Rules(
        {"smart": AliasRule(("small", "old"))},
        model_overrides=(("old", "big"),),
        fallbacks=(("small", ("both@a",)), ("old", ("both@b",)), ("big", ("other",))),
    )
    assert found(rules, "smart") == ["a/small", "a/big", "a/both", "b/both", "b/other"]


def test_fallbacks_of_fallbacks_are_not_followed() -> None:
    rules = Rules({}, fallbacks=(("big", ("small",)), ("small", ("other",))))
    assert found(rules, "big") == ["a/big", "a/small"]


def test_a_cascade_is_its_models_in_order() -> None:
    rules = Rules({"quick": AliasRule(("small",))}, cascade=Cascade("Cascade", ("quick", "big", "gone", "other")))
    assert found(rules, "cascade") == ["a/small", "a/big", "b/other"]


def test_a_virtual_model_never_replaces_one_that_a_provider_has() -> None:
    rules = Rules({}, cascade=Cascade("auto-known", ("other",)))
    assert found(rules, "auto-known") == ["a/auto-known"]


@pytest.mark.parametrize(
    "rules",
    [
        Rules({}, provider_mapping=(("auto", "b"),), complexity=Complexity("auto", "small")),
        Rules({"auto": AliasRule(("auto@b",))}, complexity=Complexity("auto", "small")),
    ],
)
def test_aliases_and_mappings_come_before_virtual_models(rules: Rules) -> None:
    assert found(rules, "auto") == ["b/auto"]


def test_complexity_gives_a_choice_of_three() -> None:
    rules = Rules({"hard": AliasRule(("big",))}, complexity=Complexity("auto", simple="small", complex="hard"))
    root = plan(catalog(rules), "AUTO", CHAT).root
    assert root == Graded(Target("a", "small"), None, Target("a", "big"))


def test_a_name_that_stands_in_several_places_stands_for_the_same_in_each() -> None:
    rules = Rules({"fast": AliasRule(("small", "other"))}, complexity=Complexity("auto", "fast", "fast", "big"))
    fast = Group((Target("a", "small"), Target("b", "other")), weights=(1, 1))
    assert plan(catalog(rules), "auto", CHAT).root == Graded(fast, fast, Target("a", "big"))


def test_a_virtual_model_without_any_good_name_is_not_found() -> None:
    rules = Rules({}, complexity=Complexity("auto", simple="gone"))
    with pytest.raises(ModelNotFound):
        plan(catalog(rules), "auto", CHAT)


def test_an_alias_makes_a_group_of_its_strategy_without_what_leads_nowhere() -> None:
    rule = AliasRule(("big", "gone", "claude", "other"), Strategy.WEIGHTED, (5, 6, 7, 8), hedge_percentile=95)
    made = plan(catalog(Rules({"x": rule})), "x", CHAT)
    assert made.root == Group((Target("a", "big"), Target("b", "other")), Strategy.WEIGHTED, (5, 8))
    assert (made.has_choice, made.hedge_percentile) == (True, 95)


def test_the_hedge_of_an_alias_within_another_is_not_that_of_the_name() -> None:
    inner = AliasRule(("big", "other"), hedge_percentile=95)
    rules = Rules({"inner": inner, "outer": AliasRule(("inner", "small")), "same": AliasRule(("inner",))})
    assert [plan(catalog(rules), name, CHAT).hedge_percentile for name in ("outer", "same")] == [None, 95]


def test_the_hedge_of_a_fallback_is_not_that_of_the_name() -> None:
    rules = Rules({"late": AliasRule(("other",), hedge_percentile=95)}, fallbacks=(("big", ("late",)),))
    assert plan(catalog(rules), "big", CHAT).hedge_percentile is None


def test_what_is_known_of_a_target_comes_along() -> None:
    known = Place("k", frozenset({CHAT}), ("m", "n"), capabilities={"m": Capability(context_tokens=1000)})
    made = plan(Catalog((known,), Rules({"x": AliasRule(("m", "n", "Free@k"))}, toolless=("FREE*",))), "x", CHAT)
    assert dict(made.limits) == {
        Target("k", "m"): Capability(context_tokens=1000),
        Target("k", "Free"): Capability(takes_tools=False),
    }


def test_each_step_is_told() -> None:
    rules = Rules(
        {"smart": AliasRule(("old", "claude"), Strategy.FASTEST)},
        model_overrides=(("old", "big"),),
        fallbacks=(("smart", ("other",)),),
    )
    assert resolve(catalog(rules), "smart", CHAT).steps == (
        Step("alias", "old, claude", "'smart' stands for these (strategy fastest)"),
        Step("override", "big", "'old' takes the place of 'old'"),
        Step("detection", "a", "'big' is a known model there"),
        Step("detection", "m", "'claude' is a known model there"),
        Step("passed over", "m", "it does not speak the chat dialect"),
        Step("fallback", "other", "'smart' falls back to these"),
        Step("detection", "b", "'other' is a known model there"),
    )


def test_the_steps_of_a_refusal_are_told_as_well() -> None:
    resolved = resolve(catalog(Rules({})), "x@nobody", CHAT)
    assert isinstance(resolved.outcome, ModelNotFound)
    assert resolved.steps == (Step("suffix", "", "'x@nobody': no provider is called 'nobody'"),)
