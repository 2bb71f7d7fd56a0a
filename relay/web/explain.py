"""POST /api/explain: where a request would go and why, and the body that would be sent. Nobody is called.

The answer is a bare object, as the specification of its dialects has it; which keys there are only admins see.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from aiohttp import web
from pydantic import Field

from relay.core.calls import read_request
from relay.core.endpoints import BY_PATH
from relay.core.explaining import Explainer, Explanation, Outlook
from relay.core.params import Receipt
from relay.core.permissions import assert_may_call
from relay.errors import InvalidRequest
from relay.formats.body import write_object
from relay.model import Role
from relay.web.accounts.bodies import Body, read
from relay.web.accounts.request import principal_of
from relay.web.answers import document
from relay.web.body import BodyLimits, BodyReader
from relay.web.exchange import EXCHANGE


class ExplainBody(Body):
    """What would be called, and with what."""

    endpoint: Annotated[str, Field(max_length=200)] = "/v1/chat/completions"
    body: dict[str, Any]


class ExplainHandler:
    """For whoever may make calls: it tells what would become of one."""

    def __init__(self, explainer: Explainer, limits: BodyLimits) -> None:
        self._explainer = explainer
        self._limits = limits

    async def explain(self, request: web.Request) -> web.Response:
        """Raises InvalidRequest for what could not be called, Forbidden for what this credential may not call."""
        principal = principal_of(request)
        reader = BodyReader(self._limits)
        try:
            asked = read(ExplainBody, await reader.read(request))
        finally:
            reader.let_go()
        endpoint = BY_PATH.get(asked.endpoint)
        if endpoint is None:
            raise InvalidRequest(f"'endpoint' must be one of {', '.join(BY_PATH)}.", param="endpoint")
        call = read_request(
            endpoint,
            write_object(asked.body),
            headers=request.headers.items(),
            request_id=request[EXCHANGE].request_id,
            caller=principal.name,
        )
        assert_may_call(principal, endpoint.path, call.model)
        sees_keys = principal.role >= Role.ADMIN and principal.api_key_id is None  # API keys make calls, and no more.
        keys = with_keys if sees_keys else without_keys
        return document(rendered(self._explainer.explain(call), keys))


def rendered(found: Explanation, keys: Callable[[Outlook], dict[str, Any]]) -> dict[str, Any]:
    """`{"steps", "targets", "request", "receipt", "error"}`."""
    dialect = found.request.endpoint.dialect
    return {
        "model": found.request.model,
        "endpoint": found.request.endpoint.path,
        "steps": [{"step": step.step, "result": step.result, "reason": step.reason} for step in found.steps],
        "targets": [
            {
                "provider": one.target.provider,
                "model": one.target.model,
                "dialect": dialect,
                "available_keys": sum(key.is_usable for key in one.keys),
                "notes": list(one.notes),
                **keys(one),
            }
            for one in found.targets
        ],
        "request": found.body,
        "receipt": receipt(found.receipt),
        "error": None if found.refusal is None else {"message": found.refusal.message, "code": found.refusal.code},
    }


def receipt(told: Receipt) -> dict[str, Any]:
    """What the configuration changed; names, no values."""
    return {
        "layers": [{"source": layer.source, "names": list(layer.names)} for layer in told.layers],
        "system_prompt": None if told.system_prompt is None else told.system_prompt.value,
        "dropped": list(told.dropped),
    }


def with_keys(one: Outlook) -> dict[str, Any]:
    """How each key stands; their secrets are nowhere in reach."""
    return {
        "keys": [
            {"label": key.label, "status": key.status.value, "wait_s": key.wait_s, "in_flight": key.in_flight}
            for key in one.keys
        ]
    }


def without_keys(one: Outlook) -> dict[str, Any]:
    """For those whose keys they are not."""
    return {}
