"""A page of any of the forms in which people receive one, read."""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256
from pathlib import PurePath

from timeline.core.errors import TimelineError
from timeline.core.evidence import EVIDENCE, Part, blocks, leads, unmarked
from timeline.core.proposing import Dated, dated
from timeline.intake.cleaning import cleaned, decoded
from timeline.intake.html import text_of_html
from timeline.intake.page import MAX_PAGE_BYTES, Cleaned, KeptApart, Page, unreadable, without_text
from timeline.intake.pdf import text_of_pdf

HTML, PLAIN, MARKDOWN, PDF = "text/html", "text/plain", "text/markdown", "application/pdf"
_BY_ENDING = {
    ".html": HTML,
    ".htm": HTML,
    ".xhtml": HTML,
    ".md": MARKDOWN,
    ".markdown": MARKDOWN,
    ".txt": PLAIN,
    ".pdf": PDF,
}
_BY_TYPE = {"application/xhtml+xml": HTML, "text/x-markdown": MARKDOWN}
_MARKUP = re.compile(rb"(?:\s|<!--(?:(?!-->).)*+-->)*+<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_SOURCE = re.compile(r"^#\s+(?P<title>[^\n]{1,300}?)\s+Source:\s+\[(?P<address>https?://[^\]\s]+)\]\([^)\s]*\)\s*")
_FRONT = re.compile(r"\A---\n(?P<fields>(?:[\w-]+:[^\n]*\n){1,40})---\n")
_HEADING = re.compile(r"^#\s+(?P<title>[^\n]{1,300})$", re.MULTILINE)
_BULLET = re.compile(r"(?<=[.!?…:”\")])\s+[-•]\s+(?=\S)|^\s*[-•*]\s+", re.MULTILINE)
_MAX_TITLE = 300


def read(
    data: bytes,
    *,
    media_type: str | None = None,
    address: str | None = None,
    retrieved_at: datetime | None = None,
    name: str | None = None,
) -> Page:
    """What some bytes say: HTML, plain text, Markdown, a PDF, or the aggregator's form of a page.

    Args:
        media_type: As it was sent, perhaps with its charset; None: it is looked for.
        name: The file's; its ending helps.

    Raises:
        TimelineError: `too_large`, `unreadable_source`, `page_without_text`, `extra_missing`.
    """
    if len(data) > MAX_PAGE_BYTES:
        limit = MAX_PAGE_BYTES // 1_000_000
        raise TimelineError(
            "too_large",
            f"The page is larger than {limit} MB.",
            "Paste the part that is quoted from.",
            limit_bytes=MAX_PAGE_BYTES,
        )
    form, charset = _form(data, media_type, name)
    title, publisher, published, language = None, None, None, None
    warnings: list[Cleaned] = []
    if form == PDF:
        text, title = text_of_pdf(data)
    else:
        text, warnings = decoded(data, charset)
    text, taken = cleaned(text)
    warnings += taken
    if form == HTML:
        found = text_of_html(text)
        text, title, publisher, published, language = (
            found.text,
            found.title,
            found.publisher,
            found.published,
            found.language,
        )
        text, again = cleaned(text)  # what was written as &#x202e;
        warnings += found.warnings + again
    if not text.strip():
        raise without_text("The page")
    aggregated = len({block.part for block in blocks(text)}) > 1
    if form == MARKDOWN or aggregated:
        title, published = _fronted(text, title, published)
    if aggregated:
        source = next(
            (match for each in blocks(text) if each.part is Part.BODY and (match := _SOURCE.match(text[each.start :]))),
            None,
        )
        address = address or (source and unmarked(source["address"]))
        title = unmarked(source["title"]) if source else _part(text, Part.TITLE) or title
        publisher = _part(text, Part.FEED)
    main = _main(text)
    if not main:
        raise without_text("The page")
    return Page(
        sha256=sha256(data).hexdigest(),
        media_type=form,
        size=len(data),
        address=address,
        retrieved_at=retrieved_at,
        title=cleaned(title or main.partition("\n")[0])[0][:_MAX_TITLE] or None,
        publisher=publisher and cleaned(publisher)[0],
        published=published,
        text=text,
        main=main,
        parts=tuple(
            KeptApart(block.part.value, text[block.start : block.end])
            for block in blocks(text)
            if block.part not in EVIDENCE
        ),
        leads=leads(text),
        language=language,
        aggregated=aggregated,
        warnings=tuple(warnings),
    )


def _form(data: bytes, media_type: str | None, name: str | None) -> tuple[str, str | None]:
    """As what it is to be read, and the charset that was sent with it."""
    sent, _, parameters = (media_type or "").partition(";")
    charset = re.search(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", parameters, re.IGNORECASE)
    if data[:1024].lstrip().startswith(b"%PDF-"):
        return PDF, None
    if _MARKUP.match(data[:4096]):
        return HTML, charset and charset[1]
    known = sent.strip().lower()
    known = _BY_TYPE.get(known, known)
    if known not in _BY_ENDING.values() or known == PLAIN:
        known = _BY_ENDING.get(PurePath(name or "").suffix.lower(), known or PLAIN)
    if known == PDF:
        raise unreadable("The PDF", "it does not begin like one")
    if known not in (HTML, PLAIN, MARKDOWN) or data[:8].startswith(
        (b"PK\x03\x04", b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"\x1f\x8b")
    ):
        raise unreadable("What came in", f"it is no page, text or PDF ({known[:60]})")
    return known, charset and charset[1]


def _fronted(text: str, title: str | None, published: Dated | None) -> tuple[str | None, Dated | None]:
    """The title and the date that stand in front of a Markdown text, or its first heading."""
    front = _FRONT.match(text)
    fields = dict(line.split(":", 1) for line in front["fields"].splitlines()) if front else {}
    said = {name.strip().lower(): value.strip().strip("\"'") for name, value in fields.items()}
    heading = _HEADING.search(text)
    title = title or said.get("title") or (unmarked(heading["title"]).strip() if heading else None)
    return title, published or dated(said.get("date", ""), "the text’s front matter")


def _part(text: str, part: Part) -> str | None:
    return next((text[block.start : block.end].strip() for block in blocks(text) if block.part is part), None)


def _main(text: str) -> str:
    """What is evidence, as people read it: one line for a paragraph, a bullet is one of its own."""
    paragraphs: list[str] = []
    for block in blocks(text):
        if block.part not in EVIDENCE:
            continue
        said = text[block.start : block.end]
        said = _FRONT.sub("", said) if block.start == 0 else said
        source = _SOURCE.match(said) if block.part is Part.BODY else None
        if source is not None:
            paragraphs.append(unmarked(source["title"]))
            said = said[source.end() :]
        for paragraph in re.split(r"\n[^\S\n]*\n", said):
            paragraphs += [" ".join(unmarked(each).split()) for each in _BULLET.split(paragraph)]
    return "\n\n".join(filter(None, paragraphs))
