"""The versions below which MonoRelay does not start: older ones have known holes."""

from __future__ import annotations

from importlib.metadata import version

from aiohttp.http_parser import HttpRequestParser

from relay.errors import RelayError

FLOORS = {"aiohttp": (3, 14, 4), "bcrypt": (5, 0), "pyjwt": (2, 15)}


def assert_floors() -> None:
    """Raises RelayError where a package is too old, or aiohttp runs on its slow and laxer Python parser."""
    for package, floor in FLOORS.items():
        found = version(package)
        if _numbers(found) < floor:
            raise RelayError(f"{package} {found} is too old: at least {'.'.join(map(str, floor))} is needed.")
    if HttpRequestParser.__module__ != "aiohttp._http_parser":
        raise RelayError("aiohttp runs without its C parser: install a wheel, and unset AIOHTTP_NO_EXTENSIONS.")


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
