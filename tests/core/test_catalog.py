from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.config.schema import Config
from relay.core.catalog import catalog_of, check, warnings
from relay.core.globs import is_among
from relay.core.routing import Catalog, plan
from relay.core.routing.resolving import MAX_NESTING
from relay.errors import ModelNotFound
from relay.model import Dialect
from relay.upstream.listed_model import ListedModel
from relay.upstream.providers import build
from tests.config.parsing import configured

KEYED = "base_url: 'http://127.0.0.1:9', keys: [{key: sk-1}]"


def indexed(text: str, **told: list[str]) -> Catalog:
    """The catalog of a configuration, whose providers have told these names."""
    config = configured(text)
    lists = {provider: [ListedModel(name) for name in names] for provider, names in told.items()}
    return catalog_of(config, build(config), ("demo",), lists)


def with_models(models: str, *told: str, more: str = "") -> Catalog:
    """The catalog of one provider, called `up`."""
    return indexed(f"providers: {{up: {{{KEYED}, models: {models}{more}}}}}", up=list(told))


def where(catalog: Catalog, name: str) -> list[str]:
    return [f"{target.provider}/{target.model}" for target in plan(catalog, name, Dialect.CHAT).targets]


def aliased(aliases: dict[str, list[str]]) -> Config:
    lines = "".join(f"\n    {name}: [{', '.join(targets)}]" for name, targets in aliases.items())
    return configured(f"model_routing:\n  aliases:{lines}")


def looping(aliases: dict[str, list[str]]) -> list[object]:
    """The aliases that the check complains of."""
    return [path[-1] for path, message in check(aliased(aliases)) if message == "this alias leads back to itself"]


def test_the_demo_provider_takes_every_name_while_it_is_alone() -> None:
    catalog = indexed("{}")
    assert [where(catalog, name) for name in ("demo", "gpt-5")] == [["demo/demo"], ["demo/gpt-5"]]


def test_the_demo_model_is_listed_while_the_provider_is_alone() -> None:
    assert indexed("{}").names() == ["demo"]


def test_the_demo_provider_takes_no_name_beside_a_real_one() -> None:
    catalog = with_models("{include: [real]}")
    assert catalog.names() == ["real"]
    with pytest.raises(ModelNotFound):
        plan(catalog, "demo", Dialect.CHAT)


def test_the_demo_provider_can_still_be_called_by_its_name() -> None:
    assert where(with_models("{include: [real]}"), "x@demo") == ["demo/x"]


def test_a_provider_that_is_switched_off_does_not_end_the_demo() -> None:
    catalog = indexed(f"providers: {{up: {{{KEYED}, enabled: false, models: {{include: [real]}}}}}}")
    assert (catalog.names(), where(catalog, "real")) == (["demo"], ["demo/real"])


def test_with_the_demo_switched_off_and_nothing_else_nobody_serves_anything() -> None:
    catalog = indexed("providers: {demo: {provider_type: demo, enabled: false}}")
    assert (catalog.names(), catalog.places) == ([], {})


@pytest.mark.parametrize(
    ("models", "known"),
    [
        ("{}", []),
        ("{include: [a, B, c/d]}", ["a", "B", "c/d"]),
        ("{include: ['gpt-*', 'a?', '[ab]', plain]}", ["[ab]", "plain"]),
        ("{include: [a, ab, b], exclude: [a]}", ["ab", "b"]),
        ("{include: [a, Ab, b], exclude: ['A*']}", ["b"]),
        ("{include: [a], exclude: ['*']}", []),
    ],
)
def test_known_models_are_the_included_names_that_are_no_globs_and_not_excluded(models: str, known: list[str]) -> None:
    assert with_models(models).names() == known


