"""No index of contents: whoever appends to a partnership has read its record, and so knows what was said."""

from alembic import op

revision = "0017"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("event_by_content", "event")


def downgrade() -> None:
    op.create_index("event_by_content", "event", ["partnership", "content_hash"])
