"""What the operating system knows of the process, under the names that Prometheus clients agree on.

prometheus_client's own collector needs /proc/stat, which a unit with `ProcSubset=pid`, as ours, does not see; it then
says nothing at all (0.26, process_collector.py).
"""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric

PROC = Path("/proc/self")


def process_families(started_at: datetime, proc: Path = PROC) -> Iterator[Metric]:
    """All of them; where there is no /proc, those that need none."""
    cpu_s = time.process_time()
    yield CounterMetricFamily("process_cpu_seconds", "CPU time in seconds, user and system.", value=cpu_s)
    started_s = started_at.timestamp()
    yield GaugeMetricFamily("process_start_time_seconds", "When the process started, since 1970.", value=started_s)
    max_fds, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    yield GaugeMetricFamily("process_max_fds", "How many files may be open.", value=max_fds)
    with suppress(OSError):
        open_fds = sum(1 for _ in (proc / "fd").iterdir())
        yield GaugeMetricFamily("process_open_fds", "How many files are open.", value=open_fds)
    with suppress(OSError):
        pages = [int(part) for part in (proc / "statm").read_text(encoding="ascii").split()[:2]]  # man 5 proc
        virtual, resident = (part * resource.getpagesize() for part in pages)
        yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory.", value=virtual)
        yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory.", value=resident)
