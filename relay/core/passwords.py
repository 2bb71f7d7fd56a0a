"""Passwords: what may be one, and their hashes, which are made and compared in threads of their own.

A hash is bcrypt over SHA-256 in base64, so that neither the 72 bytes that bcrypt sees nor a zero byte matters. It
costs a quarter of a second of CPU on purpose: the threads have the lowest priority, and only so many wait for them.

    OWASP, "Password Storage Cheat Sheet"; NIST SP 800-63B, 3.1.1.2 (NFKC, a list of common ones)
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import os
import threading
import unicodedata
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from functools import cache
from importlib import import_module
from typing import TypeVar

import bcrypt

from relay.errors import InvalidRequest, TooManyRequests

MIN_CHARACTERS = 8
MAX_CHARACTERS = 128
MIN_COST = 4
"""Of bcrypt."""
COMMON = 3000
"""So many of the most common passwords (of those that are long enough) are refused."""
MAX_WAITING = 20
MAX_NEW_WAITING = MAX_WAITING // 2
"""New passwords leave room for log-ins: strangers may register."""
NICEST = 19
"""Priority of the threads: calls go before logins."""

T = TypeVar("T")


def normalised(password: str) -> str:
    """One spelling for what looks alike, whatever keyboard or system it came from."""
    return unicodedata.normalize("NFKC", password)


def refusal(password: str, *known: str) -> str | None:
    """Why this is no password for somebody known by these names; None: it is one. May take 50 ms the first time."""
    if not MIN_CHARACTERS <= len(password) <= MAX_CHARACTERS:
        return f"must have {MIN_CHARACTERS} to {MAX_CHARACTERS} characters"
    folded = password.casefold()
    if folded in _common():
        return "is among the most common passwords"
    if folded in {name.casefold() for name in known}:
        return "must not be the name or the e-mail address"
    return None


@cache
def _common() -> frozenset[str]:
    """zxcvbn's list, which is in the order of how often they were found in leaks."""
    lists: dict[str, list[str]] = import_module("zxcvbn.frequency_lists").FREQUENCY_LISTS
    long_enough = [password for password in lists["passwords"] if len(password) >= MIN_CHARACTERS]
    return frozenset(long_enough[:COMMON])


def hashed(password: str, cost: int) -> str:
    """A new hash. Takes long: for threads."""
    return bcrypt.hashpw(_digest(password), bcrypt.gensalt(cost)).decode()


def matches(password: str, known: str) -> bool:
    """Whether `known` is a hash of this password. Takes long: for threads."""
    return bcrypt.checkpw(_digest(password), known.encode())


def cost_of(known: str) -> int:
    """The cost with which a hash was made: `$2b$12$...`."""
    return int(known.split("$")[2])


def _at_cost(cost: int, known: str) -> str:
    """A hash of nothing that takes as long to compare as one of this cost: `$2b$08$`, and the rest of another."""
    return f"$2b${cost:02}${known.split('$')[3]}"


def _digest(password: str) -> bytes:
    return base64.b64encode(hashlib.sha256(normalised(password).encode("utf-8", "surrogatepass")).digest())


class PasswordHasher:
    """Hashes and compares off the loop; `open_hasher` makes one."""

    def __init__(self, cost: int, threads: ThreadPoolExecutor) -> None:
        self._cost = cost
        self._threads = threads
        self._nobodys = hashed("nobody's", MIN_COST)
        """What is compared with, at any cost, where there is no user, so that the time does not tell."""
        self.waiting = 0
        """How many are under way or wait for a thread."""

    async def accept(self, password: str, *known: str, param: str) -> str:
        """The hash of a password that may be one. Raises InvalidRequest naming `param`, or TooManyRequests."""
        plain = normalised(password)
        reason = await self._run(lambda: refusal(plain, *known), places=MAX_NEW_WAITING)
        if reason is not None:
            raise InvalidRequest(f"{param!r} {reason}.", param=param)
        return await self._run(lambda: hashed(plain, self._cost), places=MAX_NEW_WAITING)

    async def is_right(self, password: str, known: str | None) -> bool:
        """Whether a password is the one of a hash; None: of nobody's. Raises TooManyRequests."""
        return await self._run(lambda: self._compared(password, known))

    def _compared(self, password: str, known: str | None) -> bool:
        """A hash of cost n takes 2^n steps; one cheaper than today's is made up for by one of each cost between."""
        if known is None:
            matches(password, _at_cost(self._cost, self._nobodys))
            return False
        is_right = matches(password, known)
        for cost in range(cost_of(known), self._cost):
            matches(password, _at_cost(cost, self._nobodys))
        return is_right

    async def renewed(self, password: str, known: str) -> str | None:
        """A hash of the same password at today's cost; None: it has that."""
        if cost_of(known) == self._cost:
            return None
        return await self._run(lambda: hashed(password, self._cost))

    async def _run(self, work: Callable[[], T], *, places: int = MAX_WAITING) -> T:
        if self.waiting >= places:
            raise TooManyRequests("Too many passwords are being checked", retry_after_s=2)
        self.waiting += 1
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        running.add_done_callback(self._is_done)
        return await asyncio.shield(running)  # Whoever gives up waiting leaves the thread busy: it is counted still.

    def _is_done(self, running: asyncio.Future[T]) -> None:
        self.waiting -= 1
        if not running.cancelled():
            running.exception()  # Looked at, should nobody wait for it any more.


@asynccontextmanager
async def open_hasher(cost: int, *, threads: int | None = None) -> AsyncIterator[PasswordHasher]:
    """A hasher with as many threads as there are cores; on leaving, what is under way is waited for."""
    count = threads or os.cpu_count() or 1
    with ThreadPoolExecutor(count, thread_name_prefix="password", initializer=_be_nice) as pool:
        yield await asyncio.get_running_loop().run_in_executor(pool, PasswordHasher, cost, pool)


def _be_nice() -> None:
    """On Linux a thread has a priority of its own."""
    os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), NICEST)
