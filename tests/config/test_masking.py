from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.config.document import plain, read
from relay.config.edit import Set, edited
from relay.config.masked_text import masked_text, unmasked_text
from relay.config.masking import masked, unmasked
from relay.errors import ConfigError, Problem
from tests.config.editing.asking import canonical
from tests.config.editing.documents import VALUES
from tests.config.parsing import problem
from tests.config.secret_documents import Secretive, secretive_texts

STORED = """\
server:
  access_key: operator
auth:
  jwt_secret: [first-of-all-the-secrets-and-long, "the second, which has blanks in it"]
providers:
  a:
    keys:
      - {key: sk-1111111111111111aaaa, label: one}
      - {key: sk-2222222222222222aaaa, label: two}
      - {key: sk-1111112222222222aaaa, label: three}
      - key: hunter2
      - key: hunter3
    headers: {X-A: header-a, X-B: "${B}"}
  b:
    keys: [{key: sk-3333333333333333aaaa, label: one}]
"""


def values(text: str) -> Any:
    return plain(read(text).root)


def shown() -> Any:
    """What an admin sees."""
    return masked(STORED)


def refused(document: object, stored: str = STORED) -> list[Problem]:
    with pytest.raises(ConfigError) as caught:
        unmasked(document, stored)
    return list(caught.value.problems)


@settings(max_examples=200)
@given(secretive_texts())
def test_no_secret_is_seen(written: Secretive) -> None:
    seen = json.dumps(masked(written.text), ensure_ascii=False) + masked_text(written.text)
    for secret in written.secrets:
        assert not any(secret[at : at + 8] in seen for at in range(len(secret) - 7))
        assert json.dumps(secret) not in seen
        assert base64.b64encode(secret.encode()).decode() not in seen
        assert secret.encode().hex() not in seen


@settings(max_examples=200)
@given(secretive_texts())
def test_what_is_shown_comes_back_as_the_same_text(written: Secretive) -> None:
    assert edited(written.text, [Set((), unmasked(masked(written.text), written.text))]) == written.text
    assert unmasked_text(masked_text(written.text), written.text) == written.text


@given(secretive_texts(), st.randoms(use_true_random=False))
def test_keys_that_change_places_keep_their_secrets_or_are_refused(written: Secretive, random: Any) -> None:
    document, before = masked(written.text), values(written.text)
    assert isinstance(document, dict)
    order = list(range(len(before["providers"]["a"]["keys"])))
    random.shuffle(order)
    document["providers"]["a"]["keys"] = [document["providers"]["a"]["keys"][position] for position in order]
    before["providers"]["a"]["keys"] = [before["providers"]["a"]["keys"][position] for position in order]
    keys = [key["key"] for key in document["providers"]["a"]["keys"]]
    if len(set(keys)) == len(keys):
        assert canonical(unmasked(document, written.text)) == canonical(before)


def test_all_but_the_secrets_is_shown() -> None:
    assert shown() == {
        "server": {"access_key": "…"},
        "auth": {"jwt_secret": ["first-…long", "…[1]"]},
        "providers": {
            "a": {
                "keys": [
                    {"key": "sk-111…aaaa", "label": "one"},
                    {"key": "sk-222…aaaa", "label": "two"},
                    {"key": "sk-111…aaaa", "label": "three"},
                    {"key": "…[3]"},
                    {"key": "…[4]"},
                ],
                "headers": {"X-A": "…", "X-B": "${B}"},
            },
            "b": {"keys": [{"key": "sk-333…aaaa", "label": "one"}]},
        },
    }


def test_a_mask_that_comes_back_is_the_stored_secret() -> None:
    document = shown()
    document["providers"]["a"]["keys"][1] = {"key": "sk-new", "label": "two", "weight": 2}
    document["providers"]["a"]["headers"]["X-B"] = "new"
    wanted = values(STORED)
    wanted["providers"]["a"]["keys"][1] = {"key": "sk-new", "label": "two", "weight": 2}
    wanted["providers"]["a"]["headers"]["X-B"] = "new"
    assert unmasked(document, STORED) == wanted


def test_a_mask_is_found_again_where_its_key_moved_to() -> None:
    document = shown()
    keys = document["providers"]["a"]["keys"]
    document["providers"]["a"]["keys"] = [keys[4], keys[2], {"key": keys[1]["key"], "label": "renamed"}]
    restored: Any = unmasked(document, STORED)
    assert restored["providers"]["a"]["keys"] == [
        {"key": "hunter3"},
        {"key": "sk-1111112222222222aaaa", "label": "three"},
        {"key": "sk-2222222222222222aaaa", "label": "renamed"},
    ]


