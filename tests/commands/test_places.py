from __future__ import annotations

import argparse
from pathlib import Path

import pytest

from relay.commands.places import add_config, add_data, data_folder, load_checked
from relay.errors import ConfigError

CONFIG, DATA = "MONORELAY_CONFIG", "MONORELAY_DATA"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder, and an environment that says nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(CONFIG, raising=False)
    monkeypatch.delenv(DATA, raising=False)
    return tmp_path


def parsed(*given: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_config(parser)
    add_data(parser)
    return parser.parse_args(given)


def test_the_configuration_is_here_unless_said_otherwise() -> None:
    assert parsed().config == Path("config.yml")


def test_the_environment_may_name_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG, "/etc/relay.yml")
    assert parsed().config == Path("/etc/relay.yml")


def test_the_option_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG, "/etc/relay.yml")
    monkeypatch.setenv(DATA, "/var/env")
    arguments = parsed("--config", "mine.yml", "--data", "mine")
    assert (arguments.config, data_folder(arguments)) == (Path("mine.yml"), Path("mine"))


def test_data_lie_beside_the_configuration(here: Path) -> None:
    assert data_folder(parsed()) == here / "data"
    assert data_folder(parsed("--config", "deep/x.yml")) == here / "deep" / "data"


def test_data_lie_beside_the_real_configuration_where_its_name_is_a_link(here: Path) -> None:
    (here / "real").mkdir()
    (here / "real" / "config.yml").touch()
    (here / "link.yml").symlink_to(here / "real" / "config.yml")
    assert data_folder(parsed("--config", "link.yml")) == here / "real" / "data"


def test_the_environment_may_name_the_data_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA, "/var/lib/relay")
    assert data_folder(parsed()) == Path("/var/lib/relay")


def test_an_empty_data_folder_of_the_environment_is_none(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA, "")
    assert data_folder(parsed()) == here / "data"


def test_an_empty_configuration_of_the_environment_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CONFIG, "")
    assert parsed().config == Path("config.yml")


def test_secrets_may_come_from_the_environment(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RELAY_TEST_KEY", "from-the-environment")
    (here / "config.yml").write_text("server: {access_key: '${RELAY_TEST_KEY}'}", encoding="utf-8")
    (key,) = load_checked(Path("config.yml")).server.access_keys
    assert key.key.get_secret_value() == "from-the-environment"


def test_every_layer_checks_the_configuration(here: Path) -> None:
    text = """
server: {host: 0.0.0.0, access_key: change-me}
providers: {up: {provider_type: unheard-of}}
model_routing: {aliases: {a: a}, provider_mapping: {'x*': nobody}}
"""
    (here / "config.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_checked(Path("config.yml"))
    assert [problem.path for problem in caught.value.problems] == [
        "server.access_key",
        "providers.up.provider_type",
        'model_routing.provider_mapping["x*"]',
        "model_routing.aliases.a",
    ]
