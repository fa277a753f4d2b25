"""The tables of the record, as the migrations leave them; `alembic check` holds the two together.

Instants are integers: microseconds since 1970-01-01T00:00Z. They sort, compare and hash alike on both
databases, where a column of SQLite would drop the offset of a datetime without a word.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text, UniqueConstraint, text

metadata = MetaData()

# A STRICT table of SQLite knows no BIGINT; its INTEGER has 64 bits anyway.
WIDE = BigInteger().with_variant(Integer, "sqlite")

_OTHERS = text("kind <> 'announcement'")

# Sorted by code points on both databases, whatever the locale of the server.
_ORDERED = Text().with_variant(Text(collation="C"), "postgresql")

event = Table(
    "event",
    metadata,
    Column("seq", WIDE, primary_key=True, autoincrement=False),
    Column("partnership", Text, nullable=False),
    Column("version", WIDE, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text),
    Column("idempotency_key", Text),
    Column("content_hash", Text, nullable=False),
    Column("recorded_at", WIDE, nullable=False),
    Column("body", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    UniqueConstraint("partnership", "version", name="event_version_once"),
    UniqueConstraint("key", name="event_key_once"),
    UniqueConstraint("idempotency_key", name="event_idempotency_key_once"),
    UniqueConstraint("recorded_at", name="event_recorded_at_once"),
    # The few acts that say what has become of announcements, found without passing over these.
    Index("event_others", "partnership", "version", postgresql_where=_OTHERS, sqlite_where=_OTHERS),
    sqlite_strict=True,
)

stored_text = Table(
    "stored_text",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    sqlite_strict=True,
)

token = Table(
    "token",
    metadata,
    Column("name", Text, primary_key=True),
    Column("scope", Text, nullable=False),
    Column("sha256", Text, nullable=False),
    Column("created_at", WIDE, nullable=False),
    Column("last_used_at", WIDE),
    Column("revoked_at", WIDE),
    UniqueConstraint("sha256", name="token_once"),
    sqlite_strict=True,
)

session = Table(
    "session",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("token", Text, nullable=False),
    Column("expires_at", WIDE, nullable=False),
    sqlite_strict=True,
)

# The feeds. All but `memo`, `ping` and `webhook` is a projection of (log, today): it may be dropped and made anew.

memo = Table(
    "memo",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_strict=True,
)

put_out = Table(
    "put_out",
    metadata,
    Column("partnership", Text, primary_key=True),
    Column("number", WIDE, primary_key=True, autoincrement=False),
    Column("first", WIDE, nullable=False),
    Column("sort_key", _ORDERED, nullable=False),
    Column("by_clock", Integer, nullable=False),
    Column("own_time", WIDE, nullable=False),
    Column("feeds", Text, nullable=False),
    Column("entry", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("position", WIDE),
    Column("published", WIDE),
    Column("updated", WIDE),
    UniqueConstraint("sort_key", name="put_out_sort_key_once"),
    UniqueConstraint("position", name="put_out_position_once"),
    sqlite_strict=True,
)

feed = Table(
    "feed",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", WIDE, nullable=False),
    Column("title", Text, nullable=False),
    Column("subtitle", Text, nullable=False),
    Column("size", WIDE, nullable=False),
    UniqueConstraint("number", name="feed_number_once"),
    sqlite_strict=True,
)

feed_item = Table(
    "feed_item",
    metadata,
    Column("feed", Text, primary_key=True),
    Column("ordinal", WIDE, primary_key=True, autoincrement=False),
    Column("position", WIDE, nullable=False),
    Index("feed_item_by_position", "position"),
    sqlite_strict=True,
)

feed_progress = Table(
    "feed_progress",
    metadata,
    Column("partnership", Text, primary_key=True),
    Column("seq", WIDE, nullable=False),
    Column("put_outs", WIDE, nullable=False),
    Column("next_on", Text),
    Index("feed_progress_by_next_on", "next_on"),
    sqlite_strict=True,
)

calendar_event = Table(
    "calendar_event",
    metadata,
    Column("partnership", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("body", Text, nullable=False),
    sqlite_strict=True,
)

ping = Table(
    "ping",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("ticket", WIDE, nullable=False),
    Column("attempts", WIDE, nullable=False),
    Column("due_at", WIDE, nullable=False),
    sqlite_strict=True,
)

webhook = Table(
    "webhook",
    metadata,
    Column("name", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Column("feed", Text, nullable=False),
    # Kept as it is: whoever signs must have the key itself.
    Column("secret", Text, nullable=False),
    Column("created_at", WIDE, nullable=False),
    # Of the last put-out that it has taken.
    Column("position", WIDE, nullable=False),
    Column("delivered_at", WIDE),
    Column("attempts", WIDE, nullable=False),
    Column("due_at", WIDE, nullable=False),
    Column("trouble", Text),
    Column("parked_at", WIDE),
    sqlite_strict=True,
)

# The rectangles: a projection of the log for fast questions.

MILESTONE = "valid_to = 3652059 AND known_from % 11 = 0"
"""Some of the rectangles without an end, of which a term has one at a time: how far it had come at a moment."""
_MILESTONE = text(MILESTONE)

rectangle = Table(
    "rectangle",
    metadata,
    Column("generation", WIDE, primary_key=True, autoincrement=False),
    Column("partnership", _ORDERED, primary_key=True),
    Column("lane", _ORDERED, primary_key=True),
    Column("term", _ORDERED, primary_key=True),
    # Days are numbers: 1 is 0001-01-01.
    Column("valid_from", Integer, primary_key=True, autoincrement=False),
    Column("known_from", WIDE, primary_key=True, autoincrement=False),
    Column("valid_to", Integer, nullable=False),
    Column("known_to", WIDE, nullable=False),
    Column("n", WIDE, nullable=False),
    Column("number", Integer, nullable=False),
    Column("status", Text, nullable=False),
    Column("value", Text),
    # The key is the order in which it is read: an index of its own would be a second copy. This one is so small that
    # writing hardly takes longer by it (decisions/0030).
    Index(
        "rectangle_milestone",
        *("generation", "partnership", "lane", "term", "known_from"),
        sqlite_where=_MILESTONE,
        postgresql_where=_MILESTONE,
    ),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

projection = Table(
    "projection",
    metadata,
    Column("name", Text, primary_key=True),
    # The one that is read, the one that is being built, and the last number given to one.
    Column("generation", WIDE),
    Column("building", WIDE),
    Column("last", WIDE, nullable=False),
    sqlite_strict=True,
)

# Search: a projection of the log by position, kept after the appends. Beside these tables each database has one that
# only it can describe, `search_index(rowid, words)`: FTS5, or a tsvector with a GIN index.

search_document = Table(
    "search_document",
    metadata,
    # Of the announcement or occurrence; later acts on it change what stands here, and not its place.
    Column("seq", WIDE, primary_key=True, autoincrement=False),
    Column("partnership", Text, nullable=False),
    Column("n", WIDE, nullable=False),
    # The window of the day announced, as numbers; 1 is 0001-01-01.
    Column("first_on", Integer, nullable=False),
    Column("last_on", Integer, nullable=False),
    Column("status", Text, nullable=False),
    # Words with a space around each.
    Column("kinds", Text, nullable=False),
    Column("title_words", Text, nullable=False),
    Column("said_words", Text, nullable=False),
    Column("shown", Text, nullable=False),
    UniqueConstraint("partnership", "n", name="search_document_once"),
    sqlite_strict=True,
)

search_word = Table(
    "search_word",
    metadata,
    Column("word", Text, primary_key=True),
    Column("documents", WIDE, nullable=False),
    sqlite_with_rowid=False,
    sqlite_strict=True,
)

search_progress = Table("search_progress", metadata, Column("seq", WIDE, nullable=False), sqlite_strict=True)

# Drafts: what somebody is working on. They are no part of the record, and only a draft that is open changes.

draft = Table(
    "draft",
    metadata,
    Column("id", WIDE, primary_key=True, autoincrement=False),
    Column("status", Text, nullable=False),
    Column("revision", WIDE, nullable=False),
    Column("title", Text),
    Column("created_at", WIDE, nullable=False),
    Column("updated_at", WIDE, nullable=False),
    # What came in: described for ever, its bytes kept as the settings say.
    Column("sha256", Text, nullable=False),
    Column("media_type", Text, nullable=False),
    Column("size", WIDE, nullable=False),
    Column("address", Text),
    Column("retrieved_at", WIDE),
    Column("received", LargeBinary),
    # How it ended.
    Column("receipt", Text),
    Column("reason", Text),
    sqlite_strict=True,
)

draft_revision = Table(
    "draft_revision",
    metadata,
    Column("draft", WIDE, primary_key=True, autoincrement=False),
    Column("revision", WIDE, primary_key=True, autoincrement=False),
    Column("saved_at", WIDE, nullable=False),
    Column("document", Text, nullable=False),
    sqlite_strict=True,
)

draft_text = Table(
    "draft_text",
    metadata,
    Column("draft", WIDE, primary_key=True, autoincrement=False),
    Column("sha256", Text, primary_key=True),
    Column("media_type", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    sqlite_strict=True,
)

draft_answer = Table(
    "draft_answer",
    metadata,
    Column("draft", WIDE, primary_key=True, autoincrement=False),
    Column("about", Text, primary_key=True),
    Column("answer", Text, nullable=False),
    Column("answered_at", WIDE, nullable=False),
    sqlite_strict=True,
)

# Marks by which two reports of the same are found: a projection of the log, made when it is first asked for.

mark = Table(
    "mark",
    metadata,
    Column("mark", Text, primary_key=True),
    Column("partnership", Text, primary_key=True),
    Column("n", WIDE, primary_key=True, autoincrement=False),
    sqlite_strict=True,
)
