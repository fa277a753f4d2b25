"""Answers as tables for people: what stands in the JSON, laid out; no answer is computed here."""

from __future__ import annotations

import shlex
from itertools import groupby
from operator import itemgetter
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from timeline.bodies import ends_text, since_text, until_text

Json = dict[str, Any]
WIDE = 130
"""Columns that a table of terms needs."""
WRAPPED = {
    "TERM",
    "HOW",
    "STATE",
    "SINCE",
    "UNTIL",
    "VALUE",
    "WORDS",
    "SAYS",
    "WHAT",
    "WHAT CHANGED",
    "NAME",
    "FIELDS",
    "NEEDS",
}
WRAPPED |= {"BEFORE", "AFTER", "WE HELD", "WE HOLD", "ENDED"}


def state(out: Console, body: Json) -> None:
    """The state: who, which day, whose knowledge; terms in force, ended, ahead, beside."""
    resolved = body["resolved"]
    _line(out, body["name"], "bold")
    knowledge = f"announced by {resolved['announced_by']}" if resolved["announced_by"] else _record(resolved)
    _line(out, f"as of {resolved['as_of']}, end of day · {knowledge}")
    coverage = body["coverage"]
    if body["view"] == "historical":
        later = coverage["later"]
        more = f" {later} agreed announcement{'s' * (later != 1)} made after that day." if later else ""
        _line(out, f"! HISTORICAL VIEW.{more}", "yellow")
    if body["view"] == "cited":
        _line(out, "! FIXED RECORD: what was recorded after it is not applied, now or later.", "yellow")
    if body["view"] == "scheduled":
        _line(out, "! SCHEDULED VIEW: a projection of stated dates, not a forecast.", "yellow")
    if coverage["note"]:
        _line(out, coverage["note"])
    if body["terms"]:
        _terms(out, body["terms"])
    for lane in ("proposed", "reported"):
        if body[lane]:
            _line(out, f"\nonly {lane}, not part of the state:", "italic")
            _terms(out, body[lane])
    if body["ended"]:
        table = _table("ENDED", "HOW", "ON", "FROM")
        for term in body["ended"]:
            how = term["status"].replace("_", " ") + _doubt(term) + _otherwise(term)
            table.add_row(term["term"], how, term["on_text"], _short(term["governed_by"]))
        out.print(table)
    _ahead(out, body["upcoming"])
    for warning in body["warnings"]:
        _line(out, f"! {warning['code']}: {warning['detail']}", "yellow")


def in_force(out: Console, body: Json, following: dict[str, str]) -> None:
    """What is in force in all partnerships; then the command that goes on, of the same moment.

    Args:
        following: The parameters of the next page.
    """
    resolved = body["resolved"]
    _line(out, f"in force as of {resolved['as_of']}, end of day · {_record(resolved)}")
    if body["view"] == "scheduled":
        _line(out, "! SCHEDULED VIEW: a projection of stated dates, not a forecast.", "yellow")
    if body["note"]:
        _line(out, body["note"])
    for name, terms in groupby(body["in_force"], itemgetter("name")):
        _line(out, f"\n{name}", "bold")
        for term in terms:
            facts = f"since {since_text(term['since'])} · {ends_text(term['until'])} · {term['governed_by']}"
            out.print(Text.assemble((term["term"], "bold"), f"  {term['text']}{_doubt(term)}"))
            out.print(Padding(Text(facts, style="dim"), (0, 0, 0, 2)))
    if body["more"]:
        options = (f"--{option.replace('_', '-')} {shlex.quote(value)}" for option, value in following.items())
        _line(out, f"\nmore: timeline in-force {' '.join(options)}")


