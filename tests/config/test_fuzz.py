"""Whatever text is given: a configuration or a ConfigError, and never a secret in either's words."""

from __future__ import annotations

import copy
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from relay.config.document import plain, read
from relay.errors import ConfigError
from relay.resources import EXAMPLE_CONFIG
from tests.config.parsing import configured

EXAMPLE = EXAMPLE_CONFIG.read_text(encoding="utf-8")
EXAMPLE_VALUES = plain(read(EXAMPLE).root)
CANARY = "canary-4b7e"

SIGNS = [
    *"{}[]:,#&*!|>'\"%@`-?<\\ \n\t~$.0aU/+=",
    "<<",
    "${",
    "file:",
    "\x85",
    "\u2028",
    "\ufeff",
    "\x00",
    "---\n",
    "*a",
]
FRAGMENTS = st.one_of(
    st.text(max_size=40), st.lists(st.sampled_from([*SIGNS, "&a ", "\\ud800"]), max_size=30).map("".join)
)
VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(max_size=8),
        st.sampled_from(["", "5m", "64MiB", "${A}", "$$", "file:x", "http://h", "p95", "order", "x@y"]),
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["key", "model", "a", "targets"]), inner)
    ),
    max_leaves=5,
)


def words_on(text: str) -> str:
    """What is said of a text, be it right or wrong; fails on any other error."""
    try:
        words = repr(configured(text, C=CANARY))
    except ConfigError as error:
        words = str(error) + repr(error)
    words.encode()
    return words


@settings(deadline=None)
@given(FRAGMENTS)
def test_any_text_is_a_configuration_or_is_refused(text: str) -> None:
    words_on(text)


@settings(deadline=None)
@given(st.integers(0, len(EXAMPLE)), st.integers(0, 60), FRAGMENTS)
def test_any_slip_in_the_example_is_fine_or_is_refused(start: int, removed: int, added: str) -> None:
    words_on(EXAMPLE[:start] + added + EXAMPLE[start + removed :])


@settings(deadline=None)
@given(st.data())
def test_any_value_at_any_option_is_fine_or_is_refused(data: st.DataObject) -> None:
    values = copy.deepcopy(EXAMPLE_VALUES)
    place = values
    while isinstance(place, dict) and place:
        name = data.draw(st.sampled_from(list(place)))
        if not isinstance(place[name], dict) or not place[name] or data.draw(st.integers(0, 5)) == 0:
            place[name] = data.draw(VALUES)
            break
        place = place[name]
    words_on(json.dumps(values))


SECRETS = f"""\
server: {{access_key: {CANARY}}}
auth: {{jwt_secret: {CANARY}}}
database: {{url: "postgresql://u:{CANARY}@h/d"}}
metrics: {{token: {CANARY}}}
providers:
  x:
    base_url: "${{C}}"
    keys: [{{key: {CANARY}}}, {{key: "${{C}}"}}, {{key: "${{C:-{CANARY}}}"}}]
    headers: {{Authorization: "Bearer {CANARY}", X-B: "${{C}}"}}
    proxy: "http://u:{CANARY}@h"
"""


@settings(deadline=None, max_examples=300)
@given(st.data())
def test_a_secret_is_never_told_whatever_slip_is_beside_it(data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(SECRETS)).filter(lambda at: CANARY not in SECRETS[at - 11 : at + 11]))
    removed = data.draw(st.integers(0, 3))
    if CANARY in SECRETS[place : place + removed + 11]:
        removed = 0
    text = SECRETS[:place] + data.draw(st.sampled_from(SIGNS)) + SECRETS[place + removed :]
    assert CANARY not in words_on(text)
