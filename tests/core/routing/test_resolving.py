from __future__ import annotations

from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.globs import is_among
from relay.core.routing import AliasRule, Catalog, Place, Rules, normalise, plan
from relay.errors import InvalidRequest, ModelNotFound, RequestError
from relay.model import MAX_MODEL_CHARACTERS, Dialect, Target

CHAT, RESPONSES, MESSAGES = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES
NO_RULES = Rules({})


def place(
    name: str,
    *models: str,
    dialects: tuple[Dialect, ...] = (CHAT,),
    exclude: tuple[str, ...] = (),
    is_default: bool = False,
) -> Place:
    return Place(name, frozenset(dialects), models, exclude, is_default)


def rules(
    aliases: Mapping[str, tuple[str, ...]] | None = None,
    mapping: Mapping[str, str] | None = None,
    overrides: Mapping[str, str] | None = None,
) -> Rules:
    named = {name: AliasRule(targets) for name, targets in (aliases or {}).items()}
    return Rules(named, tuple((mapping or {}).items()), tuple((overrides or {}).items()))


OPENAI = place("OpenAI", "GPT-5", "gpt-5-mini", "text-embedding-3-small")
VERTEX = place("vertex", "claude@20260101", "Gemini-Pro")
ROUTER = place("router", "meta/llama-4", "gpt_5", "gpt-5-mini")
CATALOG = Catalog(
    (OPENAI, VERTEX, ROUTER),
    rules(
        aliases={
            "Fast": ("gpt-5-mini@OpenAI",),
            "best": ("Fast", "gpt-5"),
            "deep": ("best",),
            "partly": ("no-such-model", "x@nowhere", "gemini-pro"),
            "dead": ("no-such-model", "x@nowhere"),
            "a@b": ("Gemini-Pro",),
            "text-embedding-3-small": ("other@router",),
            "twice": ("fast", "FAST", "gpt-5-mini@openai"),
        },
        mapping={"meta/*": "Router", "acme-*": "nobody", "*-mapped": "VERTEX", "x-mapped": "OpenAI"},
        overrides={"old-*": "GPT-5", "older": "gemini-pro", "to-suffix": "any@vertex", "to-alias": "fast",
                   "to-meta": "meta/x", "to-known": "claude@20260101", "once": "old-2", "acme-1": "gemini-pro"},
    ),
)  # fmt: skip


def found(name: str, catalog: Catalog = CATALOG, dialect: Dialect = CHAT) -> list[str]:
    """The targets as `provider/model`."""
    return [f"{target.provider}/{target.model}" for target in plan(catalog, name, dialect).targets]


def refusal(name: str, catalog: Catalog = CATALOG) -> str:
    with pytest.raises(ModelNotFound) as caught:
        plan(catalog, name, CHAT)
    assert (caught.value.facts.status, caught.value.facts.code, caught.value.facts.param) == (
        404,
        "model_not_found",
        "model",
    )
    return caught.value.facts.message


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        # 1 suffix: that provider, and the name as it was given
        ("GPT-5@OpenAI", ["OpenAI/GPT-5"]),
        ("gpt-5@OPENAI", ["OpenAI/gpt-5"]),
        ("unheard-of@router", ["router/unheard-of"]),
        ("Fast@openai", ["OpenAI/Fast"]),
        ("old-1@vertex", ["vertex/old-1"]),
        ("meta/x@vertex", ["vertex/meta/x"]),
        ("claude@20260101@vertex", ["vertex/claude@20260101"]),
        # ... unless the whole is a known name or an alias
        ("claude@20260101", ["vertex/claude@20260101"]),
        ("CLAUDE@20260101", ["vertex/claude@20260101"]),
        ("a@b", ["vertex/Gemini-Pro"]),
        ("A@B", ["vertex/Gemini-Pro"]),
        # 2 alias
        ("fast", ["OpenAI/gpt-5-mini"]),
        ("FAST", ["OpenAI/gpt-5-mini"]),
        ("best", ["OpenAI/gpt-5-mini", "OpenAI/GPT-5"]),
        ("deep", ["OpenAI/gpt-5-mini", "OpenAI/GPT-5"]),
        ("partly", ["vertex/Gemini-Pro"]),
        ("twice", ["OpenAI/gpt-5-mini"]),
        # ... before a model of the same name
        ("Text-Embedding-3-Small", ["router/other"]),
        # 3 mapping: the first match in file order, enabled providers only, the name as it was given
        ("meta/llama-9", ["router/meta/llama-9"]),
        ("META/a/b", ["router/META/a/b"]),
        ("x-mapped", ["vertex/x-mapped"]),
        # 4 override, once; what it gives is no alias and is not overridden again
        ("old-1", ["OpenAI/GPT-5"]),
        ("OLD-1", ["OpenAI/GPT-5"]),
        ("old-er", ["OpenAI/GPT-5"]),
        ("older", ["vertex/Gemini-Pro"]),
        ("to-suffix", ["vertex/any"]),
        ("to-meta", ["router/meta/x"]),
        ("to-known", ["vertex/claude@20260101"]),
        ("acme-1", ["vertex/Gemini-Pro"]),
        # 5 detection: exact in all providers that have it, then normalised
        ("gpt-5", ["OpenAI/GPT-5"]),
        ("gpt_5", ["router/gpt_5"]),
        ("GPT-5-MINI", ["OpenAI/gpt-5-mini", "router/gpt-5-mini"]),
        ("gpt_5_mini", ["OpenAI/gpt-5-mini", "router/gpt-5-mini"]),
        ("Gpt-5_Mini", ["OpenAI/gpt-5-mini", "router/gpt-5-mini"]),
        ("gemini_pro", ["vertex/Gemini-Pro"]),
    ],
)
def test_a_name_leads_to_its_targets(name: str, targets: list[str]) -> None:
    assert found(name) == targets