@pytest.mark.parametrize(
    ("models", "known"),
    [
        ("{}", ["a", "B", "c/d", "old-1"]),
        ("{exclude: ['old-*', b]}", ["a", "c/d"]),
        ("{include: ['c/*']}", ["c/d"]),
        ("{include: [mine, A, 'O*']}", ["mine", "A", "old-1"]),
        ("{include: ['*'], exclude: [a]}", ["B", "c/d", "old-1"]),
        ("{include: [mine]}", ["mine"]),
    ],
)
def test_the_models_that_a_provider_has_told_are_known_where_the_configuration_lets_them(
    models: str, known: list[str]
) -> None:
    assert with_models(models, "a", "B", "c/d", "old-1").names() == known


def test_a_told_model_is_detected_exactly_and_normalised() -> None:
    catalog = with_models("{}", "Meta-Llama_3")
    assert [where(catalog, name) for name in ("meta-llama_3", "meta_llama-3")] == [["up/Meta-Llama_3"]] * 2
    with pytest.raises(ModelNotFound):
        plan(catalog, "llama", Dialect.CHAT)


def test_a_glob_still_takes_names_that_the_list_does_not_have() -> None:
    catalog = with_models("{include: ['gpt-*']}", "gpt-1", "o1")
    assert [where(catalog, name) for name in ("gpt-1", "gpt-9")] == [["up/gpt-1"], ["up/gpt-9"]]
    with pytest.raises(ModelNotFound):
        plan(catalog, "o1", Dialect.CHAT)


def test_a_model_that_several_have_told_is_tried_in_the_order_of_the_file() -> None:
    text = f"providers: {{one: {{{KEYED}}}, two: {{{KEYED}, models: {{include: [b, a]}}}}, three: {{{KEYED}}}}}"
    catalog = indexed(text, one=["a"], two=["unnamed"], three=["b", "A"])
    assert where(catalog, "a") == ["one/a", "two/a", "three/A"]
    assert where(catalog, "b") == ["two/b", "three/b"]


def test_no_provider_takes_calls_that_name_another_by_listing_their_suffix() -> None:
    text = f"providers: {{Up: {{{KEYED}}}, other: {{{KEYED}}}, off: {{enabled: false}}}}"
    catalog = indexed(text, Up=["x@other", "x@UP", "x@demo", "y@off", "claude@20260101"])
    assert catalog.names() == ["claude@20260101"]
    assert where(catalog, "x@other") == ["other/x"]
    with pytest.raises(ModelNotFound):
        plan(catalog, "y@off", Dialect.CHAT)
    assert where(catalog, "claude@20260101") == ["Up/claude@20260101"]


def test_lists_of_providers_that_are_not_asked_count_for_nothing() -> None:
    text = f"providers: {{az: {{{KEYED}, provider_type: azure}}, off: {{enabled: false}}}}"
    assert indexed(text, az=["a"], off=["b"], gone=["c"], demo=["d"]).names() == []


def test_an_alias_goes_before_a_told_model_of_the_same_name() -> None:
    text = f"providers: {{up: {{{KEYED}}}}}\nmodel_routing: {{aliases: {{fast: small}}}}"
    assert where(indexed(text, up=["fast", "small"]), "fast") == ["up/small"]


names = st.text("aAbB-_@/*?[", min_size=1, max_size=8)


@given(st.lists(names), st.lists(names, max_size=3), st.lists(names, max_size=3))
def test_whatever_a_provider_tells_no_excluded_name_is_known(
    told: list[str], include: list[str], exclude: list[str]
) -> None:
    catalog = with_models(json.dumps({"include": include, "exclude": exclude}), *told)
    known = catalog.names()
    assert not any(is_among(name, exclude) for name in known)
    assert all(name in include or name in told for name in known)
    assert all(not include or is_among(name, include) for name in known)


def test_a_default_provider_takes_other_names_but_the_excluded() -> None:
    catalog = with_models("{exclude: ['secret-*']}", more=", default: true")
    assert where(catalog, "anything") == ["up/anything"]
    with pytest.raises(ModelNotFound):
        plan(catalog, "Secret-1", Dialect.CHAT)


