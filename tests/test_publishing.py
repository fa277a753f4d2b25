"""Publishing: every change once, in every format alike, for ever; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from alembic import command
from lxml import etree
from sqlalchemy import func, update

from tests.conftest import Clock
from tests.test_acts import OPENING, asked, stake
from timeline.acts import Desk
from timeline.core.errors import TimelineError
from timeline.core.feed import Feed
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log
from timeline.migrations import configuration
from timeline.publishing import Published, Shelf, forget, publish
from timeline.publishing.put_outs import issued, put_outs
from timeline.records import recorded
from timeline.settings import Settings, load
from timeline.tables import put_out

SEEDS = Path(__file__).parent.parent / "seeds"
ATOM = "{http://www.w3.org/2005/Atom}"
TODAY = date(2026, 1, 1)


class Site:
    """A record, its desk and its published folder."""

    def __init__(self, log: Log, clock: Clock, folder: Path) -> None:
        self.log = log
        self.clock = clock
        self.folder = folder
        self.desk = Desk(log, BUILTIN, clock)
        self.settings: Settings = replace(load({}, {}), feeds_dir=folder, head_entries=20)

    def append(self, *documents: dict[str, Any]) -> None:
        for document in documents:
            self.desk.append(asked(document))

    def publish(self, today: date | None = None, **how: Any) -> Published:
        return publish(self.log, BUILTIN, self.settings, today or self.clock.now.date(), **how)

    def files(self) -> dict[str, bytes]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in found
            if not path.relative_to(self.folder).parts[0].startswith(".")
        }

    def atom(self, name: str) -> list[dict[str, str]]:
        """The entries of an Atom document, newest first."""
        root = etree.fromstring((self.folder / f"{name}.atom").read_bytes())
        return [
            {part: entry.findtext(ATOM + part) or "" for part in ("id", "title", "published", "updated")}
            for entry in root.iterfind(f"{ATOM}entry")
        ]


@pytest.fixture
def site(log: Log, clock: Clock, tmp_path: Path) -> Site:
    made = Site(log, clock, tmp_path / "feeds")
    made.append(OPENING)
    return made


def test_what_was_put_out_in_other_words_is_put_out_anew_with_the_same_ids_and_times(site: Site) -> None:
    """The migration that came with the words drops it; the log gives it again (decision 37)."""
    document = stake(10, "2021-01-01")
    document["statements"][0] |= {"effective": "2021", "until": "2030"}
    site.append(document)
    site.publish()
    before = site.files()
    with site.log.writing() as writer:
        writer.connection.execute(update(put_out).values(body=func.replace(put_out.c.body, "2021 through 2030", "x")))
        command.downgrade(configuration(writer.connection), "0019")
    site.log.migrate()
    with site.log.reading() as reader:
        dropped = Shelf(reader.connection).ends()

    done = site.publish(whole=True)

    assert dropped == (0, 0)
    assert "2021 through 2030" in str(before)
    assert (done.written, site.files()) == (0, before)


def test_what_is_kept_of_the_feeds_is_what_the_whole_log_gives(site: Site) -> None:
    """The shelf is a projection: step by step or anew, it holds what reading every record from the start gives."""
    steps: list[dict[str, Any]] = [
        stake(10, "2021-01-01"),
        {
            **stake(12, "2025-06-01"),
            "statements": [{**stake(12, "2025-06-01")["statements"][0], "effective": "2026-01-03"}],
        },
        {"corrects": "acme-bolt/1", "reason": "a slip", **stake(9, "2021-01-01")},
        {"retracts": "acme-bolt/2", "reason": "never said"},
        {"retracts": "acme-bolt/4", "reason": "said after all"},
    ]
    for step in steps:
        site.append(step)
        site.publish()
        site.clock.now += timedelta(days=1)
    site.publish()

    def kept() -> list[Any]:
        with site.log.reading() as reader:
            return Shelf(reader.connection).items("everything", 1, 1000)

    with site.log.reading() as reader:
        feed = Feed(BUILTIN).hear_all(map(recorded, reader.events())).until(site.clock.now.date())
    assert kept() == list(issued(put_outs(feed)))
    before = site.files()
    forget(site.log)
    assert site.publish(whole=True).written == 0
    assert site.files() == before


def test_publishing_twice_writes_nothing(site: Site) -> None:
    """Law 10."""
    site.append(stake(10, "2021-01-01"))

    assert site.publish().written > 0

    assert site.publish() == Published(0, site.publish().unchanged)
    assert site.publish(whole=True).written == 0


def test_every_change_is_an_entry_with_an_id_for_life(site: Site) -> None:
    """Law 8: a correction keeps the entry's id and its published time, says so, and is an entry of its own."""
    site.append(stake(20, "2021-01-01"))
    site.publish()
    (before,) = site.atom("all")
    site.clock.now += timedelta(hours=1)
    site.append({"corrects": "acme-bolt/1", "reason": "a zero too many", **stake(2, "2021-01-01")})
    site.publish()

    after = {entry["id"]: entry for entry in site.atom("all")}

    assert list(after) == ["tag:timeline.invalid,2026:acme-bolt/1", "tag:timeline.invalid,2026:acme-bolt/2"]
    old = after[before["id"]]
    assert (old["published"], old["title"]) == (before["published"], before["title"])
    assert old["updated"] > before["updated"]
    assert after["tag:timeline.invalid,2026:acme-bolt/2"]["title"].startswith("Correction: Acme – Bolt: ")
    assert "Corrected on" in (site.folder / "all.atom").read_text("utf-8")


