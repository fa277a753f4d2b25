"""The acts as frozen values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

from timeline.core.dates import Announced, CoarseDate
from timeline.core.terms import Term, Value

FORCES = ("agreed", "proposed", "reported")
TIERS = ("aggregator", "press", "party", "filing")
"""Lowest first: within one announced day the higher is painted later."""


@dataclass(frozen=True, slots=True)
class Direction:
    """Who grants, pays or owes, and who receives: party slugs. Part of a term's identity."""

    giver: str
    receiver: str

    def __str__(self) -> str:
        return f"{self.giver} -> {self.receiver}"


@dataclass(frozen=True, slots=True)
class Unknown:
    """`effective: unknown`: already true when announced, since when is not said."""


@dataclass(frozen=True, slots=True)
class When:
    """`effective: {event: closing}`: from the day the event happens."""

    event: str


@dataclass(frozen=True, slots=True)
class UntilEvent:
    event: str
    no_later_than: CoarseDate | None = None
    """Inclusive: the outer date, if the source gives one."""


@dataclass(frozen=True, slots=True)
class ForGood:
    """`until: for-good`: nothing scheduled later takes over."""


Effective = CoarseDate | Unknown | When | None
"""None: not stated; the announced day is assumed."""
Until = CoarseDate | UntilEvent | ForGood | None
"""A date is inclusive ("through"); None: until the next change."""


@dataclass(frozen=True, slots=True)
class Source:
    tier: str
    url: str | None = None
    publisher: str | None = None
    text_sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """What one announcement says about one term."""

    term: Term
    act: Literal["set", "end", "reaffirm"]
    quote: str
    value: Value | None = None
    direction: Direction | None = None
    effective: Effective = None
    until: Until = None
    temporary: bool = False
    force: str | None = None
    """Its own, where it differs from the announcement's."""
    source: int = 1
    unsupported: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Opening:
    partnership: str
    name: str
    parties: tuple[tuple[str, str], ...]
    """Slug and name, in the order given."""


@dataclass(frozen=True, slots=True)
class Announcement:
    partnership: str
    title: str
    announced: Announced
    force: str
    sources: tuple[Source, ...]
    statements: tuple[Statement, ...]
    summary: str | None = None
    note: str | None = None

    def force_of(self, statement: Statement) -> str:
        return statement.force or self.force

    def source_of(self, statement: Statement) -> Source:
        return self.sources[statement.source - 1]


@dataclass(frozen=True, slots=True)
class Correction:
    partnership: str
    n: int
    """The announcement that it corrects."""
    reason: str
    content: Announcement
    by: Literal["editor", "issuer"] = "editor"
    on: date | None = None
    """By the issuer: the day the source corrected itself."""


@dataclass(frozen=True, slots=True)
class Retraction:
    partnership: str
    n: int
    reason: str
    by: Literal["editor", "issuer"] = "editor"
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    partnership: str
    event: str
    on: date
    announced: Announced
    sources: tuple[Source, ...]
    title: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Attachment:
    """Further sources of an announcement: other reports of it. They say nothing of their own."""

    partnership: str
    n: int
    """The announcement that they report."""
    sources: tuple[Source, ...]
    note: str | None = None


Act = Opening | Announcement | Correction | Retraction | Occurrence | Attachment
KIND_OF_ACT: dict[type, str] = {
    Opening: "opening",
    Announcement: "announcement",
    Correction: "correction",
    Retraction: "retraction",
    Occurrence: "occurrence",
    Attachment: "attachment",
}
