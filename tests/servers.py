"""Real servers for the tests: started here, in a folder of their own, and gone with the process that needs them."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

# As the owner of a server and the name of its folder this account needs no rights at all.
SERVER_ACCOUNTS = ("postgres", "nobody")
START_SECONDS = 20
FAST = ["fsync=off", "synchronous_commit=off", "full_page_writes=off"]


@dataclass(frozen=True, slots=True)
class PostgreSQL:
    """A running server that listens only on a socket in its folder."""

    folder: Path

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def url_as(self, role: str, database: str) -> str:
        return f"postgresql+psycopg://{role}@/{database}?host={self.folder}"

    def execute(self, statement: str) -> None:
        """Run one administrative statement, outside a transaction."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def value(self, question: str) -> object:
        """The first value of the answer."""
        with psycopg.connect(f"host={self.folder} user=postgres dbname=postgres", autocommit=True) as connection:
            row = connection.execute(question.encode()).fetchone()
            assert row is not None
            return row[0]

    def twin(self, url: str) -> str:
        """The address of the same database on this server."""
        database = make_url(url).database
        assert database is not None
        return self.url(database)

    @contextmanager
    def standing_still(self, primary: PostgreSQL) -> Iterator[None]:
        """A block in which this replica keeps what the primary has now, and takes nothing more."""
        self.follow(primary)
        self.execute("SELECT pg_wal_replay_pause()")
        try:
            yield
        finally:
            self.execute("SELECT pg_wal_replay_resume()")

    def crash(self) -> None:
        """End at once, without a word to anybody and with nothing written down."""
        os.kill(int((self.folder / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGQUIT)

    def follow(self, primary: PostgreSQL) -> None:
        """Wait until this replica has all that the primary has now."""
        # A commit that waits for the disk takes those before it along, which did not wait.
        durably = "SET LOCAL synchronous_commit = on; PERFORM pg_logical_emit_message(true, '', '')"
        primary.execute(f"DO $$ BEGIN {durably}; END $$")
        there = primary.value("SELECT pg_current_wal_lsn()")
        deadline = time.monotonic() + START_SECONDS
        while not self.value(f"SELECT pg_last_wal_replay_lsn() >= '{there}'"):
            if time.monotonic() > deadline:
                pytest.fail(f"The replica does not come to {there}.")
            time.sleep(0.01)


@contextmanager
def postgresql(*, durable: bool = False, longest_file: int | None = None) -> Iterator[PostgreSQL]:
    """A new, empty server; stopped and removed at the end. It keeps nothing safe, and so is fast, unless `durable`.

    Args:
        longest_file: Where a file may grow no further, in blocks of 512 bytes; its log needs 32,768. A write across
            that end is cut short, as on a full disk.
    """
    folder = Path(tempfile.mkdtemp(prefix="timeline-")) if durable else _folder()
    prefix = _as_an_account_that_may(folder)
    initdb: list[str | Path] = [
        _programs() / "initdb",
        "-D",
        folder / "data",
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
    ]
    subprocess.run(
        [*prefix, *initdb, "--no-sync"], check=True, cwd=folder, env=_environment(), stdout=subprocess.DEVNULL
    )
    limited = [] if longest_file is None else ["sh", "-c", f'ulimit -f {longest_file}; exec "$@"', "sh"]
    with _serving(folder, [] if durable else FAST, limited) as server:
        yield server


@contextmanager
def replica(primary: PostgreSQL) -> Iterator[PostgreSQL]:
    """A server that follows `primary` by streaming, and answers only questions."""
    folder = _folder()
    copy: list[str | Path] = [
        _programs() / "pg_basebackup",
        "-h",
        primary.folder,
        "-U",
        "postgres",
        "-D",
        folder / "data",
        "-R",
    ]
    options = ["-X", "stream", "-c", "fast", "--no-sync"]
    subprocess.run([*_as_an_account_that_may(folder), *copy, *options], check=True, cwd=folder, env=_environment())
    with _serving(folder, FAST) as server:
        yield server


@contextmanager
def _serving(folder: Path, settings: list[str], before: Sequence[str] = ()) -> Iterator[PostgreSQL]:
    """A server of the cluster in `folder`, run by the command `before`; at the end both are gone."""
    log = folder / "log"
    options = [option for setting in ("listen_addresses=", *settings) for option in ("-c", setting)]
    command: list[str | Path] = [
        *_as_an_account_that_may(folder),
        *before,
        _programs() / "postgres",
        "-D",
        folder / "data",
        "-k",
        folder,
        *options,
    ]
    with log.open("w") as output:
        process = subprocess.Popen(command, cwd=folder, env=_environment(), stdout=output, stderr=output)
    answering = PostgreSQL(folder)
    try:
        _wait_until_it_answers(answering, process, log)
        yield answering
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(START_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _folder() -> Path:
    shared_memory = Path("/dev/shm")
    return Path(tempfile.mkdtemp(prefix="timeline-", dir=shared_memory if os.access(shared_memory, os.W_OK) else None))


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def _programs() -> Path:
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    if debian:
        return debian[-1].parent
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    pytest.fail("The tests need the programs of PostgreSQL: apt-get install postgresql, or put initdb on the PATH.")


def _as_an_account_that_may(folder: Path) -> list[str]:
    """What to put before a command: root may not run the server, and a killed test run must not leave one."""
    if shutil.which("setpriv") is None:
        return []
    prefix = ["setpriv", "--pdeathsig", "INT"]
    if os.geteuid() == 0:
        known = {account.pw_name: account for account in pwd.getpwall()}
        account = next(known[name] for name in SERVER_ACCOUNTS if name in known)
        os.chown(folder, account.pw_uid, account.pw_gid)
        prefix += ["--reuid", str(account.pw_uid), "--regid", str(account.pw_gid), "--clear-groups"]
    return prefix


def _wait_until_it_answers(server: PostgreSQL, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            server.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(f"PostgreSQL did not start: {log.read_text()[-2000:]}")
            time.sleep(0.05)
