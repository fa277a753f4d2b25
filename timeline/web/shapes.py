"""The shapes of the answers, for the OpenAPI document; a test holds them against what is really answered.

An answer may grow: programs must let further fields pass.
"""

from __future__ import annotations

from typing import Any, NotRequired, TypedDict

Value = dict[str, Any]
"""The fields of a term's kind; /api/schema has them."""


class Clocks(TypedDict):
    known_at: str | None
    known_seq: int
    announced_by: str | None


class ResolvedDay(Clocks):
    as_of: str


class Since(TypedDict):
    date: str | None
    precision: str | None
    basis: str


class Until(TypedDict):
    through: str | None
    precision: str | None
    event: str | None
    for_good: NotRequired[bool]


class Evidence(TypedDict):
    statement: str
    quote: str
    status: str
    url: str | None
    tier: str
    announced: str
    recorded_at: str
    publisher: NotRequired[str]
    unsupported: NotRequired[str]


class Conflict(Evidence):
    governed_by: str
    value: Value | None
    text: str


class Held(TypedDict):
    """What its own statement says of a term in force."""

    term: str
    label: str
    kind: str
    direction: str | None
    status: str
    value: Value
    text: str
    since: Since
    until: Until
    certainty: str
    governed_by: str


class TermInForce(Held):
    next_change: str | None
    changed_on_this_day: bool
    last_confirmed: str | None
    last_confirmed_text: str | None
    evidence: list[Evidence]
    conflicts: list[Conflict]


class Boundary(TypedDict):
    """A day, and how closely it was said: “2027-06-30”, “in 2027”, “at the end of 2032”."""

    on: str
    precision: str
    on_text: str


class TermEnded(Boundary):
    term: str
    label: str
    kind: str
    direction: str | None
    status: str
    text: str
    certainty: str
    next_change: str | None
    governed_by: str
    evidence: list[Evidence]
    conflicts: list[Conflict]


class Ahead(TypedDict):
    on: str | None
    precision: str | None
    on_text: str | None
    term: str
    what: str
    text: str
    governed_by: str
    evidence: list[Evidence]
    event: NotRequired[str]
    no_later_than: NotRequired[str | None]


class Coverage(TypedDict):
    first: str | None
    last: str | None
    later: int
    note: str | None


class State(TypedDict):
    partnership: str
    name: str
    resolved: ResolvedDay
    view: str
    terms: list[TermInForce]
    ended: list[TermEnded]
    upcoming: list[Ahead]
    proposed: list[TermInForce]
    reported: list[TermInForce]
    coverage: Coverage
    warnings: list[dict[str, Any]]


class HeldAcross(Held):
    partnership: str
    name: str


class InForce(TypedDict):
    resolved: ResolvedDay
    view: str
    in_force: list[HeldAcross]
    last: str | None
    more: bool
    next: str | None
    note: str | None


class CellShape(TypedDict):
    status: str
    value: Value | None
    text: str
    governed_by: str | None
    evidence: list[Evidence]


class Step(Boundary):
    term: str
    label: str
    what: str
    before: CellShape
    after: CellShape
    text: str


class Side(CellShape):
    certainty: str | None


class Differing(TypedDict):
    term: str
    label: str
    before: Side
    after: Side


_Span = TypedDict("_Span", {"from": str, "to": str})
_SpanOfClocks = TypedDict("_SpanOfClocks", {"from": Clocks, "to": Clocks})
_From = TypedDict("_From", {"from": str | None})


class Begun(TypedDict):
    term: str
    label: str
    after: Side


class NotOnRecordBefore(TypedDict):
    """The date at which the record begins, and what held already, since when is not known: these are no changes."""

    date: str
    terms: list[Begun]


class Changes(_Span):
    partnership: str
    name: str
    resolved: Clocks
    changes: list[Step]
    terms: list[Differing]
    unchanged: list[str]
    not_on_record_before: NotOnRecordBefore | None


class Act(TypedDict):
    id: str
    seq: int
    recorded_at: str
    live: bool
    kind: str
    title: str
    announced: NotRequired[str]
    force: NotRequired[str]
    terms: NotRequired[list[str]]
    reason: NotRequired[str]


class Reread(TypedDict):
    """How a cited state reads today."""

    partnership: str
    name: str
    cited: ResolvedDay
    now: ResolvedDay
    differs: list[dict[str, Any]]
    other_words: list[dict[str, Any]]
    acts: list[Act]


class Learned(_SpanOfClocks):
    partnership: str
    name: str
    learned: list[dict[str, Any]]
    acts: list[Act]


class Life(_From, CellShape):
    from_text: str
    through: str | None
    through_text: str | None
    since: Since
    until: Until
    certain_from: str | None
    announced: str
    recorded_at: str


class History(TypedDict):
    partnership: str
    name: str
    term: str
    label: str
    kind: str
    direction: str | None
    resolved: Clocks
    life: list[Life]
    statements: list[dict[str, Any]]


class TimelineTerm(TypedDict):
    term: str
    label: str
    kind: str
    life: list[Life]


