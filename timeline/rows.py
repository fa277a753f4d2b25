"""Rectangles: what we held of each term, on which days, from which position of the log to which.

A projection of the log for fast questions. It is kept in the transaction of each append, answers any (day, seq) by
index, and may be dropped and rebuilt: a rebuild writes a new generation beside the one that is read, and a pointer
in `projection` says which that is. No generation at all means that the rectangles were never built.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from contextlib import closing
from functools import lru_cache
from typing import NamedTuple

from sqlalchemy import Connection, delete, func, select, update

from timeline.core.history import Book, Slot
from timeline.core.line import Cells, Line, parting
from timeline.core.terms import Value, value_to_json
from timeline.database import FEW, directly, insert_rows
from timeline.log import Reader
from timeline.tables import projection, rectangle

OPEN = 2**63 - 1
"""`known_to` of what we hold today."""


class Rectangle(NamedTuple):
    """From `known_from` to before `known_to` (seq) we held that this cell governed `[valid_from, valid_to)`."""

    partnership: str
    lane: str
    term: str
    valid_from: int
    known_from: int
    valid_to: int
    known_to: int
    n: int
    number: int
    status: str
    value: str | None


Place = tuple[str, str, str, int]
"""Partnership, lane, term and first day: what tells the open rectangles of one moment apart."""


class Batch:
    """The rectangles that some acts open and close, until they are written."""

    def __init__(self) -> None:
        self.opened: dict[Place, Rectangle] = {}
        self.closed: list[Rectangle] = []
        """Opened and closed again by the acts on this batch."""
        self.closing: list[tuple[Place, int]] = []
        """What earlier acts opened and these close, and at which seq."""

    def note(self, partnership: str, seq: int, book: Book, before: dict[Slot, Line]) -> None:
        """Note what one act changed.

        Args:
            book: The partnership's, which has heard the act.
            before: What `book.hear` returned.
        """
        for slot, line in before.items():
            lane, name = slot.force, str(slot.term)
            gone, new = difference(line.cells, book.line(slot.term, lane).cells)
            texts: dict[int, str | None] = {}
            for cell in gone:
                place = (partnership, lane, name, cell.start.toordinal())
                opened = self.opened.pop(place, None)
                if opened is None:
                    self.closing.append((place, seq))
                else:
                    self.closed.append(Rectangle(*opened[:6], seq, *opened[7:]))
                    texts[id(cell.value)] = opened.value
            for start, end, ref, value, status in new:
                # What is left of a cell that was cut has its very value, whose text is known.
                text = texts.get(id(value)) or (None if value is None else _text_of(value))
                first = start.toordinal()
                self.opened[partnership, lane, name, first] = Rectangle(
                    partnership, lane, name, first, seq, end.toordinal(), OPEN, ref.n, ref.number, status, text
                )

    def write(self, connection: Connection, generation: int) -> None:
        """Write everything, and begin an empty batch."""
        if self.closing:
            closings = [(generation, *place, seq) for place, seq in self.closing]
            on_postgresql = connection.dialect.name == "postgresql"
            with directly(connection) as driver, closing(driver.cursor()) as cursor:
                if on_postgresql and len(closings) > FEW:
                    cursor.execute(_CLOSE_MANY, {"closing": _compact(closings)})
                else:
                    given = [(seq, *place) for *place, seq in closings]
                    cursor.executemany(_CLOSE.replace("?", "%s") if on_postgresql else _CLOSE, given)
        write(connection, generation, self.rows())
        self.clear()

    def rows(self) -> list[Rectangle]:
        """The rectangles to insert."""
        return [*self.closed, *self.opened.values()]

    def __len__(self) -> int:
        return len(self.closing) + len(self.closed) + len(self.opened)

    def clear(self) -> None:
        self.opened.clear()
        self.closed.clear()
        self.closing.clear()


def difference(before: Cells, after: Cells) -> tuple[Cells, Cells]:
    """The cells that only the first line has, and those that only the second has."""
    old, new = parting(before, after)
    return tuple([cell for cell in old if cell not in new]), tuple([cell for cell in new if cell not in old])


def generation(connection: Connection) -> int | None:
    """The generation to read and to keep; None when the rectangles must be built first."""
    found: int | None = connection.scalar(_GENERATION)
    return found


def abandon(connection: Connection) -> None:
    """Let the rectangles no longer be read, because the log was written past them."""
    connection.execute(update(projection).where(projection.c.name == "rectangles").values(generation=None))


def stored(reader: Reader, partnership: str) -> list[Rectangle]:
    """The rectangles of a partnership in the generation that is read, in no particular order."""
    mine = (rectangle.c.generation == generation(reader.connection), rectangle.c.partnership == partnership)
    return [Rectangle(*row) for row in reader.connection.execute(select(*_COLUMNS).where(*mine))]


def count(connection: Connection) -> int:
    """How many rectangles the generation that is read has."""
    mine = rectangle.c.generation == generation(connection)
    return connection.scalar(select(func.count()).select_from(rectangle).where(mine)) or 0


def write(connection: Connection, generation: int, rows: Sequence[Rectangle]) -> None:
    """Insert rectangles into a generation, in the transaction that is open."""
    if rows:
        insert_rows(connection, "rectangle", _NAMES, [(generation, *row) for row in rows])


def erase(connection: Connection, generation: int, partnership: str) -> None:
    """Remove a partnership's rectangles from a generation that nobody reads."""
    mine = (rectangle.c.generation == generation, rectangle.c.partnership == partnership)
    connection.execute(delete(rectangle).where(*mine))


@lru_cache(maxsize=256)
def _text_of(value: Value) -> str:
    """The value as it is stored; kept, because the same is said again and again."""
    return _compact(value_to_json(value, stored=True))


_compact = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_COLUMNS = [rectangle.c[name] for name in Rectangle._fields]
_NAMES = ("generation", *Rectangle._fields)
_GENERATION = select(projection.c.generation).where(projection.c.name == "rectangles")
_CLOSE = f"""
    UPDATE rectangle SET known_to = ? WHERE generation = ? AND partnership = ? AND lane = ? AND term = ?
    AND valid_from = ? AND known_to = {OPEN}
    """  # noqa: S608  # our own number
# One statement for many rows. Left to itself PostgreSQL reads the table whole to find a few of them; where the rows
# lie is therefore asked first, one by one, by the index.
_CLOSE_MANY = f"""
    UPDATE rectangle SET known_to = given.seq FROM (
        SELECT (given ->> 0)::bigint AS generation, given ->> 1 AS partnership, given ->> 2 AS lane,
            given ->> 3 AS term, (given ->> 4)::integer AS valid_from, (given ->> 5)::bigint AS seq
        FROM json_array_elements(%(closing)s::json) AS given) AS given
    WHERE rectangle.generation = given.generation AND rectangle.partnership = given.partnership
        AND rectangle.lane = given.lane AND rectangle.term = given.term AND rectangle.valid_from = given.valid_from
        AND rectangle.ctid = ANY (ARRAY(SELECT (
            SELECT ctid FROM rectangle WHERE generation = (given ->> 0)::bigint AND partnership = given ->> 1
            AND lane = given ->> 2 AND term = given ->> 3 AND valid_from = (given ->> 4)::integer
            AND known_to = {OPEN}) FROM json_array_elements(%(closing)s::json) AS given))
    """  # noqa: S608  # our own number