def test_a_provider_serves_the_dialects_that_its_configuration_names() -> None:
    catalog = with_models("{include: [a]}", more=", dialects: [messages]")
    assert catalog.places["up"].dialects == {Dialect.MESSAGES}


def test_aliases_mappings_and_overrides_come_from_the_configuration() -> None:
    routing = "model_routing: {aliases: {Fast: a}, provider_mapping: {'b*': UP}, model_overrides: {'c*': a}}"
    catalog = indexed(f"providers: {{up: {{{KEYED}, models: {{include: [a]}}}}}}\n{routing}")
    assert [where(catalog, name) for name in ("fast", "b1", "c1")] == [["up/a"], ["up/b1"], ["up/a"]]


@pytest.mark.parametrize("provider", ["up", "UP", "demo", "off"])
def test_a_mapping_may_name_any_provider_of_the_configuration(provider: str) -> None:
    providers = f"providers: {{up: {{{KEYED}}}, off: {{enabled: false}}}}"
    assert list(check(configured(f"{providers}\nmodel_routing: {{provider_mapping: {{a: {provider}}}}}"))) == []


def test_a_mapping_to_an_unknown_provider_is_found_with_the_nearest_name() -> None:
    text = f"providers: {{OpenAI: {{{KEYED}}}}}\nmodel_routing: {{provider_mapping: {{'gpt-*': OpenIA}}}}"
    ((path, message),) = check(configured(text))
    assert path == ("model_routing", "provider_mapping", "gpt-*")
    assert message == "there is no provider 'OpenIA' (did you mean 'OpenAI'?)"


@pytest.mark.parametrize(
    ("aliases", "found"),
    [
        ({"a": ["a"]}, ["a"]),
        ({"A": ["a"]}, ["A"]),
        ({"a": ["b"], "b": ["a"]}, ["a", "b"]),
        ({"a": ["B"], "b": ["C"], "c": ["A"]}, ["a", "b", "c"]),
        ({"a": ["x", "b"], "b": ["y", "a"]}, ["a", "b"]),
        ({"into": ["a"], "a": ["a"]}, ["a"]),
        ({"a": ["b", "c"], "b": ["d"], "c": ["d"], "d": ["model"]}, []),
        ({"a": ["'a@up'"]}, []),
        ({"a": ["b"]}, []),
    ],
)
def test_an_alias_that_leads_back_to_itself_is_found(aliases: dict[str, list[str]], found: list[str]) -> None:
    assert looping(aliases) == found


def test_a_long_chain_of_aliases_is_no_loop() -> None:
    assert looping({f"a{number}": [f"a{number + 1}"] for number in range(1500)}) == []


@given(st.integers(1, 30))
def test_a_ring_of_aliases_of_any_length_is_found(length: int) -> None:
    ring = {f"a{number}": [f"A{(number + 1) % length}"] for number in range(length)}
    assert looping(ring) == list(ring)


NAMES = [f"a{number}" for number in range(6)]


@given(
    st.dictionaries(
        st.sampled_from(NAMES), st.lists(st.sampled_from([*NAMES, "model"]), min_size=1, max_size=3), min_size=1
    )
)
def test_the_loops_that_are_found_are_those_of_the_closure(aliases: dict[str, list[str]]) -> None:
    reached = {(name, target) for name, targets in aliases.items() for target in targets}
    for _ in NAMES:
        reached |= {(one, four) for one, two in reached for three, four in reached if two == three}
    assert looping(aliases) == [name for name in aliases if (name, name) in reached]


@pytest.mark.parametrize(
    "rules",
    [
        "aliases: {fast: m@nope}",
        "aliases: {fast: [m@one, m@nope]}",
        "model_overrides: {'q*': w@nope}",
        "provider_mapping: {'q*': nope}",
    ],
)
def test_a_rule_that_names_no_provider_is_found(rules: str) -> None:
    text = f"providers: {{one: {{base_url: 'http://a/v1'}}}}\nmodel_routing: {{{rules}}}"
    config = configured(text)
    assert ["there is no provider 'nope'" in finding.message for finding in check(config)] == [True]


