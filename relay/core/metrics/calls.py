"""What is counted of each call, all of it from its record: the numbers and the books can't differ. Pure.

`CallTallies` outlive a configuration; a `CallCounter` knows the names of one.
"""

from __future__ import annotations

from operator import attrgetter

from relay.core.metrics.labels import NONE, ModelLabels, bounded, result_of
from relay.core.metrics.series import Counter, Histogram, Series
from relay.model import AttemptRecord, CallRecord, Usage

REQUEST_S = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600)
FIRST_TOKEN_S = (0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1, 1.5, 2, 3, 5, 10, 20, 30, 60)
ATTEMPT_S = (*FIRST_TOKEN_S, 120, 300, 600)
OVERHEAD_S = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1)

_TOKEN_KINDS = tuple(
    (kind, attrgetter(f"{kind}_tokens"))
    for kind in ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
)
"""(label, what reads it from a Usage)."""


_REQUESTS = Series(
    "monorelay_requests_total",
    "Calls that ended, by what the client saw and how they ended.",
    ("endpoint", "provider", "model", "status", "outcome"),
)
_ATTEMPTS = Series(
    "monorelay_upstream_attempts_total",
    "Attempts at providers: ok, cut (the call ended in the middle), else what failed.",
    ("provider", "key", "result"),
)
_TOKENS = Series(
    "monorelay_tokens_total",
    "Tokens as providers told them; input holds what was read from and written to a cache.",
    ("provider", "model", "kind"),
)
_REQUEST_S = Series(
    "monorelay_request_seconds",
    "From a request's arrival to the end of its answer.",
    ("endpoint", "provider", "model"),
)
_FIRST_TOKEN_S = Series(
    "monorelay_first_token_seconds",
    "From the arrival of a streamed call to the first byte of its answer.",
    ("provider", "model"),
)
_OVERHEAD_S = Series(
    "monorelay_overhead_seconds",
    "The relay's own share of a call's time until its answer could begin.",
)
_ATTEMPT_S = Series(
    "monorelay_upstream_attempt_seconds",
    "From the start of an attempt until its answer could begin, or it failed.",
    ("provider",),
)


class CallTallies:
    """One for a process."""

    def __init__(self) -> None:
        self.requests = Counter(_REQUESTS)
        self.attempts = Counter(_ATTEMPTS)
        self.tokens = Counter(_TOKENS)
        self.request_s = Histogram(_REQUEST_S, REQUEST_S)
        self.first_token_s = Histogram(_FIRST_TOKEN_S, FIRST_TOKEN_S)
        self.overhead_s = Histogram(_OVERHEAD_S, OVERHEAD_S)
        self.attempt_s = Histogram(_ATTEMPT_S, ATTEMPT_S)

    @property
    def counters(self) -> tuple[Counter, ...]:
        """All of them."""
        return self.requests, self.attempts, self.tokens

    @property
    def histograms(self) -> tuple[Histogram, ...]:
        """All of them."""
        return self.request_s, self.first_token_s, self.overhead_s, self.attempt_s


class CallCounter:
    """Counts calls under the names that one configuration knows."""

    def __init__(self, tallies: CallTallies, models: ModelLabels) -> None:
        self._tallies = tallies
        self._models = models

    def count(self, record: CallRecord) -> None:
        """One more call, which is over. It costs each call a few microseconds, and never fails."""
        tallies, endpoint = self._tallies, record.endpoint
        provider = NONE if record.target is None else bounded(record.target.provider)
        model = self._models.of(record.model)
        tallies.requests.add((endpoint, provider, model, str(record.status_code), record.outcome.value))
        tallies.request_s.observe((endpoint, provider, model), record.latency_ms / 1000)
        if record.is_stream and record.first_token_ms is not None:
            tallies.first_token_s.observe((provider, model), record.first_token_ms / 1000)
        if record.overhead_us is not None:
            tallies.overhead_s.observe((), record.overhead_us / 1_000_000)
        for attempt in record.attempts:
            self._count_attempt(attempt)
        if record.usage is not None:
            self._count_tokens(record.usage, provider, model)

    def _count_attempt(self, attempt: AttemptRecord) -> None:
        provider = bounded(attempt.target.provider)
        key = NONE if attempt.key_label is None else bounded(attempt.key_label)
        self._tallies.attempts.add((provider, key, result_of(attempt)))
        self._tallies.attempt_s.observe((provider,), attempt.duration_ms / 1000)

    def _count_tokens(self, usage: Usage, provider: str, model: str) -> None:
        for kind, read in _TOKEN_KINDS:
            tokens = read(usage)
            if tokens:
                self._tallies.tokens.add((provider, model, kind), tokens)
