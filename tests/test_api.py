"""Laws of the API: one answer per question, nothing ignored, nothing recorded twice, and every mistake has a remedy."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import CHECKS
from schemathesis.core.result import Ok
from sqlalchemy import event
from starlette.routing import Route
from starlette.testclient import TestClient

from tests.conftest import Clock
from tests.web import EXAMPLE, NOW, ROOT, announcement, application, client, seeded, token
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.questions import read_question
from timeline.core.terms import BUILTIN
from timeline.documents import read
from timeline.formats import FORMATS
from timeline.formats.pictures import PICTURES
from timeline.formats.sheets import SHEETS
from timeline.log import Log
from timeline.outbound import Gate
from timeline.overview import Overview
from timeline.publishing import publish
from timeline.scheduler import Scheduler
from timeline.search import catch_up
from timeline.settings import load
from timeline.submissions import submit
from timeline.web.app import create_app
from timeline.web.memento import day_wanted
from timeline.web.operations import ENCODER

P = "/api/partnerships/harbour-quill"


class Leader:
    """Leadership that is somebody else's until it is given."""

    leads = False

    def held(self) -> bool:
        return self.leads

    def release(self) -> None:
        self.leads = False


@pytest.fixture
def ask(log: Log, database_url: str) -> Iterator[TestClient]:
    """Somebody without a token, before the example record."""
    with client(application(seeded(log), database_url)) as asking:
        yield asking


@pytest.fixture
def editor(log: Log, database_url: str) -> Iterator[TestClient]:
    """Somebody whose token allows to append, before the example record."""
    app = application(seeded(log), database_url)
    with client(app, token(log)) as editing:
        yield editing


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["status"] == status
    assert body["remedy"]
    return body


def test_http_answers_what_python_answers(ask: TestClient, log: Log) -> None:
    """Same question, same body."""
    asked = {"as_of": "2022-01-20", "announced_by": "2023-01-01", "include": "proposed,reported"}

    over_http = ask.get(f"{P}/state", params=asked)

    from_python = Answers(log, BUILTIN, lambda: NOW).state("harbour-quill", read_question(asked, NOW))
    assert over_http.content == ENCODER.encode(from_python)


def test_a_pattern_that_matches_nothing_is_told_from_a_record_without_terms(ask: TestClient) -> None:
    """A misspelt one is told as such, with what was meant, which leads on; for ever the same at a fixed position."""
    found, fixed = {}, {"as_of": "2023-06-30", "known_seq": "5"}
    for term in ("exclusivty/*", "right/audits", "deadline/*", "investment/*", "stake/*", "license/*"):
        answer = ask.get(f"{P}/state", params=fixed | {"term": term}).json()
        found[term] = [told["detail"] for told in answer["warnings"]]
        cited = ask.get("/p/harbour-quill@5/2023-06-30.json", params={"term": term}).json()["warnings"]
        assert [told["detail"] for told in cited] == found[term]
    shown = ask.get(f"{P}/state", params=fixed | {"term": "investment/*", "include": "reported"}).json()
    (told,) = ask.get(f"{P}/state", params={"term": "exclusivty/*"}).json()["warnings"]
    page = ask.get("/p/harbour-quill", params={"as_of": "2023-06-30", "term": "exclusivty/*"}).text

    kinds = ("clause", "commitment", "exclusivity", "governance", "investment", "license", "revenue-share", "right")
    every = ", ".join(f"{kind}/*" for kind in (*kinds, "stake"))
    assert found == {
        "exclusivty/*": ["No term that matches exclusivty/* by then: not recorded. Did you mean exclusivity/*?"],
        "right/audits": ["No term that matches right/audits by then: not recorded. Did you mean right/audit?"],
        "deadline/*": [f"No term that matches deadline/* by then: not recorded. Known: {every}."],
        "investment/*": ["What matches investment/* is only reported by then: add include=reported."],
        "stake/*": ["What matches stake/* is only proposed by then: add include=proposed."],
        "license/*": [],
    }
    assert (shown["warnings"], len(shown["reported"])) == ([], 1)
    assert (told["code"], told["term"], told["did_you_mean"]) == ("nothing_matches", "exclusivty/*", ["exclusivity/*"])
    assert "not recorded. Did you mean exclusivity/*?" in page
    assert "Nothing is in force" not in page
    (meant,) = re.findall(r'href="(/p/harbour-quill\?[^"]*)">exclusivity/\*</a>', page)
    assert ask.get(html.unescape(meant)).status_code == 200
    assert "not recorded" not in ask.get(html.unescape(meant)).text


