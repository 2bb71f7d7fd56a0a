"""The lists of models that providers have told, so that a restart knows them at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """By provider; of its address a part of the digest is kept, so that a list of another one is told from it."""
    op.create_table(
        "model_lists",
        sa.Column("provider", sa.String(64), primary_key=True),
        sa.Column("fingerprint", sa.String(16), nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("at_us", sa.BigInteger, nullable=False),
    )
