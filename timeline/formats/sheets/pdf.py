"""PDF on A4: embedded fonts, text that can be selected, an outline, links, and a footer that says what was asked."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache, partial
from html import escape
from io import BytesIO
from typing import Any

import font_source_sans_pro as fonts
from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageTemplate,
    Paragraph,
    Spacer,
)
from reportlab.platypus import Table as Grid

from timeline.core.sheet import Cell, Column, Quote, Sheet, Table
from timeline.formats.sheets.text import asking_again, linkable, one_line, shown, standing, visible, words

_MARGIN = 20 * mm
_INK, _SOFT, _LINE, _HEAD, _LINK = "#1a1a1a", "#555555", "#bfbfbf", "#f0f2f5", "#1f4e9e"
_ROOM = 45 * mm
"""What a heading needs below it, so that it does not stand alone at the end of a page."""
_TALLEST_FOOTER = 80 * mm
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anything was recorded."""


def render(sheet: Sheet) -> bytes:
    """The whole sheet. What the font does not have is written by its number, and a note says so."""
    _register()
    paper = _Paper(sheet)
    story: list[Flowable] = [
        *paper.heading(sheet.title, "title"),
        paper.paragraph(sheet.question, "question"),
        *(paper.paragraph(line, "body") for line in sheet.clocks),
    ]
    for section in sheet.sections:
        story += [*paper.heading(section.heading), *(paper.paragraph(note, "body") for note in section.notes)]
        if section.table is not None:
            story += [paper.table(section.table), Spacer(0, 4 * mm)]
    if sheet.quotes:
        story += paper.heading("The words behind it")
    for number, quote in enumerate(sheet.quotes, start=1):
        story += paper.quote(number, quote)
    story += [*paper.heading("To ask again"), paper.paragraph(sheet.citation.text, "body")]
    for label, what in asking_again(sheet, "pdf"):
        story.append(paper.marked(f"{escape(label)}: {paper.link(what, what)}", "body"))
    if paper.lacking:
        note = "Characters that the font of this document does not have are written by their number, as [U+…]. "
        story.append(paper.paragraph(note + f"As they are they stand in {sheet.citation.link('json')}.", "body"))
    return paper.printed(story)


