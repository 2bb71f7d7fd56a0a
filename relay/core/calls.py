"""One call as the relay sees it: what was asked."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from relay.core.endpoints import Endpoint
from relay.errors import InvalidRequest
from relay.formats import openai_chat
from relay.formats.asked import Asked
from relay.formats.body import optional_flag, read_object, required_text, write_object
from relay.model import Target
from relay.per_call import record


@record(frozen=True, slots=True)
class RelayRequest:
    """A client's call, read as far as routing needs it."""

    endpoint: Endpoint
    body: dict[str, Any]
    """The client's own data; copied, never changed."""
    model: str
    """The name that the client asked for."""
    is_stream: bool
    headers: Iterable[tuple[str, str]]
    connection: str
    """The client's Connection header; empty where it sent none."""
    query: str
    """The client's query string, still encoded; empty where it sent none."""
    request_id: str
    size_bytes: float = math.inf
    """Of the body as it came."""
    caller: str = ""
    """Whose call it is: conversations of different callers are different ones."""

    @property
    def asked(self) -> Asked:
        """What it asks for, to be looked for."""
        return Asked(self.body, self.endpoint.dialect, size_bytes=self.size_bytes)

    @property
    def hides_usage(self) -> bool:
        """Whether the relay asks for a usage chunk that the client did not ask for."""
        return self.is_stream and self.endpoint.has_usage_option and not openai_chat.wants_usage(self.body)

    @property
    def choices(self) -> int:
        """How many choices a complete answer has."""
        wanted = self.body.get("n")
        prompts = self.body.get("prompt")
        count = wanted if isinstance(wanted, int) and wanted > 0 else 1
        are_several = isinstance(prompts, list) and bool(prompts) and not isinstance(prompts[0], int)
        return count * len(prompts) if are_several and isinstance(prompts, list) else count

    def outgoing(self, target: Target) -> dict[str, Any]:
        """What goes to a provider of the client's own dialect: the client's data with the target's model."""
        outgoing = {**self.body, "model": target.model}
        if self.hides_usage:
            openai_chat.ask_for_usage(outgoing)
        return outgoing

    def body_for(self, target: Target) -> bytes:
        """The same as it is sent. Raises InvalidRequest where it is nested too deeply."""
        return write_object(self.outgoing(target))


def read_request(
    endpoint: Endpoint,
    raw: bytes,
    *,
    headers: Iterable[tuple[str, str]],
    connection: str = "",
    query: str = "",
    request_id: str,
    caller: str = "",
) -> RelayRequest:
    """Read a client's body. Raises InvalidRequest with the field that is wrong."""
    body = read_object(raw)
    if endpoint.default_model is not None:
        body.setdefault("model", endpoint.default_model)
    model = required_text(body, "model")
    is_stream = endpoint.may_stream and optional_flag(body, "stream")
    options = body.get("stream_options")
    if endpoint.has_usage_option and options is not None and not isinstance(options, dict):
        raise InvalidRequest("'stream_options' must be an object.", param="stream_options")
    return RelayRequest(endpoint, body, model, is_stream, headers, connection, query, request_id, len(raw), caller)
