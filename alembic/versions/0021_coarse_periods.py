"""Entries say a month or a year as one: put-outs in other words are dropped, and the next publish makes them anew."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _forget()


def downgrade() -> None:
    _forget()


def _forget() -> None:
    """What `timeline rebuild` drops of the feeds, ids, positions and times of which follow from the log."""
    for table in ("feed_item", "feed", "put_out", "feed_progress", "calendar_event"):
        op.execute(sa.text(f"DELETE FROM {table}"))
    op.execute(sa.text("DELETE FROM memo WHERE name IN ('told_seq', 'told_day')"))
