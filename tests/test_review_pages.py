"""Reviewing a draft in a real browser: with and without JavaScript, by keyboard, on a phone; and who may."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import Browser, Page, expect
from starlette.testclient import TestClient

from tests.test_pages import SCREENSHOTS, accessible, opened
from tests.web import NOW, announcement, application, client, seeded, token
from timeline.documents import Document
from timeline.drafting.sheet import filled, sheet
from timeline.log import Log
from timeline.tokens import Tokens

PAGE = """\
Harbour Signals and Quill House renew

Harbour News

Summary

In short they renew at {percent} percent.

It begins.
Original Article

Cached at: 02/03/26, 01:00 PM

# Renewal
{words} of net sales.
Nothing <b>else</b> changes & all is well.
{more}

Similar Articles

An older deal

Harbour News

It was signed.
"""


MORE = {
    31: "The two met at the quay, signed on the pilot boat and went home before the tide turned that night. "
    "Pilots along the breakwater lit lanterns; somebody played an accordion until rain drove everybody indoors.",
    33: "Neither house would tell reporters why, though bakers along Mill Street had guessed as much since autumn. "
    "Readers still receive almanacs, calendars and charts by subscription, printed on heavier paper this spring.",
}
"""Pages that are told apart, so that neither is taken for another report of the other."""


def unfinished(percent: int) -> str:
    """A draft with a page and no statement."""
    words = f"From March 2026 Quill House pays us {percent} percent"
    return json.dumps(
        {
            "partnership": "harbour-quill",
            "title": f"They renew at {percent}",
            "announced": "2026-02-0",
            "sources": [
                {
                    "tier": "party",
                    "publisher": "Harbour Signals",
                    "text": PAGE.format(percent=percent, words=words, more=MORE[percent]),
                }
            ],
        }
    )


def signed_in(page: Page, secret: str) -> None:
    page.goto("/append")
    page.get_by_label("Token").fill(secret)
    page.get_by_role("button", name="Sign in").click()


def begun(page: Page, secret: str, document: str) -> None:
    signed_in(page, secret)
    page.get_by_role("link", name="Begin a draft").click()
    page.get_by_label("an announcement in YAML or JSON").check()
    page.locator("#document").fill(document)
    page.get_by_role("button", name="Begin the draft").click()


@pytest.mark.parametrize("script", [True, False])
def test_an_editor_reviews_a_page_into_the_record(
    browser: Browser,
    site: tuple[str, str],
    script: bool,
) -> None:
    percent = 31 if script else 33
    page = opened(browser, site[0], script=script)
    begun(page, site[1], unfinished(percent))
    expect(page.get_by_text("It cannot be appended yet:")).to_be_visible()
    expect(page.get_by_text("summary, never evidence:")).to_be_visible()
    expect(page.get_by_text("Nothing <b>else</b> changes & all is well.")).to_be_visible()
    if script:
        accessible(page)
        page.screenshot(path=SCREENSHOTS / "draft.png", full_page=True)

    page.get_by_label("Announced: the publisher's day").fill(f"2026-01-{percent - 10}")
    blank = page.get_by_role("group", name="One more statement")
    blank.get_by_label("Term, as kind/subject").fill("revenue-share/quill-to-harbour")
    blank.get_by_label("Value, as").fill(f"{{percent: {percent}}}")
    blank.get_by_label("Effective:").fill("2026-03")
    words = f"Quill House pays us {percent} percent"
    if script:
        page.get_by_label("Text of source 1").evaluate(SELECT, words)
        expect(blank.get_by_label("Quote: the source's own words")).to_have_value(words)
    else:
        blank.get_by_label("Quote: the source's own words").fill(words)
    page.get_by_role("button", name="Save and check").click()

    expect(page.get_by_text("Nothing blocks it, and nothing is recorded yet.")).to_be_visible()
    expect(page.locator("mark")).to_have_text(words)
    expect(page.locator("#check ~ .scroll")).to_contain_text(f"{percent} %")
    if script:
        accessible(page)
        page.set_viewport_size({"width": 360, "height": 740})
        page.emulate_media(color_scheme="dark")
        page.screenshot(path=SCREENSHOTS / "draft-phone-dark.png", full_page=True)
        accessible(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Record it").click()
    expect(page.locator("h1")).to_have_text(f"They renew at {percent}")
    expect(page.locator("mark")).to_have_text(words)
    page.context.close()


SELECT = """(source, words) => {
  const walker = document.createTreeWalker(source, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const at = node.data.indexOf(words);
    if (at < 0) continue;
    document.getSelection().setBaseAndExtent(node, at, node, at + words.length);
    source.dispatchEvent(new MouseEvent("mouseup", {bubbles: true}));
    return;
  }
}"""


def test_a_question_is_answered_on_the_page_and_a_draft_discarded(
    browser: Browser,
    site: tuple[str, str],
) -> None:
    page = opened(browser, site[0])
    same_day = {"partnership": "harbour-quill", **announcement(41), "announced": "2021-06-15"}
    begun(page, site[1], json.dumps(same_day))
    question = page.get_by_role("heading", name="Is it another report of")
    expect(question.first).to_be_visible()
    accessible(page)
    page.get_by_role("button", name="Not sure").first.click()
    expect(page.get_by_text("Answered so far: not sure")).to_be_visible()
    page.get_by_role("button", name="Yes: attach it as a source").first.click()
    expect(page.get_by_text("Nothing blocks it, and nothing is recorded yet.")).to_be_visible()
    expect(page.get_by_text("(attachment)")).to_be_visible()

    page.get_by_text("Discard this draft").click()
    page.get_by_label("Why it is not to be recorded").fill("tried out")
    page.get_by_role("button", name="Discard it").click()
    expect(page.get_by_text("Discarded: tried out")).to_be_visible()
    page.goto("/drafts?all=true")
    expect(page.get_by_role("row", name="Quill House pays 41 percent").first).to_contain_text("discarded: tried out")
    accessible(page)
    page.context.close()


def test_the_keyboard_alone_saves_a_draft(browser: Browser, site: tuple[str, str]) -> None:
    page = opened(browser, site[0])
    begun(page, site[1], "title: By hand\n")
    page.get_by_label("Title").focus()
    page.keyboard.press("Control+A")
    page.keyboard.type("By keyboard")
    page.keyboard.press("Enter")

    expect(page.locator("h1")).to_have_text("By keyboard")
    page.context.close()


# -- without a browser -------------------------------------------------------------------------------------------------


class Editor:
    """Somebody signed in, who sends forms as a page of ours does."""

    def __init__(self, log: Log, url: str, scope: str) -> None:
        self.client: TestClient = client(application(log, url))
        secret = token(log, scope, f"ed-{scope}")
        signed = self.client.post("/sign-in", data={"token": secret}, headers=FORM)
        self.client.cookies.update(signed.cookies)
        self.csrf = self.client.get("/drafts").text.partition('name="csrf" value="')[2][:32]

    def send(self, path: str, **fields: str) -> Any:
        return self.client.post(path, data={"csrf": self.csrf, **fields}, headers=FORM)


FORM = {"Accept": "text/html"}


@pytest.fixture
def editor(log: Log, database_url: str) -> Editor:
    return Editor(seeded(log), database_url, "append")


def test_a_lost_race_on_the_page_shows_both_changes(editor: Editor) -> None:
    editor.send("/drafts", document="title: One\nnote: a\n")
    assert editor.send("/drafts/1", revision="1", title="Two").status_code == 303

    lost = editor.send("/drafts/1", revision="1", note="<b>")

    assert lost.status_code == 412
    assert "+title: Two" in lost.text
    assert "+note: &lt;b&gt;" in lost.text
    assert "revision 2 · open" in lost.text


def test_what_is_no_yaml_can_be_mended_on_the_page(editor: Editor) -> None:
    editor.send("/drafts", document="title: One\n")

    editor.send("/drafts/1", revision="1", document="title: [")
    broken = editor.client.get("/drafts/1")
    mended = editor.send("/drafts/1", revision="2", document="title: Two")

    assert "malformed_document" in broken.text
    assert "title: [</textarea>" in broken.text
    assert (mended.status_code, "Two" in editor.client.get("/drafts/1").text) == (303, True)


def test_a_form_that_changes_nothing_keeps_the_document_to_the_byte(editor: Editor) -> None:
    typed = "# mine\ntitle:   One\nstatements:\n- {term: stake/x, set: {percent: '07'}, odd: 1}\n"
    editor.send("/drafts", document=typed)
    shown = editor.client.get("/drafts/1").text

    same = editor.send("/drafts/1", revision="1", title="One", **{"statements.0.present": "1"})

    assert "{percent: &#39;07&#39;}" in shown
    assert same.status_code == 303
    assert "revision 1" in editor.client.get("/drafts/1").text


def test_what_came_in_is_saved_and_never_shown_as_a_page(editor: Editor) -> None:
    typed = "title: <script>alert(1)</script>\n"
    editor.send("/drafts", document=typed)

    page = editor.client.get("/drafts/1")
    came = editor.client.get("/drafts/1/received")

    assert "<script>alert" not in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in page.headers
    assert came.content == typed.encode()
    assert came.headers["content-type"] == "application/octet-stream"
    assert came.headers["content-disposition"].startswith("attachment")


def test_a_page_of_drafts_is_for_who_may_draft(log: Log, database_url: str) -> None:
    drafter = Editor(seeded(log), database_url, "draft")
    drafter.send("/drafts", document="title: One\n")
    stranger = client(application(log, database_url))

    assert stranger.get("/drafts").headers["location"] == "/sign-in?next=/drafts"
    assert stranger.get("/drafts/1").headers["location"] == "/sign-in?next=/drafts/1"
    lost = stranger.post("/drafts/1", data={"title": "What <i>I</i> typed", "csrf": "x"}, headers=FORM)
    assert lost.status_code == 401
    assert "title: What &lt;i&gt;I&lt;/i&gt; typed" in lost.text
    assert "csrf" not in lost.text
    assert drafter.client.post("/drafts/1", data={"revision": "1"}, headers=FORM).status_code == 403
    foreign = {**FORM, "Sec-Fetch-Site": "cross-site"}
    assert drafter.client.post("/drafts/1", data={"csrf": drafter.csrf}, headers=foreign).status_code == 403
    assert drafter.send("/drafts/1/append", revision="1").status_code == 403
    secret = Tokens(log, lambda: NOW).new("rita", "read")
    reader = client(application(log, database_url))
    reader.cookies.update(reader.post("/sign-in", data={"token": secret}, headers=FORM).cookies)
    assert reader.get("/drafts", headers=FORM).status_code == 403


@pytest.mark.parametrize(
    ("path", "fields", "status", "said"),
    [
        ("/drafts", {"document": " "}, 422, "There is no document."),
        ("/drafts", {"document": "a: ["}, 422, "did not find expected node"),
        ("/drafts/1", {"title": "x"}, 403, "The form names no revision."),
        ("/drafts/1", {"revision": "9", "title": "x"}, 404, "Draft 1 has no revision 9."),
        ("/drafts/7", {"revision": "1"}, 404, "unknown_draft"),
        ("/drafts/x", {"revision": "1"}, 404, "unknown_draft"),
        ("/drafts/1/append", {"revision": "1"}, 422, "Draft 1 cannot be appended yet"),
        ("/drafts/1/answer", {"of": "harbour-quill/2", "answer": "maybe"}, 400, "is no answer."),
        ("/drafts/1/discard", {"why": " "}, 422, "There is no reason."),
        ("/drafts/1/discard", {"why": "\0"}, 422, "There is no reason."),
        ("/drafts/2", {"revision": "1", "title": "x"}, 422, "has no form by fields."),
    ],
)
def test_a_form_that_cannot_be_taken_is_refused_on_the_page(
    editor: Editor, path: str, fields: dict[str, str], status: int, said: str
) -> None:
    editor.send("/drafts", document="title: One\n")
    editor.send("/drafts", document="statements: none of the kind\n")

    answer = editor.send(path, **fields)

    assert (answer.status_code, said in answer.text) == (status, True), answer.text


# -- the sheet ---------------------------------------------------------------------------------------------------------

WHOLE: dict[str, Any] = {
    "partnership": "acme-bolt",
    "title": "A stake",
    "announced": "2024-03-01",
    "sources": [{"publisher": "Acme", "tier": "party", "text_sha256": "0" * 64}, {"url": "https://a.example"}],
    "statements": [
        {"term": "stake/x", "set": {"percent": {"about": 27}}, "effective": 2019, "quote": "about", "odd": [1]},
        {"term": "right/y", "end": True, "until": {"event": "closing"}, "temporary": True, "source": 2, "quote": "y"},
    ],
}


def test_a_sheet_changes_what_was_changed_and_nothing_else() -> None:
    form = {
        "title": "Another",
        "sources.0.publisher": "",
        "sources.1.drop": "on",
        "sources.2.url": "https://b.example",
        "sources.2.tier": "press",
        "statements.0.value": "{percent: 28}",
        "statements.0.effective": "2019-07",
        "statements.1.present": "1",
        "statements.1.says": "reaffirm",
        "statements.2.term": "clause/z",
        "statements.2.value": "not: [yaml",
        "statements.2.quote": "two\r\nlines",
        "statements.2.present": "1",
    }

    assert filled(Document.of(WHOLE, "draft"), form) == {
        **WHOLE,
        "title": "Another",
        "sources": [{"tier": "party", "text_sha256": "0" * 64}, {"url": "https://b.example", "tier": "press"}],
        "statements": [
            {"term": "stake/x", "set": {"percent": 28}, "effective": "2019-07", "quote": "about", "odd": [1]},
            {
                "term": "right/y",
                "reaffirm": True,
                "until": {"event": "closing"},
                "source": 2,
                "quote": "y",
            },
            {"term": "clause/z", "set": "not: [yaml", "quote": "two\nlines"},
        ],
    }


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"])),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
    max_leaves=4,
)
_FIELDS = ("term", "set", "end", "reaffirm", "effective", "until", "source", "quote", "temporary", "note", "odd")


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # how busy the machine is, is not its subject
@given(
    header=st.dictionaries(st.sampled_from(["title", "announced", "note", "odd"]), _VALUES, max_size=3),
    statements=st.lists(st.dictionaries(st.sampled_from(_FIELDS), _VALUES, max_size=5), max_size=2),
)
def test_a_sheet_that_comes_back_as_it_was_shown_changes_nothing(
    header: dict[str, Any], statements: list[dict[str, Any]]
) -> None:
    data = {**header, "sources": [{"url": 1}], "statements": [each for each in statements if each]}
    shown = sheet(Document.of(data, "draft"))
    assert shown is not None
    form: dict[str, Any] = dict(shown["header"])
    for group in ("sources", "statements"):
        for place, texts in enumerate(shown[group]):
            sent = {name: text.replace("\n", "\r\n") for name, text in texts.items()}
            if not sent.get("temporary", "on"):
                del sent["temporary"]
            form |= {f"{group}.{place}.{name}": text for name, text in {**sent, "present": "1"}.items()}

    assert filled(Document.of(data, "draft"), form) == data


@pytest.mark.parametrize("data", [{"retracts": "a/1"}, {"statements": "none"}, {"sources": ["x"]}, {"statements": [1]}])
def test_what_has_no_sheet_is_edited_as_text(data: dict[str, Any]) -> None:
    assert sheet(Document.of(data, "draft")) is None


def test_a_page_is_pasted_and_its_address_and_title_are_taken_from_it(editor: Editor) -> None:
    begun_at = editor.send("/drafts", document=AGGREGATED, **{"is": "page"}).headers["location"]
    shown = editor.client.get(begun_at).text

    assert 'value="A renewal"' in shown
    assert 'value="https://harbour.example/renewal"' in shown
    assert "similar, never evidence:" in shown
    assert "<li>announced: " in shown
    editor.send(begun_at, revision="1", announced="2026-02-03")
    assert "<li>announced: " in editor.client.get(begun_at).text
    refused = editor.send("/drafts", document="words", address="harbour", **{"is": "page"})
    assert (refused.status_code, "not an address on the web" in refused.text) == (422, True)


AGGREGATED = """\
A renewal

Harbour News

Summary

In short.

It begins.
Original Article

Cached at: 02/03/26, 01:00 PM

# A renewal Source: [https://harbour.example/renewal](https://harbour.example/renewal) They renew\\.

Similar Articles

Another

Harbour News

It was.
"""
