"""Alembic's entry: runs the revisions on the connection that `relay.store.migrate` hands over.

Forward only, and each as a whole or not at all.
"""

from __future__ import annotations

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, transaction_per_migration=True, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