def test_a_known_name_with_an_at_sign_names_no_provider() -> None:
    text = "providers: {one: {base_url: 'http://a/v1', models: {include: [claude@20250101]}}}\n"
    rules = "model_routing: {aliases: {fast: claude@20250101, 'a@b': fast, c: 'a@b'}}"
    config = configured(text + rules)
    assert list(check(config)) == []


@pytest.mark.parametrize(
    ("options", "rules", "is_warned_of"),
    [
        ("", "", True),
        ("default: true", "", False),
        ("models: {include: [m]}", "", False),
        ("models: {exclude: [m]}", "", True),
        ("enabled: false", "", False),
        ("", "provider_mapping: {'*': one}", False),
        ("", "aliases: {fast: m@ONE}", False),
    ],
)
def test_a_provider_that_no_name_leads_to_is_warned_of(options: str, rules: str, is_warned_of: bool) -> None:
    given = ", ".join(filter(None, ["base_url: 'http://a/v1', provider_type: azure", options]))
    text = f"providers: {{one: {{{given}}}}}\nmodel_routing: {{{rules}}}"
    config = configured(text)
    assert [warning.startswith("Provider 'one'") for warning in warnings(config)] == [True] * is_warned_of


@pytest.mark.parametrize(
    ("routing", "found"),
    [
        ("complexity: {enabled: true}", [("model_routing.complexity", "names no model")]),
        ("cascade: {enabled: true}", [("model_routing.cascade", "names no model")]),
        ("complexity: {enabled: false}", []),
        ("cascade: {enabled: true, models: [a, cascade]}", [("model_routing.cascade", "leads back to itself")]),
        (
            "{aliases: {x: Cascade, y: [b, x]}, cascade: {enabled: true, models: [a, y]}}",
            [
                ("model_routing.aliases.x", "leads back"),
                ("model_routing.aliases.y", "leads back"),
                ("model_routing.cascade", "leads back"),
            ],
        ),
        (
            "{aliases: {auto: a}, complexity: {enabled: true, simple: a}}",
            [("model_routing.complexity.model", "'auto'")],
        ),
        (
            "{cascade: {enabled: true, model: AUTO, models: [a]}, complexity: {enabled: true, simple: a}}",
            [("model_routing.cascade.model", "'AUTO'")],
        ),
        ("aliases: {x: a, y: a, X: b}", [("model_routing.aliases.X", "is 'x' once more")]),
        ("fallbacks: {a: [b@nobody]}", [("model_routing.fallbacks.a", "no provider 'nobody'")]),
        ("cascade: {enabled: true, models: [b@nobody]}", [("model_routing.cascade.models", "no provider 'nobody'")]),
    ],
)
def test_virtual_models_and_fallbacks_are_checked(routing: str, found: list[tuple[str, str]]) -> None:
    text = routing if routing.startswith("{") else f"{{{routing}}}"
    findings = sorted(check(configured(f"model_routing: {text}")), key=str)
    assert [".".join(map(str, path)) for path, _ in findings] == [path for path, _ in found]
    for (_, message), (_, words) in zip(findings, found, strict=True):
        assert words in message


def test_aliases_of_aliases_have_a_bound() -> None:
    ladder = {f"a{number}": [f"a{number + 1}", "z"] for number in range(80)}
    found = list(check(aliased(ladder)))
    assert {message for _, message in found} == {"this alias stands for aliases of aliases, more than 64 deep"}
    assert len(found) == 80 - MAX_NESTING


def test_a_provider_whose_own_list_leads_to_it_is_not_warned_of() -> None:
    assert warnings(configured("providers: {one: {base_url: 'http://a/v1'}, two: {provider_type: ollama}}")) == ()