def test_every_page_has_its_answer_at_the_same_address(ask: TestClient) -> None:
    pairs = {
        "/p/harbour-quill.json?as_of=2022-01-20": f"{P}/state?as_of=2022-01-20",
        "/p/harbour-quill/compare.json?from=2021-01-01&to=2022-01-01": f"{P}/changes?from=2021-01-01&to=2022-01-01",
        "/p/harbour-quill/t/license/archive.json": f"{P}/history/license/archive",
        "/a/harbour-quill/2.json": "/api/announcements/harbour-quill/2",
        "/search.json?q=almanac": "/api/search?q=almanac",
        "/in-force.json?as_of=2022-01-20&kind=license": "/api/in-force?as_of=2022-01-20&kind=license",
        "/index.json": "/api/home",
    }

    for page, api in pairs.items():
        assert ask.get(page).content == ask.get(api).content, page
        assert ask.get(page).status_code == 200, page


def test_a_search_is_followed_to_its_end_by_next(ask: TestClient) -> None:
    """Names stand on the first page only; what was recorded just now is found; blank fields of a form ask nothing."""
    whole = ask.get("/api/search?q=quill").json()
    page = ask.get("/api/search?q=quill&limit=2").json()
    found = page["hits"]
    while page["next"] is not None:
        page = ask.get(page["next"]).json()
        found += page["hits"]

    assert (found, len(found) > 2, whole["indexed"]) == (whole["hits"], True, whole["head"])
    assert ([each["partnership"] for each in whole["partnerships"]], page["partnerships"]) == (["harbour-quill"], [])
    assert ask.get("/search?q=quill&since=&kind=&partnership=", headers={"Accept": "text/html"}).status_code == 200


def test_the_list_costs_the_same_number_of_queries_for_1_and_for_30(log: Log, clock: Clock) -> None:
    overview = Overview(log, BUILTIN, clock)
    desk = Desk(log, BUILTIN, clock)

    def queries(count: int) -> tuple[int, int]:
        for number in range(count):
            opening = {"partnership": f"p-{count}-{number}", "name": "A – B", "parties": {"a": "A", "b": "B"}}
            desk.append(submit(next(read(json.dumps(opening).encode(), "x.json")), BUILTIN))
        seen: list[str] = []

        def note(_c: object, _u: object, statement: str, *_: object) -> None:
            if statement != "BEGIN":
                seen.append(statement)

        event.listen(log._reading, "before_cursor_execute", note)
        overview.home()
        grown = len(seen)
        overview.partnerships()
        event.remove(log._reading, "before_cursor_execute", note)
        return grown, len(seen) - grown

    # Once there are lines, what has grown is preceded by whether the log still has what they were made of.
    assert [queries(count) for count in (1, 2, 30)] == [(2, 1), (3, 1), (3, 1)]


def test_the_overview_lists_what_the_answers_list(log: Log, clock: Clock) -> None:
    seeded(log, ROOT / "seeds")

    assert Overview(log, BUILTIN, clock).partnerships() == Answers(log, BUILTIN, clock).partnerships()
    assert [p["partnership"] for p in Overview(log, BUILTIN, clock).partnerships(kind="clause")["partnerships"]] == [
        p["partnership"] for p in Answers(log, BUILTIN, clock).partnerships(kind="clause")["partnerships"]
    ]


