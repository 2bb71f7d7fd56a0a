"""The moment at which every fault of the table happens."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
