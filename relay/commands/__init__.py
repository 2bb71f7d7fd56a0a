"""The command line: a file a command, each with `add` (its arguments) and `run` (what it does).

Errors are one clear sentence on stderr; the exit code is 2 for usage and configuration, 1 for everything else.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from relay.commands import audit, backup, check, explain, key, migrate, provider, secret, serve, user, version
from relay.errors import ConfigError, RelayError

COMMANDS = (serve, check, explain, provider, migrate, user, key, secret, audit, backup, version)
EXIT_FAILED = 1
EXIT_CONFIG = 2
EXIT_INTERRUPTED = 130
"""As a shell tells of a program that Ctrl-C has ended."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and give the exit code."""
    parser = argparse.ArgumentParser(
        prog="monorelay", description="A self-hosted relay for language-model APIs.", allow_abbrev=False
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add(commands)
    chosen = parser.parse_args(arguments)
    try:
        code: int = chosen.run(chosen)
    except ConfigError as error:
        print(error, file=sys.stderr)
        return EXIT_CONFIG
    except RelayError as error:
        print(f"monorelay: {error}", file=sys.stderr)
        return EXIT_FAILED
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return EXIT_INTERRUPTED
    return code
