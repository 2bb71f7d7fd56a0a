"""The tables as queries see them. The schema is made by `migrations/` alone; a test compares the two."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Moment(sa.TypeDecorator[datetime]):
    """A UTC time, kept as microseconds since 1970: it sorts and compares alike in every database."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        """On its way to the database."""
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        """On its way back."""
        return None if value is None else _EPOCH + value * _MICROSECOND


metadata = sa.MetaData()

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("username", sa.String(50), nullable=False),
    sa.Column("username_folded", sa.String(50), nullable=False),
    sa.Column("email", sa.String(255), nullable=False),
    sa.Column("email_folded", sa.String(255), nullable=False),
    sa.Column("password_hash", sa.String(100), nullable=False),
    sa.Column("role", sa.SmallInteger, nullable=False),
    sa.Column("is_active", sa.Boolean, nullable=False),
    sa.Column("limits", sa.Text, nullable=False),
    sa.Column("created_at_us", Moment, nullable=False),
)
throttles = sa.Table(
    "throttles",
    metadata,
    sa.Column("scope", sa.String(8), primary_key=True),
    sa.Column("subject", sa.String(255), primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("since_us", Moment, nullable=False),
    sa.Column("until_us", Moment, nullable=False),
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.String(43), primary_key=True),
    sa.Column("user_id", sa.Integer, nullable=False),
    sa.Column("created_at_us", Moment, nullable=False),
    sa.Column("expires_at_us", Moment, nullable=False),
    sa.Column("ended_at_us", Moment),
    sa.Column("client_ip", sa.String(45), nullable=False),
    sa.Column("user_agent", sa.String(200), nullable=False),
)
refresh_tokens = sa.Table(
    "refresh_tokens",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("session_id", sa.String(43), nullable=False),
    sa.Column("expires_at_us", Moment, nullable=False),
    sa.Column("used_at_us", Moment),
)
api_keys = sa.Table(
    "api_keys",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.Integer, nullable=False),
    sa.Column("name", sa.String(100), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("prefix", sa.String(20), nullable=False),
    sa.Column("limits", sa.Text, nullable=False),
    sa.Column("created_at_us", Moment, nullable=False),
    sa.Column("expires_at_us", Moment),
    sa.Column("last_used_at_us", Moment),
    sa.Column("is_active", sa.Boolean, nullable=False),
)
invites = sa.Table(
    "invites",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True),
    sa.Column("role", sa.SmallInteger, nullable=False),
    sa.Column("created_at_us", Moment, nullable=False),
    sa.Column("created_by", sa.Integer),
    sa.Column("expires_at_us", Moment, nullable=False),
    sa.Column("used_at_us", Moment),
)
audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("at_us", Moment, nullable=False),
    sa.Column("actor", sa.String(128), nullable=False),
    sa.Column("action", sa.String(32), nullable=False),
    sa.Column("subject", sa.String(300), nullable=False),
    sa.Column("client_ip", sa.String(45), nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
)
key_memory = sa.Table(
    "key_memory",
    metadata,
    sa.Column("provider", sa.String(64), primary_key=True),
    sa.Column("label", sa.String(300), primary_key=True),
    sa.Column("fingerprint", sa.String(16), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("at_us", Moment, nullable=False),
)
model_lists = sa.Table(
    "model_lists",
    metadata,
    sa.Column("provider", sa.String(64), primary_key=True),
    sa.Column("fingerprint", sa.String(16), nullable=False),
    sa.Column("document", sa.Text, nullable=False),
    sa.Column("at_us", Moment, nullable=False),
)
store_version = sa.Table(
    "store_version",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)
changes = sa.Table(
    "changes",
    metadata,
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("kind", sa.String(8), primary_key=True),
    sa.Column("ref", sa.String(64), primary_key=True),
    sa.Column("at_us", Moment, nullable=False),
)
