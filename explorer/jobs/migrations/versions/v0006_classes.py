"""Classes, their students, questions and answers."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0006", "0005"


def upgrade() -> None:
    """Adds their tables."""
    code = sa.String(8)
    op.create_table(
        "classes",
        sa.Column("code", code, primary_key=True),
        sa.Column("opened", sa.Float, nullable=False),
        sa.Column("ends", sa.Float, nullable=False, index=True),
        sa.Column("students", sa.Integer, nullable=False),
        sa.Column("screen", sa.Text, nullable=False),
        sa.Column("question", sa.Integer, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
    )
    op.create_table(
        "class_keys",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("class", code, sa.ForeignKey("classes.code", ondelete="CASCADE"), nullable=False, index=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("word", sa.Text),
        sa.Column("seen", sa.Float, nullable=False),
    )
    op.create_table(
        "class_questions",
        sa.Column("class", code, sa.ForeignKey("classes.code", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("first", sa.Integer, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("options", sa.JSON, nullable=False),
        sa.Column("answer", sa.JSON),
        sa.Column("picture", sa.LargeBinary, nullable=False),
        sa.Column("closed", sa.Boolean, nullable=False),
        sa.Column("revealed", sa.Boolean, nullable=False),
    )
    op.create_table(
        "class_answers",
        sa.Column("class", code, primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True),
        sa.Column("student", sa.String(64), primary_key=True),
        sa.Column("value", sa.JSON, nullable=False),
        sa.Column("shown", sa.Boolean, nullable=False),
        sa.ForeignKeyConstraint(
            ["class", "number"], ["class_questions.class", "class_questions.number"], ondelete="CASCADE"
        ),
    )
