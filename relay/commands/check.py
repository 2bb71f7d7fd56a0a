"""`monorelay check [FILE]`: everything that is wrong with a configuration, at once, without starting anything."""

from __future__ import annotations

import argparse
from pathlib import Path

from relay.commands.places import add_config, load_checked, warnings


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command."""
    parser = commands.add_parser("check", help="check a configuration file", allow_abbrev=False)
    parser.add_argument("file", nargs="?", type=Path, metavar="FILE", help="instead of --config")
    add_config(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check, and say what was found. Raises ConfigError with every problem."""
    path: Path = arguments.file or arguments.config
    config = load_checked(path)
    for warning in warnings(config):
        print(f"{path}: warning: {warning}")
    enabled = [name for name, provider in config.providers.items() if provider.enabled]
    print(f"{path}: good; enabled providers: {', '.join(enabled) or 'none but the built-in demo'}")
    return 0
