"""What was answered about other reports of a draft's announcement, and the marks by which these are found."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "draft_answer",
        sa.Column("draft", WIDE, primary_key=True, autoincrement=False),
        sa.Column("about", sa.Text, primary_key=True),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("answered_at", WIDE, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "mark",
        sa.Column("mark", sa.Text, primary_key=True),
        sa.Column("partnership", sa.Text, primary_key=True),
        sa.Column("n", WIDE, primary_key=True, autoincrement=False),
        sqlite_strict=True,
    )


def downgrade() -> None:
    op.drop_table("mark")
    op.drop_table("draft_answer")
