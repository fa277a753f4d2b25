"""Tokens that let programs and people in, and the sessions of people who signed in with one; hashes only."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "token",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("sha256", sa.Text, nullable=False),
        sa.Column("created_at", WIDE, nullable=False),
        sa.Column("last_used_at", WIDE),
        sa.Column("revoked_at", WIDE),
        sa.UniqueConstraint("sha256", name="token_once"),
        sqlite_strict=True,
    )
    op.create_table(
        "session",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("token", sa.Text, nullable=False),
        sa.Column("expires_at", WIDE, nullable=False),
        sqlite_strict=True,
    )


def downgrade() -> None:
    op.drop_table("session")
    op.drop_table("token")
