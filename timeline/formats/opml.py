"""OPML 2.0: every feed in one file that readers import."""

from __future__ import annotations

from collections.abc import Iterable

from lxml import etree

from timeline.formats.page import Site


def opml(feeds: Iterable[tuple[str, str]], site: Site) -> bytes:
    """The list of feeds, given as (name, title), in the order given; their Atom addresses."""
    root = etree.Element("opml", version="2.0")
    etree.SubElement(etree.SubElement(root, "head"), "title").text = "Timeline: all feeds"
    body = etree.SubElement(root, "body")
    for name, title in feeds:
        etree.SubElement(
            body,
            "outline",
            type="rss",
            text=title,
            title=title,
            xmlUrl=site.feed(name, "atom"),
            htmlUrl=site.twin(name),
        )
    return bytes(etree.tostring(root, encoding="UTF-8", xml_declaration=True)) + b"\n"
