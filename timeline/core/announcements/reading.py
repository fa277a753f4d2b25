"""Documents as acts: from plain data (dict, list, str, bool, int, Decimal, None), every rule of the file checked."""

from __future__ import annotations

import re
from datetime import date
from typing import Any, Literal

from timeline.core import dates
from timeline.core.announcements.fields import LONGEST_ADDRESS, Fields, check_address, date_text
from timeline.core.announcements.values import (
    FORCES,
    TIERS,
    Act,
    Announcement,
    Attachment,
    Correction,
    Effective,
    ForGood,
    Occurrence,
    Opening,
    Retraction,
    Source,
    Statement,
    Unknown,
    Until,
    UntilEvent,
    When,
)
from timeline.core.dates import Announced, CoarseDate
from timeline.core.errors import TimelineError
from timeline.core.terms import Kinds, Term, Value, read_value, slug, term, text_of, value_from_stored

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REFERENCE = re.compile(r"(?P<partnership>[a-z0-9-]+)/(?P<n>[1-9]\d{0,8})", re.ASCII)


def reference(text: Any, *, field: str) -> tuple[str, int]:
    """Read a citation such as `openai-microsoft/3`: the partnership and the place in its record."""
    match = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise TimelineError(
            "invalid_field", f"“{text}” is not a citation.", "Write it as openai-microsoft/3.", field=field
        )
    return match["partnership"], int(match["n"])


def act_from_json(data: Any, kinds: Kinds | None) -> Act:
    """The act that a document says.

    Args:
        data: Plain data; the stored form, or a file's, its `key` taken off and its texts named by sha256.
        kinds: The vocabulary that values are checked against; None for a body from the log, which was checked.

    Raises:
        TimelineError: with the field at fault, in the category REFUSED.
    """
    document = Fields(data, "", "the document", kinds)
    if "corrects" in document.raw:
        return _correction(document)
    if "retracts" in document.raw:
        partnership, n = reference(document.take("retracts"), field="retracts")
        by, on = _by(document, "retracted_on")
        act = Retraction(partnership, n, document.text("reason"), by, on)
        _same_partnership(document, partnership)
        return document.done(act)
    if "attaches" in document.raw:
        partnership, n = reference(document.take("attaches"), field="attaches")
        _same_partnership(document, partnership)
        return document.done(Attachment(partnership, n, _sources(document), document.optional("note")))
    if "occurred" in document.raw:
        return document.done(
            Occurrence(
                partnership=document.slug("partnership"),
                event=document.text("occurred", length=200),
                on=dates.day(document.text("on"), field="on"),
                announced=document.announced(),
                sources=_sources(document),
                title=document.optional("title", length=300),
                note=document.optional("note"),
            )
        )
    if "parties" in document.raw:
        return _opening(document)
    return document.done(_announcement(document, document.slug("partnership")))


def _opening(document: Fields) -> Opening:
    raw = document.take("parties")
    if not isinstance(raw, dict) or len(raw) < 2:
        raise TimelineError(
            "invalid_field",
            "A partnership has two or more parties.",
            "Write parties: {openai: OpenAI, microsoft: Microsoft}.",
            field="parties",
        )
    named = tuple(
        (slug(key, field=f"parties.{key}"), text_of(name, field=f"parties.{key}", length=120))
        for key, name in raw.items()
    )
    return document.done(Opening(document.slug("partnership"), document.text("name", length=200), named))


def _correction(document: Fields) -> Correction:
    partnership, n = reference(document.take("corrects"), field="corrects")
    reason = document.text("reason")
    by, on = _by(document, "corrected_on")
    _same_partnership(document, partnership)
    content = document.done(_announcement(document, partnership))
    return Correction(partnership, n, reason, content, by, on)


def _same_partnership(document: Fields, partnership: str) -> None:
    if document.slug("partnership", default=partnership) != partnership:
        raise TimelineError(
            "conflicting_fields",
            "The partnership is not the one of the announcement that is cited.",
            f"Write partnership: {partnership}, or leave it out.",
            field="partnership",
        )


