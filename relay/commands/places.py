"""Where configuration and data are: --config and --data, then MONORELAY_CONFIG and MONORELAY_DATA, then here.

An empty variable is none: that is what a compose file makes of one that is not set.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from relay.config import exposure
from relay.config.load import load
from relay.config.schema import Config
from relay.core import catalog
from relay.upstream import providers

CHECKS = (exposure.reachable_without_a_real_key, providers.check, catalog.check)
"""What the schema alone can't see: each layer adds what it knows."""


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option that names the configuration file."""
    default = os.environ.get("MONORELAY_CONFIG") or "config.yml"
    parser.add_argument(
        "--config", type=Path, default=Path(default), metavar="FILE", help="configuration file (default: %(default)s)"
    )


def add_data(parser: argparse.ArgumentParser) -> None:
    """The option that names the data folder."""
    default = os.environ.get("MONORELAY_DATA")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(default) if default else None,
        metavar="FOLDER",
        help="data folder (default: data/ beside the configuration file)",
    )


def data_folder(arguments: argparse.Namespace) -> Path:
    """The data folder of this call."""
    given: Path | None = arguments.data
    config: Path = arguments.config
    return given if given is not None else config.resolve().parent / "data"


def load_checked(path: Path) -> Config:
    """Load a configuration with all checks. Raises ConfigError with every problem."""
    return load(path, environ=os.environ, checks=CHECKS)


def warnings(config: Config) -> tuple[str, ...]:
    """What an operator should hear at each start and check; nothing here stops anything."""
    return (*exposure.warnings(config), *catalog.warnings(config))
