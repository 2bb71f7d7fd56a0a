"""One row for each call: who, what, where, and how it ended. No bodies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Times are UTC in microseconds since 1970, so that they sort and compare in every database alike."""
    op.create_table(
        "calls",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("call_id", sa.String(40), nullable=False, unique=True),
        sa.Column("request_id", sa.String(128), nullable=False),
        sa.Column("received_at_us", sa.BigInteger, nullable=False),
        sa.Column("api_key", sa.String(128), nullable=False),
        sa.Column("client_ip", sa.String(45), nullable=False),
        sa.Column("user_agent", sa.String(200), nullable=False),
        sa.Column("endpoint", sa.String(64), nullable=False),
        sa.Column("dialect", sa.String(16), nullable=False),
        sa.Column("model", sa.String(200)),
        sa.Column("provider", sa.String(128)),
        sa.Column("upstream_model", sa.String(200)),
        sa.Column("key_label", sa.String(128)),
        sa.Column("attempts", sa.Text, nullable=False),
        sa.Column("status_code", sa.SmallInteger, nullable=False),
        sa.Column("outcome", sa.String(16), nullable=False),
        sa.Column("is_stream", sa.Boolean, nullable=False),
        sa.Column("first_token_ms", sa.Integer),
        sa.Column("latency_ms", sa.Integer, nullable=False),
        sa.Column("input_tokens", sa.BigInteger),
        sa.Column("cache_read_tokens", sa.BigInteger),
        sa.Column("cache_write_5m_tokens", sa.BigInteger),
        sa.Column("cache_write_1h_tokens", sa.BigInteger),
        sa.Column("output_tokens", sa.BigInteger),
        sa.Column("reasoning_tokens", sa.BigInteger),
        sa.Column("error_type", sa.String(64)),
    )
    op.create_index("calls_by_time", "calls", ["received_at_us"])
