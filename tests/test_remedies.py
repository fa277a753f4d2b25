"""Law of every mistake over HTTP: the remedy of the problem document, followed literally, works."""

from __future__ import annotations

import json
import shlex
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Run
from tests.following import Asked, Follower, Json, get, send
from tests.web import EXAMPLE, NOW, announcement, application, client, seeded, token
from timeline.core.errors import CODES
from timeline.core.terms import BUILTIN
from timeline.log import Log
from timeline.outbound import Gate
from timeline.publishing import publish
from timeline.settings import load

P = "/api/partnerships/harbour-quill"
APPEND = f"{P}/announcements?dry_run=true"
OCCUR = f"{P}/occurrences?dry_run=true"
ABOUT_2 = f"{P}/announcements/2"
FACTS: Json = announcement(summary="They renew.")
FACTS["statements"][0]["direction"] = "quill -> harbour"
(STATEMENT,), (SOURCE,) = FACTS["statements"], FACTS["sources"]
BYTES = json.dumps(FACTS).encode()
LETTER = (EXAMPLE / "documents" / "letter-of-intent.txt").read_text(encoding="utf-8")
LETTER = LETTER.replace("Ship positions and", f"{STATEMENT['quote']} Ship positions and", 1)
"""Of an aggregator, whose summary says something else."""
SUMMARY = "Quill House buys 15 percent of Harbour Signals"
LONG = "word " * 900
PAPER = [{"tier": "press", "publisher": "A paper"}]
OCCURRENCE: Json = {"occurred": "change of control", "on": "2026-01-15", "announced": "2026-01-15", "sources": PAPER}
HOOK: Json = {"name": "legal", "address": "https://1.1.1.1/hook", "feed": "all"}
KNOWN: Json = FACTS | HOOK | {"partnership": "harbour-quill", "occurred": "change of control", "on": "2026-01-15"}
KNOWN |= {"reason": "A digit was mistyped.", "why": "Said before.", "of": "harbour-quill/2", "answer": "new"}
"""All that the program knows, whatever it is about to say."""


DRAFTER = "Bearer of a token to draft"
ELSEWHERE = {
    **dict.fromkeys(("another_record", "fetch_refused", "invalid_configuration"), "only of the command line"),
    **dict.fromkeys(("integrity_failure", "schema_mismatch", "unknown_token"), "only of whoever runs the service"),
    **dict.fromkeys(("connection_lost", "database_busy", "lost_race", "replica_behind"), "needs a second process"),
    **dict.fromkeys(("storage_failed", "extra_missing", "clock_wrong"), "needs a broken machine"),
    **dict.fromkeys(("drafting_off", "origin_refused", "unknown_tool"), "of the Model Context Protocol"),
    "form_expired": "of pages, not of programs",
    "internal_error": "a mistake of ours",
    "rate_limited": "below",
    "too_many_streams": "below",
}
"""Codes that no request to a sound service gets, and why."""


def having(document: Json, changed: Json) -> Json:
    """The document with fields changed; None leaves one out."""
    return {name: value for name, value in {**document, **changed}.items() if value is not None}


def said(**changed: Any) -> Asked:
    return send(having(FACTS, changed), APPEND)


def stated(**changed: Any) -> Asked:
    return said(statements=[having(STATEMENT, changed)])


def sourced(**changed: Any) -> Asked:
    return said(sources=[having(SOURCE, changed)])


def corrected(n: int, **changed: Any) -> Asked:
    return send(having(FACTS | {"reason": "x"}, changed), f"{P}/announcements/{n}/correction?dry_run=true")


