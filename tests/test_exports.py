"""Laws of documents: every figure has its words, both clocks stand in the footer, and other programs read them."""

from __future__ import annotations

import csv
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from zipfile import ZipFile

import docx
import pypdf
import pytest
from docx.oxml.ns import qn
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree
from markdown_it import MarkdownIt

from tests.web import NOW, ROOT, seeded
from timeline.answers import Answers
from timeline.core.questions import ALL, Knowledge, Question
from timeline.core.sheet import Citation, Column, Quote, Section, Sheet, Table
from timeline.core.terms import BUILTIN, Term
from timeline.exports import Exports
from timeline.formats.sheets import SHEETS
from timeline.formats.sheets.text import visible
from timeline.log import Log

BASE = "https://record.example"
FOLDER = ROOT / "seeds"
DAY = date(2025, 12, 1)
REPORTS = ("state", "changes", "history", "timeline")
NASTY = (
    '=HYPERLINK("https://evil.example","x")',
    "-2+3 | <script>alert(1)</script> @octocat #123 GH-12 :tada: ~~no~~ ![x](y) `code` $x$",
    "\u202eright to left override\u202c",
    "שלום עולם مرحبا 日本語 😀 Ωμέγα Привет",
    "w" * 5000,
    "tab\there, bell\x07, null\x00, \ufffe",
    "line one\nline two\r\nline three",
    "1. not a list",
)


@pytest.fixture(scope="module")
def exports(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exports]:
    """The record of OpenAI – Microsoft and the fictional one."""
    path = shutil.copy(empty_sqlite, tmp_path_factory.mktemp("exports") / "timeline.db")
    log = Log.open(f"sqlite:///{path}", clock=lambda: NOW)
    yield Exports(Answers(seeded(log, FOLDER), BUILTIN, lambda: NOW), BASE)
    log.close()


@pytest.fixture(scope="module")
def sheets(exports: Exports) -> dict[str, Sheet]:
    """One sheet of each answer, and one of nasty texts."""
    asked = {
        "state": exports.state("openai-microsoft", Question(DAY)),
        "changes": exports.changes("openai-microsoft", DAY, date(2026, 5, 1)),
        "history": exports.history("openai-microsoft", Term("exclusivity", "cloud")),
        "timeline": exports.timeline("openai-microsoft"),
        "beside": exports.state("harbour-quill", Question(date(2023, 6, 30), include=("proposed", "reported"))),
    }
    return {name: exports.sheet(cited) for name, cited in asked.items()} | {"nasty": of_texts(NASTY)}


