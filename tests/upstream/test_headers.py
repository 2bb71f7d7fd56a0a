from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from relay.upstream.headers import UpwardFilter, downward, upstream_request_id

Headers = list[tuple[str, str]]

PASSED_UP = [
    "accept", "anthropic-beta", "anthropic-version", "content-type", "http-referer", "idempotency-key",
    "openai-beta", "openai-organization", "originator", "session-id", "thread-id", "traceparent", "user-agent",
    "x-client-request-id", "x-claude-code-session", "x-codex-turn", "x-session-affinity", "x-stainless-retry-count",
    "x-title",
]  # fmt: skip
UNKNOWN = [
    "accept-language", "anthropic", "cache-control", "cf-connecting-ip", "dnt", "openai", "origin", "priority",
    "referer", "sec-fetch-site", "tracestate", "x-custom", "x-goog-api-key", "x-request-id", "x-session", "x-titles",
    "xx-title",
]  # fmt: skip
CREDENTIALS = ["api-key", "authorization", "cookie", "proxy-authorization", "x-access-key", "x-api-key"]
ORIGIN_OF_THE_CLIENT = [
    "forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-", "x-real-ip",
]  # fmt: skip
HOP_BY_HOP = [
    "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding",
    "upgrade",
]  # fmt: skip
MADE_ANEW = ["accept-encoding", "content-encoding", "content-length", "expect", "host"]
NEVER_UP = [*CREDENTIALS, *ORIGIN_OF_THE_CLIENT, *HOP_BY_HOP, *MADE_ANEW]

PASSED_DOWN = [
    "anthropic-ratelimit-requests-remaining", "content-type", "openai-processing-ms", "retry-after",
    "x-ratelimit-limit-requests", "x-ratelimit-reset-tokens", "x-should-retry",
]  # fmt: skip
STOPPED_DOWN = [
    "access-control-allow-origin", "alt-svc", "anthropic-organization-id", "cf-ray", "connection", "content-encoding",
    "content-length", "date", "keep-alive", "nel", "openai-organization", "openai-project", "openai-version",
    "report-to", "request-id", "server", "set-cookie", "strict-transport-security", "trailer", "transfer-encoding",
    "via", "x-accel-buffering", "x-request-id",
]  # fmt: skip


def spelled(name: str) -> list[str]:
    return [name, name.upper(), name.title()]


def passed(headers: Headers, *forward: str, connection: str = "") -> Headers:
    return list(UpwardFilter(forward).choose(headers, connection))


@pytest.mark.parametrize("name", [spelling for name in PASSED_UP for spelling in spelled(name)])
def test_a_listed_header_goes_to_the_provider_as_it_is(name: str) -> None:
    assert passed([(name, "value")]) == [(name, "value")]


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_header_that_is_not_listed_stays_here(name: str) -> None:
    assert passed([(name, "value")]) == []


@pytest.mark.parametrize("name", [spelling for name in NEVER_UP for spelling in spelled(name)])
@pytest.mark.parametrize("form", ["*", "its own name"])
def test_what_may_never_pass_does_not_pass_even_where_the_configuration_says_so(name: str, form: str) -> None:
    assert passed([(name, "value")], "*" if form == "*" else name) == []


@pytest.mark.parametrize("name", UNKNOWN)
def test_a_star_lets_any_other_header_pass(name: str) -> None:
    assert passed([(name, "value")], "*") == [(name, "value")]


@pytest.mark.parametrize(
    ("glob", "name", "passes"),
    [
        ("x-custom", "X-Custom", True),
        ("X-Custom", "x-custom", True),
        ("x-custom", "x-custom-2", False),
        ("x-my-*", "X-My-Header", True),
        ("x-my-*", "x-my", False),
        ("x-?", "x-1", True),
        ("x-?", "x-12", False),
        ("x-[ab]", "x-b", True),
        ("x-[ab]", "x-c", False),
        ("x.y", "x-y", False),
    ],
)
def test_a_provider_may_get_further_headers_by_glob(glob: str, name: str, passes: bool) -> None:
    assert bool(passed([(name, "value")], glob)) is passes


