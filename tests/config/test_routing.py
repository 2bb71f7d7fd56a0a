from __future__ import annotations

import pytest

from relay.config.routing import Alias
from tests.config.parsing import configured, problem


def alias(value: str) -> Alias:
    return configured(f"model_routing: {{aliases: {{x: {value}}}}}").model_routing.aliases["x"]


@pytest.mark.parametrize(
    ("value", "models"),
    [
        ("a@p", ["a@p"]),
        ("[a, b]", ["a", "b"]),
        ("{targets: [{model: a}, {model: b, weight: 1}], strategy: order}", ["a", "b"]),
        ("{targets: [a, {model: b}]}", ["a", "b"]),
        ("{targets: [a], hedge: null, on_disconnect: null}", ["a"]),
    ],
)
def test_an_alias_of_any_form_is_a_list_of_targets(value: str, models: list[str]) -> None:
    assert [target.model for target in alias(value).targets] == models
    assert {target.weight for target in alias(value).targets} == {1}
    assert (alias(value).strategy, alias(value).hedge) == ("order", None)


@pytest.mark.parametrize(
    ("value", "path", "words"),
    [
        ("5", "x", "must be a name, a list of names, or a mapping with 'targets', not 5"),
        ("[]", "x", "names no model"),
        ("[a, 5]", "x[1]", "must be text (put it in quotes), not 5"),
        ('""', "x", "must not be empty"),
        ("{}", "x.targets", "is missing"),
        ("{targets: []}", "x.targets", "names no model"),
        ("{targets: a}", "x.targets", "must be a list, not text"),
        ("{targets: [{modl: a, model: b}]}", "x.targets[0].modl", "did you mean 'model'?"),
        ("{targets: [{model: a, weight: -1}]}", "x.targets[0].weight", "must be at least 0"),
        ("{targets: [a], strategy: best}", "x.strategy", "must be one of"),
        ("{targets: [a], hedge: {after: p100}}", "x.hedge.after", "must be a percentile of the first-token time"),
        ("{targets: [a], hedge: {after: 95}}", "x.hedge.after", "must be text"),
        ("{targets: [a], hedge: {aftr: p95, after: p95}}", "x.hedge.aftr", "did you mean 'after'?"),
        ("{targets: [a], on_disconnect: drain}", "x.on_disconnect", "not enforced"),
    ],
)
def test_an_alias_is_told_what_is_wrong_with_it(value: str, path: str, words: str) -> None:
    found = problem(f"model_routing: {{aliases: {{x: {value}}}}}")
    assert found.path == f"model_routing.aliases.{path}"
    assert words in found.message


def test_mappings_keep_the_order_of_the_file() -> None:
    routing = configured(
        'model_routing: {provider_mapping: {"gpt-*": a, "*": b}, model_overrides: {z: y, x: w}}'
    ).model_routing
    assert list(routing.provider_mapping.items()) == [("gpt-*", "a"), ("*", "b")]
    assert list(routing.model_overrides.items()) == [("z", "y"), ("x", "w")]


@pytest.mark.parametrize(("after", "percentile"), [("p50", 50), ("p95", 95), ("p99", 99)])
def test_a_hedge_names_a_percentile(after: str, percentile: int) -> None:
    hedge = alias(f"{{targets: [a, b], hedge: {{after: {after}}}}}").hedge
    assert hedge is not None
    assert hedge.percentile == percentile
