"""What may be a password, and what is kept of it."""

from __future__ import annotations

import asyncio
import threading
import unicodedata
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.core.passwords import (
    COMMON,
    MAX_NEW_WAITING,
    MAX_WAITING,
    PasswordHasher,
    cost_of,
    hashed,
    matches,
    open_hasher,
    refusal,
)
from relay.errors import InvalidRequest, TooManyRequests

COST = 4


@pytest.fixture
async def hasher() -> AsyncIterator[PasswordHasher]:
    async with open_hasher(COST, threads=2) as made:
        yield made


@pytest.mark.parametrize(
    ("password", "words"),
    [
        ("", "8 to 128"),
        ("1234567", "8 to 128"),
        ("x" * 129, "8 to 128"),
        ("12345678", "common"),
        ("PASSWORD", "common"),
        ("alice@example.org", "name or the e-mail"),
        ("ALICE-the-first", "name or the e-mail"),
    ],
)
def test_this_is_no_password(password: str, words: str) -> None:
    assert words in (refusal(password, "alice-the-first", "Alice@example.org") or "")


@pytest.mark.parametrize("password", ["correct horse", "x" * 128, "🐴" * 8, "        8"])
def test_this_is_one(password: str) -> None:
    assert refusal(password, "alice") is None


def test_as_many_common_ones_are_refused_as_are_promised() -> None:
    lists = import_module("zxcvbn.frequency_lists").FREQUENCY_LISTS
    long_enough = [password for password in lists["passwords"] if len(password) >= 8]
    refused = [password for password in long_enough if refusal(password) is not None]
    assert refused == long_enough[:COMMON]
    assert COMMON == 3000


@settings(max_examples=30)
@given(password=st.text(min_size=1, max_size=150), other=st.text(min_size=1, max_size=150))
def test_a_hash_is_of_its_password_alone(password: str, other: str) -> None:
    known = hashed(password, COST)
    is_same = unicodedata.normalize("NFKC", password) == unicodedata.normalize("NFKC", other)
    assert (matches(password, known), matches(other, known)) == (True, is_same)


def test_zero_bytes_and_what_comes_behind_72_bytes_count() -> None:
    known = hashed("a\0" + "x" * 100 + "1", COST)
    assert not matches("a\0" + "x" * 100 + "2", known)
    assert not matches("a", known)


def test_two_hashes_of_one_password_differ() -> None:
    assert hashed("correct horse", COST) != hashed("correct horse", COST)
    assert cost_of(hashed("correct horse", 5)) == 5


async def test_nobody_has_no_password(hasher: PasswordHasher) -> None:
    assert not await hasher.is_right("nobody's", None)


async def test_a_password_that_is_none_is_named(hasher: PasswordHasher) -> None:
    with pytest.raises(InvalidRequest) as caught:
        await hasher.accept("short", param="new_password")
    assert (caught.value.facts.param, "short" in caught.value.facts.message) == ("new_password", False)


async def test_a_hash_is_renewed_when_the_cost_has_been_raised(hasher: PasswordHasher) -> None:
    known = hashed("correct horse", COST)
    assert await hasher.renewed("correct horse", known) is None
    async with open_hasher(COST + 1, threads=1) as dearer:
        renewed = await dearer.renewed("correct horse", known)
    assert renewed is not None
    assert (cost_of(renewed), matches("correct horse", renewed)) == (COST + 1, True)


async def test_new_passwords_leave_room_for_log_ins() -> None:
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        hasher = PasswordHasher(COST, pool)
        pool.submit(release.wait)
        waiting = [asyncio.ensure_future(hasher.is_right("x", None)) for _ in range(MAX_NEW_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests):
            await hasher.accept("correct horse", param="password")
        waiting.append(asyncio.ensure_future(hasher.is_right("x", None)))
        release.set()
        assert await asyncio.gather(*waiting) == [False] * (MAX_NEW_WAITING + 1)


async def test_only_so_many_wait_and_those_who_gave_up_are_counted_while_they_are_worked_for() -> None:
    release = threading.Event()
    with ThreadPoolExecutor(1) as pool:
        hasher = PasswordHasher(COST, pool)
        pool.submit(release.wait)
        waiting = [asyncio.ensure_future(hasher.is_right("x", None)) for _ in range(MAX_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(TooManyRequests) as caught:
            await hasher.is_right("x", None)
        assert caught.value.facts.retry_after_s == 2
        waiting[0].cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting[0]
        assert hasher.waiting == MAX_WAITING
        release.set()
        assert await asyncio.gather(*waiting[1:]) == [False] * (MAX_WAITING - 1)
    assert hasher.waiting == 0
