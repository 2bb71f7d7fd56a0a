"""Which release this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

NAME = "monorelay"
UNKNOWN = "0+unknown"
"""Of a checkout that runs without having been installed."""


def _installed() -> str:
    try:
        return version(NAME)
    except PackageNotFoundError:
        return UNKNOWN


VERSION = _installed()