class Timeline(TypedDict):
    partnership: str
    name: str
    resolved: Clocks
    terms: list[TimelineTerm]
    days: list[dict[str, Any]]


class Upcoming(TypedDict):
    after: str
    until: str | None
    upcoming: list[dict[str, Any]]


class PartnershipLine(TypedDict):
    partnership: str
    name: str
    parties: dict[str, str]
    announcements: int
    acts: int
    first: str | None
    first_text: str | None
    last: str | None
    last_text: str | None
    last_recorded_at: str | None
    kinds: list[str]
    head: str


class Partnerships(TypedDict):
    partnerships: list[PartnershipLine]


class Partnership(PartnershipLine):
    terms: list[dict[str, Any]]
    events: list[str]


class Announcements(TypedDict):
    partnership: str
    name: str
    announcements: list[Act]


class Content(TypedDict):
    """What an announcement says."""

    summary: str | None
    note: str | None
    sources: list[dict[str, Any]]
    statements: list[dict[str, Any]]


class Corrected(Content):
    """What counts in the place of an announcement, and by which act."""

    by: str
    title: str
    announced: str
    force: str
    terms: list[str]


class Announcement(Act):
    partnership: str
    name: str
    n: int
    key: str | None
    hash: str
    later: list[Act]
    document: dict[str, Any]
    summary: NotRequired[str | None]
    note: NotRequired[str | None]
    sources: NotRequired[list[dict[str, Any]]]
    statements: NotRequired[list[dict[str, Any]]]
    corrected: NotRequired[Corrected]


class LogPage(TypedDict):
    after: int
    head: int
    last: int
    more: bool
    next: str | None
    events: list[dict[str, Any]]


class Home(TypedDict):
    partnerships: list[PartnershipLine]
    recent: list[dict[str, Any]]
    ahead: list[dict[str, Any]]
    today: str
    upto: str


class SearchPiece(TypedDict):
    text: str
    found: bool


class SearchHit(TypedDict):
    id: str
    partnership: str
    n: int
    announced: str
    status: str
    title: list[SearchPiece]
    passages: list[list[SearchPiece]]


class Search(TypedDict):
    q: str
    partnerships: list[PartnershipLine]
    terms: list[dict[str, Any]]
    more_names: bool
    hits: list[SearchHit]
    cursor: str | None
    next: str | None
    indexed: int | None
    head: int | None


class SimilarOne(TypedDict):
    id: str
    partnership: str
    n: int
    title: str
    announced: str
    status: str
    shared: list[str]


class SimilarOnes(TypedDict):
    id: str
    words: list[str]
    similar: list[SimilarOne]
    indexed: int
    head: int


class Lead(TypedDict):
    title: str
    feed: str
    address: str | None
    seen: list[str]
    recorded: list[str]


class Leads(TypedDict):
    leads: list[Lead]
    indexed: int
    head: int


class Receipt(TypedDict):
    id: str
    kind: str
    seq: int
    head: str
    follows: str | None
    replayed: bool
    dry_run: bool
    changes: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    entries: list[dict[str, Any]]


class DraftLine(TypedDict):
    id: int
    status: str
    revision: int
    title: str | None
    address: str | None
    reason: str | None
    updated_at: str


class Drafts(TypedDict):
    drafts: list[DraftLine]


class DraftReceived(TypedDict):
    sha256: str
    media_type: str
    size: int
    address: str | None
    retrieved_at: str | None
    kept: bool


class Draft(TypedDict):
    id: int
    status: str
    revision: int
    title: str | None
    created_at: str
    updated_at: str
    received: DraftReceived
    answers: dict[str, str]
    texts: list[dict[str, Any]]
    document: str
    receipt: dict[str, Any] | None
    reason: str | None


class DraftCheck(TypedDict):
    id: int
    status: str
    revision: int
    ready: bool
    blocks: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    would: dict[str, Any] | None


class Webhook(TypedDict):
    name: str
    address: str
    feed: str
    created_at: str
    delivered_at: str | None
    waiting: int
    failures: int
    trouble: str | None
    next_at: str | None
    parked_at: str | None
    retry: str | None


class Webhooks(TypedDict):
    webhooks: list[Webhook]


class NewWebhook(TypedDict):
    name: str
    address: str
    feed: str
    secret: str


class WebhookTest(TypedDict):
    taken: bool
    trouble: str | None


class Lag(TypedDict):
    """How many events each is behind the record, and what a reader does until it has them."""

    feeds: int
    search: int
    replica: int | None
    """None: the primary does not answer, so nobody knows."""
    meanwhile: list[str]


class PublishedUpTo(TypedDict):
    """How far the feeds are, whichever process publishes them: the log's position, and the day."""

    seq: int
    day: str | None


class Status(TypedDict):
    version: str
    now: str
    record: dict[str, Any]
    published: PublishedUpTo
    lag: Lag
    feeds: dict[str, Any]
    webhooks: dict[str, Any]
    streams: int


class Freely(TypedDict, total=False):
    """An object whose shape is told by itself."""
