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
CLASSES = sa.Table(
    "classes",
    METADATA,
    sa.Column("code", sa.String(8), primary_key=True),
    sa.Column("opened", sa.Float, nullable=False),
    sa.Column("ends", sa.Float, nullable=False, index=True),
    sa.Column("students", sa.Integer, nullable=False),
    sa.Column("screen", sa.Text, nullable=False),  # path and query of the page that all students see; empty if free
    sa.Column("question", sa.Integer, nullable=False),  # number of the question that stands; 0 for none
    sa.Column("version", sa.Integer, nullable=False),  # another one after every change that somebody may see
)
CLASS_KEYS = sa.Table(
    "class_keys",  # the rights of browsers
    METADATA,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("class", sa.String(8), sa.ForeignKey("classes.code", ondelete="CASCADE"), nullable=False, index=True),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("word", sa.Text),  # colour and animal that stand for the name of a student
    sa.Column("seen", sa.Float, nullable=False),
)
CLASS_QUESTIONS = sa.Table(
    "class_questions",
    METADATA,
    sa.Column("class", sa.String(8), sa.ForeignKey("classes.code", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("first", sa.Integer, nullable=False),  # number of the question that this one asks again; its own if new
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("options", sa.JSON, nullable=False),
    sa.Column("answer", sa.JSON),  # the right one
    sa.Column("picture", sa.LargeBinary, nullable=False),
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("revealed", sa.Boolean, nullable=False),
)
CLASS_ANSWERS = sa.Table(
    "class_answers",
    METADATA,
    sa.Column("class", sa.String(8), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("student", sa.String(64), primary_key=True),
    sa.Column("value", sa.JSON, nullable=False),
    sa.Column("shown", sa.Boolean, nullable=False),  # whether the teacher has let a text through
    sa.ForeignKeyConstraint(
        ["class", "number"], ["class_questions.class", "class_questions.number"], ondelete="CASCADE"
    ),
)

HEAD = "0006"  # the newest migration
VERSION = sa.Table(
    "explorer_version",  # Alembic's table, under a name that no other program uses
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), primary_key=True),
)
