"""What is known before a page is read, and what is proposed after."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from timeline.core.terms import Term, Value

Direction = tuple[str, str]
"""Who grants, pays or owes, and who receives; slugs."""


@dataclass(frozen=True, slots=True)
class KnownTerm:
    term: Term
    direction: Direction | None
    value: Value
    """The value in force."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is on record about one partnership, by which its parties and terms are recognised in prose."""

    partnership: str
    parties: Mapping[str, str]
    """Names by slug."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further names by slug."""
    terms: Sequence[KnownTerm] = ()


@dataclass(frozen=True, slots=True)
class Dated:
    """A date as it was found in a text."""

    text: str
    """2019-07-22, 2019-07 or 2019."""
    found_in: str
    """Where it stood, in words for people."""
    quote: str


@dataclass(frozen=True, slots=True)
class Party:
    name: str
    slug: str


@dataclass(frozen=True, slots=True)
class OpenPoint:
    """What a person has to decide or to give."""

    field: str
    detail: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Proposal:
    statement: Mapping[str, Any]
    """One item of `statements:` in the announcement file's form, with its quote."""
    rule: str
    why: str
    """For people, in one sentence."""


@dataclass(frozen=True, slots=True)
class Proposed:
    """All that is proposed from one page; nothing of it is on record."""

    partnership: str | None
    parties: tuple[Party, ...]
    speaker: str | None
    """The party whose own page it is, as a slug."""
    announced: Dated | None
    force: str
    statements: tuple[Proposal, ...]
    open_points: tuple[OpenPoint, ...]
    refused: tuple[OpenPoint, ...]
    """What a proposer proposed and may not: each with the reason."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a proposer is given to read."""

    main: str
    """What is evidence, as people read it; paragraphs apart by a blank line."""
    known: Known | None
    """The partnership that the page is about; None when it is not on record."""
    speaker: str | None
    """The party that says "we" in it, as a slug."""
    announced: str | None


Proposer = Callable[[Reading], Iterable[Proposal]]
"""What the entry points of the group `timeline.proposers` name."""
