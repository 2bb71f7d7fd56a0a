from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from relay.config.findings import Finding
from relay.config.load import MAX_FILE_BYTES, load, parse
from relay.config.schema import Config
from relay.errors import ConfigError, Problem
from tests.config.parsing import configured, problem, problems


def refused(path: Path) -> Problem:
    with pytest.raises(ConfigError) as caught:
        load(path, environ={})
    assert caught.value.__context__ is None
    (only,) = caught.value.problems
    assert only.file == str(path)
    return only


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "\ufeff"])
def test_an_empty_file_is_all_defaults(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yml").write_text(text)
    assert load(tmp_path / "config.yml", environ={}) == Config()


def test_secrets_in_files_are_beside_the_file(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n")
    (tmp_path / "config.yml").write_text('server: {access_key: "file:key", host: "${KEY}"}')
    server = load(tmp_path / "config.yml", environ={"KEY": "x"}).server
    assert server.access_keys[0].key.get_secret_value() == "from-file"
    assert server.host == "${KEY}"


def test_a_missing_file_is_told_with_the_way_out(tmp_path: Path) -> None:
    found = refused(tmp_path / "config.yml")
    assert found.line is None
    assert found.message == "there is no such file: `monorelay serve` writes one, --config names another"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    assert refused(tmp_path).message == "the file can't be read: Is a directory"


def test_a_path_through_a_file_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert refused(tmp_path / "file" / "config.yml").message == "the file can't be read: Not a directory"


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "config.yml").symlink_to("config.yml")
    assert "symbolic links" in refused(tmp_path / "config.yml").message


def test_a_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yml")
    assert "not a regular file" in refused(tmp_path / "config.yml").message


def test_another_encoding_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_bytes(b"server:\n  host: \xff\n")
    found = refused(tmp_path / "config.yml")
    assert (found.line, found.message) == (2, "this is not UTF-8 text: save the file in that encoding")


def test_a_file_of_more_than_four_mebibytes_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("#" * (MAX_FILE_BYTES + 1))
    assert "more than 4096 KiB" in refused(tmp_path / "config.yml").message
    assert "more than 4 MiB" in problem("#" * (MAX_FILE_BYTES + 1)).message


@pytest.mark.parametrize(("text", "kind"), [("- a", "a list"), ("canary", "text"), ("5", "a single value")])
def test_a_file_that_is_no_mapping_is_told(text: str, kind: str) -> None:
    assert problem(text) == Problem("config.yml", None, "", f"must be a mapping of options, not {kind}")


def test_all_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    text = """\
providers:
  x:
    keys:
    - key: ${OPENAI_KEY}
      lable: a
    keys: []
server:
  port: high
  1: a
  workers: 4
  max_bdy: 1
"""
    assert [str(found) for found in problems(text)] == [
        (
            "config.yml:4: providers.x.keys[0].key: needs the environment variable OPENAI_KEY, which is not set: "
            "set it, or write ${OPENAI_KEY:-}"
        ),
        "config.yml:5: providers.x.keys[0].lable: is not an option here (did you mean 'label' or 'enabled'?)",
        "config.yml:6: providers.x.keys: is written twice, first in line 3: keep one of them",
        "config.yml:8: server.port: must be a whole number without quotes, not 'high'",
        "config.yml:9: server: a key must be text, not 1: put it in quotes",
        "config.yml:10: server.workers: is not enforced in this release, so it must keep its default (1)",
        "config.yml:11: server.max_bdy: is not an option here (did you mean 'max_body' or 'max_buffered'?)",
    ]


def test_a_file_with_nothing_but_a_flaw_is_refused() -> None:
    assert "written twice" in problem("server: {port: 1, port: 2}").message


def test_one_number_that_sets_two_options_is_told_once() -> None:
    assert problem("providers: {x: {timeout: soon}}").path == "providers.x.timeout"


def test_a_syntax_error_is_told_alone() -> None:
    assert str(problem("server:\n\tport: 1\nzzz: 1")).startswith("config.yml:2: a tab stands")


def test_anchors_and_merge_keys_serve() -> None:
    text = """\
providers:
  a: &usual
    timeout: 30
    keys: [{key: a}]
  b:
    <<: *usual
    timeout: 60
"""
    providers = configured(text).providers
    assert providers["b"].timeout.idle_s == 60
    assert providers["b"].keys == providers["a"].keys


def test_the_checks_of_other_layers_are_told_where_they_belong() -> None:
    def check(config: Config) -> Iterator[Finding]:
        if config.server.port == 1:
            yield Finding(("server", "host"), "is absent")
            yield Finding(("server", "port"), "is 1")
        yield Finding(("drain", "max"), "is nowhere")

    assert [str(found) for found in problems("server:\n  port: 1\n", checks=[check])] == [
        "config.yml: drain.max: is nowhere",
        "config.yml:1: server.host: is absent",
        "config.yml:2: server.port: is 1",
    ]


def test_checks_see_only_what_is_valid_by_itself() -> None:
    def check(config: Config) -> Iterator[Finding]:
        raise AssertionError(config)

    assert problem("server: {port: x}", checks=[check]).path == "server.port"


def test_secrets_are_read_with_what_is_passed_in() -> None:
    def reads(path: Path, limit_bytes: int) -> bytes:
        return f"{path}".encode()

    config = parse("server: {access_key: file:k}", source="s", folder=Path("/secrets"), environ={}, read_secret=reads)
    assert config.server.access_keys[0].key.get_secret_value() == "/secrets/k"


def test_no_secret_is_in_a_configuration_that_is_shown() -> None:
    text = """\
server: {access_key: "${CANARY}"}
providers:
  x: {keys: [{key: "${CANARY}"}], headers: {X-A: "${CANARY}"}, base_url: "http://h/${CANARY}"}
"""
    config = configured(text, CANARY="canary-9a")
    assert config.providers["x"].base_url == "http://h/canary-9a"
    assert "canary" not in repr(config) + str(config)