def _by(document: Fields, on_name: str) -> tuple[Literal["editor", "issuer"], date | None]:
    by = document.choice("by", ("editor", "issuer"), default="editor")
    raw = document.optional(on_name)
    if by == "editor":
        if raw is not None:
            raise TimelineError(
                "conflicting_fields",
                f"{on_name} is the day the source did it; our own slip has none.",
                f"Leave {on_name} out, or write by: issuer.",
                field=on_name,
            )
        return "editor", None
    if raw is None:
        raise TimelineError(
            "missing_field",
            f"What the issuer did needs {on_name}, the day the source did it.",
            f"Add {on_name}: 2025-03-15, or write by: editor if the slip was ours.",
            field=on_name,
        )
    return "issuer", dates.day(raw, field=on_name)


def _announcement(document: Fields, partnership: str) -> Announcement:
    title = document.text("title", length=300)
    announced = document.announced()
    force = document.choice("force", FORCES, default="agreed")
    sources = _sources(document)
    statements = tuple(
        _statement(
            Fields(raw, f"statements[{place}]", "a statement", document.kinds),
            len(sources),
            announced,
        )
        for place, raw in enumerate(document.list("statements"))
    )
    return Announcement(
        partnership=partnership,
        title=title,
        announced=announced,
        force=force,
        sources=sources,
        statements=statements,
        summary=document.optional("summary"),
        note=document.optional("note"),
    )


def _sources(document: Fields) -> tuple[Source, ...]:
    found = []
    for place, raw in enumerate(document.list("sources")):
        fields = Fields(raw, f"sources[{place}]", "a source", document.kinds)
        url = fields.optional("url", length=LONGEST_ADDRESS)
        if url is not None:
            otherwise = "leave url out and name the publisher"
            check_address(url, otherwise, field=fields.at("url"), stored=fields.kinds is None)
        sha = fields.optional("text_sha256")
        if sha is not None and not _SHA256.fullmatch(sha):
            raise TimelineError(
                "invalid_field",
                "text_sha256 is not a sha256 in hexadecimal.",
                "Put the text itself in text, and leave text_sha256 out.",
                field=fields.at("text_sha256"),
            )
        publisher = fields.optional("publisher", length=200)
        if url is None and publisher is None and sha is None:
            raise TimelineError(
                "missing_field",
                "A source needs an address, a publisher or a text.",
                "Add publisher, url or text.",
                field=fields.path,
            )
        found.append(fields.done(Source(fields.choice("tier", TIERS), url, publisher, sha)))
    if not found:
        raise TimelineError(
            "missing_field", "No source is named.", "Add sources, each with a url or a publisher.", field="sources"
        )
    return tuple(found)


def _statement(fields: Fields, sources: int, announced: Announced) -> Statement:
    about = term(fields.take("term"), field=fields.at("term"))
    act, value = _says(fields, about)
    effective = _effective(fields)
    until = _until(fields)
    temporary = fields.flag("temporary")
    quote = fields.optional("quote", length=2000)
    unsupported = fields.optional("unsupported", length=1000)
    if quote is None and unsupported is None:
        raise TimelineError(
            "quote_missing",
            f"The statement about {about} has no quote.",
            "Add quote, in the source's own words; if it really has none, add unsupported, with the reason.",
            field=fields.at("quote"),
        )
    source = fields.optional_number("source", default=1)
    if not 1 <= source <= sources:
        raise TimelineError(
            "invalid_field",
            f"There is no source {source}; the announcement has {sources}.",
            f"Write a number from 1 to {sources}, in the order of sources.",
            field=fields.at("source"),
        )
    statement = Statement(
        term=about,
        act=act,
        quote=quote or "",
        value=value,
        direction=fields.direction(),
        effective=effective,
        until=until,
        temporary=temporary,
        force=fields.choice("force", FORCES, default=None),
        source=source,
        unsupported=unsupported,
        note=fields.optional("note"),
    )
    _check_periods(statement, fields, announced)
    return fields.done(statement)


