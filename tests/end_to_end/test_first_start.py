"""The daemon as a process: a first start in an empty folder, the printed call, a second start, an orderly end."""

from __future__ import annotations

import asyncio
import re
import shutil
import signal
import stat
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

PROGRAM = Path(__file__).parents[2] / "monorelay.py"


@asynccontextmanager
async def serving(folder: Path, *arguments: str, umask: int = 0o022) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), "serve", "--port", "0", *arguments,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, umask=umask,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def read_until(stream: asyncio.StreamReader | None, pattern: str) -> str:
    assert stream is not None
    text = ""
    async with asyncio.timeout(30):
        while not re.search(pattern, text):
            line = await stream.readline()
            assert line, text
            text += line.decode()
    return text


async def end(process: asyncio.subprocess.Process, number: signal.Signals) -> int:
    process.send_signal(number)
    async with asyncio.timeout(30):
        return await process.wait()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
async def test_the_printed_curl_line_works_as_it_stands(tmp_path: Path) -> None:
    async with serving(tmp_path) as process:
        printed = await read_until(process.stdout, r"-d '.*'\n")
        line = printed[printed.index("curl ") :]
        curl = await asyncio.create_subprocess_shell(line, stdout=asyncio.subprocess.PIPE)
        output, _ = await curl.communicate()
        assert b"This is MonoRelay's demo model" in output
        assert await end(process, signal.SIGTERM) == 0


async def test_what_a_first_start_writes_is_for_its_owner_alone(tmp_path: Path) -> None:
    async with serving(tmp_path, umask=0) as process:  # The worst that a service manager could set.
        await read_until(process.stdout, "curl")
        await end(process, signal.SIGINT)
    data = [tmp_path / "data", *(tmp_path / "data").rglob("*")]
    files = [tmp_path / "config.yml", *(path for path in data if path.is_file())]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in data if path.is_dir()} == {0o700}


async def test_the_key_is_shown_once_and_stays(tmp_path: Path) -> None:
    async with serving(tmp_path) as process:
        printed = await read_until(process.stdout, "curl")
        await end(process, signal.SIGTERM)
    (key,) = re.findall(r"^    (\S+)$", printed, re.MULTILINE)
    async with serving(tmp_path) as process:
        logged = await read_until(process.stderr, r"serves on http://\S+")
        url = re.findall(r"serves on (\S+)", logged)[0]
        async with aiohttp.request(
            "POST", f"{url}/v1/embeddings", data=b'{"model":"demo","input":"x"}', headers={"x-api-key": key}
        ) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        output, errors = await process.communicate()
    assert (process.returncode, key in output.decode()) == (0, False)
    assert key not in logged + errors.decode()


async def test_the_set_up_token_is_printed_at_each_start_and_makes_the_first_super_admin(tmp_path: Path) -> None:
    account = {"username": "root", "email": "root@example.org", "password": "correct horse battery"}
    tokens = []
    for _ in range(2):
        async with serving(tmp_path) as process:
            printed = await read_until(process.stdout, r"set-up token: \S+\n")
            (token,) = re.findall(r"set-up token: (\S+)", printed)
            tokens.append(token)
            logged = await read_until(process.stderr, r"serves on http://\S+")
            if len(tokens) == 2:
                url = re.findall(r"serves on (\S+)", logged)[0]
                async with aiohttp.request(
                    "POST", f"{url}/api/auth/register", json={**account, "setup_token": token}
                ) as answer:
                    assert (answer.status, (await answer.json())["user"]["role"]) == (201, "super_admin")
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
            assert token not in logged + errors.decode()
    assert tokens[0] != tokens[1]
    async with serving(tmp_path) as process:
        await read_until(process.stderr, r"serves on http://\S+")
        process.send_signal(signal.SIGTERM)
        output, _ = await process.communicate()
    assert b"set-up token" not in output


async def test_it_is_told_when_nobody_can_authenticate(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("server: {host: 127.0.0.1, access_key_enabled: false}\n", encoding="utf-8")
    async with serving(tmp_path) as process:
        logged = await read_until(process.stderr, r"serves on http://\S+")
        await end(process, signal.SIGTERM)
    assert "nobody can authenticate" in logged


async def test_a_placeholder_is_refused_on_another_address_than_loopback(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text("server: {host: 0.0.0.0, access_key: sk-change-me}\n")
    async with serving(tmp_path) as process:
        output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    assert b"config.yml:1: server.access_key: " in errors
