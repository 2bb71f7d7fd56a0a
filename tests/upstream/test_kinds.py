"""The table of provider types, row by row; what a provider makes of its row is test_providers' business."""

from __future__ import annotations

import pytest
from yarl import URL

from relay.model import Dialect
from relay.upstream.kinds import KINDS

CHAT, RESPONSES, MESSAGES = Dialect.CHAT, Dialect.RESPONSES, Dialect.MESSAGES
EVERY = {CHAT, RESPONSES, MESSAGES}
BEARER = ("Authorization", "Bearer sk-1")

ROWS = [
    ("openai", {CHAT, RESPONSES}, "", BEARER, False),
    ("anthropic", {MESSAGES}, "/v1", ("x-api-key", "sk-1"), True),
    ("azure", {CHAT, RESPONSES}, "", ("api-key", "sk-1"), True),
    ("demo", EVERY, "", BEARER, False),
    ("openrouter", EVERY, "", BEARER, True),
    ("nvidia", {CHAT}, "", BEARER, True),
    ("deepseek", {CHAT}, "", BEARER, True),
    ("groq", {CHAT, RESPONSES}, "", BEARER, True),
    ("mistral", {CHAT}, "", BEARER, True),
    ("together", {CHAT}, "", BEARER, True),
    ("xai", {CHAT, RESPONSES}, "", BEARER, True),
    ("gemini", {CHAT}, "", BEARER, True),
    ("ollama", {CHAT}, "", BEARER, False),
    ("vllm", {CHAT, RESPONSES}, "", BEARER, False),
    ("lmstudio", {CHAT}, "", BEARER, False),
]
"""(type, dialects, path prefix, the header that carries the key, whether it needs a key)"""
every_kind = pytest.mark.parametrize("name", list(KINDS))
preset = pytest.mark.parametrize("name", [name for name, kind in KINDS.items() if kind.base_url])


def test_the_table_above_has_every_type() -> None:
    assert [name for name, *_ in ROWS] == list(KINDS)


@pytest.mark.parametrize(("name", "dialects"), [row[:2] for row in ROWS])
def test_each_type_speaks_these_dialects(name: str, dialects: set[Dialect]) -> None:
    assert set(KINDS[name].dialects) == dialects


@every_kind
def test_no_dialect_is_named_twice(name: str) -> None:
    assert len(set(KINDS[name].dialects)) == len(KINDS[name].dialects)


@pytest.mark.parametrize(("name", "prefix"), [(row[0], row[2]) for row in ROWS])
def test_only_anthropics_base_url_comes_without_its_version(name: str, prefix: str) -> None:
    assert KINDS[name].path_prefix == prefix


@pytest.mark.parametrize(("name", "header"), [(row[0], row[3]) for row in ROWS])
def test_each_type_takes_its_key_in_this_header(name: str, header: tuple[str, str]) -> None:
    assert KINDS[name].authorize("sk-1") == header


@pytest.mark.parametrize(("name", "needs_key"), [(row[0], row[4]) for row in ROWS])
def test_only_what_may_run_at_home_does_without_a_key(name: str, needs_key: bool) -> None:
    assert KINDS[name].needs_key is needs_key


def test_only_types_without_a_place_of_their_own_have_no_base_url() -> None:
    assert [name for name, kind in KINDS.items() if not kind.base_url] == ["openai", "anthropic", "azure"]


@preset
def test_a_prompt_leaves_this_machine_only_encrypted(name: str) -> None:
    url = URL(KINDS[name].base_url)
    assert url.scheme == "https" or (url.host or "").endswith(".invalid") or url.host == "127.0.0.1"


@preset
def test_a_base_url_is_a_plain_root(name: str) -> None:
    url = URL(KINDS[name].base_url)
    assert KINDS[name].base_url == f"{url.origin()}{url.path}".rstrip("/")


def test_only_the_demo_lives_nowhere() -> None:
    """`.invalid` resolves nowhere (RFC 2606): a demo call that went to the network by mistake would fail."""
    assert [name for name, kind in KINDS.items() if ".invalid" in kind.base_url] == ["demo"]


def test_a_type_without_a_key_is_the_demo_or_may_be_local() -> None:
    keyless = [kind for kind in KINDS.values() if not kind.needs_key]
    assert all(URL(kind.base_url).scheme in ("http", "") for kind in keyless)


def test_whose_list_does_not_name_what_calls_name_is_not_asked_for_it() -> None:
    assert [name for name, kind in KINDS.items() if not kind.has_list] == ["azure", "demo"]


def test_lists_are_asked_for_and_read_alike_but_for_two() -> None:
    own = {
        name: (kind.list_query, kind.list_prefix) for name, kind in KINDS.items() if kind.list_query or kind.list_prefix
    }
    assert own == {"anthropic": ("limit=1000", ""), "gemini": ("", "models/")}


def test_only_anthropic_is_told_a_version() -> None:
    assert {name: dict(kind.headers) for name, kind in KINDS.items() if kind.headers} == {
        "anthropic": {"anthropic-version": "2023-06-01"}
    }
