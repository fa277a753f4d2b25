"""The days ahead of every partnership, for its calendar."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_event",
        sa.Column("partnership", sa.Text, primary_key=True),
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("body", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    # What was published before has no calendar yet: the next publish looks at every partnership once more.
    op.execute("DELETE FROM memo WHERE name = 'told_seq'")


def downgrade() -> None:
    op.drop_table("calendar_event")