QUESTIONS: list[tuple[str, Asked]] = [
    ("unknown_parameter", get(f"{P}/state?asof=2025-01-01")),
    ("unknown_parameter", get(f"{P}/state?as_off=2025-01-01")),
    ("invalid_date", get(f"{P}/state?as_of=2025")),
    ("invalid_date", get(f"{P}/state?as_of=2025-02-30")),
    ("invalid_date", get(f"{P}/state?as_of=next%20week")),
    ("invalid_date", get(f"{P}/state?as_of=13/31/2025")),
    ("invalid_date", get(f"{P}/state?as_of=31/12/2025")),
    ("ambiguous_date", get(f"{P}/state?as_of=03/04/2025")),
    ("invalid_value", get(f"{P}/state?as_of=")),
    ("conflicting_parameters", get(f"{P}/state?as_of=2025-01-01&as_of=2026-01-01")),
    ("conflicting_parameters", get(f"{P}/state?known_seq=3&known_at=2025-01-01")),
    ("zone_missing", get(f"{P}/state?known_at=2025-01-01T00:00:00")),
    ("zone_missing", get(f"{P}/state?known_at=2025-01-01 10:00")),
    ("invalid_instant", get(f"{P}/state?announced_by=2025-01-01T25:00:00Z")),
    ("invalid_instant", get(f"{P}/state?announced_by=noon")),
    ("instant_in_the_future", get(f"{P}/state?known_at=2030-01-01")),
    ("invalid_value", get(f"{P}/state?known_seq=last")),
    ("unknown_position", get(f"{P}/state?known_seq=999")),
    ("invalid_value", get(f"{P}/state?include=rumoured")),
    ("invalid_value", get(f"{P}/state?term=a%00b")),
    ("missing_parameter", get(f"{P}/changes?from=2025-01-01")),
    ("missing_parameter", get(f"{P}/changes?to=2026-01-01")),
    ("missing_parameter", get(f"{P}/learned?from=@3")),
    ("invalid_value", get(f"{P}/changes?from=2026-01-01&to=2025-01-01")),
    ("invalid_value", get(f"{P}/learned?from=@9&to=@3")),
    ("unknown_position", get(f"{P}/learned?from=@3&to=@999")),
    ("unknown_term", get(f"{P}/history/exclusivity/ship-position")),
    ("unknown_term", get(f"{P}/history/clause/nothing")),
    ("invalid_field", get(f"{P}/history/Exclusivity/Ship Positions")),
    ("unknown_partnership", get("/api/partnerships/harbor-quill/state")),
    ("unknown_partnership", get("/api/partnerships/zzz/state")),
    ("unknown_address", get("/api/partnerships/%00/state")),
    ("unknown_address", get("/api/partnership/harbour-quill/state")),
    ("unknown_address", get("/nowhere")),
    ("unknown_announcement", get("/api/announcements/harbour-quill/99")),
    ("invalid_value", get("/api/announcements/harbour-quill/x")),
    ("unknown_text", get("/api/texts/abc")),
    ("invalid_value", get("/api/search?q=-almanac")),
    ("invalid_value", get("/api/search?q=almanac&kind=licence")),
    ("unknown_partnership", get("/api/search?q=almanac&partnership=harbor-quill")),
    ("invalid_value", get("/api/search?q=almanac&cursor=x")),
    ("invalid_value", get("/api/search?q=alm%00anac")),
    ("invalid_value", get("/api/search?q=almanac&limit=1000")),
    ("invalid_value", get("/api/search?q=almanac&since=2026-01-01&until=2020-01-01")),
    ("invalid_value", get(f"/api/search?q={'a+' * 300}")),
    ("invalid_value", get("/api/log?limit=0")),
    ("unknown_parameter", get("/api/in-force?announced_by=2025-01-01")),
    ("invalid_value", get("/api/in-force?kind=licence")),
    ("invalid_value", get("/api/in-force?party=quil")),
    ("invalid_value", get("/api/in-force?after=harbour-quill/license")),
    ("invalid_value", get("/api/in-force?limit=1001")),
    ("invalid_value", get("/api/log?cursor=x")),
    ("conflicting_parameters", get("/api/log?cursor=MC0w&after=1")),
    ("unknown_partnership", get("/api/leads?partnership=harbor-quill")),
    ("invalid_instant", get("/p/harbour-quill", Accept_Datetime="yesterday")),
    ("unknown_position", get("/p/harbour-quill@999/2022-01-01.json")),
    ("invalid_date", get("/p/harbour-quill@9/2022.json")),
    ("unknown_feed", get("/feeds/harbor-quill.atom")),
    ("unknown_feed", get("/feeds/harbour-quill.xml")),
    ("unknown_feed", get("/feeds/all.pdf")),
    ("unknown_partnership", get("/feeds/harbor-quill.ics")),
    ("missing_parameter", get("/feeds/mine.atom")),
    ("unknown_partnership", get("/feeds/mine.atom?p=harbor-quill")),
    ("invalid_value", get("/feeds/mine.atom?" + "&".join(f"p=a{n}" for n in range(101)))),
    ("unknown_parameter", get("/feeds/harbour-quill.ics?remind=30d")),
    ("invalid_value", get("/feeds/harbour-quill.ics?alarms=soon")),
    ("method_not_allowed", send({}, "/api/log")),
    ("method_not_allowed", send(FACTS, "/api/announcements/harbour-quill/2", "PUT")),
    ("method_not_allowed", send(None, "/api/announcements/harbour-quill/2", "DELETE")),
    ("method_not_allowed", send(FACTS, f"{P}/announcements", "PATCH")),
]
REQUESTS: list[tuple[str, Asked]] = [
    ("unsupported_media_type", send(BYTES, APPEND, Content_Type="text/plain")),
    ("unsupported_media_type", send(BYTES, APPEND, Content_Type="")),
    ("token_missing", send(FACTS, APPEND, Authorization="Basic eDp5")),
    ("token_unknown", send(FACTS, APPEND, Authorization="Bearer tl_x")),
    ("scope_missing", send(FACTS, APPEND, Authorization=DRAFTER)),
    ("invalid_value", send(FACTS, APPEND, Idempotency_Key="k" * 300)),
    ("invalid_value", send(FACTS, APPEND, If_Match="15")),
    ("stale_expectation", send(FACTS, APPEND, If_Match='"harbour-quill@3"')),
    ("invalid_value", send(FACTS, f"{P}/announcements?dry_run=yes")),
    ("unknown_partnership", send(FACTS, "/api/partnerships/harbor-quill/announcements?dry_run=true")),
    ("malformed_document", send(b"{", APPEND)),
    ("malformed_document", send(b"", APPEND)),
    ("malformed_document", send([], APPEND)),
    ("malformed_document", send(b"a: 1\n---\na: 2\n", APPEND, Content_Type="application/yaml")),
    ("malformed_document", send(b"a: 1\na: 2\n", APPEND, Content_Type="application/yaml")),
    ("invalid_utf8", send(BYTES.replace(b"Quill", b"Q\xfcill", 1), APPEND)),
    ("too_large", send(b"x" * 5_000_001, APPEND)),
    ("control_character", said(title="Quill\x01 House")),
    ("control_character", send(BYTES.replace(b"Quill", b"Quill\x01", 1), APPEND)),
    ("unknown_field", said(titel="x")),
    ("unknown_field", said(sumary="x")),
    ("missing_field", said(title=None)),
    ("missing_field", said(announced=None)),
    ("missing_field", said(sources=None)),
    ("missing_field", said(sources=[{"tier": "party"}])),
    ("missing_field", sourced(tier=None)),
    ("invalid_field", said(title="")),
    ("invalid_field", said(title="x" * 3000)),
    ("invalid_field", said(force="agreeed")),
    ("invalid_field", said(sources=SOURCE)),
    ("conflicting_fields", said(partnership="Harbour Quill")),
    ("conflicting_fields", said(partnership="openai-microsoft")),
    ("invalid_date", said(announced="2026-02-30")),
    ("ambiguous_date", said(announced="03/04/2026")),
    ("zone_missing", said(announced="2026-02-03T10:00:00")),
    ("invalid_date", said(announced="someday")),
    ("invalid_field", sourced(url="harbour-signals")),
    ("conflicting_fields", sourced(text_sha256="abc")),
    ("unreadable_source", sourced(text=None, text_sha256="a" * 64)),
    ("unreadable_source", sourced(text="etc/passwd.txt")),
    ("invalid_field", sourced(tier="partyy")),
    ("invalid_field", stated(term="Revenue Share/Quill to Harbour")),
    ("unknown_kind", stated(term="revenue-shares/quill-to-harbour")),
    ("missing_field", stated(term="stake/new", set={"percent": 3}, direction=None)),
    ("invalid_field", stated(term="stake/new", set={"percent": 3}, direction="quill")),
    ("unknown_party", stated(direction="quil -> harbour")),
    ("direction_contradicts", stated(direction="harbour -> quill")),
    ("unknown_field", stated(set={"percnt": 19})),
    ("value_fails_kind", stated(set={"percent": 119})),
    ("value_fails_kind", stated(set={"percent": "many"})),
    ("value_fails_kind", stated(set=19)),
    ("missing_field", stated(set={})),
    ("missing_field", stated(set=None)),
    ("conflicting_fields", stated(end=True)),
    ("invalid_field", stated(set=None, end="yes")),
    ("quote_missing", stated(quote=None)),
    ("quote_missing", stated(quote="...")),
    ("quote_is_furniture", said(sources=[SOURCE | {"text": LETTER}], statements=[STATEMENT | {"quote": SUMMARY}])),
    ("quote_not_found", stated(quote="From March 2026 Quill House pays them 19 percent of net sale")),
    ("quote_not_found", stated(quote="It rains in the harbour tonight.")),
    ("invalid_field", said(sources=[SOURCE | {"text": LONG}], statements=[STATEMENT | {"quote": LONG}])),
    ("invalid_field", stated(source=2)),
    ("invalid_field", stated(source="one")),
    ("until_before_effective", stated(until="2025")),
    ("until_before_effective", stated(effective=None, until="2025")),
    ("missing_field", stated(temporary=True)),
    ("conflicting_fields", stated(set=None, end=True, until="2027")),
    ("conflicting_fields", stated(set=None, reaffirm=True)),
    ("invalid_field", stated(set=None, end=True, effective="unknown")),
    ("invalid_field", stated(temporary="yes", until="2027")),
    ("unknown_event", send({**OCCURRENCE, "occurred": "change of controll"}, OCCUR)),
    ("missing_field", send(having(OCCURRENCE, {"occurred": None}), OCCUR)),
    ("missing_field", send(having(OCCURRENCE, {"on": None}), OCCUR)),
    ("event_already_occurred", send({**OCCURRENCE, "occurred": "closing"}, OCCUR)),
    ("already_opened", send({"name": "X", "parties": {"a": "A", "b": "B"}}, APPEND)),
    ("invalid_field", send({"name": "X", "parties": {"a": "A"}}, "/api/partnerships/a-b/announcements?dry_run=true")),
    (
        "invalid_field",
        send({"name": "A – B", "parties": {"a": "A", "b": "B"}}, "/api/partnerships/all/announcements?dry_run=true"),
    ),
    ("unknown_announcement", send({"reason": "x"}, f"{P}/announcements/99/retraction?dry_run=true")),
    ("missing_field", send({}, f"{ABOUT_2}/retraction?dry_run=true")),
    ("not_retractable", corrected(3)),
    ("not_retractable", corrected(10)),
    ("not_attachable", send({"sources": FACTS["sources"]}, f"{P}/announcements/10/sources?dry_run=true")),
    ("not_retractable", corrected(9)),
    ("conflicting_fields", send({"reason": "x", "retracts": "harbour-quill/1"}, f"{ABOUT_2}/retraction?dry_run=true")),
    ("missing_field", corrected(2, by="issuer")),
    ("conflicting_fields", corrected(2, by="editor", corrected_on="2025-01-01")),
    ("unknown_draft", get("/api/drafts/77")),
    ("unknown_draft", get("/api/drafts/x")),
    ("unknown_draft", get("/api/drafts/1?revision=9")),
    ("invalid_value", get("/api/drafts/1?revision=-1")),
    ("invalid_value", get("/api/drafts?all=yes")),
    ("invalid_value", send({}, "/api/drafts/1", "PUT", If_Match='"2@1"')),
    ("missing_field", send({}, "/api/drafts/1/discard")),
    ("unknown_field", send({"why": "x", "who": "y"}, "/api/drafts/1/discard")),
    ("missing_field", send({"of": "harbour-quill/2"}, "/api/drafts/1/answers")),
    ("invalid_value", send({"of": "harbour-quill/2", "answer": "no"}, "/api/drafts/1/answers")),
    ("draft_blocked", send(None, "/api/drafts/1/append")),
    ("conflicting_parameters", send({}, "/api/drafts?announced=2025-01-01")),
    ("unreadable_source", send(b"", "/api/drafts", Content_Type="application/pdf")),
    ("page_without_text", send(b"<html></html>", "/api/drafts", Content_Type="text/html")),
    ("unknown_webhook", send(None, "/api/webhooks/crn/test")),
    ("invalid_value", send(HOOK | {"name": "a b"}, "/api/webhooks")),
    ("invalid_value", send(HOOK | {"name": "crm"}, "/api/webhooks")),
    ("unknown_feed", send(HOOK | {"feed": "harbor-quill"}, "/api/webhooks")),
    ("address_refused", send(HOOK | {"address": "ftp://1.1.1.1/x"}, "/api/webhooks")),
    ("address_refused", send(HOOK | {"address": "http://127.0.0.1/x"}, "/api/webhooks")),
    ("address_refused", send(HOOK | {"address": "https://a:b@1.1.1.1/x"}, "/api/webhooks")),
    ("address_unreachable", send(HOOK | {"address": "https://nobody.invalid/x"}, "/api/webhooks")),
]

