"""The measurements: CPU time under load, memory with open streams, time to start."""

from __future__ import annotations

import json
import math
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from cpu import Cores, cpu_seconds, pin, rss_kib
from processes import BenchmarkError, Program, Server
from scenarios import WARM_UP, Scenario, Unit

LEAST_SERVER_SECONDS = 2.0  # CPU time of MonoRelay in a round; less isn't worth dividing.
MOST_BUSY = 0.8  # Of its core, under paced load. Beyond that it might lag, and then chunks are merged.
SETTLE = 0.25  # After each load, for what a server does when calls are over. It counts.
WARM_UP_SHARE = 10
LONGEST_LOAD = 600.0


@dataclass(frozen=True, slots=True)
class Sample:
    """One load on one server."""

    cpu_seconds: float
    seconds: float
    p50_us: int
    p99_us: int


@dataclass(frozen=True, slots=True)
class Measured:
    """A scenario, as it was in the end, and its rounds; `nginx[i]` and `monorelay[i]` are neighbours in time."""

    scenario: Scenario
    nginx: list[Sample]
    monorelay: list[Sample]

    def per_thousand_ms(self, samples: Sequence[Sample]) -> float:
        """CPU milliseconds for 1,000 calls or chunks: the median of the rounds."""
        return statistics.median(one.cpu_seconds for one in samples) * 1e6 / self.scenario.units

    def ratios(self) -> list[float]:
        """How many times nginx's CPU time MonoRelay took, by round."""
        return [ours.cpu_seconds / theirs.cpu_seconds for theirs, ours in zip(self.nginx, self.monorelay, strict=True)]


@dataclass(frozen=True, slots=True)
class Held:
    """A server's memory: before any stream, and with this many open."""

    streams: int
    idle_kib: int
    open_kib: int


@dataclass(frozen=True, slots=True)
class Bench:
    """The programs of a run."""

    load: Path
    upstream: Path
    upstream_port: int
    key: str
    nginx: Program
    monorelay: Program
    cores: Cores
    folder: Path
    say: Callable[[str], None]

    def upstream_for(self, scenario: Scenario) -> Server:
        """The upstream, speaking as a scenario says."""
        options = {
            "--port": self.upstream_port,
            "--events": scenario.events,
            "--interval-us": scenario.interval_us,
            "--burst": scenario.burst,
            "--event-bytes": scenario.event_bytes,
        }
        command = [str(self.upstream), *(str(word) for pair in options.items() for word in pair)]
        log = self.folder / "upstream.log"
        return Server(Program("upstream", command, self.upstream_port, self.cores.load, log))

    def load_command(self, server: Server, scenario: Scenario, *more: str) -> list[str]:
        """The load generator's command line."""
        options = {
            "--port": server.port,
            "--key": self.key,
            "--mode": scenario.mode,
            "--connections": scenario.connections,
            "--total": scenario.calls,
        }
        return [str(self.load), *(str(word) for pair in options.items() for word in pair), *more]


def under_load(bench: Bench, server: Server, scenario: Scenario) -> Sample:
    """Put a load on a server and see what CPU time it takes. Raises BenchmarkError unless all went well."""
    before = cpu_seconds(server.pid)
    done = subprocess.run(  # noqa: S603
        bench.load_command(server, scenario),
        stdout=subprocess.PIPE,
        check=False,
        timeout=LONGEST_LOAD,
        preexec_fn=lambda: pin(bench.cores.load),
    )
    time.sleep(SETTLE)
    used = cpu_seconds(server.pid) - before
    if done.returncode != 0:
        raise BenchmarkError(f"{scenario.name} on {server.name} went wrong: {done.stdout.decode().strip()}")
    answer = json.loads(done.stdout)
    if answer["calls"] != scenario.calls or answer["events"] != scenario.expected_events:
        raise BenchmarkError(f"{scenario.name} on {server.name}: not all calls or events came: {answer}")
    return Sample(used, answer["seconds"], answer["p50_us"], answer["p99_us"])


def measure_cpu(bench: Bench, scenario: Scenario, rounds: int, *, adapt: bool) -> Measured:
    """Run the rounds of a scenario, nginx and MonoRelay in turn."""
    with ExitStack() as stack:
        stack.enter_context(bench.upstream_for(scenario))
        nginx = stack.enter_context(Server(bench.nginx))
        monorelay = stack.enter_context(Server(bench.monorelay))
        warm_up = replace(scenario, calls=max(scenario.connections, scenario.calls // WARM_UP_SHARE))
        under_load(bench, nginx, warm_up)
        under_load(bench, monorelay, warm_up)
        if adapt:
            scenario = adapted(scenario, warm_up, under_load(bench, monorelay, warm_up))
        measured = Measured(scenario, [], [])
        for number in range(1, rounds + 1):
            measured.nginx.append(under_load(bench, nginx, scenario))
            measured.monorelay.append(under_load(bench, monorelay, scenario))
            bench.say(f"{scenario.name} {number}/{rounds}: {measured.ratios()[-1]:.2f} times nginx")
    return measured


def adapted(scenario: Scenario, tried: Scenario, sample: Sample) -> Scenario:
    """Fit a scenario to the machine, from a trial on MonoRelay: enough calls for CPU time that can be divided, and
    paced streams no more than it can keep up with."""
    connections = scenario.connections
    busy = sample.cpu_seconds / sample.seconds
    if scenario.interval_us and busy > MOST_BUSY:
        connections = max(1, int(connections * MOST_BUSY / busy))
    enough = math.ceil(LEAST_SERVER_SECONDS * tried.calls / sample.cpu_seconds)
    calls = max(scenario.calls, enough)
    if scenario.unit is Unit.CHUNK:
        calls = math.ceil(calls / connections) * connections  # Whole waves.
    return replace(scenario, connections=connections, calls=calls)


def measure_memory(bench: Bench, made_from: Program, scenario: Scenario) -> Held:
    """The memory of a fresh server: after a warm-up, and with all streams of the scenario open."""
    with bench.upstream_for(scenario), Server(made_from) as server:
        under_load(bench, server, WARM_UP)
        idle = rss_kib(server.pid)
        with subprocess.Popen(  # noqa: S603
            bench.load_command(server, scenario, "--hold"),
            stdout=subprocess.PIPE,
            preexec_fn=lambda: pin(bench.cores.load),
        ) as load:
            try:
                assert_open(load, server, scenario)
                time.sleep(SETTLE)
                opened = rss_kib(server.pid)
                rest, _ = load.communicate(timeout=LONGEST_LOAD)
            finally:
                if load.poll() is None:
                    load.kill()
        if load.returncode != 0 or json.loads(rest)["events"] != scenario.expected_events:
            raise BenchmarkError(f"open streams on {server.name} went wrong: {rest.decode().strip()}")
    return Held(scenario.connections, idle, opened)


def assert_open(load: subprocess.Popen[bytes], server: Server, scenario: Scenario) -> None:
    """Wait until all streams have had their first event. Raises BenchmarkError where they never do at once."""
    line = load.stdout.readline() if load.stdout else b""
    if not line or json.loads(line).get("open") != scenario.connections:
        raise BenchmarkError(f"{server.name} never had {scenario.connections} streams open: {line.decode().strip()}")


def measure_start(made_from: Program, times: int) -> float:
    """Seconds from exec to the first 200 of /health/ready: the median. A first start, which also makes the store,
    doesn't count."""
    seconds = []
    for _ in range(times + 1):
        with Server(made_from) as server:
            seconds.append(server.start_seconds)
    return statistics.median(seconds[1:])
