"""The tables of the job store, as the newest migration leaves them (:mod:`explorer.jobs.migrations`)."""

import sqlalchemy as sa

METADATA = sa.MetaData()
JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("turn", sa.Integer, nullable=False, index=True),  # order of the queue; new with every resume
    sa.Column("status", sa.String(16), nullable=False, index=True),
    sa.Column("changed", sa.Float, nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("spec", sa.JSON, nullable=False),
    sa.Column("dataset", sa.Text, nullable=False),
    sa.Column("recipe", sa.JSON, nullable=False),
    sa.Column("resources", sa.JSON, nullable=False),
    sa.Column("sweep", sa.String(32), nullable=False, index=True),
    sa.Column("varied", sa.JSON, nullable=False),
    sa.Column("submitted", sa.Float, nullable=False, index=True),
    sa.Column("started", sa.Float),
    sa.Column("ended", sa.Float),
    sa.Column("slots", sa.JSON, nullable=False),
    sa.Column("pids", sa.JSON, nullable=False),
    sa.Column("progress", sa.Float, nullable=False),
    sa.Column("live", sa.JSON),
    sa.Column("notes", sa.JSON, nullable=False),
    sa.Column("error", sa.JSON),
    sa.Column("result", sa.JSON),
    # Added in later versions, and empty in older rows.
    sa.Column("base", sa.Text),
    sa.Column("submitted_spec", sa.JSON),
    sa.Column("machine", sa.Text),
    sa.Column("owner", sa.Text, index=True),
)
METRICS = sa.Table(
    "metrics",
    METADATA,
    sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Integer, primary_key=True),
    sa.Column("value", sa.Float),  # null for NaN, which SQLite does not have
)
POINTS = sa.Table(
    "points",  # metrics within epochs
    METADATA,
    sa.Column("job", sa.String(32), sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("epoch", sa.Float, primary_key=True),
    sa.Column("value", sa.Float),
)
RUNNERS = sa.Table(
    "runners",  # the runner of each machine
    METADATA,
    sa.Column("machine", sa.Text, primary_key=True),
    sa.Column("boot", sa.Text, nullable=False),  # differs between machines, and between two starts of a machine
    sa.Column("renewed", sa.Float, nullable=False),  # last sign of life, by the clock of the database
    sa.Column("gpus", sa.Integer, nullable=False),
    sa.Column("cpu_slots", sa.Integer, nullable=False),
)
COUNTERS = sa.Table(
    "counters",  # one row
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("turn", sa.Integer, nullable=False),  # last turn that was given
    sa.Column("version", sa.BigInteger, nullable=False),  # another one after every change of a job
)

HEAD = "0005"  # the newest migration
VERSION = sa.Table(
    "explorer_version",  # Alembic's table, under a name that no other program uses
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), primary_key=True),
)
