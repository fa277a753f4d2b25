"""Brings a database to the tables that this code expects, and tells when it has others."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from timeline.core.errors import TimelineError


def migrations_dir() -> Path:
    """The migrations: those of the working tree when the package lies in one, else the copy in the package.

    The tree comes first because an editable install leaves a stale copy in the package.
    """
    package = Path(__file__).resolve().parent
    for folder in (package.parent / "alembic", package / "_migrations"):
        # Beside an installed package the folder `alembic` is the library of that name, which has no env.py.
        if (folder / "env.py").is_file():
            return folder
    raise FileNotFoundError("this installation carries no migrations")


def configuration(connection: Connection) -> Config:
    """What Alembic needs to work on `connection`, in the transaction that is open there."""
    config = Config()
    config.set_main_option("script_location", str(migrations_dir()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection) -> None:
    """Bring the tables up to date, in the transaction that is open on `connection`.

    Raises:
        TimelineError: `schema_mismatch` when they come from a newer version of this program.
    """
    config = configuration(connection)
    _refuse_the_future(_found(connection), ScriptDirectory.from_config(config))
    command.upgrade(config, "head")


def check(connection: Connection) -> None:
    """Do nothing when the tables are those that this code expects.

    Raises:
        TimelineError: `schema_mismatch` when there are none, or older or newer ones.
    """
    scripts = ScriptDirectory.from_config(configuration(connection))
    found = _found(connection)
    if found is None:
        raise no_tables("The database holds no record yet.")
    _refuse_the_future(found, scripts)
    if found != scripts.get_current_head():
        raise TimelineError(
            "schema_mismatch",
            f"The database has the tables of an older version ({found} instead of {scripts.get_current_head()}).",
            "Start `timeline serve` once: it brings them up to date and keeps what is recorded.",
        )


def no_tables(detail: str) -> TimelineError:
    """The refusal of a database that was never prepared."""
    return TimelineError(
        "schema_mismatch", detail, "Check the database URL; to begin a new record there, start `timeline serve` once."
    )


def _found(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


def _refuse_the_future(found: str | None, scripts: ScriptDirectory) -> None:
    if found is not None and found not in {script.revision for script in scripts.walk_revisions()}:
        raise TimelineError(
            "schema_mismatch",
            f"The database has tables ({found}) that this version does not know: a newer one made them.",
            "Use the newer version of this program, or restore a backup made before it was installed.",
        )
