"""What a scraper reads of a relay, in Prometheus's own terms."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import aiohttp
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from tests.support.running import ACCESS_KEY

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
"""As Prometheus 2 asks."""


@dataclass(frozen=True)
class Scrape:
    """One answer."""

    text: str
    families: tuple[Metric, ...]

    def value(self, name: str, **labels: str) -> float:
        """Of the one sample with these labels; what has not been counted is 0."""
        return self.values(name, *labels).get(tuple(labels.values()), 0)

    def values(self, name: str, *labels: str) -> dict[tuple[str, ...], float]:
        """By the values of these labels, which must tell the samples apart."""
        found: dict[tuple[str, ...], float] = {}
        for family in self.families:
            for sample in family.samples:
                if sample.name == name:
                    key = tuple(sample.labels[label] for label in labels)
                    assert key not in found, f"{name} is there twice with {key}"
                    found[key] = sample.value
        return found


def read(text: str) -> Scrape:
    """Read an answer in whichever form; no sample may be there twice, which Prometheus would refuse."""
    reading: Callable[[str], Iterable[Metric]] = read_openmetrics if text.endswith("# EOF\n") else read_text
    families = tuple(reading(text))
    samples = [(sample.name, *sorted(sample.labels.items())) for family in families for sample in family.samples]
    assert len(samples) == len(set(samples))
    return Scrape(text, families)


async def scraped(url: str, credential: str = ACCESS_KEY, *, accept: str = "") -> Scrape:
    """Scrape a relay, given its root."""
    headers = {"Authorization": f"Bearer {credential}", "Accept": accept}
    async with aiohttp.request("GET", f"{url}/metrics", headers=headers) as answer:
        text = await answer.text()
        assert answer.status == 200, text
        return read(text)
