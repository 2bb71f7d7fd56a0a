"""The table of calls: one row for each record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson
from sqlalchemy.ext.asyncio import AsyncEngine

from relay.errors import StoreError
from relay.model import AttemptRecord, CallRecord, Usage
from relay.store.database import ERRORS, reason

COLUMNS = (
    "call_id", "request_id", "received_at_us", "api_key", "client_ip", "user_agent", "endpoint", "dialect", "model",
    "provider", "upstream_model", "key_label", "attempts", "status_code", "outcome", "is_stream", "first_token_ms",
    "latency_ms", "input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens",
    "output_tokens", "reasoning_tokens", "error_type",
)  # fmt: skip
_PLACES: Mapping[str, Sequence[str]] = {
    "sqlite": ["?"] * len(COLUMNS),
    "postgresql": [f"${number}" for number in range(1, len(COLUMNS) + 1)],
}
"""How the drivers want their parameters: this is the one statement that is too frequent for SQLAlchemy to build."""
_NOTHING_TOLD = Usage()
_MICROSECOND = 1_000_000


class CallStore:
    """Implements core.ledger.Store."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        places = ", ".join(_PLACES[engine.dialect.name])
        names = ", ".join(COLUMNS)
        self._insert = f"INSERT INTO calls ({names}) VALUES ({places}) ON CONFLICT (call_id) DO NOTHING"  # noqa: S608

    async def add(self, records: Sequence[CallRecord], /) -> None:
        """Add rows, each once: one that is there already stays as it is. Raises StoreError."""
        if not records:
            return
        rows = [_row(record) for record in records]
        try:
            async with self._engine.begin() as connection:
                await connection.exec_driver_sql(self._insert, rows)
        except (*ERRORS, ValueError, OverflowError) as error:
            raise StoreError(f"the table of calls takes no rows: {reason(error)}") from error


def _row(record: CallRecord) -> tuple[str | int | bool | None, ...]:
    """The values in the order of COLUMNS."""
    usage = record.usage or _NOTHING_TOLD
    target = record.target
    return (
        record.call_id,
        record.request_id,
        microseconds(record.received_at),
        _text(record.api_key, 128),
        _text(record.client_ip, 45),
        _text(record.user_agent, 200),
        record.endpoint,
        record.dialect.value,
        None if record.model is None else _text(record.model, 200),
        None if target is None else target.provider,
        None if target is None else _text(target.model, 200),
        None if record.key_label is None else _text(record.key_label, 128),
        orjson.dumps([_attempt(attempt) for attempt in record.attempts]).decode(),
        record.status_code,
        record.outcome.value,
        record.is_stream,
        record.first_token_ms,
        record.latency_ms,
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.cache_write_5m_tokens,
        usage.cache_write_1h_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        None if record.error_type is None else _text(record.error_type, 64),
    )


def _text(value: str, most: int) -> str:
    """What fits: PostgreSQL takes no zero byte and nothing too long, and one such row would hold up all others."""
    return value[:most].replace("\0", "?")


def microseconds(moment: datetime) -> int:
    """Since 1970."""
    return round(moment.timestamp() * _MICROSECOND)


def _attempt(attempt: AttemptRecord) -> dict[str, str | int | None]:
    return {
        "provider": attempt.target.provider,
        "model": attempt.target.model,
        "key": attempt.key_label,
        "status": attempt.status,
        "error": attempt.error,
        "ms": attempt.duration_ms,
    }
