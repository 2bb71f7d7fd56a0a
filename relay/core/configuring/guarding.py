"""What an admin may not change over HTTP: who comes in, where it is all kept, and what of this machine may be read.

An admin who could set these would be more than an admin. The operator (an access key) has the file anyway, and a super
admin stands above. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from relay.errors import Forbidden
from relay.model import Principal, Role

GUARDED = (
    ("auth",),
    ("database",),
    ("redis",),
    ("metrics", "token"),
    ("server", "access_key"),
    ("server", "access_key_enabled"),
    ("server", "trusted_proxies"),
)
_REFERENCE = re.compile(r"file:|\$\{")


def assert_may_change(principal: Principal, before: object, after: object) -> None:
    """`before` and `after` are documents as the file has them. Raises Forbidden, naming what is guarded."""
    if principal.user_id is None or principal.role >= Role.SUPER_ADMIN:
        return
    for path in GUARDED:
        if _at(before, path) != _at(after, path):
            raise Forbidden(f"Only a super admin may change {'.'.join(path)}, or the operator with the access key.")
    if not set(_references(after)) <= set(_references(before)):
        raise Forbidden("Only a super admin may refer to a file or a variable that the configuration did not refer to.")


def _at(document: object, path: tuple[str, ...]) -> object:
    for name in path:
        document = document.get(name) if isinstance(document, Mapping) else None
    return document


def _references(document: object) -> Iterator[str]:
    """All texts that are replaced by what is elsewhere on this machine."""
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str) and _REFERENCE.search(one):
            yield one
        elif isinstance(one, Mapping):
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
