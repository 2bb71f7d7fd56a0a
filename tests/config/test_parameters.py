"""Names and values of parameters, wherever the file has them."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.errors import ConfigError
from tests.config.parsing import configured, problem

PLACES = {
    "providers.x.params": "providers: {x: {params: %s}}",
    "providers.x.model_params[0].params": "providers: {x: {model_params: [{model_pattern: a, params: %s}]}}",
    "model_routing.model_params[0].params": "model_routing: {model_params: [{model_pattern: a, params: %s}]}",
    "model_routing.global_params.params": "model_routing: {global_params: {params: %s}}",
    "model_routing.payload_transformation.rules[0].inject_params": (
        "model_routing: {payload_transformation: {rules: [{models: [a], inject_params: %s}]}}"
    ),
    "model_routing.payload_transformation.rules[0].override_params": (
        "model_routing: {payload_transformation: {rules: [{models: [a], override_params: %s}]}}"
    ),
}
ROOT = Path(__file__).parents[2]
PARAMS = "providers: {x: {params: %s}}"


def params(text: str) -> dict[str, object]:
    return dict(configured(PARAMS % text).providers["x"].params)


def test_parameters_are_any_json_under_dotted_names_in_the_order_of_the_file() -> None:
    given = params("{z: {y: [null, 1.5, {a: b}]}, reasoning.effort: high, a: 18446744073709551615, stop: null}")
    assert list(given.items()) == [
        ("z", {"y": [None, 1.5, {"a": "b"}]}),
        ("reasoning.effort", "high"),
        ("a", 18446744073709551615),
        ("stop", None),
    ]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["model", "stream", "stream_options", "Model", "STREAM", "\u017ftream", "model.x"])
def test_what_decides_how_a_call_is_served_is_no_parameter(place: str, name: str) -> None:
    """`ſ` is an `s` to servers that compare names without their case."""
    found = problem(PLACES[place] % f'{{temperature: 1, "{name}": a}}')
    assert found.path.startswith(place)
    assert name.partition(".")[0] in found.path
    assert "decides how MonoRelay serves a call" in found.message


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("name", ["messages", "input", "prompt", "Prompt"])
def test_what_the_client_says_is_no_parameter(place: str, name: str) -> None:
    found = problem(PLACES[place] % f"{{{name}: a}}")
    assert found.path == f"{place}.{name}"
    assert "is what the client says; for instructions use system_prompt" in found.message


@pytest.mark.parametrize("name", ["models", "n", "streaming", "a.model", "metadata.stream", "reasoning.effort"])
def test_other_names_are_free(name: str) -> None:
    assert params(f"{{{name}: 1}}") == {name: 1}


@pytest.mark.parametrize("name", [".", ".a", "a.", "a..b", ".".join("a" * 17)])
def test_a_dot_stands_between_two_names(name: str) -> None:
    assert "must be a name, or up to 16 names with a dot between two" in problem(PARAMS % f'{{"{name}": 1}}').message


@pytest.mark.parametrize("value", [".inf", "-.INF", ".nan", "18446744073709551616", "[{a: [.nan]}]", f"{{a: {2**64}}}"])
def test_what_json_cannot_say_is_refused(value: str) -> None:
    found = problem(PARAMS % f"{{seed: {value}}}")
    assert found.path == "providers.x.params.seed"
    assert "can't be sent as JSON" in found.message


def test_a_mode_is_one_of_two() -> None:
    assert "must be one of" in problem("model_routing: {global_params: {mode: replace}}").message


@pytest.mark.parametrize("models", ["", "models: [], "])
def test_a_rule_names_models(models: str) -> None:
    text = f"model_routing: {{payload_transformation: {{rules: [{{{models}inject_params: {{a: 1}}}}]}}}}"
    found = problem(text)
    assert found.path == "model_routing.payload_transformation.rules[0].models"
    assert ("names no model" if models else "is missing") in found.message


def test_the_example_of_the_documentation_loads() -> None:
    text = (ROOT / "docs" / "parameters.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"(?s)```yaml\n(.*?)```", text)
    routing = configured(example).model_routing
    assert (routing.model_params[0].params, routing.global_params.enabled) == ({"reasoning.effort": "low"}, True)


GOOD, BAD = ["a", "b", "a.b", "models"], [".", "model", "Input"]


@given(st.dictionaries(st.sampled_from([*GOOD, *BAD]), st.text() | st.integers() | st.floats(allow_infinity=False)))
def test_any_parameters_are_fine_or_are_refused(given_params: dict[str, object]) -> None:
    is_sound = not set(BAD) & given_params.keys() and all(map(is_json, given_params.values()))
    text = PARAMS % json.dumps(given_params).replace("NaN", ".nan")
    try:
        configured(text)
    except ConfigError:
        assert not is_sound
    else:
        assert is_sound


def is_json(value: object) -> bool:
    if isinstance(value, int):
        return -(2**63) <= value < 2**64
    return not (isinstance(value, float) and math.isnan(value))
