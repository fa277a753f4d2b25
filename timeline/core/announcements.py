"""What was said: the acts as frozen values, and their canonical JSON, which is the storage form.

The announcement file, the HTTP body and the stored body have one shape (`docs/announcement-file.md`); this module
reads it from plain data (dict, list, str, bool, int, Decimal, None) and writes it back. A source's stored text is
named here by its sha256 only: whoever takes the document in keeps the bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any, Literal, TypeVar

from timeline.core import dates
from timeline.core.dates import Announced, CoarseDate
from timeline.core.errors import TimelineError, did_you_mean
from timeline.core.terms import Kinds, Term, Value, read_value, slug, term, text_of, value_from_stored, value_to_json

T = TypeVar("T")
FORCES = ("agreed", "proposed", "reported")
TIERS = ("aggregator", "press", "party", "filing")
"""Lowest first: within one announced day the higher is painted later."""
_SHA256 = re.compile(r"[0-9a-f]{64}")
_REFERENCE = re.compile(r"(?P<partnership>[a-z0-9-]+)/(?P<n>[1-9]\d{0,8})", re.ASCII)
_DIRECTION = re.compile(r"\s*(\S+)\s*(?:->|→)\s*(\S+)\s*")


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


Act = Opening | Announcement | Correction | Retraction | Occurrence
KIND_OF_ACT: dict[type, str] = {
    Opening: "opening",
    Announcement: "announcement",
    Correction: "correction",
    Retraction: "retraction",
    Occurrence: "occurrence",
}


def reference(text: Any, *, field: str) -> tuple[str, int]:
    """Read a citation such as `openai-microsoft/3`: the partnership and the place in its record."""
    match = _REFERENCE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise TimelineError(
            "invalid_field", f"“{text}” is not a citation.", "Write it as openai-microsoft/3.", field=field
        )
    return match["partnership"], int(match["n"])


def act_from_json(data: Any, kinds: Kinds | None, *, parties: Sequence[str] | None = None) -> Act:
    """The act that a document says.

    Args:
        data: Plain data; the stored form, or a file's, its `key` taken off and its texts named by sha256.
        kinds: The vocabulary that values are checked against; None for a body from the log, which was checked.
        parties: The partnership's party slugs, where they are known.

    Raises:
        TimelineError: with the field at fault, in the category REFUSED.
    """
    document = _Fields(data, "", "the document", kinds, parties)
    if "corrects" in document.raw:
        return _correction(document)
    if "retracts" in document.raw:
        partnership, n = reference(document.take("retracts"), field="retracts")
        by, on = _by(document, "retracted_on")
        act = Retraction(partnership, n, document.text("reason"), by, on)
        _same_partnership(document, partnership)
        return document.done(act)
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


def _opening(document: _Fields) -> Opening:
    raw = document.take("parties")
    if not isinstance(raw, Mapping) or len(raw) < 2:
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


def _correction(document: _Fields) -> Correction:
    partnership, n = reference(document.take("corrects"), field="corrects")
    reason = document.text("reason")
    by, on = _by(document, "corrected_on")
    _same_partnership(document, partnership)
    content = document.done(_announcement(document, partnership))
    return Correction(partnership, n, reason, content, by, on)


def _same_partnership(document: _Fields, partnership: str) -> None:
    if document.slug("partnership", default=partnership) != partnership:
        raise TimelineError(
            "conflicting_fields",
            "The partnership is not the one of the announcement that is cited.",
            f"Write partnership: {partnership}, or leave it out.",
            field="partnership",
        )


def _by(document: _Fields, on_name: str) -> tuple[Literal["editor", "issuer"], date | None]:
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


def _announcement(document: _Fields, partnership: str) -> Announcement:
    title = document.text("title", length=300)
    announced = document.announced()
    force = document.choice("force", FORCES, default="agreed")
    sources = _sources(document)
    statements = tuple(
        _statement(
            _Fields(raw, f"statements[{place}]", "a statement", document.kinds, document.parties),
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


def _sources(document: _Fields) -> tuple[Source, ...]:
    found = []
    for place, raw in enumerate(document.list("sources")):
        fields = _Fields(raw, f"sources[{place}]", "a source", document.kinds, document.parties)
        url = fields.optional("url", length=2000)
        if url is not None and not re.match(r"https?://[^\s/]+", url):
            raise TimelineError(
                "invalid_field",
                f"“{url}” is not an address on the web.",
                "Write it in full, https://…, or leave url out and name the publisher.",
                field=fields.at("url"),
            )
        sha = fields.optional("text_sha256")
        if sha is not None and not _SHA256.fullmatch(sha):
            raise TimelineError(
                "invalid_field",
                "text_sha256 is not a sha256 in hexadecimal.",
                "Give the text itself, as `text:`.",
                field=fields.at("text_sha256"),
            )
        publisher = fields.optional("publisher", length=200)
        if url is None and publisher is None and sha is None:
            raise TimelineError(
                "missing_field",
                "A source needs an address, a publisher or a text.",
                "Add url, publisher or text.",
                field=fields.path,
            )
        found.append(fields.done(Source(fields.choice("tier", TIERS), url, publisher, sha)))
    if not found:
        raise TimelineError(
            "missing_field", "No source is named.", "Add sources: with at least one url or publisher.", field="sources"
        )
    return tuple(found)


def _statement(fields: _Fields, sources: int, announced: Announced) -> Statement:
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
            "Add quote: with the source's own words; if it really has none, unsupported: with the reason.",
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


def _says(fields: _Fields, about: Term) -> tuple[Literal["set", "end", "reaffirm"], Value | None]:
    kinds = fields.kinds
    kind = None if kinds is None else kinds.get(about.kind, field=fields.at("term"))
    given = [name for name in ("set", "end", "reaffirm") if fields.take(name, default=None) not in (None, False)]
    if len(given) != 1:
        raise TimelineError(
            "conflicting_fields" if given else "missing_field",
            f"A statement says exactly one thing; this one says {' and '.join(given) or 'nothing'}.",
            "Use set: with the value, end: true, or reaffirm: true.",
            field=fields.path,
        )
    raw = fields.raw[given[0]]
    if given == ["set"]:
        if kind is None:
            return "set", value_from_stored(raw)
        return "set", read_value(raw, kind, field=fields.at("set"), parties=fields.parties)
    if raw is not True:
        raise TimelineError(
            "invalid_field",
            f"{given[0]} is true or left out, not {raw!r}.",
            f"Write {given[0]}: true.",
            field=fields.at(given[0]),
        )
    return ("end" if given == ["end"] else "reaffirm"), None


def _effective(fields: _Fields) -> Effective:
    raw = fields.take("effective", default=None)
    if raw is None:
        return None
    if raw == "unknown":
        return Unknown()
    if isinstance(raw, Mapping):
        event = _Fields(raw, fields.at("effective"), "an event", fields.kinds, fields.parties)
        return event.done(When(event.text("event", length=200)))
    return dates.coarse(_date_text(raw), field=fields.at("effective"))


def _until(fields: _Fields) -> Until:
    raw = fields.take("until", default=None)
    if raw is None:
        return None
    if raw == "for-good":
        return ForGood()
    if isinstance(raw, Mapping):
        event = _Fields(raw, fields.at("until"), "an event", fields.kinds, fields.parties)
        outer = event.take("no_later_than", default=None)
        return event.done(
            UntilEvent(
                event.text("event", length=200),
                None if outer is None else dates.coarse(_date_text(outer), field=event.at("no_later_than")),
            )
        )
    return dates.coarse(_date_text(raw), field=fields.at("until"))


def _date_text(raw: Any) -> str:
    """A bare year is a number in YAML and JSON; everything else must be text already."""
    return f"{raw:04d}" if isinstance(raw, int) and not isinstance(raw, bool) else str(raw)


def _check_periods(statement: Statement, fields: _Fields, announced: Announced) -> None:
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
            "Add until:, the last day it holds, or leave temporary out.",
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
            "Give effective: as a day, month or year, or leave it out for the announced day.",
            "effective",
        )
    last = until.no_later_than if isinstance(until, UntilEvent) else until
    begins = announced.window if effective is None else effective
    if isinstance(begins, CoarseDate) and isinstance(last, CoarseDate) and last.hi <= begins.lo:
        refuse(
            "until_before_effective",
            f"It ends ({last.text}) before it begins ({begins.text}"
            + (")." if effective is not None else ", the announced day, for want of an effective one)."),
            "Check the two dates; until: is the last day, month or year in which it holds."
            if effective is not None
            else "Add effective: with the day, month or year in which it began, or unknown.",
            "until",
        )


def act_to_json(act: Act) -> dict[str, Any]:
    """The act as plain data: what was said and nothing that follows from it; defaults and empty fields left out."""
    match act:
        case Opening():
            return {"partnership": act.partnership, "name": act.name, "parties": dict(act.parties)}
        case Announcement():
            return _given(
                partnership=act.partnership,
                title=act.title,
                announced=act.announced.text,
                force=act.force,
                summary=act.summary,
                sources=[_source_to_json(source) for source in act.sources],
                statements=[_statement_to_json(statement) for statement in act.statements],
                note=act.note,
            )
        case Correction():
            head = _given(corrects=f"{act.partnership}/{act.n}", reason=act.reason, by=act.by)
            return head | _given(corrected_on=_day(act.on)) | act_to_json(act.content)
        case Retraction():
            return _given(
                retracts=f"{act.partnership}/{act.n}", reason=act.reason, by=act.by, retracted_on=_day(act.on)
            )
        case Occurrence():
            return _given(
                partnership=act.partnership,
                occurred=act.event,
                on=_day(act.on),
                announced=act.announced.text,
                sources=[_source_to_json(source) for source in act.sources],
                title=act.title,
                note=act.note,
            )


def canonical(act: Act) -> str:
    """The act's canonical JSON: sorted keys, no spaces, numbers as decimal text. What is hashed is what is stored."""
    body = act_to_json(act)
    if isinstance(act, Opening):  # the order in which the parties are named is part of what was said
        body["parties"] = [list(party) for party in act.parties]
    return json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def act_from_stored(body: str) -> Act:
    """The act that `canonical` wrote."""
    data = json.loads(body)
    if isinstance(data.get("parties"), list):
        data["parties"] = dict(data["parties"])
    return act_from_json(data, None)