def test_a_boundary_is_put_out_on_its_day_once_however_late(site: Site) -> None:
    """A scheduler that slept for a week catches up; a boundary superseded before its day never fires."""
    site.append({**stake(10, "2025-12-01"), "statements": [_until(10, "2026-01-04")]})
    site.append({**stake(11, "2025-12-02"), "statements": [{**_until(11, "2026-01-20"), "effective": "2026-01-03"}]})
    site.publish()
    site.clock.now += timedelta(days=7)

    site.publish()

    fired = [entry for entry in site.atom("acme-bolt") if "@" in entry["id"]]
    assert [(entry["id"].partition(":acme-bolt/")[2], entry["title"]) for entry in fired] == [
        ("stake/bolt@2026-01-03", "Acme – Bolt: stake of Bolt becomes 11 % (effective 2026-01-03)")
    ]
    assert fired[0]["published"].startswith("2026-01-03T00:00:00")
    assert site.publish().written == 0


def _from(percent: int, day: str) -> dict[str, Any]:
    statement: dict[str, Any] = stake(percent, "2025-12-01")["statements"][0]
    return statement | {"effective": day}


def _until(percent: int, day: str) -> dict[str, Any]:
    statement: dict[str, Any] = stake(percent, "2025-12-01")["statements"][0]
    return statement | {"until": day}


def test_head_and_archive_hold_every_entry_and_a_sealed_page_never_changes(site: Site) -> None:
    """RFC 5005 §4: pages are counted from the first entry; what leaves the head is archived already."""
    for place in range(45):
        site.append(stake(place, f"20{10 + place // 12}-{place % 12 + 1:02d}-01"))
    site.publish()
    sealed = (site.folder / "acme-bolt/archive/1-20.atom").read_bytes()
    for place in range(45, 70):
        site.append(stake(place, f"20{10 + place // 12}-{place % 12 + 1:02d}-01"))
    site.publish()

    walked, name = [], "acme-bolt"
    while name:
        walked += [entry["id"] for entry in site.atom(name)]
        root = etree.fromstring((site.folder / f"{name}.atom").read_bytes())
        links = {link.get("rel"): link.get("href") for link in root.iterfind(f"{ATOM}link")}
        name = links.get("prev-archive", "").rpartition("/feeds/")[2].removesuffix(".atom")

    assert set(walked) == {f"tag:timeline.invalid,2026:acme-bolt/{n}" for n in range(1, 71)}
    assert (site.folder / "acme-bolt/archive/1-20.atom").read_bytes() == sealed
    assert len(site.atom("acme-bolt")) == 20


