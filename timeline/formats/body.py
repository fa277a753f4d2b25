"""One entry for people and for programs: the HTML body, its plain text, and the change as data. All formats share them.

Every text is escaped, every address absolute, and nothing is used that the sanitisers of readers remove.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Any

from timeline.core.dates import END_OF_TIME, START_OF_TIME, iso, said_through
from timeline.core.feed import Entry, Note, Quote, Row
from timeline.core.line import Cell
from timeline.core.terms import value_to_json
from timeline.formats.page import Site, comparison_url, day_of, evidence_url, state_url

STATUS = {
    "verified": "found word for word in the stored source",
    "quoted": "as quoted; the source is not stored here",
    "unsupported": "not supported by a quote",
}
REASONS = {
    "took_effect": "Announced earlier, in effect from {begins}.",
    "expired": "Ended by its own terms {at} {begins}.",
}


def html_body(site: Site, entry: Entry) -> str:
    """The entry as an HTML fragment, well-formed as XML too."""
    return "".join(_parts(site, entry))


def plain_summary(entry: Entry) -> str:
    """The entry as one paragraph of plain text, for lists and for readers without HTML."""
    sentences = [_note_text(entry, note) for note in entry.notes]
    if entry.summary:
        sentences.append(_stopped(entry.summary))
    sentences += [
        f"{_label(row)}: {row.before_text} → {row.after_text} ({row.period}{_lane(row)})." for row in entry.rows
    ]
    sentences += _remarks(entry)
    return " ".join(sentences) or _stopped(entry.headline or entry.title)


def facts(site: Site, entry: Entry) -> dict[str, Any]:
    """The change as data, the same in JSON Feed (`_change`) and in the XML formats."""
    about: dict[str, Any] = {
        "partnership": entry.partnership,
        "kind": entry.kind,
        "act": f"{entry.partnership}/{entry.n}",
        "announced": entry.announced,
        "on": None if entry.on is None else entry.on.isoformat(),
        "reason": entry.reason,
    }
    data = {name: value for name, value in about.items() if value is not None}
    data["back_dated"] = entry.back_dated
    data["rewrites_past"] = entry.rewrites_past
    data["terms"] = [_row_facts(row) for row in entry.rows]
    data["evidence"] = [_quote_facts(said) for said in entry.quotes]
    data["invalidates"] = [site.tag(invalid) for invalid in entry.invalidates]
    data["notes"] = [
        {"what": note.what.lower(), "at": iso(note.at), "by": f"{entry.partnership}/{note.n}"} for note in entry.notes
    ]
    data["links"] = {
        "evidence": evidence_url(site, entry),
        "state": state_url(site, entry),
        "comparison": comparison_url(site, entry),
    }
    return data


def _row_facts(row: Row) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "field": str(row.term),
        "label": row.label,
        "from": _value(row.before),
        "to": _value(row.after),
        "from_text": row.before_text,
        "to_text": row.after_text,
        "period": row.period,
        "effective": None if row.start == START_OF_TIME else row.start.isoformat(),
        "through": None if row.end == END_OF_TIME else said_through(row.end).isoformat(),
        "when": row.when,
        "force": row.force,
    }
    if row.direction is not None:
        facts["direction"] = str(row.direction)
    return facts


def _value(cell: Cell | None) -> dict[str, Any] | None:
    """The value in force; None for silence, and `{"status": "expired"}` and the like for what is over."""
    if cell is None:
        return None
    return {"status": cell.status} if cell.value is None else value_to_json(cell.value, stored=False)


def _quote_facts(said: Quote) -> dict[str, Any]:
    facts = {
        "quote": said.text,
        "status": said.status,
        "tier": said.source.tier,
        "publisher": said.source.publisher,
        "url": said.source.url,
    }
    return {name: value for name, value in facts.items() if value is not None}


def _parts(site: Site, entry: Entry) -> Iterator[str]:
    for note in entry.notes:
        address = site.page(f"/a/{entry.partnership}/{note.n}")
        citation = f"{entry.partnership}/{note.n}"
        yield f"<p><strong>{_note_head(note)}</strong> see {_link(address, citation)}.</p>"
    if entry.summary:
        yield f"<p>{escape(entry.summary)}</p>"
    elif entry.headline:
        yield f"<p>{escape(entry.headline)}</p>"
    if entry.rows:
        yield _table(entry)
    for remark in _remarks(entry):
        yield f"<p>{escape(remark)}</p>"
    for said in entry.quotes:
        yield _quoted(said)
    yield from _more_sources(entry)
    if entry.invalidates:
        yield f"<p>It takes back or changes {_invalidated(site, entry)}.</p>"
    day = day_of(entry).isoformat()
    links = (
        _link(evidence_url(site, entry), f"Evidence: {entry.partnership}/{entry.n}"),
        _link(state_url(site, entry), f"State on {day}"),
        _link(comparison_url(site, entry), f"What changed on {day}"),
    )
    yield f"<p>{' · '.join(links)}</p>"


def _table(entry: Entry) -> str:
    rows = "".join(
        f"<tr><th>{escape(_label(row))}</th><td>{escape(row.before_text)}</td><td>{escape(row.after_text)}</td>"
        f"<td>{escape(row.period + _lane(row))}</td></tr>"
        for row in entry.rows
    )
    head = "<tr><th>Term</th><th>Before</th><th>After</th><th>Applies</th></tr>"
    return f"<table><thead>{head}</thead><tbody>{rows}</tbody></table>"


def _label(row: Row) -> str:
    return row.label if row.direction is None else f"{row.label} ({row.direction.giver} → {row.direction.receiver})"


def _lane(row: Row) -> str:
    return "" if row.force == "agreed" else f"; {row.force}, not agreed"


def _remarks(entry: Entry) -> list[str]:
    """What else to know: the clock's or the editor's reason, when it was announced, what it does to the past."""
    remarks = []
    if entry.on is not None:
        begins = entry.rows[0].begins
        at = "on" if begins == entry.on.isoformat() else "at"  # at the end of 2032
        remarks.append(REASONS[entry.kind].format(begins=begins, at=at))
    elif entry.reason:
        remarks.append(_stopped(f"Reason: {entry.reason}"))
    if entry.announced:
        remarks.append(f"Announced: {entry.announced}.")
    if entry.back_dated:
        remarks.append("It was recorded after later announcements were.")
    if entry.rewrites_past:
        remarks.append("It changes what is known about days before it was recorded.")
    return remarks


def _quoted(said: Quote) -> str:
    source = said.source
    name = escape(source.publisher or source.url or source.tier)
    cited = _link(source.url, name, escaped=True) if source.url else name
    cite = f' cite="{escape(source.url)}"' if source.url else ""
    words = f"<blockquote{cite}><p>{escape(said.text)}</p></blockquote>" if said.text else ""
    return f"{words}<p>— {cited} ({escape(source.tier)}; {STATUS[said.status]})</p>"


def _more_sources(entry: Entry) -> Iterator[str]:
    """The sources that no quote has named yet."""
    quoted = {said.source for said in entry.quotes}
    for source in dict.fromkeys(entry.sources):
        if source not in quoted and source.url:
            yield f"<p>Source: {_link(source.url, source.publisher or source.url)} ({escape(source.tier)})</p>"


def _invalidated(site: Site, entry: Entry) -> str:
    """The earlier entries, acts with a link to their page and boundaries by their name."""
    names = []
    for invalid in entry.invalidates:
        act = invalid.removeprefix(f"{entry.partnership}/")
        names.append(_link(site.page(f"/a/{invalid}"), invalid) if act.isdigit() else escape(invalid))
    return ", ".join(names)


def _note_head(note: Note) -> str:
    return f"{note.what} on {note.at.date().isoformat()}:"


def _note_text(entry: Entry, note: Note) -> str:
    return f"{_note_head(note)} see {entry.partnership}/{note.n}."


def _link(address: str, words: str, *, escaped: bool = False) -> str:
    return f'<a href="{escape(address)}">{words if escaped else escape(words)}</a>'


def _stopped(sentence: str) -> str:
    return sentence if sentence.endswith((".", "!", "?", "…")) else f"{sentence}."
