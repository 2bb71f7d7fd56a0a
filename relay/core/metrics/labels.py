"""What may stand in a label: names of the configuration, and words of the code. Pure.

A client's word never does: a name that nobody knows is `other`, and a provider's own error code is its status.
"""

from __future__ import annotations

import hashlib

from relay.core.metrics.series import OTHER
from relay.core.routing import Catalog
from relay.model import AttemptRecord

NONE = ""
"""Nobody was asked, or nothing was named. Prometheus takes an empty label for one that is not there."""
MAX_CHARACTERS = 100

FAULTS = frozenset({
    "answer_too_large",
    "bad_upstream_event", "empty_response", "event_too_large", "insufficient_quota", "rate_limit_exceeded",
    "relay_overloaded", "stream_idle_timeout", "stream_truncated", "upstream_auth", "upstream_disconnected",
    "upstream_protocol", "upstream_redirect", "upstream_timeout", "upstream_unreachable",
})  # fmt: skip
"""The codes of relay.faults, and those of a key's limits, that an attempt can end with."""


def bounded(name: str) -> str:
    """A name of the configuration as a label: a long one is cut, and told from its like by a digest."""
    if len(name) <= MAX_CHARACTERS:
        return name
    return f"{name[: MAX_CHARACTERS - 9]}~{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def result_of(attempt: AttemptRecord) -> str:
    """How an attempt went: `ok`, `cut` where its call ended in the middle, else a code of ours or a status."""
    if attempt.status is None:
        return "cut"
    if attempt.error is None:
        return "ok"
    return attempt.error if attempt.error in FAULTS else str(attempt.status)


class ModelLabels:
    """The names of models that one configuration knows; all others are `other`."""

    def __init__(self, catalog: Catalog) -> None:
        self._labels = {name.casefold(): bounded(name) for name in catalog.names() if name.isprintable()}
        for name in catalog.written_names():
            if name.casefold() not in self._labels:
                model = name.rpartition("@")[0] or name
                self._labels.setdefault(model.casefold(), bounded(model))

    def of(self, name: str | None) -> str:
        """The label of a name that was asked for, or of a model at a provider; `@provider` is no part of it."""
        if name is None:
            return NONE
        folded = name.casefold()
        label = self._labels.get(folded)
        if label is None and "@" in folded:
            label = self._labels.get(folded.rpartition("@")[0])
        return label or OTHER
