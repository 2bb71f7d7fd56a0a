"""The audit log grows at its end alone: no line is put in between, in front, or in the place of another."""

from __future__ import annotations

from alembic import op

revision = "0004"
down_revision = "0003"

# Before an insertion into SQLite that names no id, NEW.id is -1; a REPLACE deletes without asking the triggers of 0003.
_AT_THE_END = {
    "sqlite": [
        f"CREATE TRIGGER {name} {when} INSERT ON audit WHEN {condition} "
        "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
        for name, when, condition in (
            ("audit_no_insert", "BEFORE", "NEW.id <> -1"),
            ("audit_no_front", "AFTER", "NEW.id < 1"),
        )
    ],
    "postgresql": [
        (
            "CREATE FUNCTION audit_grows_at_its_end() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN IF NEW.id <= (SELECT coalesce(max(id), 0) FROM audit) THEN "
            "RAISE EXCEPTION 'the audit log is append-only'; END IF; RETURN NEW; END $$"
        ),
        (
            "CREATE TRIGGER audit_at_its_end BEFORE INSERT ON audit "
            "FOR EACH ROW EXECUTE FUNCTION audit_grows_at_its_end()"
        ),
    ],
}


def upgrade() -> None:
    """Beside the triggers of 0003, which refuse changes and deletions."""
    for statement in _AT_THE_END[op.get_bind().dialect.name]:
        op.execute(statement)
