"""Questions across partnerships: the names of rectangles by code points, and the acts that change what was said.

On PostgreSQL a kind's terms lie together only where "/" counts: in most languages' order it does not.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

OTHERS = sa.text("kind <> 'announcement'")


def upgrade() -> None:
    # Its place in the partnership is in it, so that a question finds them in the order recorded.
    op.create_index("event_others", "event", ["partnership", "version"], postgresql_where=OTHERS, sqlite_where=OTHERS)
    _order('COLLATE "C"')


def downgrade() -> None:
    _order('COLLATE "default"')
    op.drop_index("event_others", "event")


def _order(collation: str) -> None:
    """One statement, so that the index is made anew once."""
    if op.get_bind().dialect.name == "postgresql":
        columns = ("partnership", "lane", "term")
        op.execute("ALTER TABLE rectangle " + ", ".join(f"ALTER {name} TYPE text {collation}" for name in columns))
