"""The daemon under more than it should have: clients that read nothing, thousands of streams, no descriptors left,
slow heads and bodies. Others are served throughout."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.conftest import StartUpstream
from tests.support.clients import Callers, chat_request
from tests.support.daemon import Daemon, daemon
from tests.support.programs import needs
from tests.support.running import ACCESS_KEY, provider, raw_exchange
from tests.support.scripted import Out, Received, answers

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
LIVE = b"GET /health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
MIB = 2**20
WITH_A_KEY = f"application/json\r\nx-api-key: {ACCESS_KEY}"

figures = logging.getLogger("proof")
"""`-o log_cli=true -o log_cli_level=INFO` shows them."""


async def probed(relay: Daemon) -> float:
    """How long a probe took, in seconds."""
    loop = asyncio.get_running_loop()
    started_s = loop.time()
    assert (await raw_exchange(relay.port, LIVE)).startswith(b"HTTP/1.1 200 ")
    return loop.time() - started_s


@pytest.mark.proof
async def test_readers_that_stall_hold_little_and_are_cut(
    tmp_path: Path, start_upstream: StartUpstream, call: Callers, proof_count: Callable[[int], int]
) -> None:
    count = proof_count(500)
    event = b'data: {"choices":[],"padding":"%s"}\n\n' % (b"x" * 10_000)

    async def endless(request: Received, out: Out) -> None:
        await out.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        while True:
            await out.chunk(event)

    upstream = await start_upstream(endless)
    providers = {"up": provider(upstream.url, default=True)}
    async with daemon(tmp_path, providers, server={"write_timeout": 8}) as relay:
        await probed(relay)
        idle_bytes, most_bytes = relay.rss_bytes(), 0
        for _ in range(count):
            await call(relay.port, chat_request(), limit=1)
        async with asyncio.timeout(60):
            while relay.rows("count(*)", "")[0][0] < count:
                await probed(relay)
                most_bytes = max(most_bytes, relay.rss_bytes())
        assert relay.rows() == [("client_stalled", count)]
        assert most_bytes - idle_bytes <= count * MIB
        figures.info("%d KiB for each of %d stalled readers", (most_bytes - idle_bytes) / count / 1024, count)


@asynccontextmanager
async def compiled(folder: Path) -> AsyncIterator[Path]:
    """The programs of benchmarks/, in a folder."""
    for name in ("upstream", "load"):
        command = ["cc", "-O2", "-o", str(folder / name), str(BENCHMARKS / f"{name}.c")]
        await asyncio.to_thread(subprocess.run, command, check=True)
    yield folder


@needs("cc")
@pytest.mark.proof
async def test_thousands_of_streams_at_one_event_a_second_all_complete(
    tmp_path: Path, proof_count: Callable[[int], int], unused_tcp_port: int
) -> None:
    count = proof_count(5000)
    async with compiled(tmp_path) as programs:
        pace = ["--port", str(unused_tcp_port), "--events", "8", "--interval-us", "1000000"]
        upstream = await asyncio.create_subprocess_exec(programs / "upstream", *pace)
        providers = {"up": provider(f"http://127.0.0.1:{unused_tcp_port}", default=True)}
        try:
            async with daemon(tmp_path, providers, server={"max_in_flight": 10_000}) as relay:
                load = await asyncio.create_subprocess_exec(
                    programs / "load", "--port", str(relay.port), "--path", "/v1/chat/completions", "--key", ACCESS_KEY,
                    "--mode", "stream", "--connections", str(count), "--total", str(count), "--hold",
                    stdout=subprocess.PIPE,
                )  # fmt: skip
                assert load.stdout is not None
                async with asyncio.timeout(120):
                    assert json.loads(await load.stdout.readline()) == {"open": count}
                    rss_bytes, slowest_s = relay.rss_bytes(), await probed(relay)
                    result = json.loads(await load.stdout.readline())
                    assert await load.wait() == 0
                    while relay.rows("count(*)", "")[0][0] < count:
                        slowest_s = max(slowest_s, await probed(relay))
                assert (result["calls"], result["errors"]) == (count, 0)
                assert relay.rows() == [("complete", count)]
                assert rss_bytes <= 400 * MIB
                figures.info("%d MiB with %d streams, probes within %.3f s", rss_bytes / MIB, count, slowest_s)
        finally:
            upstream.kill()
            await upstream.wait()


@needs("prlimit")
@pytest.mark.parametrize("opening", [b"", b"GET / HTTP/1.1\r\nHost: x\r\n"], ids=["silent", "half a head"])
async def test_more_connections_than_descriptors_leave_the_probes_alone(
    tmp_path: Path, call: Callers, opening: bytes
) -> None:
    async with daemon(tmp_path, prefix=("prlimit", "--nofile=256:256")) as relay:
        await probed(relay)
        for _ in range(400):
            await call(relay.port, opening)
        lines = len(relay.lines)
        loop = asyncio.get_running_loop()
        until_s = loop.time() + 2
        probes = 0
        while loop.time() < until_s:
            assert await probed(relay) < 1
            probes += 1
        assert probes > 20
        assert len(relay.lines) - lines <= 40
        assert relay.open_files() < 256
        await call.close()
        async with asyncio.timeout(1):
            answer = await raw_exchange(relay.port, chat_request(model="demo"))
        assert answer.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")


@needs("prlimit")
async def test_more_calls_than_descriptors_are_told_to_come_back(
    tmp_path: Path, start_upstream: StartUpstream, call: Callers
) -> None:
    async def never(request: Received, out: Out) -> None:
        await out.peer_left()

    upstream = await start_upstream(never)
    providers = {"up": provider(upstream.url, default=True)}
    async with daemon(tmp_path, providers, prefix=("prlimit", "--nofile=256:256")) as relay:
        callers = [await call(relay.port, chat_request()) for _ in range(400)]
        for _ in range(20):
            assert await probed(relay) < 1
        for caller in callers:
            caller.leave()
        async with asyncio.timeout(10):
            while not relay.rows("1", "WHERE outcome = 'rejected' AND status_code = 503 LIMIT 1"):
                await probed(relay)
        assert len(relay.lines) < 1000
        assert not any("Traceback" in line for line in relay.lines)


@needs("slowhttptest")
@pytest.mark.proof
@pytest.mark.parametrize("kind", ["-H", "-B"], ids=["slow heads", "slow bodies"])
async def test_slowhttptest_is_shaken_off_while_others_are_served(
    tmp_path: Path, start_upstream: StartUpstream, proof_count: Callable[[int], int], kind: str
) -> None:
    count = proof_count(1000)
    upstream = await start_upstream(answers(200, b'{"choices":[]}'))
    providers = {"up": provider(upstream.url, default=True)}
    async with daemon(tmp_path, providers) as relay:
        attack = await asyncio.create_subprocess_exec(
            "slowhttptest", kind, "-c", str(count), "-r", "500", "-i", "5", "-l", "40", "-p", "1", "-s", "8192",
            "-f", WITH_A_KEY,
            "-u", f"{relay.url}/v1/chat/completions", cwd=tmp_path, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        served = 0
        started_s = asyncio.get_running_loop().time()
        while attack.returncode is None and relay.process.returncode is None:
            answer = await raw_exchange(relay.port, chat_request(stream=False, close=True))
            assert answer.startswith(b"HTTP/1.1 200 ")
            served += 1
        assert asyncio.get_running_loop().time() - started_s <= 34
        assert served > 100
        figures.info("%d calls served meanwhile, %s", served, kind)
