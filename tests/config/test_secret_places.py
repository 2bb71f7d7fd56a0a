from __future__ import annotations

import pytest

from relay.config.document import plain, read
from relay.config.findings import KeyPath
from relay.config.secret_places import doubtful_names, secret_places
from relay.resources import EXAMPLE_CONFIG


def paths(text: str) -> list[KeyPath]:
    return [place.path for place in secret_places(plain(read(text).root))]


def test_every_secret_of_the_schema_is_known() -> None:
    text = """\
server: {access_key: s}
auth: {jwt_secret: s}
database: {url: s}
redis: {url: s}
metrics: {token: s}
providers: {x: {keys: [{key: s, label: l}], headers: {X-A: s}, proxy: s, base_url: https://h}}
"""
    assert paths(text) == [
        ("server", "access_key"),
        ("auth", "jwt_secret"),
        ("database", "url"),
        ("redis", "url"),
        ("metrics", "token"),
        ("providers", "x", "keys", 0, "key"),
        ("providers", "x", "headers", "X-A"),
        ("providers", "x", "proxy"),
    ]


def test_of_the_example_it_is_the_access_key_alone() -> None:
    assert paths(EXAMPLE_CONFIG.read_text(encoding="utf-8")) == [("server", "access_key")]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("server: {access_key: [{name: n, key: s}, {name: m, key: '${S}'}]}", [("server", "access_key", 0, "key")]),
        ("auth: {jwt_secret: [s, '']}", [("auth", "jwt_secret", 0)]),
        ("server: {acess_key: s, host: h}", [("server", "acess_key")]),
        ("unknown: [s, {a: 1, b: true, c: }]", [("unknown", 0), ("unknown", 1, "a")]),
        ("providers: s", [("providers",)]),
        ("providers: {x: s}", [("providers", "x")]),
        ("providers: {x: {keys: s}}", [("providers", "x", "keys")]),
        ("providers: {x: {keys: [s, 5]}}", [("providers", "x", "keys", 0), ("providers", "x", "keys", 1)]),
        ("providers: {x: {keys: {key: s}}}", [("providers", "x", "keys", "key")]),
        ("providers: [{keys: [{key: s}]}]", [("providers", 0, "keys", 0, "key")]),
        ("providers: {x: {keys: [{key: 123456}]}}", [("providers", "x", "keys", 0, "key")]),
        ("providers: {x: {keys: [{key: true}, {key: }]}}", []),
        ("providers: {x: {base_url: 'https://u:s@h'}}", [("providers", "x", "base_url")]),
        ("providers: {x: {params: {token: t}, timeout: 5, models: x, system_prompt: p}}", []),
        ("model_routing: {aliases: {a: m, b: [m, {model: n}]}, provider_mapping: x}", []),
        ("logging: {bodies: none, tokn: s}", [("logging", "tokn")]),
        ("- s", [(0,)]),
        ("s", [()]),
    ],
)
def test_what_may_be_a_secret_is_taken_for_one(text: str, found: list[KeyPath]) -> None:
    assert paths(text) == found


def test_items_of_a_list_are_told_apart() -> None:
    text = "providers: {x: {keys: [{key: a, label: l}, {key: b}]}}\nserver: {access_key: [{name: n, key: c}]}"
    places = list(secret_places(plain(read(text).root)))
    assert [(place.group, place.label, place.mask) for place in places] == [
        (("providers", "x", "keys"), "l", "…[0]"),
        (("providers", "x", "keys"), None, "…[1]"),
        (("server", "access_key"), "n", "…[0]"),
    ]


def test_a_place_does_not_show_its_secret() -> None:
    assert "canary" not in repr(list(secret_places({"server": {"access_key": "canary"}})))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("server: {access_key, sk-1}", [("server",)]),
        ("{sk-1: {a: 1}}", [()]),
        ("providers: {x: {headers: {'Authorization:sk-1': }}}", [("providers", "x", "headers")]),
        ("providers: {x: {headers: {'Authorization:sk-1': a}}}", [("providers", "x", "headers")]),
        ("providers: {x: {headers: {sk-1}}}", [("providers", "x", "headers")]),
        ("providers: {x: {headers: {a-very-long-name-of-a-header-which-is-fine: a}, keys: }}", []),
        ("model_routing: {provider_mapping: {'m:free': x, '*=': y}, aliases: {'a b': }}", []),
        ("server: {acess_key: s}", []),
    ],
)
def test_names_that_may_be_secrets_are_found(text: str, found: list[KeyPath]) -> None:
    assert list(doubtful_names(plain(read(text).root))) == found
