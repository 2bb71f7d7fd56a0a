"""Numbers of ours in prometheus_client's form, which it writes out."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

from relay.core.metrics import Counter, Histogram, Series
from relay.core.metrics.series import Labels


def counter(counted: Counter) -> CounterMetricFamily:
    """With all its label sets."""
    return counter_of(counted.series, counted.totals)


def counter_of(series: Series, totals: Mapping[Labels, float]) -> CounterMetricFamily:
    """What is counted elsewhere."""
    family = CounterMetricFamily(series.name, series.help, labels=series.labels)
    for labels, total in totals.items():
        family.add_metric(labels, total)
    return family


def gauge(series: Series, values: Mapping[Labels, float]) -> GaugeMetricFamily:
    """What goes up and down."""
    family = GaugeMetricFamily(series.name, series.help, labels=series.labels)
    for labels, value in values.items():
        family.add_metric(labels, value)
    return family


def histogram(measured: Histogram) -> HistogramMetricFamily:
    """With all its label sets; outside, the count at a bound holds all below it."""
    series = measured.series
    family = HistogramMetricFamily(series.name, series.help, labels=series.labels)
    bounds = [*(str(float(bound)) for bound in measured.bounds), "+Inf"]
    for labels, spread in measured.spreads.items():
        family.add_metric(labels, list(zip(bounds, accumulate(spread.counts), strict=True)), spread.total)
    return family
