"""Whether the record has another report of the same announcement: candidates by their marks, then a closer look.

The marks are a projection of the log. They are brought up to date when somebody asks, never by an append, and only
the acts that share a mark are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import case, delete, func, insert, select
from sqlalchemy.dialects import postgresql

from timeline.answers import Answers
from timeline.chain import Event
from timeline.core.announcements import Announcement, Attachment, Correction, Source
from timeline.core.errors import TimelineError
from timeline.core.evidence import overlap, same_text, similarity, words
from timeline.drafting import marks
from timeline.log import Log, Reader
from timeline.records import act_of, parties
from timeline.tables import mark

Json = dict[str, Any]
_AT_ONCE = 500
"""Acts whose marks are made in one transaction."""
_LOOKED_AT = 8
"""Candidates that are read, those with the most marks in common first."""
_COMPARED = 20_000
"""Words of a text that are compared; what comes later in a page changes nothing."""
_HEARD = "heard"
"""The mark whose `n` is the position up to which the log was heard."""
_NEAR = 0.7
"""From this share of words in the same order two texts are nearly the same."""
_PART = 0.5
"""From this share of its runs of words one text is a part of the other."""
_TELLING = 40
"""Words that a text must have for it to be a telling: the few of a shorter one stand in any text about the parties."""
_RETOLD, _SOME = 0.6, 0.05
"""From this share of content words, and of runs, one text may tell the other in its own words."""


@dataclass(frozen=True, slots=True)
class Report:
    """What is known of a report that somebody wants recorded."""

    addresses: tuple[str, ...]
    texts: tuple[str, ...]
    announced: str | None
    parties: tuple[str, ...]

    def marks(self) -> set[str]:
        found = {marks.of_address(url) for url in self.addresses}
        found |= {each for text in self.texts for each in marks.of_text(text)}
        if self.announced is not None and self.parties:
            found.add(marks.of_day(self.announced, self.parties))
        return found


def others(log: Log, answers: Answers, report: Report) -> list[Json]:
    """The announcements on record that may be the same, each with why; those with the strongest reason first.

    Raises:
        TimelineError: `extra_missing` when texts must be compared and the library for it is not installed.
    """
    hear(log)
    found = []
    with log.reading() as reader:
        candidates = _candidates(reader, report.marks())
        for partnership, n in candidates:
            body = answers.announcement(partnership, n)
            why = _why(reader, body, candidates[partnership, n], report)
            if body["live"] and why:
                found.append(_other(body, why))
    return sorted(found, key=lambda other: _RANK.index(other["why"][0]["code"]))


def hear(log: Log) -> None:
    """Bring the marks up to the end of the log."""
    log = log.primary  # each step is read where the step before it was written
    while True:
        with log.reading() as reader:
            after = reader.connection.scalar(select(func.max(mark.c.n)).where(mark.c.mark == _HEARD)) or 0
            events = list(reader.events(after=after, limit=_AT_ONCE))
            rows = [row for event in events for row in _rows(reader, event)]
        if not events:
            return
        last = events[-1].seq
        rows.append({"mark": _HEARD, "partnership": "", "n": last})
        with log.writing() as writer:
            writer.connection.execute(delete(mark).where(mark.c.mark == _HEARD, mark.c.n < last))
            if writer.connection.dialect.name == "postgresql":
                writer.connection.execute(postgresql.insert(mark).on_conflict_do_nothing(), rows)
            else:
                writer.connection.execute(insert(mark).prefix_with("OR IGNORE"), rows)


def _rows(reader: Reader, event: Event) -> list[Json]:
    """The marks of one act, each naming the announcement that it is about."""
    act = act_of(event.body, event.citation)
    n = act.n if isinstance(act, Correction | Attachment) else event.version
    content = act.content if isinstance(act, Correction) else act
    if not isinstance(content, Announcement | Attachment):
        return []
    found: set[str] = set()
    for source in content.sources:
        if source.url is not None:
            found.add(marks.of_address(source.url))
        found |= marks.of_text(_text(reader, source) or "")
    if isinstance(content, Announcement):
        found.add(marks.of_day(content.announced.text, parties(reader, event.partnership)))
    return [{"mark": each, "partnership": event.partnership, "n": n} for each in sorted(found)]


def parties_of(log: Log, partnership: str) -> tuple[str, ...]:
    """The slugs of its parties; none for a partnership that is not open."""
    with log.reading() as reader:
        return tuple(parties(reader, partnership))


def _text(reader: Reader, source: Source | Mapping[str, Any]) -> str | None:
    """The stored text of a source; None where none is kept."""
    sha = source.text_sha256 if isinstance(source, Source) else source["text_sha256"]
    stored = None if sha is None else reader.text(sha)
    return None if stored is None else stored.content.decode("utf-8-sig", "replace")


def _candidates(reader: Reader, wanted: set[str]) -> dict[tuple[str, int], set[str]]:
    """The announcements that share marks, with the marks that they share; at most `_LOOKED_AT`."""
    if not wanted:
        return {}
    shared = mark.c.mark.in_(sorted(wanted))
    runs = func.sum(case((mark.c.mark.startswith(marks.RUN), 1), else_=0))
    best = (
        select(mark.c.partnership, mark.c.n)
        .where(shared)
        .group_by(mark.c.partnership, mark.c.n)
        # One address, text or day weighs more than any number of runs.
        .order_by((func.count() - runs).desc(), runs.desc(), mark.c.partnership, mark.c.n)
        .limit(_LOOKED_AT)
    )
    found: dict[tuple[str, int], set[str]] = {
        (row.partnership, row.n): set() for row in reader.connection.execute(best)
    }
    for row in reader.connection.execute(select(mark).where(shared)):
        if (row.partnership, row.n) in found:
            found[row.partnership, row.n].add(row.mark)
    return found


def _why(reader: Reader, body: Json, shared: Iterable[str], report: Report) -> list[Json]:
    """Why the announcement may be the same as what is reported, the strongest reason first."""
    kinds = {marks.kind_of(each) for each in shared}
    why = []
    if marks.ADDRESS in kinds:
        why.append({"code": "same_address", "detail": "It has a source at the same address."})
    if kinds & {marks.TEXT, marks.RUN}:
        kept = [text for source in body["sources"] if (text := _text(reader, source)) is not None]
        why += _alike(report.texts, kept)
    if marks.DAY in kinds:
        why.append({"code": "same_day", "detail": "It was announced on the same day, by the same parties."})
    return sorted(why, key=lambda each: _RANK.index(each["code"]))


_RANK = ("same_text", "same_address", "near_text", "same_day", "retold")


def _alike(ours: Sequence[str], theirs: Sequence[str]) -> list[Json]:
    """The strongest likeness between one of our texts and one of theirs; empty when there is none."""
    if any(same_text(one, other) or words(one) == words(other) for one in ours for other in theirs):
        return [{"code": "same_text", "detail": "It has the same text."}]
    near = max((_near(one, other) for one in ours for other in theirs), default=0.0)
    if near:
        return [
            {"code": "near_text", "detail": f"Its text is nearly the same: {near:.0%} of the words in their order."}
        ]
    retold = max((_retold(one, other) for one in ours for other in theirs), default=0.0)
    if retold:
        return [
            {"code": "retold", "detail": f"It may be told in other words: {retold:.0%} of what one says is in both."}
        ]
    return []


def _near(one: str, other: str) -> float:
    """How much of the two texts is the same in the same order, or of the shorter in the longer; 0 for too little."""
    try:
        from rapidfuzz.distance import Indel  # noqa: PLC0415  # an extra
    except ImportError as error:
        raise TimelineError(
            "extra_missing", "Texts cannot be compared here.", "Install timeline[ingest].", extra="ingest"
        ) from error
    ratio = float(Indel.normalized_similarity(words(one)[:_COMPARED], words(other)[:_COMPARED]))
    part = similarity(one, other)
    return max(ratio if ratio >= _NEAR else 0.0, part if part >= _PART else 0.0)


def _retold(one: str, other: str) -> float:
    if min(len(words(one)), len(words(other))) < _TELLING:
        return 0.0
    told = overlap(one, other)
    return told if told >= _RETOLD and similarity(one, other) >= _SOME else 0.0


def _other(body: Json, why: list[Json]) -> Json:
    return {
        "of": body["id"],
        "title": body["title"],
        "announced": body["announced"],
        "sources": [source["url"] or source["publisher"] or source["tier"] for source in body["sources"]],
        "why": why,
    }
