"""What feedgen 1.0.0 does wrong by itself, fault by fault, and that our documents do not have it.

When a test fails at its first assertion, feedgen has mended the fault: the way round it can go.
"""

from __future__ import annotations

import locale
from datetime import UTC, datetime
from typing import Any

import pytest
from feedgen.feed import FeedGenerator

from tests.feedcheck import ATOM, HISTORY, parse
from tests.test_formats import PAGES, SITE
from timeline.core.errors import TimelineError
from timeline.core.terms import text_of
from timeline.formats import FORMATS

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def bare(entries: int = 1) -> tuple[Any, list[Any]]:
    """A feed as feedgen's own documentation makes one, and its entries."""
    feed = FeedGenerator()
    feed.id("tag:example.org,2026:feed")
    feed.title("Feed")
    feed.description("About")
    feed.link(href="https://example.org/", rel="alternate")
    made = []
    for number in range(entries):
        entry = feed.add_entry()
        entry.id(f"tag:example.org,2026:{number}")
        entry.title(f"Entry & <{number}>")
        entry.content("<p>Text</p>", type="html")
        made.append(entry)
    return feed, made


def ours(suffix: str, name: str = "head") -> bytes:
    return FORMATS[suffix].render(PAGES[name], SITE)


def relations(entry: Any) -> list[str | None]:
    return [link.get("rel") for link in entry.findall(f"{ATOM}link")]


def test_entry_links_in_atom_keep_only_their_address() -> None:
    feed, (entry,) = bare()
    entry.link(href="https://example.org/1", rel="alternate")
    entry.link(href="https://example.org/source", rel="via")
    assert relations(parse(feed.atom_str()).find(f"{ATOM}entry")) == [None, None]

    assert relations(parse(ours("atom")).find(f"{ATOM}entry")) == ["alternate", "related", "related", "via"]


def test_the_channel_link_is_the_last_link_whatever_it_is() -> None:
    feed, _ = bare()
    feed.link(href="https://example.org/feed.rss", rel="self")
    assert parse(feed.rss_str()).findtext("channel/link") == "https://example.org/feed.rss"

    assert parse(ours("rss")).findtext("channel/link") == "https://timeline.example.org/feeds/all"


def test_rss_has_no_link_but_self() -> None:
    feed, _ = bare()
    feed.link(href="https://example.org/feed.rss", rel="self")
    feed.link(href="https://example.org/older.rss", rel="prev-archive")
    assert [link.get("rel") for link in parse(feed.rss_str()).iter(f"{ATOM}link")] == ["self"]

    links = [link.get("rel") for link in parse(ours("rss", "archive")).iter(f"{ATOM}link")]
    assert links == ["self", "current", "prev-archive", "next-archive"]


def test_an_entry_link_cannot_have_other_relations() -> None:
    _, (entry,) = bare()
    with pytest.raises(ValueError, match="Invalid value for rel"):
        entry.link(href="https://example.org/", rel="https://example.org/relation")


def test_now_is_stamped_where_nobody_gave_a_time() -> None:
    def stamped() -> tuple[bytes, bytes]:
        feed, _ = bare()
        return feed.atom_str(), feed.rss_str()

    assert stamped()[0] != stamped()[0]
    assert b"<lastBuildDate>" in stamped()[1]

    assert ours("atom") == ours("atom")
    assert parse(ours("rss", "empty")).findtext("channel/lastBuildDate") == "Sat, 01 Jan 2000 00:00:00 +0000"


def test_entries_come_out_in_the_opposite_order() -> None:
    feed, _ = bare(2)
    ids = [entry.findtext(f"{ATOM}id") for entry in parse(feed.atom_str()).iter(f"{ATOM}entry")]
    assert ids == ["tag:example.org,2026:1", "tag:example.org,2026:0"]

    ids = [entry.findtext(f"{ATOM}id") for entry in parse(ours("atom")).iter(f"{ATOM}entry")]
    assert ids == [SITE.tag(item.entry.id) for item in PAGES["head"].items]


