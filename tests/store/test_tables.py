"""The tables as queries see them are those that the migrations make."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from relay.store.migrate import DATABASE_NAME, migrate
from relay.store.tables import Moment, metadata


def shape(column: sa.Column[object]) -> tuple[str, bool, bool]:
    kind = column.type.impl if isinstance(column.type, Moment) else column.type
    return str(kind), bool(column.nullable), column.primary_key


def test_every_table_has_the_columns_that_were_migrated(tmp_path: Path) -> None:
    migrate(tmp_path)
    migrated = sa.MetaData()
    engine = sa.create_engine(f"sqlite:///{tmp_path / DATABASE_NAME}")
    migrated.reflect(engine)
    engine.dispose()
    for name, table in metadata.tables.items():
        made = migrated.tables[name]
        assert {column.name: shape(column) for column in table.columns} == {
            column.name: shape(column) for column in made.columns
        }
