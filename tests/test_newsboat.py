"""A month lived by a real reader: newsboat, over HTTP, with its own cache."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.loopback import served
from tests.records import append, corrected, opening, retracted, said, settings
from timeline.core.terms import BUILTIN
from timeline.log import Log
from timeline.publishing import forget, publish
from timeline.web.app import create_app

pytestmark = pytest.mark.slow


class Newsboat:
    """A reader subscribed to some feeds."""

    def __init__(self, home: Path, *addresses: str) -> None:
        program = shutil.which("newsboat")
        assert program is not None, "newsboat is missing: apt-get install newsboat (make setup does it)"
        home.mkdir()
        (home / "urls").write_text("".join(f"{address}\n" for address in addresses))
        (home / "config").write_text('reload-threads 1\nuser-agent "newsboat in the tests"\n')
        self._home = home
        paths = ["-u", home / "urls", "-c", home / "cache.db", "-C", home / "config"]
        self._command = [program, *map(str, paths), "-x", "reload"]

    def poll(self) -> None:
        subprocess.run(self._command, env={"HOME": str(self._home), "TERM": "dumb"}, check=True, timeout=60)

    def items(self) -> list[tuple[str, str]]:
        """Id and title of all that it has, in the order it came."""
        with closing(sqlite3.connect(self._home / "cache.db")) as cache:
            rows = cache.execute("SELECT guid, title FROM rss_item WHERE deleted = 0 ORDER BY id").fetchall()
        return [(guid.rpartition(":")[2], title) for guid, title in rows]


@pytest.fixture
def log(sqlite_url: str, clock: Clock) -> Iterator[Log]:
    opened = Log.open(sqlite_url, clock=clock)
    yield opened
    opened.close()


@pytest.mark.parametrize("suffix", ["atom", "rss"])
def test_a_month_lived_shows_each_change_exactly_once(log: Log, clock: Clock, tmp_path: Path, suffix: str) -> None:
    """Append, correct, retract, a boundary day, a rebuild; and 304 once nothing is new."""
    chosen = replace(settings(), feeds_dir=tmp_path / "site")
    seen: list[str] = []

    def lived(today: str) -> list[str]:
        """Publish on that day and poll: the ids that the reader shows as new."""
        publish(log, BUILTIN, chosen, date.fromisoformat(today))
        reader.poll()
        ids = [name for name, _ in reader.items()]
        assert len(ids) == len(set(ids))
        new = [name for name in ids if name not in seen]
        seen.extend(new)
        return sorted(new)

    with served(create_app(chosen, log, BUILTIN, clock)) as (base, answers):
        reader = Newsboat(tmp_path / "home", f"{base}/feeds/all.{suffix}")

        append(log, opening(), said(10, statement={"effective": "2026-01-20"}))
        assert lived("2026-01-01") == ["acme-bolt/1"]
        clock.now = datetime(2026, 1, 3, 9, tzinfo=UTC)
        append(log, said(12, "2026-01-03", statement={"effective": "2026-01-10"}))
        assert lived("2026-01-03") == ["acme-bolt/2"]
        assert lived("2026-01-04") == []
        append(log, corrected(2, said(13, "2026-01-03", statement={"effective": "2026-01-12"})))
        assert lived("2026-01-05") == ["acme-bolt/3"]
        assert lived("2026-01-18") == ["acme-bolt/stake/bolt@2026-01-12"]
        clock.now = datetime(2026, 1, 18, 12, tzinfo=UTC)
        append(log, retracted(1))
        assert lived("2026-01-25") == ["acme-bolt/4"]

        forget(log)
        publish(log, BUILTIN, chosen, date(2026, 1, 25), whole=True)
        assert lived("2026-01-25") == []
        assert lived("2026-01-25") == []

    assert [status for _, _, status in answers][-2:] == [304, 304]
    titles = dict(reader.items())
    assert titles["acme-bolt/3"].startswith("Correction: Acme & Co – <Bolt>: ")
    assert titles["acme-bolt/4"].startswith("Retracted: Acme & Co – <Bolt>: ")
