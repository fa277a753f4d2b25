"""The rules of Atom, RSS 2.0, JSON Feed 1.1 and RFC 5005, as far as a feed of ours can break them.

Each function returns the sentences of what is wrong; nothing wrong is an empty list.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urlsplit

from lxml import etree

ATOM = "{http://www.w3.org/2005/Atom}"
HISTORY = "{http://purl.org/syndication/history/1.0}"
DUBLIN_CORE = "{http://purl.org/dc/elements/1.1/}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
RELATIONS = {"self", "alternate", "related", "via", "hub", "current", "prev-archive", "next-archive"}
FORBIDDEN = {"script", "style", "iframe", "form", "object", "embed", "link", "meta", "base"}
TAG = re.compile(r"tag:[a-z0-9.@_-]+,\d{4}(-\d\d){0,2}:[A-Za-z0-9./:@=&_-]+")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
RFC822 = re.compile(r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d \+0000")


def atom(body: bytes, address: str) -> list[str]:
    """RFC 4287, RFC 4151 and RFC 5005."""
    return list(_atom(body, address))


def rss(body: bytes, address: str) -> list[str]:
    """RSS 2.0 and the profile of its board."""
    return list(_rss(body, address))


def json_feed(body: bytes, address: str) -> list[str]:
    """JSON Feed 1.1."""
    return list(_json_feed(body, address))


CHECKS: dict[str, Callable[[bytes, str], list[str]]] = {"atom": atom, "rss": rss, "json": json_feed}


def parse(body: bytes) -> Any:
    """The document's root, read by a strict parser."""
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))


def _document(body: bytes) -> Iterator[str]:
    if not body.startswith(b"<?xml version='1.0' encoding='UTF-8'?>"):
        yield "does not begin with the declaration"
    if b"<!DOCTYPE" in body or b"xml-stylesheet" in body:
        yield "has a document type or a style sheet"


def _atom(body: bytes, address: str) -> Iterator[str]:
    yield from _document(body)
    feed = parse(body)
    for name in ("id", "title", "updated"):
        if len(feed.findall(ATOM + name)) != 1:
            yield f"the feed has not exactly one {name}"
    if feed.get(XML_LANG) is None or not feed.findtext(f"{ATOM}author/{ATOM}name"):
        yield "the feed has no language or no author"
    children = [child.tag for child in feed]
    if f"{ATOM}entry" in children and any(tag != f"{ATOM}entry" for tag in children[children.index(f"{ATOM}entry") :]):
        yield "metadata stands after an entry"
    yield from _feed_links(feed.findall(f"{ATOM}link"), feed, address, "application/atom+xml")
    entries = feed.findall(f"{ATOM}entry")
    ids = Counter(entry.findtext(f"{ATOM}id") for entry in entries)
    yield from (f"{name} stands {count} times" for name, count in ids.items() if count > 1)
    times = [entry.findtext(f"{ATOM}updated") for entry in entries]
    if times and (times[0] != feed.findtext(f"{ATOM}updated") or len(set(times)) < len(times)):
        yield "the feed is not as new as its newest entry, or two entries share a time"
    if [_moment(time) for time in times] != sorted((_moment(time) for time in times), reverse=True):
        yield "the newest entry is not first"
    for entry in entries:
        yield from (f"{entry.findtext(ATOM + 'id')}: {wrong}" for wrong in _atom_entry(entry))


def _atom_entry(entry: Any) -> Iterator[str]:
    for name in ("id", "title", "updated", "published", "content", "summary"):
        if len(entry.findall(ATOM + name)) != 1:
            yield f"has not exactly one {name}"
    if not TAG.fullmatch(entry.findtext(f"{ATOM}id")):
        yield "has an id that is no tag URI"
    published, updated = (entry.findtext(ATOM + name) for name in ("published", "updated"))
    if not RFC3339.fullmatch(published) or not RFC3339.fullmatch(updated) or _moment(published) > _moment(updated):
        yield "has a malformed time, or was updated before it was published"
    if not 0 < len(entry.findtext(f"{ATOM}title")) <= 150:
        yield "has no title, or a long one"
    links = entry.findall(f"{ATOM}link")
    alternates = Counter((link.get("type"), link.get("hreflang")) for link in links if link.get("rel") == "alternate")
    if sum(alternates.values()) != 1:
        yield "has not exactly one alternate"
    if any(link.get("rel") not in RELATIONS or not _absolute(link.get("href")) for link in links):
        yield "has a link of an unknown relation, or a relative one"
    if any(not each.get("term") or not each.get("scheme") or not each.get("label") for each in _categories(entry)):
        yield "has a category without term, scheme or label"
    content = entry.find(f"{ATOM}content")
    if content.get("type") != "html" or len(content):
        yield "has content that is no escaped HTML"
    yield from html(content.text)
    source = entry.find(f"{ATOM}source")
    if source is not None and any(source.find(ATOM + name) is None for name in ("id", "title", "updated")):
        yield "has a source without id, title or updated"


def _categories(entry: Any) -> list[Any]:
    return list(entry.findall(f"{ATOM}category"))


