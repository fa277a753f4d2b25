"""Leads: what an aggregator's pages name as similar articles. They tell where to look, and are never events."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import select

from timeline.drafting import marks
from timeline.drafting.duplicates import hear
from timeline.log import Log, Reader
from timeline.search import index
from timeline.search.finding import keep_up, known_partnership
from timeline.search.words import lined
from timeline.tables import mark, search_document

Json = dict[str, Any]


def leads(log: Log, partnership: str | None = None) -> Json:
    """What the stored pages of the announcements that count name as similar, each once, in the order first seen.

    Returns:
        leads: title, feed and address (None where the page gives none) as on the page; seen: the announcements whose
        pages name it; recorded: those on record with a source at that address, or for want of an address with that
        title; indexed and head as those of a search.

    Raises:
        TimelineError: `unknown_partnership`.
    """
    hear(log)
    keep_up(log)
    with log.reading() as reader:
        if partnership is not None:
            known_partnership(reader, partnership)
        found: dict[str, Json] = {}
        for row in reader.connection.execute(_seen(partnership)):
            for title, feed, address in json.loads(row.shown)["leads"]:
                mark_or_title = _title(title) if address is None else marks.of_address(address)
                lead = {"title": title, "feed": feed, "address": address, "seen": [], "recorded": []}
                seen = found.setdefault(mark_or_title, lead)["seen"]
                if (cited := f"{row.partnership}/{row.n}") not in seen:
                    seen.append(cited)
        for key, cited in _on_record(reader, found):
            found[key]["recorded"].append(cited)
        return {
            "leads": list(found.values()),
            "indexed": index.position(reader.connection),
            "head": reader.head()[0],
        }


def _seen(partnership: str | None) -> Any:
    question = select(search_document).where(
        search_document.c.shown.contains(index.LEADS), search_document.c.status != "retracted"
    )
    if partnership is not None:
        question = question.where(search_document.c.partnership == partnership)
    return question.order_by(search_document.c.seq)


def _on_record(reader: Reader, keys: Iterable[str]) -> list[tuple[str, str]]:
    """The announcements that have one of these marks or titles, each with it."""
    document = search_document.c
    found: list[tuple[str, str]] = []
    wanted = sorted(keys)
    for at in range(0, len(wanted), _AT_ONCE):
        some = wanted[at : at + _AT_ONCE]
        for question in (
            select(mark.c.mark, mark.c.partnership, mark.c.n).where(mark.c.mark.in_(some)),
            select(document.title_words, document.partnership, document.n).where(document.title_words.in_(some)),
        ):
            rows = reader.connection.execute(question.order_by(*question.selected_columns[1:]))
            found += [(key, f"{name}/{n}") for key, name, n in rows]
    return found


def _title(title: str) -> str:
    return lined([title], index.LONGEST)


_AT_ONCE = 500
