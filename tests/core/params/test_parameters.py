from __future__ import annotations

import copy
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.params import UNCHANGED, LayerChange, Parameters, Prepared, Receipt
from relay.formats.conversations import Placement
from relay.model import Target
from tests.config.parsing import configured
from tests.core.fakes import asked
from tests.core.params.test_paths import keeps
from tests.formats.conversations.histories import anything

CHAT, COMPLETIONS, RESPONSES, MESSAGES = (
    "/v1/chat/completions", "/v1/completions", "/v1/responses", "/v1/messages"
)  # fmt: skip
COUNT, EMBEDDINGS, MODERATIONS = "/v1/messages/count_tokens", "/v1/embeddings", "/v1/moderations"
GENERATING = [CHAT, COMPLETIONS, RESPONSES, MESSAGES]
TARGET = Target("up", "GPT-5")
HELLO = [{"role": "user", "content": "Hello"}]

# The same name in every layer
EVERY_LAYER = {
    "providers.up.model_params[0]": "providers: {up: {model_params: [{model_pattern: gpt-5, params: %s}]}}",
    "model_routing.model_params[0]": "model_routing: {model_params: [{model_pattern: gpt-5, params: %s}]}",
    "model_routing.payload_transformation.rules[0]": (
        "model_routing: {payload_transformation: {enabled: true, rules: [{models: [gpt-5], inject_params: %s}]}}"
    ),
    "model_routing.global_params": "model_routing: {global_params: {enabled: true, params: %s}}",
    "providers.up": "providers: {up: {params: %s}}",
}
"""By their place in the file, in the order in which they are applied."""
WHOLE = """
providers:
  up:
    params: {level: provider, provider: 1}
    system_prompt: Of the provider.
    model_params: [{model_pattern: "gpt-*", params: {level: model here, here: 1}, system_prompt: Of the model here.}]
model_routing:
  model_params: [{model_pattern: "gpt-*", params: {level: model, anywhere: 1}, system_prompt: Of the model.}]
  payload_transformation:
    enabled: true
    rules:
      - {models: ["gpt-*"], inject_params: {level: rule 0, rule: 0}}
      - {models: ["gpt-5"], inject_params: {level: rule 1, rule: 1, second: 1}}
  global_params: {enabled: true, params: {level: global, global: 1}, system_prompt: Of all.}
"""


def prepared(text: str, path: str = CHAT, *, model: str = "m", target: Target = TARGET, **fields: Any) -> Prepared:
    return Parameters(configured(text)).prepared(asked(path, model=model, **fields), target)


def sent(text: str, path: str = CHAT, **fields: Any) -> dict[str, Any]:
    """The body, without the model's name."""
    body = prepared(text, path, **fields).request.body
    return {name: value for name, value in body.items() if name != "model"}


def rules(*given: str) -> str:
    return f"model_routing: {{payload_transformation: {{enabled: true, rules: [{', '.join(given)}]}}}}"


def everywhere(params: str, mode: str = "default") -> str:
    return f"model_routing: {{global_params: {{enabled: true, mode: {mode}, params: {params}}}}}"


# Which layers there are


def test_without_any_layer_the_request_is_the_clients_own() -> None:
    request = asked(messages=HELLO)
    found = Parameters(configured("")).prepared(request, TARGET)
    assert found.request is request
    assert found.receipt is UNCHANGED


@pytest.mark.parametrize("source", EVERY_LAYER)
def test_every_layer_fills_in_what_the_client_left_out(source: str) -> None:
    text = EVERY_LAYER[source] % "{temperature: 0.2, reasoning.effort: high, top_p: 1}"
    found = prepared(text, top_p=0.5, reasoning={"summary": "auto"})
    expected = {"temperature": 0.2, "reasoning": {"summary": "auto", "effort": "high"}, "top_p": 0.5}
    assert found.request.body == {"model": "m", **expected}
    assert found.receipt == Receipt((LayerChange(source, ("temperature", "reasoning.effort")),))


@pytest.mark.parametrize("source", EVERY_LAYER)
def test_a_layer_with_nothing_to_do_leaves_no_trace(source: str) -> None:
    request = asked(temperature=1)
    found = Parameters(configured(EVERY_LAYER[source] % "{temperature: 0}")).prepared(request, TARGET)
    assert (found.request is request, found.receipt) == (True, UNCHANGED)


