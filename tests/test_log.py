"""The laws of the log, each on SQLite and on PostgreSQL."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from sqlalchemy import create_engine
from sqlalchemy.exc import IntegrityError

from tests.conftest import Clock
from timeline import migrations
from timeline.chain import GENESIS, Event, Fault, Verification, link
from timeline.core.errors import TimelineError
from timeline.database import Turns
from timeline.log import Log, NewEvent, StoredText

HOUR = timedelta(hours=1)
TICK = timedelta(microseconds=1)


def new(
    partnership: str, version: int, *, key: str | None = None, idempotency_key: str | None = None, said: str = "x"
) -> NewEvent:
    kind = "announcement" if version else "opening"
    return NewEvent(partnership, version, kind, key, idempotency_key, f"content of {said}", f'{{"said":"{said}"}}')


def record(log: Log, *events: NewEvent) -> list[Event]:
    with log.writing() as writer:
        return writer.append_many(events)


def everything(log: Log) -> list[Event]:
    with log.reading() as reader:
        return list(reader.events())


def three(log: Log) -> list[Event]:
    return record(log, new("acme", 0, said="a"), new("acme", 1, said="b"), new("bolt", 0, said="c"))


def tamper(url: str, *statements: str) -> None:
    """Change the tables behind the log's back, with the guards removed."""
    engine = create_engine(url)
    with engine.begin() as connection:
        if connection.dialect.name == "sqlite":
            triggers = connection.exec_driver_sql("SELECT name FROM sqlite_schema WHERE type = 'trigger'").scalars()
            guards = [f"DROP TRIGGER {name}" for name in triggers.all()]
        else:
            guards = [f"ALTER TABLE {table} DISABLE TRIGGER ALL" for table in ("event", "stored_text")]
        for statement in (*guards, *statements):
            connection.exec_driver_sql(statement)
    engine.dispose()


# -- append and read ---------------------------------------------------------------------------------------------


def test_what_is_appended_is_read_back_whole(log: Log, clock: Clock) -> None:
    fields: dict[str, Any] = {
        "partnership": "acme",
        "expected_version": 0,
        "kind": "opening",
        "key": "a-key",
        "idempotency_key": "an-id",
        "content_hash": "c" * 64,
        "body": '{"said":"ünïcode 𝄞 \\u0000 “quoted”"}',
    }

    with log.writing() as writer:
        made = writer.append(**fields)

    unsealed = Event(1, "acme", 0, "opening", "a-key", "an-id", "c" * 64, clock.now, fields["body"], GENESIS, hash="")
    assert made == replace(unsealed, hash=link(unsealed))
    with log.reading() as reader:
        assert list(reader.events()) == [made]
        assert reader.event("acme", 0) == made
        assert reader.by_key("a-key") == made
        assert reader.by_idempotency_key("an-id") == made
        assert reader.partnership_head("acme") == (0, 1, made.hash)
        assert reader.head() == (1, clock.now, made.hash)


def test_the_hash_of_an_event_never_changes(clock: Clock) -> None:
    """A program of another language can compute it from the documented array, in any year."""
    event = Event(7, "acme", 2, "announcement", None, "é", "c", clock.now, '{"a":"b"}', GENESIS, hash="")

    array = f'[7,"acme",2,"announcement",null,"é","c",1767268800000000,"{{\\"a\\":\\"b\\"}}","{GENESIS}"]'
    assert link(event) == sha256(array.encode()).hexdigest()


def test_an_empty_log_answers_every_question_with_nothing(log: Log, clock: Clock) -> None:
    with log.reading() as reader:
        assert reader.head() == (0, None, GENESIS)
        assert list(reader.events()) == []
        assert reader.event("acme", 0) is None
        assert reader.by_key("k") is None
        assert reader.by_idempotency_key("k") is None
        assert reader.partnership_head("acme") is None
        assert reader.seq_at(clock.now) == 0
        assert reader.text("0" * 64) is None
        assert not reader.has_text("0" * 64)
    assert log.verify() == Verification(0, GENESIS, None)


