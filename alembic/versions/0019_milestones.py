"""An index of some rectangles, which tells how far a term had come at a moment, however much was said since."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

MILESTONE = sa.text("valid_to = 3652059 AND known_from % 11 = 0")


def upgrade() -> None:
    op.create_index(
        "rectangle_milestone",
        "rectangle",
        ["generation", "partnership", "lane", "term", "known_from"],
        sqlite_where=MILESTONE,
        postgresql_where=MILESTONE,
    )


def downgrade() -> None:
    op.drop_index("rectangle_milestone", "rectangle")
