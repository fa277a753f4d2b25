"""Laws of intake: what a page says is found, furniture is kept apart, and what cannot be read says what to do."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree
from lxml import html as lxml_html
from reportlab.pdfgen.canvas import Canvas
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.loopback import served
from timeline import documents
from timeline.core.announcements import act_from_json
from timeline.core.errors import TimelineError
from timeline.core.evidence import Lead, check_quote
from timeline.core.proposing import Dated, Known
from timeline.core.terms import BUILTIN
from timeline.intake import MAX_PAGE_BYTES, Cleaned, KeptApart, document, fetch, propose_for, read, written
from timeline.intake.tags import MOST_ATTRIBUTES, has_crowded_tag
from timeline.outbound import Gate, is_public
from timeline.submissions import submit

HQ = Known("harbour-quill", {"harbour": "Harbour Signals", "quill": "Quill House"})

AGGREGATED = """Quill House puts money into Harbour Signals

Quill House News

Summary

Quill House is investing $9 billion in Harbour Signals and holds 40% of it.

Quill House is investing $1 billion in Harbour Signals. Harbour Signals will become our exclusive chart provider.
Original Article Export to Word
View Cached Full Text

Cached at: 04/20/26, 02:43 PM

# Quill House puts money into Harbour Signals Source: [https://quill.example/money](https://quill.example/money) We \
have built a multi\\-year friendship\\. - Harbour Signals grants Quill House a\\(n\\) handshake\\. - \
Harbour Signals grants Quill House a license to[its tides](https://quill.example/tides)through 2032\\.

Similar Articles

Harbour Signals and Norvane part

Norvane Wire

Quill House is investing $3 billion in Harbour Signals.
"""

ARTICLE = """<!doctype html><html lang="en-GB"><head><meta charset="utf-8"><title>Agreed | Quill House</title>
<meta property="og:title" content="Harbour Signals and Quill House agree">
<meta property="og:site_name" content="Quill House">
<meta property="article:published_time" content="2021-06-15T09:00:00Z">
<script>alert("Quill House is investing $7 in")</script>
</head><body><nav><a href="/">Home</a> Subscribe to our newsletter</nav>
<main><article><h1>Harbour Signals and Quill House agree</h1>
<p>Quill House is investing $1&nbsp;billion in Harbour Signals — its largest <b>step</b> so far.</p>
<p style="display:none">Quill House holds 99% of Harbour Signals.</p>
<p>Harbour Signals will become our exclusive chart provider until 2030. The two have worked together for many years.</p>
</article></main><footer>All rights reserved, Quill House 1999</footer></body></html>"""


def code_of(data: bytes, **options: Any) -> str:
    with pytest.raises(TimelineError) as refusal:
        read(data, **options)
    assert refusal.value.remedy
    return refusal.value.code


def terms(page: Any) -> list[str]:
    return [str(each.statement["term"]) for each in propose_for(page, [HQ], BUILTIN, announced="2021-06-15").statements]


def test_an_aggregators_page_is_told_apart_and_its_furniture_proposes_nothing() -> None:
    data = AGGREGATED.encode()
    page = read(data, name="page.txt")
    assert (page.sha256, page.size, page.media_type) == (sha256(data).hexdigest(), len(data), "text/plain")
    assert (page.address, page.publisher, page.aggregated) == ("https://quill.example/money", "Quill House News", True)
    assert page.title == "Quill House puts money into Harbour Signals"
    assert page.published is None
    assert [part.part for part in page.parts] == ["feed", "summary", "controls", "cached-at", "similar"]
    assert KeptApart("cached-at", "Cached at: 04/20/26, 02:43 PM") in page.parts
    assert page.leads == (
        Lead(
            "Harbour Signals and Norvane part",
            "Norvane Wire",
            "Quill House is investing $3 billion in Harbour Signals.",
        ),
    )
    assert page.main.split("\n\n") == [
        "Quill House puts money into Harbour Signals",
        AGGREGATED.splitlines()[8],
        "Quill House puts money into Harbour Signals",
        "We have built a multi-year friendship.",
        "Harbour Signals grants Quill House a(n) handshake.",
        "Harbour Signals grants Quill House a license to its tides through 2032.",
    ]
    assert terms(page) == ["investment/2021", "exclusivity/chart", "license/tides"]


def test_a_web_page_is_read_without_menus_scripts_and_what_readers_do_not_see() -> None:
    page = read(ARTICLE.encode(), media_type="text/html; charset=utf-8", address="https://quill.example/agreed")
    assert (page.title, page.publisher, page.language) == (
        "Harbour Signals and Quill House agree",
        "Quill House",
        "en-GB",
    )
    assert page.published == Dated("2021-06-15", "the page’s metadata", "2021-06-15")
    assert "largest step so far" in page.text
    assert not [word for word in ("alert", "newsletter", "99%", "reserved") if word in page.text]
    assert [each.code for each in page.warnings] == ["hidden_text"]
    assert terms(page) == ["investment/2021", "exclusivity/chart"]


def test_what_is_drafted_is_an_announcement_once_nothing_is_open() -> None:
    page = read(ARTICLE.encode(), address="https://quill.example/agreed")
    proposed = propose_for(page, [HQ], BUILTIN)
    drafted = document(page, proposed)
    assert drafted.open_points == ()
    assert drafted.document == {
        "partnership": "harbour-quill",
        "title": "Harbour Signals and Quill House agree",
        "announced": "2021-06-15",
        "force": "agreed",
        "sources": [
            {"url": "https://quill.example/agreed", "publisher": "Quill House", "tier": "party", "text": page.text}
        ],
        "statements": [dict(each.statement) for each in proposed.statements],
    }
    text = written(drafted, proposed)
    assert text.count("# investment: ") == text.count("# exclusivity: ") == 1
    (again,) = documents.read(text.encode(), "draft.yaml")
    submission = submit(again, BUILTIN)
    assert submission.texts.keys() == {sha256(page.text.encode()).hexdigest()}
    apart = document(page, proposed, text_sha256="ab" * 32).document
    assert act_from_json(apart, BUILTIN) is not None


def test_a_page_that_names_no_address_as_its_source_is_drafted_all_the_same() -> None:
    page = read(AGGREGATED.replace("[https://quill.example/money](", "[http://[](").encode())

    drafted = document(page, propose_for(page, [HQ], BUILTIN))

    (source,) = drafted.document["sources"]
    assert (page.address, source["url"]) == ("http://[", "http://[")


def test_what_is_open_stands_above_the_document() -> None:
    page = read(b"Somebody said something.")
    proposed = propose_for(page, [HQ], BUILTIN)
    drafted = document(page, proposed)
    assert [point.field for point in drafted.open_points] == [
        "partnership",
        "announced",
        "statements",
        "sources[0].publisher",
        "sources[0].tier",
    ]
    assert written(drafted).splitlines()[1] == (
        "# announced: No date of its own was found in the page. Give the day on which it was published, as 2021-06-15."
    )
    assert drafted.document["sources"] == [{"text": "Somebody said something."}]


def test_the_rules_read_english_and_say_so_of_another_language() -> None:
    page = read(ARTICLE.replace("en-GB", "de").encode())
    drafted = document(page, propose_for(page, [HQ], BUILTIN))
    assert drafted.document["statements"] == []
    assert "in “de”" in {point.field: point.detail for point in drafted.open_points}["statements"]


def test_markdown_gives_its_title_and_its_date() -> None:
    page = read(
        b"---\ntitle: Agreed\ndate: 2021-06-15\n---\n# Two *agree*\n\nWe [met](https://a.example) **today**.",
        name="a.md",
    )
    assert (page.media_type, page.title) == ("text/markdown", "Agreed")
    assert page.published == Dated("2021-06-15", "the text’s front matter", "2021-06-15")
    assert page.main.split("\n\n") == ["Two agree", "We met today."]


def pdf(*lines: str, locked: str | None = None, picture: bool = False) -> bytes:
    made = io.BytesIO()
    canvas = Canvas(made, invariant=1)
    for place, line in enumerate(lines):
        canvas.drawString(72, 700 - 20 * place, line)
    if picture:
        canvas.rect(10, 10, 50, 50, fill=1)
    canvas.showPage()
    canvas.save()
    if locked is None:
        return made.getvalue()
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(made.getvalue()))
    writer.encrypt(locked, algorithm="RC4-128")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_a_pdf_is_read_and_its_sentences_go_on_over_lines() -> None:
    page = read(pdf("Quill House is investing $1 billion", "in Harbour Signals."), name="a.bin")
    assert page.media_type == "application/pdf"
    assert page.main == "Quill House is investing $1 billion in Harbour Signals."
    assert terms(page) == ["investment/2021"]


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (pdf(picture=True), "page_without_text"),
        (pdf("secret", locked="word"), "unreadable_source"),
        (pdf("broken")[:300], "unreadable_source"),
        (b"%PDF-1.7 nothing more", "unreadable_source"),
        (b"", "page_without_text"),
        (b" \n\t\x00\x01 ", "page_without_text"),
        (b"<html><body><script>only()</script></body></html>", "page_without_text"),
        (b"PK\x03\x04 a zip", "unreadable_source"),
        (b"\x89PNG\r\n", "unreadable_source"),
        (b"x" * (MAX_PAGE_BYTES + 1), "too_large"),
    ],
)
def test_what_cannot_be_read_is_refused_with_a_remedy(data: bytes, code: str) -> None:
    assert code_of(data) == code


def test_a_type_that_is_no_page_is_refused() -> None:
    assert code_of(b"GIF89a", media_type="image/gif") == "unreadable_source"
    assert code_of(b"words", media_type="application/pdf") == "unreadable_source"


def test_what_nobody_sees_is_taken_out_and_said() -> None:
    page = read("a\x00b\x07c\u202ed\u2066e\r\nf".encode())
    assert page.text == "abcde\nf"
    assert page.warnings == (
        Cleaned("null_bytes", "Taken out: null bytes (1)."),
        Cleaned("control_characters", "Taken out: control characters (1)."),
        Cleaned("bidi_marks", "Taken out: marks that turn the direction of writing (2)."),
    )


@pytest.mark.parametrize(
    ("data", "media_type", "codes"),
    [
        ("Zürich – “ja”".encode("cp1252"), "text/plain; charset=iso-8859-1", []),
        ("Zürich – “ja”".encode("cp1252"), None, ["wrong_encoding"]),
        ("Zürich – “ja”".encode("utf-16"), None, []),
        ("Zürich – “ja”".encode(), "text/plain; charset=klingon", ["wrong_encoding"]),
        ("Zürich – “ja”".encode(), "text/plain; charset=zlib", ["wrong_encoding"]),
        ("Zürich – “ja”".encode(), "text/plain; charset=utf-8", []),
    ],
)
def test_a_wrong_encoding_is_mended_and_said(data: bytes, media_type: str | None, codes: list[str]) -> None:
    page = read(data, media_type=media_type)
    assert (page.main, [each.code for each in page.warnings]) == ("Zürich – “ja”", codes)


def test_markup_without_end_is_refused() -> None:
    deep = b"<html><body>" + b"<div>" * 100_000 + b"Harbour Signals" + b"</div>" * 100_000
    assert code_of(deep) in ("unreadable_source", "page_without_text")


CROWDED = " ".join(f"a{number}" for number in range(MOST_ATTRIBUTES + 1))
"""One more than there may be."""


@pytest.mark.parametrize(
    "markup",
    [
        f"<p {CROWDED}>Words</p>",
        f"<P\t{CROWDED.replace(' ', '=1 ')}>Words</P>",
        "<p " + CROWDED.replace(" ", "='>' ") + ">Words</p>",
        f"<p/{CROWDED.replace(' ', '/')}>Words</p>",
        f"<!-- <p ' --><p {CROWDED}>Words</p>",
        f"<script>'</script><p title='>' {CROWDED}>Words</p>",
        f"<p {CROWDED}",
        "<html " + "a " * 1_000_000,
    ],
)
def test_a_tag_with_hundreds_of_attributes_is_refused(markup: str) -> None:
    """The parser would compare each with all those before it."""
    with pytest.raises(TimelineError) as caught:
        read(markup.encode(), media_type="text/html")
    assert caught.value.code == "unreadable_source"
    assert caught.value.detail == "The page cannot be read: a tag of it has more than 200 attributes."


def test_words_that_look_like_attributes_are_none() -> None:
    """Long values, long texts and many tags are what pages are made of."""
    words = "words of it < 3 " * 1_000
    page = read(f'<html><p title="{words}" {CROWDED.split(" ", 2)[2]}>{words}</p>'.encode() * 3)
    assert page.main.count("words of it") >= 1_000


_MARKUP = [
    "<p",
    "<a",
    "</p",
    "<",
    ">",
    "/",
    "=",
    "'",
    '"',
    " ",
    "\n",
    "a",
    "b",
    "c=",
    "d ",
    "<!--",
    "-->",
    "<script>",
    "é",
]


@settings(deadline=None, max_examples=300)
@given(st.lists(st.sampled_from(_MARKUP), max_size=40).map("".join))
def test_no_tag_has_more_attributes_than_were_counted(markup: str) -> None:
    try:
        parsed = lxml_html.document_fromstring(markup.encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))
    except etree.ParserError:  # a document without an element
        return
    most = max(len(each.attrib) for each in parsed.iter(etree.Element))
    assert most == 0 or has_crowded_tag(markup, most - 1)


@pytest.mark.parametrize("piece", ["<p", "<p/a=", "<p a='<p a=\"", '<p a="<p " ', "<p a ", "<p>", " ", "\"'<a "])
def test_attributes_are_counted_in_linear_work(piece: str) -> None:
    """Work is counted in calls: twice the page takes at most twice of them, however its tags overlap."""

    def calls(times: int) -> int:
        made = 0

        def note(*_: object) -> None:
            nonlocal made
            made += 1

        sys.setprofile(note)
        try:
            has_crowded_tag(piece * times, most=1_000_000)
        finally:
            sys.setprofile(None)
        return made

    assert calls(2_000) <= 2 * calls(1_000) + 100


@settings(deadline=None, max_examples=60)
@given(
    st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    st.sampled_from([None, "text/html", "text/markdown"]),
)
def test_any_bytes_are_read_or_refused_and_every_proposal_stands_in_the_text(
    data: bytes, media_type: str | None
) -> None:
    try:
        page = read(data, media_type=media_type)
    except TimelineError:
        return
    assert not set(page.text) & set("\x00\x07\u202e")
    for each in propose_for(page, [HQ], BUILTIN).statements:
        check_quote(each.statement["quote"], page.text, field="quote")


# -- fetching ----------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
ROBOTS = "User-agent: *\nDisallow: /private\n"


def _answer(request: Request) -> Response:
    match request.url.path:
        case "/robots.txt":
            return PlainTextResponse(ROBOTS)
        case "/moved":
            return RedirectResponse("/page#part")
        case "/inside":
            return RedirectResponse("http://169.254.169.254/latest/meta-data/")
        case "/to-private":
            return RedirectResponse("/private/page")
        case "/circle":
            return RedirectResponse("/circle")
        case "/forbidden":
            return PlainTextResponse("go away", 403)
        case "/huge":
            return PlainTextResponse("x" * (MAX_PAGE_BYTES + 1))
        case "/packed":
            return PlainTextResponse("x", headers={"Content-Encoding": "br"})
        case _:
            return PlainTextResponse("The words.", headers={"Content-Type": "text/plain; charset=utf-8"})


@contextmanager
def site() -> Iterator[tuple[str, Gate]]:
    """A site by a name, of which only the test's own gate knows the address; anything else is judged as ever."""
    with served(Starlette(routes=[Route("/{path:path}", _answer)])) as (address, _):
        port = address.rpartition(":")[2]
        gate = Gate(
            admits=lambda found: str(found) == "127.0.0.1" or is_public(found),
            resolve=lambda host, _port: {"news.example": ["127.0.0.1"]}.get(host, [host]),
        )
        yield f"http://news.example:{port}", gate


def test_a_page_is_fetched_where_it_has_moved_to() -> None:
    with site() as (address, gate):
        fetched = fetch(f"{address}/moved", clock=lambda: NOW, gate=gate)
    assert (fetched.asked, fetched.address) == (f"{address}/moved", f"{address}/page")
    assert (fetched.data, fetched.media_type, fetched.retrieved_at) == (b"The words.", "text/plain; charset=utf-8", NOW)


@pytest.mark.parametrize(
    ("path", "code", "said"),
    [
        ("/inside", "address_refused", "169.254.169.254"),
        ("/private/page", "fetch_refused", "robots.txt"),
        ("/to-private", "fetch_refused", "robots.txt"),
        ("/circle", "fetch_refused", "in circles"),
        ("/forbidden", "fetch_refused", "403"),
        ("/packed", "fetch_refused", "packed as br"),
        ("/huge", "too_large", "10"),
    ],
)
def test_what_a_site_refuses_or_must_not_be_asked_is_refused(path: str, code: str, said: str) -> None:
    with site() as (address, gate), pytest.raises(TimelineError) as refusal:
        fetch(address + path, clock=lambda: NOW, gate=gate)
    assert (refusal.value.code, said in refusal.value.detail) == (code, True)
    if code == "fetch_refused":
        assert "timeline draft new --page -" in refusal.value.remedy


@pytest.mark.parametrize("address", ["http://127.0.0.1/", "http://localhost/", "file:///etc/passwd", "http://[::1]/"])
def test_nothing_inside_is_fetched(address: str) -> None:
    with pytest.raises(TimelineError) as refusal:
        fetch(address, clock=lambda: NOW)
    assert refusal.value.code == "address_refused"


def test_reading_is_the_same_every_time(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(ARTICLE)
    assert read(file.read_bytes(), name=file.name) == read(file.read_bytes(), name=file.name)
