"""What several tests need: empty migrated databases of both kinds, a log on them, and a clock that obeys."""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from playwright.sync_api import Browser, sync_playwright

from tests.servers import PostgreSQL, postgresql, replica
from tests.web import ROOT, seeded, serving
from timeline.cli import cli
from timeline.log import Log, utc_now
from timeline.tokens import Tokens

Run = Callable[..., Result]


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgreSQL]:
    """A server of this test process, with the migrated database `empty` to copy."""
    with postgresql() as server:
        server.execute("CREATE DATABASE empty")
        _migrate(server.url("empty"))
        yield server


@pytest.fixture(scope="session")
def follower(postgres: PostgreSQL) -> Iterator[PostgreSQL]:
    """A streaming replica of `postgres`."""
    with replica(postgres) as server:
        yield server


@pytest.fixture(scope="session")
def empty_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file without events, to copy."""
    path = tmp_path_factory.mktemp("sqlite") / "empty.db"
    _migrate(f"sqlite:///{path}")
    return path


_numbers = itertools.count(1)


@pytest.fixture
def postgresql_url(postgres: PostgreSQL) -> Iterator[str]:
    """A fresh, migrated, empty database of PostgreSQL."""
    name = f"t{next(_numbers)}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE empty")
    yield postgres.url(name)
    postgres.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """A fresh, migrated, empty SQLite file."""
    return f"sqlite:///{shutil.copy(empty_sqlite, tmp_path / 'timeline.db')}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated, empty database; the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def bare_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/bare.db"
        return
    server = request.getfixturevalue("postgres")
    server.execute("CREATE DATABASE bare")
    yield server.url("bare")
    server.execute("DROP DATABASE bare WITH (FORCE)")


@pytest.fixture
def log(database_url: str, clock: Clock) -> Iterator[Log]:
    opened = Log.open(database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`timeline …` in a folder of its own, in this process."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("TIMELINE_")]:
        monkeypatch.delenv(name)

    def timeline(*words: str, typed: str | bytes | None = None) -> Result:
        return CliRunner(catch_exceptions=False).invoke(cli, words, input=typed, prog_name="timeline")

    return timeline


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("The pages are tested in a browser: apt-get install chromium, or set CHROMIUM to one.")
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=quiet)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The address of a service with all the seeds, and a token for it."""
    folder = tmp_path_factory.mktemp("site")
    url = f"sqlite:///{folder / 'record.db'}"
    log = Log.open(url)
    log.migrate()
    seeded(log, ROOT / "seeds")
    secret = Tokens(log, utc_now).new("ada", "append")
    log.close()
    with serving(folder, demo=False, database_url=url, feeds_dir=str(folder / "feeds")) as (client, _):
        yield str(client.base_url).rstrip("/"), secret


def _migrate(url: str) -> None:
    log = Log.open(url)
    log.migrate()
    log.close()
