"""Who is told of new entries, how far each has been told, and how it went."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0012"
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "webhook",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("address", sa.Text, nullable=False),
        sa.Column("feed", sa.Text, nullable=False),
        sa.Column("secret", sa.Text, nullable=False),
        sa.Column("created_at", WIDE, nullable=False),
        sa.Column("position", WIDE, nullable=False),
        sa.Column("delivered_at", WIDE),
        sa.Column("attempts", WIDE, nullable=False),
        sa.Column("due_at", WIDE, nullable=False),
        sa.Column("trouble", sa.Text),
        sa.Column("parked_at", WIDE),
        sqlite_strict=True,
    )


def downgrade() -> None:
    op.drop_table("webhook")
