"""How Alembic reaches the database: on the connection that `Log.migrate` hands over, or by `alembic -x url=…`."""

from alembic import context
from sqlalchemy import Connection

from timeline.database import database_url, writing_engine
from timeline.tables import metadata


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether a table is one that the metadata can describe; each database has its own kind of full-text index."""
    return kind != "table" or not (name or "").startswith("search_index")


def run(connection: Connection) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=on_sqlite, include_name=is_ours)
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = writing_engine(database_url(context.get_x_argument(as_dictionary=True)["url"]), patience=60)
    with engine.begin() as connection:
        run(connection)
    engine.dispose()