def test_positions_and_versions_are_gapless_and_chained(log: Log) -> None:
    made = [*three(log), *record(log, new("bolt", 1)), *record(log, new("acme", 2))]

    assert [(event.seq, event.citation) for event in made] == [
        (1, "acme/0"),
        (2, "acme/1"),
        (3, "bolt/0"),
        (4, "bolt/1"),
        (5, "acme/2"),
    ]
    assert [event.previous_hash for event in made] == [GENESIS, *(event.hash for event in made[:-1])]
    assert everything(log) == made


def test_a_part_of_the_log_is_the_same_part_of_the_whole(log: Log) -> None:
    """Also across the pages in which it is read."""
    made = record(log, *(new(f"p{number % 2}", number // 2) for number in range(2100)))

    with log.reading() as reader:
        assert list(reader.events()) == made
        assert list(reader.events(after=3, upto=5)) == made[3:5]
        assert list(reader.events(after=2098, limit=5)) == made[2098:]
        assert list(reader.events(limit=1001)) == made[:1001]
        assert list(reader.events(limit=0)) == []
        assert list(reader.events_of("p1")) == made[1::2]
        assert list(reader.events_of("p1", after=0, upto=4)) == [made[3]]
        assert list(reader.events_of("nobody")) == []


def test_recorded_at_rises_even_when_the_clock_goes_back(log: Log, clock: Clock) -> None:
    noon = clock.now

    first, second = record(log, new("acme", 0), new("acme", 1))
    clock.now = noon - HOUR
    (third,) = record(log, new("acme", 2))
    clock.now = noon + HOUR
    (fourth,) = record(log, new("acme", 3))

    made = [first, second, third, fourth]
    assert [event.recorded_at for event in made] == [noon, noon + TICK, noon + 2 * TICK, noon + HOUR]
    with log.reading() as reader:
        moments = (noon - TICK, noon, noon + TICK, noon + HOUR - TICK, noon + HOUR, noon + 2 * HOUR)
        assert [reader.seq_at(at) for at in moments] == [0, 1, 2, 3, 4, 4]


def test_a_writer_reads_what_it_has_just_written(log: Log) -> None:
    with log.writing() as writer:
        made = writer.append_many([new("acme", 0, key="k")])
        assert list(writer.events()) == made
        assert writer.by_key("k") == made[0]
        assert writer.append_many([]) == []


def test_a_text_is_kept_once_and_unchanged(log: Log) -> None:
    content = b"\x00\xffsome page"

    with log.writing() as writer:
        digest = writer.store_text(content, "text/html")
        assert writer.store_text(content, "text/plain") == digest
    with log.writing() as writer:
        writer.store_text(content, "text/html")

    assert digest == sha256(content).hexdigest()
    with log.reading() as reader:
        assert reader.text(digest) == StoredText(digest, "text/html", content)
        assert reader.has_text(digest)


# -- races -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", [0, 2])
def test_a_version_that_is_not_the_next_one_has_lost_the_race(log: Log, version: int) -> None:
    made = record(log, new("acme", 0))

    with pytest.raises(TimelineError) as refused:
        record(log, new("acme", version))

    assert refused.value.code == "lost_race"
    assert everything(log) == made


def test_a_writer_who_lost_may_read_again_and_win(log: Log) -> None:
    record(log, new("acme", 0))

    with log.writing() as writer:
        with pytest.raises(TimelineError, match="acme/0"):
            writer.append_many([new("acme", 0)])
        writer.append_many([new("acme", 1)])

    assert [event.citation for event in everything(log)] == ["acme/0", "acme/1"]


@pytest.mark.parametrize(
    "second",
    [new("bolt", 0, key="k"), new("bolt", 0, idempotency_key="i")],
    ids=["key", "idempotency key"],
)
def test_a_key_is_used_once_in_the_whole_log(log: Log, second: NewEvent) -> None:
    made = record(log, new("acme", 0, key="k", idempotency_key="i"))

    with pytest.raises(TimelineError) as refused:
        record(log, second)

    assert refused.value.code == "key_reused"
    assert isinstance(refused.value.__cause__, IntegrityError)
    assert everything(log) == made


def test_a_refused_append_keeps_nothing_even_when_its_error_is_caught(log: Log) -> None:
    made = record(log, new("acme", 0, key="k"))

    with pytest.raises(TimelineError, match="key"), log.writing() as writer:  # noqa: PT012 - the block is the subject
        writer.append_many([new("bolt", 0)])
        with pytest.raises(TimelineError, match="key"):
            writer.append_many([new("bolt", 1), new("bolt", 2, key="k")])

    assert everything(log) == made


def test_what_is_written_in_a_block_that_fails_is_not_there(log: Log) -> None:
    with pytest.raises(ZeroDivisionError), log.writing() as writer:  # noqa: PT012 - the block is the subject
        writer.append_many([new("acme", 0)])
        writer.store_text(b"text", "text/plain")
        raise ZeroDivisionError

    assert everything(log) == []
    with log.reading() as reader:
        assert not reader.has_text(sha256(b"text").hexdigest())


def test_of_two_writers_who_decided_on_the_same_state_one_wins(log: Log) -> None:
    record(log, new("acme", 0))
    together = threading.Barrier(2)

    def race(said: str) -> str:
        with log.reading() as reader:
            head = reader.partnership_head("acme")
        assert head is not None
        together.wait()
        try:
            record(log, new("acme", head[0] + 1, said=said))
        except TimelineError as error:
            return error.code
        return "won"

    with ThreadPoolExecutor(2) as pool:
        outcomes = sorted(pool.map(race, ["a", "b"]))

    assert outcomes == ["lost_race", "won"]
    assert [event.version for event in everything(log)] == [0, 1]


def test_a_reader_by_position_misses_nothing_while_eight_write(log: Log) -> None:
    each, writers = 12, 8
    seen: list[Event] = []
    finished = threading.Event()

    def write(number: int) -> None:
        for version in range(each):
            record(log, new(f"p{number}", version))

    def follow() -> None:
        last_look = False
        while not last_look:
            # Without any pause the reader would keep the interpreter's lock from the writers most of the time.
            last_look = finished.wait(0.0005)
            with log.reading() as reader:
                seen.extend(reader.events(after=seen[-1].seq if seen else 0))

    with ThreadPoolExecutor(writers + 1) as pool:
        following = pool.submit(follow)
        try:
            list(pool.map(write, range(writers)))
        finally:
            finished.set()
        following.result(timeout=20)

    assert [event.seq for event in seen] == list(range(1, each * writers + 1))
    assert seen == everything(log)
    assert log.verify() == Verification(each * writers, seen[-1].hash, None)


def test_a_reader_sees_one_moment_while_a_writer_commits(log: Log) -> None:
    before = record(log, new("acme", 0))

    with log.reading() as reader:
        assert list(reader.events()) == before
        after = record(log, new("acme", 1))
        assert list(reader.events()) == before
        assert reader.partnership_head("acme") == (0, 1, before[0].hash)

    assert everything(log) == before + after


def test_a_reader_cannot_write(log: Log) -> None:
    with pytest.raises(TimelineError) as refused, log.reading() as reader:
        reader.connection.exec_driver_sql("DELETE FROM stored_text")

    assert refused.value.code == "storage_failed"


# -- nothing recorded is ever changed ----------------------------------------------------------------------------

ROW = "'opening', {key}, {idempotency_key}, '', {recorded_at}, '{{}}', '', ''"
SAME = "1, 'acme', 0, " + ROW.format(key="'k'", idempotency_key="'i'", recorded_at=9)
CHANGES = {
    "insert or update": f"INSERT INTO event VALUES ({SAME}) ON CONFLICT (seq) DO UPDATE SET body = '{{}}'",
    "update": "UPDATE event SET body = '{}' WHERE seq = 1",
    "delete": "DELETE FROM event WHERE seq = 3",
    "update of a text": "UPDATE stored_text SET media_type = 'x'",
    "delete of a text": "DELETE FROM stored_text",
}
ON_SQLITE = {
    f"replace by {what}": f"INSERT OR REPLACE INTO event VALUES ({place}, {ROW.format(**values)})"
    for what, place, values in [
        ("seq", "1, 'new', 0", {"key": "NULL", "idempotency_key": "NULL", "recorded_at": 9}),
        ("version", "9, 'acme', 0", {"key": "NULL", "idempotency_key": "NULL", "recorded_at": 9}),
        ("key", "9, 'new', 0", {"key": "'k'", "idempotency_key": "NULL", "recorded_at": 9}),
        ("idempotency key", "9, 'new', 0", {"key": "NULL", "idempotency_key": "'i'", "recorded_at": 9}),
        ("instant", "9, 'new', 0", {"key": "NULL", "idempotency_key": "NULL", "recorded_at": 1767268800000000}),
    ]
} | {"replace of a text": f"INSERT OR REPLACE INTO stored_text VALUES ('{sha256(b't').hexdigest()}', '', x'00')"}
ON_POSTGRESQL = {
    "truncate": "TRUNCATE event",
    "merge": "MERGE INTO event USING (SELECT 1) AS given ON seq = 1 WHEN MATCHED THEN DELETE",
    "truncate of texts": "TRUNCATE stored_text",
    "delete as a replica": "SET LOCAL session_replication_role = replica; DELETE FROM event",
}


def refuses(log: Log, statement: str) -> None:
    with log.writing() as writer:
        made = writer.append_many([new("acme", 0, key="k", idempotency_key="i"), new("acme", 1), new("bolt", 0)])
        digest = writer.store_text(b"t", "text/plain")

    with pytest.raises(IntegrityError, match="append-only"), log.writing() as writer:
        writer.connection.exec_driver_sql(statement)

    assert everything(log) == made
    with log.reading() as reader:
        assert reader.text(digest) == StoredText(digest, "text/plain", b"t")


@pytest.mark.parametrize("statement", CHANGES.values(), ids=CHANGES)
def test_the_database_itself_refuses_to_change_the_record(log: Log, statement: str) -> None:
    refuses(log, statement)


@pytest.mark.parametrize("statement", ON_SQLITE.values(), ids=ON_SQLITE)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sqlite_refuses_to_replace_what_is_recorded(log: Log, statement: str) -> None:
    refuses(log, statement)


@pytest.mark.parametrize("statement", ON_POSTGRESQL.values(), ids=ON_POSTGRESQL)
@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_postgresql_refuses_to_empty_the_record(log: Log, statement: str) -> None:
    refuses(log, statement)


# -- damage is found ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statements", "sound", "fault"),
    [
        (
            ["UPDATE event SET body = replace(body, 'b', 'B') WHERE seq = 2"],
            1,
            Fault(2, "acme/1", "Its hash is not that of its fields: one of them was changed."),
        ),
        (
            ["UPDATE event SET recorded_at = 9000000000000000000 WHERE seq = 2"],
            1,
            Fault(2, "event 2", "It cannot be read: 9000000000000000000 microseconds from 1970 on are no instant."),
        ),
        (["DELETE FROM event WHERE seq = 2"], 1, Fault(2, "event 2", "Event 2 is missing: after 1 comes 3.")),
        (
            [f"UPDATE event SET seq = {to} WHERE seq = {was}" for was, to in ((1, 9), (2, 1), (9, 2))],
            0,
            Fault(1, "acme/1", "Its hash is not that of its fields: one of them was changed."),
        ),
    ],
    ids=["flipped byte", "impossible instant", "removed", "reordered"],
)
def test_damage_is_found_and_its_first_event_named(
    log: Log, database_url: str, statements: list[str], sound: int, fault: Fault
) -> None:
    made = three(log)

    tamper(database_url, *statements)

    assert log.verify() == Verification(sound, made[sound - 1].hash if sound else GENESIS, fault)


def forge(event: Event, **changes: Any) -> str:
    """The statement that changes an event and gives it the hash of its new fields."""
    forged = replace(event, **changes)
    values = {"version": forged.version, "previous_hash": f"'{forged.previous_hash}'", "hash": f"'{link(forged)}'"}
    assignments = ", ".join(f"{column} = {value}" for column, value in values.items())
    return f"UPDATE event SET body = '{forged.body}', {assignments} WHERE seq = {event.seq}"


def test_an_event_forged_with_a_fitting_hash_breaks_the_chain_after_it(log: Log, database_url: str) -> None:
    made = three(log)

    tamper(database_url, forge(made[1], body="{}"))

    fault = log.verify().fault
    assert fault is not None
    assert (fault.seq, fault.name) == (3, "bolt/0")


def test_a_gap_in_the_versions_is_found_though_every_hash_fits(log: Log, database_url: str) -> None:
    made = three(log)

    tamper(database_url, forge(made[2], version=1))

    what = "Its version should be 0: an event of its partnership is missing or out of order."
    assert log.verify() == Verification(2, made[1].hash, Fault(3, "bolt/1", what))


def test_a_tail_cut_off_is_found_by_whoever_noted_the_head(log: Log, database_url: str) -> None:
    made = three(log)
    head = (made[-1].seq, made[-1].hash)
    assert log.verify(head) == Verification(3, made[2].hash, None)

    tamper(database_url, "DELETE FROM event WHERE seq > 1")

    assert log.verify() == Verification(1, made[0].hash, None)
    what = "The log ends at event 1, but event 3 was once on record."
    assert log.verify(head) == Verification(1, made[0].hash, Fault(2, "event 2", what))


def test_a_history_rewritten_as_a_whole_is_found_by_whoever_noted_its_head(log: Log) -> None:
    made = three(log)

    what = "Its hash is not the one noted for it: the log was rewritten up to here."
    assert log.verify((2, "f" * 64)) == Verification(1, made[0].hash, Fault(2, "acme/1", what))


def test_a_stored_text_that_was_changed_is_found(log: Log, database_url: str) -> None:
    made = three(log)
    with log.writing() as writer:
        digest = writer.store_text(b"as it was", "text/plain")
        writer.store_text(b"another", "text/plain")

    another = f"(SELECT content FROM stored_text WHERE sha256 <> '{digest}')"
    tamper(database_url, f"UPDATE stored_text SET content = {another} WHERE sha256 = '{digest}'")

    fault = Fault(None, f"text {digest}", "Its bytes are not those that were stored.")
    assert log.verify() == Verification(3, made[2].hash, fault)


def test_a_byte_of_the_file_that_is_no_text_any_more_is_found(sqlite_url: str, clock: Clock) -> None:
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    log = Log.open(sqlite_url, clock=clock)
    made = record(log, new("acme", 0), new("acme", 1, said="needle"), new("acme", 2))
    log.close()

    path.write_bytes(path.read_bytes().replace(b'{"said":"needle"}', b'{"said":"n\xffedle"}'))

    log = Log.open(sqlite_url, clock=clock)
    verdict = log.verify()
    log.close()
    assert verdict.fault is not None
    assert (verdict.events, verdict.head_hash, verdict.fault.seq) == (1, made[0].hash, 2)


# -- trouble with the database -----------------------------------------------------------------------------------


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Somebody else is writing."""
    other = Log.open(url)
    with pytest.raises(ZeroDivisionError), other.writing() as writer:  # noqa: PT012 - undoes what it wrote
        writer.append_many([new("other", 0)])
        yield
        raise ZeroDivisionError
    other.close()


def test_a_database_that_stays_locked_is_busy(database_url: str) -> None:
    log = Log.open(database_url, patience=0.1)

    with locked(database_url), pytest.raises(TimelineError) as refused:
        record(log, new("acme", 0))

    assert refused.value.code == "database_busy"
    record(log, new("acme", 0))
    log.close()


def test_a_writer_waits_for_another_who_is_soon_done(database_url: str) -> None:
    log = Log.open(database_url)
    with ThreadPoolExecutor(1) as pool:
        with locked(database_url):
            waiting = pool.submit(record, log, new("acme", 0))
            assert not waiting.done()
        made = waiting.result(timeout=10)

    assert everything(log) == made
    log.close()


def test_threads_write_in_the_order_in_which_they_came() -> None:
    turns, entered = Turns(patience=10), []

    def enter(number: int) -> None:
        with turns.turn():
            entered.append(number)

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(5)]
    with turns.turn():
        for number, thread in enumerate(threads, 1):
            thread.start()
            while len(turns._waiting) < number:
                threading.Event().wait(0.001)
    for thread in threads:
        thread.join()

    assert entered == [0, 1, 2, 3, 4]


def test_a_thread_whose_turn_does_not_come_gives_up_and_keeps_nobody_waiting() -> None:
    turns = Turns(patience=0.01)

    with turns.turn(), ThreadPoolExecutor(1) as pool:
        refused = pool.submit(turns.turn().__enter__).exception()

    assert isinstance(refused, TimelineError)
    assert refused.code == "database_busy"
    with turns.turn():
        pass


def test_a_database_that_may_only_be_read_says_so(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        path = database_url.removeprefix("sqlite:///")
        log = Log.open(f"sqlite:///file:{path}?mode=ro&uri=true")
    else:
        log = Log.open(f"{database_url}&options=-c%20default_transaction_read_only%3Don")

    with pytest.raises(TimelineError) as refused:
        record(log, new("acme", 0))

    assert refused.value.code == "storage_failed"
    assert everything(log) == []
    log.close()


def test_a_full_disk_keeps_nothing_and_says_so(sqlite_url: str) -> None:
    log = Log.open(sqlite_url)

    with pytest.raises(TimelineError) as refused, log.writing() as writer:  # noqa: PT012 - the limit is the disk's
        writer.connection.exec_driver_sql("PRAGMA max_page_count = 1")
        writer.append_many([new("acme", 0, said="x" * 100_000)])

    assert refused.value.code == "storage_failed"
    assert everything(log) == []
    log.close()


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database at all" * 100)
    log = Log.open(f"sqlite:///{tmp_path}/x.db")

    with pytest.raises(TimelineError) as refused:
        record(log, new("acme", 0))

    assert refused.value.code == "integrity_failure"
    log.close()


@pytest.mark.parametrize("url", ["sqlite:////no/such/folder/x.db", "postgresql://nobody@/x?host=/no/such/folder"])
def test_a_database_that_cannot_be_reached_is_named_as_that(url: str) -> None:
    log = Log.open(url)

    with pytest.raises(TimelineError) as refused:
        everything(log)

    assert refused.value.code == "storage_failed"
    log.close()


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://host/x", "sqlite://", "sqlite:///:memory:"])
def test_a_url_that_can_hold_no_record_is_refused(url: str) -> None:
    with pytest.raises(TimelineError) as refused:
        Log.open(url)

    assert refused.value.code == "invalid_configuration"


# -- the tables --------------------------------------------------------------------------------------------------


def test_the_tables_are_those_that_the_code_describes(log: Log) -> None:
    with log.writing() as writer:
        command.check(migrations.configuration(writer.connection))


def test_migrating_again_changes_nothing(log: Log) -> None:
    made = three(log)

    log.migrate()

    log.check_schema()
    assert everything(log) == made


def test_several_may_migrate_at_once(bare_url: str) -> None:
    logs = [Log.open(bare_url) for _ in range(3)]

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(Log.migrate, logs))

    for log in logs:
        log.check_schema()
        log.close()


def schema_mismatch(log: Log, work: Callable[[Log], None]) -> str:
    with pytest.raises(TimelineError) as refused:
        work(log)
    assert refused.value.code == "schema_mismatch"
    return refused.value.detail


def test_a_database_without_a_record_is_refused_and_not_created(bare_url: str, tmp_path: Path) -> None:
    log = Log.open(bare_url)

    assert "no" in schema_mismatch(log, Log.check_schema)

    log.close()
    assert list(tmp_path.iterdir()) == []


def test_a_database_from_the_future_is_refused(log: Log) -> None:
    with log.writing() as writer:
        writer.connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")

    assert "9999" in schema_mismatch(log, Log.check_schema)
    assert "9999" in schema_mismatch(log, Log.migrate)


def test_a_closed_log_is_one_file_that_can_be_copied(sqlite_url: str, tmp_path: Path) -> None:
    log = Log.open(sqlite_url)
    made = three(log)
    log.close()

    shutil.copy(sqlite_url.removeprefix("sqlite:///"), tmp_path / "copy.db")

    copy = Log.open(f"sqlite:///{tmp_path}/copy.db")
    assert everything(copy) == made
    copy.close()
