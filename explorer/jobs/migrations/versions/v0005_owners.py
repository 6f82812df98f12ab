"""The users to whom jobs belong."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"


def upgrade() -> None:
    """Adds their column, which stays empty in the rows so far: those jobs belong to nobody."""
    op.add_column("jobs", sa.Column("owner", sa.Text))
    op.create_index("ix_jobs_owner", "jobs", ["owner"])
