from __future__ import annotations

import pytest

from tests.config.parsing import configured, problem


def provider(rest: str) -> str:
    return f"providers: {{x: {{{rest}}}}}"


@pytest.mark.parametrize("name", ["X-Title", "authorization", "api-key", "x_y", "cookie"])
def test_an_operator_may_add_headers_credentials_included(name: str) -> None:
    headers = configured(provider(f'headers: {{{name}: "Bearer ${{KEY}}"}}'), KEY="k").providers["x"].headers
    assert headers[name].get_secret_value() == "Bearer k"


@pytest.mark.parametrize(
    "name",
    ["Host", "content-length", "Transfer-Encoding", "CONNECTION", "te", "upgrade", "keep-alive", "proxy-authorization"],
)
def test_headers_of_the_connection_are_refused(name: str) -> None:
    found = problem(provider(f"headers: {{{name}: a}}"))
    assert found.path == f"providers.x.headers.{name}"
    assert "header of the connection" in found.message


@pytest.mark.parametrize("name", ['""', '"a b"', '"a:"', '"é"', '"a\\r\\nb"'])
def test_what_is_no_token_is_no_header(name: str) -> None:
    assert "no name of an HTTP header" in problem(provider(f"headers: {{{name}: v}}")).message


@pytest.mark.parametrize("value", ["a\\nb", "a\\r", "\\0", "\\x7f"])
def test_control_characters_in_values_are_refused(value: str) -> None:
    found = problem(provider(f'headers: {{X-A: "canary{value}"}}'))
    assert "control character" in found.message
    assert "canary" not in str(found)


def test_a_value_that_is_no_text_is_not_shown() -> None:
    found = problem(provider("headers: {X-A: 123456789}"))
    assert "must be text" in found.message
    assert "123456789" not in str(found)


def test_forwarded_headers_are_names_or_globs() -> None:
    settings = configured(provider('forward_headers: ["x-my-*", x-one, "x-[ab]?"]')).providers["x"]
    assert settings.forward_headers == ("x-my-*", "x-one", "x-[ab]?")
    found = problem(provider('forward_headers: [x-a, "x b"]'))
    assert found.path == "providers.x.forward_headers[1]"
    assert "glob" in found.message
