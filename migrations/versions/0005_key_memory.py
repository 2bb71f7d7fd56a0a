"""What is remembered of providers' keys: calls and tokens against their limits, and whether they rest."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """By provider and label; of a secret a part of its digest is kept, so that another one is told from it."""
    op.create_table(
        "key_memory",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("label", sa.String(300), primary_key=True),
        sa.Column("fingerprint", sa.String(16), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
