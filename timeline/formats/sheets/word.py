"""Word (Office Open XML): real headings, tables whose head repeats, links, and a footer that says what was asked."""

from __future__ import annotations

import zipfile
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import docx
from docx.document import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor
from docx.table import _Cell
from docx.text.paragraph import Paragraph

from timeline.core.sheet import Cell, Column, Quote, Sheet, Table
from timeline.formats.sheets.text import asking_again, linkable, one_line, shown, standing, visible, words

_WIDTH_CM = 17.0
_SHORT_ROW = 1500
"""Characters; a row up to that long stays on one page."""
_GREY = "BFBFBF"
_HEAD = "F0F2F5"
_LINK = "1F4E9E"
_TABLE_TEXT = "TableText"
_NO_DATE = datetime(2000, 1, 1, tzinfo=UTC)
"""Before anything was recorded."""


def render(sheet: Sheet) -> bytes:
    """The whole sheet on A4."""
    document = docx.Document()
    package = document.part.package
    for place in [place for place, rel in package.rels.items() if rel.reltype == RELATIONSHIP_TYPE.THUMBNAIL]:
        del package.rels[place]  # the template's picture of itself
    _lay_out(document, sheet)
    _paragraph(document, sheet.title, "Title")
    _paragraph(document, sheet.question, "Subtitle")
    for line in sheet.clocks:
        document.add_paragraph(visible(line))
    for section in sheet.sections:
        _paragraph(document, section.heading, "Heading1")
        for note in section.notes:
            document.add_paragraph(visible(note))
        if section.table is not None:
            _table(document, section.table)
    if sheet.quotes:
        _paragraph(document, "The words behind it", "Heading1")
    for number, quote in enumerate(sheet.quotes, start=1):
        _quote(document, number, quote)
    _paragraph(document, "To ask again", "Heading1")
    document.add_paragraph(visible(sheet.citation.text))
    for label, what in asking_again(sheet, "docx"):
        paragraph = _paragraph(document, f"{label}: ", "ListBullet")
        _link_or_text(paragraph, what, what)
    saved = BytesIO()
    document.save(saved)
    return _repacked(saved.getvalue())


def _lay_out(document: Document, sheet: Sheet) -> None:
    """Paper, fonts, language, properties and the footer."""
    page = document.sections[0]
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2)
    page.top_margin, page.bottom_margin = Cm(2), Cm(2.2)
    styles: Any = document.styles
    for name, size in (
        ("Normal", 10),
        ("Title", 22),
        ("Subtitle", 13),
        ("Heading 1", 14),
        ("Heading 2", 11),
        ("Footer", 7.5),
    ):
        style = styles[name]
        style.font.name, style.font.size = "Calibri", Pt(size)
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for place in ("asciiTheme", "hAnsiTheme", "eastAsiaTheme", "cstheme"):  # else the theme's font wins
            fonts.attrib.pop(qn(f"w:{place}"), None)
        if name not in ("Normal", "Footer"):
            style.font.color.rgb, style.font.italic = RGBColor(0x1A, 0x1A, 0x1A), False
    styles["Normal"].paragraph_format.space_after = Pt(4)
    text = styles.add_style("Table Text", WD_STYLE_TYPE.PARAGRAPH)
    text.base_style, text.font.size, text.paragraph_format.space_after = styles["Normal"], Pt(9), Pt(2)
    for language in styles.element.iter(qn("w:lang")):
        language.set(qn("w:val"), "en-GB")
    title = one_line(f"{sheet.title}: {sheet.question}")[:255]
    when = (sheet.recorded_at or _NO_DATE).astimezone(UTC).replace(tzinfo=None, microsecond=0)
    properties = document.core_properties
    properties.title, properties.subject = title, one_line(sheet.citation.text)[:255]
    properties.author = properties.last_modified_by = "Timeline"
    properties.comments, properties.keywords, properties.language = "", sheet.citation.link()[:255], "en-GB"
    properties.created = properties.modified = when
    properties.revision = 1
    footer = page.footer.paragraphs[0]
    footer.add_run(f"{visible(sheet.citation.text)}\n{' '.join(map(visible, sheet.clocks))}\n")
    _link_or_text(footer, sheet.citation.link(), sheet.citation.link())
    footer.add_run("\nPage ")
    _field(footer, "PAGE")
    footer.add_run(" of ")
    _field(footer, "NUMPAGES")
    footer.alignment = WD_ALIGN_PARAGRAPH.LEFT