def test_the_three_formats_say_the_same(log: Log, clock: Clock, tmp_path: Path) -> None:
    """Same ids, titles and order in Atom, RSS and JSON Feed, read by a parser that is not ours, without a complaint."""
    site = Site(log, clock, tmp_path / "feeds")
    site.desk.import_files(walk([SEEDS]))
    site.publish()

    for name in ("all", "everything", "openai-microsoft", "kind/stake", "party/openai", "openai-microsoft/license"):
        atom = feedparser.parse((site.folder / f"{name}.atom").read_bytes())
        rss = feedparser.parse((site.folder / f"{name}.rss").read_bytes())
        items = json.loads((site.folder / f"{name}.json").read_bytes())["items"]
        assert (atom.bozo, rss.bozo) == (False, False)
        said = [(entry.id, entry.title) for entry in atom.entries]
        assert said == [(entry.id, entry.title) for entry in rss.entries]
        assert said == [(item["id"], item["title"]) for item in items]
        assert len(said) == len({entry for entry, _ in said})
        assert all(len(title) <= 140 for _, title in said)
        times = [entry.updated for entry in atom.entries]
        assert times == sorted(times, reverse=True)
        assert len(set(times)) == len(times)
        alternates = [[link for link in entry.links if link.rel == "alternate"] for entry in atom.entries]
        assert all(len(links) == 1 for links in alternates)


def test_a_feed_without_entries_is_valid_and_the_same_for_ever(site: Site) -> None:
    site.publish()
    first = site.files()
    site.clock.now += timedelta(days=400)

    site.publish()

    assert site.files() == first
    empty = feedparser.parse(first["acme-bolt.atom"])
    assert (empty.bozo, empty.entries, empty.feed.updated) == (False, [], "2000-01-01T00:00:00+00:00")


def test_reaffirmations_and_reports_stand_in_everything_alone(site: Site) -> None:
    reported = {**stake(30, "2022-01-01"), "force": "reported"}
    reaffirmed = stake(10, "2023-01-01")
    reaffirmed["statements"] = [{"term": "stake/bolt", "reaffirm": True, "quote": "as before"}]
    site.append(stake(10, "2021-01-01"), reported, reaffirmed)
    site.publish()

    assert [entry["id"][-1] for entry in site.atom("all")] == ["1"]
    assert [entry["id"][-1] for entry in site.atom("everything")] == ["3", "2", "1"]


def test_the_tag_authority_is_frozen_at_the_first_publish(site: Site) -> None:
    """Another one would change every id, and every reader would show everything again."""
    site.publish()
    site.settings = replace(site.settings, tag_authority="example.org,2026")

    with pytest.raises(TimelineError) as refused:
        site.publish()

    assert refused.value.code == "invalid_configuration"


def test_nothing_hostile_becomes_markup(site: Site) -> None:
    """What a source says is text in every format, never elements or scripts."""
    hostile = "<script>alert(1)</script> & ]]> \u202e <b>"
    document = stake(10, "2021-01-01", title=hostile)
    document["statements"][0]["quote"] = hostile
    document["statements"][0]["set"]["basis"] = hostile
    site.append(document)
    site.publish()

    for suffix in ("atom", "rss"):
        parsed = feedparser.parse((site.folder / f"all.{suffix}").read_bytes(), sanitize_html=False)
        assert parsed.bozo is False
        assert hostile.split(maxsplit=1)[0] not in parsed.entries[0].content[0].value
        assert "&lt;script&gt;" in parsed.entries[0].content[0].value
    (item,) = json.loads((site.folder / "all.json").read_bytes())["items"]
    assert "<script" not in item["content_html"]


def test_dates_of_rss_are_those_of_atom_in_whole_seconds(site: Site) -> None:
    site.append(stake(10, "2021-01-01"))
    site.publish()

    rss = (site.folder / "all.rss").read_text("utf-8")

    (published,) = re.findall(r"<pubDate>(.*?)</pubDate>", rss.partition("<item>")[2])
    moment = datetime.fromisoformat(site.atom("all")[0]["published"]).astimezone(UTC)
    assert published == f"{moment:%a, %d %b %Y %H:%M:%S} +0000"
