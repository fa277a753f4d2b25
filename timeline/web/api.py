"""The addresses of the API: what each takes, what it gives, and an example of each that runs on the example record."""

from __future__ import annotations

from functools import partial
from typing import Any

from timeline.core.questions import MOST
from timeline.core.schema import announcement_schema
from timeline.core.terms import Kinds
from timeline.drafting import Drafts
from timeline.search.finding import MOST as MOST_HITS
from timeline.search.words import LONGEST_QUERY
from timeline.web import shapes
from timeline.web.drafting import DRAFT, Drafting
from timeline.web.memento import LINK_FORMAT
from timeline.web.operations import Body, Operation, Parameter
from timeline.web.reading import Reading
from timeline.web.telling import WEBHOOK, Telling
from timeline.web.writing import Writing

Json = dict[str, Any]
_TEXT: Json = {"type": "string", "minLength": 1, "maxLength": 200}
_DAY: Json = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$|^(today|yesterday)$"}
POSITION: Json = {"type": "integer", "minimum": 0, "maximum": 999_999_999}
SLUG: Json = {"type": "string", "pattern": "^[a-z0-9]+(-[a-z0-9]+)*$", "maxLength": 80}

KNOWLEDGE = (
    Parameter(
        "known_at",
        "As known to this record then: an instant with offset, or a day meaning its end in UTC. Alone of the three.",
        _TEXT,
    ),
    Parameter("known_seq", "As known after that position of the log.", POSITION),
    Parameter("announced_by", "Count only what had been announced by then; forms as known_at.", _TEXT),
)
AS_OF = Parameter("as_of", "The calendar day asked about. Default: today, UTC.", _DAY, "2023-06-30")
STATE = (
    AS_OF,
    *KNOWLEDGE,
    Parameter("term", "Only terms that match, such as exclusivity/*.", _TEXT),
    Parameter("include", "Lanes to show beside the state: proposed, reported, or both with a comma.", _TEXT),
)
ACROSS = (
    AS_OF,
    *KNOWLEDGE[:2],
    Parameter("kind", "Only terms of that kind.", SLUG, "exclusivity"),
    Parameter("party", "Only partnerships with that party.", SLUG, "quill"),
    Parameter("term", "Only terms that match, such as exclusivity/*.", _TEXT),
    Parameter("after", "The place to begin after: last of the page before.", _TEXT, "harbour-quill/clause/notice"),
    Parameter("limit", "How many terms at most.", {"type": "integer", "minimum": 1, "maximum": MOST}, 20),
)
SPAN = (
    Parameter("from", "The day to begin after.", _DAY, "2021-07-01", required=True),
    Parameter("to", "The last day.", _DAY, "2023-01-01", required=True),
)
MOMENTS = (
    Parameter("from", "The earlier moment: an instant, a day, or a position as @3.", _TEXT, "@3", required=True),
    Parameter("to", "The later moment.", _TEXT, "@9", required=True),
)
UNTIL = Parameter("until", "The last day to look at.", _DAY)
PAGE = (
    Parameter("after", "The position to begin after. Default 0.", POSITION),
    Parameter("limit", "How many events at most.", {"type": "integer", "minimum": 1, "maximum": MOST}, 20),
    Parameter("cursor", "Where the page before ended: follow its next. Excludes after.", _TEXT),
)
SEARCH = (
    Parameter(
        "q",
        'Words that must all occur; "words in quotes" must follow each other, a word with - before it must not occur.',
        {"type": "string", "maxLength": LONGEST_QUERY},
        "almanac",
    ),
    Parameter("partnership", "Only in that partnership.", SLUG, "harbour-quill"),
    Parameter("kind", "Only what speaks of a term of that kind.", SLUG, "license"),
    Parameter("since", "Only what was announced on that day or later.", _DAY, "2020-01-01"),
    Parameter("until", "Only what was announced on that day or earlier.", _DAY),
    Parameter("limit", "How many hits at most.", {"type": "integer", "minimum": 1, "maximum": MOST_HITS}, 20),
    Parameter("cursor", "Where the page before ended: follow its next.", _TEXT),
)
LEADS = (Parameter("partnership", "Only from pages of that partnership.", SLUG, "harbour-quill"),)
CONDITIONS = (
    Parameter("Idempotency-Key", "The same key twice is the same act: the second records nothing.", _TEXT),
    Parameter("If-Match", 'The partnership\'s head as you know it, in quotes: "harbour-quill@9".', _TEXT),
)
DRY_RUN = Parameter("dry_run", "true: say what would happen, record nothing.", {"enum": ["true", "false"]}, "true")
PATH: dict[str, Json] = {
    "p": SLUG | {"description": "A partnership.", "example": "harbour-quill"},
    "kind": SLUG | {"description": "The kind of a term.", "example": "exclusivity"},
    "subject": SLUG | {"description": "The subject of a term.", "example": "ship-positions"},
    "n": {"type": "integer", "minimum": 1, "maximum": 999_999, "description": "An act's place.", "example": 2},
    "seq": POSITION | {"description": "A position of the log.", "example": 9},
    "date": _DAY | {"description": "A day.", "example": "2023-06-30"},
    "id": DRAFT,
    "webhook": WEBHOOK,
    "name": SLUG | {"description": "all, everything or a partnership.", "example": "all"},
    "party": SLUG | {"description": "A party.", "example": "quill"},
    "span": {"type": "string", "pattern": r"^\d{1,9}-\d{1,9}$", "description": "A page of the past: 1-50, 51-100, …"},
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "Of a source: text_sha256."},
}
_SOURCES = [{"tier": "party", "publisher": "Harbour Signals", "url": "https://harbour-signals.example/news"}]
_ANNOUNCEMENT: Json = {
    "title": "Quill House pays 19 percent",
    "announced": "2026-02-03",
    "sources": _SOURCES,
    "statements": [
        {
            "term": "revenue-share/quill-to-harbour",
            "direction": "quill -> harbour",
            "set": {"percent": 19},
            "effective": "2026-03-01",
            "quote": "From March 2026 Quill House pays us 19 percent of net sales.",
        }
    ],
}
_CORRECTION: Json = {"reason": "A digit was mistyped.", **_ANNOUNCEMENT, "announced": "2021-06-15"}
_RETRACTION: Json = {"reason": "It is about another firm."}
_OCCURRENCE: Json = {
    "occurred": "change of control",
    "on": "2026-01-15",
    "announced": "2026-01-15",
    "sources": _SOURCES,
}


