"""On PostgreSQL the log tells whoever listens that it has grown, at the commit and not before."""

from alembic import op

revision = "0018"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    op.execute(
        """
        CREATE FUNCTION tell_recorded() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            -- Says only that there is more: equal ones of one transaction are delivered as one.
            NOTIFY timeline_recorded;
            RETURN NULL;
        END
        $$
        """
    )
    op.execute(
        "CREATE TRIGGER event_tell_recorded AFTER INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION tell_recorded()"
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP TRIGGER event_tell_recorded ON event")
        op.execute("DROP FUNCTION tell_recorded()")
