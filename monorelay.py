"""The command line: `monorelay ...` and `python monorelay.py ...` alike. No logic of its own: see relay/commands."""

from __future__ import annotations

import sys

from relay.commands import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