def history(out: Console, body: Json) -> None:
    """One term's life, then every statement as it was heard."""
    _line(out, f"{body['name']} · {body['label']} ({body['term']})", "bold")
    table = _table("FROM", "THROUGH", "VALUE", "ANNOUNCED", "BY", "WORDS")
    for cell in body["life"]:
        table.add_row(
            cell["from_text"],
            cell["through_text"] or "–",
            cell["text"],
            cell["announced"],
            _short(cell["governed_by"]),
            _words(cell["evidence"]),
        )
    out.print(table)
    table = _table("HEARD", "SAYS", "FORCE", "ANNOUNCED", "RECORDED")
    for said in body["statements"]:
        table.add_row(
            _short(said["governed_by"]), said["text"], said["force"], said["announced"], said["recorded_at"][:19]
        )
    out.print(table)


def diff(out: Console, body: Json) -> None:
    """Two days side by side, then the steps between them."""
    _line(out, f"{body['name']}   {body['from']} → {body['to']}", "bold")
    if not body["terms"] and body["not_on_record_before"]:
        _line(out, "No term is on record as having changed.")
    elif not body["terms"]:
        _line(out, f"The same on both days ({len(body['unchanged'])} terms unchanged).")
    else:
        table = _table("TERM", "BEFORE", "AFTER")
        for term in body["terms"]:
            table.add_row(term["term"], term["before"]["text"], term["after"]["text"])
        out.print(table)
        _line(out, f"{len(body['terms'])} changed · {len(body['unchanged'])} unchanged")
    if body["not_on_record_before"]:
        begun = body["not_on_record_before"]
        _line(out, f"Not on record before {begun['date']}:")
        table = _table("TERM", "AFTER")
        for term in begun["terms"]:
            table.add_row(term["term"], term["after"]["text"])
        out.print(table)
    if body["changes"]:
        table = _table("ON", "WHAT CHANGED", "BY")
        for change in body["changes"]:
            by = change["after"]["governed_by"] or change["before"]["governed_by"]
            table.add_row(change["on_text"], change["text"], _short(by))
        out.print(table)


def learned(out: Console, body: Json) -> None:
    """What this record learned between two moments."""
    _line(out, f"{body['name']}   @{body['from']['known_seq']} → @{body['to']['known_seq']}", "bold")
    if not body["learned"]:
        _line(out, "Nothing about any term was learned between them.")
        return
    table = _table("TERM", "FROM", "THROUGH", "WE HELD", "WE HOLD")
    for delta in body["learned"]:
        table.add_row(
            delta["term"],
            delta["start"] or "unknown",
            delta["through"] or "–",
            delta["before"]["text"],
            delta["after"]["text"],
        )
    out.print(table)


def upcoming(out: Console, body: Json) -> None:
    """What lies ahead, by partnership."""
    if not body["upcoming"]:
        _line(out, "Nothing ends or begins in that time.")
    for name in dict.fromkeys(each["name"] for each in body["upcoming"]):
        _line(out, f"\n{name}", "bold")
        _ahead(out, [each for each in body["upcoming"] if each["name"] == name])


def partnerships(out: Console, body: Json) -> None:
    """The partnerships on record."""
    if not body["partnerships"]:
        _line(out, "Nothing here yet. `timeline import` records announcement files.")
        return
    table = _table("PARTNERSHIP", "NAME", "ACTS", "FIRST", "LAST", "HEAD")
    for each in body["partnerships"]:
        table.add_row(
            each["partnership"],
            each["name"],
            str(each["acts"]),
            each["first_text"] or "–",
            each["last_text"] or "–",
            each["head"],
        )
    out.print(table)


def announcement(out: Console, body: Json) -> None:
    """One act with its evidence."""
    _line(out, f"{body['id']}  {body['title']}", "bold")
    facts = [body["kind"], f"announced {body['announced']}" if body.get("announced") else "", body.get("force", "")]
    _line(out, " · ".join(fact for fact in (*facts, f"recorded {body['recorded_at'][:19]}Z, @{body['seq']}") if fact))
    if not body["live"]:
        _line(out, "! RETRACTED: it counts no longer.", "red")
    for later in body["later"]:
        _line(out, f"! {later['title']}: {later['id']}, {later.get('reason', '')}", "yellow")
    if "corrected" in body:
        now = body["corrected"]
        _line(out, f"\nAs corrected by {now['by']}:", "bold")
        _line(out, f"{now['title']} · announced {now['announced']} · {now['force']}")
        _content(out, now)
        _line(out, "\nAs recorded first, which counts no longer:", "bold")
    _content(out, body)
    _line(out, f"sha256 {body['hash']}", "dim")