def _table(document: Document, table: Table) -> None:
    made = document.add_table(1, len(table.columns))
    made.autofit = False
    widths = [Cm(width) for width in table.widths(_WIDTH_CM, day=2.4, marks=1.7)]
    for column, width in zip(made.columns, widths, strict=True):
        column.width = width
    _borders(made)
    head = made.rows[0]
    head._tr.get_or_add_trPr().append(_element("w:tblHeader", val="true"))
    for cell, column, width in zip(head.cells, table.columns, widths, strict=True):
        cell.width = width
        cell.paragraphs[0]._p.style = _TABLE_TEXT
        cell.paragraphs[0].add_run(visible(column.title)).bold = True
        cell._tc.get_or_add_tcPr().append(_element("w:shd", val="clear", fill=_HEAD))
    for row in table.rows:
        added = made.add_row()
        if sum(len(shown(cell)) for cell in row) < _SHORT_ROW:
            added._tr.get_or_add_trPr().append(_element("w:cantSplit", val="true"))
        for cell, value, column, width in zip(added.cells, row, table.columns, widths, strict=True):
            cell.width = width
            _fill(cell, value, column)
    document.add_paragraph()


def _fill(cell: _Cell, value: Cell, column: Column) -> None:
    paragraph = cell.paragraphs[0]
    paragraph._p.style = _TABLE_TEXT
    if isinstance(value, tuple) and value:
        for number in value:
            _link(paragraph, f"[{number}]", anchor=_anchor(number))
            paragraph.add_run(" ")
    else:
        run = paragraph.add_run(shown(value))
        run.bold = column.title == "Term"


def _quote(document: Document, number: int, quote: Quote) -> None:
    heading = _paragraph(document, "", "Heading2")
    heading._p.append(_element("w:bookmarkStart", id=str(number), name=_anchor(number)))
    heading.add_run(f"[{number}] {visible(quote.about)}")
    heading._p.append(_element("w:bookmarkEnd", id=str(number)))
    said = _paragraph(document, words(quote), "Quote")
    said.paragraph_format.left_indent = Cm(0.8)
    said.paragraph_format.keep_with_next = True
    source = document.add_paragraph(f"{visible(standing(quote))} ")
    source.paragraph_format.left_indent, source.paragraph_format.space_after = Cm(0.8), Pt(8)
    if quote.url is None:
        source.add_run("The source has no address.")
    else:
        _link_or_text(source, quote.url, quote.url)
    source.add_run(" · ")
    _link_or_text(source, quote.statement, quote.address)
    source.add_run(f", recorded {quote.recorded_at[:10]}")


def _paragraph(document: Document, text: str, style: str) -> Paragraph:
    """A paragraph in the style of that id: to look one up by its name takes longer than all the rest."""
    made = document.add_paragraph(visible(text))
    made._p.style = style
    return made


def _link_or_text(paragraph: Paragraph, text: str, address: str) -> None:
    if linkable(address):
        _link(paragraph, visible(text), address=address)
    else:
        paragraph.add_run(visible(text))


def _link(
    paragraph: Paragraph,
    text: str,
    *,
    address: str | None = None,
    anchor: str | None = None,
) -> None:
    """A hyperlink to an address, or to a place in the document."""
    run = paragraph.add_run(text)
    run.font.color.rgb, run.font.underline = RGBColor.from_string(_LINK), True
    link = _element("w:hyperlink", **({"anchor": anchor} if anchor else {}))
    if address is not None:
        link.set(qn("r:id"), paragraph.part.relate_to(address, RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    paragraph._p.append(link)
    link.append(run._r)


def _field(paragraph: Paragraph, name: str) -> None:
    """A number that the reader's program fills in."""
    run = paragraph.add_run()
    instruction = _element("w:instrText")
    instruction.text = f" {name} "
    for part in (
        _element("w:fldChar", fldCharType="begin"),
        instruction,
        _element("w:fldChar", fldCharType="separate"),
    ):
        run._r.append(part)
    run.add_text("1")
    run._r.append(_element("w:fldChar", fldCharType="end"))


def _borders(table: Any) -> None:
    borders = _element("w:tblBorders")
    for side in ("top", "bottom", "insideH"):
        borders.append(_element(f"w:{side}", val="single", sz="4", space="0", color=_GREY))
    table._tbl.tblPr.insert_element_before(borders, "w:tblLayout", "w:tblLook")  # the schema fixes the order


def _element(tag: str, /, **attributes: str) -> Any:
    made = OxmlElement(tag)
    for key, value in attributes.items():
        made.set(qn(f"w:{key}"), value)
    return made


def _anchor(number: int) -> str:
    return f"quote_{number}"


def _repacked(saved: bytes) -> bytes:
    """The same package with every date in the archive fixed."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(saved)) as before, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type, member.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            after.writestr(member, before.read(name))
    return out.getvalue()
