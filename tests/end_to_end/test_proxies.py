"""The proxy files of deploy/ before a whole relay, over TLS: streams come as they are made, addresses are true."""

from __future__ import annotations

import asyncio
import io
import os
import ssl
import subprocess
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
import pytest

from tests.conftest import StartRelay, StartUpstream
from tests.support.programs import needs
from tests.support.running import ACCESS_KEY, RunningRelay, provider
from tests.support.scripted import Out, Received

DEPLOY = Path(__file__).parents[2] / "deploy"
EVENT = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}]}\n\n'
CLIENT = "127.0.0.2"
"""Not the proxy's own address, which is trusted."""
SITE = "relay.example.org"
NGINX = """
pid {folder}/nginx.pid;
daemon off;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""


def certificate(folder: Path) -> None:
    """A self-signed one for the site, in cert.pem and key.pem."""
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={SITE}"]
    files = ["-addext", f"subjectAltName=DNS:{SITE}", "-keyout", str(folder / "key.pem"), "-out", "cert.pem"]
    subprocess.run([*command, *files], cwd=folder, check=True, capture_output=True)


def nginx(folder: Path, port: int, relay_port: int) -> list[str]:
    site = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
    site = site.replace("127.0.0.1:8787", f"127.0.0.1:{relay_port}").replace("listen 443", f"listen 127.0.0.1:{port}")
    site = site.replace(f"/etc/letsencrypt/live/{SITE}/fullchain.pem", f"{folder}/cert.pem")
    site = site.replace(f"/etc/letsencrypt/live/{SITE}/privkey.pem", f"{folder}/key.pem")
    (folder / "site.conf").write_text(site, encoding="utf-8")
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder), encoding="utf-8")
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", "stderr"]


def caddy(folder: Path, port: int, relay_port: int) -> list[str]:
    site = (DEPLOY / "Caddyfile").read_text(encoding="utf-8").replace("127.0.0.1:8787", f"127.0.0.1:{relay_port}")
    opened = f"https://{SITE}:{port} {{\n\ttls {folder}/cert.pem {folder}/key.pem\n"
    text = "{\n\tadmin off\n\tauto_https disable_redirects\n}\n" + site.replace(f"{SITE} {{\n", opened)
    (folder / "Caddyfile").write_text(text, encoding="utf-8")
    return ["caddy", "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]


PROXIES = {"nginx": nginx, "caddy": caddy}


@asynccontextmanager
async def proxied(kind: str, folder: Path, port: int, relay_port: int) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the site, once it answers."""
    await asyncio.to_thread(certificate, folder)
    environ = {**os.environ, "HOME": str(folder), "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    command = PROXIES[kind](folder, port, relay_port)
    process = await asyncio.create_subprocess_exec(*command, env=environ, stderr=subprocess.DEVNULL)
    trust = ssl.create_default_context(cafile=str(folder / "cert.pem"))
    connector = aiohttp.TCPConnector(ssl=trust, local_addr=(CLIENT, 0))
    try:
        async with aiohttp.ClientSession(connector=connector, headers={"x-api-key": ACCESS_KEY}) as session:
            async with asyncio.timeout(20):
                await _answers(session, port)
            yield session
    finally:
        process.terminate()
        await process.wait()


async def _answers(session: aiohttp.ClientSession, port: int) -> None:
    while True:
        try:
            async with session.get(
                f"https://127.0.0.1:{port}/health/live", server_hostname=SITE, headers=NAMED
            ) as answer:
                assert answer.status == 200
                return
        except aiohttp.ClientConnectorError:
            await asyncio.sleep(0.02)


NAMED = {"Host": SITE}


def _posted(
    session: aiohttp.ClientSession, url: str, body: bytes
) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
    """A call whose client claims to be somebody else."""
    headers = {**NAMED, "Content-Type": "application/json", "X-Forwarded-For": "203.0.113.9"}
    return session.post(url, data=io.BytesIO(body), headers=headers, server_hostname=SITE)


@needs("openssl")
@pytest.mark.parametrize("kind", [pytest.param(kind, marks=needs(kind)) for kind in PROXIES])
async def test_a_stream_comes_through_as_it_is_made_and_the_address_is_the_clients_own(
    start_relay: StartRelay, start_upstream: StartUpstream, tmp_path: Path, unused_tcp_port: int, kind: str
) -> None:
    was_read = asyncio.Event()

    async def script(request: Received, out: Out) -> None:
        assert len(request.body) > 5_000_000
        await out.head(200, [("Content-Type", "text/event-stream"), ("Transfer-Encoding", "chunked")])
        await out.chunk(EVENT)
        await was_read.wait()
        await out.chunk(b"data: [DONE]\n\n")
        await out.chunk(b"")

    upstream = await start_upstream(script)
    relay: RunningRelay = await start_relay(
        {"up": provider(upstream.url, default=True)}, server={"trusted_proxies": ["127.0.0.1"]}
    )
    body = orjson.dumps({"model": "m", "stream": True, "messages": [{"role": "user", "content": "x" * 5_000_000}]})
    async with proxied(kind, tmp_path, unused_tcp_port, relay.port) as session:
        url = f"https://127.0.0.1:{unused_tcp_port}/v1/chat/completions"
        async with asyncio.timeout(20), _posted(session, url, body) as answer:
            assert await answer.content.readuntil(b"\n\n") == EVENT
            was_read.set()
            assert await answer.content.read() == b"data: [DONE]\n\n"
    (record,) = await relay.records()
    assert record.client_ip == CLIENT