@pytest.fixture(scope="module")
def read_elsewhere(sheets: dict[str, Sheet], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The text of each document as programs that are not ours read it, by name and suffix."""
    folder = tmp_path_factory.mktemp("elsewhere")
    for name, sheet in sheets.items():
        for suffix in ("docx", "pdf", "csv"):
            (folder / f"{name}.{suffix}").write_bytes(SHEETS[suffix].render(sheet))
    office(folder, "pdf:writer_pdf_Export", "docx", folder / "word")
    office(folder, "fods", "csv", folder / "calc")
    found = {f"{name}.docx": text_of(folder / "word" / f"{name}.pdf") for name in sheets}
    found |= {f"{name}.pdf": text_of(folder / f"{name}.pdf") for name in sheets}
    return found | {f"{name}.csv": (folder / "calc" / f"{name}.fods").read_text("utf-8") for name in sheets}


def office(folder: Path, kind: str, suffix: str, out: Path) -> None:
    """Have LibreOffice convert every file of that suffix, in one start."""
    files = sorted(folder.glob(f"*.{suffix}"))
    profile = f"-env:UserInstallation=file://{folder}/profile"
    utf_8 = ["--infilter=CSV:44,34,76,1"] if suffix == "csv" else []  # as its dialogue proposes when it sees the mark
    command: list[str | Path] = [
        "soffice",
        profile,
        "--headless",
        *utf_8,
        "--convert-to",
        kind,
        "--outdir",
        out,
        *files,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    assert len(list(out.iterdir())) == len(files), done.stdout + done.stderr


def text_of(path: Path) -> str:
    return subprocess.run(["pdftotext", "-raw", path, "-"], capture_output=True, text=True, check=True).stdout


def squeezed(text: str) -> str:
    """The text without white space, which every program lays out as it likes."""
    return re.sub(r"\s+", "", text)


def of_texts(texts: tuple[str, ...], numbers: tuple[int | Decimal, ...] = (-5,)) -> Sheet:
    """A sheet in which each text stands wherever a text can."""
    quotes = tuple(
        Quote("acme-bolt/1#1", text, text, text, text, "press", "https://acme.example/?a=1&b=(2)", "2026", "2026-01-01",
              f"{BASE}/a/acme-bolt/1")
        for text in texts
    )  # fmt: skip
    rows = tuple((text, "2026-01-01", (number,)) for number, text in enumerate(texts, start=1))
    columns = (Column("Term"), Column("On", "day"), Column("Words", "marks"))
    data = Table(
        (Column("says"), Column("low", "number"), Column("until")),
        tuple((text, number, None) for text in texts for number in numbers),
    )
    return Sheet(
        title=texts[0],
        question=texts[-1],
        clocks=("On the record up to position 1.",),
        sections=tuple(Section(text, (text,), Table(columns, rows)) for text in texts),
        quotes=quotes,
        citation=Citation("Acme – Bolt", "state on 2026-01-01", 1, "0" * 64, BASE, "/p/acme-bolt@1/2026-01-01"),
        data=data,
        answer=b"{}",
        recorded_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def test_every_row_that_says_something_names_its_words_and_every_quote_is_named(sheets: dict[str, Sheet]) -> None:
    for name in (*REPORTS, "beside"):
        sheet = sheets[name]
        marks = [row[-1] for section in sheet.sections if section.table for row in section.table.rows]

        assert all(isinstance(each, tuple) and each for each in marks), name
        assert {number for each in marks if isinstance(each, tuple) for number in each} == set(
            range(1, len(sheet.quotes) + 1)
        )
        assert all(quote.words for quote in sheet.quotes)


def test_a_row_of_data_is_a_statement_with_both_clocks(sheets: dict[str, Sheet], exports: Exports) -> None:
    """And its numbers are the record's: Microsoft’s stake in December 2025 is about 27 percent."""
    data = sheets["state"].data
    rows = [dict(zip([column.title for column in data.columns], row, strict=True)) for row in data.rows]

    (stake,) = (row for row in rows if row["term"] == "stake/microsoft-in-openai" and row["role"] == "governs"
                and row["status"] == "in_force")  # fmt: skip
    assert (stake["form"], stake["low"], stake["high"], stake["unit"]) == ("about", 27, 27, "%")
    assert all(row["as_of"] == "2025-12-01" and row["record"] == stake["record"] for row in rows)
    assert all(row["known_at"] and row["statement"] and row["quote"] and row["recorded_at"] for row in rows)
    body = exports.answers.state("openai-microsoft", Question(DAY))
    assert {row["term"] for row in rows if row["status"] == "in_force"} == {term["term"] for term in body["terms"]}


@pytest.mark.parametrize("suffix", SHEETS)
def test_asking_again_as_the_footer_says_gives_the_same_bytes(exports: Exports, suffix: str) -> None:
    """Whatever words named the moment, and also after more was recorded elsewhere in the log."""
    day = Question(DAY)
    first = exports.state("openai-microsoft", day)
    fixed = Knowledge(known_seq=first.citation.record)
    by_instant = Knowledge(known_at=NOW + timedelta(days=1))

    documents = {
        SHEETS[suffix].render(exports.sheet(exports.state("openai-microsoft", replace(day, knowledge=knowledge))))
        for knowledge in (ALL, fixed, by_instant)
    }

    assert len(documents) == 1


def test_a_cited_answer_does_not_know_what_day_it_is(exports: Exports) -> None:
    """Asked ten years later, of the same position: the same bytes."""
    later = Exports(Answers(exports.answers.log, BUILTIN, lambda: NOW + timedelta(days=3653)), BASE)

    def cited(asked: Exports) -> list[tuple[bytes, str]]:
        slug, fixed = "openai-microsoft", Knowledge(known_seq=30)
        answers = (
            asked.state(slug, Question(DAY, fixed, None, ("proposed", "reported"))),
            asked.changes(slug, DAY, date(2026, 5, 1), fixed),
            asked.history(slug, Term("exclusivity", "cloud"), fixed),
            asked.timeline(slug, fixed),
        )
        return [(each.encoded, each.citation.text) for each in answers]

    assert cited(later) == cited(exports)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["docx", "pdf"])
