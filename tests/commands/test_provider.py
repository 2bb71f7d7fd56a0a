"""`monorelay provider test` as it is called: against upstreams on this machine, in a thread of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import orjson
import pytest

from relay.commands import main
from tests.conftest import StartUpstream
from tests.support.scripted import Out, Received, answers, streams

KEY = "sk-canary-0123456789"
Captured = pytest.CaptureFixture[str]
Run = Callable[..., Awaitable[tuple[int, list[str], str]]]
CHAT = b'{"choices": [{"index": 0, "message": {"role": "assistant", "content": "hello"}, "finish_reason": "stop"}]}'
STREAM = (
    b'data: {"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'
)
FILE = """
server: {{host: 127.0.0.1, access_key: a-long-enough-access-key}}
auth: {{registration: closed}}
providers:
  up: {{base_url: '{url}/v1', dialects: [chat], keys: [{{key: {key}}}], {more}}}
  off: {{enabled: false}}
"""


@pytest.fixture
def run(tmp_path: Path, capsys: Captured) -> Run:
    """One command over a configuration with the provider `up`: exit code, lines, and what it complained of."""

    async def go(*arguments: str, url: str = "http://127.0.0.1:9", more: str = "") -> tuple[int, list[str], str]:
        path = tmp_path / "config.yml"
        path.write_text(FILE.format(url=url, key=KEY, more=more), encoding="utf-8")
        code = await asyncio.to_thread(main, ["provider", "test", *arguments, "--config", str(path)])
        out, errors = capsys.readouterr()
        return code, out.splitlines(), errors

    return go


async def right(request: Received, out: Out) -> None:
    """A server that has no tools."""
    if request.method == "GET":
        await answers(200, b'{"data": [{"id": "m"}]}')(request, out)
    elif b'"stream"' in request.body:
        await streams([STREAM])(request, out)
    else:
        await answers(200, CHAT)(request, out)


def cells(line: str) -> tuple[str, str, str]:
    """Verdict, name and message of a line."""
    head, _, message = line.partition(" ms")
    verdict, *name, _ = head.split()
    return verdict, " ".join(name), message.strip()


@pytest.mark.parametrize("more", ["", "http_client: aiohttp"])
async def test_each_check_is_a_line(run: Run, start_upstream: StartUpstream, more: str) -> None:
    upstream = await start_upstream(right)
    code, lines, errors = await run("up", url=upstream.url, more=more)
    assert (code, errors) == (0, "")
    assert [cells(line) for line in lines] == [
        ("pass", "connect", ""),
        ("pass", "models", "1 listed"),
        ("pass", "chat call", "model m"),
        ("pass", "chat stream", ""),
        ("unsupported", "chat tools", "Model m answers without calling the tool that it is told to."),
    ]


async def test_the_model_may_be_named(run: Run, start_upstream: StartUpstream) -> None:
    upstream = await start_upstream(right)
    await run("up", url=upstream.url, more="test_model: mine")
    await run("up", "--model", "yours", url=upstream.url, more="test_model: mine")
    called = [orjson.loads(request.body)["model"] for request in upstream.received if request.body]
    assert called == ["mine"] * 3 + ["yours"] * 3


async def test_what_fails_makes_the_command_fail_and_tells_no_key(run: Run, start_upstream: StartUpstream) -> None:
    words = orjson.dumps({"error": {"message": f"{KEY} is wrong"}})
    upstream = await start_upstream(answers(401, words))
    code, lines, errors = await run("up", url=upstream.url, more="test_model: m")
    assert (code, errors) == (1, "")
    assert [cells(line)[0] for line in lines] == ["pass", "fail", "fail", "fail", "fail"]
    assert KEY not in "".join(lines)


async def test_a_server_that_is_not_there_makes_the_command_fail(run: Run) -> None:
    code, lines, errors = await run("up")
    assert (code, errors) == (1, "")
    assert cells(lines[0])[:2] == ("fail", "connect")
    assert "Is base_url right" in lines[0]


async def test_the_demo_provider_needs_no_network(run: Run) -> None:
    code, lines, _ = await run("demo")
    assert (code, len(lines)) == (0, 11)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("demon", "there is no provider 'demon' (did you mean 'demo'?)"),
        ("nowhere", "there is no provider 'nowhere'"),
        ("off", "provider 'off' is switched off: set enabled: true to test it"),
    ],
)
async def test_a_provider_that_can_not_be_tested_is_told(run: Run, name: str, words: str) -> None:
    assert await run(name) == (1, [], f"monorelay: {words}\n")


@pytest.mark.parametrize("arguments", [(), ("test",), ("test", "up", "--model", ""), ("test", "up", "--model", "a\nb")])
def test_a_wrong_call_is_a_usage_error(arguments: tuple[str, ...], capsys: Captured) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["provider", *arguments])
    assert caught.value.code == 2
    assert capsys.readouterr().err.startswith("usage: monorelay provider")


async def test_a_wrong_configuration_is_told_with_its_line(tmp_path: Path, capsys: Captured) -> None:
    path = tmp_path / "config.yml"
    path.write_text("providers: {up: {unheard_of: 1}}", encoding="utf-8")
    assert await asyncio.to_thread(main, ["provider", "test", "up", "--config", str(path)]) == 2
    assert "unheard_of" in capsys.readouterr().err
