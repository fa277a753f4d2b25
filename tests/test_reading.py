"""Reading hostile pages: what is cleaned, what proves nothing, and that no page holds the reader up."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.core.errors import TimelineError
from timeline.core.evidence import check_quote
from timeline.intake import Cleaned, Page, read

SAID = "Norvane will pay Calder $5 million for a share of 12 percent."
REST = "The two companies have worked together on tidal turbines since the first plant was opened in the north."

SAVED = f"""Norvane and Calder agree

Norvane Blog News

Summary

Norvane bought all of Calder for $900 billion.

{REST}
Original Article Export to Word Export to PDF
View Cached Full Text

Cached at: 04/20/26, 02:43 PM

# Norvane and Calder agree Source: [https://norvane.example/agree/](https://norvane.example/agree/) \
Norvane will pay Calder $5 million for a[12\\-percent share](https://norvane.example/share)in it\\. - It stays open\\.

Similar Articles

Calder opens a plant

Calder Blog

Calder has opened its first plant.
"""


def codes(page: Page) -> list[str]:
    return [each.code for each in page.warnings]


def refusal(data: bytes, **about: str) -> TimelineError:
    with pytest.raises(TimelineError) as refused:
        read(data, **about)  # type: ignore[arg-type]  # OK: only the texts among its parameters
    return refused.value


def test_what_people_read_can_be_quoted_from_what_is_stored() -> None:
    page = read(SAVED.encode())

    for said in page.main.split("\n\n"):
        check_quote(said, page.text, field="quote")


def outcome(data: bytes, media_type: str | None = None) -> Page | TimelineError:
    try:
        return read(data, media_type=media_type)
    except TimelineError as error:
        return error


@given(st.text(max_size=400))
def test_any_text_is_read_or_refused_with_a_remedy(text: str) -> None:
    found = outcome(text.encode(), "text/plain")

    if isinstance(found, TimelineError):
        assert (found.code in {"page_without_text", "unreadable_source"}, bool(found.remedy)) == (True, True)
    else:
        assert (bool(found.main.strip()), "\x00" in found.text) == (True, False)


def test_scripts_and_what_readers_do_not_see_prove_nothing() -> None:
    hidden = (
        f"<html><body><article><p>{SAID}</p><p>{REST}</p>"
        '<p style="display:none">Norvane owns Calder.</p><p hidden>It was free.</p>'
        "<script>document.write('Norvane pays twice')</script><style>p { color: red }</style>"
        "<!-- a comment nobody sees --></article></body></html>"
    )

    page = read(hidden.encode(), media_type="text/html")

    assert page.main.split("\n\n") == [SAID, REST]
    assert page.warnings == (Cleaned("hidden_text", "2 parts that readers do not see were left out."),)


@pytest.mark.parametrize(
    ("dirt", "code"),
    [
        ("\x00", "null_bytes"),
        ("\x1b", "control_characters"),
        ("\x07", "control_characters"),
        ("\x9d", "control_characters"),
        ("\u202e", "bidi_marks"),
        ("\u2066", "bidi_marks"),
        ("\u200f", "bidi_marks"),
    ],
)
@pytest.mark.parametrize("media_type", ["text/plain", "text/markdown", "text/html"])
def test_what_nobody_sees_is_taken_out_with_a_word_about_it(dirt: str, code: str, media_type: str) -> None:
    data = SAID.replace("pay", f"p{dirt}ay").encode()
    data = b"<html><body><p>" + data + b"</p></body></html>" if media_type == "text/html" else data

    page = read(data, media_type=media_type)

    assert (page.main, codes(page), page.sha256) == (SAID, [code], sha256(data).hexdigest())


@pytest.mark.parametrize("reference", ["&#x202e;", "&#8207;", "&#x1b;", "&#0;"])
def test_what_is_written_as_a_reference_is_taken_out_as_well(reference: str) -> None:
    page = read(f"<html><body><p>{SAID} {reference}{REST}</p></body></html>".encode(), media_type="text/html")

    assert not {"\u202e", "\u200f", "\x1b", "\x00"} & set(page.text)


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"", None),
        (b" \n\t ", None),
        (b"\x00\x00", "text/plain"),
        (b"<html><body><script>1</script></body></html>", "text/html"),
        (b"<!doctype html>", "text/html"),
        (b"<html></html>", "text/html"),
    ],
)
def test_a_page_without_words_is_refused(data: bytes, media_type: str | None) -> None:
    assert refusal(data, media_type=media_type or "").code == "page_without_text"


@pytest.mark.parametrize("element", ["div", "b", "table", "ul"])
def test_very_deep_markup_is_read_or_refused(element: str) -> None:
    depth = 50_000
    deep = f"<html><body>{f'<{element}>' * depth}{SAID}{f'</{element}>' * depth}<p>{REST}</p></body></html>"

    found = outcome(deep.encode(), "text/html")

    if isinstance(found, TimelineError):
        assert found.code in {"unreadable_source", "page_without_text"}
    else:
        assert REST in found.main


@pytest.mark.parametrize("start", ["<!---->" * 5_000, "<!--" * 20_000, " " * 100_000, "[" * 50_000, "a. - " * 50_000])
def test_no_page_takes_long_to_read_because_of_how_it_is_written(start: str) -> None:
    assert SAID in read(f"{start}\n\n{SAID}".encode()).main


def test_an_entity_that_names_a_file_or_grows_without_end_gives_nothing_away() -> None:
    bomb = (
        '<!DOCTYPE html [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;"><!ENTITY f SYSTEM "file:///etc/passwd">]>'
        f"<html><body><p>{SAID} &b; &f;</p><p>{REST}</p></body></html>"
    )

    page = read(bomb.encode(), media_type="text/html")

    assert SAID in page.main
    assert "root:" not in page.text


def test_a_page_that_names_two_days_has_none_of_its_own() -> None:
    times = f'<time datetime="2024-01-02">a</time><time datetime="2024-01-03">b</time><p>{SAID}</p><p>{REST}</p>'

    assert read(f"<html><body>{times}</body></html>".encode(), media_type="text/html").published is None
