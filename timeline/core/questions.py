"""What can be asked: the two clocks, the terms and the lanes of a question, each as it was typed and as it is meant.

An ignored time parameter would return a plausible wrong answer, so whatever is not understood is refused.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from fnmatch import fnmatchcase

from timeline.core import dates
from timeline.core.errors import TimelineError, did_you_mean, nearest
from timeline.core.history import PROPOSED, REPORTED
from timeline.core.terms import SLUG, Kinds, Term

_NUMBERS = re.compile(r"\d{1,15}(-\d{1,15})*", re.ASCII)
KNOWLEDGE = ("known_at", "known_seq", "announced_by")
STATE = ("as_of", *KNOWLEDGE, "term", "include")
ACROSS = ("as_of", *KNOWLEDGE, "kind", "party", "term", "after", "limit")
PAGE = 100
"""Items of a page, and the most that can be asked for."""
MOST = 1000
SYNONYMS = {
    "asof": "as_of",
    "at": "as_of",
    "date": "as_of",
    "on": "as_of",
    "day": "as_of",
    "valid_at": "as_of",
    "effective": "as_of",
    "knownat": "known_at",
    "known": "known_at",
    "recorded_at": "known_at",
    "known_as_of": "known_at",
    "announced_at": "announced_by",
    "seq": "known_seq",
    "version": "known_seq",
    "terms": "term",
    "lane": "include",
    "lanes": "include",
    "since": "from",
    "until_date": "until",
}


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Whose knowledge an answer rests on. At most one of `known_at` and `known_seq`; none: all that is on record."""

    known_at: datetime | None = None
    known_seq: int | None = None
    announced_by: datetime | None = None


ALL = Knowledge()
"""Everything that is on record."""

_LONG_AGO = date(2000, 1, 1)
_LITERAL = re.compile("[a-z0-9/-]*", re.ASCII)
_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Question:
    """A question for the state of a partnership."""

    as_of: date
    knowledge: Knowledge = ALL
    term: str | None = None
    """A pattern such as `exclusivity/*`."""
    include: tuple[str, ...] = ()

    def wants(self, term: Term) -> bool:
        return self.term is None or fnmatchcase(str(term), self.term)


@dataclass(frozen=True, slots=True)
class Across:
    """A question for what is in force in all partnerships at once, a page of it."""

    as_of: date
    knowledge: Knowledge = ALL
    kind: str | None = None
    party: str | None = None
    """The slug of a party."""
    term: str | None = None
    """A pattern such as `exclusivity/*`."""
    after: tuple[str, str | None] = ("", None)
    """Where the page before ended: a partnership, and the term in it; None for all its terms."""
    limit: int = PAGE

    def wants(self, term: Term) -> bool:
        """Whether the term is of that kind and like that pattern."""
        return self.kind in (None, term.kind) and (self.term is None or fnmatchcase(str(term), self.term))

    @property
    def beginning(self) -> str | None:
        """What the names of all terms that are wanted begin with; None when there can be none."""
        kind = "" if self.kind is None else f"{self.kind}/"
        literal = _LITERAL.match(self.term or "")
        assert literal is not None  # it matches nothing too
        shorter, longer = sorted((kind, literal[0]), key=len)
        # A pattern that goes on after the beginning may match by a sign that stands for others.
        return longer if longer.startswith(shorter) else None


def only(given: Collection[str], allowed: Collection[str]) -> None:
    """Refuse a parameter that the question does not have: `unknown_parameter`, with the one that was meant."""
    for name in given:
        if name in allowed:
            continue
        meant = SYNONYMS.get(name.lower().replace("-", "_"))
        near = [meant] if meant in allowed else nearest(name, sorted(allowed))
        raise TimelineError(
            "unknown_parameter",
            f"There is no parameter “{name}”; ignoring it would answer another question than yours.",
            f"Did you mean {near[0]}?" if near else did_you_mean(name, sorted(allowed)),
            field=name,
            allowed=sorted(allowed),
            did_you_mean=near,
        )


def read_knowledge(given: Mapping[str, str], now: datetime) -> Knowledge:
    """The clocks of knowledge among the parameters; they exclude one another."""
    named = [name for name in KNOWLEDGE if name in given]
    if len(named) > 1:
        raise TimelineError(
            "conflicting_parameters",
            f"{' and '.join(named)} are two answers to whose knowledge counts.",
            f"Keep one: {named[0]}={given[named[0]]}.",
            field=named[1],
        )
    for name in named:
        value = filled(given, name)
        if name == "known_seq":
            return Knowledge(known_seq=position(value, field=name))
        moment = dates.axis_instant(day_named(value, now), now, field=name)
        return Knowledge(known_at=moment) if name == "known_at" else Knowledge(announced_by=moment)
    return ALL


def cited_knowledge(seq: str, given: Mapping[str, str]) -> Knowledge:
    """The knowledge of a citation: fixed to a position, and perhaps to what had been announced by a moment.

    A day means its end, also today's: what a citation means must not move with the clock.
    """
    announced_by = None
    if "announced_by" in given:
        announced_by = dates.axis_instant(filled(given, "announced_by"), _NEVER, field="announced_by")
    return Knowledge(known_seq=position(seq, field="known_seq"), announced_by=announced_by)


