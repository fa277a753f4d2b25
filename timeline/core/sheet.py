"""The sheet: an answer as people take it away — titled tables, the words behind them, both clocks and the citation.

Values only: no layout and no library. A format turns a sheet into bytes and adds nothing of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

Marks = tuple[int, ...]
"""Numbers of quotes, from 1."""
Cell = str | int | Decimal | Marks | None
"""None only in data, for what a row does not have; a person reads a word instead."""


@dataclass(frozen=True, slots=True)
class Column:
    title: str
    kind: Literal["text", "day", "number", "marks"] = "text"
    weight: int = 2
    """Of a text, its share of the width that the others leave."""


@dataclass(frozen=True, slots=True)
class Table:
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """Each as long as the columns."""

    def widths(self, whole: float, *, day: float, marks: float) -> list[float]:
        """The width of each column: a day's and a mark's as given, the texts share the rest."""
        fixed = {"day": day, "marks": marks}
        shares = [0 if column.kind in fixed else column.weight for column in self.columns]
        rest = whole - sum(fixed.get(column.kind, 0) for column in self.columns)
        return [
            fixed.get(column.kind, rest * share / max(sum(shares), 1))
            for column, share in zip(self.columns, shares, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Section:
    heading: str
    notes: tuple[str, ...] = ()
    """Paragraphs, before the table."""
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """The words behind a figure, and where they stand."""

    statement: str
    """openai-microsoft/17#2."""
    about: str
    """The term, in words."""
    words: str
    """Empty when there are none: `standing` says why."""
    standing: str
    """Whether the words were found in a stored copy of the source."""
    publisher: str
    tier: str
    url: str | None
    announced: str
    recorded_at: str
    address: str
    """The announcement's page, in full."""


@dataclass(frozen=True, slots=True)
class Citation:
    """What names an answer for ever: both clocks fixed, and the digest of its bytes."""

    name: str
    """The partnership's."""
    what: str
    """“state on 2025-12-01”."""
    record: int
    """The log's position that the knowledge ends with."""
    sha256: str
    """Of the answer as JSON, byte for byte as it stands at `link("json")`."""
    base_url: str
    path: str
    """Where it is asked again: /p/openai-microsoft@27/2025-12-01."""
    query: str = ""
    command: str = ""
    """How it is asked again without a server; a format is added to it."""

    @property
    def text(self) -> str:
        return f"{self.name}, {self.what}, record {self.record}, sha256 {self.sha256}"

    def place(self, suffix: str = "") -> str:
        """The permanent address of the page within the site, or with a suffix of the document in that format."""
        return f"{self.path}{f'.{suffix}' if suffix else ''}{f'?{self.query}' if self.query else ''}"

    def link(self, suffix: str = "") -> str:
        """The same in full."""
        return self.base_url + self.place(suffix)

    def again(self, suffix: str) -> str:
        """The command that makes the document in that format."""
        return f"{self.command} --format {suffix}"


@dataclass(frozen=True, slots=True)
class Sheet:
    title: str
    question: str
    """What was asked, as a phrase: “What was in force on 2025-12-01”."""
    clocks: tuple[str, ...]
    """Both clocks in words, a line each."""
    sections: tuple[Section, ...]
    quotes: tuple[Quote, ...]
    citation: Citation
    data: Table
    """The same for a spreadsheet: one row for each statement, both clocks in every row."""
    answer: bytes
    """The answer itself, as JSON; what the citation's digest is of."""
    recorded_at: datetime | None
    """When the last act that it knows of was recorded; None before there was any."""