def _content(out: Console, body: Json) -> None:
    """What an act says, and its sources."""
    for name in ("reason", "summary", "note"):
        if body.get(name):
            _line(out, body[name])
    if body.get("statements"):
        table = _table("#", "TERM", "SAYS", "WORDS", "STATUS")
        for number, said in enumerate(body["statements"], start=1):
            table.add_row(str(number), said["term"], said["text"], f"“{said['quote']}”", said["status"])
        out.print(table)
    for number, source in enumerate(body.get("sources", ()), start=1):
        by = f" (attached by {source['attached_by']})" if "attached_by" in source else ""
        _line(out, f"[{number}] {source['tier']}: {' '.join(filter(None, (source['publisher'], source['url'])))}{by}")


def events(out: Console, body: Json) -> None:
    """The log, a line an event."""
    table = _table("SEQ", "ID", "KIND", "RECORDED", "WHAT")
    for event in body["events"]:
        said = event["body"]
        what = said.get("title") or said.get("name") or said.get("occurred") or said.get("reason", "")
        table.add_row(
            str(event["seq"]), f"{event['partnership']}/{event['n']}", event["kind"], event["recorded_at"], what
        )
    out.print(table)
    if body["more"]:
        _line(out, f"more: timeline log --after {body['last']}")


def hits(out: Console, body: Json) -> None:
    """Where words occur, those found in bold; then how to go on."""
    for hit in body["hits"]:
        became = "" if hit["status"] == "current" else f" · {hit['status'].upper()}"
        out.print(Text.assemble((hit["id"], "bold"), f" · announced {hit['announced']}{became} · "), end="")
        for pieces in (hit["title"], *hit["passages"]):
            out.print(Text.assemble(*(_found(piece) for piece in pieces)), soft_wrap=True)
    if not body["hits"]:
        _line(out, "Nothing on record has all of that.")
    if body["cursor"]:
        _line(out, f"more: the same with --cursor {body['cursor']}")
    _indexed(out, body)


def similar(out: Console, body: Json) -> None:
    """What speaks of the same, and in which words."""
    if not body["similar"]:
        _line(out, f"Nothing on record shares enough rare words with {body['id']}.")
    else:
        table = _table("ID", "ANNOUNCED", "NAME", "WORDS")
        for each in body["similar"]:
            became = "" if each["status"] == "current" else f" ({each['status']})"
            table.add_row(each["id"], each["announced"], each["title"] + became, ", ".join(each["shared"]))
        out.print(table)
    _indexed(out, body)


def leads(out: Console, body: Json) -> None:
    """Where to look next; what is on record already stands last in its line."""
    if not body["leads"]:
        _line(out, "No stored page names a similar article.")
        return
    table = _table("NAME", "FEED", "SEEN", "RECORDED")
    for each in body["leads"]:
        name = "\n".join(filter(None, (each["title"], each["address"])))
        table.add_row(name, each["feed"], ", ".join(each["seen"]), ", ".join(each["recorded"]) or "no")
    out.print(table)


def receipt(out: Console, body: Json) -> None:
    """What became of an act."""
    if body["replayed"]:
        _line(out, f"Already recorded as {body['id']}. Nothing was done.")
        return
    verb = "Would record" if body["dry_run"] else "Recorded"
    _line(out, f"{verb} {body['id']} ({body['kind']}) · record now {body['head']}", "bold")
    for change in body["changes"]:
        _line(out, f"  {change['label']}: {change['before']} → {change['after']}  {change['period']}, {change['when']}")
    if not body["changes"]:
        _line(out, "  No term changes.")
    for warning in body["warnings"]:
        _line(out, f"  ! {warning['code']}: {warning['detail']}", "yellow")
    for entry in body["entries"]:
        where = "everything only" if entry["quiet"] else "all feeds"
        _line(out, f"  {'would publish' if body['dry_run'] else 'publishes'} ({where}): {entry['title']}")


