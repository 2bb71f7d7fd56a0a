from __future__ import annotations

import pytest

from relay.config.first_start import fresh_config
from relay.resources import EXAMPLE_CONFIG
from tests.config.parsing import configured


@pytest.mark.parametrize("access_key", ["Ab-_9", 'a"b\\c', "$${X}$", "#: {x}"])
def test_the_example_gets_its_access_key(access_key: str) -> None:
    example = EXAMPLE_CONFIG.read_text()
    text = fresh_config(example, access_key=access_key)
    assert configured(text).server.access_keys[0].key.get_secret_value() == access_key
    assert len(text.splitlines()) == len(example.splitlines())


@pytest.mark.parametrize("example", ["", 'access_key: "change-me"\naccess_key: "change-me"\n'])
def test_an_example_without_the_one_placeholder_is_refused(example: str) -> None:
    with pytest.raises(ValueError, match="once"):
        fresh_config(example, access_key="k")