@pytest.mark.parametrize(
    ("address", "status", "code", "remedy"),
    [
        (f"{P}/state?asof=2025-01-01", 400, "unknown_parameter", "as_of"),
        (f"{P}/state?as_of=2025", 400, "invalid_date", "2025"),
        (f"{P}/state?as_of=", 400, "invalid_value", "as_of"),
        (f"{P}/state?as_of=2025-01-01&as_of=2026-01-01", 400, "conflicting_parameters", "as_of"),
        (f"{P}/state?known_seq=3&known_at=2025-01-01", 400, "conflicting_parameters", "known_"),
        (f"{P}/state?known_at=2025-01-01T00:00:00", 400, "zone_missing", "Z"),
        (f"{P}/state?known_seq=999", 404, "unknown_position", "Write 15 instead of 999"),
        (f"{P}/state?term=%00", 400, "invalid_value", "term"),
        (f"{P}/changes?from=2025-01-01", 400, "missing_parameter", "to="),
        (f"{P}/changes?from=2026-01-01&to=2025-01-01", 400, "invalid_value", "from="),
        (f"{P}/history/clause/nothing", 404, "unknown_term", ""),
        ("/api/partnerships/harbor-quill/state", 404, "unknown_partnership", "harbour-quill"),
        ("/api/partnerships/%00/state", 404, "unknown_address", "/openapi.json"),
        ("/api/partnerships/..%2f..%2fetc%2fpasswd", 404, "unknown_address", "/openapi.json"),
        ("/api/announcements/harbour-quill/99", 404, "unknown_announcement", "harbour-quill/1"),
        ("/api/announcements/harbour-quill/x", 400, "invalid_value", "n="),
        ("/api/texts/abc", 404, "unknown_text", "text_sha256"),
        ("/api/search?q=-almanac", 400, "invalid_value", "at least one word"),
        ("/api/search?q=almanac&kind=licence", 400, "invalid_value", "license"),
        ("/api/search?q=almanac&partnership=harbor-quill", 404, "unknown_partnership", "harbour-quill"),
        ("/api/search?q=almanac&cursor=x", 400, "invalid_value", "next"),
        ("/api/search?q=alm%00anac", 400, "invalid_value", "plain text"),
        ("/api/log?limit=0", 400, "invalid_value", "1000"),
        ("/api/in-force?announced_by=2022-01-01", 400, "unknown_parameter", "/api/partnerships/{p}/state"),
        ("/in-force?announced_by=2022-01-01", 400, "unknown_parameter", "/api/partnerships/{p}/state"),
        ("/api/in-force?kind=licence", 400, "invalid_value", "license"),
        ("/api/in-force?party=quil", 400, "invalid_value", "quill"),
        ("/api/in-force?after=harbour-quill/license", 400, "invalid_value", "next"),
        ("/api/in-force?limit=1001", 400, "invalid_value", "1000"),
        ("/api/in-force?known_seq=999", 404, "unknown_position", "Write 15 instead of 999"),
        ("/api/log?cursor=x", 400, "invalid_value", "next"),
        ("/api/log?cursor=MC00&after=1", 400, "conflicting_parameters", "after"),
        ("/nowhere", 404, "unknown_address", "/openapi.json"),
        ("/p/harbour-quill@999/2022-01-01.json", 404, "unknown_position", "Write 15 instead of 999"),
    ],
)
def test_a_question_that_cannot_be_answered_says_what_to_do(
    ask: TestClient, address: str, status: int, code: str, remedy: str
) -> None:
    body = refused(ask.get(address), status, code)

    assert remedy in body["remedy"]


@pytest.mark.parametrize(
    ("address", "meant"),
    [
        ("/p/harbor-quill?as_of=2022-01-20", "/p/harbour-quill?as_of=2022-01-20"),
        ("/p/harbor-quill@9/2022-01-20", "/p/harbour-quill@9/2022-01-20"),
        ("/p/harbour-quill?as_off=2022-01-20", "/p/harbour-quill?as_of=2022-01-20"),
        ("/p/harbour-quill?as_of=2022-01", "/p/harbour-quill?as_of=2022-01-01"),
        ("/p/harbour-quill/compare?from=2022&to=2023-01-01", "/p/harbour-quill/compare?to=2023-01-01&from=2022-01-01"),
        (
            "/p/harbour-quill/compare?from=03/04/2022&to=2023-01-01",
            "/p/harbour-quill/compare?from=2022-03-04&to=2023-01-01",
        ),
        ("/p/harbour-quill/t/exclusivity/ship-position", "/p/harbour-quill/t/exclusivity/ship-positions"),
        ("/statu", "/status"),
        ("/pp/harbour-quill", "/p/harbour-quill"),
    ],
)
def test_a_person_who_mistypes_is_shown_the_way_to_what_was_meant(ask: TestClient, address: str, meant: str) -> None:
    page = ask.get(address, headers={"Accept": "text/html"})

    links = [html.unescape(each) for each in re.findall(r"Go on with.*?</p>", page.text)]
    assert page.status_code >= 400
    (first, *_) = re.findall(r'href="([^"]+)"', "".join(links)) or [""]
    assert parts(first) == parts(meant)
    assert ask.get(first).status_code == 200


def parts(address: str) -> tuple[str, dict[str, str]]:
    path, _, query = address.partition("?")
    return path, dict(parse_qsl(query))


def test_who_has_the_answer_is_told_so(ask: TestClient) -> None:
    for address in (f"{P}/state", "/api/log", "/p/harbour-quill", "/openapi.json", "/"):
        first = ask.get(address)
        again = ask.get(address, headers={"If-None-Match": first.headers["etag"]})

        assert (first.status_code, again.status_code, again.content) == (200, 304, b""), address


def test_an_answer_is_never_older_than_the_record(editor: TestClient) -> None:
    """Also where the answer was kept."""
    before = editor.get(f"{P}/state?as_of=2026-06-01").json()

    receipt = editor.post(f"{P}/announcements", json=announcement()).json()

    after = editor.get(f"{P}/state?as_of=2026-06-01").json()
    assert before["resolved"]["known_seq"] + 1 == after["resolved"]["known_seq"] == receipt["seq"]