def test_other_programs_find_every_figure_quote_and_footer(
    sheets: dict[str, Sheet], read_elsewhere: dict[str, str], suffix: str
) -> None:
    for name in (*REPORTS, "beside"):
        text, sheet = squeezed(read_elsewhere[f"{name}.{suffix}"]), sheets[name]
        cells = [cell for each in sheet.sections if each.table for row in each.table.rows for cell in row]

        lost = [quote.words for quote in sheet.quotes if squeezed(quote.words) not in text]
        assert lost == [], name
        assert [cell for cell in cells if isinstance(cell, str) and squeezed(cell) not in text] == [], name
        pages = read_elsewhere[f"{name}.{suffix}"].rstrip("\f").split("\f")
        for number, page in enumerate(pages, start=1):
            assert sheet.citation.sha256 in squeezed(page)
            assert squeezed(" ".join(sheet.clocks)) in squeezed(page)
            assert f"Page{number}of{len(pages)}" in squeezed(page)


@pytest.mark.slow
def test_a_spreadsheet_opens_dates_as_dates_numbers_as_numbers_and_runs_nothing(
    read_elsewhere: dict[str, str],
) -> None:
    space = {"office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
             "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
             "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0"}  # fmt: skip
    kind = f"{{{space['office']}}}value-type"
    for name in (*REPORTS, "beside", "nasty"):
        book = etree.fromstring(read_elsewhere[f"{name}.csv"].encode())
        assert book.xpath("//@table:formula", namespaces=space) == []

    rows = etree.fromstring(read_elsewhere["nasty.csv"].encode()).xpath("//table:table-row", namespaces=space)
    cells = [[(cell.get(kind), "".join(cell.itertext()).strip()) for cell in row] for row in rows]
    assert [kinds for kinds, _ in (row[1] for row in cells[1 : len(NASTY) + 1])] == ["float"] * len(NASTY)
    assert cells[1][0] == ("string", "'" + NASTY[0])
    state = etree.fromstring(read_elsewhere["state.csv"].encode())
    dates = state.xpath("//table:table-cell[@office:value-type='date']/@office:date-value", namespaces=space)
    assert "2025-12-01" in dates
    assert state.xpath("//text:p[text()='OpenAI – Microsoft']", namespaces=space)
    assert (
        "".join(state.xpath("//table:table-row[1]/table:table-cell[1]//text()", namespaces=space)).strip()
        == "partnership"
    )


def test_a_pdf_embeds_its_fonts_has_an_outline_a_language_and_links(sheets: dict[str, Sheet], tmp_path: Path) -> None:
    made = SHEETS["pdf"].render(sheets["state"])
    (tmp_path / "state.pdf").write_bytes(made)

    fonts = subprocess.run(["pdffonts", tmp_path / "state.pdf"], capture_output=True, text=True, check=True).stdout
    assert [line.split()[-5] for line in fonts.splitlines()[2:]] == ["yes"] * (len(fonts.splitlines()) - 2)
    reader = pypdf.PdfReader(BytesIO(made))
    assert reader.metadata is not None
    assert reader.metadata.title == "OpenAI – Microsoft: What was in force on 2025-12-01"
    recorded_at = sheets["state"].recorded_at
    assert recorded_at is not None
    assert reader.metadata.creation_date == recorded_at.replace(microsecond=0)
    assert str(reader.root_object["/Lang"]) == "en-GB"
    below = reader.outline[1]
    assert isinstance(below, list)
    headings = [each.title for each in below if not isinstance(each, list)]
    assert headings == [section.heading for section in sheets["state"].sections] + [
        "The words behind it",
        "To ask again",
    ]
    links = {
        note["/A"]["/URI"] for page in reader.pages for note in page.get("/Annots", ()) if "/URI" in note.get("/A", {})
    }
    assert {quote.url for quote in sheets["state"].quotes if quote.url} <= links


