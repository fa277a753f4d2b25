"""Drafts: what somebody is working on, every revision of it, what came in and the texts that are quoted from."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0015"
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "draft",
        sa.Column("id", WIDE, primary_key=True, autoincrement=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("revision", WIDE, nullable=False),
        sa.Column("title", sa.Text),
        sa.Column("created_at", WIDE, nullable=False),
        sa.Column("updated_at", WIDE, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("size", WIDE, nullable=False),
        sa.Column("address", sa.Text),
        sa.Column("retrieved_at", WIDE),
        sa.Column("received", sa.LargeBinary),
        sa.Column("receipt", sa.Text),
        sa.Column("reason", sa.Text),
        sqlite_strict=True,
    )
    op.create_table(
        "draft_revision",
        sa.Column("draft", WIDE, primary_key=True, autoincrement=False),
        sa.Column("revision", WIDE, primary_key=True, autoincrement=False),
        sa.Column("saved_at", WIDE, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sqlite_strict=True,
    )
    op.create_table(
        "draft_text",
        sa.Column("draft", WIDE, primary_key=True, autoincrement=False),
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )


def downgrade() -> None:
    for name in ("draft_text", "draft_revision", "draft"):
        op.drop_table(name)
