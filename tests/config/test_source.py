"""The file of a process: what it says, and whether it may say something else by now."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from relay.config.saving import etag_of
from relay.config.source import ConfigSource
from relay.errors import ConfigError


@pytest.fixture
def source(tmp_path: Path) -> ConfigSource:
    (tmp_path / "config.yml").write_text("server: {port: 1}\n")
    return ConfigSource(tmp_path / "config.yml", {})


def test_a_file_is_loaded_with_its_text_and_the_name_of_its_contents(source: ConfigSource) -> None:
    loaded = source.load()
    assert (loaded.config.server.port, loaded.text) == (1, "server: {port: 1}\n")
    assert loaded.etag == etag_of(loaded.text.encode())
    assert source.loaded("server: {port: 2}\n").etag != loaded.etag


def test_a_file_that_is_gone_has_no_signature_and_can_not_be_loaded(source: ConfigSource) -> None:
    source.path.unlink()
    assert source.signature() is None
    with pytest.raises(ConfigError):
        source.load()


def test_another_file_under_the_name_has_another_signature(source: ConfigSource) -> None:
    before = source.signature()
    assert source.signature() == before
    new = source.path.with_suffix(".new")
    new.write_text(source.path.read_text())
    os.replace(new, source.path)
    assert source.signature() not in (before, None)
