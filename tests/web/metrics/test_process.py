"""What is told of the process, wherever it runs."""

from __future__ import annotations

import os
import resource
from datetime import UTC, datetime
from pathlib import Path

from relay.web.metrics.process import process_families

STARTED_AT = datetime(2026, 7, 1, tzinfo=UTC)


def told(proc: Path) -> dict[str, float]:
    return {sample.name: sample.value for family in process_families(STARTED_AT, proc) for sample in family.samples}


def test_the_process_is_told_of_by_the_names_that_are_agreed_on(tmp_path: Path) -> None:
    (tmp_path / "fd").mkdir()
    for number in range(7):
        (tmp_path / "fd" / str(number)).touch()
    (tmp_path / "statm").write_text("300 200 50 1 0 100 0\n")
    found = told(tmp_path)
    page = resource.getpagesize()
    assert found.pop("process_cpu_seconds_total") > 0
    assert found == {
        "process_start_time_seconds": STARTED_AT.timestamp(),
        "process_max_fds": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "process_open_fds": 7,
        "process_virtual_memory_bytes": 300 * page,
        "process_resident_memory_bytes": 200 * page,
    }


def test_this_process_uses_what_the_system_says() -> None:
    found = told(Path("/proc/self"))
    assert 3 <= found["process_open_fds"] <= found["process_max_fds"]
    assert 2**20 < found["process_resident_memory_bytes"] < found["process_virtual_memory_bytes"]
    assert found["process_cpu_seconds_total"] <= sum(os.times()[:2]) + 0.1


def test_where_there_is_no_proc_the_rest_is_told(tmp_path: Path) -> None:
    assert set(told(tmp_path)) == {"process_cpu_seconds_total", "process_start_time_seconds", "process_max_fds"}
