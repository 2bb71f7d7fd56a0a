"""The form that a scraper asks for: Prometheus's text format, or OpenMetrics.

prometheus_client chooses, and answers in the name of whatever version it was asked for; so it hears only of those that
there are. Sources: Prometheus, "Exposition formats" and "Content negotiation" (read 2026-11-24).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import TypeAlias

from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

Encode: TypeAlias = Callable[[Collector], bytes]

_KNOWN = re.compile(
    r"(?:application/openmetrics-text|text/plain)"
    r"(?:\s*;\s*(?:version=(?:0\.0\.[14]|1\.0\.0)|escaping=[a-z0-9-]{1,20}|charset=utf-8|q=[0-9.]{1,5}))*"
)


def encoder_for(accepted: Iterable[str]) -> tuple[Encode, str]:
    """What writes it, and its Content-Type. `accepted` are the values of the Accept headers."""
    forms = (form.strip() for header in accepted for form in header.split(","))
    return choose_encoder(",".join(form for form in forms if _KNOWN.fullmatch(form)))
