"""Refusing to be reachable from elsewhere with a key that everybody knows, and what to warn of beside that."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from relay.config.findings import Finding
from relay.config.schema import Config
from relay.config.server import AccessKey, ServerConfig

SHORTEST_GOOD_KEY = 16
"""Characters. A wrong key is answered without delay, so that a short one can be guessed."""

_PLACEHOLDERS = ("changeme", "yourkey", "youraccesskey", "replaceme", "placeholder")
_NEW_KEY = '`python3 -c "import secrets; print(secrets.token_urlsafe(32))"`'


def reachable_without_a_real_key(config: Config) -> Iterator[Finding]:
    """A Check: on other addresses than the loopback ones, each access key must be a real one."""
    server = config.server
    if is_loopback(server.host) or not server.access_key_enabled:
        return
    where = f"host '{server.host}' can be reached from other machines"
    what_to_do = f"set one made by {_NEW_KEY}, or host: 127.0.0.1"
    if not server.access_keys:
        yield Finding(("server", "access_key"), f"is empty, and {where}: {what_to_do}")
    for key in server.access_keys:
        if not _is_real(key.key.get_secret_value()):
            yield Finding(
                ("server", "access_key"), f"'{key.name}' is empty or a placeholder, and {where}: {what_to_do}"
            )


def warnings(config: Config) -> tuple[str, ...]:
    """What an operator should hear at each start; nothing here stops it."""
    return (*_of_keys(config.server), *_of_registration(config), *_of_metrics(config))


def _of_keys(server: ServerConfig) -> Iterator[str]:
    if not server.access_key_enabled:
        yield "Only users can authenticate: server.access_key_enabled is false."
    elif not any(key.key.get_secret_value() for key in server.access_keys):
        yield f"Only users can authenticate: server.access_key is empty. Set one made by {_NEW_KEY}."
    else:
        for key in server.access_keys:
            yield from _doubts(key)


def _of_registration(config: Config) -> Iterator[str]:
    if config.auth.registration == "open" and config.auth.default_limits.budget_usd is None:
        yield "Anybody can register and spend your money: auth.registration is open, and no default budget is set."


def _of_metrics(config: Config) -> Iterator[str]:
    token = config.metrics.token.get_secret_value()
    if token and (len(token) < SHORTEST_GOOD_KEY or not _is_real(token)):
        yield f"metrics.token can be guessed: set one made by {_NEW_KEY}."


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`. A name, but for localhost, may be anything."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _doubts(key: AccessKey) -> Iterator[str]:
    if not _is_real(key.key.get_secret_value()):
        yield f"Access key '{key.name}' is empty or a placeholder: set one made by {_NEW_KEY}."
    elif len(key.key.get_secret_value()) < SHORTEST_GOOD_KEY:
        yield f"Access key '{key.name}' has fewer than {SHORTEST_GOOD_KEY} characters and can be guessed."


def _is_real(secret: str) -> bool:
    letters = secret.lower().replace("-", "").replace("_", "").replace(" ", "")
    return bool(letters) and not any(placeholder in letters for placeholder in _PLACEHOLDERS)