RECORD = f"{P}/announcements"
OTHER = FACTS | {"title": "They part", "statements": []}
DRAFTED = FACTS | {"partnership": "harbour-quill"}
AGAIN = DRAFTED | {"announced": "2021-06-15"}
"""Announced on the day of another, by one of the two."""
SAID = (EXAMPLE / "documents" / "agreement.txt").read_text(encoding="utf-8")
SAME = AGAIN | {"sources": [SOURCE | {"url": "https://harbour-signals.example/news/almanac", "text": SAID}]}
SAME |= {"statements": []}
ATTACHED = send({"of": "harbour-quill/2", "answer": "attach"}, "/api/drafts/2/answers")
AFTERWARDS: list[tuple[str, list[Asked], Asked]] = [
    ("key_reused", [send(FACTS, RECORD, Idempotency_Key="k")], send(OTHER, RECORD, Idempotency_Key="k")),
    ("key_reused", [send(FACTS | {"key": "k"}, RECORD)], send(OTHER | {"key": "k"}, RECORD)),
    ("not_retractable", [send({"reason": "x"}, f"{ABOUT_2}/retraction")], corrected(2)),
    ("duplicate_unanswered", [send(AGAIN, "/api/drafts")], send(None, "/api/drafts/2/append")),
    ("nothing_to_attach", [send(SAME, "/api/drafts"), ATTACHED], send(None, "/api/drafts/2/append")),
    ("stale_draft", [send(DRAFTED, "/api/drafts/1", "PUT")], send(None, "/api/drafts/1/append", If_Match='"1@1"')),
    ("draft_closed", [send({"why": "x"}, "/api/drafts/1/discard")], send(None, "/api/drafts/1/append")),
    (
        "draft_closed",
        [send(DRAFTED, "/api/drafts/1", "PUT"), send(None, "/api/drafts/1/append")],
        send(DRAFTED, "/api/drafts/1", "PUT"),
    ),
]
"""Mistakes that need something to have gone before."""