@pytest.mark.parametrize(
    "name",
    ["gpt", "gpt-5-min", "gpt-5-mini-2", "mini", "llama-4", "to-alias", "once", "dead", "acme-2", "*", "gpt-*", "meta"],
)
def test_a_name_that_leads_nowhere_is_not_found(name: str) -> None:
    assert refusal(name).startswith("There is no model '")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpt-5@nowhere", "There is no model 'gpt-5@nowhere': no provider is called 'nowhere'."),
        ("gpt-5@", "There is no model 'gpt-5@': no provider is called ''."),
        ("@openai", "There is no model '@openai': it names a provider and no model."),
        ("@", "There is no model '@': no provider is called ''."),
        ("dead", "There is no model 'no-such-model'."),
    ],
)
def test_the_message_says_why_nothing_was_found(name: str, message: str) -> None:
    assert refusal(name) == message


def test_the_message_names_the_nearest_names_as_they_are_written() -> None:
    catalog = Catalog((place("a", "GPT-5", "GPT-5-Mini", "other"),), rules(aliases={"Gpt-5-Best": ("gpt-5",)}))
    assert refusal("gpt-5-mimi", catalog) == (
        "There is no model 'gpt-5-mimi'. The nearest names are: GPT-5-Mini, GPT-5, Gpt-5-Best."
    )


def test_the_nearest_names_are_found_among_many() -> None:
    catalog = Catalog((place("a", *(f"model-{number}" for number in range(400)), "claude-sonnet"),), NO_RULES)
    assert refusal("claud-sonet", catalog).endswith("The nearest names are: claude-sonnet.")


def test_a_provider_that_is_not_there_gets_nothing_by_suffix_even_with_a_default() -> None:
    catalog = Catalog((place("only", is_default=True),), NO_RULES)
    assert "no provider is called 'off'" in refusal("model@off", catalog)


@pytest.mark.parametrize("length", [MAX_MODEL_CHARACTERS + 1, 100_000])
def test_a_name_of_many_characters_is_not_even_looked_up(length: int) -> None:
    catalog = Catalog((place("only", is_default=True),), NO_RULES)
    assert refusal("x" * length, catalog) == "The model's name is longer than 256 characters."


def test_the_longest_name_is_looked_up() -> None:
    name = "x" * MAX_MODEL_CHARACTERS
    assert found(name, Catalog((place("only", is_default=True),), NO_RULES)) == [f"only/{name}"]


DEFAULT = Catalog(
    (place("first", "known"), place("fallback", "Own", exclude=("secret-*", "X*y"), is_default=True)),
    rules(mapping={"mapped": "first"}),
)


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("nobody-knows-it", "fallback/nobody-knows-it"),
        ("As-It-Was-Given", "fallback/As-It-Was-Given"),
        ("known", "first/known"),
        ("mapped", "first/mapped"),
        ("own", "fallback/Own"),
        ("not-secret-1", "fallback/not-secret-1"),
    ],
)
def test_the_default_provider_takes_what_nobody_else_knows(name: str, target: str) -> None:
    assert found(name, DEFAULT) == [target]


