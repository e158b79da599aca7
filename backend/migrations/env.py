"""Alembic's entry: run the migrations on the connection, and in the transaction, that `upgrade` gives."""

from alembic import context

from backend.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
