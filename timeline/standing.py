"""What held on a day, as known at a position: the questions to the rectangles, each answered by their index."""

from __future__ import annotations

import json
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from timeline.core.history import AGREED
from timeline.core.line import Cell, Ref
from timeline.core.terms import Term, Value, term, value_from_stored
from timeline.reader import Reader, in_driver
from timeline.tables import MILESTONE

_FEW = 400
"""So many rectangles of a partnership are quicker looked at each than sought term by term."""


class Walk(NamedTuple):
    """A question for what is in force across partnerships.

    Attributes:
        partnership: Where to go on after: a partnership and the term in it, None for all of its terms.
        beginning: What the names of all terms that are wanted begin with, in the signs that such names have.
        party: The slug of a party that the partnership must have.
    """

    day: date
    seq: int
    partnership: str
    term: str | None
    beginning: str
    party: str | None
    limit: int
    steps: int


class Standing(NamedTuple):
    """A term in force on a day, as a rectangle has it; or where the question stopped looking, all but the first None.

    `partnership` is None too where there is none any more.
    """

    steps: int
    """How many places of the index were passed to come here."""
    partnership: str | None
    term: str | None
    cell: Cell | None


def state_cells(
    reader: Reader, partnership: str, as_of: date, known_seq: int, lane: str = AGREED
) -> dict[Term, Cell] | None:
    """What governed each term on that day, as known after position `known_seq`, by name of the term.

    Terms that were silent on that day are left out. None: the rectangles must be built first, ask the fold.
    """
    asked = {"partnership": partnership, "day": as_of.toordinal(), "seq": known_seq, "lane": lane, "few": _FEW}
    kind = reader.connection.dialect.name
    held = reader.plain(_OF_FEW[kind], asked)
    if not held:  # silent that day, or too many to look at each, or not built
        found = reader.plain(_STATE[kind], asked)
        if found[0][0] is None:
            return None
        held = [row[1:] for row in found if row[2] is not None]
    return {_term_of(name): _cell(*row) for name, *row in held}


def in_force(reader: Reader, read: int, asked: Walk) -> list[Standing]:
    """The agreed terms in force on a day in all partnerships, by the code points of their names.

    At most `asked.limit`; before that the last one says where the question stopped: at the end, or after the
    partnership in which it had passed `asked.steps` places.

    Args:
        read: The generation.
    """
    about = asked._asdict() | {"generation": read, "day": asked.day.toordinal(), "high": f"{asked.beginning}~"}
    about["low"] = low = _before(asked.beginning)
    about["term"] = None if asked.term is None else max(asked.term, low)
    question = _WALK[asked.party is not None][reader.connection.dialect.name]
    return [
        Standing(steps, partnership, term, None if n is None else _cell(start, end, n, *rest))
        for steps, partnership, term, start, end, n, *rest in reader.plain(question, about)
    ]


@lru_cache(maxsize=4096)
def _value_of(text: str) -> Value:
    return value_from_stored(json.loads(text))


@lru_cache(maxsize=4096)
def _term_of(name: str) -> Term:
    return term(name)


def _cell(start: int, end: int, n: int, number: int, status: str, value: str | None) -> Cell:
    """The cell that is stored so; its days as numbers."""
    read = None if value is None else _value_of(value)
    return Cell(date.fromordinal(start), date.fromordinal(end), Ref(n, number), read, status)


def _before(beginning: str) -> str:
    """What comes before all names that begin so, and after all others before them: “~” comes after their signs."""
    return f"{beginning[:-1]}{chr(ord(beginning[-1]) - 1)}~" if beginning else ""


_CELL = ("valid_from", "valid_to", "n", "number", "status", "value")


# Of a partnership with few rectangles each is looked at: quicker than two descents of the index for each term. Nothing
# is found, nor looked for, where there are more: CROSS JOIN lets SQLite ask that first. PostgreSQL would look through a
# table that is mostly of one partnership from its beginning: it is given an order that the key alone has.
_MINE = "generation = live.generation AND partnership = :partnership AND lane = :lane"
_BY_KEY = "ORDER BY term, valid_from, known_from"
_EACH = {
    "sqlite": "rectangle AS found ON found.generation = live.generation"
    " AND found.partnership = :partnership AND found.lane = :lane",
    "postgresql": f"LATERAL (SELECT * FROM rectangle WHERE {_MINE} {_BY_KEY} LIMIT {_FEW}) AS found",  # noqa: S608  # our own
}
_OF_FEW = {
    kind: in_driver(f"""
        SELECT found.term, {", ".join(f"found.{name}" for name in _CELL)}
        FROM projection AS live CROSS JOIN {each}
        WHERE live.name = 'rectangles'
            AND NOT EXISTS (SELECT 1 FROM rectangle WHERE {_MINE} {_BY_KEY} LIMIT 1 OFFSET :few)
            AND found.known_to > :seq AND found.known_from <= :seq
            AND found.valid_to > :day AND found.valid_from <= :day
        """)[kind]  # noqa: S608  # our own names
    for kind, each in _EACH.items()
}

# Goes from term to term by the index, and in each to the last rectangle of that moment that begins by that day: back
# from that day, over what was only held at other moments. A scan of the partnership would cost as much as its whole
# history. Where a day lay ahead, much may have been said since of the days before it: a milestone then tells how far
# the term had come soon after that moment, and back from there what holds until after the day is found at once. Where
# the milestones tell nothing, it is sought back from the day.
_TERMS = f"""
    WITH RECURSIVE spoken (generation, term) AS (
        SELECT live.generation, (
            SELECT min(term) FROM rectangle
            WHERE generation = live.generation AND partnership = :partnership AND lane = :lane)
        FROM projection AS live WHERE live.name = 'rectangles'
        UNION ALL
        SELECT spoken.generation, (
            SELECT min(term) FROM rectangle
            WHERE generation = spoken.generation AND partnership = :partnership AND lane = :lane
                AND term > spoken.term)
        FROM spoken WHERE spoken.term IS NOT NULL)
    SELECT spoken.generation, spoken.term, {", ".join(f"found.{name}" for name in _CELL)}
    FROM spoken
    """  # noqa: S608  # our own names
