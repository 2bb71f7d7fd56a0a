"""The config.yml of a first start: the example with a real access key."""

from __future__ import annotations

import json

_PLACEHOLDER = 'access_key: "change-me"'


def fresh_config(example: str, *, access_key: str) -> str:
    """The example with its placeholder replaced. Raises ValueError when it is not there exactly once."""
    if example.count(_PLACEHOLDER) != 1:
        raise ValueError(f"the example must hold the line {_PLACEHOLDER} once")
    # JSON's quoting is YAML's, too; a dollar would otherwise begin a reference to the environment.
    return example.replace(_PLACEHOLDER, f"access_key: {json.dumps(access_key.replace('$', '$$'))}")
