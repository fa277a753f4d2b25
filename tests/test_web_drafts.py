"""Drafts over HTTP, for programs: who may, which revision, what is recorded; on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.web import announcement, application, client, seeded, token
from timeline.log import Log

FINISHED = {"partnership": "harbour-quill", **announcement(23)}


@pytest.fixture
def drafter(log: Log, database_url: str) -> Iterator[TestClient]:
    """Somebody who may draft and not append, with an editor at `drafter.editor`."""
    app = application(seeded(log), database_url)
    with client(app, token(log, "draft", "dora")) as made:
        made.headers["X-Editor"] = token(log, "append", "ed")
        yield made


def editor(drafter: TestClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {drafter.headers['X-Editor']}"}


def refused(answer: Any, status: int, code: str) -> dict[str, Any]:
    body: dict[str, Any] = answer.json()
    assert (answer.status_code, body["code"]) == (status, code), body
    return body


def test_a_draft_goes_over_http_from_unfinished_to_recorded(drafter: TestClient) -> None:
    begun = drafter.post("/api/drafts", content="title: Quill House pays", headers={"Content-Type": "application/yaml"})
    address = begun.headers["location"]
    blocked = drafter.get(f"{address}/check").json()
    saved = drafter.put(address, json=FINISHED, headers={"If-Match": '"1@1"'})
    checked = drafter.get(f"{address}/check").json()
    refused(drafter.post(f"{address}/append"), 403, "scope_missing")
    recorded = drafter.post(f"{address}/append", headers={**editor(drafter), "If-Match": '"1@2"'})
    again = drafter.post(f"{address}/append", headers=editor(drafter))

    assert (begun.status_code, address) == (201, "/api/drafts/1")
    assert [block["field"] for block in blocked["blocks"]][:2] == ["partnership", "announced"]
    assert (saved.status_code, saved.json()["revision"]) == (200, 2)
    assert (checked["ready"], checked["questions"]) == (True, [])
    assert (recorded.status_code, again.status_code) == (201, 200)
    assert recorded.json() == again.json() == checked["would"] | {"dry_run": False, "draft": 1}
    assert drafter.get(recorded.headers["location"]).json()["title"] == "Quill House pays 23 percent"
    refused(drafter.put(address, json=FINISHED), 409, "draft_closed")


def test_what_is_no_yaml_yet_is_kept_over_http(drafter: TestClient) -> None:
    drafter.post("/api/drafts", json=FINISHED)

    saved = drafter.put("/api/drafts/1", content="title: [", headers={"Content-Type": "application/yaml"})

    assert saved.json()["document"] == "title: ["
    assert "pays 23 percent" in drafter.get("/api/drafts/1", params={"revision": 1}).json()["document"]


def test_a_lost_race_is_answered_with_both_changes(drafter: TestClient) -> None:
    drafter.post("/api/drafts", content="a: 1\n", headers={"Content-Type": "application/yaml"})
    headers = {"Content-Type": "application/yaml", "If-Match": '"1@1"'}
    drafter.put("/api/drafts/1", content="a: 2\n", headers=headers)

    lost = refused(drafter.put("/api/drafts/1", content="a: 3\n", headers=headers), 412, "stale_draft")

    assert ("+a: 2" in lost["theirs"], "+a: 3" in lost["yours"], lost["revision"]) == (True, True, 2)
    refused(drafter.post("/api/drafts/1/append", headers={**editor(drafter), **headers}), 412, "stale_draft")


def test_drafts_are_not_for_everybody(drafter: TestClient, log: Log, database_url: str) -> None:
    drafter.post("/api/drafts", json=FINISHED)
    app = application(log, database_url)

    for method, path in (("GET", ""), ("GET", "/1"), ("GET", "/1/check"), ("POST", ""), ("PUT", "/1")):
        with client(app) as stranger:
            refused(stranger.request(method, f"/api/drafts{path}"), 401, "token_missing")
        with client(app, token(log, "read", f"rita-{method}-{len(path)}")) as reader:
            refused(reader.request(method, f"/api/drafts{path}"), 403, "scope_missing")
    assert drafter.get("/api/drafts").headers["cache-control"] == "no-store"


def test_a_page_is_sent_as_text(drafter: TestClient) -> None:
    page: dict[str, Any] = {
        "content": "# A renewal\n\nThey renew.\n",
        "headers": {"Content-Type": "text/markdown; charset=utf-8"},
    }

    made = drafter.post("/api/drafts", params={"address": "https://harbour.example/1"}, **page).json()

    assert (made["title"], made["received"]["address"]) == ("A renewal", "https://harbour.example/1")
    refused(drafter.post("/api/drafts", params={"address": "x"}, **page), 422, "invalid_field")
    refused(drafter.post("/api/drafts", params={"partnership": "harbour"}, **page), 404, "unknown_partnership")
    refused(drafter.post("/api/drafts", params={"address": "x"}, json=FINISHED), 400, "conflicting_parameters")


def test_a_question_is_answered_over_http(drafter: TestClient) -> None:
    act = drafter.get("/api/announcements/harbour-quill/2").json()
    other = {**FINISHED, "announced": act["announced"]}
    drafter.post("/api/drafts", json=other)

    (question,) = drafter.get("/api/drafts/1/check").json()["questions"]
    blocked = refused(drafter.post("/api/drafts/1/append", headers=editor(drafter)), 422, "draft_blocked")
    answered = drafter.post("/api/drafts/1/answers", json={"of": question["of"], "answer": "attach"})

    assert (question["of"], question["answer"]) == ("harbour-quill/2", None)
    assert [block["code"] for block in blocked["blocks"]] == ["duplicate_unanswered"]
    assert answered.json()["would"]["kind"] == "attachment"
    refused(drafter.post("/api/drafts/1/answers", json={"of": "harbour-quill/2", "answer": "no"}), 400, "invalid_value")


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("GET", "/7", None, {}, 404, "unknown_draft"),
        ("GET", "/x", None, {}, 404, "unknown_draft"),
        ("GET", "/1?revision=9", None, {}, 404, "unknown_draft"),
        ("GET", "/1?revision=-1", None, {}, 400, "invalid_value"),
        ("GET", "/1?version=1", None, {}, 400, "unknown_parameter"),
        ("GET", "?all=yes", None, {}, 400, "invalid_value"),
        ("PUT", "/1", {}, {"If-Match": '"2@1"'}, 400, "invalid_value"),
        ("PUT", "/1", {}, {"If-Match": '"1@9"'}, 404, "unknown_draft"),
        ("PUT", "/1", "text", {"Content-Type": "text/plain"}, 415, "unsupported_media_type"),
        ("POST", "/1/discard", {}, {}, 422, "missing_field"),
        ("POST", "/1/discard", {"why": "x", "who": "y"}, {}, 422, "unknown_field"),
        ("POST", "/1/answers", {"of": "x"}, {}, 422, "missing_field"),
        ("POST", "/1/answers", {"of": 1, "answer": "new"}, {}, 422, "invalid_field"),
        ("DELETE", "/1", None, {}, 405, "method_not_allowed"),
    ],
)
def test_a_request_about_a_draft_is_refused_in_words(
    drafter: TestClient, method: str, path: str, body: Any, headers: dict[str, str], status: int, code: str
) -> None:
    drafter.post("/api/drafts", json=FINISHED)

    given: dict[str, Any] = {"content": body} if isinstance(body, str) else {"json": body}
    answer = drafter.request(method, f"/api/drafts{path}", headers=headers, **given)

    refused(answer, status, code)
    assert drafter.get("/api/drafts/1").json()["revision"] == 1