def test_nothing_stands_outside_the_paper(sheets: dict[str, Sheet], tmp_path: Path) -> None:
    """Also a word of five thousand letters wraps."""
    for name in ("state", "nasty"):
        (tmp_path / "one.pdf").write_bytes(SHEETS["pdf"].render(sheets[name]))

        boxes = subprocess.run(
            ["pdftotext", "-bbox", tmp_path / "one.pdf", "-"], capture_output=True, text=True, check=True
        ).stdout
        edges = [tuple(map(float, found)) for found in re.findall(
            r'xMin="([\d.-]+)" yMin="([\d.-]+)" xMax="([\d.-]+)" yMax="([\d.-]+)"', boxes)]  # fmt: skip
        assert edges
        assert all(left >= 50 and right <= 545 and top >= 30 and low <= 830 for left, top, right, low in edges), name


def test_what_the_font_lacks_is_written_by_its_number_and_a_note_says_so(tmp_path: Path) -> None:
    (tmp_path / "one.pdf").write_bytes(SHEETS["pdf"].render(of_texts(("日本 😀 Ωμέγα Привет", "plain"))))
    text = text_of(tmp_path / "one.pdf")

    assert "[U+65E5][U+672C] [U+1F600] Ωμέγα Привет" in text
    assert "Characters that the font of this document does not have" in text
    (tmp_path / "two.pdf").write_bytes(SHEETS["pdf"].render(of_texts(("Ωμέγα Привет", "plain"))))
    assert "Characters that the font" not in text_of(tmp_path / "two.pdf")


def test_a_word_document_has_headings_repeating_heads_links_and_properties(sheets: dict[str, Sheet]) -> None:
    sheet = sheets["state"]
    made = SHEETS["docx"].render(sheet)
    document = docx.Document(BytesIO(made))

    headings = [each.text for each in document.paragraphs if each.style and each.style.name == "Heading 1"]
    assert headings == [section.heading for section in sheet.sections] + ["The words behind it", "To ask again"]
    tables = [section.table for section in sheet.sections if section.table]
    assert [len(table.rows) - 1 for table in document.tables] == [len(table.rows) for table in tables]
    assert all(table.rows[0]._tr.xpath("w:trPr/w:tblHeader") for table in document.tables)
    links = {rel.target_ref for rel in document.part.rels.values() if rel.is_external}
    assert {quote.url for quote in sheet.quotes if quote.url} <= links
    properties = document.core_properties
    assert (properties.title, properties.author, properties.language) == (
        "OpenAI – Microsoft: What was in force on 2025-12-01",
        "Timeline",
        "en-GB",
    )
    members = ZipFile(BytesIO(made)).infolist()
    assert {member.date_time for member in members} == {(1980, 1, 1, 0, 0, 0)}
    assert not any("thumbnail" in member.filename for member in members)


def test_a_word_document_keeps_the_order_that_its_schema_fixes(sheets: dict[str, Sheet]) -> None:
    """Word calls a file damaged where LibreOffice does not mind (ISO/IEC 29500-1, CT_TblPr, CT_TcPr, CT_P)."""
    orders = {
        "tblPr": ["tblStyle", "tblW", "jc", "tblInd", "tblBorders", "shd", "tblLayout", "tblCellMar", "tblLook"],
        "tcPr": ["tcW", "gridSpan", "vMerge", "tcBorders", "shd", "vAlign"],
        "tbl": ["tblPr", "tblGrid", "tr"],
        "tr": ["trPr", "tc"],
        "tc": ["tcPr", "p"],
    }
    for name, sheet in sheets.items():
        body = docx.Document(BytesIO(SHEETS["docx"].render(sheet))).element
        for parent, order in orders.items():
            for each in body.iter(qn(f"w:{parent}")):
                places = [order.index(etree.QName(child).localname) for child in each]
                assert places == sorted(places), (name, parent)
        assert all(each.index(each.pPr) == 0 for each in body.iter(qn("w:p")) if each.pPr is not None)


def test_csv_keeps_negative_numbers_and_disarms_formulas() -> None:
    made = SHEETS["csv"].render(
        of_texts(("=1+1", "-1", "+1", "@SUM(A1)", "\t=1", "\r=1", "fine"), (-5, Decimal("-4.8")))
    )

    assert made.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(StringIO(made.decode("utf-8-sig"), newline="")))
    assert [row[0] for row in rows[1::2]] == ["'=1+1", "'-1", "'+1", "'@SUM(A1)", "'=1", "'=1", "fine"]
    assert {row[1] for row in rows[1:]} == {"-5", "-4.8"}


