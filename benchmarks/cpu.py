"""What a process and all its descendants used: CPU time and memory. And which core is for whom."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_TICKS = os.sysconf("SC_CLK_TCK")
_PARENT, _CHILDREN_USER, _CHILDREN_SYSTEM = 1, 13, 14  # Places in /proc/PID/stat, counted from after the name.


@dataclass(frozen=True, slots=True)
class Cores:
    """Where processes run; None: anywhere."""

    server: int | None
    load: int | None

    @property
    def pinned(self) -> bool:
        """Whether the measured server has a core of its own."""
        return self.server is not None


def cores() -> Cores:
    """The first core for the measured server, the second for all else. With one core nothing is pinned."""
    usable = sorted(os.sched_getaffinity(0))
    return Cores(usable[0], usable[1]) if len(usable) > 1 else Cores(None, None)


def pin(core: int | None) -> None:
    """Keep the calling process, and what it starts, on one core."""
    if core is not None:
        os.sched_setaffinity(0, {core})


def cpu_seconds(root: int) -> float:
    """User and system time that a tree of processes has used: living and ended threads, living and ended children."""
    return sum(_own_seconds(pid) + _ended_children_seconds(pid) for pid in tree(root))


def rss_kib(root: int) -> int:
    """The resident memory of a tree of processes. What they share counts once for each."""
    return sum(_rss_kib(pid) for pid in tree(root))


def tree(root: int) -> list[int]:
    """A process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            parents.setdefault(int(fields[_PARENT]), []).append(int(entry.name))
    found = [root]
    for pid in found:  # It grows meanwhile.
        found.extend(parents.get(pid, []))
    return found


def _own_seconds(pid: int) -> float:
    # The clock that clock_getcpuclockid(3) names: utime + stime of /proc/PID/stat, but in nanoseconds, not in ticks.
    return time.clock_gettime((~pid << 3) | 2)


def _ended_children_seconds(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[_CHILDREN_USER]) + int(fields[_CHILDREN_SYSTEM])) / _TICKS if fields else 0.0


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on, empty where the process is gone."""
    try:
        return (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def _rss_kib(pid: int) -> int:
    for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return int(line.split()[1])
    return 0
