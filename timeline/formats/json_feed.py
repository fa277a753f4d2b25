"""JSON Feed 1.1, the change as data in each item's `_change`."""

from __future__ import annotations

from typing import Any

import msgspec

from timeline.core.dates import iso
from timeline.formats.body import facts, html_body, plain_summary
from timeline.formats.page import AUTHOR, LANGUAGE, FeedPage, Item, Site, entry_url
from timeline.formats.xml import categories

VERSION = "https://jsonfeed.org/version/1.1"
_encoder = msgspec.json.Encoder(decimal_format="number")


def json_feed(page: FeedPage, site: Site) -> bytes:
    """The document in JSON Feed 1.1; `next_url` leads through the archive pages to the first entry."""
    address = site.feed(page.name, "json", page.span, page.query)
    document: dict[str, Any] = {
        "version": VERSION,
        "title": page.title,
        "home_page_url": site.twin(page.name, page.query),
        "feed_url": address,
        "description": page.subtitle,
        "language": LANGUAGE,
        "authors": [{"name": AUTHOR, "url": site.page("/")}],
        "_feed": {
            "about": site.page("/feeds"),
            "id": site.tag(page.key),
            "updated": iso(page.updated),
            "archive": page.span is not None,
            "complete": page.complete,
        },
    }
    if page.older is not None:
        document["next_url"] = site.feed(page.name, "json", page.older)
    if site.hub_url is not None and page.span is None:
        document["hubs"] = [{"type": "WebSub", "url": site.hub_url}]
    document["items"] = [item_body(item, site) for item in page.items]
    return _encoder.encode(document) + b"\n"


def item_body(item: Item, site: Site) -> dict[str, Any]:
    """An entry as an item, with its change as data."""
    entry = item.entry
    made: dict[str, Any] = {
        "id": site.tag(entry.id),
        "url": entry_url(site, entry),
        "title": entry.title,
        "content_html": html_body(site, entry),
        "summary": plain_summary(entry),
        "date_published": iso(item.published),
        "date_modified": iso(item.updated),
        "tags": [term for _, term, _ in categories(entry)],
    }
    primary = next((source.url for source in entry.sources if source.url), None)
    if primary is not None:
        made["external_url"] = primary
    return made | {"_change": facts(site, entry)}