@pytest.mark.parametrize("name", ["secret-1", "SECRET-1", "xy", "x/anything/Y"])
def test_the_default_provider_is_never_asked_for_what_it_excludes(name: str) -> None:
    assert refusal(name, DEFAULT).startswith(f"There is no model '{name}'.")


def test_an_exact_name_at_a_later_provider_wins_over_a_normalised_one_at_an_earlier() -> None:
    catalog = Catalog((place("one", "a-b"), place("two", "a_b")), NO_RULES)
    assert [found("a_b", catalog), found("A-B", catalog)] == [["two/a_b"], ["one/a-b"]]


def test_a_long_chain_of_aliases_is_followed_to_its_end() -> None:
    aliases = {f"a{number}": (f"a{number + 1}",) for number in range(3000)} | {"a3000": ("m@only",)}
    assert found("a0", Catalog((place("only"),), rules(aliases))) == ["only/m"]


def test_an_alias_that_is_reached_on_many_ways_is_followed_once() -> None:
    aliases = {f"a{number}": (f"a{number + 1}",) * 2 for number in range(100)} | {"a100": ("m@only", "n@only")}
    assert found("a0", Catalog((place("only"),), rules(aliases))) == ["only/m", "only/n"]


def test_a_loop_of_aliases_ends() -> None:
    assert refusal("a", Catalog((), rules({"a": ("b",), "b": ("a",)}))) == "The alias 'a' leads to no model."


TALKERS = Catalog(
    (
        place("chatty", "both", "chat-only", dialects=(CHAT,)),
        place("anthropic", "both", "messages-only", dialects=(MESSAGES,)),
    ),
    rules(aliases={"Several": ("chat-only", "messages-only")}),
)


@pytest.mark.parametrize(
    ("name", "dialect", "targets"),
    [
        ("both", CHAT, ["chatty/both"]),
        ("both", MESSAGES, ["anthropic/both"]),
        ("several", CHAT, ["chatty/chat-only"]),
        ("several", MESSAGES, ["anthropic/messages-only"]),
    ],
)
def test_only_targets_that_speak_the_dialect_are_tried(name: str, dialect: Dialect, targets: list[str]) -> None:
    assert found(name, TALKERS, dialect) == targets


