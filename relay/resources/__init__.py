"""The files that travel with the package: the example configuration and the migrations.

In a checkout both are links to the top level, where they are edited; a wheel holds copies. Code finds them here in
either case.
"""

from __future__ import annotations

from pathlib import Path

_HERE = Path(__file__).resolve().parent

EXAMPLE_CONFIG = _HERE / "config.example.yml"
MIGRATIONS = _HERE / "migrations"
