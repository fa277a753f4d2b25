"""Builds the rectangles anew beside those that are read, and checks them against the fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby, pairwise
from operator import itemgetter
from typing import NamedTuple

from sqlalchemy import bindparam, select, update

from timeline import rows
from timeline.chain import moment
from timeline.core.errors import TimelineError
from timeline.core.history import Book, Recorded
from timeline.log import Fault, Log, Reader, Writer
from timeline.reader import in_driver
from timeline.records import act_of, recorded
from timeline.rows import Batch, Rectangle
from timeline.tables import event, projection, rectangle

Progress = Callable[[int, int], None]
"""Told how many of how many are done; of 0 when nobody knows."""

_BATCH = 5_000
"""Rows written in one transaction: other writers wait no longer than that takes."""
_PAGE = 1_000
_FEW = 100
"""So few partnerships may be done again while nobody else can append."""


class _Numbers(NamedTuple):
    """The generation that is read, the one that is being built, and the last number given to one."""

    generation: int | None
    building: int | None
    last: int


def quiet(_done: int, _total: int) -> None:
    """The progress that nobody looks at."""


def rebuild(log: Log, progress: Progress = quiet) -> int:
    """How many rectangles there are, now that they were built from the log; readers see the old ones until the end.

    Appends go on meanwhile. A rebuild that was killed leaves nothing that is read, and the next one removes it.

    Raises:
        TimelineError: `database_busy` when another rebuild began after this one; that one goes on.
    """
    log = log.primary  # each page is read anew, and none may end earlier than the one before
    building = _begin(log)
    with log.reading() as reader:
        head = reader.head()[0]
    batch: list[Rectangle] = []
    for row in _fold(log, head, progress):
        batch.append(row)
        if len(batch) >= _BATCH:
            _write(log, building, batch)
            batch = []
    _write(log, building, batch)
    while True:
        with log.reading() as reader:
            news, head = _changed_since(reader, head), reader.head()[0]
        if len(news) <= _FEW:
            break
        for name in news:
            with log.writing() as writer:
                _keep(writer, building)
                _again(writer, building, name)
    with log.writing() as writer:
        writer.hold()
        _keep(writer, building)
        for name in {*news, *_changed_since(writer, head)}:
            _again(writer, building, name)
        writer.connection.execute(_POINTER.values(generation=building, building=None))
        made = rows.count(writer.connection)
    _sweep(log)
    return made


def differing(reader: Reader, progress: Progress = quiet) -> Fault | None:
    """The first partnership whose rectangles are not those that its record gives; None when all are."""
    if rows.generation(reader.connection) is None:
        return Fault(None, "rectangles", "They were never built for this record.")
    seen, names = 0, reader.partnerships()
    for place, name in enumerate(names, start=1):
        kept = rows.stored(reader, name)
        if sorted(kept, key=_by_key) != sorted(folded(reader, name).rows(), key=_by_key):
            return Fault(None, f"rectangles of {name}", "They are not those that its record gives.")
        seen += len(kept)
        progress(place, len(names))
    if seen != rows.count(reader.connection):
        return Fault(None, "rectangles", "Some are of a partnership that was never opened.")
    return None


def _begin(log: Log) -> int:
    """The number of a new generation; whatever an earlier rebuild left behind is removed."""
    with log.writing() as writer:
        writer.hold()
        made = _numbers(writer).last + 1
        writer.connection.execute(_POINTER.values(building=made, last=made))
    _sweep(log)
    return made


def _fold(log: Log, upto: int, progress: Progress) -> Iterator[Rectangle]:
    """Every rectangle of the record up to that position, one partnership after the other."""
    done = 0
    for partnership, records in groupby(_records(log, upto), itemgetter(0)):
        batch, book = Batch(), Book()
        for _, record in records:
            batch.note(partnership, record.seq, book, book.hear(record))
            yield from batch.closed
            batch.closed.clear()
            done += 1
            if done % _PAGE == 0:
                progress(done, upto)
        yield from batch.opened.values()
    progress(done, upto)


def _records(log: Log, upto: int) -> Iterator[tuple[str, Recorded]]:
    """The acts up to that position, each with its partnership, partnership by partnership.

    Each page is a question of its own: nothing before `upto` will ever change, and no snapshot is held for long.
    """
    given: dict[str, object] = {"upto": upto, "partnership": "", "version": -1, "page": _PAGE}
    while True:
        with log.reading() as reader:
            page = reader.plain(_BY_PARTNERSHIP[reader.connection.dialect.name], given)
        for partnership, version, seq, recorded_at, body in page:
            yield partnership, Recorded(seq, version, moment(recorded_at), act_of(body, f"{partnership}/{version}"))
        if len(page) < _PAGE:
            return
        given["partnership"], given["version"], *_ = page[-1]


def _again(writer: Writer, building: int, partnership: str) -> None:
    """Build one partnership's rectangles anew, as its record is now."""
    rows.erase(writer.connection, building, partnership)
    folded(writer, partnership).write(writer.connection, building)


def folded(reader: Reader, partnership: str) -> Batch:
    """The rectangles that a partnership's record gives."""
    batch, book = Batch(), Book()
    for record in map(recorded, reader.events_of(partnership)):
        batch.note(partnership, record.seq, book, book.hear(record))
    return batch


def _changed_since(reader: Reader, seq: int) -> list[str]:
    names = select(event.c.partnership).where(event.c.seq > seq).distinct().order_by(event.c.partnership)
    return list(reader.connection.scalars(names))


def _write(log: Log, building: int, batch: list[Rectangle]) -> None:
    with log.writing() as writer:
        _keep(writer, building)
        rows.write(writer.connection, building, batch)


def _keep(writer: Writer, building: int) -> None:
    """Go on only while no other rebuild has begun."""
    if _numbers(writer).building != building:
        raise TimelineError(
            "database_busy",
            "Another rebuild began after this one, and goes on.",
            "Wait until it is done; there is nothing else to do.",
        )


def _numbers(writer: Writer) -> _Numbers:
    return _Numbers(*writer.connection.execute(_NUMBERS).one())


def _sweep(log: Log) -> None:
    """Remove the generations that are neither read nor built, some partnerships at a time."""
    more = True
    while more:
        with log.writing() as writer:
            more = all(_swept_one(writer) for _ in range(_FEW))


def _swept_one(writer: Writer) -> bool:
    numbers = _numbers(writer)
    for low, high in pairwise(sorted({0, numbers.generation or 0, numbers.building or 0, numbers.last + 1})):
        row = writer.connection.execute(_STALE, {"low": low, "high": high}).first()
        if row is not None:
            rows.erase(writer.connection, row.generation, row.partnership)
            return True
    return False


def _by_key(row: Rectangle) -> tuple[str, str, int, int]:
    return row.lane, row.term, row.valid_from, row.known_from


_NAMED = projection.c.name == "rectangles"
_POINTER = update(projection).where(_NAMED)
_NUMBERS = select(projection.c.generation, projection.c.building, projection.c.last).where(_NAMED)
_STALE = (
    select(rectangle.c.generation, rectangle.c.partnership)
    .where(rectangle.c.generation > bindparam("low"), rectangle.c.generation < bindparam("high"))
    .order_by(rectangle.c.generation, rectangle.c.partnership)
    .limit(1)
)
_BY_PARTNERSHIP = in_driver("""
    SELECT partnership, version, seq, recorded_at, body FROM event
    WHERE seq <= :upto AND (partnership, version) > (:partnership, :version)
    ORDER BY partnership, version LIMIT :page
    """)
