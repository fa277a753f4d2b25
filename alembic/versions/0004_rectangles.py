"""Rectangles: what was held of each term, on which days, from which position of the log to which."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "rectangle",
        sa.Column("generation", WIDE, primary_key=True, autoincrement=False),
        sa.Column("partnership", sa.Text, primary_key=True),
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("term", sa.Text, primary_key=True),
        sa.Column("valid_from", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("known_from", WIDE, primary_key=True, autoincrement=False),
        sa.Column("valid_to", sa.Integer, nullable=False),
        sa.Column("known_to", WIDE, nullable=False),
        sa.Column("n", WIDE, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("value", sa.Text),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_table(
        "projection",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("generation", WIDE),
        sa.Column("building", WIDE),
        sa.Column("last", WIDE, nullable=False),
        sqlite_strict=True,
    )
    # A record that has events already has no rectangles until they are built: generation NULL says so.
    op.execute(
        "INSERT INTO projection (name, generation, last)"
        " SELECT 'rectangles', CASE WHEN EXISTS (SELECT 1 FROM event) THEN NULL ELSE 1 END, 1"
    )


def downgrade() -> None:
    op.drop_table("projection")
    op.drop_table("rectangle")
