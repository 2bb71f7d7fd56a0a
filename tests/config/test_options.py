from __future__ import annotations

import pytest

from relay.config.options import option_names, section_at
from relay.config.providers import CostConfig, KeyConfig, ProviderConfig, TimeoutConfig
from relay.config.routing import AliasTarget, HedgeConfig
from relay.config.schema import Config
from relay.config.section import Section
from relay.config.server import AccessKey, ServerConfig


def test_options_are_named_as_in_the_file() -> None:
    names = option_names(ServerConfig)
    assert names["max_body"] == "max_body_bytes"
    assert names["access_key"] == "access_keys"
    assert names["port"] == "port"
    assert "max_body_bytes" not in names


@pytest.mark.parametrize(
    ("path", "section"),
    [
        ((), Config),
        (("server",), ServerConfig),
        (("server", "access_key", 0), AccessKey),
        (("providers", "keys"), ProviderConfig),
        (("providers", "models", "keys", 3), KeyConfig),
        (("providers", "x", "timeout"), TimeoutConfig),
        (("providers", "x", "costs", "a*"), CostConfig),
        (("model_routing", "aliases", "a", "targets", 0), AliasTarget),
        (("model_routing", "aliases", "a", "hedge"), HedgeConfig),
    ],
)
def test_the_section_at_a_path_is_found(path: tuple[str | int, ...], section: type[Section]) -> None:
    assert section_at(Config, path) is section