def content_hash(body: str) -> str:
    """The sha256 of a canonical body: two acts with the same one say the same."""
    return sha256(body.encode()).hexdigest()


def with_texts(act: Act, shas: Mapping[int, str]) -> Act:
    """The act, its sources (counted from 1) naming the stored texts given for them."""
    if isinstance(act, Correction):
        return replace(act, content=with_texts(act.content, shas))
    if isinstance(act, Announcement | Occurrence):
        sources = tuple(
            replace(source, text_sha256=shas.get(place, source.text_sha256))
            for place, source in enumerate(act.sources, start=1)
        )
        return replace(act, sources=sources)
    return act


def _source_to_json(source: Source) -> dict[str, Any]:
    return _given(url=source.url, publisher=source.publisher, tier=source.tier, text_sha256=source.text_sha256)


def _statement_to_json(statement: Statement) -> dict[str, Any]:
    body = _given(
        term=str(statement.term),
        direction=None if statement.direction is None else str(statement.direction),
        effective=_effective_to_json(statement.effective),
        until=_until_to_json(statement.until),
        temporary=statement.temporary or None,
        force=statement.force,
        quote=statement.quote or None,
        source=None if statement.source == 1 else statement.source,
        unsupported=statement.unsupported,
        note=statement.note,
    )
    body[statement.act] = True if statement.value is None else value_to_json(statement.value, stored=True)
    return body


