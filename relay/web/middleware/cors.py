"""Cross-origin requests (Fetch standard, "CORS protocol"): off unless origins are listed, and never with credentials.

A preflight is answered without a credential and reaches no handler; for an origin that is not listed the answer
allows nothing, and the browser refuses.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

_EXPOSED = "X-Request-Id, X-MonoRelay-Provider, X-MonoRelay-Model, Retry-After"
_MAX_AGE_S = "600"


class Cors:
    """The allow list of one configuration; `*` allows every origin."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._origins = frozenset(origin.rstrip("/") for origin in origins)

    def preflight(self, request: web.Request) -> web.Response | None:
        """The answer to a preflight; None where the request is none."""
        headers = request.headers
        if request.method != "OPTIONS" or "Origin" not in headers or "Access-Control-Request-Method" not in headers:
            return None
        response = web.Response(status=204)
        if self._allows(headers["Origin"]):
            response.headers["Access-Control-Allow-Methods"] = headers["Access-Control-Request-Method"]
            response.headers["Access-Control-Max-Age"] = _MAX_AGE_S
            if wanted := headers.get("Access-Control-Request-Headers"):
                response.headers["Access-Control-Allow-Headers"] = wanted
        return response

    def headers_for(self, request: web.Request) -> dict[str, str]:
        """What every answer to this request carries, so that a listed origin's page may read it."""
        if not self._origins:
            return {}
        origin = request.headers.get("Origin")
        if origin is None or not self._allows(origin):
            return {"Vary": "Origin"}
        allowed = "*" if "*" in self._origins else origin
        return {"Vary": "Origin", "Access-Control-Allow-Origin": allowed, "Access-Control-Expose-Headers": _EXPOSED}

    def _allows(self, origin: str) -> bool:
        return "*" in self._origins or origin in self._origins