class _Paper:
    """One document in the making."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.lacking = False
        """Whether a character was met that the font does not have."""
        self._headings = 0
        self._width = A4[0] - 2 * _MARGIN
        self._has = pdfmetrics.getFont("Timeline").face.charToGlyph

    # -- text --------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """The text as markup of the library, in characters that the font has."""
        seen = visible(text) if text.strip() else "–"  # the library leaves an empty paragraph out, with its bookmark
        lacks = {character for character in seen if ord(character) not in self._has and character not in "\n\t\r"}
        if lacks:
            self.lacking = True
            seen = "".join(f"[U+{ord(each):04X}]" if each in lacks else each for each in seen)
        return escape(seen, quote=True).replace("\n", "<br/>")

    def paragraph(self, text: str, style: str) -> Paragraph:
        return self.marked(self.text(text), style)

    def heading(self, text: str, style: str = "heading") -> list[Flowable]:
        """A heading with its entry in the outline; the title, the first of them, is above the others."""
        self._headings += 1
        entry = _Bookmark(one_line(text) or "–", min(self._headings - 1, 1), f"heading-{self._headings}")
        return [CondPageBreak(_ROOM), entry, self.paragraph(text, style)]

    def marked(self, markup: str, style: str) -> Paragraph:
        """A paragraph of markup that is escaped already."""
        return Paragraph(markup, _STYLES[style])

    def link(self, text: str, address: str) -> str:
        """Markup of a link, or of the plain text where the address may not be one."""
        if not linkable(address):
            return self.text(text)
        return f'<a href="{escape(address, quote=True)}" color="{_LINK}">{self.text(text)}</a>'

    # -- what a sheet is made of -------------------------------------------------------------------------------

    def table(self, table: Table) -> Grid:
        """A table whose head repeats on every page; a row may go over to the next page."""
        widths = table.widths(self._width, day=21 * mm, marks=17 * mm)
        head = [self.paragraph(column.title, "head") for column in table.columns]
        rows = [[self._cell(*pair) for pair in zip(row, table.columns, strict=True)] for row in table.rows]
        style = [
            ("BACKGROUND", (0, 0), (-1, 0), HexColor(_HEAD)),
            ("LINEBELOW", (0, 0), (-1, -1), 0.5, HexColor(_LINE)),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("FONTNAME", (0, 0), (-1, -1), "Timeline"),
            *((f"{side}PADDING", (0, 0), (-1, -1), 3) for side in ("LEFT", "RIGHT", "TOP", "BOTTOM")),
        ]
        return Grid([head, *rows], colWidths=widths, repeatRows=1, splitInRow=1, style=style)

    def _cell(self, cell: Cell, column: Column) -> Paragraph:
        if isinstance(cell, tuple) and cell:
            links = (f'<a href="#quote-{number}" color="{_LINK}">[{number}]</a>' for number in cell)
            return self.marked(" ".join(links), "cell")
        return self.paragraph(shown(cell), "term" if column.title == "Term" else "cell")

    def quote(self, number: int, quote: Quote) -> list[Flowable]:
        """The words with their source; kept together where they fit on a page."""
        source = "The source has no address." if quote.url is None else self.link(quote.url, quote.url)
        record = self.link(quote.statement, quote.address)
        return [
            KeepTogether(
                [
                    self.marked(f'<a name="quote-{number}"/>[{number}] {self.text(quote.about)}', "about"),
                    self.paragraph(words(quote), "quote"),
                    self.marked(
                        f"{self.text(standing(quote))} {source} · {record}, recorded {quote.recorded_at[:10]}",
                        "source",
                    ),
                ]
            )
        ]

    # -- paper -------------------------------------------------------------------------------------------------

    def printed(self, story: list[Flowable]) -> bytes:
        """The pages, in the same bytes every time."""
        cited = self.sheet.citation
        footer = [
            self.paragraph(cited.text, "small"),
            self.paragraph(" ".join(self.sheet.clocks), "small"),
            self.marked(self.link(cited.link(), cited.link()), "small"),
        ]
        heights = [each.wrap(self._width, A4[1])[1] for each in footer]
        bottom = 12 * mm + min(sum(heights), _TALLEST_FOOTER) + 5 * mm
        place = Frame(_MARGIN, bottom, self._width, A4[1] - bottom - 18 * mm, 0, 0, 0, 0)
        saved = BytesIO()
        title = one_line(f"{self.sheet.title}: {self.sheet.question}")
        document = BaseDocTemplate(saved, pagesize=A4, title=title, author="Timeline", subject=cited.text, lang="en-GB")
        document.invariant = 1

        def below(canvas: Canvas, _: BaseDocTemplate) -> None:
            canvas.saveState()
            canvas.setStrokeColor(HexColor(_LINE))
            canvas.line(_MARGIN, bottom - 3 * mm, A4[0] - _MARGIN, bottom - 3 * mm)
            top = bottom - 5 * mm
            for each, height in zip(footer, heights, strict=True):
                top -= height
                each.drawOn(canvas, _MARGIN, top)
            canvas.restoreState()

        document.addPageTemplates(PageTemplate("page", [place], onPage=below))
        when = (self.sheet.recorded_at or _NO_DATE).astimezone(UTC)
        document.build(story, canvasmaker=partial(_Numbered, when))
        return saved.getvalue()


class _Bookmark(Flowable):  # type: ignore[misc]  # the library has no types
    """An entry of the outline, for what stands below it; it takes no room."""

    def __init__(self, title: str, level: int, key: str) -> None:
        super().__init__()
        self._title, self._level, self._key = title, level, key

    def draw(self) -> None:
        self.canv.bookmarkHorizontal(self._key, 0, 0)
        self.canv.addOutlineEntry(self._title, self._key, self._level, closed=False)


class _Numbered(Canvas):  # type: ignore[misc]  # the same
    """A canvas that knows at the end how many pages there are, and was made when the record was."""

    def __init__(self, when: datetime, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more | {"initialFontName": "Timeline"})
        self._when = when
        self._pages: list[dict[str, Any]] = []

    def showPage(self) -> None:  # noqa: N802 - the library calls it so
        self._pages.append(dict(self.__dict__))
        self._startPage()

    def save(self) -> None:
        total = len(self._pages)
        stamp = self._doc._timeStamp
        stamp.t, stamp.lt, stamp.YMDhms = self._when.timestamp(), self._when.timetuple(), self._when.timetuple()[:6]
        for page in self._pages:
            self.__dict__.update(page)
            self.setFont("Timeline", 8)
            self.setFillColor(HexColor(_SOFT))
            self.drawRightString(A4[0] - _MARGIN, 8 * mm, f"Page {self._pageNumber} of {total}")
            super().showPage()
        super().save()


@cache
def _register() -> None:
    """The four cuts of the font, once."""
    for name, cut in (
        ("Timeline", "SourceSansPro"),
        ("Timeline-Bold", "SourceSansProSemibold"),
        ("Timeline-Italic", "SourceSansProIt"),
        ("Timeline-BoldItalic", "SourceSansProSemiboldIt"),
    ):
        pdfmetrics.registerFont(TTFont(name, fonts.font_files_ttf[cut]))
    pdfmetrics.registerFontFamily("Timeline", "Timeline", "Timeline-Bold", "Timeline-Italic", "Timeline-BoldItalic")


def _style(name: str, size: float, *, font: str = "Timeline", color: str = _INK, **more: Any) -> ParagraphStyle:
    return ParagraphStyle(
        name, fontName=font, fontSize=size, leading=size * 1.3, textColor=HexColor(color), splitLongWords=1, **more
    )


_STYLES = {
    each.name: each
    for each in (
        _style("title", 22, font="Timeline-Bold"),
        _style("question", 13, spaceAfter=4),
        _style("heading", 14, font="Timeline-Bold", spaceBefore=12, spaceAfter=5),
        _style("body", 10, spaceAfter=4),
        _style("head", 8.5, font="Timeline-Bold"),
        _style("cell", 8.5),
        _style("term", 8.5, font="Timeline-Bold"),
        _style("about", 10, font="Timeline-Bold", spaceBefore=6, spaceAfter=2, keepWithNext=1),
        _style("quote", 10, font="Timeline-Italic", leftIndent=8 * mm, spaceAfter=2),
        _style("source", 8.5, color=_SOFT, leftIndent=8 * mm, spaceAfter=4),
        _style("small", 7, color=_SOFT),
    )
}
