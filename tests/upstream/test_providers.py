from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from multidict import CIMultiDictProxy

from relay.config.schema import Config
from relay.model import Dialect
from relay.upstream.keyring import Key
from relay.upstream.kinds import KINDS
from relay.upstream.providers import MAX_SENT, Provider, build, check
from relay.upstream.transport import Deadlines
from tests.config.parsing import configured

CHAT, RESPONSES, MESSAGES = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES
EVERY = (CHAT, RESPONSES, MESSAGES)
MINE = "http://127.0.0.1:9"
"""A base URL for the types that have none of their own."""


def config(**providers: str) -> Config:
    """A configuration of providers, each given as the inside of a YAML flow mapping."""
    blocks = "".join(f"\n  {name}: {{{block}}}" for name, block in providers.items())
    return configured(f"providers:{blocks}" if blocks else "{}")


def built(block: str) -> Provider:
    """The one provider of a configuration."""
    return build(config(up=block))["up"]


def headers(provider: Provider, *client: tuple[str, str], key: Key | None = None) -> CIMultiDictProxy[str]:
    return provider.headers_for(client, "", key).fields


def one_key(block: str) -> str:
    return f"{block}, keys: [{{key: sk-1}}]"


def findings(**providers: str) -> list[tuple[str, str]]:
    """What is wrong: the path below `providers`, dotted, and the message."""
    return [(".".join(map(str, path[1:])), message) for path, message in check(config(**providers))]


BEARER = "Authorization: Bearer sk-1"
TYPES = [
    ("openai", "https://api.openai.com/v1", "https://api.openai.com/v1/x", BEARER, (CHAT, RESPONSES)),
    ("anthropic", "https://api.anthropic.com", "https://api.anthropic.com/v1/x", "x-api-key: sk-1", (MESSAGES,)),
    ("azure", "https://me.azure.com/openai/v1", "https://me.azure.com/openai/v1/x", "api-key: sk-1", (CHAT, RESPONSES)),
    ("openrouter", "", "https://openrouter.ai/api/v1/x", BEARER, EVERY),
    ("nvidia", "", "https://integrate.api.nvidia.com/v1/x", BEARER, (CHAT,)),
    ("deepseek", "", "https://api.deepseek.com/v1/x", BEARER, (CHAT,)),
    ("groq", "", "https://api.groq.com/openai/v1/x", BEARER, (CHAT, RESPONSES)),
    ("mistral", "", "https://api.mistral.ai/v1/x", BEARER, (CHAT,)),
    ("together", "", "https://api.together.xyz/v1/x", BEARER, (CHAT,)),
    ("xai", "", "https://api.x.ai/v1/x", BEARER, (CHAT, RESPONSES)),
    ("gemini", "", "https://generativelanguage.googleapis.com/v1beta/openai/x", BEARER, (CHAT,)),
    ("ollama", "", "http://127.0.0.1:11434/v1/x", BEARER, (CHAT,)),
    ("vllm", "", "http://127.0.0.1:8000/v1/x", BEARER, (CHAT, RESPONSES)),
    ("lmstudio", "", "http://127.0.0.1:1234/v1/x", BEARER, (CHAT,)),
]  # fmt: skip
"""(type, base URL, URL of a path below it, the header that carries the key, dialects)"""


@pytest.mark.parametrize(("kind", "base_url", "url", "header", "dialects"), TYPES)
def test_each_type_has_its_url_its_auth_header_and_its_dialects(
    kind: str, base_url: str, url: str, header: str, dialects: tuple[Dialect, ...]
) -> None:
    provider = built(one_key(f"provider_type: {kind}" + (f", base_url: '{base_url}'" if base_url else "")))
    name, _, value = header.partition(": ")
    assert provider.url("/x", "") == url
    assert headers(provider, key=provider.keys[0])[name] == value
    assert provider.dialects == dialects


def test_no_type_is_left_out_of_the_table_above() -> None:
    assert [kind for kind, *_ in TYPES] == [kind for kind in KINDS if kind != "demo"]


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_base_url_of_the_configuration_wins(kind: str) -> None:
    name = "demo" if kind == "demo" else "up"
    provider = build(config(**{name: one_key(f"provider_type: {kind}, base_url: '{MINE}/deep'")}))[name]
    assert provider.url("/x", "").startswith(f"{MINE}/deep/")


@pytest.mark.parametrize("base_url", [f"{MINE}", f"{MINE}/", f"{MINE}/v1", f"{MINE}/v1/"])
def test_anthropics_base_url_may_come_with_or_without_v1(base_url: str) -> None:
    provider = built(one_key(f"provider_type: anthropic, base_url: '{base_url}'"))
    assert provider.url("/messages", "") == f"{MINE}/v1/messages"


@pytest.mark.parametrize("query", ["a=1", "x=%2Fy&x=2", "q=a%20b+c", "%3F=%23"])
def test_a_query_goes_along_as_it_was_sent(query: str) -> None:
    assert str(built(one_key(f"base_url: '{MINE}'")).url("/x", query)) == f"{MINE}/x?{query}"