def drafts(out: Console, body: Json) -> None:
    """The drafts, a line each."""
    table = _table("DRAFT", "STATUS", "REVISION", "CHANGED", "NAME")
    for each in body["drafts"]:
        name = each["title"] or each["address"] or "no title yet"
        table.add_row(str(each["id"]), each["status"], str(each["revision"]), each["updated_at"][:16], name)
    out.print(table)
    if not body["drafts"]:
        _line(out, "No draft is open. Begin one: timeline draft new FILE")


def draft(out: Console, body: Json) -> None:
    """A draft: where it stands, what came in, the document."""
    draft_saved(out, body)
    came = body["received"]
    _line(out, f"from {came['address'] or came['media_type']}, {came['size']} bytes, sha256 {came['sha256'][:16]}…")
    _line(out, body["document"].rstrip("\n"))


def draft_saved(out: Console, body: Json) -> None:
    """A draft in one line."""
    ended = f" as {body['receipt']['id']}" if body["receipt"] else f": {body['reason']}" if body["reason"] else ""
    _line(out, f"Draft {body['id']} · revision {body['revision']} · {body['status']}{ended}", "bold")


def draft_check(out: Console, body: Json) -> None:
    """What would come of a draft, or what blocks it."""
    for block in body["blocks"]:
        _line(out, blocked(block), "yellow")
    for asked in body["questions"]:
        _line(out, f"? {asked['of']} “{asked['title']}”, announced {asked['announced']}: {asked['answer'] or 'open'}")
        for why in asked["why"]:
            _line(out, f"  {why['detail']}")
        if asked["answer"] is None:
            _line(out, f"  timeline draft answer {body['id']} {asked['of']} attach|new|unsure")
    if body["would"]:
        receipt(out, body["would"])
    if body["ready"]:
        _line(out, f"Nothing blocks it: timeline draft append {body['id']} --revision {body['revision']}")


def blocked(block: Json) -> str:
    """What blocks a draft, in one line."""
    where = f"line {block['line']}: " if "line" in block else ""
    at = f"{block['field']}: " if "field" in block else ""
    return f"! {where}{at}{block['detail']} {block['remedy']} [{block['code']}]"


def imported(out: Console, body: Json) -> None:
    """What an import did."""
    refused = f", {len(body['refused'])} files refused" if body["refused"] else ""
    already = f", {body['already']} recorded already" if body["already"] else ""
    _line(out, f"{body['recorded']} recorded{already} from {body['files']} files{refused}")


def kinds(out: Console, body: Json) -> None:
    """The kinds of term."""
    table = _table("KIND", "NEEDS", "FIELDS")
    for kind in body["kinds"]:
        fields = [
            f"{name}: {' | '.join(what) if isinstance(what, list) else what}" for name, what in kind["fields"].items()
        ]
        table.add_row(kind["kind"], ", ".join(kind["require"]), "\n".join(fields))
    out.print(table)


def status(out: Console, body: Json) -> None:
    """Settings and record."""
    table = _table("SETTING", "VALUE", "FROM")
    for each in body["settings"]:
        table.add_row(each["name"], each["value"], each["origin"])
    out.print(table)
    record = body["record"]
    _line(out, f"record: {record['head']} events, {record['partnerships']} partnerships, head {record['hash'][:16]}…")
    if record["note"]:
        _line(out, record["note"], "yellow")


def verified(out: Console, body: Json) -> None:
    """The verdict on the record."""
    _line(out, f"{body['events']} events are sound, head {body['events']}:{body['head']}")
    for check, fault in body["checks"].items():
        verdict = "sound" if fault is None else f"{fault['event']}: {fault['what']}"
        _line(out, f"{check}: {verdict}", "" if fault is None else "red")
    for further in (body["note"], body["remedy"]):
        if further:
            _line(out, further)


def published(out: Console, body: Json) -> None:
    """What a publishing run wrote."""
    _line(out, f"{body['written']} files written, {body['unchanged']} unchanged, in {body['folder']}")


