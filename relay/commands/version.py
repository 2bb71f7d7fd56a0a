"""`monorelay version`."""

from __future__ import annotations

import argparse

from relay.version import VERSION


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("version", help="print the version")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the version."""
    print(VERSION)
    return 0
