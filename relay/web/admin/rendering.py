"""Configuration and providers as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web

from relay.core.configuring.providers import keys_of, label_of, provider_of
from relay.core.provider_report import ProviderReport
from relay.core.provider_view import ProviderView
from relay.upstream.keyring import KeyState
from relay.upstream.listed_model import ListedModel


def tagged(response: web.Response, etag: str) -> web.Response:
    """Say of what version it is."""
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "no-store"
    return response


def provider(document: object, name: str, view: ProviderView | None) -> dict[str, Any]:
    """One as the masked file has it, and how it stands; `view` is None for one that is not in force."""
    states = {} if view is None else {state.label: state for state in view.keys}
    keys = keys_of(document, name)
    labels = [label_of(key, place) for place, key in enumerate(keys)]
    return {
        "name": name,
        "options": {option: value for option, value in provider_of(document, name).items() if option != "keys"},
        "keys": [key_of(key, label, states.get(label)) for key, label in zip(keys, labels, strict=True)],
        "state": None if view is None else _state(view),
    }


def key_of(options: Mapping[str, Any], label: str, state: KeyState | None) -> dict[str, Any]:
    """One key: its options, the secret masked, and how it stands."""
    return {
        **options,
        "label": label,
        "state": None
        if state is None
        else {
            "status": state.status.value,
            "wait_s": state.wait_s,
            "in_flight": state.in_flight,
            "calls": state.calls,
        },
    }


def _state(view: ProviderView) -> dict[str, Any]:
    return {
        "dialects": list(view.dialects),
        "in_flight": view.in_flight,
        "is_full": view.is_full,
        "rests_s": view.rests_s,
        "models": view.models,
    }


def model(listed: ListedModel) -> dict[str, Any]:
    """One of a provider's list; null: it does not tell."""
    return {
        "name": listed.name,
        "context_tokens": listed.context_tokens,
        "takes_images": listed.takes_images,
        "takes_tools": listed.takes_tools,
    }


def report(found: ProviderReport) -> dict[str, Any]:
    """What a test has shown."""
    return {
        "provider": found.provider,
        "model": found.model,
        "has_failed": found.has_failed,
        "checks": [
            {
                "name": check.name,
                "dialect": check.dialect,
                "verdict": check.verdict.value,
                "duration_ms": check.duration_ms,
                "message": check.message,
            }
            for check in found.checks
        ],
    }
