"""`monorelay explain MODEL`: where a call would go by the configuration, and what would be sent. Nobody is called.

It needs no daemon, and so knows nothing of keys that rest and targets that failed: POST /api/explain of a daemon does.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from relay.commands.places import add_config, load_checked
from relay.core.calls import RelayRequest, read_request
from relay.core.catalog import catalog_of
from relay.core.endpoints import BY_PATH, Endpoint
from relay.core.explaining import Explainer, Explanation
from relay.core.means import Clocks, Memory, means_of
from relay.errors import RelayError, RequestError
from relay.formats.body import write_object
from relay.model import Dialect
from relay.upstream.demo import DEMO_MODELS
from relay.upstream.providers import build
from relay.web.explain import rendered, with_keys

EXIT_REFUSED = 1


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("explain", help="where a call would go, and why", allow_abbrev=False)
    parser.add_argument("model", metavar="MODEL", help="as a client would name it")
    parser.add_argument(
        "--endpoint", choices=tuple(BY_PATH), default="/v1/chat/completions", metavar="PATH",
        help=f"one of {', '.join(BY_PATH)} (default: %(default)s)",
    )  # fmt: skip
    parser.add_argument("--body", metavar="FILE", help="the rest of the request as JSON; - reads it from stdin")
    parser.add_argument("--json", action="store_true", help="as POST /api/explain answers")
    add_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Explain; 1 where the call would be refused. Raises ConfigError, RelayError."""
    endpoint = BY_PATH[arguments.endpoint]
    try:
        found = _explained(arguments, endpoint)
    except RequestError as error:
        raise RelayError(error.facts.message) from error
    if arguments.json:
        print(json.dumps(rendered(found, with_keys), indent=2, ensure_ascii=False))
    else:
        print("\n".join(_lines(found)))
    return EXIT_REFUSED if found.refusal is not None else 0


def _explained(arguments: argparse.Namespace, endpoint: Endpoint) -> Explanation:
    config = load_checked(arguments.config)
    providers = build(config)
    clocks = Clocks(lambda: datetime.now(UTC), time.monotonic, random.random, asyncio.sleep)
    explainer = Explainer(
        catalog_of(config, providers, DEMO_MODELS), means_of(config, providers, Memory(), clocks), clocks
    )
    return explainer.explain(_request(arguments, endpoint))


def _request(arguments: argparse.Namespace, endpoint: Endpoint) -> RelayRequest:
    raw = write_object({**_body(arguments.body, endpoint), "model": arguments.model})
    return read_request(endpoint, raw, headers=(), request_id="explain")


def _body(source: str | None, endpoint: Endpoint) -> dict[str, Any]:
    """What the file says, else the least that makes sense."""
    if source is None:
        field = "input" if endpoint.dialect is Dialect.RESPONSES else "messages"
        return {field: [{"role": "user", "content": "Hello"}]}
    try:
        found = orjson.loads(sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes())
    except OSError as error:
        raise RelayError(f"{source} can't be read: {error.strerror}") from error
    except orjson.JSONDecodeError as error:
        raise RelayError(f"{source} holds no JSON: {error.msg}") from error
    if not isinstance(found, dict):
        raise RelayError(f"{source} must hold a JSON object")
    return found


def _lines(found: Explanation) -> Iterator[str]:
    for step in found.steps:
        yield f"{step.step:<11}  {step.result or '-'}: {step.reason}"
    for place, one in enumerate(found.targets, 1):
        keys = f"{sum(key.is_usable for key in one.keys)} of {len(one.keys)} keys" if one.keys else "no keys"
        notes = "".join(f"; {note}" for note in one.notes)
        yield f"{place}. {one.target.model} at {one.target.provider} ({keys}){notes}"
    if found.refusal is not None:
        yield f"refused: {found.refusal.message}"
    for layer in found.receipt.layers:
        yield f"{layer.source} sets {', '.join(layer.names)}"
    if found.receipt.dropped:
        yield f"taken out: {', '.join(found.receipt.dropped)}"
    if found.body is not None:
        yield json.dumps(found.body, indent=2, ensure_ascii=False)