def _feed_links(links: list[Any], feed: Any, address: str, media_type: str) -> Iterator[str]:
    by_relation: dict[str, list[Any]] = {}
    for link in links:
        by_relation.setdefault(link.get("rel"), []).append(link)
    if any(len(found) > 1 for found in by_relation.values()) or not by_relation.keys() <= RELATIONS:
        yield "two links of one relation, or one of an unknown relation"
    own = by_relation.get("self", [None])[0]
    if own is None or own.get("href") != address or own.get("type") != media_type:
        yield "self is not the address that was asked"
    archive = feed.find(f"{HISTORY}archive") is not None
    complete = feed.find(f"{HISTORY}complete") is not None
    neighbours = by_relation.keys() & {"prev-archive", "next-archive"}
    if archive != ("current" in by_relation) or (archive and (complete or not neighbours)):
        yield "an archive page without current or neighbour, or a head that says it is one"
    if (complete and neighbours) or (not archive and not complete and "prev-archive" not in by_relation):
        yield "a complete feed with an archive, or an incomplete one without"


def _rss(body: bytes, address: str) -> Iterator[str]:
    yield from _document(body)
    root = parse(body)
    channels = root.findall("channel")
    if root.tag != "rss" or root.get("version") != "2.0" or len(channels) != 1:
        yield "is not RSS 2.0 with one channel"
        return
    channel = channels[0]
    for name in ("title", "link", "description", "language", "lastBuildDate", "docs", "ttl"):
        if not channel.findtext(name):
            yield f"the channel has no {name}"
    if not channel.findtext("link").startswith(address.partition("/feeds/")[0]) or "." in channel.findtext("link")[-5:]:
        yield "the channel's link is not the page for people"
    if not RFC822.fullmatch(channel.findtext("lastBuildDate")):
        yield "lastBuildDate is malformed"
    yield from _feed_links(
        [*channel.findall(f"{ATOM}link"), etree.Element("link", rel="alternate")],
        channel,
        address,
        "application/rss+xml",
    )
    guids = Counter(item.findtext("guid") for item in channel.findall("item"))
    yield from (f"{name} stands {count} times" for name, count in guids.items() if count > 1)
    for item in channel.findall("item"):
        yield from (f"{item.findtext('guid')}: {wrong}" for wrong in _rss_item(item))
    if re.search(rb"<title>[^<]*&(amp|lt|gt);", body):
        yield "a title is not escaped as the profile wants"


def _rss_item(item: Any) -> Iterator[str]:
    for name in ("title", "link", "guid", "pubDate", "description", f"{CONTENT}encoded", f"{DUBLIN_CORE}creator"):
        if len(item.findall(name)) != 1:
            yield f"has not exactly one {name}"
    date = item.findtext("pubDate")
    if not RFC822.fullmatch(date) or parsedate_to_datetime(date).strftime("%a") != date[:3]:
        yield "has a malformed date"
    if item.find("guid").get("isPermaLink") != "false" or item.find("author") is not None:
        yield "has a guid that claims to be an address, or an author without e-mail"
    plain = {"title", "link", "guid", "pubDate", "description", "category", "source"}
    if any("{" not in child.tag and child.tag not in plain for child in item):
        yield "has an element that RSS does not know"
    yield from html(item.findtext("description"))
    yield from html(item.findtext(f"{CONTENT}encoded"))


def _json_feed(body: bytes, address: str) -> Iterator[str]:
    feed = json.loads(body)
    if feed["version"] != "https://jsonfeed.org/version/1.1" or not feed["title"] or feed["feed_url"] != address:
        yield "has another version, no title, or another address"
    if feed.get("next_url") in (feed["feed_url"], feed["home_page_url"]):
        yield "leads to itself"
    allowed = {"version", "title", "home_page_url", "feed_url", "description", "next_url", "authors", "language"}
    if unknown := {name for name in feed if not name.startswith("_")} - allowed - {"hubs", "items"}:
        yield f"has unknown members {unknown}"
    ids = Counter(item["id"] for item in feed["items"])
    yield from (f"{name} stands {count} times" for name, count in ids.items() if count > 1)
    for item in feed["items"]:
        if not isinstance(item["id"], str) or not TAG.fullmatch(item["id"]) or not _absolute(item["url"]):
            yield f"{item['id']}: has no tag URI as id, or a relative address"
        if not RFC3339.fullmatch(item["date_published"]) or not RFC3339.fullmatch(item["date_modified"]):
            yield f"{item['id']}: has a malformed time"
        if not isinstance(item["_change"], dict) or not all(isinstance(tag, str) for tag in item["tags"]):
            yield f"{item['id']}: has a change that is no object, or a tag that is no text"
        yield from html(item["content_html"])


def html(text: str) -> list[str]:
    """What a sanitiser would remove from the fragment, or a parser would mend."""
    reader = _Html()
    reader.feed(text)
    reader.close()
    return [*reader.wrong, *(f"<{name}> is never closed" for name in reader.open)]


class _Html(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open.append(tag)
        if tag in FORBIDDEN or any(name.startswith("on") for name, _ in attrs):
            self.wrong.append(f"<{tag}> is not for readers")
        for name, value in attrs:
            if name in ("href", "src", "cite") and not _absolute(value):
                self.wrong.append(f"{value} is relative")

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"</{tag}> closes nothing")


def _absolute(address: str | None) -> bool:
    parts = urlsplit(address or "")
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def _moment(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)
