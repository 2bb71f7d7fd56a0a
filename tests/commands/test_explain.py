from __future__ import annotations

import json
from pathlib import Path

import pytest

from relay.commands import main

CONFIG = """\
server: {host: 127.0.0.1, access_key: a-real-key-0123456789}
providers:
  one: {base_url: 'http://one/v1', keys: [{key: sk-canary-0123456789}], models: {include: [m]}, params: {top_p: 0.5}}
model_routing: {aliases: {x: m}}
"""
Captured = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> str:
    path = tmp_path / "config.yml"
    path.write_text(CONFIG)
    return str(path)


def test_steps_targets_and_body_are_printed(config: str, capsys: Captured) -> None:
    assert main(["explain", "x", "--config", config]) == 0
    out = capsys.readouterr().out
    lines = out.splitlines()
    assert lines[:4] == [
        "alias        m: 'x' stands for this",
        "detection    one: 'm' is a known model there",
        "1. m at one (1 of 1 keys)",
        "providers.one sets top_p",
    ]
    body = json.loads("\n".join(lines[4:]))
    assert body == {"messages": [{"role": "user", "content": "Hello"}], "model": "m", "top_p": 0.5}
    assert "canary" not in out


def test_a_body_may_be_given_and_json_asked_for(config: str, tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "body.json").write_text('{"input": "Hi", "model": "ignored"}')
    arguments = ["explain", "m", "--endpoint", "/v1/responses", "--body", str(tmp_path / "body.json"), "--json"]
    assert main([*arguments, "--config", config]) == 0
    assert json.loads(capsys.readouterr().out)["request"] == {"input": "Hi", "model": "m", "top_p": 0.5}


def test_a_refusal_is_told_and_the_exit_code_says_so(config: str, capsys: Captured) -> None:
    assert main(["explain", "nothing", "--config", config]) == 1
    assert "refused: There is no model 'nothing'." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("content", "words"), [("{", "holds no JSON"), ("[]", "must hold a JSON object"), (None, "can't be read")]
)
def test_a_body_that_is_none_is_one_sentence(
    config: str, tmp_path: Path, capsys: Captured, content: str | None, words: str
) -> None:
    path = tmp_path / "body.json"
    if content is not None:
        path.write_text(content)
    assert main(["explain", "m", "--body", str(path), "--config", config]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert words in line
