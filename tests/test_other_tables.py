"""A database that somebody has laid hands on: no stack trace, but one line that says what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from tests.conftest import Clock, Run
from tests.test_keeping import seeded
from timeline.core.errors import TimelineError
from timeline.keeping import verify
from timeline.log import Log

ACT = """
partnership: harbour-quill
title: They go on
announced: 2026-01-05
sources: [{publisher: Harbour, tier: party}]
statements: []
"""
COMMANDS = [
    "import act.yaml",
    "append --dry-run act.yaml",
    "retract harbour-quill/2 --reason wrong",
    "state harbour-quill",
    "history harbour-quill stake/quill",
    "list",
    "search ship",
    "similar harbour-quill/2",
    "log",
    "status",
    "verify",
    "rebuild",
    "dump",
    "publish",
    "token list",
    "webhook list",
    "draft list",
]


@contextmanager
def renamed(url: str, what: str, there: str, back: str) -> Iterator[None]:
    """A block in which a table, or a column, has another name."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {what} {there}")
    yield
    with engine.begin() as connection:
        connection.exec_driver_sql(f"ALTER TABLE {back}")
    engine.dispose()


@pytest.mark.parametrize("table", ["event", "stored_text", "projection", "search_progress", "feed", "alembic_version"])
def test_without_one_of_its_tables_each_command_answers_or_says_in_one_line_what_to_do(
    run: Run, log: Log, database_url: str, clock: Clock, tmp_path: Path, table: str
) -> None:
    """And when it is back nothing is lost."""
    seeded(log, clock)
    log.close()
    (tmp_path / "act.yaml").write_text(ACT)
    refused = []
    with renamed(database_url, table, "RENAME TO gone", f"gone RENAME TO {table}"):
        for words in COMMANDS:
            done = run("--database-url", database_url, *words.split())
            if done.exit_code and done.stderr:
                refused.append((words, done.stderr.count("\n"), done.stderr.strip().rpartition("[")[2]))

    assert refused
    assert {(lines, code) for _, lines, code in refused} <= {(1, "schema_mismatch]"), (1, "unknown_term]")}
    assert verify(log)["checks"]["chain"] is None


def test_a_column_that_was_renamed_is_named(log: Log, database_url: str, clock: Clock) -> None:
    seeded(log, clock)
    log.close()
    change = ("event", "RENAME COLUMN hash TO other", "event RENAME COLUMN other TO hash")
    with renamed(database_url, *change), pytest.raises(TimelineError) as refused, log.reading() as reader:
        reader.last()

    assert refused.value.code == "schema_mismatch"
    assert "event.hash" in refused.value.detail
    log.close()


def test_a_table_of_another_program_is_not_taken_for_ours(run: Run, bare_url: str) -> None:
    engine = create_engine(bare_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE event (what TEXT)")
    engine.dispose()

    done = run("--database-url", bare_url, "rebuild")

    assert (done.exit_code, done.stderr.count("\n")) == (7, 1)
    assert "an empty database" in done.stderr


def _text(path: Path) -> str:
    path.write_text("Dear diary\n" * 999)
    return f"sqlite:///{path}"


def _half(path: Path) -> str:
    with closing(Log.open(f"sqlite:///{path}")) as log:
        log.migrate()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return f"sqlite:///{path}"


def _folder(path: Path) -> str:
    path.mkdir()
    return f"sqlite:///{path}"


@pytest.mark.parametrize("make", [_text, _half, _folder])
def test_what_is_no_database_is_said_to_be_none(run: Run, tmp_path: Path, make: Callable[[Path], str]) -> None:
    url = make(tmp_path / "it")
    (tmp_path / "act.yaml").write_text(ACT)

    said = [run("--database-url", url, *words.split()) for words in COMMANDS]

    assert {(each.exit_code, each.stderr.count("\n")) for each in said} <= {(6, 1), (7, 1)}


def test_a_role_that_may_only_read_is_told_so_in_one_line(
    run: Run, postgresql_url: str, clock: Clock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither the driver nor anybody else says more."""
    with closing(Log.open(postgresql_url)) as log:
        seeded(log, clock)
    name = make_url(postgresql_url).database
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(f"CREATE ROLE reads_{name} LOGIN")
        connection.exec_driver_sql(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO reads_{name}")
    (tmp_path / "act.yaml").write_text(ACT)
    url = postgresql_url.replace("postgres@", f"reads_{name}@")

    said = [run("--database-url", url, *words.split()) for words in COMMANDS[:3]]

    with engine.begin() as connection:
        connection.exec_driver_sql(f"DROP OWNED BY reads_{name}")
        connection.exec_driver_sql(f"DROP ROLE reads_{name}")
    engine.dispose()
    assert [(each.exit_code, each.stderr.count("\n")) for each in said] == [(6, 1), (0, 0), (6, 1)]
    assert "docs/operations.md" in said[0].stderr
    assert caplog.messages == []
