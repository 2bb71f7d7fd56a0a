"""Parameters that the file puts into requests: which names and values can stand there. Pure.

A layer never sets what decides where a call goes and how its answer is read: the relay would judge a call by one thing
and send another. Nor does it set what the client said.
"""

from __future__ import annotations

import json
from typing import Annotated, TypeAlias

import orjson
from pydantic import AfterValidator

from relay.config.values import Name, Table

MAX_PARTS = 16
"""Of a dotted name: no provider's parameters go deeper."""
_THE_RELAYS_OWN = frozenset({"model", "stream", "stream_options"})
_THE_CLIENTS_WORDS = frozenset({"messages", "input", "prompt"})


def _param_name(name: str) -> str:
    """A name, or several with dots between them. Compared case-blind: servers written in Go read `Model` as `model`."""
    parts = name.split(".")
    if not all(parts) or len(parts) > MAX_PARTS:
        raise ValueError(f"must be a name, or up to {MAX_PARTS} names with a dot between two, as in reasoning.effort")
    first = parts[0].casefold()
    if first in _THE_RELAYS_OWN:
        raise ValueError(f"can't be set here: '{first}' decides how MonoRelay serves a call; remove it")
    if first in _THE_CLIENTS_WORDS:
        raise ValueError(f"can't be set here: '{first}' is what the client says; for instructions use system_prompt")
    return name


def _param_value(value: object) -> object:
    """Refuses what JSON can't say, and integers that orjson can't."""
    try:
        json.dumps(value, allow_nan=False)
        orjson.dumps(value)
    except (TypeError, ValueError):
        raise ValueError("can't be sent as JSON: it holds an integer beyond 64 bits, .inf or .nan") from None
    return value


Params: TypeAlias = Table[Annotated[Name, AfterValidator(_param_name)], Annotated[object, AfterValidator(_param_value)]]
"""Dotted names and their values, in the order of the file."""
