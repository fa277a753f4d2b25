"""Entries as Atom, RSS and JSON Feed: valid, alike, and the same bytes each time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import atoma
import fastfeedparser
import feedparser
import pytest

from tests import feedcheck
from tests.records import START, corrected, opening, recorded, retracted, said
from timeline.core.feed import Feed, entries
from timeline.core.terms import BUILTIN
from timeline.formats import EMPTY_SINCE, FORMATS, FeedPage, Item, Site, Span, opml
from timeline.publishing.put_outs import issued, put_outs

SITE = Site("https://timeline.example.org", "example.org,2026")
LIFE = (
    opening(),
    said(10, statement={"effective": "2026-02-01"}),
    said(12, "2026-01-02"),
    corrected(2, said(13, "2026-01-02")),
    said(9, "2025-06-01"),
    retracted(4),
    said(30, "2026-01-03", force="reported"),
)


def page(**more: Any) -> FeedPage:
    """A feed with one entry of nearly every kind."""
    feed = Feed(BUILTIN).hear_all(recorded(LIFE)).until(date(2026, 3, 1))
    items: dict[str, Item] = {}
    for item in issued(put_outs(feed)):
        items.pop(item.entry.id, None)
        items[item.entry.id] = item
    shown = {"name": "all", "title": "All & <everything>", "subtitle": "What & why", "complete": True}
    return FeedPage(**{**shown, "items": tuple(reversed(items.values())), **more})


PAGES = {
    "head": page(),
    "partnership": page(name="acme-bolt"),
    "empty": page(items=()),
    "archive": page(span=Span(21, 40), older=Span(1, 20), newer=Span(41, 60), complete=False),
    "oldest": page(span=Span(1, 20), newer=Span(21, 40), complete=False),
    "long": page(older=Span(1, 20), complete=False),
    "mine": page(name="mine", query="?p=acme-bolt&p=other"),
}


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("name", PAGES)
def test_a_document_breaks_no_rule_of_its_format(name: str, suffix: str) -> None:
    shown = PAGES[name]

    body = FORMATS[suffix].render(shown, SITE)

    assert feedcheck.CHECKS[suffix](body, SITE.feed(shown.name, suffix, shown.span, shown.query)) == []


def test_an_agreed_announcement_that_only_reports_is_called_a_report() -> None:
    only_reports = said(30, "2026-01-02", statement={"force": "reported"})
    only_proposes = said(40, "2026-01-03", statement={"force": "proposed"})
    again = said(10, "2026-01-04")
    again["statements"] = [{"term": "stake/bolt", "reaffirm": True, "quote": "as before"}]
    again["statements"].append({**only_reports["statements"][0], "set": {"percent": 50}})

    found = entries(recorded([opening(), said(10), only_reports, only_proposes, again]), BUILTIN, date(2026, 2, 1))

    assert [(entry.kind, entry.title.removeprefix("Acme & Co – <Bolt>: ")) for entry in found] == [
        ("announced", "stake of <Bolt>: 10 % (effective 2026-01-01)"),
        ("reported", "Reported: Acme & Co – <Bolt>: stake of <Bolt>: 30 %"),
        ("proposed", "Proposed: Acme & Co – <Bolt>: stake of <Bolt>: 40 %"),
        ("reaffirmed", "stake of <Bolt> reaffirmed"),
    ]


def test_the_three_formats_say_the_same() -> None:
    """Ids, titles, instants, bodies, summaries and tags are equal once each format is decoded."""
    shown = PAGES["head"]
    bodies = {suffix: FORMATS[suffix].render(shown, SITE) for suffix in FORMATS}

    as_atom = feedparser.parse(bodies["atom"])
    as_rss = feedparser.parse(bodies["rss"])
    as_json = json.loads(bodies["json"])["items"]

    def told(entry: Any) -> tuple[Any, ...]:
        return entry.id, entry.title, entry.content[0].value, [tag.term for tag in entry.tags], entry.link

    assert as_atom.bozo == as_rss.bozo == 0
    assert [told(entry) for entry in as_atom.entries] == [told(entry) for entry in as_rss.entries]
    assert [(e.id, e.title, e.link) for e in as_atom.entries] == [(i["id"], i["title"], i["url"]) for i in as_json]
    assert [e.published_parsed for e in as_atom.entries] == [e.published_parsed for e in as_rss.entries]
    assert [item["date_published"] for item in as_json] == [
        entry.published.replace("+00:00", "Z") for entry in as_atom.entries
    ]


def test_other_parsers_read_the_same_entries() -> None:
    shown = PAGES["head"]
    atom_bytes, rss_bytes, json_bytes = (FORMATS[suffix].render(shown, SITE) for suffix in ("atom", "rss", "json"))
    ids = [SITE.tag(item.entry.id) for item in shown.items]

    assert [entry.id_ for entry in atoma.parse_atom_bytes(atom_bytes).entries] == ids
    assert [item.guid for item in atoma.parse_rss_bytes(rss_bytes).items] == ids
    assert [item.id_ for item in atoma.parse_json_feed_bytes(json_bytes).items] == ids
    assert [entry["id"] for entry in fastfeedparser.parse(atom_bytes.decode())["entries"]] == ids
    assert [entry["id"] for entry in fastfeedparser.parse(rss_bytes.decode())["entries"]] == ids


def test_an_entry_shows_before_and_after_with_quote_source_and_links() -> None:
    shown = PAGES["head"]
    body = next(i for i in json.loads(FORMATS["json"].render(shown, SITE))["items"] if i["id"].endswith("bolt/3"))

    assert "<tr><th>stake of &lt;Bolt&gt; (acme → bolt)</th>" in body["content_html"]
    assert "<td>12 %</td><td>13 %</td>" in body["content_html"]
    assert (
        '<blockquote cite="https://acme.example/news?a=1&amp;b=2"><p>13 &amp; &lt;more&gt;</p></blockquote>'
        in (body["content_html"])
    )
    assert "https://timeline.example.org/a/acme-bolt/3" in body["content_html"]
    assert "https://timeline.example.org/p/acme-bolt?as_of=2026-01-02" in body["content_html"]
    assert "/p/acme-bolt/compare?from=2026-01-01&amp;to=2026-01-02" in body["content_html"]


def test_a_change_is_also_data() -> None:
    """In JSON Feed as an object; in the XML formats in words of RDF and Dublin Core."""
    shown = PAGES["head"]
    item = next(i for i in json.loads(FORMATS["json"].render(shown, SITE))["items"] if i["id"].endswith("bolt/3"))
    change = item["_change"]
    entry = next(
        e
        for e in feedcheck.parse(FORMATS["atom"].render(shown, SITE)).iter(f"{feedcheck.ATOM}entry")
        if e.findtext(f"{feedcheck.ATOM}id").endswith("bolt/3")
    )
    rdf, terms = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}", "{http://purl.org/dc/terms/}"
    described = entry.findall(f"{rdf}Description")

    assert (change["kind"], change["reason"]) == ("corrected", "A digit was wrong")
    assert change["invalidates"] == ["tag:example.org,2026:acme-bolt/2"]
    assert [(row["field"], row["from"], row["to"], row["effective"]) for row in change["terms"]] == [
        ("stake/bolt", {"percent": 12}, {"percent": 13}, "2026-01-02")
    ]
    assert change["evidence"][0]["quote"] == "13 & <more>"
    assert described[0].findtext(f"{terms}replaces") == '{"percent":12}'
    assert described[0].findtext(f"{rdf}value") == '{"percent":13}'
    assert described[0].findtext(f"{terms}valid") == "start=2026-01-02; end=2026-01-31; scheme=W3C-DTF"
    assert described[1].findtext(f"{terms}bibliographicCitation") == "13 & <more>"
    assert [e.get(f"{rdf}resource") for e in entry.findall(f"{terms}replaces")] == change["invalidates"]


def test_a_corrected_entry_keeps_its_id_and_its_day_and_says_so_first() -> None:
    items = {item["id"]: item for item in json.loads(FORMATS["json"].render(PAGES["head"], SITE))["items"]}
    was = items["tag:example.org,2026:acme-bolt/2"]

    assert was["date_published"] == "2026-01-01T14:00:00Z"
    assert was["date_modified"] == "2026-01-01T15:00:00.000001Z"
    assert was["content_html"].startswith("<p><strong>Corrected on 2026-01-01:</strong> see <a ")
    assert was["summary"].startswith("Corrected on 2026-01-01: see acme-bolt/3.")


def test_a_feed_without_entries_has_a_day_that_never_changes() -> None:
    shown = PAGES["empty"]

    assert shown.updated == EMPTY_SINCE
    assert b"<updated>2000-01-01T00:00:00+00:00</updated>" in FORMATS["atom"].render(shown, SITE)


def test_a_hub_is_named_only_where_one_is_and_only_by_the_head() -> None:
    with_hub = Site(SITE.base_url, SITE.authority, "https://hub.example.org/")

    for suffix, form in FORMATS.items():
        named = {name: b"hub.example.org" in form.render(PAGES[name], with_hub) for name in ("head", "archive")}
        assert named == {"head": True, "archive": False}, suffix
        assert b"hub" not in form.render(PAGES["empty"], SITE)


def test_the_list_of_feeds_is_opml() -> None:
    root = feedcheck.parse(opml([("all", "All & more"), ("kind/stake", "Stakes")], SITE))

    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert [dict(outline.attrib) for outline in root.iter("outline")] == [
        {
            "type": "rss",
            "text": title,
            "title": title,
            "xmlUrl": f"https://timeline.example.org/feeds/{name}.atom",
            "htmlUrl": f"https://timeline.example.org/feeds/{name}",
        }
        for name, title in (("all", "All & more"), ("kind/stake", "Stakes"))
    ]


@pytest.mark.slow
def test_place_zone_language_and_hash_seed_change_no_byte() -> None:
    """Another process, elsewhere on earth, writes the same."""
    code = (
        "import locale, hashlib; from tests.test_formats import PAGES, SITE, FORMATS\n"
        "digest = hashlib.sha256()\n"
        "for page in PAGES.values():\n"
        "    for form in FORMATS.values(): digest.update(form.render(page, SITE))\n"
        "print(digest.hexdigest())"
    )
    worlds = ({"TZ": "UTC", "LC_ALL": "C", "PYTHONHASHSEED": "1"}, {"TZ": "Asia/Tokyo", "LC_ALL": "C.UTF-8"})
    root = Path(__file__).parent.parent
    digests = {
        subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, **world}, cwd=root, check=True, capture_output=True
        ).stdout
        for world in worlds
    }

    assert len(digests) == 1


def test_times_of_one_moment_are_told_apart_by_partnership_and_term() -> None:
    """Boundaries of one day, of two partnerships: a microsecond each, in an order that needs no clock."""
    ahead: dict[str, Any] = {"statement": {"effective": "2026-02-01"}}
    made = []
    for slug in ("zeta", "alpha-two", "alpha"):
        feed = Feed(BUILTIN).hear_all(recorded([opening(slug), said(10, slug=slug, **ahead)])).until(date(2026, 2, 1))
        made += put_outs(feed)

    clock = [(item.entry.partnership, item.published) for item in issued(made) if item.entry.on is not None]

    midnight = START.replace(month=2, hour=0)
    assert clock == [
        (slug, midnight + timedelta(microseconds=n)) for n, slug in enumerate(("alpha", "alpha-two", "zeta"))
    ]


def test_entries_are_the_cores() -> None:
    """Nothing is lost between the core's list and what is put out."""
    records = recorded(LIFE)
    made = put_outs(Feed(BUILTIN).hear_all(records).until(date(2026, 3, 1)))

    assert {each.entry.id: each.entry for each in made} == {
        entry.id: entry for entry in entries(records, BUILTIN, date(2026, 3, 1))
    }