def test_a_provider_that_is_renamed_keeps_its_secrets() -> None:
    document = shown()
    document["providers"]["c"] = document["providers"].pop("a")
    restored: Any = unmasked(document, STORED)
    assert restored["providers"]["c"] == values(STORED)["providers"]["a"]


def test_one_access_key_may_become_a_list_and_a_list_of_secrets_one() -> None:
    document = shown()
    document["server"]["access_key"] = [{"name": "n", "key": "…"}, {"name": "m", "key": "another"}]
    document["auth"]["jwt_secret"] = "…[1]"
    restored: Any = unmasked(document, STORED)
    assert restored["server"]["access_key"] == [{"name": "n", "key": "operator"}, {"name": "m", "key": "another"}]
    assert restored["auth"]["jwt_secret"] == "the second, which has blanks in it"


def test_masks_that_are_the_same_are_told_apart_by_label_or_by_all_being_there() -> None:
    document = shown()
    keys = document["providers"]["a"]["keys"]
    document["providers"]["a"]["keys"] = [{"key": keys[0]["key"]}, {"key": keys[2]["key"]}]
    restored: Any = unmasked(document, STORED)
    assert [key["key"] for key in restored["providers"]["a"]["keys"]] == [
        "sk-1111111111111111aaaa",
        "sk-1111112222222222aaaa",
    ]
    document["providers"]["a"]["keys"] = [{"key": keys[2]["key"]}]
    (told,) = refused(document)
    assert told.path == "providers.a.keys[0].key"
    assert "several secrets" in told.message


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("server", "access_key"), "sk-111…aaaa"),
        (("metrics",), {"token": "…"}),
        (("providers", "a", "headers", "X-C"), "…"),
        (("providers", "a", "headers", "X-B"), "…"),
        (("providers", "a", "keys", 1, "key"), "sk-333…aaaa"),
        (("providers", "new"), {"keys": [{"key": "sk-111…aaaa", "label": "one"}]}),
        (("unknown",), "…"),
    ],
)
def test_a_mask_that_stands_for_nothing_is_refused(path: tuple[str | int, ...], value: object) -> None:
    document = place = shown()
    for part in path[:-1]:
        place = place[part]
    place[path[-1]] = value
    (told,) = refused(document)
    assert "no secret that is stored here is shown like that" in told.message


def test_a_mask_where_no_secret_is_is_a_text_like_others() -> None:
    document = shown()
    document["model_routing"] = {"aliases": {"…": "sk-111…aaaa"}}
    assert unmasked(document, STORED) == {**values(STORED), "model_routing": {"aliases": {"…": "sk-111…aaaa"}}}


@pytest.mark.parametrize("text", ["…", "…[1]", "sk-abc…wxyz"])
@pytest.mark.parametrize("place", ["server: {{access_key: {}}}", "providers: {{x: {{headers: {{A: {}}}}}}}"])
def test_a_mask_in_the_file_is_never_taken_for_the_secret(text: str, place: str) -> None:
    assert "is the mask of a secret" in problem(place.format(f'"{text}"')).message


@pytest.mark.parametrize("text", ["a: b: c", "a: 1\na: 2", "server: {access_key, sk-canary}"])
def test_a_text_that_can_not_be_shown_is_refused_in_words(text: str) -> None:
    for show in (masked, masked_text):
        with pytest.raises(ConfigError) as caught:
            show(text)
        assert "canary" not in str(caught.value)


def test_a_number_and_other_slips_come_back_as_they_were() -> None:
    text = "server: {access_key: 123456}\nproviders: sk-slip\nunknown: {a: [secret]}\n"
    assert masked(text) == {"server": {"access_key": "…"}, "providers": "…", "unknown": {"a": ["…[0]"]}}
    assert canonical(unmasked(masked(text), text)) == canonical(values(text))
    assert unmasked_text(masked_text(text), text) == text


@given(st.dictionaries(st.sampled_from(["server", "providers", "auth", "x"]), VALUES) | VALUES)
def test_whatever_is_sent_is_unmasked_or_refused(document: object) -> None:
    try:
        unmasked(document, STORED)
    except ConfigError as error:
        assert error.problems  # noqa: PT017 - either is fine


def test_what_no_file_can_hold_is_refused() -> None:
    assert refused(float("nan"))[0].message == "this is no finite number"
