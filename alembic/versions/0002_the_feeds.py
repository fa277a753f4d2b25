"""The feeds: what was put out and in which order, what must never change about them, and the hub's outbox."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")
ORDERED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "memo",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "put_out",
        sa.Column("partnership", sa.Text, primary_key=True),
        sa.Column("number", WIDE, primary_key=True, autoincrement=False),
        sa.Column("first", WIDE, nullable=False),
        sa.Column("sort_key", ORDERED, nullable=False),
        sa.Column("by_clock", sa.Integer, nullable=False),
        sa.Column("own_time", WIDE, nullable=False),
        sa.Column("feeds", sa.Text, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("position", WIDE),
        sa.Column("published", WIDE),
        sa.Column("updated", WIDE),
        sa.UniqueConstraint("sort_key", name="put_out_sort_key_once"),
        sa.UniqueConstraint("position", name="put_out_position_once"),
        sqlite_strict=True,
    )
    op.create_table(
        "feed",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("number", WIDE, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("subtitle", sa.Text, nullable=False),
        sa.Column("size", WIDE, nullable=False),
        sa.UniqueConstraint("number", name="feed_number_once"),
        sqlite_strict=True,
    )
    op.create_table(
        "feed_item",
        sa.Column("feed", sa.Text, primary_key=True),
        sa.Column("ordinal", WIDE, primary_key=True, autoincrement=False),
        sa.Column("position", WIDE, nullable=False),
        sqlite_strict=True,
    )
    op.create_index("feed_item_by_position", "feed_item", ["position"])
    op.create_table(
        "feed_progress",
        sa.Column("partnership", sa.Text, primary_key=True),
        sa.Column("seq", WIDE, nullable=False),
        sa.Column("put_outs", WIDE, nullable=False),
        sa.Column("next_on", sa.Text),
        sqlite_strict=True,
    )
    op.create_index("feed_progress_by_next_on", "feed_progress", ["next_on"])
    op.create_table(
        "ping",
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("ticket", WIDE, nullable=False),
        sa.Column("attempts", WIDE, nullable=False),
        sa.Column("due_at", WIDE, nullable=False),
        sqlite_strict=True,
    )


def downgrade() -> None:
    for table in ("ping", "feed_progress", "feed_item", "feed", "put_out", "memo"):
        op.drop_table(table)
