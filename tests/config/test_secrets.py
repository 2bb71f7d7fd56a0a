from __future__ import annotations

from pathlib import Path

import pytest

from relay.config.files import read_file
from relay.config.secrets import MAX_FILE_BYTES, Resolver

CANARY = "canary-5d2f"


def resolver(folder: Path = Path("/nonexistent"), **environ: str) -> Resolver:
    return Resolver(environ, folder, read_file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""),
        ("literal", "literal"),
        ("${KEY}", "k"),
        ("Bearer ${KEY}!", "Bearer k!"),
        ("${KEY}${KEY}", "kk"),
        ("${NONE:-}", ""),
        ("${NONE:-a default}", "a default"),
        ("${NONE:-$}", "$"),
        ("${KEY:-unused}", "k"),
        ("${EMPTY:-unused}", ""),
        ("$$", "$"),
        ("$${KEY}", "${KEY}"),
        ("$$$$", "$$"),
        ("$KEY and $", "$KEY and $"),
        ("a file:b", "a file:b"),
    ],
)
def test_references_are_replaced_and_the_rest_is_literal(text: str, value: str) -> None:
    assert resolver(KEY="k", EMPTY="").resolve(text) == value


def test_what_the_environment_gives_is_not_looked_at_again(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("wrong")
    values = resolver(tmp_path, A="${B}$$", B="wrong", F="file:secret")
    assert values.resolve("${A}") == "${B}$$"
    assert values.resolve("${F}") == "file:secret"


def test_an_unset_variable_is_named_with_the_way_out() -> None:
    with pytest.raises(ValueError, match=r"variable OPENAI_KEY, which is not set: set it, or write \$\{OPENAI_KEY:-\}"):
        resolver().resolve("${OPENAI_KEY}")


@pytest.mark.parametrize("text", ["${", "${A", "${}", "${1A}", "${A B}", "${A-b}", "x${:-a}"])
def test_a_malformed_reference_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not of the form"):
        resolver(A="x").resolve(text)


@pytest.mark.parametrize(
    ("contents", "value"),
    [
        (b"key", "key"),
        (b"key\n", "key"),
        (b"key\r\n", "key"),
        (b"key\n\n", "key\n"),
        (b"", ""),
        (b"${A} $$", "${A} $$"),
        ("é".encode(), "é"),
    ],
)
def test_a_file_gives_its_contents_without_the_last_line_end(tmp_path: Path, contents: bytes, value: str) -> None:
    (tmp_path / "key").write_bytes(contents)
    assert resolver(tmp_path).resolve("file:key") == value


def test_a_path_may_be_absolute_and_name_a_variable(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("k")
    assert resolver(CREDENTIALS_DIRECTORY=str(tmp_path)).resolve("file:${CREDENTIALS_DIRECTORY}/key") == "k"


def test_a_file_that_is_missing_too_large_or_no_text_is_refused_without_its_contents(tmp_path: Path) -> None:
    (tmp_path / "large").write_text(CANARY * MAX_FILE_BYTES)
    (tmp_path / "binary").write_bytes(CANARY.encode() + b"\xff")
    for name, words in [
        ("missing", "No such file"),
        ("large", "more than 64 KiB"),
        ("binary", "UTF-8"),
        ("", "directory"),
        ("a\x00b", "UTF-8"),
    ]:
        with pytest.raises(ValueError, match=words) as caught:
            resolver(tmp_path).resolve(f"file:{name}")
        assert CANARY not in str(caught.value)
        assert caught.value.__context__ is None


def test_an_error_without_words_is_still_a_sentence() -> None:
    def fails(path: Path, limit_bytes: int) -> bytes:
        raise OSError

    with pytest.raises(ValueError, match="can't be read: unknown error"):
        Resolver({}, Path(), fails).resolve("file:x")


def test_the_environment_is_not_shown() -> None:
    assert CANARY not in repr(resolver(KEY=CANARY))
