"""What a principal may use: the models and endpoints of its limits. Pure.

A model is compared under the name that was asked for, an endpoint under its path. Every limit must allow it: an API
key's narrow its user's.
"""

from __future__ import annotations

from relay.core.globs import is_among
from relay.errors import Forbidden
from relay.model import Principal


def assert_may_call(principal: Principal, endpoint: str, model: str) -> None:
    """Raises Forbidden."""
    if not principal.limits:
        return
    for limits in principal.limits:
        if limits.endpoints is not None and not is_among(endpoint, limits.endpoints):
            raise Forbidden(f"This credential may not use {endpoint}.")
    if not may_use(principal, model):
        raise Forbidden(f"This credential may not use the model {model[:200]!r}.")


def may_use(principal: Principal, model: str) -> bool:
    """Whether a model is allowed."""
    return is_allowed(bounds_of(principal), model)


Bounds = tuple[tuple[str, ...], ...]
"""Globs of models; a name has to match one of each."""


def bounds_of(principal: Principal) -> Bounds:
    """What a principal's models are bound by; nothing: all are allowed."""
    return tuple(limits.models for limits in principal.limits if limits.models is not None)


def is_allowed(bounds: Bounds, model: str) -> bool:
    """Whether a model is within all bounds."""
    return all(is_among(model, globs) for globs in bounds)
