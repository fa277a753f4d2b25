"""PostgreSQL as a home: many writers, rights, and connections that break."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from psycopg import Error, errors
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import DBAPIError

from tests.conftest import Clock
from tests.servers import PostgreSQL
from tests.test_acts import OPENING, asked, percents, stake
from tests.test_keeping import everything
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.chain import Event
from timeline.core.errors import TimelineError
from timeline.core.questions import read_question
from timeline.core.terms import BUILTIN
from timeline.database import plainly
from timeline.keeping import verify
from timeline.log import Log
from timeline.outbound import Gate
from timeline.publishing import publish
from timeline.publishing.webhooks import Webhooks
from timeline.rebuilding import rebuild
from timeline.settings import load
from timeline.tables import metadata

ROOT = Path(__file__).parent.parent


# -- many writers ----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_readers_by_position_miss_nothing_while_sixteen_desks_append(log: Log, clock: Clock) -> None:
    """Four partnerships, four desks on each, three readers who page as fast as they can."""
    desks, each, readers = 16, 6, 3
    finished = threading.Event()
    for number in range(4):
        Desk(log, BUILTIN, clock).append(asked(OPENING | {"partnership": f"p{number}"}))

    def write(number: int) -> None:
        desk = Desk(log, BUILTIN, clock)
        for place in range(each):
            day = f"20{number + 10}-01-{place + 1:02d}"
            desk.append(asked(stake(number * each + place, day, partnership=f"p{number % 4}")))

    def follow(_: int) -> list[Event]:
        seen: list[Event] = []
        last_look = False
        while not last_look:
            last_look = finished.wait(0.0005)
            with log.reading() as reader:
                seen.extend(reader.events(after=seen[-1].seq if seen else 0, limit=7))
        with log.reading() as reader:
            seen.extend(reader.events(after=seen[-1].seq))
        return seen

    with ThreadPoolExecutor(desks + readers) as pool:
        following = [pool.submit(follow, number) for number in range(readers)]
        try:
            list(pool.map(write, range(desks)))
        finally:
            finished.set()
        seen = [each.result(timeout=20) for each in following]

    recorded = everything(log)
    assert [event.seq for event in recorded] == list(range(1, 4 + desks * each + 1))
    assert seen == [recorded] * readers
    assert verify(log)["sound"]


def test_no_update_is_lost_when_all_read_then_write(log: Log, clock: Clock) -> None:
    """Each adds one to what it read, expecting that nobody came between; whoever is refused reads again."""
    desk = Desk(log, BUILTIN, clock)
    desk.append(asked(OPENING))
    desk.append(asked(stake(0, "2001-01-01")))

    def add_one(number: int) -> None:
        own = Desk(log, BUILTIN, clock)
        while True:
            body = Answers(log, BUILTIN, clock).state("acme-bolt", read_question({"as_of": "2026-01-01"}, clock.now))
            held = int(body["terms"][0]["value"]["percent"])
            try:
                # A title of its own: what two say in the same words is one announcement.
                said = stake(held + 1, f"20{held + 10}-01-01", title=f"Said by {number}")
                own.append(asked(said), expect=body["resolved"]["known_seq"])
            except TimelineError as error:
                assert error.code == "stale_expectation"  # noqa: PT017  # anything else is a failure
                continue
            return

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add_one, range(8)))

    assert percents(log, clock, "2026-01-01") == [8]


# -- rights ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def service(postgres: PostgreSQL, postgresql_url: str, clock: Clock) -> Iterator[Log]:
    """A log opened as the role that the operations handbook makes."""
    handbook = (ROOT / "docs/operations.md").read_text("utf-8")
    (statements,) = re.findall(r"```sql\n(.*?)```", handbook, re.DOTALL)
    engine = create_engine(postgresql_url)
    with engine.begin() as connection:
        connection.exec_driver_sql(statements)
    database = make_url(postgresql_url).database
    assert database is not None
    with closing(Log.open(postgres.url_as("timeline_service", database), clock=clock)) as opened:
        yield opened
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP OWNED BY timeline_service; DROP ROLE timeline_service")
    engine.dispose()


def test_the_role_of_the_handbook_can_do_all_that_the_service_does(service: Log, clock: Clock, tmp_path: Path) -> None:
    service.check_schema()
    desk = Desk(service, BUILTIN, clock)
    with service.writing() as writer:
        writer.store_text(b"a page", "text/plain")
    for document in (OPENING, stake(10, "2021-01-01"), stake(12, "2022-01-01")):
        desk.append(asked(document))

    rebuild(service)
    publish(service, BUILTIN, load({"feeds_dir": str(tmp_path)}, {}), clock.now.date())
    webhooks = Webhooks(service, clock, Gate(admits=lambda address: address.is_loopback))
    webhooks.add("crm", "http://127.0.0.1:9/")
    webhooks.retry("crm")
    webhooks.remove("crm")

    assert percents(service, clock, "2021-06-01") == [10]
    assert verify(service)["sound"]


def test_the_role_of_the_handbook_may_use_every_table(service: Log) -> None:
    """And change all but the record; a new table must be added to the handbook."""
    wanted = {name: (True, name not in ("event", "stored_text")) for name in metadata.tables}
    with service.reading() as reader:
        rights = text(
            "SELECT has_table_privilege(:t, 'INSERT') AND has_table_privilege(:t, 'SELECT'),"
            " has_table_privilege(:t, 'UPDATE') AND has_table_privilege(:t, 'DELETE')"
        )
        found = {name: tuple(reader.connection.execute(rights, {"t": name}).one()) for name in metadata.tables}

    assert found == wanted


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE event SET body = '{}'",
        "DELETE FROM event",
        "TRUNCATE event",
        "UPDATE stored_text SET content = ''",
        "DELETE FROM stored_text",
        "ALTER TABLE event DISABLE TRIGGER ALL",
        "DROP TABLE event",
    ],
)
def test_the_role_of_the_handbook_has_no_right_to_change_the_record(service: Log, statement: str) -> None:
    """Not only do the triggers refuse: the right itself is missing, and they cannot be switched off."""
    with pytest.raises(TimelineError, match=r"permission denied|must be owner") as refused, service.writing() as writer:
        writer.connection.exec_driver_sql(statement)
    assert refused.value.code == "storage_failed"


def test_the_role_of_the_handbook_is_told_who_upgrades(service: Log, postgresql_url: str) -> None:
    with closing(Log.open(postgresql_url)) as owner, owner.writing() as writer:
        writer.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '0012'")

    with pytest.raises(TimelineError) as refused:
        service.migrate()

    assert (refused.value.code, "owner of the tables" in refused.value.remedy) == ("storage_failed", True)


# -- connections that break ------------------------------------------------------------------------------------------


class Breaking(Clock):
    """A clock that, the next time it is asked, ends every connection to the server: in the middle of an append."""

    def __init__(self, server: PostgreSQL) -> None:
        super().__init__()
        self.server = server
        self.armed = 0

    def __call__(self) -> datetime:
        if self.armed:
            self.armed -= 1
            self.server.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'"
            )
        return self.now


def test_an_append_survives_a_lost_connection_and_is_recorded_once(postgres: PostgreSQL, postgresql_url: str) -> None:
    clock = Breaking(postgres)
    with closing(Log.open(postgresql_url, clock=clock)) as log:
        desk = Desk(log, BUILTIN, clock)
        desk.append(asked(OPENING))
        clock.armed = 2

        receipt = desk.append(asked(stake(10, "2021-01-01")))

        assert (receipt["id"], clock.armed) == ("acme-bolt/1", 0)
        assert [event.version for event in everything(log)] == [0, 1]
        assert verify(log)["sound"]


def test_a_connection_that_breaks_each_time_is_reported(postgres: PostgreSQL, postgresql_url: str) -> None:
    clock = Breaking(postgres)
    with closing(Log.open(postgresql_url, clock=clock)) as log:
        desk = Desk(log, BUILTIN, clock)
        desk.append(asked(OPENING))
        clock.armed = 1000

        with pytest.raises(TimelineError) as refused:
            desk.append(asked(stake(10, "2021-01-01")))

        clock.armed = 0
        assert refused.value.code == "connection_lost"
        assert len(everything(log)) == 1


def test_a_connection_that_died_in_the_pool_is_replaced_unseen(
    postgres: PostgreSQL, postgresql_url: str, clock: Clock
) -> None:
    breaking = Breaking(postgres)
    with closing(Log.open(postgresql_url, clock=clock)) as log:
        desk = Desk(log, BUILTIN, clock)
        desk.append(asked(OPENING))
        assert len(everything(log)) == 1
        breaking.armed = 1
        breaking()

        desk.append(asked(stake(10, "2021-01-01")))

        assert len(everything(log)) == 2


@pytest.mark.parametrize("last_word", [errors.AdminShutdown, errors.CrashShutdown])
def test_an_ended_connection_is_lost_also_while_the_driver_takes_it_for_open(last_word: type[Error]) -> None:
    """So that the append is tried again; which of the two notices first is chance."""
    with pytest.raises(TimelineError) as refused, plainly():
        raise DBAPIError.instance(None, None, last_word("ended"), Error)

    assert refused.value.code == "connection_lost"
