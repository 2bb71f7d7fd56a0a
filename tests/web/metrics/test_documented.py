"""docs/metrics.md names exactly the series that there are."""

from __future__ import annotations

import re
from pathlib import Path

import aiohttp
import pytest
from prometheus_client.metrics_core import Metric

from relay.web.metrics import gauges
from tests.conftest import StartRelay, StartUpstream
from tests.support.clients import Callers
from tests.support.running import provider
from tests.support.scraping import read, scraped
from tests.web.metrics.test_metrics import every_kind_of_call, upstream_of_all_kinds

PAGE = (Path(__file__).parents[3] / "docs" / "metrics.md").read_text(encoding="utf-8")
ROW = re.compile(r"\| `([a-z_]+)` \| (counter|gauge|histogram) \|([^|]*)\| [^|]+ \|")
OF_HISTOGRAMS = {"le"}


def documented() -> dict[str, tuple[str, frozenset[str]]]:
    """(type, labels) by name."""
    return {name: (kind, frozenset(re.findall(r"\w+", labels))) for name, kind, labels in ROW.findall(PAGE)}


def served(family: Metric) -> tuple[str, tuple[str, frozenset[str]]]:
    labels = frozenset(label for sample in family.samples for label in sample.labels)
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return name, (family.type, labels - OF_HISTOGRAMS)


async def test_the_page_has_every_series_with_its_type_and_labels_and_no_other(
    start_relay: StartRelay, start_upstream: StartUpstream, http: aiohttp.ClientSession, call: Callers
) -> None:
    upstream = await start_upstream(upstream_of_all_kinds)
    up = provider(upstream.url, keys=2, models={"include": ["Known", "globbed-*"]})
    relay = await start_relay({"up": up}, model_routing={"aliases": {"fast": ["known@up"]}})
    await every_kind_of_call(http, relay, call)
    families = (await scraped(relay.url)).families
    assert dict(map(served, families)) == documented()


async def test_every_series_is_there_from_the_start(start_relay: StartRelay) -> None:
    relay = await start_relay()
    names = {served(family)[0] for family in (await scraped(relay.url)).families}
    assert names == set(documented())


@pytest.mark.parametrize("state", gauges.STATES.values())
def test_the_page_says_what_a_breakers_number_means(state: int) -> None:
    (row,) = re.findall(r"\| `monorelay_breaker_state` .*", PAGE)
    assert f"{state}: " in row


def test_alerts_and_graphs_name_series_that_there_are() -> None:
    outside_the_table = ROW.sub("", PAGE)
    named = set(re.findall(r"\b(?:monorelay|process|python_gc)_[a-z_]+\b", outside_the_table))
    known = set(documented())
    known |= {f"{name}_bucket" for name, (kind, _) in documented().items() if kind == "histogram"}
    assert named - known == set()
    assert len(named) > 5


def test_a_sample_that_is_there_twice_is_found() -> None:
    with pytest.raises(AssertionError):
        read("# TYPE a gauge\na 1\na 2\n")