def test_cdata_is_written_as_a_type_that_atom_does_not_have() -> None:
    feed, (entry,) = bare()
    entry.content("<p>Text</p>", type="CDATA")
    assert parse(feed.atom_str()).find(f"{ATOM}entry/{ATOM}content").get("type") == "CDATA"

    assert {element.get("type") for element in parse(ours("atom")).iter(f"{ATOM}content")} == {"html"}


@pytest.mark.parametrize("character", ["\x0b", "\ufffe", "\ud800"])
def test_one_character_kills_the_feed(character: str) -> None:
    """Ours cannot meet it: no text with such a character is ever recorded."""
    _, (entry,) = bare()
    with pytest.raises((ValueError, UnicodeEncodeError)):
        entry.title(f"Bad {character}") and entry.atom_entry()

    with pytest.raises(TimelineError) as refused:
        text_of(f"Bad {character}", field="title")
    assert refused.value.code == "control_character"


def test_dates_in_rss_switch_the_locale_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    switched = []
    monkeypatch.setattr(locale, "setlocale", lambda *asked: switched.append(asked))
    feed, (entry,) = bare()
    entry.published(WHEN)
    feed.rss_str()
    assert switched

    switched.clear()
    assert parse(ours("rss")).findtext("channel/item/pubDate") == "Sun, 01 Feb 2026 00:00:00 +0000"
    assert switched == []


def test_an_author_without_an_address_is_dropped_from_rss() -> None:
    feed, (entry,) = bare()
    entry.author({"name": "Ada"})
    assert b"Ada" not in feed.rss_str()

    assert parse(ours("rss")).findtext("channel/item/{http://purl.org/dc/elements/1.1/}creator") == "Timeline"


def test_a_summary_lands_in_rss_as_markup() -> None:
    feed, (entry,) = bare()
    entry.summary("a < b & c")
    assert parse(feed.rss_str()).findtext("channel/item/description") == "a < b & c"

    descriptions = [item.findtext("description") for item in parse(ours("rss")).iter("item")]
    assert any("Bolt &amp; Acme agree on 12 &lt;percent&gt;." in text for text in descriptions)


def test_titles_are_not_escaped_as_the_rss_profile_wants() -> None:
    feed, _ = bare()
    assert b"<title>Entry &amp; &lt;0&gt;</title>" in feed.rss_str()

    assert b"<title>All &#x26; &#x3C;everything&#x3E;</title>" in ours("rss")


def test_a_label_takes_the_place_of_the_term_in_rss() -> None:
    feed, (entry,) = bare()
    entry.category(term="revenue-share", label="revenue share")
    assert parse(feed.rss_str()).findtext("channel/item/category") == "revenue share"

    assert parse(ours("rss")).findtext("channel/item/category") == "took_effect"


def test_archives_cannot_be_marked_and_a_source_has_no_id() -> None:
    feed, (entry,) = bare()
    entry.source(url="https://example.org/home.atom", title="Home")
    source = parse(feed.atom_str()).find(f"{ATOM}entry/{ATOM}source")
    assert (source.find(f"{ATOM}id"), source.find(f"{ATOM}updated")) == (None, None)
    assert not hasattr(feed, "archive")

    archive = parse(ours("atom", "archive"))
    assert archive.find(f"{HISTORY}archive") is not None
    source = archive.find(f"{ATOM}entry/{ATOM}source")
    assert source.findtext(f"{ATOM}id") == "tag:example.org,2026:feed:acme-bolt"
    assert parse(ours("atom", "partnership")).find(f"{ATOM}entry/{ATOM}source") is None


def test_an_item_without_guid_passes() -> None:
    feed = FeedGenerator()
    feed.title("Feed")
    feed.description("About")
    feed.link(href="https://example.org/")
    feed.add_entry().title("No id")
    assert parse(feed.rss_str()).find("channel/item/guid") is None

    assert all(item.findtext("guid") for item in parse(ours("rss")).iter("item"))


def test_feedgen_names_itself_as_the_generator() -> None:
    feed, _ = bare()
    assert parse(feed.rss_str()).findtext("channel/generator") == "python-feedgen"

    assert parse(ours("rss")).findtext("channel/generator") == "Timeline"