@pytest.mark.parametrize("source", [source for source in EVERY_LAYER if source != "model_routing.global_params"])
def test_a_layer_of_another_model_or_provider_does_not_count(source: str) -> None:
    request = asked()
    parameters = Parameters(configured(EVERY_LAYER[source] % "{temperature: 0}"))
    assert parameters.prepared(request, Target("other", "other")).request is request
    assert parameters.changes("m", Target("other", "other")) is None


@pytest.mark.parametrize(
    "text",
    [
        "model_routing: {payload_transformation: {rules: [{models: ['*'], inject_params: {a: 1}}]}}",
        "model_routing: {global_params: {params: {a: 1}, system_prompt: Hello}}",
        "providers: {up: {model_params: [{model_pattern: other, params: {a: 1}}]}}",
        "providers: {up: {system_prompt: ' '}}",
    ],
)
def test_what_is_switched_off_or_empty_does_nothing(text: str) -> None:
    assert prepared(text, messages=HELLO) == Prepared(asked(messages=HELLO))


@pytest.mark.parametrize(
    ("asked_for", "target"),
    [
        ("m", Target("up", "GPT-5")),
        ("gpt-5", Target("up", "other")),
        ("Gpt-5", Target("elsewhere", "m")),
    ],
)
@pytest.mark.parametrize("source", [source for source in EVERY_LAYER if source.startswith("model_routing.")])
def test_a_pattern_is_of_the_name_asked_for_or_of_the_targets(source: str, asked_for: str, target: Target) -> None:
    assert sent(EVERY_LAYER[source] % "{a: 1}", model=asked_for, target=target) == {"a": 1}


def test_a_pattern_may_name_a_model_at_one_provider() -> None:
    text = "model_routing: {model_params: [{model_pattern: '*@up', params: {a: 1}}]}"
    assert sent(text) == {"a": 1}
    assert sent(text, target=Target("other", "GPT-5")) == {}


# Which of them wins


def test_of_layers_that_fill_in_the_same_name_the_first_wins() -> None:
    found = prepared(WHOLE)
    assert found.receipt.layers == (
        LayerChange("providers.up.model_params[0]", ("level", "here")),
        LayerChange("model_routing.model_params[0]", ("anywhere",)),
        LayerChange("model_routing.payload_transformation.rules[0]", ("rule",)),
        LayerChange("model_routing.payload_transformation.rules[1]", ("second",)),
        LayerChange("model_routing.global_params", ("global",)),
        LayerChange("providers.up", ("provider",)),
    )
    assert found.request.body["level"] == "model here"
    assert found.request.body["rule"] == 0


def test_of_model_params_only_the_first_entry_that_matches_counts() -> None:
    entries = "[{model_pattern: x}, {model_pattern: 'gpt-*'}, {model_pattern: gpt-5, params: {a: 1}}]"
    assert sent(f"model_routing: {{model_params: {entries}}}") == {}
    assert sent(f"providers: {{up: {{model_params: {entries}}}}}") == {}


def test_of_rules_that_override_the_same_name_the_last_wins() -> None:
    text = rules("{models: ['*'], override_params: {a: 1}}", "{models: ['*'], override_params: {a: 2}}")
    found = prepared(text, a=0)
    assert found.request.body["a"] == 2
    assert [layer.names for layer in found.receipt.layers] == [("a",), ("a",)]


def test_what_overrides_wins_over_what_was_filled_in_before_and_after_it() -> None:
    text = """
providers: {up: {params: {a: provider}}}
model_routing:
  model_params: [{model_pattern: '*', params: {a: model}}]
  global_params: {enabled: true, mode: override, params: {a: global}}
"""
    assert sent(text) == sent(text, a="client") == {"a": "global"}


def test_a_global_override_is_the_last_word_over_a_rules() -> None:
    text = """
model_routing:
  payload_transformation: {enabled: true, rules: [{models: ['*'], override_params: {a: rule}}]}
  global_params: {enabled: true, mode: override, params: {a: global}}
"""
    assert sent(text) == {"a": "global"}


def test_a_rule_fills_in_before_it_overrides() -> None:
    text = rules("{models: ['*'], inject_params: {a: {x: 1}}, override_params: {a.y: 2}}")
    assert sent(text) == {"a": {"x": 1, "y": 2}}


def test_an_object_is_a_value_as_a_whole() -> None:
    thinking = "{thinking: {type: enabled, budget_tokens: 9}}"
    assert sent(everywhere(thinking), thinking={"type": "disabled"}) == {"thinking": {"type": "disabled"}}
    assert sent(everywhere("{thinking: {type: disabled}}", "override"), thinking={"type": "enabled", "x": 1}) == {
        "thinking": {"type": "disabled"}
    }


