"""Measure what CPU time MonoRelay needs for a call and for a chunk of a stream, beside nginx as a plain proxy."""

from __future__ import annotations

import argparse
import resource
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from cpu import cores, pin
from measure import Bench, measure_cpu, measure_memory, measure_start
from processes import HERE, BenchmarkError, Program, compiled, filled, free_ports, program
from report import Results, as_json, machine, markdown
from scenarios import FULL, HELD, HELD_QUICK, QUICK

READY = "/health/ready"
MEMORY = "memory"


def main(words: Sequence[str] | None = None) -> int:
    """Measure and print. Status 1 where something can't be measured."""
    arguments = parsed(words)
    raise_file_limit()
    with tempfile.TemporaryDirectory(prefix="monorelay-bench-") as folder:
        try:
            results = measured(arguments, Path(folder))
        except BenchmarkError as error:
            say(str(error))
            return 1
    sys.stdout.write(markdown(results))
    if arguments.json:
        arguments.json.write_text(as_json(results))
    return 0


def parsed(words: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, allow_abbrev=False)
    names = [scenario.name for scenario in FULL]
    parser.add_argument("--rounds", type=rounds, metavar="N", help="rounds of each scenario (default: 5; quick: 2)")
    parser.add_argument(
        "--scenario",
        action="append",
        choices=[*names, MEMORY],
        help="only this one; may be repeated (default: all). memory: resident memory and time to start",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything there")
    parser.add_argument("--quick", action="store_true", help="so little load that only errors can be seen")
    parser.add_argument(
        "--monorelay",
        type=Path,
        default=Path(sys.executable).parent / "monorelay",
        metavar="PATH",
        help="the command to measure (default: the one beside this Python)",
    )
    arguments = parser.parse_args(words)
    arguments.scenario = arguments.scenario or [*names, MEMORY]
    arguments.rounds = arguments.rounds or (2 if arguments.quick else 5)
    return arguments


def rounds(word: str) -> int:
    """A number of rounds, for the command line."""
    count = int(word)
    if count < 1:
        raise ValueError(word)
    return count


def measured(arguments: argparse.Namespace, folder: Path) -> Results:
    """Everything that was asked for."""
    bench = prepared(arguments.monorelay, folder)
    results = Results(
        machine(version([bench.nginx.command[0], "-v"]), version([str(arguments.monorelay), "version"])),
        bench.cores.pinned,
    )
    pin(bench.cores.load)
    for scenario in QUICK if arguments.quick else FULL:
        if scenario.name in arguments.scenario:
            results.cpu.append(measure_cpu(bench, scenario, arguments.rounds, adapt=not arguments.quick))
    if MEMORY in arguments.scenario:
        for one in (bench.nginx, bench.monorelay):
            say(f"memory and start of {one.name}")
            results.start_seconds[one.name] = measure_start(one, 1 if arguments.quick else 5)
            results.memory[one.name] = measure_memory(bench, one, HELD_QUICK if arguments.quick else HELD)
    return results


def prepared(monorelay: Path, folder: Path) -> Bench:
    """Compile and configure. Raises BenchmarkError where a program is missing."""
    if not monorelay.is_file():
        raise BenchmarkError(f"{monorelay} is missing: install MonoRelay there, or name another with --monorelay")
    nginx = program("nginx", "nginx")
    nginx_folder = folder / "nginx"
    nginx_folder.mkdir(mode=0o755)
    folder.chmod(0o711)  # nginx's worker is another user where its master is root.
    upstream_port, nginx_port, port = free_ports(3)
    key = secrets.token_urlsafe(24)
    conf = filled(
        "nginx.conf.in", nginx_folder / "nginx.conf", FOLDER=nginx_folder, PORT=nginx_port, UPSTREAM_PORT=upstream_port
    )
    config = filled("config.yml.in", folder / "config.yml", PORT=port, KEY=key, UPSTREAM_PORT=upstream_port)
    nginx_command = [nginx, "-e", str(nginx_folder / "error.log"), "-p", str(nginx_folder), "-c", str(conf)]
    our_command = [str(monorelay), "serve", "--config", str(config), "--data", str(folder / "data")]
    usable = cores()
    return Bench(
        load=compiled("load", folder),
        upstream=compiled("upstream", folder),
        upstream_port=upstream_port,
        key=key,
        nginx=Program("nginx", nginx_command, nginx_port, usable.server, nginx_folder / "output.log", READY),
        monorelay=Program("MonoRelay", our_command, port, usable.server, folder / "monorelay.log", READY),
        cores=usable,
        folder=folder,
        say=say,
    )


def version(command: Sequence[str]) -> str:
    """What a program says it is, on either output."""
    done = subprocess.run(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False, text=True, cwd=HERE
    )
    return done.stdout.strip().rpartition("/")[2].splitlines()[0] if done.stdout.strip() else "unknown"


def raise_file_limit() -> None:
    """As many open files as this process may have; the servers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def say(text: str) -> None:
    """Tell how far it is, apart from the results."""
    sys.stderr.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
