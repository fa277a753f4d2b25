"""Search: a document of words for each announcement, an index of them, how common each word is, how far it goes."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "search_document",
        sa.Column("seq", WIDE, primary_key=True, autoincrement=False),
        sa.Column("partnership", sa.Text, nullable=False),
        sa.Column("n", WIDE, nullable=False),
        sa.Column("first_on", sa.Integer, nullable=False),
        sa.Column("last_on", sa.Integer, nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("kinds", sa.Text, nullable=False),
        sa.Column("title_words", sa.Text, nullable=False),
        sa.Column("said_words", sa.Text, nullable=False),
        sa.Column("shown", sa.Text, nullable=False),
        sa.UniqueConstraint("partnership", "n", name="search_document_once"),
        sqlite_strict=True,
    )
    op.create_table(
        "search_word",
        sa.Column("word", sa.Text, primary_key=True),
        sa.Column("documents", WIDE, nullable=False),
        sqlite_with_rowid=False,
        sqlite_strict=True,
    )
    op.create_table("search_progress", sa.Column("seq", WIDE, nullable=False), sqlite_strict=True)
    op.execute("INSERT INTO search_progress (seq) VALUES (0)")
    # What is indexed are words that were told apart and folded before, one space between them: neither database may
    # do so again in its own way. Positions are not kept; phrases are looked for in the words themselves.
    if op.get_bind().dialect.name == "sqlite":
        op.execute("CREATE VIRTUAL TABLE search_index USING fts5(words, tokenize = 'ascii', detail = 'none')")
        return
    op.execute(
        "CREATE TABLE search_index (rowid bigint PRIMARY KEY, words text NOT NULL, lexemes tsvector NOT NULL"
        " GENERATED ALWAYS AS (array_to_tsvector(array_remove(string_to_array(words, ' '), ''))) STORED)"
    )
    op.execute("CREATE INDEX search_index_by_word ON search_index USING gin (lexemes)")


def downgrade() -> None:
    for name in ("search_index", "search_progress", "search_word", "search_document"):
        op.drop_table(name)