def test_reads_are_open_to_every_site(ask: TestClient) -> None:
    answer = ask.get(f"{P}/state", headers={"Origin": "https://elsewhere.example"})
    preflight = ask.options(f"{P}/state", headers={"Origin": "https://elsewhere.example"})

    assert answer.headers["access-control-allow-origin"] == "*"
    assert (preflight.status_code, preflight.headers["access-control-allow-methods"]) == (204, "GET, HEAD, OPTIONS")


def test_a_citation_is_the_same_for_ever(editor: TestClient) -> None:
    address = "/p/harbour-quill@9/2022-01-20"
    before = editor.get(f"{address}.json")

    editor.post(f"{P}/announcements", json=announcement())

    after = editor.get(f"{address}.json")
    assert after.content == before.content
    assert dict(after.headers) == dict(before.headers)
    assert before.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert before.headers["memento-datetime"] == "Thu, 20 Jan 2022 23:59:59 GMT"
    assert before.json()["resolved"] | {"known_at": None} == {
        "as_of": "2022-01-20",
        "known_at": None,
        "known_seq": 9,
        "announced_by": None,
    }


def test_a_reader_of_mementos_is_sent_to_the_day(ask: TestClient) -> None:
    answer = ask.get("/p/harbour-quill", headers={"Accept-Datetime": "Thu, 20 Jan 2022 12:00:00 GMT"})

    assert (answer.status_code, answer.headers["location"]) == (302, "/p/harbour-quill@15/2022-01-20")
    assert "timegate" in answer.headers["link"]
    assert "Accept-Datetime" in answer.headers["vary"]
    refused(ask.get("/p/harbour-quill", headers={"Accept-Datetime": "yesterday"}), 400, "invalid_instant")