@pytest.mark.parametrize(
    ("name", "dialect", "providers"),
    [
        ("chat-only", MESSAGES, "chatty"),
        ("x@anthropic", CHAT, "anthropic"),
        ("both", RESPONSES, "anthropic, chatty"),
        ("several", RESPONSES, "anthropic, chatty"),
    ],
)
def test_a_model_that_nobody_serves_in_the_dialect_is_refused(name: str, dialect: Dialect, providers: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        plan(TALKERS, name, dialect)
    facts = caught.value.facts
    assert (facts.status, facts.code, facts.param) == (400, "dialect_not_supported", "model")
    assert facts.message == (
        f"'{name}' is served by {providers}, which does not speak the {dialect.value} dialect of this endpoint."
    )


def test_the_catalog_names_each_model_once_in_the_order_of_the_file_and_then_the_aliases() -> None:
    catalog = Catalog((place("one", "B", "a"), place("two", "a", "c")), rules({"z": ("a",), "c": ("a",)}))
    assert catalog.names() == ["B", "a", "c", "z"]


@pytest.mark.parametrize(
    ("name", "form"), [("GPT-5-Mini", "gpt_5_mini"), ("a_b-c.d/e@f", "a_b_c.d/e@f"), ("", ""), ("Straße", "strasse")]
)
def test_names_are_normalised_in_case_and_dashes_only(name: str, form: str) -> None:
    assert normalise(name) == form


@pytest.mark.parametrize(
    ("name", "glob", "is_match"),
    [
        ("a/b", "*", True),
        ("a/b/c", "a/*", True),
        ("A-1", "a-?", True),
        ("a-1", "A-?", True),
        ("a-12", "a-?", False),
        ("a.b", "a?b", True),
        ("axb", "a.b", False),
        ("b", "[abc]", False),
        ("claude[1m]", "claude*[1m]", True),
        ("prefix-a", "a", False),
        ("a\nb", "a*", True),
    ],
)
def test_globs_match_the_whole_name_case_blind_and_across_slashes(name: str, glob: str, is_match: bool) -> None:
    assert is_among(name, ["no-match", glob]) is is_match


WORDS = st.sampled_from(["a", "B", "a-b", "A_B", "c/d", "m@one", "m@off", "x@two", "@", "", "É", "ß", "alias", "other"])
ANY_NAME = st.one_of(
    WORDS, st.text(max_size=8), st.tuples(WORDS, st.sampled_from(["", "@", "-", "/"]), WORDS).map("".join)
)
ANY_GLOB = st.one_of(WORDS, st.sampled_from(["*", "a*", "?", "[ab]*", "*@*", "[", "c/*"]))
PROVIDERS = st.sampled_from(["one", "Two", "ONE", "off"])


def _alias(names: list[str]) -> AliasRule:
    return AliasRule(tuple(names))


@st.composite
def catalogs(draw: st.DrawFn) -> Catalog:
    places = [
        Place(
            name,
            draw(st.frozensets(st.sampled_from(Dialect))),
            tuple(draw(st.lists(ANY_NAME, max_size=3))),
            tuple(draw(st.lists(ANY_GLOB, max_size=2))),
            draw(st.booleans()),
        )
        for name in draw(st.sampled_from([[], ["one"], ["one", "Two"]]))
    ]
    return Catalog(
        places,
        Rules(
            draw(st.dictionaries(ANY_NAME, st.lists(ANY_NAME, min_size=1, max_size=3).map(_alias), max_size=4)),
            tuple(draw(st.lists(st.tuples(ANY_GLOB, PROVIDERS), max_size=3))),
            tuple(draw(st.lists(st.tuples(ANY_GLOB, ANY_NAME), max_size=3))),
        ),
    )


def outcome(catalog: Catalog, name: str, dialect: Dialect) -> tuple[Target, ...]:
    """The targets, none where the request is refused; anything else but a refusal is a failure of the test."""
    try:
        return plan(catalog, name, dialect).targets
    except RequestError:
        return ()


@given(catalog=catalogs(), name=ANY_NAME, dialect=st.sampled_from(Dialect))
def test_any_name_gives_targets_of_the_catalog_or_a_refusal(catalog: Catalog, name: str, dialect: Dialect) -> None:
    targets = outcome(catalog, name, dialect)
    assert len(set(targets)) == len(targets)
    for target in targets:
        known = catalog.places[target.provider.casefold()]
        assert (known.name, dialect in known.dialects) == (target.provider, True)


@given(catalog=catalogs(), name=ANY_NAME)
def test_a_model_of_a_target_is_never_empty_unless_the_catalog_says_so(catalog: Catalog, name: str) -> None:
    named = {name, *(target for rule in catalog.aliases.values() for target in rule.targets)}
    if "" not in named | set(catalog.names()) | {model for _, _, model in catalog.overrides}:
        assert all(target.model for target in outcome(catalog, name, Dialect.CHAT))


def test_a_glob_among_a_providers_models_brings_the_call_there() -> None:
    places = [
        Place("a", frozenset(Dialect), ("exact-1",), ("exact-9*",), globs=("exact-*", "EX*")),
        Place("b", frozenset(Dialect), is_default=True),
    ]
    catalog = Catalog(places, Rules({}))
    found = {name: plan(catalog, name, Dialect.CHAT).targets for name in ("exact-1", "Exact-2", "exact-99", "other")}
    assert found == {
        "exact-1": (Target("a", "exact-1"),),
        "Exact-2": (Target("a", "Exact-2"),),
        "exact-99": (Target("b", "exact-99"),),
        "other": (Target("b", "other"),),
    }


def test_a_stage_whose_providers_do_not_speak_the_dialect_gives_way_to_the_next() -> None:
    places = [
        Place("chat", frozenset({Dialect.CHAT}), ("claude-x",)),
        Place("messages", frozenset({Dialect.MESSAGES}), globs=("claude-*",)),
        Place("rest", frozenset({Dialect.RESPONSES}), is_default=True),
    ]
    catalog = Catalog(places, Rules({}))
    found = {dialect: plan(catalog, "claude-x", dialect).targets[0].provider for dialect in Dialect}
    assert found == {Dialect.CHAT: "chat", Dialect.MESSAGES: "messages", Dialect.RESPONSES: "rest"}


def test_the_names_that_rules_lead_to_are_told_as_they_are_written() -> None:
    given = rules(aliases={"A": ("x@up", "Y"), "B": ("z",)}, overrides={"old-*": "New"})
    assert Catalog((OPENAI,), given).written_names() == ["x@up", "Y", "z", "New"]
