from __future__ import annotations

import pytest

from relay.config.routing import Alias
from tests.config.parsing import configured, problem, problems


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
        ("{targets: [{model: a, weight: 2}]}", "x.targets[0].weight", "not enforced"),
        ("{targets: [a], strategy: fastest}", "x.strategy", "not enforced"),
        ("{targets: [a], strategy: best}", "x.strategy", "must be one of"),
        ("{targets: [a], hedge: {after: p95}}", "x.hedge", "must keep its default (none)"),
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


def test_the_rest_is_not_enforced_yet() -> None:
    text = """\
model_routing:
  fallbacks: {a: [b]}
  complexity: {enabled: true}
  cascade: {models: [a]}
  affinity: {ttl: 5m}
"""
    assert [(found.line, found.path) for found in problems(text)] == [
        (2, "model_routing.fallbacks"),
        (3, "model_routing.complexity.enabled"),
        (4, "model_routing.cascade.models"),
        (5, "model_routing.affinity.ttl"),
    ]
