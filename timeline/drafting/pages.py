"""The first document of a page: what may be proposed from it, given what the record knows of the parties it names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import islice
from typing import Any

from timeline.answers import Answers
from timeline.core.dates import coarse
from timeline.core.proposing import Known, KnownTerm
from timeline.core.questions import Question
from timeline.core.terms import Kinds, read_value, term
from timeline.intake import Page, document, propose_for, written
from timeline.records import parties
from timeline.submissions import Text

Json = dict[str, Any]
_MOST = 20
"""Partnerships whose terms are read for one page."""


def of_page(
    page: Page,
    answers: Answers,
    kinds: Kinds,
    today: date,
    *,
    announced: str | None = None,
    partnership: str | None = None,
) -> tuple[str, Json, Text]:
    """The document as an editor opens it, as data, and the text of its one source, which it names by sha256.

    Args:
        announced: The day on which it was published, where whoever brings the page gives it.
        partnership: The one that it is about, where whoever brings the page gives it.

    Raises:
        TimelineError: `invalid_date`, `ambiguous_date`, `unknown_partnership`.
    """
    day = coarse(announced, field="announced").lo if announced else None
    if day is None and page.published is not None:
        day = coarse(page.published.text).lo
    about = _given(partnership, answers, kinds, day or today) if partnership else None
    known = [] if about else list(_known(page, answers, kinds, day or today))
    proposed = propose_for(page, known, kinds, announced=announced, about=about)
    content = page.text.encode()
    text = Text.of(content, "text/markdown" if page.media_type == "text/markdown" else "text/plain")
    drafted = document(page, proposed, partnership=partnership, text_sha256=text.sha256)
    return written(drafted, proposed), drafted.document, text


def _known(page: Page, answers: Answers, kinds: Kinds, day: date) -> Iterator[Known]:
    """The partnerships of which every party is named in the page, with what is in force between them on that day."""
    with answers.log.reading() as reader:
        openings = {slug: parties(reader, slug) for slug in reader.partnerships()}
    said = f"{page.title}\n{page.main}"
    named = (slug for slug, names in openings.items() if names and all(name in said for name in names.values()))
    for slug in islice(named, _MOST):
        yield Known(slug, openings[slug], terms=tuple(_in_force(slug, answers, kinds, day)))


def _given(slug: str, answers: Answers, kinds: Kinds, day: date) -> Known:
    terms = tuple(_in_force(slug, answers, kinds, day))
    with answers.log.reading() as reader:
        return Known(slug, parties(reader, slug), terms=terms)


def _in_force(slug: str, answers: Answers, kinds: Kinds, day: date) -> Iterator[KnownTerm]:
    for line in answers.state(slug, Question(day))["terms"]:
        if line["status"] == "in_force" and line["value"] is not None:
            about = term(line["term"])
            giver, _, taker = (line["direction"] or "").partition(" -> ")
            value = read_value(line["value"], kinds.get(about.kind), field="value")
            yield KnownTerm(about, (giver, taker) if taker else None, value)