def _says(fields: Fields, about: Term) -> tuple[Literal["set", "end", "reaffirm"], Value | None]:
    kinds = fields.kinds
    kind = None if kinds is None else kinds.get(about.kind, field=fields.at("term"))
    given = [name for name in ("set", "end", "reaffirm") if fields.take(name, default=None) not in (None, False)]
    if len(given) != 1:
        raise TimelineError(
            "conflicting_fields" if given else "missing_field",
            f"A statement says exactly one thing; this one says {' and '.join(given) or 'nothing'}.",
            "Give one of set, end and reaffirm: set with the value, the others as true.",
            field=fields.path,
        )
    raw = fields.raw[given[0]]
    if given == ["set"]:
        if kind is None:
            return "set", value_from_stored(raw)
        return "set", read_value(raw, kind, field=fields.at("set"))
    if raw is not True:
        raise TimelineError(
            "invalid_field",
            f"{given[0]} is true or left out, not {raw!r}.",
            f"Write {given[0]}: true.",
            field=fields.at(given[0]),
        )
    return ("end" if given == ["end"] else "reaffirm"), None


def _effective(fields: Fields) -> Effective:
    raw = fields.take("effective", default=None)
    if raw is None:
        return None
    if raw == "unknown":
        return Unknown()
    if isinstance(raw, dict):
        event = Fields(raw, fields.at("effective"), "an event", fields.kinds)
        return event.done(When(event.text("event", length=200)))
    return dates.coarse(date_text(raw), field=fields.at("effective"))


def _until(fields: Fields) -> Until:
    raw = fields.take("until", default=None)
    if raw is None:
        return None
    if raw == "for-good":
        return ForGood()
    if isinstance(raw, dict):
        event = Fields(raw, fields.at("until"), "an event", fields.kinds)
        outer = event.take("no_later_than", default=None)
        return event.done(
            UntilEvent(
                event.text("event", length=200),
                None if outer is None else dates.coarse(date_text(outer), field=event.at("no_later_than")),
            )
        )
    return dates.coarse(date_text(raw), field=fields.at("until"))


def _check_periods(statement: Statement, fields: Fields, announced: Announced) -> None:
    def refuse(code: str, detail: str, remedy: str, name: str) -> None:
        raise TimelineError(code, detail, remedy, field=fields.at(name))

    effective, until = statement.effective, statement.until
    if statement.act == "reaffirm":
        for name, given in (("effective", effective), ("until", until), ("temporary", statement.temporary or None)):
            if given is not None:
                refuse(
                    "conflicting_fields",
                    f"“Remains in force” changes nothing, so it has no {name}.",
                    f"Leave {name} out; if the source gives a new period, use set: with the whole value.",
                    name,
                )
        return
    if statement.temporary and (until is None or isinstance(until, ForGood)):
        refuse(
            "missing_field",
            "What is temporary needs an end.",
            "Add until, the last day it holds, or leave temporary out.",
            "until",
        )
    if statement.act == "end" and isinstance(until, CoarseDate | UntilEvent) and not statement.temporary:
        refuse(
            "conflicting_fields",
            "An end that itself ends is a suspension.",
            "Add temporary: true, or leave until out.",
            "until",
        )
    if isinstance(effective, Unknown) and (statement.act == "end" or statement.temporary):
        refuse(
            "invalid_field",
            f"{'An end' if statement.act == 'end' else 'Something temporary'} needs a day.",
            "Give effective as a day, month or year, or leave it out for the announced day.",
            "effective",
        )
    last = until.no_later_than if isinstance(until, UntilEvent) else until
    begins = announced.window if effective is None else effective
    if isinstance(begins, CoarseDate) and isinstance(last, CoarseDate) and last.hi <= begins.lo:
        assumed = effective is None
        refuse(
            "until_before_effective",
            f"It ends ({last.text}) before it begins ({begins.text}{', the announced day' if assumed else ''}).",
            "Add effective: unknown, or with the day, month or year in which it began."
            if assumed
            else "Check the two dates; until is the last day, month or year in which it holds.",
            "until",
        )
