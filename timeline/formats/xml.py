"""Atom 1.0 (RFC 4287) and RSS 2.0 through feedgen, whose faults two extensions mend.

feedgen 1.0.0 is left to write only what it writes right; tests/test_feedgen_faults.py shows each fault by itself.
One generator is made for each document and format, so that what one format needs cannot spoil the other.
"""

from __future__ import annotations

import re
from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import Any

import msgspec
from feedgen.feed import FeedGenerator
from lxml import etree

from timeline.core.feed import Entry
from timeline.formats.body import facts, html_body, plain_summary
from timeline.formats.page import (
    AUTHOR,
    LANGUAGE,
    FeedPage,
    Item,
    Site,
    comparison_url,
    entry_url,
    evidence_url,
    state_url,
    term_url,
)

ATOM = "http://www.w3.org/2005/Atom"
DUBLIN_CORE = "http://purl.org/dc/elements/1.1/"
HISTORY = "http://purl.org/syndication/history/1.0"
TERMS = "http://purl.org/dc/terms/"
RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
ATOM_TYPE, RSS_TYPE = "application/atom+xml", "application/rss+xml"
RSS_MINUTES = 15
"""How long an RSS reader may wait before it asks again."""

_TITLE = re.compile(rb"<title>[^<]*</title>")
_json = msgspec.json.Encoder(decimal_format="number", order="deterministic")


def atom(page: FeedPage, site: Site) -> bytes:
    """The document in Atom 1.0."""
    feed = _generator(page, site, "atom")
    feed.id(site.tag(page.key))
    feed.subtitle(page.subtitle)
    feed.author({"name": AUTHOR, "uri": site.page("/")})
    feed.updated(page.updated)
    for item in page.items:
        made = _entry(feed, page, site, item)
        made.updated(item.updated)
        made.published(item.published)
        made.summary(plain_summary(item.entry))
        for scheme, term, label in categories(item.entry):
            made.category(term=term, scheme=site.tag(scheme), label=label)
    return bytes(feed.atom_str()) + b"\n"


def rss(page: FeedPage, site: Site) -> bytes:
    """The document in RSS 2.0; titles escaped as the RSS profile wants them."""
    feed = _generator(page, site, "rss")
    feed.description(page.subtitle)
    feed.docs("https://www.rssboard.org/rss-specification")
    feed.ttl(RSS_MINUTES)
    # It has no public way to be left out, and feedgen would switch the process's locale to write it.
    feed._FeedGenerator__rss_lastBuildDate = None
    for item in page.items:
        made = _entry(feed, page, site, item)
        made.link(href=entry_url(site, item.entry))
        made.summary(escape(plain_summary(item.entry), quote=False))
        for scheme, term, _ in categories(item.entry):
            made.category(term=term, scheme=site.tag(scheme))  # a label would take the term's place
    return _TITLE.sub(_profiled, bytes(feed.rss_str())) + b"\n"


def _generator(page: FeedPage, site: Site, suffix: str) -> Any:
    feed = FeedGenerator()
    feed.register_extension("timeline", _FeedExtension, _EntryExtension)
    feed.timeline.set(page, site)
    feed.title(page.title)
    feed.language(LANGUAGE)
    feed.generator(AUTHOR, uri=site.page("/"))
    for rel, href, media_type in _feed_links(page, site, suffix):
        feed.link(href=href, rel=rel, **({"type": media_type} if media_type else {}))
    return feed


def _feed_links(page: FeedPage, site: Site, suffix: str) -> list[tuple[str, str, str | None]]:
    """Relation, address and type; the page for people last, because feedgen makes the last one RSS's channel link."""
    own = ATOM_TYPE if suffix == "atom" else RSS_TYPE
    links: list[tuple[str, str, str | None]] = [
        ("self", site.feed(page.name, suffix, page.span, page.query), own),
    ]
    if site.hub_url is not None and page.span is None:
        links.append(("hub", site.hub_url, None))
    if page.span is not None:
        links.append(("current", site.feed(page.name, suffix), own))
    if page.older is not None:
        links.append(("prev-archive", site.feed(page.name, suffix, page.older), own))
    if page.newer is not None:
        links.append(("next-archive", site.feed(page.name, suffix, page.newer), own))
    return [*links, ("alternate", site.twin(page.name, page.query), "text/html")]


def _entry(feed: Any, page: FeedPage, site: Site, item: Item) -> Any:
    made = feed.add_entry(order="append")
    made.id(site.tag(item.entry.id))
    made.title(item.entry.title)
    made.content(html_body(site, item.entry), type="html")
    made.timeline.set(page, site, item)
    return made


def categories(entry: Entry) -> list[tuple[str, str, str]]:
    """Scheme, term and label: what kind of entry, of which kinds of term, about which parties."""
    return [
        ("entries", entry.kind, entry.kind.replace("_", " ")),
        *(("kinds", kind, kind.replace("-", " ")) for kind in entry.kinds),
        *(("parties", party, party) for party in entry.parties),
    ]


