"""The probes, what the relay says of itself, and the door."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from relay.config.schema import Config
from relay.core.health import Health
from relay.web.answers import document

_HOST = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\])(?::\d{1,5})?")
_BARE_DOMAIN = re.compile(r"(?!\d+(?:\.\d+){3}$)[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")


class InfoHandler:
    """Everything here is public and answered from memory."""

    def __init__(self, config: Config, health: Health, *, name: str, version: str) -> None:
        self._config = config
        self._health = health
        self._name = name
        self._version = version

    async def door(self, request: web.Request) -> web.Response:
        """`GET /` and `HEAD /`: Claude Code asks whether something is there."""
        return document({"name": self._name, "health": "/health", "info": "/api/info"})

    async def health(self, request: web.Request) -> web.Response:
        """The whole document."""
        return document(self._health.document())

    async def live(self, request: web.Request) -> web.Response:
        """The process answers."""
        return document({"status": "ok"})

    async def ready(self, request: web.Request) -> web.Response:
        """Whether calls should come here."""
        obstacle = self._health.obstacle
        return document({"status": "ok"}) if obstacle is None else document({"status": obstacle}, status=503)

    async def info(self, request: web.Request) -> web.Response:
        """What a client needs to know to connect."""
        base = base_url(self._config.server.public_host, request.headers.get("Host", ""), self._config.server.port)
        info: dict[str, Any] = {
            "name": self._name,
            "version": self._version,
            "base_url": f"{base}/v1",
            "anthropic_base_url": base,
            "access_key_enabled": self._config.server.access_key_enabled,
            "registration": str(self._config.auth.registration),
            "sso": False,
        }
        return document(info)


def base_url(public_host: str, request_host: str, port: int) -> str:
    """Where clients reach the relay, without a trailing slash.

    `public_host` with a scheme is taken as it is, a bare domain means https, host:port or an address means http; else
    the request's Host, unless it is none.
    """
    if "://" in public_host:
        return public_host.rstrip("/")
    if public_host:
        scheme = "https" if _BARE_DOMAIN.fullmatch(public_host) else "http"
        return f"{scheme}://{public_host.rstrip('/')}"
    host = request_host if _HOST.fullmatch(request_host) else f"127.0.0.1:{port}"
    return f"http://{host}"
