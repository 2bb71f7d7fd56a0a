from __future__ import annotations

import pytest

from relay.config.edit import MAX_STEPS, Set, edited
from relay.errors import ConfigError


def test_an_edit_of_too_many_steps_is_refused_and_says_what_to_do() -> None:
    count = MAX_STEPS + 1
    text = "a:\n" + "".join(f"  o{number}: 1\n" for number in range(count))
    wanted = {f"o{number}": 2 for number in range(count)}
    with pytest.raises(ConfigError, match="send the text as it is to be, or edit the file by hand"):
        edited(text, [Set(("a",), wanted)])
    assert edited(text, [Set(("a",), {**wanted, "o0": 1})]).count(": 2") == MAX_STEPS