def read_question(given: Mapping[str, str], now: datetime) -> Question:
    """The question for a state that the parameters ask; the default day is today in UTC."""
    only(given.keys(), STATE)
    return Question(
        as_of=asked_day(filled(given, "as_of"), now, field="as_of") if "as_of" in given else now.date(),
        knowledge=read_knowledge(given, now),
        term=filled(given, "term") if "term" in given else None,
        include=read_lanes(given),
    )


def read_lanes(given: Mapping[str, str]) -> tuple[str, ...]:
    """The lanes to show beside the state, each once."""
    lanes = [lane.strip() for lane in filled(given, "include").split(",")] if "include" in given else []
    for lane in lanes:
        if lane not in (PROPOSED, REPORTED):
            raise TimelineError(
                "invalid_value",
                f"“{lane}” is not a lane beside the state.",
                f"Write {PROPOSED}, {REPORTED}, or both with a comma between them.",
                field="include",
            )
    return tuple(dict.fromkeys(lanes))


def read_across(given: Mapping[str, str], kinds: Kinds, now: datetime) -> Across:
    """The question for what is in force in all partnerships that the parameters ask.

    Raises:
        TimelineError: `unknown_parameter` for `announced_by` too: what is asked answers by the record alone.
    """
    only(given.keys(), ACROSS)
    if "announced_by" in given:
        raise TimelineError(
            "unknown_parameter",
            "Across partnerships only what was on record can be asked, not what had been announced.",
            "For that ask /api/partnerships/{p}/state, one partnership at a time, or here with known_at.",
            field="announced_by",
        )
    return Across(
        as_of=asked_day(filled(given, "as_of"), now, field="as_of") if "as_of" in given else now.date(),
        knowledge=read_knowledge(given, now),
        kind=asked_kind(given, kinds),
        party=filled(given, "party") if "party" in given else None,
        term=filled(given, "term") if "term" in given else None,
        after=_place(filled(given, "after")) if "after" in given else ("", None),
        limit=asked_limit(given, PAGE, MOST),
    )


def asked_kind(given: Mapping[str, str], kinds: Kinds) -> str | None:
    """The kind that is asked about, one that is known; None for none."""
    kind = filled(given, "kind") if "kind" in given else None
    if kind is not None and kind not in kinds.by_name:
        near = did_you_mean(kind, list(kinds.by_name))
        raise TimelineError("invalid_value", f"There is no kind of term “{kind}”.", near, field="kind")
    return kind


def asked_limit(given: Mapping[str, str], default: int, most: int) -> int:
    """How many of a page are asked for, from 1 to `most`."""
    limit = position(filled(given, "limit"), field="limit") if "limit" in given else default
    if not 1 <= limit <= most:
        raise TimelineError("invalid_value", f"limit={limit} is out of range.", f"Take 1 to {most}.", field="limit")
    return limit


def _place(text: str) -> tuple[str, str | None]:
    """Where a page across partnerships ended: `openai-microsoft/exclusivity/api`, or a whole partnership."""
    partnership, *term = text.split("/")
    if len(term) not in (0, 2) or any(SLUG.fullmatch(part) is None for part in (partnership, *term)):
        raise TimelineError(
            "invalid_value",
            f"after={text} is no place in the list.",
            "Follow next, or give last of the page before; leave it out to begin anew.",
            field="after",
        )
    return partnership, "/".join(term) or None


def asked_day(text: str, now: datetime, *, field: str) -> date:
    """A day as people type it: ISO, or today and yesterday in UTC."""
    return dates.day(day_named(text, now), field=field)


def day_named(text: str, now: datetime) -> str:
    """The ISO day that today and yesterday mean, in UTC; any other text as it is."""
    days = {"today": now.date(), "yesterday": now.date() - dates.ONE_DAY}
    return days[text].isoformat() if text in days else text


def required(given: Mapping[str, str], name: str, now: datetime) -> str:
    """One of the parameters from, to and term, without which its question cannot be asked."""
    if name not in given:
        examples = {"from": _LONG_AGO.isoformat(), "to": now.date().isoformat(), "term": "exclusivity/cloud"}
        remedy = f"Add {name}={examples[name]}, or the {'term' if name == 'term' else 'day'} that you mean."
        raise TimelineError("missing_parameter", f"The question needs {name}.", remedy, field=name)
    return filled(given, name)


def filled(given: Mapping[str, str], name: str) -> str:
    """The parameter's text; an empty one is refused, for it may have been meant to say something."""
    text = given[name]
    if text.strip():
        return text.strip()
    raise TimelineError("invalid_value", f"{name} is empty.", f"Give {name} a value, or leave it out.", field=name)


def position(text: str, *, field: str) -> int:
    """A position in the log: a whole number from 0."""
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    raise TimelineError(
        "invalid_value",
        f"{field}={text} is not a whole number from 0.",
        f"Write {field}=1, or the number that you mean.",
        field=field,
    )


def cursor(*numbers: int) -> str:
    """Where a page ended, for the next one to begin; whoever gets it gives it back as it is."""
    return urlsafe_b64encode("-".join(map(str, numbers)).encode()).decode().rstrip("=")


def read_cursor(text: str, count: int) -> tuple[int, ...]:
    """The numbers of a `cursor`, so many of them."""
    try:
        numbers = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
    except ValueError:
        numbers = ""
    if _NUMBERS.fullmatch(numbers) is None or numbers.count("-") != count - 1:
        raise TimelineError(
            "invalid_value",
            "That is not a cursor of ours.",
            "Follow next, or the cursor of the page before, as it was given; leave it out to begin anew.",
            field="cursor",
        )
    return tuple(map(int, numbers.split("-")))
