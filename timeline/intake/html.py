"""The text of an HTML page, and what the page says about itself."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from timeline.core.proposing import Dated, dated
from timeline.intake.page import Cleaned, extra_missing, unreadable, without_text
from timeline.intake.tags import MOST_ATTRIBUTES, has_crowded_tag

_DROPPED = (
    "script",
    "style",
    "noscript",
    "template",
    "iframe",
    "object",
    "embed",
    "svg",
    "form",
    "nav",
    "footer",
    "aside",
)
_BLOCKS = ("p", "h1", "h2", "h3", "h4", "li", "blockquote", "td", "pre", "dd", "dt", "figcaption")
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden|font-size\s*:\s*0(?![.\d])", re.IGNORECASE)
_DATES = (
    ("article:published_time", "the page’s metadata"),
    ("datePublished", "the page’s metadata"),
    ("dc.date", "the page’s metadata"),
    ("dcterms.issued", "the page’s metadata"),
    ("date", "the page’s metadata"),
    ("pubdate", "the page’s metadata"),
)


@dataclass(frozen=True, slots=True)
class Found:
    text: str
    """Paragraphs apart by a blank line."""
    title: str | None
    publisher: str | None
    published: Dated | None
    language: str | None
    warnings: list[Cleaned]


def text_of_html(markup: str) -> Found:
    """Its main text, without scripts, menus and what is hidden from readers.

    Raises:
        TimelineError: `page_without_text`, `unreadable_source`, `extra_missing`.
    """
    if has_crowded_tag(markup):
        raise unreadable("The page", f"a tag of it has more than {MOST_ATTRIBUTES} attributes")
    try:
        root = lxml_html.document_fromstring(markup.encode(), parser=lxml_html.HTMLParser(encoding="utf-8"))
        named = _named(root)
        published = _published(root, named)
        title = named.get("og:title") or _first(root, "//h1") or _first(root, "//title")
        language = root.get("lang")
        hidden = _drop(root)
        text = _extracted(root) or _paragraphs(root)
    except etree.ParserError as error:  # a document without an element
        raise without_text("The page") from error
    except (etree.LxmlError, RecursionError, ValueError) as error:
        raise unreadable("The page", f"its markup cannot be followed ({type(error).__name__})") from error
    if not text:
        raise without_text("The page")
    warnings = [Cleaned("hidden_text", f"{hidden} parts that readers do not see were left out.")] if hidden else []
    return Found(text, title, named.get("og:site_name"), published, language, warnings)


def _named(root: Any) -> dict[str, str]:
    """What the page's `meta` elements say, by name."""
    found: dict[str, str] = {}
    for meta in root.iter("meta"):
        name = meta.get("property") or meta.get("name") or meta.get("itemprop")
        if name and meta.get("content", "").strip():
            found.setdefault(name, " ".join(meta.get("content").split()))
    return found


def _published(root: Any, named: dict[str, str]) -> Dated | None:
    """The day that the page calls its own; none where it names several."""
    for name, where in _DATES:
        if name in named and (found := dated(named[name], where)):
            return found
    linked = {
        str(each)[:10] for script in root.xpath("//script[@type='application/ld+json']") for each in _linked(script)
    }
    if len(linked) == 1:
        return dated(linked.pop(), "the page’s linked data")
    times = {time.get("datetime")[:10] for time in root.iter("time") if time.get("datetime")}
    return dated(times.pop(), "the page’s only time") if len(times) == 1 else None


def _linked(script: Any) -> list[str]:
    """The `datePublished` of linked data, wherever it stands."""
    try:
        rest = [json.loads(script.text or "")]
    except (ValueError, RecursionError):
        return []
    found = []
    while rest:
        value = rest.pop()
        if isinstance(value, dict):
            said = value.get("datePublished")
            found += [said] if isinstance(said, str) else []
            rest += value.values()
        elif isinstance(value, list):
            rest += value
    return found


def _drop(root: Any) -> int:
    """Take out what is no text of the page; the number of parts that were hidden."""
    for element in list(root.iter(*_DROPPED)):
        element.drop_tree()
    hidden = [
        element
        for element in root.iter(etree.Element)
        if element.get("hidden") is not None
        or element.get("aria-hidden") == "true"
        or _HIDDEN.search(element.get("style", ""))
    ]
    for element in hidden:
        if element.getparent() is not None:
            element.drop_tree()
    return len(hidden)


def _extracted(root: Any) -> str:
    """The main text as the extractor finds it."""
    try:
        import trafilatura  # noqa: PLC0415 - an extra, and slow to load
    except ImportError:
        raise extra_missing("A web page") from None
    logging.getLogger("trafilatura").setLevel(logging.CRITICAL)  # a page that it cannot use is ours to read
    found = trafilatura.extract(root, favor_recall=True, include_comments=False, include_tables=True, deduplicate=False)
    return "\n\n".join(line.strip() for line in (found or "").splitlines() if line.strip())


def _paragraphs(root: Any) -> str:
    """The words of every block, for a page in which the extractor finds no main text."""
    said = [" ".join(block.text_content().split()) for block in root.iter(*_BLOCKS)]
    body = said if any(said) else [" ".join(root.text_content().split())]
    return "\n\n".join(filter(None, body))


def _first(root: Any, path: str) -> str | None:
    found = next(iter(root.xpath(path)), None)
    words = "" if found is None else " ".join(found.text_content().split())
    return words or None
