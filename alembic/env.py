"""How Alembic reaches the database: on the connection that `Log.migrate` hands over, or by `alembic -x url=…`."""

from alembic import context
from sqlalchemy import Connection

from timeline.database import database_url, writing_engine
from timeline.tables import metadata


def run(connection: Connection) -> None:
    on_sqlite = connection.dialect.name == "sqlite"
    context.configure(connection=connection, target_metadata=metadata, render_as_batch=on_sqlite)
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
