"""Whether a draft is another report of something on record: what is asked, and what an answer makes of the draft."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from timeline.answers import Answers
from timeline.core.announcements import reference
from timeline.core.errors import TimelineError
from timeline.documents import Document
from timeline.drafting.duplicates import Report, others, parties_of
from timeline.drafting.judging import OTHER_ACTS
from timeline.drafting.marks import folded_address
from timeline.drafting.store import Draft
from timeline.log import Log

Json = dict[str, Any]
ATTACH, NEW, UNSURE = "attach", "new", "unsure"
ANSWERS = (ATTACH, NEW, UNSURE)


def questions(log: Log, answers: Answers, found: Draft, document: Document) -> list[Json]:
    """The announcements of which the draft may be another report, each with why, and with what was answered."""
    if any(name in document.data for name in OTHER_ACTS):
        return []
    report = _report(found, document, log)
    return [other | {"answer": found.answers.get(other["of"])} for other in others(log, answers, report)]


def meant(answers: Answers, found: Draft, document: Document) -> Document:
    """What is to be recorded: the document, or its sources attached to what it is another report of.

    Raises:
        TimelineError: `conflicting_fields` when two answers say so; `nothing_to_attach`.
    """
    attached = [about for about, said in found.answers.items() if said == ATTACH]
    if not attached:
        return document
    if len(attached) > 1:
        raise TimelineError(
            "conflicting_fields",
            f"It is said to be another report of {' and of '.join(attached)}.",
            "Answer attach for one of them, and new for the other.",
            field="answers",
        )
    there = answers.announcement(*reference(attached[0], field="of"))["sources"]
    known = {_identity(each) for each in there}
    sources = [each for each in document.data.get("sources") or () if _identity(each) not in known]
    if not sources:
        raise TimelineError(
            "nothing_to_attach",
            f"{attached[0]} has every source of this draft already.",
            f'Discard it: timeline draft discard {found.id} --why "said before".',
            field="sources",
        )
    return replace(document, data={"attaches": attached[0], "sources": sources})


def unanswered(question: Json) -> TimelineError:
    """What blocks while a question is open, or answered with unsure."""
    asked = "It may be another report of" if question["answer"] is None else "It is not clear whether it is"
    return TimelineError(
        "duplicate_unanswered",
        f"{asked} {question['of']} “{question['title']}”, announced {question['announced']}: "
        f"{question['why'][0]['detail']}",
        f"Compare the two, and answer attach, new or unsure about {question['of']}.",
        of=question["of"],
    )


def _report(found: Draft, document: Document, log: Log) -> Report:
    """What is known of a draft, as far as it can be read."""
    data = document.data
    given = data.get("sources")
    sources = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    urls = [found.received.address, *(each.get("url") for each in sources)]
    named = {str(each.get("text_sha256")) for each in sources}
    announced, partnership = data.get("announced"), data.get("partnership")
    return Report(
        addresses=tuple(url for url in urls if isinstance(url, str)),
        texts=tuple(text.content.decode("utf-8-sig", "replace") for sha, text in found.texts.items() if sha in named),
        announced=None if announced is None else str(announced),
        parties=parties_of(log, partnership) if isinstance(partnership, str) else (),
    )


def _identity(source: Any) -> tuple[str | None, str | None, str | None]:
    """What makes two sources one: the same page, and the same text of it."""
    if not isinstance(source, dict):
        return None, None, None
    url = source.get("url")
    address = folded_address(url) if isinstance(url, str) else source.get("publisher")
    return address, source.get("text_sha256"), source.get("tier")
