"""Headers that an operator adds to the calls of a provider. Pure."""

from __future__ import annotations

import re
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, SecretStr

from relay.config.values import Secret

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2
_GLOB = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z\[\]?-]+")
_CONNECTION = frozenset({"host", "content-length", "transfer-encoding", "connection", "te", "upgrade", "keep-alive"})
"""What the connection itself decides; set by hand, these break or smuggle requests (RFC 9112, 6.1 and 11.2)."""


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("is no name of an HTTP header: letters, digits and '-'")
    if name.lower() in _CONNECTION or name.lower().startswith("proxy-"):
        raise ValueError("is a header of the connection, which MonoRelay sets itself: remove it")
    return name


def _header_value(value: SecretStr) -> SecretStr:
    if not value.get_secret_value().isprintable():
        raise ValueError("must not hold a line end or another control character (its value is not shown)")
    return value


def _header_glob(glob: str) -> str:
    if not _GLOB.fullmatch(glob):
        raise ValueError("is no name of an HTTP header, nor a glob for one such as 'x-my-*'")
    return glob


HeaderName: TypeAlias = Annotated[str, AfterValidator(_header_name)]
HeaderValue: TypeAlias = Annotated[Secret, AfterValidator(_header_value)]
HeaderGlob: TypeAlias = Annotated[str, AfterValidator(_header_glob)]