class _FeedExtension:
    """The feed's own elements that feedgen lacks: archive marks (RFC 5005), and RSS's links, date and creator."""

    def set(self, page: FeedPage, site: Site) -> None:
        self._page = page
        self._site = site

    def extend_ns(self) -> dict[str, str]:
        return {"fh": HISTORY, "rdf": RDF, "dcterms": TERMS, "dc": DUBLIN_CORE}

    def extend_atom(self, feed: Any) -> None:
        self._marks(feed)

    def extend_rss(self, rss: Any) -> None:
        (channel,) = rss
        _add(channel, "lastBuildDate", rfc822(self._page.updated))
        _add(channel, f"{{{DUBLIN_CORE}}}creator", AUTHOR)
        self._marks(channel)
        for rel, href, media_type in _feed_links(self._page, self._site, "rss"):
            if rel not in ("self", "alternate"):  # the first feedgen writes, the last is the channel's link
                _add(channel, f"{{{ATOM}}}link", href=href, rel=rel, **({"type": media_type} if media_type else {}))

    def _marks(self, parent: Any) -> None:
        if self._page.span is not None:
            _add(parent, f"{{{HISTORY}}}archive")
        elif self._page.complete:
            _add(parent, f"{{{HISTORY}}}complete")


class _EntryExtension:
    """An entry's elements that feedgen writes wrong, or not at all."""

    def set(self, page: FeedPage, site: Site, item: Item) -> None:
        self._page = page
        self._site = site
        self._item = item

    def extend_atom(self, entry: Any) -> None:
        site, said = self._site, self._item.entry
        links = [("related", state_url(site, said), "text/html", "State on that day")]
        if said.on is None:
            links.append(("related", comparison_url(site, said), "text/html", "What changed on that day"))
        else:
            links.append(("related", evidence_url(site, said), "text/html", "Evidence"))
        # feedgen builds Atom in no namespace with a literal xmlns: plain names become Atom's.
        _add(entry, "link", href=entry_url(site, said), rel="alternate", type="text/html")
        for rel, href, media_type, title in links:
            _add(entry, "link", href=href, rel=rel, type=media_type, title=title)
        for source in dict.fromkeys(source for source in said.sources if source.url):
            _add(entry, "link", href=source.url, rel="via", **({"title": source.publisher} if source.publisher else {}))
        if self._copied:
            source = _add(entry, "source")
            _add(source, "id", site.tag(f"feed:{said.partnership}"))
            _add(source, "title", said.name)
            _add(source, "updated", self._item.updated.isoformat())
            _add(source, "link", href=site.feed(said.partnership, "atom"), rel="self", type=ATOM_TYPE)
        self._change(entry)

    def extend_rss(self, item: Any) -> None:
        _add(item, "pubDate", rfc822(self._item.published))
        _add(item, f"{{{DUBLIN_CORE}}}creator", AUTHOR)
        if self._item.updated != self._item.published:
            _add(item, f"{{{ATOM}}}updated", self._item.updated.isoformat())
        if self._copied:
            said = self._item.entry
            _add(item, "source", said.name, url=self._site.feed(said.partnership, "rss"))
        self._change(item)

    @property
    def _copied(self) -> bool:
        """Whether the entry is at home in its partnership's feed and stands here as a copy."""
        said = self._item.entry
        return not said.quiet and self._page.name != said.partnership

    def _change(self, parent: Any) -> None:
        """Add the change as data, in words that programs know: RDF and the terms of Dublin Core.

        An element of our own namespace would say no more, and every validator would warn of it.
        """
        site, said = self._site, self._item.entry
        data = facts(site, said)
        for row in data["terms"]:
            made = _add(parent, _rdf("Description"), **{_rdf("about"): term_url(site, said, row["field"])})
            _add(made, _dc("title"), row["label"])
            _add(made, _dc("type"), row["force"])
            if "direction" in row:
                _add(made, _dc("audience"), row["direction"])
            _add(made, _dc("valid"), _dcmi_period(row["effective"], row["through"]))
            _add(made, _dc("replaces"), _text(row["from"]))
            _add(made, _rdf("value"), _text(row["to"]))
        for quoted in data["evidence"]:
            about = quoted.get("url", evidence_url(site, said))
            made = _add(parent, _rdf("Description"), **{_rdf("about"): about})
            if "publisher" in quoted:
                _add(made, _dc("publisher"), quoted["publisher"])
            _add(made, _dc("provenance"), f"{quoted['tier']}, {quoted['status']}")
            _add(made, _dc("bibliographicCitation"), quoted["quote"])
        for invalid in data["invalidates"]:
            _add(parent, _dc("replaces"), **{_rdf("resource"): invalid})
        for note in data["notes"]:
            _add(parent, _dc("isReplacedBy"), **{_rdf("resource"): site.tag(note["by"])})


def _rdf(name: str) -> str:
    return f"{{{RDF}}}{name}"


def _dc(name: str) -> str:
    return f"{{{TERMS}}}{name}"


def _dcmi_period(first: str | None, last: str | None) -> str:
    """Days in the notation of DCMI Period, both inclusive; a side that is open or unknown is left out."""
    sides = [f"{name}={day}" for name, day in (("start", first), ("end", last)) if day is not None]
    return "; ".join([*sides, "scheme=W3C-DTF"])


def rfc822(moment: datetime) -> str:
    """The date as RSS wants it: English, whole seconds, numeric zone; whatever the locale."""
    return format_datetime(moment.replace(microsecond=0))


def _text(value: Any) -> str:
    """A value as JSON; `null` for what is not on record."""
    return _json.encode(value).decode()


def _add(parent: Any, name: str, text: str | None = None, /, **attributes: str | None) -> Any:
    made = etree.SubElement(parent, name, **attributes)
    made.text = text
    return made


def _profiled(match: re.Match[bytes]) -> bytes:
    """A title with its escapes in the form that the RSS profile wants."""
    return match[0].replace(b"&amp;", b"&#x26;").replace(b"&lt;", b"&#x3C;").replace(b"&gt;", b"&#x3E;")
