"""Dumps, loads, backups and verification: the same bytes everywhere, and nothing half."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Clock, Run
from tests.test_acts import OPENING, asked, stake
from tests.test_log import tamper
from timeline import search
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.chain import GENESIS, Event
from timeline.core.errors import TimelineError
from timeline.core.questions import read_question
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.keeping import Kept, backup, dump, load, verify
from timeline.log import Log, NewEvent
from timeline.rebuilding import differing

SEEDS = Path(__file__).parent.parent / "seeds"


@pytest.fixture(params=["sqlite", "postgresql"])
def other(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    """A second, empty database of either kind."""
    if request.param == "sqlite":
        opened = Log.open(f"sqlite:///{tmp_path}/other.db")
        opened.migrate()
        with closing(opened):
            yield opened
        return
    server = request.getfixturevalue("postgres")
    server.execute("CREATE DATABASE other TEMPLATE empty")
    with closing(Log.open(server.url("other"))) as opened:
        yield opened
    server.execute("DROP DATABASE other WITH (FORCE)")


def seeded(log: Log, clock: Clock) -> None:
    Desk(log, BUILTIN, clock).import_files(walk([SEEDS]))


def dumped(log: Log) -> bytes:
    out = io.BytesIO()
    dump(log, out)
    return out.getvalue()


def everything(log: Log) -> list[Event]:
    with log.reading() as reader:
        return list(reader.events())


def test_a_record_comes_back_from_a_dump_to_the_byte(log: Log, other: Log, clock: Clock) -> None:
    """From either database into either: the same events, hashes, texts and rectangles."""
    seeded(log, clock)
    first = dumped(log)

    kept = load(other, io.BytesIO(first))

    with log.reading() as one, other.reading() as two:
        assert list(two.events()) == list(one.events())
        assert list(two.texts()) == list(one.texts())
        assert kept == Kept(43, len(list(one.texts())), one.head()[2])
        assert differing(two) is None
    assert dumped(other) == first
    assert verify(other)["sound"]


def test_a_dump_says_what_it_holds(log: Log, clock: Clock) -> None:
    """The lines, whole: another program can read them, and compute the hash of each event."""
    with log.writing() as writer:
        digest = writer.store_text(b"a page", "text/plain")
    made = Desk(log, BUILTIN, clock).append(asked(OPENING, key="o"))

    lines = [json.loads(line) for line in dumped(log).splitlines()]

    (event,) = everything(log)
    assert made["seq"] == 1
    assert lines == [
        {"timeline_dump": 1},
        {"text": digest, "media_type": "text/plain", "content": "YSBwYWdl"},
        {
            "seq": 1,
            "partnership": "acme-bolt",
            "version": 0,
            "kind": "opening",
            "key": "o",
            "idempotency_key": None,
            "content_hash": event.content_hash,
            "recorded_at": 1767268800000000,
            "body": event.body,
            "previous_hash": GENESIS,
            "hash": event.hash,
        },
        {"end": {"events": 1, "texts": 1, "head": event.hash}},
    ]


def test_an_empty_record_is_dumped_and_loaded(log: Log, other: Log) -> None:
    assert load(other, io.BytesIO(dumped(log))) == Kept(0, 0, GENESIS)


def test_a_later_dump_is_loaded_onto_an_earlier_one(log: Log, other: Log, clock: Clock) -> None:
    """And loading the same again, or an older one, changes nothing."""
    desk = Desk(log, BUILTIN, clock)
    desk.append(asked(OPENING))
    earlier = dumped(log)
    desk.append(asked(stake(10, "2021-01-01")))
    later = dumped(log)

    already = [load(other, io.BytesIO(each)).already for each in (earlier, later, later, earlier)]

    assert already == [0, 1, 2, 1]
    assert dumped(other) == later
    assert verify(other)["sound"]


def test_another_record_is_not_mixed_into_this_one(log: Log, other: Log, clock: Clock) -> None:
    Desk(log, BUILTIN, clock).append(asked(OPENING))
    Desk(other, BUILTIN, clock).append(asked(OPENING | {"name": "Another"}))
    before = dumped(other)

    with pytest.raises(TimelineError) as refused:
        load(other, io.BytesIO(dumped(log)))

    assert refused.value.code == "another_record"
    assert dumped(other) == before


def cut_line(lines: list[bytes]) -> list[bytes]:
    return [*lines[:-3], lines[-3][: len(lines[-3]) // 2]]


DAMAGE: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str]] = {
    "cut in a line": (cut_line, "malformed_document"),
    "cut after a line": (lambda lines: lines[:-1], "malformed_document"),
    "flipped byte of an event": (
        lambda lines: [*lines[:-2], lines[-2].replace(b"Bolt holds", b"Bolt hold5"), lines[-1]],
        "integrity_failure",
    ),
    "flipped byte of a text": (
        lambda lines: [lines[0], lines[1].replace(b"YSBwYWdl", b"YSBwYWdm"), *lines[2:]],
        "integrity_failure",
    ),
    "wrong order": (lambda lines: [*lines[:2], lines[3], lines[2], *lines[4:]], "integrity_failure"),
    "a line missing": (lambda lines: [*lines[:3], *lines[4:]], "integrity_failure"),
    "a line twice": (lambda lines: [*lines[:3], *lines[2:]], "integrity_failure"),
    "a line after the end": (lambda lines: [*lines, lines[-1]], "malformed_document"),
    "a field missing": (
        lambda lines: [*lines[:-2], lines[-2].replace(b'"key":null,', b""), lines[-1]],
        "malformed_document",
    ),
    "an instant beyond all years": (
        lambda lines: [*lines[:-2], re.sub(rb'"recorded_at":\d+', b'"recorded_at":%d' % 10**18, lines[-2]), lines[-1]],
        "malformed_document",
    ),
    "a count that differs": (lambda lines: [*lines[:1], *lines[2:]], "malformed_document"),
    "no dump": (lambda lines: lines[1:], "malformed_document"),
    "nothing": (lambda _: [], "malformed_document"),
    "not utf-8": (lambda lines: [lines[0], b"\xff\n", *lines[1:]], "malformed_document"),
}


@pytest.mark.parametrize(("damage", "code"), DAMAGE.values(), ids=DAMAGE)
def test_of_a_damaged_dump_nothing_is_loaded(
    log: Log, clock: Clock, damage: Callable[[list[bytes]], list[bytes]], code: str, tmp_path: Path
) -> None:
    source = Log.open(f"sqlite:///{tmp_path}/source.db", clock=clock)
    source.migrate()
    with source.writing() as writer:
        writer.store_text(b"a page", "text/plain")
    desk = Desk(source, BUILTIN, clock)
    for document in (OPENING, stake(10, "2021-01-01"), stake(12, "2022-01-01")):
        desk.append(asked(document))
    lines = dumped(source).splitlines(keepends=True)
    source.close()

    with pytest.raises(TimelineError) as refused:
        load(log, damage(lines))

    assert refused.value.code == code
    assert everything(log) == []
    with log.reading() as reader:
        assert list(reader.texts()) == []


def test_a_record_that_is_damaged_is_not_dumped_as_if_it_were_whole(log: Log, database_url: str, clock: Clock) -> None:
    seeded(log, clock)
    tamper(database_url, "UPDATE event SET body = replace(body, 'e', 'E') WHERE seq = 9")

    with pytest.raises(TimelineError) as refused:
        dumped(log)

    assert refused.value.code == "integrity_failure"


def restored(path: Path, url: str) -> Log:
    """What the operations handbook says to do with a backup."""
    if url.startswith("sqlite"):
        return Log.open(f"sqlite:///{path}")
    made = Log.open(f"sqlite:///{path}.restored")
    made.migrate()
    with path.open("rb") as stream:
        load(made, stream)
    return made


def test_a_backup_is_the_record_at_one_moment(log: Log, database_url: str, clock: Clock, tmp_path: Path) -> None:
    """Taken while others append; what came later is not in it, and the file is alone in its folder."""
    seeded(log, clock)
    folder = tmp_path / "backups"
    folder.mkdir()

    kept = backup(log, folder / "monday")
    Desk(log, BUILTIN, clock).append(asked(OPENING))

    assert [path.name for path in folder.iterdir()] == ["monday"]
    with closing(restored(folder / "monday", database_url)) as copy:
        assert everything(copy) == everything(log)[:-1]
        assert verify(copy)["sound"]
        assert (kept.events, kept.head) == (43, everything(copy)[-1].hash)


def test_a_backup_overwrites_nothing(log: Log, tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("precious")

    with pytest.raises(TimelineError) as refused:
        backup(log, tmp_path / "kept")

    assert refused.value.code == "storage_failed"
    assert (tmp_path / "kept").read_text() == "precious"


def test_a_backup_that_cannot_be_written_says_so(log: Log, tmp_path: Path) -> None:
    with pytest.raises(TimelineError) as refused:
        backup(log, tmp_path / "no" / "such" / "folder")

    assert refused.value.code == "storage_failed"


def test_a_damaged_record_gives_no_backup(log: Log, database_url: str, clock: Clock, tmp_path: Path) -> None:
    seeded(log, clock)
    tamper(database_url, "UPDATE event SET body = replace(body, 'e', 'E') WHERE seq = 9")

    with pytest.raises(TimelineError) as refused:
        backup(log, tmp_path / "monday")

    assert refused.value.code == "integrity_failure"
    assert not (tmp_path / "monday").exists()
    assert not (tmp_path / "monday.unchecked").exists()


def test_a_sound_record_is_said_to_be_sound(log: Log, clock: Clock) -> None:
    seeded(log, clock)

    with log.reading() as reader:
        head = reader.head()
    assert verify(log, clock=clock) == {
        "events": 43,
        "head": head[2],
        "sound": True,
        "checks": dict.fromkeys(["chain", "bodies", "rectangles", "search", "feeds"]),
        "note": None,
        "remedy": None,
    }


def test_after_a_flipped_byte_reading_goes_on_and_appending_stops(log: Log, database_url: str, clock: Clock) -> None:
    """In the head as in any event of the partnership that is appended to; verify names the event."""
    desk = Desk(log, BUILTIN, clock)
    for document in (OPENING, stake(10, "2021-01-01"), stake(12, "2022-01-01"), OPENING | {"partnership": "other"}):
        desk.append(asked(document))
    tamper(database_url, "UPDATE event SET body = replace(body, '10', '11') WHERE seq = 2")

    with pytest.raises(TimelineError) as refused:
        Desk(log, BUILTIN, clock).append(asked(stake(14, "2023-01-01")))

    assert refused.value.code == "integrity_failure"
    assert "acme-bolt/1" in refused.value.detail
    assert len(everything(log)) == 4
    fault = {
        "event": "acme-bolt/1",
        "seq": 2,
        "what": "Its hash is not that of its fields: one of them was changed.",
    }
    assert verify(log)["checks"] == {"chain": fault}  # nothing further is checked, and nothing further said


def test_nothing_is_built_on_a_last_event_that_was_changed(log: Log, database_url: str, clock: Clock) -> None:
    """Also when it is of another partnership than the one appended to."""
    desk = Desk(log, BUILTIN, clock)
    desk.append(asked(OPENING))
    desk.append(asked(OPENING | {"partnership": "other"}))
    tamper(database_url, "UPDATE event SET body = replace(body, 'Acme', 'Acne') WHERE seq = 2")

    with pytest.raises(TimelineError) as refused:
        desk.append(asked(stake(14, "2023-01-01")))

    assert refused.value.code == "integrity_failure"
    assert len(everything(log)) == 2


def test_a_body_that_this_version_cannot_read_is_named(log: Log) -> None:
    with log.writing() as writer:
        writer.append_many([NewEvent("acme", 0, "opening", None, None, "c", '{"said":"x"}')])

    found = verify(log)

    assert (found["sound"], found["checks"]["bodies"]["event"]) == (False, "acme/0")


def test_rectangles_that_lie_are_named_with_the_remedy(log: Log, clock: Clock) -> None:
    seeded(log, clock)
    with log.writing() as writer:
        writer.connection.exec_driver_sql("DELETE FROM rectangle WHERE partnership = 'harbour-quill' AND n = 2")

    found = verify(log)

    assert (found["sound"], found["checks"]["rectangles"]["event"]) == (False, "rectangles of harbour-quill")
    assert "timeline rebuild" in found["remedy"]


def test_a_tail_that_was_cut_off_is_found_by_whoever_noted_the_head(log: Log, database_url: str, clock: Clock) -> None:
    seeded(log, clock)
    with log.reading() as reader:
        seq, _, head = reader.head()
    tamper(database_url, f"DELETE FROM event WHERE seq = {seq}")

    assert verify(log, (seq, head))["checks"]["chain"] == {
        "event": f"event {seq}",
        "seq": seq,
        "what": f"The log ends at event {seq - 1}, but event {seq} was once on record.",
    }


def test_nothing_is_recorded_over_what_is_left_of_an_end_that_was_cut_off(
    log: Log, database_url: str, clock: Clock
) -> None:
    desk = Desk(log, BUILTIN, clock)
    for document in (OPENING, stake(10, "2021-01-01")):
        desk.append(asked(document))
    tamper(database_url, "DELETE FROM event WHERE seq > 1")

    with pytest.raises(TimelineError) as refused:
        desk.append(asked(stake(10, "2021-01-01")))

    assert (refused.value.code, len(everything(log))) == ("integrity_failure", 1)


@pytest.mark.parametrize(
    ("change", "check"),
    [
        ("UPDATE event SET recorded_at = 1000000000000000000 WHERE seq = 2", "chain"),
        ("UPDATE event SET body = CAST(x'ff' AS TEXT) WHERE seq = 2", "chain"),
        ("UPDATE search_document SET said_words = CAST(x'ff' AS TEXT)", "search"),
    ],
)
def test_what_cannot_be_read_at_all_is_named_and_every_question_refused_in_words(
    sqlite_url: str, clock: Clock, run: Run, change: str, check: str
) -> None:
    """No instant of any year, no UTF-8: the driver cannot make anything of it; PostgreSQL keeps no such text."""
    with closing(Log.open(sqlite_url, clock=clock)) as log:
        desk = Desk(log, BUILTIN, clock)
        for document in (OPENING, stake(10, "2021-01-01"), stake(11, "2021-01-02")):
            desk.append(asked(document))
        search.catch_up(log)
        tamper(sqlite_url, change)

        assert verify(log)["checks"][check] is not None
        assert not verify(log)["sound"]
    for command in ("log", "state acme-bolt", "list", "search stake", "dump", "rebuild", "publish"):
        done = run("--database-url", sqlite_url, *command.split())
        assert (done.exit_code, done.stderr.count("\n")) in ((0, 0), (7, 1)), command


def test_a_dump_that_cannot_be_finished_leaves_no_file(
    log: Log, database_url: str, clock: Clock, run: Run, tmp_path: Path
) -> None:
    seeded(log, clock)
    tamper(database_url, "UPDATE event SET body = replace(body, 'e', 'E') WHERE seq = 9")

    done = run("--database-url", database_url, "dump", "monday")

    assert done.exit_code == 7
    assert not (tmp_path / "monday").exists()


def test_an_index_that_leaves_out_an_event_is_no_reason_to_leave_it_out_of_an_answer(
    sqlite_url: str, clock: Clock, tmp_path: Path
) -> None:
    """The chain is whole, read in the order of the log; by partnership an act would be passed over."""
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    with closing(Log.open(sqlite_url, clock=clock)) as log:
        desk = Desk(log, BUILTIN, clock)
        for document in (OPENING, stake(10, "2021-01-01"), stake(11, "2021-01-02"), stake(12, "2021-01-03")):
            desk.append(asked(document))
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
        by_version = "SELECT rootpage FROM sqlite_schema WHERE name = 'sqlite_autoindex_event_1'"
        ((root,),) = connection.execute(by_version).fetchall()
        ((size,),) = connection.execute("PRAGMA page_size").fetchall()
    pages = bytearray(path.read_bytes())
    page = memoryview(pages)[(root - 1) * size : root * size]
    page[10:12] = page[12:14]  # of the places of its four rows the second is now the third
    path.write_bytes(pages)

    with closing(Log.open(sqlite_url, clock=clock)) as log:
        with pytest.raises(TimelineError) as appended:
            Desk(log, BUILTIN, clock).append(asked(stake(14, "2021-01-04")))
        with pytest.raises(TimelineError) as answered:
            Answers(log, BUILTIN, clock).state("acme-bolt", read_question({"as_of": "2025-01-01"}, clock.now))
        with pytest.raises(TimelineError) as copied:
            backup(log, tmp_path / "monday")

        found = {each.value.code for each in (appended, answered, copied)}
        assert found == {"integrity_failure"}
        assert verify(log)["checks"]["chain"]["event"] == "table event"
        assert len(everything(log)) == 4
