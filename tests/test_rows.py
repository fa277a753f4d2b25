"""The rectangles answer what the fold answers, at every day and position, whatever was recorded in whatever way."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.conftest import Clock
from tests.test_acts import OPENING, asked, stake
from tests.worlds import LANES, STARTS, World, worlds
from tests.worlds import OPENING as ADA_BO
from timeline import rows, standing
from timeline.acts import Desk
from timeline.core.errors import TimelineError
from timeline.core.history import Book
from timeline.core.line import Cell, Ref, at
from timeline.core.terms import BUILTIN, Term
from timeline.documents import walk
from timeline.log import Fault, Log, Reader
from timeline.rebuilding import differing, rebuild
from timeline.records import recorded
from timeline.rows import OPEN, Rectangle
from timeline.standing import state_cells
from timeline.tables import MILESTONE

Everything = dict[tuple[int, date, str], dict[Term, Cell] | None]
_names = itertools.count(1)


def documents(world: World) -> list[dict[str, Any]]:
    """The world under a name of its own, no two documents of it alike."""
    name = f"w{next(_names):04}"
    renamed = json.loads(json.dumps([ADA_BO, *world.documents]).replace("ada-bo", name))
    for place, document in enumerate(renamed[1:]):
        document["reason" if "reason" in document else "title"] = f"Number {place}"
    found: list[dict[str, Any]] = renamed
    return found


def by_rows(reader: Reader, partnership: str, days: Sequence[date] = STARTS) -> Everything:
    return {
        (seq, day, lane): state_cells(reader, partnership, day, seq, lane)
        for seq in positions(reader, partnership)
        for day in days
        for lane in LANES
    }


def by_fold(reader: Reader, partnership: str, days: Sequence[date] = STARTS) -> Everything:
    found: Everything = {}
    for seq in positions(reader, partnership):
        book = Book().hear_all(map(recorded, reader.events_of(partnership, upto=seq)))
        for lane in LANES:
            lines = {term: book.line(term, lane).cells for term in book.terms(lane)}
            for day in days:
                governing = {term: at(cells, day) for term, cells in lines.items()}
                found[seq, day, lane] = {term: cell for term, cell in governing.items() if cell is not None}
    return found


def positions(reader: Reader, partnership: str) -> list[int]:
    """Before the partnership, and after each of its acts."""
    return [0, *(event.seq for event in reader.events_of(partnership))]


@pytest.mark.slow
@pytest.mark.parametrize("way", ["append", "import"])
def test_rectangles_answer_what_the_fold_answers(log: Log, clock: Clock, tmp_path: Path, way: str) -> None:
    """Law 2, at every (day, seq, lane): as kept by every append or import, and after a rebuild."""
    desk = Desk(log, BUILTIN, clock)
    names = []

    @settings(max_examples=50, suppress_health_check=list(HealthCheck))
    @given(worlds())
    def holds(world: World) -> None:
        said = documents(world)
        names.append(said[0]["partnership"])
        if way == "append":
            for document in said:
                desk.append(asked(document))
        else:
            folder = tmp_path / names[-1]
            folder.mkdir()
            (folder / "all.ndjson").write_text("\n".join(map(json.dumps, said)))
            desk.import_files(walk([folder]))
        with log.reading() as reader:
            assert len(positions(reader, names[-1])) == len(said) + 1
            answered = by_fold(reader, names[-1])
            assert by_rows(reader, names[-1]) == answered
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(standing, "_FEW", 0)  # as if it had many
                assert by_rows(reader, names[-1]) == answered

    holds()

    with log.reading() as reader:
        kept = {name: sorted(rows.stored(reader, name)) for name in names}
        assert differing(reader) is None
    rebuild(log)
    with log.reading() as reader:
        assert {name: sorted(rows.stored(reader, name)) for name in names} == kept
        assert by_rows(reader, names[-1]) == by_fold(reader, names[-1])


def test_a_long_record_answers_what_the_fold_answers(log: Log, clock: Clock) -> None:
    """At every (day, seq), where milestones tell how far its terms had come, and where they mislead.

    Steps in order and late, for good and for a time, scheduled long ahead, in two lanes, and some taken back.
    """
    chance, first = random.Random(7), date(2021, 1, 1)
    documents: list[dict[str, Any]] = [OPENING]
    for number in range(99):
        announced = first + timedelta(days=max(number - chance.choice([0, 0, 0, 20]), 0))
        term = chance.choice("ab")
        start = announced + timedelta(days=chance.choice([0, 0, 400]) if term == "b" else 0)
        way = chance.choice([{}, {}, {}, {"until": str(start + timedelta(days=5)), "temporary": chance.random() < 0.5}])
        said = {"term": f"stake/{term}", "direction": "acme -> bolt", "set": {"percent": number % 97}}
        statement = {**said, "quote": "a stake", "effective": str(start), **way}
        force = chance.choice(["agreed", "agreed", "reported"])
        documents.append(stake(1, str(announced), title=f"{number}", statements=[statement], force=force))
        if chance.random() < 0.1:
            documents.append({"retracts": f"acme-bolt/{len(documents) - 1}", "reason": f"{number} was wrong"})
    desk = Desk(log, BUILTIN, clock)
    for document in documents:
        desk.append(asked(document))
    days = [first + timedelta(days=number) for number in (-1, 0, 7, 20, 21, 40, 60, 98, 110, 300, 430, 505)]

    with log.reading() as reader, pytest.MonkeyPatch.context() as patch:
        assert (reader.connection.scalar(text(f"SELECT count(*) FROM rectangle WHERE {MILESTONE}")) or 0) >= 3
        patch.setattr(standing, "_FEW", 0)  # each term is sought by the index
        assert by_rows(reader, "acme-bolt", days) == by_fold(reader, "acme-bolt", days)


def test_a_new_value_closes_what_was_held_and_nothing_else(log: Log, clock: Clock) -> None:
    desk = Desk(log, BUILTIN, clock)
    for document in (OPENING, stake(10, "2021-01-01"), stake(12, "2022-01-01")):
        desk.append(asked(document))

    with log.reading() as reader:
        kept = sorted(rows.stored(reader, "acme-bolt"))

    days = [date(2021, 1, 1).toordinal(), date(2022, 1, 1).toordinal(), date.max.toordinal()]
    ten, twelve = ('{"percent":{"value":"10"}}', '{"percent":{"value":"12"}}')
    head = ("acme-bolt", "agreed", "stake/bolt")
    assert kept == [
        Rectangle(*head, days[0], 2, days[2], 3, 1, 1, "in_force", ten),
        Rectangle(*head, days[0], 3, days[1], OPEN, 1, 1, "in_force", ten),
        Rectangle(*head, days[1], 3, days[2], OPEN, 2, 1, "in_force", twelve),
    ]


def test_a_dry_run_and_a_file_left_out_write_no_rectangles(log: Log, clock: Clock, tmp_path: Path) -> None:
    desk = Desk(log, BUILTIN, clock)
    desk.append(asked(OPENING))
    half = [stake(11, "2022-01-01"), {**stake(12, "2023-01-01"), "partnership": "nobody"}]
    for name, lines in (("1", half), ("2", [stake(13, "2024-01-01")])):
        (tmp_path / f"{name}.ndjson").write_text("\n".join(map(json.dumps, lines)))

    desk.append(asked(stake(10, "2021-01-01")), dry_run=True)
    desk.import_files(walk([tmp_path]), keep_going=True)

    with log.reading() as reader:
        assert [(row.n, row.valid_from) for row in rows.stored(reader, "acme-bolt")] == [
            (1, date(2024, 1, 1).toordinal())
        ]
        assert differing(reader) is None


def many(log: Log, clock: Clock, partnerships: int) -> Desk:
    desk = Desk(log, BUILTIN, clock)
    for number in range(partnerships):
        name = {"partnership": f"p{number:03}"}
        for document in (OPENING, stake(10, "2021-01-01"), stake(12, "2022-01-01")):
            desk.append(asked(document | name))
    return desk


def test_appends_during_a_rebuild_are_in_what_it_builds(log: Log, clock: Clock) -> None:
    """Also to a partnership that was already built, and more of them than are done under the lock."""
    desk = many(log, clock, 120)

    def meanwhile(_done: int, _total: int) -> None:
        for number in range(120):
            desk.append(asked(stake(14, "2023-01-01", partnership=f"p{number:03}")))

    rebuild(log, meanwhile)

    with log.reading() as reader:
        assert differing(reader) is None
        assert rows.generation(reader.connection) == 2
        assert rows.count(reader.connection) == 120 * 5


def test_a_rebuild_that_was_killed_leaves_nothing_that_is_read(log: Log, clock: Clock) -> None:
    """The next one removes what it left and begins anew."""
    many(log, clock, 3)

    def killed(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rebuild(log, killed)
    with log.writing() as writer:
        rows.write(writer.connection, 2, [Rectangle("p000", "agreed", "x/y", 1, 1, 2, OPEN, 1, 1, "in_force", None)])
    with log.reading() as reader:
        assert (rows.generation(reader.connection), differing(reader)) == (1, None)

    assert rebuild(log) == 9
    with log.reading() as reader:
        assert (rows.generation(reader.connection), differing(reader)) == (3, None)
        assert reader.connection.scalar(text("SELECT count(*) FROM rectangle")) == 9


def test_of_two_rebuilds_the_later_one_goes_on(log: Log, clock: Clock) -> None:
    many(log, clock, 3)
    made: list[int] = []

    def another(_done: int, _total: int) -> None:
        if not made:
            made.append(0)
            made[0] = rebuild(log)

    with pytest.raises(TimelineError) as refused:
        rebuild(log, another)

    assert (refused.value.code, made) == ("database_busy", [9])
    with log.reading() as reader:
        assert differing(reader) is None


def test_rectangles_that_were_never_built_answer_nothing(log: Log, clock: Clock) -> None:
    """Appends go on without them, and a rebuild brings them."""
    desk = many(log, clock, 1)
    with log.writing() as writer:
        rows.abandon(writer.connection)
    desk.append(asked(stake(14, "2023-01-01", partnership="p000")))

    with log.reading() as reader:
        assert state_cells(reader, "p000", date(2022, 1, 1), 4) is None
        assert differing(reader) == Fault(None, "rectangles", "They were never built for this record.")
    rebuild(log)
    with log.reading() as reader:
        assert differing(reader) is None


@pytest.mark.parametrize(
    ("damage", "named"),
    [
        ("UPDATE rectangle SET n = 2 WHERE partnership = 'p001' AND n = 1", "rectangles of p001"),
        ("DELETE FROM rectangle WHERE partnership = 'p001' AND n = 1", "rectangles of p001"),
        ("UPDATE rectangle SET partnership = 'nobody' WHERE partnership = 'p001'", "rectangles of p001"),
        (
            "INSERT INTO rectangle VALUES (1, 'nobody', 'agreed', 'x/y', 1, 1, 2, 9, 1, 1, 'in_force', NULL)",
            "rectangles",
        ),
    ],
    ids=["changed", "removed", "moved", "added"],
)
def test_rectangles_that_differ_from_the_fold_are_found(log: Log, clock: Clock, damage: str, named: str) -> None:
    many(log, clock, 2)
    with log.writing() as writer:
        writer.connection.execute(text(damage))

    with log.reading() as reader:
        fault = differing(reader)

    assert fault is not None
    assert fault.name == named


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_a_difference_turns_one_line_into_the_other(before: list[int], after: list[int]) -> None:
    day = date(2020, 1, 1)
    lines = [
        tuple(
            Cell(date.fromordinal(day.toordinal() + place), day, Ref(value, 1), None, "")
            for place, value in enumerate(line)
        )
        for line in (before, after)
    ]

    gone, new = rows.difference(*lines)

    assert {*lines[0]} - {*gone} | {*new} == {*lines[1]}
    assert not {*gone} & {*new}


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_question_reads_no_table_whole(log: Log) -> None:
    """Left to itself the planner of PostgreSQL joins by reading every rectangle of the record."""
    with log.writing() as writer:
        rows.write(
            writer.connection,
            1,
            [
                Rectangle(
                    f"p{number % 50}", "agreed", f"x/t{number % 10}", number, 1, 9999, OPEN, 1, 1, "in_force", None
                )
                for number in range(1, 8000)
            ],
        )
        asked_for = {"partnership": "p7", "day": 5000, "seq": 5, "lane": "agreed", "few": standing._FEW}
        plans = [
            "\n".join(line for (line,) in writer.plain(f"EXPLAIN {question['postgresql']}", asked_for))
            for question in (standing._OF_FEW, standing._STATE)
        ]

    assert "Index Scan Backward using rectangle_pkey" in plans[1]
    assert "Index Scan using rectangle_milestone" in plans[1]
    assert not [plan for plan in plans if "Seq Scan on rectangle" in plan]


def test_of_a_partnership_with_many_rectangles_not_each_is_looked_at(log: Log, clock: Clock) -> None:
    desk = Desk(log, BUILTIN, clock)
    for document in (OPENING, stake(10, "2021-01-01"), stake(12, "2022-01-01")):
        desk.append(asked(document))
    asked_for = {"partnership": "acme-bolt", "day": date(2023, 1, 1).toordinal(), "seq": 3, "lane": "agreed"}

    with log.reading() as reader:
        question = standing._OF_FEW[reader.connection.dialect.name]
        assert len(reader.plain(question, asked_for | {"few": 3})) == 1
        assert reader.plain(question, asked_for | {"few": 2}) == []


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_question_takes_no_more_steps_in_a_long_record(log: Log) -> None:
    """Counted in instructions of SQLite, which may otherwise look at every rectangle before it asks whether to."""
    far = date.max.toordinal()
    for name, many in (("long", 500), ("longer", 5_000)):
        with log.writing() as writer:
            held = [
                Rectangle(name, "agreed", f"x/t{number % 2}", number, number, far, OPEN, 1, 1, "in_force", None)
                for number in range(1, many + 1)
            ]
            rows.write(writer.connection, 1, held)
    steps = [_instructions(log, name, date(9000, 1, 1), 5_000, 2) for name in ("long", "longer")]

    assert abs(steps[0] - steps[1]) < 10


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("seq", "day"),
    [(400, 400), (400, 9_000), (9_000, 9_000), (9_000, 400)],
    ids=["then", "then, of long after", "now", "now, of long ago"],
)
def test_a_question_takes_no_more_steps_where_much_was_said_since(log: Log, seq: int, day: int) -> None:
    """A step was said each day, of that day and what follows: what was not yet held is not passed over."""
    far = date.max.toordinal()
    for name, many in (("long", 1_000), ("longer", 5_000)):
        days = [(on, on, far, on + 1 if on < many else OPEN) for on in range(1, many + 1)]
        days += [(on, on + 1, on + 1, OPEN) for on in range(1, many)]
        with log.writing() as writer:
            held = [Rectangle(name, "agreed", "x/t", *each, 1, 1, "in_force", None) for each in days]
            rows.write(writer.connection, 1, held)

    steps = [_instructions(log, name, date.fromordinal(day), seq, 1) for name in ("long", "longer")]

    assert abs(steps[0] - steps[1]) < 10


def _instructions(log: Log, partnership: str, day: date, seq: int, held: int) -> int:
    """How many of SQLite the question for that state takes, which has so many terms."""
    counted = list[None]()
    with log.reading() as reader:
        driver: Any = reader.connection.connection.driver_connection
        driver.set_progress_handler(partial(counted.append, None), 1)
        assert len(state_cells(reader, partnership, day, seq) or ()) == held
        driver.set_progress_handler(None, 1)
    return len(counted)