def nobody_there(host: str, _: int) -> list[str]:
    """Every name is known but those that cannot be, and nothing is sent."""
    if host.endswith(".invalid"):
        raise OSError("no such name")
    return ["1.1.1.1"]


GATE = Gate(admits=lambda address: address.is_global, resolve=nobody_there)


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory, empty_sqlite: Path) -> tuple[Path, str, str]:
    """The example record, published, with a draft and a webhook; the secrets of an admin's and a drafter's token."""
    folder = tmp_path_factory.mktemp("remedies")
    url = f"sqlite:///{shutil.copy(empty_sqlite, folder / 'timeline.db')}"
    with closing(Log.open(url, clock=lambda: NOW - timedelta(days=1))) as log:
        publish(seeded(log), BUILTIN, load({"feeds_dir": str(folder / "feeds")}, {}), NOW.date())
        secret, weak = token(log, "admin"), token(log, "draft", "bob")
        with client(application(log, url, gate=GATE), secret) as admin:
            assert admin.post("/api/drafts", json={"title": "One"}).status_code == 201
            assert admin.post("/api/webhooks", json=HOOK | {"name": "crm"}).status_code == 201
    return folder, secret, weak


@pytest.fixture
def world(
    prepared: tuple[Path, str, str], run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Follower]]:
    """Makes a follower before a service of its own."""
    folder, secret, _ = prepared
    for file in folder.glob("timeline.db*"):
        shutil.copy(file, tmp_path)
    later = 0.0
    monotonic = time.monotonic
    monkeypatch.setattr("timeline.web.access.time.monotonic", lambda: monotonic() + later)

    def wait(seconds: int) -> None:
        nonlocal later
        later += seconds

    with ExitStack() as stack:

        def made(**flags: int) -> Follower:
            url = f"sqlite:///{tmp_path}/timeline.db"
            log = stack.enter_context(closing(Log.open(url, clock=lambda: NOW)))
            asking = stack.enter_context(client(application(log, url, gate=GATE, **flags), secret))
            return Follower(asking, lambda line: run(*shlex.split(line)[1:]).output, wait, KNOWN, FACTS)

        yield made


