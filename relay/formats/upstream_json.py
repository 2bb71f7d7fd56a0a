"""JSON of providers, read as generously as their clients' own readers do.

A lone surrogate (an answer cut in the middle of a character) or a NaN among log probabilities is no reason to throw a
paid answer away; orjson refuses both. What is written to a provider is never read here: see `body`.
"""

from __future__ import annotations

import json

import orjson


class NotJson(Exception):
    """No JSON even to a generous reader."""


def read_json(data: bytes) -> object:
    """Decode a document. Raises NotJson."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        return _read_generously(data)


def _read_generously(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotJson from error
