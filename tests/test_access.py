"""Laws of access: who may do what, how often and how much, and what a browser is told to keep out."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from tests.conftest import Clock
from tests.web import NOW, announcement, application, client, seeded, token
from timeline.core.errors import TimelineError
from timeline.log import Log
from timeline.tokens import SESSION_LENGTH, Bearer, Tokens
from timeline.web.access import Rate
from timeline.web.forms import read_form

P = "/api/partnerships/harbour-quill"
YAML = (
    "partnership: harbour-quill\ntitle: A <b>word</b>\nannounced: 2026-05-01\nsources: [{tier: press, publisher: P}]\n"
)


@pytest.fixture
def visitor(log: Log, database_url: str) -> Iterator[TestClient]:
    with client(application(seeded(log), database_url)) as asking:
        yield asking


def code(caught: pytest.ExceptionInfo[TimelineError]) -> str:
    return caught.value.code


def test_a_token_is_shown_once_kept_as_a_hash_and_ends_when_revoked(log: Log, clock: Clock) -> None:
    tokens = Tokens(log, clock)

    secret = tokens.new("ada", "append")

    assert tokens.bearer(secret) == Bearer("ada", "append")
    assert secret not in str(tokens.list())
    assert tokens.list() == [
        {
            "name": "ada",
            "scope": "append",
            "created_at": "2026-01-01T12:00:00Z",
            "last_used_at": "2026-01-01T12:00:00Z",
            "revoked_at": None,
        }
    ]
    tokens.revoke("ada")
    tokens.revoke("ada")
    for wrong in (secret, "", "tl_\ud800"):
        with pytest.raises(TimelineError) as caught:
            tokens.bearer(wrong)
        assert code(caught) == "token_unknown"


@pytest.mark.parametrize(("name", "scope"), [("", "read"), ("a b", "read"), ("x", "write"), ("ada", "read")])
def test_a_token_needs_a_name_of_its_own_and_a_scope(log: Log, clock: Clock, name: str, scope: str) -> None:
    tokens = Tokens(log, clock)
    tokens.new("ada", "read")

    with pytest.raises(TimelineError) as caught:
        tokens.new(name, scope)

    assert code(caught) == "invalid_value"


def test_an_unknown_token_cannot_be_revoked(log: Log, clock: Clock) -> None:
    with pytest.raises(TimelineError) as caught:
        Tokens(log, clock).revoke("nobody")
    assert code(caught) == "unknown_token"


def test_a_session_ends_by_itself_by_signing_out_and_with_its_token(log: Log, clock: Clock) -> None:
    tokens = Tokens(log, clock)
    secret = tokens.new("ada", "append")
    first, second, third = (tokens.sign_in(secret) for _ in range(3))

    tokens.sign_out(first)
    assert tokens.signed_in(first) is None
    assert tokens.signed_in(second) == Bearer("ada", "append")
    clock.now += SESSION_LENGTH
    assert tokens.signed_in(second) is None
    fourth = tokens.sign_in(secret)
    tokens.revoke("ada")
    assert tokens.signed_in(fourth) is tokens.signed_in(third) is None


def test_to_append_needs_a_token_that_allows_it(visitor: TestClient, log: Log) -> None:
    none = visitor.post(f"{P}/announcements", json=announcement())
    wrong = visitor.post(f"{P}/announcements", json=announcement(), headers={"Authorization": "Bearer tl_x"})
    basic = visitor.post(f"{P}/announcements", json=announcement(), headers={"Authorization": "Basic eDp5"})
    weak = {"Authorization": f"Bearer {token(log, 'draft', 'bob')}"}
    too_weak = visitor.post(f"{P}/announcements", json=announcement(), headers=weak)

    codes = [each.json()["code"] for each in (none, wrong, basic, too_weak)]
    assert codes == ["token_missing", "token_unknown", "token_missing", "scope_missing"]
    assert none.headers["www-authenticate"].startswith("Bearer")
    assert visitor.get("/api/status").json()["record"]["head"] == 15


def test_a_token_that_is_not_known_is_to_be_made_for_what_was_asked(visitor: TestClient) -> None:
    """Else whoever only reads would make a token that may record, and whoever keeps webhooks one that may not."""
    asked = {
        ("GET", f"{P}/state"): "read",
        ("GET", "/feeds/all.atom"): "read",
        ("GET", "/api/drafts/1"): "draft",
        ("POST", "/api/drafts"): "draft",
        ("POST", "/api/drafts/1/append"): "append",
        ("POST", f"{P}/announcements"): "append",
        ("GET", "/api/webhooks"): "admin",
        ("POST", "/api/webhooks/hook/retry"): "admin",
        ("POST", "/nowhere"): "read",
    }

    for header in ("Bearer tl_x", "Basic eDp5"):
        remedies = {each: visitor.request(*each, headers={"Authorization": header}).json()["remedy"] for each in asked}

        scopes = {each: re.findall(r"--scope (\w+)`", remedy) for each, remedy in remedies.items()}
        assert scopes == {each: [scope] for each, scope in asked.items()}


def test_where_questions_need_a_token_only_the_door_is_open(log: Log, database_url: str) -> None:
    with client(application(seeded(log), database_url, reads="token")) as visitor:
        closed = [visitor.get(each).status_code for each in ("/", f"{P}/state", "/openapi.json", "/feeds/all.atom")]
        opened = [visitor.get(each).status_code for each in ("/healthz", "/readyz", "/sign-in", "/static/timeline.css")]
        reader = {"Authorization": f"Bearer {token(log, 'read')}"}

        assert (closed, opened) == ([401] * 4, [200] * 4)
        assert visitor.get("/", headers=reader).status_code == 200
        visitor.post("/sign-in", data={"token": reader["Authorization"].removeprefix("Bearer ")})
        assert visitor.get("/").status_code == 200


def test_where_questions_need_a_token_a_person_signs_in_and_comes_back(log: Log, database_url: str) -> None:
    with client(application(seeded(log), database_url, reads="token")) as visitor:
        asked = visitor.get("/p/harbour-quill?as_of=2023-06-30", headers={"Accept": "text/html"})

    assert asked.status_code == 401
    assert 'href="/sign-in?next=/p/harbour-quill%3Fas_of%3D2023-06-30"' in asked.text


def test_too_many_requests_are_told_when_to_come_again(log: Log, database_url: str) -> None:
    with client(application(log, database_url, rate_limit=12)) as visitor:
        answers = [visitor.get("/healthz") for _ in range(13)]

    assert [each.status_code for each in answers] == [200] * 12 + [429]
    assert int(answers[-1].headers["retry-after"]) == 6 - 1


def test_a_bucket_fills_evenly_and_a_write_counts_as_ten(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now)
    rate = Rate(60)

    assert [rate.wait("a", 10) for _ in range(7)] == [0] * 6 + [11]
    now = 10.0
    assert [rate.wait("a", 10), rate.wait("b", 1)] == [0, 0]
    assert Rate(0).wait("a", 1_000_000) == 0


def test_a_body_that_grows_too_large_is_refused_while_it_comes(visitor: TestClient, log: Log) -> None:
    def growing() -> Iterator[bytes]:
        for _ in range(60):
            yield b" " * 100_000

    headers = {"Authorization": f"Bearer {token(log)}", "Content-Type": "application/json"}

    answer = visitor.post(f"{P}/announcements", content=growing(), headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize("address", ["/", "/p/harbour-quill", "/nowhere", f"{P}/state", "/static/timeline.js"])
def test_browsers_are_told_to_run_nothing_that_is_not_ours(visitor: TestClient, address: str) -> None:
    answer = visitor.get(address, headers={"Accept": "text/html"})

    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["x-frame-options"] == "DENY"
    assert "set-cookie" not in answer.headers
    if "html" in answer.headers["content-type"]:
        ours = r"\ssrc=|type=\"application/ld\+json\""  # which is data: a browser runs nothing of it
        assert re.search(rf"<script(?![^>]*(?:{ours}))|<style|\sstyle=|\son\w+=", answer.text) is None


def test_an_editor_signs_in_rehearses_and_records_once(visitor: TestClient, log: Log) -> None:
    signed_in = visitor.post("/sign-in", data={"token": token(log)})
    cookie = signed_in.headers["set-cookie"]
    page = visitor.get("/append").text
    csrf = re.findall(r'name="csrf" value="(\w+)"', page)[0]

    rehearsal = visitor.post("/append", data={"csrf": csrf, "document": YAML})
    hidden = dict(re.findall(r'name="(confirm|expect|idempotency_key)" value="([^"]*)"', rehearsal.text))
    recorded = [visitor.post("/append", data={"csrf": csrf, "document": YAML, **hidden}) for _ in range(2)]

    assert ("HttpOnly" in cookie, "SameSite=strict" in cookie, signed_in.status_code) == (True, True, 303)
    assert "Nothing is recorded yet" in rehearsal.text
    assert "<b>word" not in rehearsal.text
    assert [(each.status_code, each.headers["location"]) for each in recorded] == [(303, "/a/harbour-quill/15")] * 2
    assert "A &lt;b&gt;word&lt;/b&gt;" in visitor.get("/a/harbour-quill/15").text
    assert visitor.get("/api/status").json()["record"]["head"] == 16


def test_a_file_can_be_chosen_instead(visitor: TestClient, log: Log) -> None:
    visitor.post("/sign-in", data={"token": token(log)})
    csrf = re.findall(r'name="csrf" value="(\w+)"', visitor.get("/append").text)[0]

    rehearsal = visitor.post("/append", data={"csrf": csrf, "document": ""}, files={"file": ("a.yaml", YAML)})

    assert "Nothing is recorded yet" in rehearsal.text, rehearsal.text


def test_what_was_confirmed_is_what_was_shown(visitor: TestClient, log: Log) -> None:
    """When something else was recorded between rehearsal and confirmation, nothing is recorded."""
    secret = token(log)
    visitor.post("/sign-in", data={"token": secret})
    csrf = re.findall(r'name="csrf" value="(\w+)"', visitor.get("/append").text)[0]
    rehearsal = visitor.post("/append", data={"csrf": csrf, "document": YAML})
    hidden = dict(re.findall(r'name="(confirm|expect|idempotency_key)" value="([^"]*)"', rehearsal.text))
    bearer = {"Authorization": f"Bearer {secret}"}
    assert visitor.post(f"{P}/announcements", json=announcement(), headers=bearer).status_code == 201

    late = visitor.post("/append", data={"csrf": csrf, "document": YAML, **hidden})

    assert late.status_code == 412
    assert "has moved on" in late.text


def test_a_form_from_elsewhere_records_nothing(visitor: TestClient, log: Log) -> None:
    visitor.post("/sign-in", data={"token": token(log)})
    csrf = re.findall(r'name="csrf" value="(\w+)"', visitor.get("/append").text)[0]
    form = {"document": YAML, "confirm": "1"}

    forged = visitor.post("/append", data=form | {"csrf": "0" * 32})
    crossed = visitor.post("/append", data=form | {"csrf": csrf}, headers={"Sec-Fetch-Site": "cross-site"})
    api = visitor.post(f"{P}/announcements", json=announcement())

    assert [each.json()["code"] for each in (forged, crossed, api)] == ["form_expired", "form_expired", "token_missing"]
    assert visitor.get("/api/status").json()["record"]["head"] == 15


def test_signing_in_leads_back_to_the_page_that_was_asked_for(visitor: TestClient, log: Log) -> None:
    asked = "/drafts?all=true"

    form = visitor.get(asked).headers["location"]
    carried = html.unescape(re.findall(r'name="next" value="([^"]*)"', visitor.get(form).text)[0])
    mistyped = visitor.post("/sign-in", data={"token": "tl_wrong", "next": carried})
    signed_in = visitor.post("/sign-in", data={"token": token(log, "draft"), "next": carried})
    elsewhere = visitor.post("/sign-in", data={"token": token(log, "draft", "bob")})

    assert (carried, f'value="{asked}"' in mistyped.text) == (asked, True)
    assert (signed_in.headers["location"], visitor.get(asked).status_code) == (asked, 200)
    assert elsewhere.headers["location"] == "/append"


def test_who_sent_a_form_without_a_session_is_shown_the_way_in_and_back(visitor: TestClient) -> None:
    browser = {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}

    def ways(path: str) -> list[str]:
        return re.findall(r'href="(/sign-in[^"]*)"', visitor.post(path, content="a=b", headers=browser).text)

    assert ways("/drafts/3/answer") == ["/sign-in?next=/drafts/3"]
    assert visitor.post("/sign-out", headers=browser).headers["location"] == "/"


def test_a_session_that_ends_while_somebody_writes_takes_nothing_with_it(visitor: TestClient, log: Log) -> None:
    """What was sent comes through a mistyped token and stands on the page for appending."""
    page = visitor.post("/append", data={"document": YAML, "csrf": "0" * 32})
    carried = written(page.text)
    mistyped = visitor.post("/sign-in", data={"token": "tl_wrong", "next": "/append", "document": carried})
    signed_in = visitor.post(
        "/sign-in", data={"token": token(log), "next": "/append", "document": written(mistyped.text)}
    )

    assert (page.status_code, page.headers["www-authenticate"]) == (401, 'Bearer realm="timeline"')
    assert (carried, written(signed_in.text), signed_in.status_code) == (YAML, YAML, 200)
    csrf = re.findall(r'name="csrf" value="(\w+)"', signed_in.text)[0]
    rehearsed = visitor.post("/append", data={"document": YAML, "csrf": csrf})
    assert "Nothing is recorded yet." in rehearsed.text
    assert visitor.get("/api/status").json()["record"]["head"] == 15


def written(page: str) -> str:
    """What stands in the form for a document."""
    return html.unescape(re.findall(r'name="document"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)[-1])


@pytest.mark.parametrize(
    "hostile",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "/\t/evil.example",
        "/\n//evil.example",
        "evil.example",
        "javascript:alert(1)",
        "/append\r\nSet-Cookie: a=b",
        "",
        "/" + "a" * 3000,
    ],
)
def test_signing_in_leads_to_no_other_site(visitor: TestClient, log: Log, hostile: str) -> None:
    opened = visitor.get("/sign-in", params={"next": hostile})
    sent = visitor.post("/sign-in", data={"token": token(log), "next": hostile})

    assert [(each.status_code, each.json()["code"], each.json()["field"]) for each in (opened, sent)] == [
        (400, "invalid_value", "next")
    ] * 2
    assert "set-cookie" not in sent.headers


def test_without_a_session_there_is_nothing_to_append_with(visitor: TestClient) -> None:
    assert visitor.get("/append").headers["location"] == "/sign-in?next=/append"
    assert visitor.post("/append", data={"document": YAML}).status_code == 401
    assert visitor.post("/sign-in", data={"token": "tl_wrong"}).status_code == 403
    assert visitor.post("/sign-in", data={"token": ""}).status_code == 422
    assert visitor.post("/sign-in", content=b"%ff", headers={"Content-Type": "text/plain"}).status_code == 415


def test_a_session_without_the_scope_may_look_but_not_append(visitor: TestClient, log: Log) -> None:
    visitor.post("/sign-in", data={"token": token(log, "read")})
    csrf = re.findall(r'name="csrf" value="(\w+)"', visitor.get("/append").text)[0]

    answer = visitor.post("/append", data={"csrf": csrf, "document": YAML})

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
    assert visitor.post("/sign-out", data={"csrf": csrf}).status_code == 303
    assert visitor.get("/append").status_code == 303


def test_an_https_service_keeps_its_cookie_for_https(log: Log, database_url: str) -> None:
    with client(application(log, database_url, base_url="https://timeline.example")) as visitor:
        answer = visitor.post("/sign-in", data={"token": token(log)})

    assert "Secure" in answer.headers["set-cookie"]
    assert answer.headers["strict-transport-security"] == "max-age=31536000"
    assert NOW.isoformat() not in answer.headers["set-cookie"]


PART = b'--XX\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n'


def test_a_form_in_parts_gives_each_field_and_file_as_it_was_sent() -> None:
    file = b'--XX\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\n\r\n\x00\xff\r\n\r\n--X\r\n'
    body = PART % (b"document", "two\r\n“lines”".encode()) + file + PART % (b"why", b"") + b"--XX--\r\n"

    form = read_form("multipart/form-data; boundary=XX", body)

    assert form == {"document": "two\r\n“lines”", "file": b"\x00\xff\r\n\r\n--X", "why": ""}


def test_a_part_is_never_read_as_parts_in_turn() -> None:
    """A thousand forms one in another took minutes to read, from anybody who can reach the page for signing in."""
    inner = b"--YY\r\nContent-Disposition: form-data; name=inner\r\n\r\nx\r\n--YY--"
    head = b'--XX\r\nContent-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=YY\r\n\r\n'

    assert read_form("multipart/form-data; boundary=XX", head + inner + b"\r\n--XX--") == {"a": inner.decode()}


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("multipart/form-data", PART % (b"a", b"b") + b"--XX--"),
        ("multipart/form-data; boundary=é", b""),
        ("multipart/form-data; boundary=XX", b""),
        ("multipart/form-data; boundary=XX", PART % (b"a", b"cut")),
        ("multipart/form-data; boundary=XX", PART % (b"a", b"\xff") + b"--XX--"),
        ("multipart/form-data; boundary=XX", b"--XX\r\nno head--XX--"),
        ("multipart/form-data; boundary=XX", PART % (b"a" * 5_000, b"") + b"--XX--"),
        ("multipart/form-data; boundary=XX", PART % (b"a", b"") * 41 + b"--XX--"),
    ],
)
def test_a_form_that_cannot_be_read_is_refused(kind: str, body: bytes) -> None:
    with pytest.raises(TimelineError) as caught:
        read_form(kind, body)

    assert code(caught) == "malformed_document"
