"""Alembic runs this file to run migrations on the connection of :func:`explorer.jobs.schema.prepare`."""

from alembic import context

from explorer.jobs.tables import METADATA, VERSION

context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, version_table=VERSION.name
)
context.run_migrations()