def test_null_is_a_value_of_the_client_and_of_a_layer() -> None:
    assert sent(everywhere("{a: 1}"), a=None) == {"a": None}
    assert sent(everywhere("{a: null}", "override"), a=1) == {"a": None}


@pytest.mark.parametrize(("mode", "expected"), [("default", {"a": [1]}), ("override", {"a": {"b": 1}})])
def test_a_path_through_what_is_no_object(mode: str, expected: dict[str, Any]) -> None:
    assert sent(everywhere("{a.b: 1}", mode), a=[1]) == expected


def test_what_one_request_was_given_is_not_seen_by_the_next() -> None:
    parameters = Parameters(configured(WHOLE))
    first = parameters.prepared(asked(messages=HELLO), TARGET)
    first.request.body["level"] = "changed"
    assert parameters.prepared(asked(messages=HELLO), TARGET).request.body["level"] == "model here"


def test_a_layer_never_reaches_into_the_objects_of_another() -> None:
    text = "providers: {up: {params: {a.y: 2}}}\n" + everywhere("{a: {x: 1}}")
    parameters = Parameters(configured(text))
    for _ in range(2):
        assert parameters.prepared(asked(), TARGET).request.body["a"] == {"x": 1, "y": 2}
    assert parameters.prepared(asked(), Target("other", "m")).request.body["a"] == {"x": 1}


# System prompts


def test_the_prompts_of_all_layers_stand_before_the_clients_the_special_ones_nearest_to_it() -> None:
    found = prepared(WHOLE, messages=HELLO)
    prompt = "Of the provider.\n\nOf all.\n\nOf the model.\n\nOf the model here."
    assert found.request.body["messages"] == [{"role": "system", "content": prompt}, *HELLO]
    assert found.receipt.system_prompt is Placement.FRONT


OVERRIDING = WHOLE.replace(
    "{enabled: true, params: {level: global", "{enabled: true, mode: override, params: {level: global"
)


def test_a_prompt_that_overrides_stands_in_place_of_all_before_it() -> None:
    found = prepared(OVERRIDING, MESSAGES, system=[{"type": "text", "text": "Of the client."}], messages=HELLO)
    assert found.request.body["system"] == "Of the provider.\n\nOf all."
    assert found.receipt.system_prompt is Placement.INSTEAD


@pytest.mark.parametrize(
    ("path", "fields", "expected"),
    [
        (CHAT, {"messages": HELLO}, {"messages": [{"role": "system", "content": "Hi."}, *HELLO]}),
        (RESPONSES, {"input": "Hello"}, {"input": "Hello", "instructions": "Hi."}),
        (MESSAGES, {"messages": HELLO}, {"messages": HELLO, "system": "Hi."}),
        (COUNT, {"messages": HELLO}, {"messages": HELLO, "system": "Hi."}),
        (COMPLETIONS, {"prompt": "Hello"}, {"prompt": "Hello"}),
        (EMBEDDINGS, {"input": "Hello"}, {"input": "Hello"}),
        (MODERATIONS, {"input": "Hello"}, {"input": "Hello"}),
    ],
)
def test_a_prompt_goes_where_the_dialect_has_it(path: str, fields: dict[str, Any], expected: dict[str, Any]) -> None:
    assert sent("providers: {up: {system_prompt: Hi.}}", path, **fields) == expected


def test_a_prompt_for_which_there_is_no_place_leaves_no_trace() -> None:
    assert prepared("providers: {up: {system_prompt: Hi.}}", messages="junk").receipt is UNCHANGED


# Endpoints


@pytest.mark.parametrize("path", GENERATING)
def test_parameters_are_for_every_endpoint_that_generates(path: str) -> None:
    assert sent("providers: {up: {params: {temperature: 0}}}", path) == {"temperature": 0}


@pytest.mark.parametrize("path", [COUNT, EMBEDDINGS, MODERATIONS])
def test_elsewhere_there_are_none(path: str) -> None:
    assert sent("providers: {up: {params: {temperature: 0}}}", path) == {}


def test_what_the_relay_judges_by_is_what_is_sent() -> None:
    request = prepared(everywhere("{n: 3}", "override"), n=1).request
    assert request.choices == orjson.loads(request.body_for(TARGET))["n"] == 3


# Tools