@pytest.mark.parametrize("name", ["x_api_key", "anthropic_version", "anthropic-x_y", "openai_organization", "_"])
def test_a_name_with_an_underscore_never_passes(name: str) -> None:
    assert passed([(name, "value")], "*", name) == []


@pytest.mark.parametrize("connection", ["x-title", "close, X-Title", "X-TITLE,keep-alive", "  x-title  ", ",,x-title,"])
def test_what_the_connection_header_names_does_not_pass(connection: str) -> None:
    headers = [("X-Title", "mine"), ("User-Agent", "client")]
    assert passed(headers, "*", connection=connection) == [("User-Agent", "client")]


def test_repeated_headers_and_their_order_are_kept() -> None:
    headers = [("anthropic-beta", "one"), ("Accept", "a"), ("Anthropic-Beta", "two"), ("Accept", "b")]
    assert passed(headers) == headers


def test_a_value_is_not_looked_at() -> None:
    headers = [("User-Agent", "Authorization: Bearer x"), ("X-Title", ""), ("Accept", "\u00e9\udcff")]
    assert passed(headers) == headers


@pytest.mark.parametrize("name", [spelling for name in PASSED_DOWN for spelling in spelled(name)])
def test_a_listed_header_of_an_answer_goes_to_the_client(name: str) -> None:
    assert list(downward(CIMultiDict([(name, "value")])).items()) == [(name, "value")]


@pytest.mark.parametrize("name", [spelling for name in STOPPED_DOWN for spelling in spelled(name)])
def test_any_other_header_of_an_answer_stops_here(name: str) -> None:
    assert not downward(CIMultiDict([(name, "value")]))


def test_repeated_headers_of_an_answer_are_kept() -> None:
    headers = [("x-ratelimit-reset", "1"), ("Retry-After", "2"), ("X-RateLimit-Reset", "3")]
    assert list(downward(CIMultiDict(headers)).items()) == headers


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ([("X-Request-Id", "openai")], "openai"),
        ([("request-id", "anthropic")], "anthropic"),
        ([("request-id", "anthropic"), ("x-request-id", "openai")], "openai"),
        ([("x-id", "other")], None),
        ([], None),
    ],
)
def test_the_providers_own_id_of_a_call_is_found(headers: Headers, expected: str | None) -> None:
    assert upstream_request_id(CIMultiDict(headers)) == expected


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCXYZ0123456789-_.!#$%&'*+^`|~", min_size=1, max_size=20)
DANGEROUS = st.sampled_from([spelling for name in NEVER_UP for spelling in spelled(name)])
ANY_NAME = st.one_of(TOKEN, DANGEROUS, DANGEROUS.map(lambda name: name.replace("-", "_")))
ANY_GLOB = st.one_of(st.sampled_from(["*", "x-*", "*-key", "[a-z]*", "?*", "A*", "c*", "*o*"]), TOKEN, DANGEROUS)


@given(
    headers=st.lists(st.tuples(ANY_NAME, st.text(max_size=5)), max_size=12),
    forward=st.lists(ANY_GLOB, max_size=4),
    named=st.lists(ANY_NAME, max_size=3),
)
def test_no_headers_at_all_bring_a_credential_a_cookie_or_a_hop_by_hop_header_through(
    headers: Headers, forward: list[str], named: list[str]
) -> None:
    connection = ", ".join(named)
    went = {name.lower() for name, _ in passed(headers, *forward, connection=connection)}
    assert went.isdisjoint(NEVER_UP)
    assert went.isdisjoint(name.lower() for name in named)
    assert not [name for name in went if "_" in name or name.startswith("x-forwarded-")]


@given(headers=st.lists(st.tuples(ANY_NAME, st.text(max_size=5)), max_size=12))
def test_what_passes_is_part_of_what_came_in_the_same_order(headers: Headers) -> None:
    left = iter(headers)
    assert all(header in left for header in passed(headers, "*"))


@given(headers=st.lists(st.tuples(st.one_of(TOKEN, st.sampled_from(STOPPED_DOWN)), st.text(max_size=5)), max_size=12))
def test_no_answer_brings_a_cookie_or_a_framing_header_down(headers: Headers) -> None:
    went = {name.lower() for name, _ in downward(CIMultiDict(headers)).items()}
    assert went.isdisjoint(STOPPED_DOWN)
