"""The files of an SQLite database, removed or replaced while a program has them open: nothing acknowledged is lost."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from tests.test_log import everything, new, record, three
from timeline.core.errors import TimelineError
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