def remedied(follower: Follower, asked: Asked, code: str) -> None:
    """Ask, be refused with that code, follow the remedy, and get what was wanted."""
    refused = follower.ask(asked)
    problem = refused.json()
    met = problem["blocks"][0] if problem["code"] == "draft_blocked" and code != "draft_blocked" else problem
    assert (met["code"], problem["status"]) == (code, refused.status_code), problem

    better = follower.follow(asked, problem)

    answer = follower.ask(better)
    assert answer.status_code < 400, f"{problem['detail']} {problem['remedy']}\n{better}\n{answer.text}"


@pytest.mark.parametrize(("code", "asked"), [*QUESTIONS, *REQUESTS])
def test_the_remedy_followed_literally_works(
    world: Callable[..., Follower], prepared: tuple[Path, str, str], code: str, asked: Asked
) -> None:
    if asked.headers.get("Authorization") == DRAFTER:
        asked = asked.giving("Authorization", f"Bearer {prepared[2]}")
    remedied(world(), asked, code)


def test_a_client_that_is_too_fast_waits_as_long_as_it_is_told(world: Callable[..., Follower]) -> None:
    follower = world(rate_limit=12)
    for _ in range(12):
        assert follower.ask(get("/healthz")).status_code == 200
    remedied(follower, get("/healthz"), "rate_limited")


def test_a_listener_for_whom_there_is_no_room_asks_for_the_log(
    world: Callable[..., Follower], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("timeline.web.stream.MOST_STREAMS", 0)
    remedied(world(), get("/api/changes/stream"), "too_many_streams")


@pytest.mark.parametrize(("code", "before", "asked"), AFTERWARDS)
def test_the_remedy_works_after_what_went_before(
    world: Callable[..., Follower], code: str, before: list[Asked], asked: Asked
) -> None:
    follower = world()
    for each in before:
        assert follower.ask(each).status_code < 300
    remedied(follower, asked, code)


def test_every_code_is_provoked_here_or_stands_elsewhere_with_its_reason() -> None:
    here = {each[0] for each in (*QUESTIONS, *REQUESTS, *AFTERWARDS)}
    assert here | set(ELSEWHERE) == set(CODES)