TOOLS: dict[str, Any] = {"tools": [{"name": "weather"}], "tool_choice": "auto"}
TOOLLESS = "tool_calling: {unsupported_models: ['gpt-*']}"


@pytest.mark.parametrize(
    ("path", "said"),
    [
        (CHAT, {"messages": HELLO}),
        (RESPONSES, {"input": "Hi"}),
        (MESSAGES, {"messages": HELLO}),
        (COUNT, {"messages": HELLO}),
    ],
)
def test_a_model_without_tools_gets_none_and_the_receipt_says_so(path: str, said: dict[str, Any]) -> None:
    found = prepared(TOOLLESS, path, **said, **TOOLS)
    assert found.request.body == {"model": "m", **said}
    assert found.receipt == Receipt(dropped=("tools",))


@pytest.mark.parametrize(
    ("text", "model", "target"),
    [
        ("", "m", TARGET),
        (TOOLLESS, "m", Target("up", "other")),
        ("tool_calling: {auto_downgrade: false, unsupported_models: ['*']}", "m", TARGET),
    ],
)
def test_other_models_keep_their_tools(text: str, model: str, target: Target) -> None:
    found = prepared(text, model=model, target=target, messages=HELLO, **TOOLS)
    assert found == Prepared(asked(messages=HELLO, **TOOLS))


def test_without_tools_there_is_nothing_to_drop() -> None:
    assert prepared(TOOLLESS, messages=HELLO).receipt is UNCHANGED


def test_tools_of_a_layer_are_dropped_as_well() -> None:
    text = TOOLLESS + "\n" + everywhere("{tools: [{type: web_search}]}")
    assert sent(text, RESPONSES, input="Hi") == {"input": "Hi"}


# Anything

NAMES = st.sampled_from(["a", "b", "a.b", "a.b.c", "tools", "instructions", "system"])
VALUES = st.recursive(st.none() | st.integers(0, 3), lambda below: st.dictionaries(st.sampled_from("abc"), below))
PARAMS = st.dictionaries(NAMES, VALUES, max_size=3)
CLIENTS = st.dictionaries(st.sampled_from("abc"), VALUES)


def in_layers(filling: list[dict[str, Any]], mode: str = "default") -> str:
    model, here, rule, everything, provider = filling
    document = {
        "providers": {"up": {"params": provider, "model_params": [{"model_pattern": "*", "params": here}]}},
        "model_routing": {
            "model_params": [{"model_pattern": "*", "params": model}],
            "payload_transformation": {"enabled": True, "rules": [{"models": ["*"], "inject_params": rule}]},
            "global_params": {"enabled": True, "mode": mode, "params": everything},
        },
    }
    return orjson.dumps(document).decode()


@given(st.lists(PARAMS, min_size=5, max_size=5), CLIENTS)
def test_layers_that_fill_in_never_change_what_the_client_gave(
    filling: list[dict[str, Any]], fields: dict[str, Any]
) -> None:
    request = asked(**fields)
    before = copy.deepcopy(request.body)
    assert keeps(before, prepared(in_layers(filling), **fields).request.body)
    Parameters(configured(in_layers(filling))).prepared(request, TARGET)
    assert request.body == before


@given(PARAMS, CLIENTS)
def test_a_layer_that_overrides_sets_all_that_it_names(params: dict[str, Any], fields: dict[str, Any]) -> None:
    found = prepared(in_layers([{}, {}, {}, params, {}], "override"), **fields)
    assert [layer.names for layer in found.receipt.layers] == ([tuple(params)] if params else [])
    if params:
        name, value = list(params.items())[-1]
        at: Any = found.request.body
        for part in name.split("."):
            at = at[part]
        assert at == value


@given(st.sampled_from([*GENERATING, COUNT]), anything(), st.sampled_from(["default", "override"]))
def test_any_body_becomes_a_body_and_stays_what_it_was(path: str, fields: dict[str, Any], mode: str) -> None:
    text = f"""
providers: {{up: {{params: {{a.b: 1, tools: [x]}}, system_prompt: Hi.}}}}
model_routing: {{global_params: {{enabled: true, mode: {mode}, params: {{type.name: 2}}, system_prompt: Ho.}}}}
tool_calling: {{unsupported_models: ["*"]}}
"""
    request = asked(path, **fields)
    before = copy.deepcopy(request.body)
    found = Parameters(configured(text)).prepared(request, TARGET)
    assert request.body == before
    assert orjson.loads(found.request.body_for(TARGET))["model"] == TARGET.model
