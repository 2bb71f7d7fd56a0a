"""The route: numbers are taken on the event loop, which nothing else changes meanwhile, and written out in a thread."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from aiohttp import web
from prometheus_client import CollectorRegistry, GCCollector
from prometheus_client.metrics_core import Metric

from relay.core.metrics import CallTallies, Counter, Histogram
from relay.web.metrics.accept import encoder_for
from relay.web.metrics.families import counter, histogram
from relay.web.metrics.gauges import Watched
from relay.web.metrics.process import process_families


class MetricsHandler:
    """Answers for one configuration."""

    def __init__(self, tallies: CallTallies, watched: Watched, opens_to: Callable[[str], bool]) -> None:
        self._tallies = tallies
        self._watched = watched
        self.opens_to = opens_to
        """Whether a presented string is the scraper's own, which is good for nothing else."""
        self._python = CollectorRegistry()
        GCCollector(self._python)

    async def get(self, request: web.Request) -> web.Response:
        """All series, in the form that the scraper asks for."""
        encode, content_type = encoder_for(request.headers.getall("Accept", ()))
        taken = taken_now(self._tallies, self._watched, self._python)
        return web.Response(body=await asyncio.to_thread(encode, taken), headers={"Content-Type": content_type})


@dataclass(frozen=True, slots=True)
class Taken:
    """The numbers of one moment. It is what prometheus_client takes for a collector."""

    counters: Sequence[Counter]
    histograms: Sequence[Histogram]
    looked: Sequence[Metric]
    python: CollectorRegistry
    started_at: datetime

    def collect(self) -> Iterable[Metric]:
        """Called by the encoder, in a thread."""
        yield from (counter(one) for one in self.counters)
        yield from (histogram(one) for one in self.histograms)
        yield from self.looked
        yield from process_families(self.started_at)
        yield from self.python.collect()


def taken_now(tallies: CallTallies, watched: Watched, python: CollectorRegistry) -> Taken:
    """Copies: what is counted while they are written out is counted for the next time."""
    return Taken(
        counters=[one.copy() for one in tallies.counters],
        histograms=[one.copy() for one in tallies.histograms],
        looked=[*watched.families()],
        python=python,
        started_at=watched.started_at,
    )
