"""Tries what a provider can do, for an operator who has just configured it, or wonders why it fails.

    connect   a server is there
    models    it has a list of models
    call      in each dialect that it is taken to speak: a plain call,
    stream    the same streamed to its end,
    tools     and one that is to be answered by calling a tool

Nothing is asked that can't be answered any more: after a refused key or a server that can't be reached nothing follows.
The first key that may be used is used, and its limits don't count these calls.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from relay.core.asking import NO_ENDPOINT, Asker
from relay.core.listing import fetch_with, keys_for
from relay.core.means import Clocks
from relay.core.probes import choose_model
from relay.core.provider_report import NOT_TRIED, Check, Finding, ProviderReport, Verdict, advice, one_line
from relay.core.trial import Trial
from relay.errors import Blame, UpstreamError
from relay.model import Dialect
from relay.upstream.listed_model import ListedModel
from relay.upstream.providers import Provider
from relay.upstream.transport import Transport, UpstreamCall, UpstreamRequest

_HOPELESS = frozenset({Blame.KEY_REFUSED, Blame.KEY_SPENT, Blame.KEY_LIMITED, Blame.TARGET_DOWN})
_CALLS = ("call", "stream", "tools")
_NO_MODEL = "There is no model to call: name one as test_model, or by --model."


def nobody(check: Check) -> None:
    """Is told of a check."""


async def examine(
    provider: Provider,
    transport: Transport,
    clocks: Clocks,
    *,
    model: str = "",
    tell: Callable[[Check], None] = nobody,
) -> ProviderReport:
    """Make all checks. `model` is called in place of one that is chosen; `tell` hears of each check once it is done."""
    done = _Checks(provider, clocks.clock_s, tell)
    try:
        key = keys_for(provider, clocks.now())[0]
    except UpstreamError as error:
        done.add("connect", None, Finding(Verdict.FAIL, advice(error)))
        return ProviderReport(provider.name, None, tuple(done.checks))
    timer = _HeadTimer(transport, clocks.clock_s)
    listed = await _try_list(done, Asker(provider, key, timer, clocks.now), timer)
    chosen = model or choose_model(provider, listed)
    for dialect in provider.dialects:
        await _try_dialect(done, Asker(provider, key, transport, clocks.now), dialect, chosen)
    return ProviderReport(provider.name, chosen, tuple(done.checks))


class _Checks:
    """Those of one provider that are done."""

    def __init__(self, provider: Provider, clock_s: Callable[[], float], tell: Callable[[Check], None]) -> None:
        self._provider = provider
        self._tell = tell
        self.clock_s = clock_s
        self.is_hopeless = False
        """Whatever else is asked will fail for the same reason."""
        self.checks: list[Check] = []

    def add(self, name: str, dialect: Dialect | None, finding: Finding, duration_s: float = 0) -> None:
        """One more."""
        message = one_line(finding.message)
        self.checks.append(Check(name, dialect, finding.verdict, round(duration_s * 1000), message))
        self._tell(self.checks[-1])

    async def make(self, name: str, dialect: Dialect, carry_out: Callable[[], Awaitable[Finding]]) -> Verdict:
        """Make one, and time it."""
        started_s = self.clock_s()
        try:
            finding = await carry_out()
        except UpstreamError as error:
            finding = self.failure(error)
            self.is_hopeless = error.blame in _HOPELESS
        self.add(name, dialect, finding, self.clock_s() - started_s)
        return finding.verdict

    def failure(self, error: UpstreamError) -> Finding:
        """What an error means, without the provider's secrets."""
        return Finding(Verdict.FAIL, advice(self._provider.scrub.error(error)))


class _HeadTimer:
    """A transport that notes how long the first head took; None: none has come."""

    def __init__(self, transport: Transport, clock_s: Callable[[], float]) -> None:
        self._transport = transport
        self._clock_s = clock_s
        self.head_s: float | None = None

    async def send(self, request: UpstreamRequest, /) -> UpstreamCall:
        """See Transport.send."""
        started_s = self._clock_s()
        call = await self._transport.send(request)
        if self.head_s is None:
            self.head_s = self._clock_s() - started_s
        return call


async def _try_list(done: _Checks, asker: Asker, timer: _HeadTimer) -> tuple[ListedModel, ...]:
    """`connect` and `models`, by one request; the list, or nothing."""
    started_s = done.clock_s()
    try:
        listed = await fetch_with(asker)
        finding = Finding(Verdict.PASS, f"{len(listed)} listed")
    except UpstreamError as error:
        listed, finding = (), _without_list(done, error)
        done.is_hopeless = error.blame is Blame.TARGET_DOWN  # A key may be good for calls and not for the list.
    duration_s = done.clock_s() - started_s
    if timer.head_s is not None:
        done.add("connect", None, Finding(Verdict.PASS), timer.head_s)
        done.add("models", None, finding, duration_s)
    elif done.is_hopeless:
        done.add("connect", None, finding, duration_s)
        done.add("models", None, Finding(Verdict.FAIL, NOT_TRIED))
    else:
        done.add("connect", None, Finding(Verdict.PASS, "Connected, but it did not answer."), duration_s)
        done.add("models", None, finding, duration_s)
    return listed


def _without_list(done: _Checks, error: UpstreamError) -> Finding:
    if error.upstream_status in NO_ENDPOINT:
        return Finding(Verdict.UNSUPPORTED, "It has no list of models: name them in models.include.")
    return done.failure(error)


async def _try_dialect(done: _Checks, asker: Asker, dialect: Dialect, model: str | None) -> None:
    """`call`, and where it was answered `stream` and `tools`."""
    if done.is_hopeless or model is None:
        for name in _CALLS:
            done.add(name, dialect, Finding(Verdict.FAIL, NOT_TRIED if done.is_hopeless else _NO_MODEL))
        return
    trial = Trial(asker, dialect, model)
    verdict = await done.make("call", dialect, trial.call)
    if verdict is Verdict.PASS:
        await done.make("stream", dialect, trial.stream)
        await done.make("tools", dialect, trial.tools)
        return
    for name in _CALLS[1:]:
        done.add(name, dialect, Finding(verdict, NOT_TRIED))
