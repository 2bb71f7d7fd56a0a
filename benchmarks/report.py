"""Results as tables for people, and as JSON."""

from __future__ import annotations

import json
import platform
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from measure import Held, Measured, Sample


@dataclass(slots=True)
class Results:
    """All that was measured, by the name of the server where it isn't of both."""

    machine: dict[str, str]
    pinned: bool
    cpu: list[Measured] = field(default_factory=list)
    memory: dict[str, Held] = field(default_factory=dict)
    start_seconds: dict[str, float] = field(default_factory=dict)


def machine(nginx: str, monorelay: str) -> dict[str, str]:
    """What was measured on, and with which versions."""
    return {
        "cpu": _cpu_model(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "nginx": nginx,
        "monorelay": monorelay,
    }


def markdown(results: Results) -> str:
    """The tables."""
    about = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    pinned = "server pinned to a core of its own" if results.pinned else "nothing pinned: there is one core"
    parts = [f"Measured on: {about}; {pinned}."]
    if results.cpu:
        parts.append(_cpu_table(results.cpu))
    if results.memory:
        parts.append(_memory_table(results))
    return "\n\n".join(parts) + "\n"


def as_json(results: Results) -> str:
    """Everything, every round."""
    content = asdict(results)
    for made, measured in zip(content["cpu"], results.cpu, strict=True):
        made["per_thousand_ms"] = {
            "nginx": measured.per_thousand_ms(measured.nginx),
            "monorelay": measured.per_thousand_ms(measured.monorelay),
        }
        made["ratios"] = measured.ratios()
        made["ratio"] = statistics.median(measured.ratios())
    return json.dumps(content, indent=2) + "\n"


def _cpu_table(all_measured: Iterable[Measured]) -> str:
    heads = ["Scenario", "CPU of 1,000", "nginx", "MonoRelay", "Ratio", "Ratio by round", "p50/p99 nginx"]
    rows = [_cpu_row(measured) for measured in all_measured]
    return _table([*heads, "p50/p99 MonoRelay", "MonoRelay's core"], rows)


def _cpu_row(measured: Measured) -> list[str]:
    scenario, ratios = measured.scenario, measured.ratios()
    return [
        f"{scenario.name}, {scenario.connections} at once",
        f"{scenario.unit}s",
        f"{measured.per_thousand_ms(measured.nginx):.2f} ms",
        f"{measured.per_thousand_ms(measured.monorelay):.2f} ms",
        f"**{statistics.median(ratios):.2f}**",
        " ".join(f"{ratio:.2f}" for ratio in ratios),
        _latency(measured.nginx),
        _latency(measured.monorelay),
        f"{statistics.median(one.cpu_seconds / one.seconds for one in measured.monorelay):.0%} busy",
    ]


def _latency(samples: Sequence[Sample]) -> str:
    p50 = statistics.median(one.p50_us for one in samples)
    p99 = statistics.median(one.p99_us for one in samples)
    return f"{p50 / 1000:.1f}/{p99 / 1000:.1f} ms"


def _memory_table(results: Results) -> str:
    streams = next(iter(results.memory.values())).streams
    heads = ["Server", "RSS idle", f"RSS, {streams:,} streams", "For each stream", "Start"]
    rows = [
        [
            name,
            f"{held.idle_kib / 1024:.1f} MiB",
            f"{held.open_kib / 1024:.1f} MiB",
            f"{(held.open_kib - held.idle_kib) / held.streams:.1f} KiB",
            f"{results.start_seconds[name] * 1000:.0f} ms",
        ]
        for name, held in results.memory.items()
    ]
    return _table(heads, rows)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