def test_a_provider_may_be_told_what_it_speaks() -> None:
    assert built(one_key(f"base_url: '{MINE}', dialects: [messages]")).dialects == (MESSAGES,)


def test_keys_come_with_label_switch_and_expiry() -> None:
    keys = "[{key: sk-1, label: a}, {key: sk-2, enabled: false}, {key: sk-3, expires_at: 2027-01-31T12:00:00Z}]"
    assert built(f"base_url: '{MINE}', keys: {keys}").keys == (
        Key("a", "sk-1"),
        Key("key-2", "sk-2", is_enabled=False),
        Key("key-3", "sk-3", expires_at=datetime(2027, 1, 31, 12, tzinfo=UTC)),
    )


def test_deadlines_come_from_the_configuration() -> None:
    provider = built(one_key(f"base_url: '{MINE}', timeout: {{connect: 1, first_byte: 2s, idle: 3, total: 1m}}"))
    assert provider.deadlines == Deadlines(connect_s=1, first_byte_s=2, idle_s=3, total_s=60)


def test_a_call_without_a_key_carries_no_credential() -> None:
    sent = headers(built(f"base_url: '{MINE}'"), ("Authorization", "Bearer client"), ("x-api-key", "client"))
    assert set(sent) == {"Content-Type", "Accept", "Accept-Encoding", "User-Agent"}


def test_a_client_that_names_no_program_is_sent_as_ours_and_no_other_is() -> None:
    provider = built(f"base_url: '{MINE}'")
    assert headers(provider)["User-Agent"] == "MonoRelay"
    assert headers(provider, ("User-Agent", "theirs"), ("Accept", "x/y")).getall("User-Agent") == ["theirs"]


@pytest.mark.parametrize(
    ("client", "sent"),
    [
        ([], ["2023-06-01"]),
        ([("Anthropic-Version", "2026-01-01")], ["2026-01-01"]),
        ([("anthropic-beta", "x")], ["2023-06-01"]),
    ],
)
def test_anthropics_version_is_filled_in_where_the_client_sent_none(
    client: list[tuple[str, str]], sent: list[str]
) -> None:
    provider = built(one_key(f"provider_type: anthropic, base_url: '{MINE}'"))
    assert headers(provider, *client).getall("anthropic-version") == sent


def test_a_header_of_the_configuration_replaces_all_that_the_client_sent_of_that_name() -> None:
    provider = built(one_key(f"base_url: '{MINE}', headers: {{x-title: ours}}"))
    assert headers(provider, ("X-Title", "a"), ("x-title", "b")).getall("X-TITLE") == ["ours"]


def test_a_header_of_the_configuration_wins_over_the_types_default() -> None:
    provider = built(one_key(f"provider_type: anthropic, base_url: '{MINE}', headers: {{Anthropic-Version: '1'}}"))
    assert headers(provider).getall("anthropic-version") == ["1"]


def test_the_keys_header_wins_over_the_configurations_and_the_clients() -> None:
    provider = built(one_key(f"base_url: '{MINE}', headers: {{authorization: Basic x}}, forward_headers: ['*']"))
    sent = headers(provider, ("Authorization", "Bearer client"), key=provider.keys[0])
    assert sent.getall("Authorization") == ["Bearer sk-1"]


@pytest.mark.parametrize("name", ["Content-Type", "Accept-Encoding"])
def test_form_and_coding_of_a_body_are_the_relays_own(name: str) -> None:
    provider = built(one_key(f"base_url: '{MINE}', headers: {{{name}: theirs}}, forward_headers: ['*']"))
    sent = headers(provider, (name, "a"), (name.lower(), "b"))
    assert sent.getall(name) == [{"Content-Type": "application/json", "Accept-Encoding": "identity"}[name]]


def test_further_headers_of_the_client_pass_where_the_provider_forwards_them() -> None:
    provider = built(one_key(f"base_url: '{MINE}', forward_headers: ['x-my-*']"))
    assert headers(provider, ("X-My-Tag", "t"), ("X-Other", "o"))["X-My-Tag"] == "t"


def test_keys_header_values_and_the_place_are_taken_out_of_what_a_provider_says() -> None:
    keys = "[{key: sk-canary-1}, {key: sk-canary-2, enabled: false}]"
    provider = built(f"base_url: 'https://inner.host/deep', keys: {keys}, headers: {{x-team: t0ken-canary}}")
    told = b"sk-canary-1, sk-canary-2, t0ken-canary, https://inner.host/deep/x, inner.host"
    assert provider.scrub.data(told) == b"***, ***, ***, ***/x, ***"


def test_a_provider_that_is_switched_off_is_not_built() -> None:
    providers = build(config(off=one_key(f"base_url: '{MINE}', enabled: false"), on=one_key(f"base_url: '{MINE}'")))
    assert list(providers) == ["on", "demo"]


def test_the_demo_provider_is_there_without_any_configuration() -> None:
    (demo,) = build(config()).values()
    assert (demo.name, demo.keys, demo.dialects) == ("demo", (), EVERY)


def test_the_demo_provider_comes_last() -> None:
    providers = config(b=one_key(f"base_url: '{MINE}'"), a=one_key(f"base_url: '{MINE}'"))
    assert list(build(providers)) == ["b", "a", "demo"]