_ATTACHMENT: Json = {"sources": [{"tier": "press", "publisher": "The Almanac", "url": "https://almanac.example/1"}]}


def operations(
    reading: Reading, writing: Writing, drafts: Drafts, telling: Telling, kinds: Kinds
) -> tuple[Operation, ...]:
    """Every operation of the API, questions first."""
    announcement = _without_address(announcement_schema(kinds)["oneOf"][0])
    drafting = Drafting(drafts, announcement).operations()
    return (*_questions(reading), *_acts(writing, kinds), *drafting, *telling.operations())


def _questions(ask: Reading) -> tuple[Operation, ...]:
    def get(
        path: str,
        name: str,
        summary: str,
        handler: Any,
        returns: Any,
        *parameters: Parameter,
        also: tuple[str, ...] = (),
    ) -> Operation:
        return Operation("GET", path, name, summary, handler, returns, parameters, also=also)

    about = "/api/partnerships/{p}"
    filters = (
        Parameter("party", "Only those with that party.", SLUG, "quill"),
        Parameter("kind", "Only those with terms of that kind.", SLUG, "stake"),
    )
    return (
        *_permanent(ask),  # before /p/{p}…, which would take the position for part of the name
        get(
            f"{about}/state",
            "state",
            "What was in force on a day",
            ask.state,
            shapes.State,
            *STATE,
            also=("/p/{p}.json",),
        ),
        Operation(
            "GET",
            "/api/in-force",
            "in_force",
            "What is in force on a day in all partnerships",
            ask.in_force,
            shapes.InForce,
            ACROSS,
            refuses=("announced_by",),
            also=("/in-force.json",),
        ),
        get(
            "/api/home",
            "home",
            "What changed lately, what ends soon",
            ask.home,
            shapes.Home,
            also=("/.json", "/index.json"),
        ),
        Operation(
            "GET",
            "/api/search",
            "search",
            "Where words occur: titles, summaries, quotes, stored texts",
            ask.search,
            shapes.Search,
            SEARCH,
            moving=True,
            also=("/search.json",),
        ),
        Operation(
            "GET",
            "/api/status",
            "status",
            "Head, feeds, scheduler, leader",
            ask.status,
            shapes.Status,
            moving=True,
            also=("/status.json",),
        ),
        get("/api/schema", "schema", "The JSON Schema of the announcement file", ask.schema, shapes.Freely),
        get(
            "/api/partnerships",
            "partnerships",
            "The partnerships on record",
            ask.partnerships,
            shapes.Partnerships,
            *filters,
        ),
        get(about, "partnership", "One partnership, and its head for If-Match", ask.partnership, shapes.Partnership),
        get(
            f"{about}/history/{{kind}}/{{subject}}",
            "history",
            "One term's life",
            ask.history,
            shapes.History,
            *KNOWLEDGE,
            also=("/p/{p}/t/{kind}/{subject}.json",),
        ),
        get(
            f"{about}/timeline",
            "timeline",
            "Every term's line, and the days of change",
            ask.timeline,
            shapes.Timeline,
            *KNOWLEDGE,
            also=("/p/{p}/timeline.json",),
        ),
        get(
            f"{about}/changes",
            "changes",
            "What changed in the world after one day, up to another",
            ask.changes,
            shapes.Changes,
            *SPAN,
            *KNOWLEDGE,
            also=("/p/{p}/compare.json",),
        ),
        get(
            f"{about}/learned",
            "learned",
            "What this record learned between two moments",
            ask.learned,
            shapes.Learned,
            *MOMENTS,
        ),
        get(
            f"{about}/upcoming",
            "upcoming",
            "What ends or begins from tomorrow on",
            ask.upcoming,
            shapes.Upcoming,
            UNTIL,
            *KNOWLEDGE,
        ),
        get(
            f"{about}/announcements",
            "announcements",
            "The acts, in the order recorded",
            ask.announcements,
            shapes.Announcements,
        ),
        get(
            "/api/announcements/{p}/{n}",
            "announcement",
            "One act with its sources and quotes",
            ask.announcement,
            shapes.Announcement,
            also=("/a/{p}/{n}.json",),
        ),
        Operation(
            "GET",
            "/api/announcements/{p}/{n}/similar",
            "similar",
            "The announcements that share its rarest words",
            ask.similar,
            shapes.SimilarOnes,
            moving=True,
        ),
        Operation(
            "GET",
            "/api/leads",
            "leads",
            "What stored pages name as similar articles, and whether it is on record",
            ask.leads,
            shapes.Leads,
            LEADS,
            moving=True,
            also=("/leads.json",),
        ),
        Operation(
            "GET",
            "/p/{p}/timemap",
            "time_map",
            "The days on which anything changed, each with its citation (RFC 7089)",
            ask.time_map,
            None,
            media_type=LINK_FORMAT,
        ),
        get("/api/texts/{sha256}", "text", "A stored source as it was received", ask.text, None),
        get("/api/log", "log", "The log from a position, gapless", ask.log, shapes.LogPage, *PAGE),
    )


