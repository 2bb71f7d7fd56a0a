"""Recorded exchanges of real providers, where MONORELAY_CORPUS names a folder of them (one JSON document a line)."""

from __future__ import annotations

import base64
import gzip
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from relay.core.endpoints import ENDPOINTS, Endpoint

FOLDER = os.environ.get("MONORELAY_CORPUS", "")


@dataclass(frozen=True)
class Exchange:
    """One recorded call to an endpoint that the relay serves."""

    id: str
    provider: str
    endpoint: Endpoint
    query: str
    request_headers: dict[str, str]
    request: dict[str, Any]
    status: int
    response_headers: dict[str, str]
    response: bytes
    is_stream: bool


def files() -> list[Path]:
    """All files of the corpus; none where there is no corpus."""
    return sorted(Path(FOLDER).glob("*.jsonl.gz")) if FOLDER else []


@cache
def exchanges(path: Path) -> tuple[Exchange, ...]:
    """The exchanges of one file that belong to a relayed endpoint and have a JSON body."""
    with gzip.open(path) as lines:
        return tuple(found for line in lines for found in _exchange(orjson.loads(line)))


def _exchange(record: dict[str, Any]) -> Iterator[Exchange]:
    path, _, query = record["path"].partition("?")
    endpoint = _endpoint(path)
    if record["method"] != "POST" or endpoint is None:
        return
    request = orjson.loads(_bytes(record, "request") or b"{}")  # Some recordings hold the answer only.
    if record["sse"]:
        request["stream"] = True
    yield Exchange(
        id=record["id"],
        provider=record["provider"],
        endpoint=endpoint,
        query=query,
        request_headers=record["request_headers"],
        request=request,
        status=record["status"],
        response_headers=record["response_headers"],
        response=_bytes(record, "response"),
        is_stream=record["sse"],
    )


def _endpoint(path: str) -> Endpoint | None:
    """The endpoint with the longest path that the recorded one ends with."""
    fitting = [endpoint for endpoint in ENDPOINTS if path.endswith(endpoint.upstream_path)]
    return max(fitting, key=lambda endpoint: len(endpoint.upstream_path), default=None)


def _bytes(record: dict[str, Any], side: str) -> bytes:
    body: str = record[f"{side}_body"] or ""
    return base64.b64decode(body) if record[f"{side}_base64"] else body.encode()
