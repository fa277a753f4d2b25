"""Feeds as bytes. `FORMATS` is the one table of formats: to add one, write a function and a row."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from timeline.formats.body import facts, html_body, plain_summary
from timeline.formats.json_feed import json_feed
from timeline.formats.opml import opml
from timeline.formats.page import EMPTY_SINCE, FeedPage, Item, Site, Span, feed_path
from timeline.formats.xml import ATOM_TYPE, RSS_TYPE, atom, rss

__all__ = [
    "EMPTY_SINCE",
    "FORMATS",
    "OPML_TYPE",
    "FeedPage",
    "Format",
    "Item",
    "Site",
    "Span",
    "facts",
    "feed_path",
    "html_body",
    "opml",
    "plain_summary",
]


class Format(NamedTuple):
    """How one format is written, and what it is called over HTTP."""

    render: Callable[[FeedPage, Site], bytes]
    media_type: str


FORMATS = {
    "atom": Format(atom, ATOM_TYPE),
    "rss": Format(rss, RSS_TYPE),
    "json": Format(json_feed, "application/feed+json"),
}
"""By the suffix of the address."""

OPML_TYPE = "text/x-opml"