ELEMENTS = {
    *("html", "body", "h1", "h2", "p", "strong", "a", "ul", "li", "code", "br", "blockquote"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
"""What our own Markdown uses; anything else would come from a text."""


def rendered(markdown: bytes) -> str:
    """What a forge would show: CommonMark with tables and struck text, HTML let through."""
    text: str = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown.decode())
    return text


def test_markdown_shows_what_was_said_and_makes_nothing_of_it() -> None:
    page = etree.HTML(rendered(SHEETS["md"].render(of_texts(NASTY))))

    assert {each.tag for each in page.iter()} <= ELEMENTS
    text = "".join(page.itertext())
    assert not re.search(r"@\w|#\d|GH-\d|:tada:", re.sub(r"\S+://\S+|acme-bolt/1#1", "", text))
    shown = text.replace("\N{WORD JOINER}", "")
    assert '=HYPERLINK("https://evil.example","x")' in shown
    assert "<script>alert(1)</script> @octocat #123 GH-12 :tada: ~~no~~ ![x](y) `code` $x$" in shown
    assert {each for each in page.xpath("//a/@href") if not each.startswith((BASE, "https://acme.example/"))} == set()


def as_said(text: str, wanted: str) -> str:
    """The text as a reader of Markdown is to see it, without white space."""
    seen = squeezed(visible(text)).replace("\N{WORD JOINER}", "")
    if wanted == "{}":
        return seen or "–"
    return wanted.format(seen) if text else "(nowords)"


TEXTS = st.lists(
    st.text(max_size=60)
    | st.sampled_from([text for text in NASTY if len(text) < 100])
    | st.text("=+-@|`*_[]<>&#~$!\\:\t\r\n\x00\u202e😀ש", max_size=20),
    min_size=1,
    max_size=3,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(TEXTS)
def test_any_text_makes_a_document_that_opens_and_holds_it(texts: list[str]) -> None:
    """Every format, whatever the text; twice the same bytes."""
    sheet = of_texts(tuple(texts))
    made = {suffix: each.render(sheet) for suffix, each in SHEETS.items()}

    assert made == {suffix: each.render(sheet) for suffix, each in SHEETS.items()}
    document = docx.Document(BytesIO(made["docx"]))
    said = [paragraph.text for paragraph in document.paragraphs if paragraph.style and paragraph.style.name == "Quote"]
    assert [squeezed(each) for each in said] == [
        squeezed(visible(f"“{each}”" if each else "(no words)")) for each in texts
    ]
    rows = list(csv.reader(StringIO(made["csv"].decode("utf-8-sig"), newline="")))
    assert [row[0].removeprefix("'") for row in rows[1:]] == [
        " ".join(visible(text).split()).removeprefix("'") for text in texts
    ]
    page = etree.HTML(rendered(made["md"]))
    assert {each.tag for each in page.iter()} <= ELEMENTS
    assert len(page.xpath("//table")) == len(texts)
    for place, wanted in (("h2", "{}"), ("blockquote", "“{}”"), ("td[1]", "{}")):
        shown = [squeezed("".join(each.itertext())) for each in page.xpath(f"//{place}")][: len(texts)]
        assert [each.replace("\N{WORD JOINER}", "") for each in shown] == [as_said(text, wanted) for text in texts]
    assert len(pypdf.PdfReader(BytesIO(made["pdf"])).pages) >= 1


def test_without_the_extra_one_line_says_what_to_install() -> None:
    """And Markdown, CSV and JSON need none; nor does the command load what it does not use."""
    program = """
import sys
import timeline.cli
from timeline.formats.sheets import SHEETS
assert not {"docx", "reportlab"} & sys.modules.keys(), "loaded too early"
sys.modules["docx"] = sys.modules["font_source_sans_pro"] = None
from timeline.core.errors import TimelineError
for suffix in ("docx", "pdf"):
    try:
        SHEETS[suffix].render(None)
    except TimelineError as error:
        print(error.code, error.remedy)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    remedy = "extra_missing Install timeline[export]; md, csv and json need nothing more."
    assert done.stdout.splitlines() == [remedy, remedy]