def tokens(out: Console, body: Json) -> None:
    """The tokens there are."""
    table = _table("TOKEN", "SCOPE", "CREATED", "LAST USED", "REVOKED")
    for each in body["tokens"]:
        dates = (each[name] or "–" for name in ("created_at", "last_used_at", "revoked_at"))
        table.add_row(each["name"], each["scope"], *dates)
    out.print(table)


def webhooks(out: Console, body: Json) -> None:
    """The webhooks there are, and what to do about those that are parked."""
    table = _table("WEBHOOK", "FEED", "ADDRESS", "WAITING", "LAST TAKEN", "STATE")
    for each in body["webhooks"]:
        state = "parked" if each["parked_at"] else "fails" if each["failures"] else "well"
        taken = each["delivered_at"] or "–"
        table.add_row(*map(Text, (each["name"], each["feed"], each["address"], str(each["waiting"]), taken, state)))
    out.print(table)
    for each in (each for each in body["webhooks"] if each["failures"]):
        what_next = f"parked; when its receiver is well again: {each['retry']}"
        if each["parked_at"] is None:
            what_next = f"tried again {each['next_at']}"
        _line(out, f"{each['name']} failed {each['failures']} times, {what_next}. Last time: {each['trouble']}")


def plain(out: Console, body: Json) -> None:
    """Field by field."""
    for name, value in body.items():
        _line(out, f"{name}: {value}")


def _terms(out: Console, terms: list[Json]) -> None:
    """The terms in force: a table where there is room for it, else a few lines a term."""
    if out.width < WIDE:
        for term in terms:
            facts = f"since {since_text(term['since'])} · {ends_text(term['until'])}"
            facts += f" · confirmed {term['last_confirmed_text'] or 'by nobody yet'} · {_short(term['governed_by'])}"
            out.print(Text(f"\n{term['term']}", style="bold"))
            out.print(Padding(Text(_holds(term)), (0, 0, 0, 2)))
            out.print(Padding(Text(facts, style="dim"), (0, 0, 0, 2)))
        _line(out, "")
        return
    table = _table("TERM", "STATE", "SINCE", "UNTIL", "CONFIRMED", "FROM")
    for term in terms:
        table.add_row(
            term["term"],
            _holds(term),
            since_text(term["since"]),
            until_text(term["until"]),
            term["last_confirmed_text"] or "–",
            _short(term["governed_by"]),
        )
    out.print(table)


def _holds(term: Json) -> str:
    return str(term["text"]) + _doubt(term) + _otherwise(term)


def _otherwise(term: Json) -> str:
    return "".join(f"\nsaid otherwise that day: {conflict['text']}" for conflict in term["conflicts"])


def _doubt(term: Json) -> str:
    return "" if term["certainty"] == "certain" else " (possible)"


def _ahead(out: Console, ahead: list[Json]) -> None:
    if not ahead:
        return
    table = _table("AHEAD", "WHAT", "FROM")
    for each in ahead:
        table.add_row(each["on_text"] or "open", each["text"], _short(each["governed_by"]))
    out.print(table)


def _record(resolved: Json) -> str:
    return f"on the record at {resolved['known_at'] or 'no time'} (@{resolved['known_seq']})"


def _short(citation: str | None) -> str:
    """17#2 for openai-microsoft/17#2: the partnership stands in the heading."""
    return "" if citation is None else citation.rpartition("/")[2]


def _indexed(out: Console, body: Json) -> None:
    if body["indexed"] < body["head"]:
        _line(out, f"! Searched up to @{body['indexed']} of @{body['head']}: the rest is being indexed.", "yellow")


def _found(piece: Json) -> tuple[str, str]:
    return piece["text"], "bold yellow" if piece["found"] else ""


def _words(evidence: list[Json]) -> str:
    return f"“{evidence[0]['quote']}”" if evidence and evidence[0]["quote"] else ""


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column not in WRAPPED)
    return table


def _line(out: Console, text: str, style: str = "") -> None:
    out.print(Text(text, style=style), soft_wrap=True)
