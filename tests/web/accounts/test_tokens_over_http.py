"""No variant of a token gets in, in whichever header, and none makes a fault of the relay's."""

from __future__ import annotations

import pytest

from relay.web.answers import UNAUTHORIZED_BODY
from tests.core.test_tokens import VARIANTS
from tests.web.accounts.client import Api

SENDABLE = {name: text for name, text in VARIANTS.items() if text.isascii() and text.isprintable()}


@pytest.mark.parametrize("header", ["Authorization", "X-Access-Key", "x-api-key", "api-key"])
async def test_no_variant_is_admitted(api: Api, header: str) -> None:
    for name, text in SENDABLE.items():
        sent = {header.replace("-", "_"): f"Bearer {text}" if header == "Authorization" else text}
        answer = await api.call("GET", "/api/auth/me", **sent)
        is_too_long = len(text) > 8000 and answer.status in (400, 401)
        assert is_too_long or (answer.status, answer.raw) == (401, UNAUTHORIZED_BODY), name


async def test_a_true_token_with_a_sign_changed_or_cut_is_refused(api: Api) -> None:
    token = await api.token()
    assert (await api.call("GET", "/api/auth/me", by=token)).status == 200
    for place in range(0, len(token), 7):
        other = "A" if token[place] != "A" else "B"
        for changed in (token[:place] + other + token[place + 1 :], token[:place], token + token[place:]):
            assert (await api.call("GET", "/api/auth/me", by=changed)).status == 401