def _permanent(ask: Reading) -> tuple[Operation, ...]:
    """The addresses that citations name: the position of the log stands in the path."""

    def get(path: str, name: str, summary: str, cited: Any, returns: Any, *parameters: Parameter) -> Operation:
        handler = partial(ask.permanent, cited)
        return Operation("GET", f"/p/{{p}}@{{seq}}/{path}.json", name, summary, handler, returns, parameters)

    announced_by = KNOWLEDGE[2]
    return (
        get("compare", "cited_changes", "Two days compared, for ever", ask.cited_changes, shapes.Changes,
            *SPAN, announced_by),
        get("timeline", "cited_timeline", "Every term's line, for ever", ask.cited_timeline, shapes.Timeline,
            announced_by),
        get("t/{kind}/{subject}", "cited_history", "One term's life, for ever", ask.cited_history, shapes.History,
            announced_by),
        get("{date}", "cited", "A citation: both clocks fixed, the same for ever", ask.cited_state, shapes.State,
            *STATE[-2:], announced_by),
        Operation("GET", "/p/{p}@{seq}/{date}/since.json", "since", "How a cited state reads today", ask.since,
                  shapes.Reread, (*STATE[-2:], announced_by)),
    )  # fmt: skip


def _acts(act: Writing, kinds: Kinds) -> tuple[Operation, ...]:
    def post(path: str, name: str, summary: str, handler: Any, body: Body) -> Operation:
        return Operation(
            "POST", path, name, summary, handler, shapes.Receipt, (DRY_RUN,), CONDITIONS, body=body, scope="append"
        )

    about = "/api/partnerships/{p}"
    shared = announcement_schema(kinds)["oneOf"]
    announcement, correction, retraction, occurrence, attachment, opening = (_without_address(each) for each in shared)
    return (
        post(f"{about}/announcements", "append", "Record an announcement, or open the partnership", act.announcement,
             Body({"anyOf": [announcement, opening]}, _ANNOUNCEMENT)),
        post(f"{about}/announcements/{{n}}/correction", "correct", "Put other content in an announcement's place",
             act.correction, Body(correction, _CORRECTION)),
        post(f"{about}/announcements/{{n}}/retraction", "retract", "Take an act out of the record from now on",
             act.retraction, Body(retraction, _RETRACTION)),
        post(f"{about}/announcements/{{n}}/sources", "attach", "Name another report of an announcement",
             act.attachment, Body(attachment, _ATTACHMENT)),
        post(f"{about}/occurrences", "occur", "Record that an event happened for which statements wait",
             act.occurrence, Body(occurrence, _OCCURRENCE)),
    )  # fmt: skip


def _without_address(schema: Json) -> Json:
    """The schema of a document whose address says already which partnership and which act."""
    said = ("partnership", "corrects", "retracts", "attaches")
    properties = {
        name: {"type": "array"} if name in ("sources", "statements") else each
        for name, each in schema["properties"].items()
        if name not in said
    }
    required = [name for name in schema["required"] if name not in said]
    note = "The whole schema, kinds included, is at /api/schema."
    return {"type": "object", "description": note, "properties": properties, "required": required}
