"""`monorelay version`."""

from __future__ import annotations

import argparse
from importlib.metadata import version


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("version", help="print the version")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the version."""
    print(version("monorelay"))
    return 0
