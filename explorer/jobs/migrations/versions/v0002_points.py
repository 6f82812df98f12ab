"""Metrics within epochs."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"


def upgrade() -> None:
    """Makes their table."""
    op.create_table(
        "points",
        sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("epoch", sa.Float, primary_key=True),
        sa.Column("value", sa.Float),
    )
