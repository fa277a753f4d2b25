"""The log: events and stored texts, which the database itself will neither change nor remove."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

WIDE = sa.BigInteger().with_variant(sa.Integer, "sqlite")

# What makes a row of SQLite "the same" for INSERT OR REPLACE, which removes the old one without a DELETE trigger.
SAME = {
    "event": (
        "seq = NEW.seq",
        "partnership = NEW.partnership AND version = NEW.version",
        "key = NEW.key",
        "idempotency_key = NEW.idempotency_key",
        "recorded_at = NEW.recorded_at",
    ),
    "stored_text": ("sha256 = NEW.sha256",),
}


def upgrade() -> None:
    op.create_table(
        "event",
        sa.Column("seq", WIDE, primary_key=True, autoincrement=False),
        sa.Column("partnership", sa.Text, nullable=False),
        sa.Column("version", WIDE, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("idempotency_key", sa.Text),
        sa.Column("content_hash", sa.Text, nullable=False),
        sa.Column("recorded_at", WIDE, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("previous_hash", sa.Text, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.UniqueConstraint("partnership", "version", name="event_version_once"),
        sa.UniqueConstraint("key", name="event_key_once"),
        sa.UniqueConstraint("idempotency_key", name="event_idempotency_key_once"),
        sa.UniqueConstraint("recorded_at", name="event_recorded_at_once"),
        sqlite_strict=True,
    )
    op.create_index("event_by_content", "event", ["partnership", "content_hash"])
    op.create_table(
        "stored_text",
        sa.Column("sha256", sa.Text, primary_key=True),
        sa.Column("media_type", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sqlite_strict=True,
    )
    if op.get_bind().dialect.name == "sqlite":
        guard_on_sqlite()
    else:
        guard_on_postgresql()


def guard_on_sqlite() -> None:
    for table, same in SAME.items():
        refuse = f"BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} {refuse}")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} {refuse}")
        exists = " OR ".join(f"EXISTS (SELECT 1 FROM {table} WHERE {condition})" for condition in same)
        op.execute(f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {exists} {refuse}")


def guard_on_postgresql() -> None:
    op.execute(
        """
        CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION '% is append-only: no %', TG_TABLE_NAME, TG_OP
                USING ERRCODE = 'integrity_constraint_violation';
        END
        $$
        """
    )
    for table in SAME:
        for name, when in (
            ("no_change", "BEFORE UPDATE OR DELETE ON {} FOR EACH ROW"),
            ("no_truncate", "BEFORE TRUNCATE ON {} FOR EACH STATEMENT"),
        ):
            op.execute(f"CREATE TRIGGER {table}_{name} {when.format(table)} EXECUTE FUNCTION refuse_change()")
            # ALWAYS: also in a session that calls itself a replica.
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}")


def downgrade() -> None:
    raise NotImplementedError("the first migration cannot be undone: it would remove the record")
