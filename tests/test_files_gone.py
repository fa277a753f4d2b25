"""The files of an SQLite database, removed, replaced or written over while a program has them open: nothing is lost."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.test_log import everything, new, record, three
from timeline.core.errors import TimelineError
from timeline.keeping import backup
from timeline.log import Log


@pytest.mark.parametrize("gone", ["-wal", "-shm"])
def test_when_a_file_beside_the_database_is_removed_nothing_more_is_acknowledged_and_nothing_was_lost(
    sqlite_url: str, gone: str
) -> None:
    """SQLite itself would write on, into a file without a name: what it was told then is lost."""
    with closing(Log.open(sqlite_url)) as log:
        made = three(log)
        Path(f"{sqlite_url.removeprefix('sqlite:///')}{gone}").unlink()

        with pytest.raises(TimelineError) as refused:
            record(log, new("acme", 2))

        assert refused.value.code == "storage_failed"
        assert everything(log) == made
    with closing(Log.open(sqlite_url)) as again:
        assert everything(again) == made
        record(again, new("bolt", 1))


def test_a_database_that_was_replaced_under_a_running_program_is_not_written_to(
    sqlite_url: str, tmp_path: Path
) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(Log.open(sqlite_url)) as log:
        three(log)
        with closing(Log.open(f"sqlite:///{tmp_path}/backup.db")) as backup:
            backup.migrate()
            record(backup, new("from the backup", 0))
        restored = (tmp_path / "backup.db").read_bytes()
        (tmp_path / "backup.db").replace(path)

        with pytest.raises(TimelineError) as refused:
            record(log, new("acme", 2))

        assert refused.value.code == "storage_failed"
    assert path.read_bytes() == restored


def written_over(path: Path, content: bytes) -> None:
    """As `cp` does it: the file stays, only what is in it is another thing."""
    before = path.stat().st_mtime_ns
    while path.stat().st_mtime_ns == before:  # the clock of a file system ticks some hundred times a second
        path.write_bytes(content)


def others_append(url: str) -> None:
    with closing(Log.open(url)) as other:
        record(other, new("of another process", 0))


def others_checkpoint(url: str) -> None:
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
        connection.execute("PRAGMA wal_checkpoint")


@pytest.mark.parametrize(
    "meanwhile", [lambda _: None, others_append, others_checkpoint], ids=["", "append", "checkpoint"]
)
def test_a_backup_that_is_copied_over_the_open_file_is_not_written_to(
    sqlite_url: str, tmp_path: Path, meanwhile: Callable[[str], None]
) -> None:
    """SQLite itself does not notice: it went on with pages from its memory, and left neither this record nor that."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(Log.open(sqlite_url)) as log:
        three(log)
        backup(log, tmp_path / "backup.db")
        older = (tmp_path / "backup.db").read_bytes()
        for version in range(2, 40):
            record(log, new("acme", version))
        meanwhile(sqlite_url)
        written_over(path, older)

        for _ in range(2):
            with pytest.raises(TimelineError) as refused:
                record(log, new("acme", 40))

            assert refused.value.code == "storage_failed"
            assert "written over" in refused.value.detail
        assert path.read_bytes() == older


def test_what_another_program_takes_from_the_log_into_the_file_is_no_damage(sqlite_url: str) -> None:
    with closing(Log.open(sqlite_url)) as log:
        three(log)
        for version in range(2, 9):
            others_checkpoint(sqlite_url)
            record(log, new("acme", version))
        others_append(sqlite_url)
        with closing(sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))) as connection:
            connection.execute("VACUUM")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        record(log, new("acme", 9))

        assert len(everything(log)) == 12