def test_the_demo_provider_can_be_switched_off() -> None:
    assert build(config(demo="provider_type: demo, enabled: false")) == {}


def test_a_demo_provider_that_is_configured_is_not_added_again() -> None:
    assert list(build(config(demo="provider_type: demo", a=one_key(f"base_url: '{MINE}'")))) == ["demo", "a"]


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if KINDS[kind].base_url and kind != "demo"))
def test_nothing_is_wrong_with_a_preset_that_has_a_key(kind: str) -> None:
    assert findings(up=one_key(f"provider_type: {kind}")) == []


def test_an_unknown_type_is_refused_with_the_nearest_known_one() -> None:
    ((path, message),) = findings(up="provider_type: opnai")
    assert path == "up.provider_type"
    assert message.startswith("'opnai' is no type of provider (did you mean 'openai'")


def test_an_unknown_type_is_refused_even_where_the_provider_is_switched_off() -> None:
    assert [path for path, _ in findings(up="provider_type: nothing-like-it, enabled: false")] == ["up.provider_type"]


@pytest.mark.parametrize("kind", ["openai", "anthropic", "azure"])
def test_a_type_without_a_place_of_its_own_needs_a_base_url(kind: str) -> None:
    assert findings(up=one_key(f"provider_type: {kind}")) == [
        ("up.base_url", f"a provider of type '{kind}' needs a base_url")
    ]


@pytest.mark.parametrize("kind", sorted(kind for kind in KINDS if KINDS[kind].needs_key))
def test_a_type_that_asks_for_a_key_needs_one(kind: str) -> None:
    assert findings(up=f"provider_type: {kind}, base_url: '{MINE}'") == [
        ("up.keys", f"a provider of type '{kind}' needs at least one key")
    ]


@pytest.mark.parametrize("kind", ["openai", "ollama", "vllm", "lmstudio"])
def test_a_local_server_may_do_without_keys(kind: str) -> None:
    assert findings(up=f"provider_type: {kind}, base_url: '{MINE}'") == []


def test_what_a_provider_lacks_does_not_matter_while_it_is_switched_off() -> None:
    assert findings(up="provider_type: anthropic, enabled: false") == []


@pytest.mark.parametrize("name", ["demo", "Demo", "DEMO"])
def test_no_other_provider_is_called_demo(name: str) -> None:
    assert [path for path, _ in findings(**{name: one_key(f"base_url: '{MINE}'")})] == [f"{name}.provider_type"]


@pytest.mark.parametrize("name", ["other", "Demo", "DEMO"])
def test_the_demo_type_is_called_demo_in_this_spelling(name: str) -> None:
    assert [path for path, _ in findings(**{name: "provider_type: demo"})] == [f"{name}.provider_type"]


def test_every_provider_is_looked_at() -> None:
    assert [path for path, _ in findings(a="provider_type: anthropic", b="provider_type: x")] == [
        "a.base_url",
        "a.keys",
        "b.provider_type",
    ]


@pytest.mark.parametrize(
    ("block", "is_asked"),
    [
        ("provider_type: vllm", True),
        ("provider_type: vllm, models: {exclude: [a]}", True),
        ("provider_type: vllm, models: {include: [a, 'b*']}", True),
        ("provider_type: vllm, models: {include: ['b?']}", True),
        ("provider_type: vllm, models: {include: [a, 'b[c]']}", False),
        ("provider_type: azure, base_url: 'http://127.0.0.1:9', keys: [{key: sk-1}]", False),
    ],
)
def test_a_provider_is_asked_for_its_models_where_the_configuration_does_not_name_all(
    block: str, is_asked: bool
) -> None:
    assert built(block).is_asked_for_models is is_asked


def test_the_demo_provider_is_tested_with_its_own_model() -> None:
    assert build(config())["demo"].test_model == "demo"
    assert built("provider_type: vllm, test_model: x").test_model == "x"


def test_what_a_provider_is_printed_as_holds_no_header_that_is_added() -> None:
    (up, *_) = build(configured("providers: {up: {base_url: 'http://a/v1', headers: {x-it: canary-0123}}}")).values()
    assert "canary" not in repr(up)


def test_headers_are_kept_by_what_passed_and_by_key() -> None:
    provider = built(f"base_url: {MINE}")
    one, two = Key("a", "sk-1"), Key("b", "sk-2")
    sent = provider.headers_for([("User-Agent", "x"), ("X-Other", "1")], "", one)
    assert provider.headers_for([("User-Agent", "x"), ("X-Other", "2")], "", one) is sent
    assert headers(provider, ("User-Agent", "x"), key=two)["Authorization"] == "Bearer sk-2"
    assert headers(provider, ("User-Agent", "y"), key=one)["User-Agent"] == "y"
    other = replace(provider, headers={"X-Own": "1"}).headers_for([("User-Agent", "x")], "", one)
    assert other.fields["X-Own"] == "1"
    for number in range(MAX_SENT):
        provider.headers_for([("User-Agent", str(number))], "", one)
    assert provider.headers_for([("User-Agent", "x")], "", one) is not sent