def _effective_to_json(effective: Effective) -> Any:
    match effective:
        case CoarseDate():
            return effective.text
        case Unknown():
            return "unknown"
        case When():
            return {"event": effective.event}
    return None


def _until_to_json(until: Until) -> Any:
    match until:
        case CoarseDate():
            return until.text
        case ForGood():
            return "for-good"
        case UntilEvent():
            outer = until.no_later_than
            return _given(event=until.event, no_later_than=None if outer is None else outer.text)
    return None


def _day(on: date | None) -> str | None:
    return None if on is None else on.isoformat()


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


class _Fields:
    """The fields of one mapping, taken one by one; `done` refuses what nobody took."""

    def __init__(self, raw: Any, path: str, what: str, kinds: Kinds | None, parties: Sequence[str] | None) -> None:
        if not isinstance(raw, Mapping):
            raise TimelineError(
                "malformed_document",
                f"{what.capitalize()} is a set of fields, not {type(raw).__name__}.",
                "Write it as field: value lines.",
                field=path or None,
            )
        self.raw = raw
        self.path = path
        self.what = what
        self.kinds = kinds
        self.parties = parties
        self.taken: list[str] = []

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str, **default: Any) -> Any:
        self.taken.append(name)
        raw = self.raw.get(name)
        if raw is None:
            if "default" in default:
                return default["default"]
            raise TimelineError(
                "missing_field", f"{self.what.capitalize()} needs {name}.", f"Add {name}:.", field=self.at(name)
            )
        return raw

    def text(self, name: str, *, length: int = 10_000) -> str:
        return text_of(self._plain(self.take(name)), field=self.at(name), length=length)

    def optional(self, name: str, *, length: int = 10_000) -> str | None:
        raw = self.take(name, default=None)
        return None if raw is None else text_of(self._plain(raw), field=self.at(name), length=length)

    def optional_number(self, name: str, *, default: int) -> int:
        raw = self.take(name, default=default)
        if isinstance(raw, int) and not isinstance(raw, bool):
            return raw
        raise TimelineError("invalid_field", f"{name} is a number, not {raw!r}.", "Write 1, 2, …", field=self.at(name))

    def flag(self, name: str) -> bool:
        raw = self.take(name, default=False)
        if isinstance(raw, bool):
            return raw
        raise TimelineError(
            "invalid_field", f"{name} is true or false, not {raw!r}.", "Write true or false.", field=self.at(name)
        )

    def slug(self, name: str, **default: Any) -> str:
        return slug(self.take(name, **default), field=self.at(name))

    def list(self, name: str) -> Sequence[Any]:
        raw = self.take(name, default=())
        if isinstance(raw, list | tuple):
            return raw
        raise TimelineError("invalid_field", f"{name} is a list.", "Begin each item with a dash.", field=self.at(name))

    def choice(self, name: str, choices: Sequence[str], **default: Any) -> Any:
        raw = self.take(name, **default)
        if raw is None or raw in choices:
            return raw
        raise TimelineError(
            "invalid_field",
            f"{name} cannot be “{raw}”.",
            f"It is one of {', '.join(choices)}.",
            field=self.at(name),
        )

    def announced(self) -> Announced:
        return dates.announced(_date_text(self.take("announced")), field=self.at("announced"))

    def direction(self) -> Direction | None:
        raw = self.take("direction", default=None)
        if raw is None:
            return None
        match = _DIRECTION.fullmatch(raw) if isinstance(raw, str) else None
        if match is None:
            raise TimelineError(
                "invalid_field",
                f"“{raw}” is not a direction.",
                "Write who grants, pays or owes -> who receives: openai -> microsoft.",
                field=self.at("direction"),
            )
        for name in match.groups():
            if self.parties is not None and name not in self.parties:
                raise TimelineError(
                    "unknown_party",
                    f"“{name}” is not a party of this partnership.",
                    did_you_mean(name, list(self.parties)),
                    field=self.at("direction"),
                )
        return Direction(match[1], match[2])

    def done(self, made: T) -> T:
        for name in self.raw:
            if name not in self.taken:
                raise TimelineError(
                    "unknown_field",
                    f"{self.what.capitalize()} has no field “{name}”.",
                    did_you_mean(str(name), sorted(set(self.taken))),
                    field=self.at(str(name)),
                )
        return made

    @staticmethod
    def _plain(raw: Any) -> Any:
        """A year or a number where text is meant (`publisher: 20`) is that text."""
        return str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw
