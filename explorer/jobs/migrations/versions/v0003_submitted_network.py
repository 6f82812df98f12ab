"""The preset of a network, and the network as submitted."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Adds their columns, which stay empty in the rows so far."""
    op.add_column("jobs", sa.Column("base", sa.Text))
    op.add_column("jobs", sa.Column("submitted_spec", sa.JSON))
