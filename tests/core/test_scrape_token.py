"""The scraper's token: itself and nothing like it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relay.core.access_keys import MAX_CREDENTIAL_CHARACTERS
from relay.core.scrape_token import ScrapeToken
from tests.config.parsing import configured

TOKEN = "scrape-token-0123456789"


def token(text: str = TOKEN) -> ScrapeToken:
    return ScrapeToken(configured(f"metrics: {{token: '{text}'}}"))


def test_the_token_matches_itself() -> None:
    assert token().matches(TOKEN)


@pytest.mark.parametrize("presented", ["", TOKEN[:-1], TOKEN + "0", TOKEN.upper(), f" {TOKEN}", "\udcff"])
def test_nothing_else_matches(presented: str) -> None:
    assert not token().matches(presented)


@given(st.text(st.characters()) | st.just(""))
def test_an_empty_token_is_none(presented: str) -> None:
    assert not token("").matches(presented)


def test_a_token_longer_than_any_credential_matches_nothing() -> None:
    long = "t" * (MAX_CREDENTIAL_CHARACTERS + 1)
    assert not token(long).matches(long)
    assert token(long[1:]).matches(long[1:])