@pytest.mark.parametrize("zone", ["-0000", "GMT", "+0000"])
def test_the_day_of_a_memento_does_not_depend_on_where_the_service_runs(
    monkeypatch: pytest.MonkeyPatch, zone: str
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert day_wanted(f"Thu, 20 Jan 2022 23:00:00 {zone}") == date(2022, 1, 20)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_map_lists_the_days_that_the_gate_leads_to(ask: TestClient) -> None:
    answer = ask.get("/p/harbour-quill/timemap")
    assert answer.headers["content-type"] == "application/link-format"
    original, own, *mementos = answer.text.removesuffix("\n").split(",\n")
    assert original == '</p/harbour-quill>;rel="original timegate"'
    assert own == '</p/harbour-quill/timemap>;rel="self";type="application/link-format"'
    assert own.partition(">")[0] in ask.get("/p/harbour-quill").headers["link"]
    found = [re.fullmatch(r'<(/p/harbour-quill@15/(.+))>;rel="(.*)memento";datetime="(.+)"', each) for each in mementos]
    read = [match.groups() for match in found if match is not None]
    assert [days for _, days, _, _ in read] == sorted(
        each["on"] for each in ask.get(f"{P}/timeline").json()["days"] if each["on"] <= NOW.date().isoformat()
    )
    assert [which for _, _, which, _ in read] == ["first ", *[""] * (len(read) - 2), "last "]
    for address, _, _, moment in read[:3]:
        gate = ask.get("/p/harbour-quill", headers={"Accept-Datetime": moment})
        assert gate.headers["location"] == address
        assert ask.get(address).headers["memento-datetime"] == moment
    refused(ask.get("/p/nobody/timemap"), 404, "unknown_partnership")


def followed(client: TestClient, first: dict[str, Any]) -> list[dict[str, Any]]:
    """That page and all that follow it."""
    pages = [first]
    while pages[-1]["next"] is not None:
        pages.append(client.get(pages[-1]["next"]).json())
    return pages


def test_pages_of_the_log_show_it_as_it_ended_for_the_first_one(editor: TestClient) -> None:
    first = editor.get("/api/log?limit=7").json()
    editor.post(f"{P}/announcements", json=announcement())
    pages = followed(editor, first)
    found = [each for page in pages for each in page["events"]]

    assert [each["seq"] for each in found] == list(range(1, first["head"] + 1))
    assert editor.get(f"/api/log?after={first['head']}").json()["events"][0]["seq"] == first["head"] + 1


def test_pages_of_what_is_in_force_are_of_one_moment(editor: TestClient) -> None:
    """Although the record goes on, and also for a person, whose form sends what was left empty."""
    first = editor.get("/api/in-force?as_of=2026-06-01&limit=2").json()
    editor.post(f"{P}/announcements", json=announcement())
    pages = followed(editor, first)
    found = [each for page in pages for each in page["in_force"]]

    state = editor.get(f"{P}/state?as_of=2026-06-01&known_seq={first['resolved']['known_seq']}").json()
    told = [{"partnership": "harbour-quill", "name": state["name"], **term} for term in state["terms"]]
    assert found == [{name: term[name] for name in found[0]} for term in told]
    assert (len(found), first["view"], pages[-1]["view"]) == (11, "historical", "cited")

    shown = editor.get("/in-force?as_of=2026-06-01&known_at=&kind=&party=&term=&limit=2").text
    assert "/in-force?as_of=2026-06-01&amp;limit=2&amp;known_seq=16&amp;after=harbour-quill/" in shown


def test_nothing_in_force_says_why(ask: TestClient) -> None:
    """Also where a page ends before anything was found."""

    def note(parameters: str) -> str:
        body = ask.get(f"/api/in-force?{parameters}").json()
        assert (body["in_force"], body["more"], body["last"]) == ([], False, None)
        return str(body["note"])

    assert note("as_of=1900-01-01").startswith("Nothing was in force on 1900-01-01, by what was on record up to @15.")
    assert note("as_of=2022-01-20&kind=clause").startswith("Nothing like that was in force on 2022-01-20")
    assert note("kind=stake&term=license/*") == "No term of the kind stake is called like “license/*”."
    assert note("known_seq=0") == "Nothing was on record at that moment of knowledge."


def test_an_announcement_is_recorded_once(editor: TestClient) -> None:
    """The same idempotency key, the same content: one event; the rehearsal records nothing."""
    rehearsed = editor.post(f"{P}/announcements?dry_run=true", json=announcement())
    made = editor.post(f"{P}/announcements", json=announcement(), headers={"Idempotency-Key": "k1"})
    again = editor.post(f"{P}/announcements", json=announcement(), headers={"Idempotency-Key": "k1"})

    assert (rehearsed.status_code, made.status_code, again.status_code) == (200, 201, 200)
    assert made.headers["location"] == again.headers["location"] == "/api/announcements/harbour-quill/15"
    assert rehearsed.json() | {"dry_run": False} == made.json()
    assert again.json()["replayed"]
    assert editor.get("/api/announcements/harbour-quill/15").json()["title"] == "Quill House pays 19 percent"
    assert made.json()["changes"]
    assert made.json()["entries"][0]["title"].startswith("Harbour Signals – Quill House: ")
    refused(
        editor.post(f"{P}/announcements", json=announcement(20), headers={"Idempotency-Key": "k1"}), 409, "key_reused"
    )


def test_yaml_is_taken_like_json(editor: TestClient) -> None:
    body = b"title: A word\nannounced: 2026-05-01\nsources: [{tier: press, publisher: A paper}]\nstatements: []\n"

    made = editor.post(f"{P}/announcements", content=body, headers={"Content-Type": "application/yaml"})

    assert made.status_code == 201, made.text


def test_if_match_refuses_what_was_decided_on_an_older_record(editor: TestClient) -> None:
    head = editor.get(P).json()["head"]
    first = editor.post(f"{P}/announcements", json=announcement(), headers={"If-Match": f'"{head}"'})
    second = editor.post(f"{P}/announcements", json=announcement(21), headers={"If-Match": f'"{head}"'})

    assert first.status_code == 201
    body = refused(second, 412, "stale_expectation")
    assert [each["id"] for each in body["since"]] == ["harbour-quill/15"]
    retry = editor.post(f"{P}/announcements", json=announcement(21), headers={"If-Match": f'"{body["head"]}"'})
    assert retry.status_code == 201
    refused(editor.post(f"{P}/announcements", json=announcement(22), headers={"If-Match": "*"}), 400, "invalid_value")


def test_a_partnership_is_opened_and_its_head_can_be_expected(editor: TestClient) -> None:
    opening = {"name": "A – B", "parties": {"a": "A", "b": "B"}}

    made = editor.post("/api/partnerships/a-b/announcements", json=opening)

    assert (made.status_code, made.headers["location"]) == (201, "/api/partnerships/a-b")
    head = editor.get("/api/partnerships/a-b").json()["head"]
    assert head == made.json()["head"]
    body = {
        "title": "T",
        "announced": "2026-01-01",
        "sources": [{"tier": "press", "publisher": "A paper"}],
        "statements": [],
    }
    answer = editor.post("/api/partnerships/a-b/announcements", json=body, headers={"If-Match": f'"{head}"'})
    assert answer.status_code == 201, answer.text


def test_later_acts_take_their_object_from_the_address(editor: TestClient) -> None:
    made = editor.post(f"{P}/announcements", json=announcement()).json()
    n = made["id"].partition("/")[2]
    corrected = editor.post(f"{P}/announcements/{n}/correction", json=announcement(18, reason="It is 18."))
    retracted = editor.post(f"{P}/announcements/{n}/retraction", json={"reason": "Another firm."})
    occurred = editor.post(
        f"{P}/occurrences",
        json={
            "occurred": "change of control",
            "on": "2026-01-15",
            "announced": "2026-01-15",
            "sources": [{"tier": "press", "publisher": "A paper"}],
        },
    )

    assert [each.status_code for each in (corrected, retracted, occurred)] == [201, 201, 201]
    acts = editor.get(f"/api/announcements/harbour-quill/{n}").json()
    assert [each["kind"] for each in acts["later"]] == ["correction", "retraction"]
    wrong = {"reason": "x", "retracts": "harbour-quill/1"}
    refused(editor.post(f"{P}/announcements/{n}/retraction", json=wrong), 422, "conflicting_fields")
    refused(editor.post(f"{P}/occurrences", json=announcement(23)), 422, "missing_field")


@pytest.mark.parametrize(
    ("content", "kind", "status", "code"),
    [
        (b"{", "application/json", 422, "malformed_document"),
        (b"", "application/json", 422, "malformed_document"),
        (b"[]", "application/json", 422, "malformed_document"),
        (b"a: 1\n---\na: 2\n", "application/yaml", 422, "malformed_document"),
        (b'{"title": "\xff"}', "application/json", 422, "invalid_utf8"),
        (b'{"title": "\x01"}', "application/json", 422, "control_character"),
        (b'{"title": "\\u0001"}', "application/json", 422, "control_character"),
        (b"[" * 100_000, "application/json", 422, "malformed_document"),
        (b"{}", "text/plain", 415, "unsupported_media_type"),
        (b"x" * 5_000_001, "application/json", 413, "too_large"),
        (b'{"sources": [{"tier": "party", "text": "etc/passwd.txt"}]}', "application/json", 422, "unreadable_source"),
    ],
)
def test_a_body_that_cannot_be_read_is_refused_in_words(
    editor: TestClient, content: bytes, kind: str, status: int, code: str
) -> None:
    refused(editor.post(f"{P}/announcements", content=content, headers={"Content-Type": kind}), status, code)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
def test_what_is_recorded_is_not_changed(editor: TestClient, method: str) -> None:
    one = refused(editor.request(method, "/api/announcements/harbour-quill/2"), 405, "method_not_allowed")
    all_of_them = editor.request(method, f"{P}/announcements")

    assert "correction" in one["remedy"]
    assert "retraction" in one["remedy"]
    assert all_of_them.headers["allow"] == "GET, HEAD, OPTIONS, POST"


def test_a_bug_shows_no_trace(ask: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(Answers, "announcements", broken)

    body = refused(ask.get(f"{P}/announcements"), 500, "internal_error")

    assert "secret" not in json.dumps(body)
    assert body["id"] in caplog.text
    assert "secret detail" in caplog.text


def test_a_stored_text_is_given_as_it_came_and_never_as_a_page(ask: TestClient) -> None:
    source = ask.get("/api/announcements/harbour-quill/2").json()["sources"][0]

    answer = ask.get(f"/api/texts/{source['text_sha256']}")

    assert answer.content == (EXAMPLE / "documents" / "agreement.txt").read_bytes()
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_upkeep_addresses_answer(ask: TestClient) -> None:
    assert ask.get("/healthz").text == "ok\n"
    assert ask.get("/readyz").text == "ready\n"
    assert "timeline_log_head 15\n" in ask.get("/metrics").text
    assert ask.get("/api/status").json()["record"]["head"] == 15


def test_the_status_says_what_lags_and_what_to_ask_meanwhile(
    log: Log, clock: Clock, database_url: str, tmp_path: Path
) -> None:
    """What it says to ask has exactly what the feeds lack."""
    desk = Desk(seeded(log), BUILTIN, clock)
    flags = load({"feeds_dir": str(tmp_path)}, {})
    publish(log, BUILTIN, flags, clock.now.date())
    catch_up(log)
    ask = client(application(log, database_url))
    before = ask.get("/status.json").json()["lag"]
    page_before = ask.get("/status").text

    desk.append(
        submit(next(read(json.dumps({"partnership": "harbour-quill", **announcement()}).encode(), "x.json")), BUILTIN)
    )
    lagging = ask.get("/status.json").json()["lag"]
    page_lagging = ask.get("/status").text
    addresses = [re.findall(r"/api/log\S+\d", each)[0] for each in lagging["meanwhile"]]
    missed = [[event["seq"] for event in ask.get(address).json()["events"]] for address in addresses]
    publish(log, BUILTIN, flags, clock.now.date())
    catch_up(log)

    assert before == ask.get("/api/status").json()["lag"] == {"feeds": 0, "search": 0, "replica": 0, "meanwhile": []}
    assert "All is up to date" in page_before
    assert (lagging["feeds"], lagging["search"], missed) == (1, 1, [[16], [16]])
    assert all(each in page_lagging for each in lagging["meanwhile"])


def test_a_process_that_stands_by_says_how_far_the_feeds_are_and_not_that_they_never_were(
    log: Log, clock: Clock, database_url: str, tmp_path: Path
) -> None:
    """What another process published is on record; what this one did is said once it has."""
    chosen = load({"database_url": database_url, "feeds_dir": str(tmp_path), "rate_limit": 0}, {})
    leader = Leader()
    scheduler = Scheduler(
        lambda: publish(log, BUILTIN, chosen, clock.now.date()), log.last_seq, leader, clock, every=chosen.publish_every
    )
    ask = client(create_app(chosen, seeded(log), BUILTIN, clock, scheduler_status=scheduler.status))

    scheduler.tick()
    unpublished, page_unpublished = ask.get("/status.json").json(), ask.get("/status").text
    publish(log, BUILTIN, chosen, clock.now.date())
    standing_by, page_standing_by = ask.get("/status.json").json(), ask.get("/status").text
    leader.leads = True
    scheduler.tick()
    page_leading = ask.get("/status").text

    assert unpublished["published"] == {"seq": 0, "day": None}
    assert standing_by["published"] == {"seq": 15, "day": "2026-01-01"}
    assert standing_by["feeds"]["last_published_at"] is None
    assert "nothing is published yet" in page_unpublished
    assert "published up to @15 and 1 Jan 2026" in page_standing_by
    assert "stands by: the one that leads publishes" in page_standing_by
    assert not any(said in page_unpublished + page_standing_by for said in ("<dd>never", "Last published here"))
    assert "Last published here</dt><dd>1 Jan 2026, 12:00 UTC, up to @15" in page_leading


def test_every_example_in_the_document_runs(log: Log, database_url: str, tmp_path: Path) -> None:
    """A program that has read only the document gets answers."""
    # Every name leads to this machine, where nothing listens: the one address of an example is told nothing.
    gate = Gate(admits=lambda address: address.is_loopback, resolve=lambda *_: ["127.0.0.1"])
    publish(seeded(log), BUILTIN, load({"feeds_dir": str(tmp_path)}, {}), NOW.date())
    editor = client(application(log, database_url, gate=gate), token(log, "admin"))
    document = editor.get("/openapi.json").json()
    finished = {"partnership": "harbour-quill", **announcement(23)}
    ran = 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            given = {p["name"]: p.get("example") for p in operation["parameters"] if p["in"] != "header"}
            slots = {p["name"]: str(p.get("example")) for p in operation["parameters"] if p["in"] == "path"}
            if "None" in slots.values():  # what only this record has: the digest of a text, a page of the past
                continue
            query = {name: value for name, value in given.items() if name not in slots and value is not None}
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example")
            if "id" in slots:  # each is tried on a draft of its own
                slots["id"] = editor.post("/api/drafts", json=finished).json()["id"]
            endless = "text/event-stream" in operation["responses"]["200"]["content"]
            asked = "head" if endless else method
            answer = editor.request(asked, path.format(**slots), params=query, json=body)
            made = 201 if operation["operationId"] in ("begin_draft", "append_draft", "add_webhook") else 200
            assert answer.status_code == made, f"{method} {path}: {answer.text}"
            ran += 1
    assert ran > 18


def test_the_document_holds_against_hostile_requests(sqlite_url: str, clock: Clock) -> None:
    """Schemathesis finds no request whose answer the document does not describe; one database is enough for that."""
    log = Log.open(sqlite_url, clock=clock)
    app = application(seeded(log), sqlite_url)
    schema = schemathesis.openapi.from_asgi("/openapi.json", app).exclude(path="/api/changes/stream")  # it has no end
    secret = token(log)
    names = ("not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance")
    checks = [CHECKS.get_one(name) for name in names]

    for result in schema.get_all_operations():
        assert isinstance(result, Ok), result
        operation = result.ok()

        @settings(
            max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None
        )
        @given(case=operation.as_strategy())
        def each(case: Any) -> None:
            case.call_and_validate(headers={"Authorization": f"Bearer {secret}"}, checks=checks)

        each()
    log.close()


def test_every_document_is_in_the_openapi_document(log: Log, database_url: str) -> None:
    """In each of its formats, with what each is called."""
    app = application(log, database_url)
    paths = client(app).get("/openapi.json").json()["paths"]
    endings = {f".{ending}" for ending in (*SHEETS, *PICTURES, "jsonld")} - {".json"}
    served = {route.path for route in app.routes if isinstance(route, Route)}

    described = {
        path.replace("{format}", ending)
        for path, methods in paths.items()
        for slot in methods.get("get", {}).get("parameters", [])
        for ending in slot["schema"].get("enum", [])
        if slot["name"] == "format"
    }

    assert described | set(paths) >= {path for path in served if Path(path).suffix in endings}
    assert set(paths["/p/{p}.{format}"]["get"]["responses"]["200"]["content"]) >= {"application/pdf", "text/csv"}


ELSEWHERE = {
    "a page for people": {
        "/", "/in-force", "/search", "/leads", "/subscribe", "/status", "/p/{p}", "/p/{p}/compare",
        "/p/{p}/timeline", "/p/{p}/subscribe", "/p/{p}/t/{kind}/{subject}", "/p/{p}@{seq}/{date}",
        "/p/{p}@{seq}/compare", "/p/{p}@{seq}/timeline", "/p/{p}@{seq}/t/{kind}/{subject}",
        "/a/{p}/{n}", "/static/{name}",
    },
    "a form of a page": {
        "/sign-in", "/sign-out", "/append", "/drafts", "/drafts/{id}", "/drafts/{id}/answer", "/drafts/{id}/append",
        "/drafts/{id}/discard", "/drafts/{id}/received",
    },
    "a page's address with .json, which gives the answer of an address that is described": {
        "/.json", "/index.json", "/in-force.json", "/search.json", "/status.json", "/leads.json", "/a/{p}/{n}.json",
        "/p/{p}.json", "/p/{p}/compare.json", "/p/{p}/timeline.json", "/p/{p}/t/{kind}/{subject}.json",
    },
    "one route for what is described feed by feed, since a feed's name has slashes in it": {
        "/feeds/{path:path}", "/feeds/mine.{suffix}",
    },
    "the Model Context Protocol, which describes itself": {"/mcp"},
}  # fmt: skip
"""What is served and not in the OpenAPI document, and why."""


def test_every_route_is_in_the_openapi_document_or_on_a_list(log: Log, database_url: str) -> None:
    """A new address is described to programs, or somebody says why not; nothing is on the list that is not served."""
    app = application(log, database_url, agents="on")
    paths = client(app).get("/openapi.json").json()["paths"]
    described = set()
    for path, methods in paths.items():
        for method, operation in methods.items():
            endings = [e for s in operation["parameters"] if s["name"] == "format" for e in s["schema"]["enum"]]
            described |= {(method.upper(), path.replace("{format}", ending)) for ending in endings or [""]}
    served = {
        (method, route.path)
        for route in app.routes
        if isinstance(route, Route)
        for method in route.methods or set()
        if method != "HEAD"
    }

    elsewhere = {path for paths in ELSEWHERE.values() for path in paths}

    assert {path for method, path in served if (method, path) not in described} == elsewhere
    assert {path for method, path in described - served if not path.startswith("/feeds/")} == set()


def test_the_feeds_are_described_by_what_they_are(log: Log, database_url: str, tmp_path: Path) -> None:
    """Each feed that is listed, each of its pages of the past and each calendar has its address in the document."""
    folder = str(tmp_path / "feeds")
    publish(seeded(log), BUILTIN, replace(load({"feeds_dir": folder}, {}), head_entries=1), NOW.date())
    ask = client(application(log, database_url, feeds_dir=folder))
    paths = ask.get("/openapi.json").json()["paths"]
    of_feeds = {path: operation["get"] for path, operation in paths.items() if path.startswith("/feeds")}
    published = [f"/{path.relative_to(tmp_path)}" for e in FORMATS for path in (tmp_path / "feeds").rglob(f"[!.]*.{e}")]
    shapes = {path: re.sub(r"{\w+}", "[^/]+", path.replace("{format}", "(?:atom|rss|json)")) for path in of_feeds}

    found: dict[str, set[tuple[int, str]]] = {}
    for address in (*published, "/feeds.opml", "/feeds/all.ics", "/feeds/harbour-quill.ics"):
        answer = ask.get(address)
        matching = [path for path, shape in shapes.items() if re.fullmatch(shape, address)]
        assert matching, address
        said = (answer.status_code, answer.headers["content-type"].partition(";")[0])
        found.setdefault(min(matching, key=lambda path: path.count("{")), set()).add(said)

    own = {"/feeds/mine.{format}", "/feeds/mine.ics"}
    assert found.keys() | own == of_feeds.keys()
    assert {path: {(200, each) for each in of_feeds[path]["responses"]["200"]["content"]} for path in found} == found


def test_every_route_is_in_the_reference(ask: TestClient) -> None:
    text = (ROOT / "docs" / "api.md").read_text("utf-8")

    missing = [path for path in ask.get("/openapi.json").json()["paths"] if path not in text]

    assert missing == []
