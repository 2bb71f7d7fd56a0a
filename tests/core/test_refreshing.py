"""Refresh tokens live through a rotation of the secret that their successors are derived from."""

from __future__ import annotations

from pathlib import Path

import pytest

from relay.core.accounts.registering import Registering, register
from relay.core.accounts.tokens import refresh
from relay.errors import Unauthorized
from tests.support.accounts import SECRET, accounts_in, new_store
from tests.support.running import configuration
from tests.web.accounts.client import PASSWORD, Calendar

CONFIG = configuration(auth={"registration": "open"})
NEW = b"another secret of the tests, 32!"
ASKED = Registering("alice", "alice@example.org", PASSWORD, None, None, "test")


async def used_before_a_rotation(folder: Path, calendar: Calendar) -> tuple[str, str]:
    """A refresh token, and its successor under the secret that was in use."""
    new_store(folder)
    async with accounts_in(folder, CONFIG, calendar, secrets=[SECRET]) as before:
        _, answer = await register(before, ASKED, None, "-")
        assert answer is not None
        return answer.refresh_token, (await refresh(before, answer.refresh_token, "-")).refresh_token


async def test_a_repeat_behind_a_rotation_gets_the_successor_that_there_is(tmp_path: Path) -> None:
    calendar = Calendar()
    first, second = await used_before_a_rotation(tmp_path, calendar)
    async with accounts_in(tmp_path, CONFIG, calendar, secrets=[NEW, SECRET]) as behind:
        assert (await refresh(behind, first, "-")).refresh_token == second
        third = await refresh(behind, second, "-")
        assert (await refresh(behind, second, "-")).refresh_token == third.refresh_token


async def test_where_the_former_secret_is_gone_a_repeat_is_refused_and_the_successor_is_not(tmp_path: Path) -> None:
    calendar = Calendar()
    first, second = await used_before_a_rotation(tmp_path, calendar)
    async with accounts_in(tmp_path, CONFIG, calendar, secrets=[NEW]) as behind:
        with pytest.raises(Unauthorized):
            await refresh(behind, first, "-")
        assert (await refresh(behind, second, "-")).user.username == "alice"
