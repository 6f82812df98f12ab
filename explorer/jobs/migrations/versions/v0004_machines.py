"""Several machines on one store: which machine runs a job, signs of life of their runners, and counters."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    """Makes tables and columns, and continues the turns that were given so far."""
    op.add_column("jobs", sa.Column("machine", sa.Text))
    op.create_index("ix_jobs_submitted", "jobs", ["submitted"])
    op.create_table(
        "runners",
        sa.Column("machine", sa.Text, primary_key=True),
        sa.Column("boot", sa.Text, nullable=False),
        sa.Column("renewed", sa.Float, nullable=False),
        sa.Column("gpus", sa.Integer, nullable=False),
        sa.Column("cpu_slots", sa.Integer, nullable=False),
    )
    op.create_table(
        "counters",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("turn", sa.Integer, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO counters (id, turn, version) SELECT 1, COALESCE(MAX(turn), 0), 1 FROM jobs")