_LAST = """
    FROM rectangle AS last
    WHERE last.generation = spoken.generation AND last.partnership = :partnership AND last.lane = :lane
        AND last.term = spoken.term AND last.valid_from <= {day} AND last.known_from <= :seq AND last.known_to > :seq
    ORDER BY last.valid_from DESC LIMIT 1
    """
_BY_DAY = _LAST.format(day=":day")
_BY_MILESTONE = _LAST.format(
    day=f"""(
            SELECT CASE WHEN stone.valid_from < :day THEN stone.valid_from END FROM rectangle AS stone
            WHERE stone.generation = spoken.generation AND stone.partnership = :partnership AND stone.lane = :lane
                AND stone.term = spoken.term AND stone.known_from > :seq AND {MILESTONE}
            ORDER BY stone.known_from LIMIT 1)"""  # noqa: S608  # our own words
)
_STATE = {
    "sqlite": in_driver(
        f"""{_TERMS} LEFT JOIN rectangle AS found
        ON found.generation = spoken.generation AND found.partnership = :partnership AND found.lane = :lane
        AND found.term = spoken.term AND found.known_from <= :seq AND found.known_to > :seq
        AND found.valid_to > :day AND found.valid_from = coalesce(
            (SELECT CASE WHEN last.valid_to > :day THEN last.valid_from END {_BY_MILESTONE}),
            (SELECT last.valid_from {_BY_DAY}))"""
    )["sqlite"],
    # Left to itself PostgreSQL joins by reading the whole table once; this leaves it no choice.
    "postgresql": in_driver(
        f"""{_TERMS} LEFT JOIN LATERAL (
            SELECT * FROM (SELECT last.* {_BY_MILESTONE}) AS near WHERE near.valid_to > :day
            UNION ALL SELECT * FROM (SELECT last.* {_BY_DAY}) AS far
            LIMIT 1) AS found ON found.valid_to > :day"""  # noqa: S608  # our own words
    )["postgresql"],
}

# Goes by the index from partnership to partnership, and in each from term to term, as far as the names begin as wanted;
# a row of the walk without a term is the end of a partnership, and one with :low its beginning. Whoever reads the rows
# stops the walk. A partnership is always walked to its end, so that the place to go on can be told.
_ACROSS = """
    WITH RECURSIVE walk (partnership, term, steps) AS (
        SELECT {start}, 0
        UNION ALL
        SELECT
            CASE WHEN walk.term IS NULL THEN (
                SELECT min(partnership) FROM rectangle
                WHERE generation = :generation AND partnership > walk.partnership)
            ELSE walk.partnership END,
            CASE WHEN walk.term IS NULL THEN :low {party} ELSE (
                SELECT min(term) FROM rectangle
                WHERE generation = :generation AND partnership = walk.partnership AND lane = 'agreed'
                    AND term > walk.term AND term < :high) END,
            walk.steps + 1
        FROM walk WHERE walk.partnership IS NOT NULL AND (walk.steps < :steps OR walk.term IS NOT NULL))
    SELECT walk.steps, walk.partnership, walk.term,
        found.valid_from, found.valid_to, found.n, found.number, found.status, found.value
    FROM walk {found}
    WHERE walk.steps > 0
        AND (found.value IS NOT NULL OR walk.partnership IS NULL OR (walk.term IS NULL AND walk.steps >= :steps))
    LIMIT :limit
    """
_LAST_ACROSS = """
    FROM rectangle AS last
    WHERE last.generation = :generation AND last.partnership = walk.partnership AND last.lane = 'agreed'
        AND last.term = walk.term AND last.valid_from <= :day AND last.known_from <= :seq AND last.known_to > :seq
    ORDER BY last.valid_from DESC LIMIT 1
    """
# The opening of a partnership names each party as a pair of its slug and its name.
_PARTY = """WHEN walk.term = :low AND NOT EXISTS (
                SELECT 1 FROM event WHERE event.partnership = {name} AND event.version = 0
                    AND {place}(event.body, '["' || :party || '",') > 0) THEN NULL"""
_SHAPES = {
    "sqlite": {
        "start": ":partnership, :term",
        "found": f"""LEFT JOIN rectangle AS found
            ON found.generation = :generation AND found.partnership = walk.partnership AND found.lane = 'agreed'
            AND found.term = walk.term AND found.known_from <= :seq AND found.known_to > :seq
            AND found.valid_to > :day AND found.valid_from = (SELECT last.valid_from {_LAST_ACROSS})""",
        "party": _PARTY.format(name="walk.partnership", place="instr"),
    },
    "postgresql": {
        "start": 'CAST(:partnership AS text) COLLATE "C", CAST(:term AS text) COLLATE "C"',
        "found": f"LEFT JOIN LATERAL (SELECT last.* {_LAST_ACROSS}) AS found ON found.valid_to > :day",
        # The log is sorted as the server's language has it: only so is its index used.
        "party": _PARTY.format(name='(walk.partnership COLLATE "default")', place="strpos"),
    },
}
_WALK = [
    {
        kind: in_driver(_ACROSS.format(**(shape | ({} if by_party else {"party": ""}))))[kind]
        for kind, shape in _SHAPES.items()
    }
    for by_party in (False, True)
]
