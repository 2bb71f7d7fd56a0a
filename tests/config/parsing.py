"""Configurations from short texts, for the tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from relay.config.findings import Check
from relay.config.load import parse
from relay.config.schema import Config
from relay.errors import ConfigError, Problem

NOWHERE = Path("/nonexistent")


def configured(text: str, *, checks: Sequence[Check] = (), folder: Path = NOWHERE, **environ: str) -> Config:
    """The configuration that `text` gives."""
    return parse(text, source="config.yml", folder=folder, environ=environ, checks=checks)


def problems(text: str, *, checks: Sequence[Check] = (), folder: Path = NOWHERE, **environ: str) -> tuple[Problem, ...]:
    """Everything wrong with `text`."""
    with pytest.raises(ConfigError) as caught:
        configured(text, checks=checks, folder=folder, **environ)
    return caught.value.problems


def problem(text: str, *, checks: Sequence[Check] = (), folder: Path = NOWHERE, **environ: str) -> Problem:
    """The one thing wrong with `text`."""
    (only,) = problems(text, checks=checks, folder=folder, **environ)
    return only
