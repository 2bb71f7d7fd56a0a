from __future__ import annotations

import pytest

from relay.core.params.changes import Layer, SystemPrompt
from relay.core.params.layers import are_any, layers_of, one_prompt
from relay.formats.conversations import Placement
from tests.config.parsing import configured

FRONT, INSTEAD = Placement.FRONT, Placement.INSTEAD


@pytest.mark.parametrize(
    "text",
    [
        "",
        "providers: {up: {}}",
        "model_routing: {global_params: {params: {a: 1}}}",
        "model_routing: {payload_transformation: {rules: [{models: [a], inject_params: {a: 1}}]}}",
    ],
)
def test_a_configuration_may_have_no_layer_at_all(text: str) -> None:
    assert not are_any(configured(text))
    assert all(layer == Layer("providers.up", ()) for layer in layers_of(configured(text), "up", ["a"]))


@pytest.mark.parametrize(
    "text",
    [
        "providers: {up: {params: {a: 1}}}",
        "providers: {up: {system_prompt: Hi.}}",
        "providers: {up: {model_params: [{model_pattern: a, params: {a: 1}}]}}",
        "model_routing: {model_params: [{model_pattern: a, system_prompt: Hi.}]}",
        "model_routing: {global_params: {enabled: true, params: {a: 1}}}",
        "model_routing: {payload_transformation: {enabled: true, rules: [{models: [a], override_params: {a: 1}}]}}",
    ],
)
def test_any_one_layer_is_seen(text: str) -> None:
    config = configured(text)
    assert are_any(config)
    assert any(layer.settings or layer.prompt for layer in layers_of(config, "up", ["a"]))


def test_a_provider_that_the_file_does_not_have_has_no_layers_of_its_own() -> None:
    text = "model_routing: {global_params: {enabled: true, system_prompt: Hi.}}"
    assert list(layers_of(configured(text), "demo", ["a"])) == [
        Layer("model_routing.global_params", (), SystemPrompt(FRONT, "Hi.")),
        Layer("providers.demo", ()),
    ]


@pytest.mark.parametrize(
    ("prompts", "expected"),
    [
        ([], None),
        ([None, None], None),
        ([(FRONT, "a"), None], (FRONT, "a")),
        ([(FRONT, "a"), (FRONT, "b")], (FRONT, "b\n\na")),
        ([(FRONT, "a"), (INSTEAD, "b")], (INSTEAD, "b")),
        ([(INSTEAD, "a"), (FRONT, "b")], (INSTEAD, "b\n\na")),
        ([(FRONT, "a"), (INSTEAD, "b"), (FRONT, "c")], (INSTEAD, "c\n\nb")),
    ],
)
def test_prompts_of_layers_become_one(
    prompts: list[tuple[Placement, str] | None], expected: tuple[Placement, str] | None
) -> None:
    layers = [Layer("x", (), None if one is None else SystemPrompt(*one)) for one in prompts]
    assert one_prompt(layers) == (None if expected is None else SystemPrompt(*expected))
