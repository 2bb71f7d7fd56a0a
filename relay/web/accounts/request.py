"""What handlers of the account API ask of a request."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from aiohttp import web

from relay.core.accounts.desk import AccountDesk
from relay.errors import InvalidRequest, NoSuch, Unauthorized
from relay.model import Principal
from relay.web.accounts.bodies import Body, read
from relay.web.answers import printable
from relay.web.body import BodyLimits, BodyReader
from relay.web.exchange import EXCHANGE

MAX_PAGE_SIZE = 200
MAX_PAGE = 1_000_000
MAX_ID_DIGITS = 10
MAX_ID = 2**31 - 1
"""Of an integer column."""

B = TypeVar("B", bound=Body)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class AccountApi:
    """What all handlers of accounts share."""

    desk: AccountDesk
    body_limits: BodyLimits
    client_ip: Callable[[web.Request], str]

    async def body(self, request: web.Request, kind: type[B]) -> B:
        """The checked body."""
        reader = BodyReader(self.body_limits)
        try:
            return read(kind, await reader.read(request))
        finally:
            reader.let_go()

    async def done(self, act: Coroutine[Any, Any, T]) -> T:
        """An act, carried out to its end whatever becomes of the client."""
        return await self.desk.finishing.run(act)


def principal_of(request: web.Request) -> Principal:
    """Who asks."""
    principal = request[EXCHANGE].principal
    if principal is None:
        raise Unauthorized
    return principal


def user_agent(request: web.Request) -> str:
    """As the client names itself."""
    return printable(request.headers.get("User-Agent", ""))


def number(request: web.Request, kind: str) -> int:
    """The number in the path. Raises NoSuch for what is none."""
    text = request.match_info["id"]
    if not (text.isascii() and text.isdigit() and len(text) <= MAX_ID_DIGITS and int(text) <= MAX_ID):
        raise NoSuch(kind, printable(text[:40]))
    return int(text)


def paging(request: web.Request) -> tuple[int, int]:
    """`page` from 1 on, and `page_size`. Raises InvalidRequest."""
    return _whole(request, "page", 1, MAX_PAGE), _whole(request, "page_size", 50, MAX_PAGE_SIZE)


def _whole(request: web.Request, name: str, default: int, most: int) -> int:
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and 1 <= int(text) <= most):
        raise InvalidRequest(f"'{name}' must be a whole number from 1 to {most}.", param=name)
    return int(text)
