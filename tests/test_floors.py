from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import requires

import pytest

from relay.errors import RelayError
from relay.floors import FLOORS, assert_floors


def test_what_is_installed_here_is_new_enough() -> None:
    assert_floors()


def installed(**versions: str) -> Callable[[str], str]:
    """What `version` says: the floors themselves but for these."""
    return lambda package: versions.get(package, ".".join(map(str, FLOORS[package])))


@pytest.mark.parametrize("found", ["3.14.3", "3.13.99", "2.99.99", "3.14", "3.14.4rc1", "0", "unknown"])
def test_an_older_version_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setattr("relay.floors.version", installed(aiohttp=found))
    with pytest.raises(RelayError) as caught:
        assert_floors()
    assert str(caught.value) == f"aiohttp {found} is too old: at least 3.14.4 is needed."


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_every_floor_is_asserted(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    monkeypatch.setattr("relay.floors.version", installed(**{package: "0.1"}))
    with pytest.raises(RelayError, match=f"^{package} 0.1 is too old"):
        assert_floors()


@pytest.mark.parametrize("found", ["3.14.4", "3.14.4.post1", "3.14.10", "3.15", "3.15.0a1", "4.0.0", "10.0"])
def test_the_floor_itself_and_all_above_are_accepted(monkeypatch: pytest.MonkeyPatch, found: str) -> None:
    monkeypatch.setattr("relay.floors.version", installed(aiohttp=found))
    assert_floors()


@pytest.mark.parametrize("package", sorted(FLOORS))
def test_the_packages_own_requirements_ask_for_the_same_floor(package: str) -> None:
    floor = ".".join(map(str, FLOORS[package]))
    assert [one for one in requires("monorelay") or () if one.startswith(package) and f">={floor}" in one]


def test_aiohttps_python_parser_is_refused() -> None:
    program = "from relay.floors import assert_floors; assert_floors()"
    environment = {**os.environ, "AIOHTTP_NO_EXTENSIONS": "1"}
    run = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=60)
    assert run.stderr.splitlines()[-1] == (
        "relay.errors.RelayError: aiohttp runs without its C parser: install a wheel, and unset AIOHTTP_NO_EXTENSIONS."
    )
