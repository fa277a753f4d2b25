"""The site of feeds: everything once, nothing lost, the same bytes; kept incrementally, equal to made from scratch."""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from tests import feedcheck
from tests.conftest import Clock
from tests.records import DAY, Document, append, corrected, opening, retracted, said, settings
from timeline.core.announcements import act_from_json
from timeline.core.errors import TimelineError
from timeline.core.feed import Feed
from timeline.core.history import Recorded
from timeline.core.terms import BUILTIN
from timeline.formats import FORMATS, Item
from timeline.log import Log
from timeline.publishing import Shelf, forget, mine, publish, settled_day
from timeline.publishing import folder as folders
from timeline.publishing.put_outs import PutOut, issued, put_outs
from timeline.publishing.shelf import advance
from timeline.records import recorded as of_event

BASE = "https://timeline.example.org/feeds"


def published(log: Log, today: date, out: Path, **more: Any) -> tuple[int, int]:
    done = publish(log, BUILTIN, settings(**more), today, out)
    return done.written, done.unchanged


def files(out: Path) -> dict[str, bytes]:
    """What a static server would show."""
    found = {path.relative_to(out): path for path in out.rglob("*") if path.is_file()}
    return {str(name): path.read_bytes() for name, path in found.items() if not name.parts[0].startswith(".")}


def ids(body: bytes) -> list[str]:
    return [item["id"].partition(":acme-bolt/")[2] for item in json.loads(body)["items"]]


def walked(out: Path, name: str) -> dict[str, Any]:
    """Every entry that a reader has who keeps the newest version of each, from the head to the first page."""
    found: dict[str, Any] = {}
    address: str | None = f"{BASE}/{name}.json"
    while address is not None:
        document = json.loads((out / address.removeprefix(f"{BASE}/")).read_bytes())
        for item in document["items"]:
            kept = found.setdefault(item["id"], item)
            if item["date_modified"] > kept["date_modified"]:
                found[item["id"]] = item
        address = document.get("next_url")
    return found


def from_scratch(log: Log, today: date) -> list[Item]:
    """All put-outs of the log, without the projection."""
    feeds: dict[str, Feed] = {}
    with log.reading() as reader:
        for event in reader.events():
            feeds.setdefault(event.partnership, Feed(BUILTIN)).hear(of_event(event))
    return list(issued(each for feed in feeds.values() for each in put_outs(feed.until(today))))


def kept(log: Log) -> list[Item]:
    with log.reading() as reader:
        shelf = Shelf(reader.connection)
        feed = shelf.feed("everything")
        return [] if feed is None else shelf.items("everything", 1, feed.size)


def test_every_document_of_the_site_breaks_no_rule(log: Log, out: Path) -> None:
    append(
        log, opening(), *(said(n + 1) for n in range(50)), corrected(3, said(60)), retracted(7), opening("empty-one")
    )

    published(log, DAY, out)

    for name, body in files(out).items():
        check = feedcheck.CHECKS.get(name.rpartition(".")[2])
        assert check is None or check(body, f"{BASE}/{name}") == [], name


def test_there_is_a_feed_for_every_subject(log: Log, out: Path) -> None:
    append(log, opening(), said(10), opening("empty-one"))

    published(log, DAY, out)

    names = ("all", "everything", "acme-bolt", "acme-bolt/stake", "kind/stake", "party/acme", "party/bolt", "empty-one")
    assert files(out).keys() == {"feeds.opml", *(f"{name}.{suffix}" for name in names for suffix in FORMATS)}
    assert ids((out / "acme-bolt/stake.json").read_bytes()) == ["1"]
    assert json.loads((out / "empty-one.json").read_bytes())["items"] == []


def test_publishing_again_writes_nothing(log: Log, out: Path) -> None:
    """Law 10. A look at every document finds them right, too."""
    append(log, opening(), *(said(n + 1) for n in range(45)))
    published(log, DAY, out)
    before = {path: path.stat().st_mtime_ns for path in out.rglob("*.atom")}

    again = published(log, DAY, out)
    whole = publish(log, BUILTIN, settings(), DAY, out, whole=True)

    assert again[0] == 0
    assert (whole.written, whole.unchanged > 20) == (0, True)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*.atom")} == before


def test_a_small_feed_is_one_complete_document_and_a_long_one_has_an_archive(log: Log, out: Path) -> None:
    append(log, opening(), *(said(n + 1) for n in range(39)))
    published(log, DAY, out)
    small = (out / "all.atom").read_bytes()
    assert b"<fh:complete/>" in small
    assert small.count(b"<entry>") == 39
    assert not (out / "all").exists()

    append(log, said(40))
    published(log, DAY, out)

    head = (out / "all.atom").read_bytes()
    assert head.count(b"<entry>") == 20
    assert b"<fh:complete/>" not in head
    assert {path.name for path in (out / "all/archive").glob("*.atom")} == {"1-20.atom", "21-40.atom"}
    assert len(walked(out, "all")) == 40


def test_a_sealed_page_changes_once_when_its_successor_is_sealed(log: Log, out: Path) -> None:
    append(log, opening(), *(said(n + 1) for n in range(40)))
    published(log, DAY, out)
    first, second = ((out / f"all/archive/{span}.atom").read_bytes() for span in ("1-20", "21-40"))
    assert b"next-archive" in first
    assert b"next-archive" not in second

    append(log, *(corrected(n, said(60 + n)) for n in range(1, 20)))
    published(log, DAY, out)

    assert (out / "all/archive/1-20.atom").read_bytes() == first
    linked = (out / "all/archive/21-40.atom").read_bytes()
    link = f'<link href="{BASE}/all/archive/41-60.atom" rel="next-archive" type="application/atom+xml"/>'
    assert linked.replace(link.encode(), b"") == second


def test_a_corrected_entry_comes_back_into_the_head_and_is_never_lost(log: Log, out: Path) -> None:
    """Its old version stays on the sealed page; whoever walks to the first page has the corrected one."""
    append(log, opening(), said(1, "2025-06-01"), *(said(n + 2) for n in range(39)))
    append(log, corrected(1, said(50, "2025-06-01")))
    published(log, DAY, out)

    assert ids((out / "all.json").read_bytes())[:3] == ["1", "41", "40"]
    sealed = json.loads((out / "all/archive/1-20.json").read_bytes())["items"]
    assert sealed[-1]["_change"]["notes"] == []

    append(log, *(said(n + 1) for n in range(50)))
    published(log, DAY, out)

    assert "1" not in ids((out / "all.json").read_bytes())
    assert walked(out, "all")["tag:example.org,2026:acme-bolt/1"]["_change"]["notes"][0]["by"] == "acme-bolt/41"


def test_a_correction_that_changes_nothing_agreed_stands_in_everything_alone(log: Log, out: Path) -> None:
    """The entry that it corrects comes back with its line all the same."""
    append(log, opening(), said(1), said(2), corrected(1, said(50)))
    published(log, DAY, out)

    assert ids((out / "all.json").read_bytes()) == ["1", "2"]
    assert ids((out / "everything.json").read_bytes()) == ["1", "3", "2"]


def test_a_month_lived_shows_each_change_exactly_once(log: Log, clock: Clock, out: Path) -> None:
    """Append, correct, retract, a boundary day, a scheduler that slept, a rebuild: ids are never new twice."""
    seen: list[str] = []

    def polled(today: str) -> list[str]:
        """What a reader who polls shows as new."""
        publish(log, BUILTIN, settings(), date.fromisoformat(today), out)
        new = [name for name in ids((out / "all.json").read_bytes()) if name not in seen]
        seen.extend(new)
        return new

    append(log, opening(), said(10, statement={"effective": "2026-01-20"}))
    assert polled("2026-01-01") == ["1"]
    clock.now += timedelta(days=2)
    append(log, said(12, "2026-01-03", statement={"effective": "2026-01-10"}))
    assert polled("2026-01-03") == ["2"]
    assert polled("2026-01-04") == []
    append(log, corrected(2, said(13, "2026-01-03", statement={"effective": "2026-01-12"})))
    assert polled("2026-01-05") == ["3"]
    assert polled("2026-01-18") == ["stake/bolt@2026-01-12"]
    clock.now = datetime(2026, 1, 18, 12, tzinfo=UTC)
    append(log, retracted(1))
    assert polled("2026-01-25") == ["4"]
    before = files(out)

    forget(log)
    publish(log, BUILTIN, settings(), date(2026, 1, 25), out, whole=True)

    assert polled("2026-01-25") == []
    assert files(out) == before


def test_two_machines_publish_the_same_bytes(log: Log, clock: Clock, out: Path) -> None:
    """One published after every append, the other once at the end."""
    append(log, opening(), opening("other-one"))
    for number in range(45):
        clock.now += timedelta(hours=7)
        append(log, said(number % 5 + 1), said(number % 3 + 1, slug="other-one"))
        published(log, clock.now.date(), out / "often")
    published(log, clock.now.date(), out / "once")

    assert files(out / "often") == files(out / "once")


def test_a_service_that_moves_keeps_its_ids(log: Log, out: Path) -> None:
    append(log, opening(), said(10))
    published(log, DAY, out)
    before = ids((out / "all.json").read_bytes())

    written, _ = published(log, DAY, out, base_url="https://elsewhere.example.com")

    assert written > 20
    assert ids((out / "all.json").read_bytes()) == before
    assert b"timeline.example.org" not in (out / "all.atom").read_bytes()


def test_a_full_disk_leaves_every_file_whole(log: Log, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append(log, opening(), said(10))
    published(log, DAY, out)
    before = files(out)
    append(log, said(11))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(TimelineError) as refused:
            published(log, DAY, out)
    assert refused.value.code == "storage_failed"
    assert files(out) == before

    assert published(log, DAY, out)[0] > 0
    assert ids((out / "all.json").read_bytes()) == ["2", "1"]
    assert list((out / folders.BESIDE).glob("~*")) == []


def test_a_publish_killed_anywhere_is_finished_by_the_next_one(
    sqlite_log: Log, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each file is the old one or the new one, no head leads to a page that is not there, and nothing is left over."""
    append(sqlite_log, opening(), *(said(n + 1) for n in range(39)))
    published(sqlite_log, DAY, out / "whole")
    published(sqlite_log, DAY, out / "killed")
    append(sqlite_log, said(40))
    old, killed = files(out / "killed"), out / "killed"
    published(sqlite_log, DAY, out / "whole")
    new = files(out / "whole")

    class Killed(BaseException):
        pass

    replace = Path.replace
    for allowed in range(0, 40, 3):
        left = iter(range(allowed))

        def dying(path: Path, target: Path, left: Iterator[int] = left) -> Path:
            if next(left, None) is None:
                raise Killed
            return replace(path, target)

        with monkeypatch.context() as patched:
            patched.setattr(Path, "replace", dying)
            with suppress(Killed):
                published(sqlite_log, DAY, killed)
        for name, body in files(killed).items():
            assert body in (old.get(name), new.get(name)), name
        assert len(walked(killed, "all")) >= 39

    published(sqlite_log, DAY, killed)
    assert files(killed) == new


def test_a_day_ends_a_minute_after_midnight() -> None:
    """Appends that took their time just before midnight are through by then."""
    assert settled_day(datetime(2026, 1, 2, 0, 0, 59, tzinfo=UTC)) == date(2026, 1, 1)
    assert settled_day(datetime(2026, 1, 2, 0, 1, tzinfo=UTC)) == date(2026, 1, 2)
    assert settled_day(datetime(2026, 1, 2, 1, 30, tzinfo=UTC).astimezone()) == date(2026, 1, 2)


def test_a_feed_of_ones_own_holds_the_named_partnerships(log: Log) -> None:
    append(log, opening(), said(10), opening("other-one"), said(20, slug="other-one"), opening("third-one"))
    append(log, said(30, slug="third-one"))
    advance(log, BUILTIN, DAY)

    with log.reading() as reader:
        body, updated = mine(reader, settings(), ["third-one", "acme-bolt", "third-one"], "json")
        with pytest.raises(TimelineError) as unknown:
            mine(reader, settings(), ["acme-bold"], "json")
        with pytest.raises(TimelineError) as none:
            mine(reader, settings(), [], "json")

    feed = json.loads(body)
    assert feed["feed_url"] == f"{BASE}/mine.json?p=acme-bolt&p=third-one"
    assert feedcheck.json_feed(body, feed["feed_url"]) == []
    assert [item["id"][-11:] for item in feed["items"]] == ["third-one/1", "acme-bolt/1"]
    assert feed["items"][0]["date_modified"].startswith(updated.isoformat()[:19])
    assert (unknown.value.code, none.value.code) == ("unknown_partnership", "missing_parameter")
    assert unknown.value.remedy == "Did you mean acme-bolt?"


def test_a_record_that_was_changed_is_not_published_over(sqlite_log: Log, out: Path) -> None:
    append(sqlite_log, opening(), said(10))
    published(sqlite_log, DAY, out)
    with sqlite_log.writing() as writer:
        writer.connection.exec_driver_sql("UPDATE put_out SET sort_key = 'x' || sort_key")
    append(sqlite_log, said(11))

    with pytest.raises(TimelineError) as refused:
        published(sqlite_log, DAY, out)

    assert refused.value.code == "integrity_failure"


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where the site goes; the database lies beside it."""
    return tmp_path / "site"


@pytest.fixture
def sqlite_log(sqlite_url: str, clock: Clock) -> Iterator[Log]:
    opened = Log.open(sqlite_url, clock=clock)
    yield opened
    opened.close()


ACTS = st.lists(
    st.tuples(st.sampled_from(["said", "ahead", "late", "correct", "retract"]), st.integers(1, 4), st.integers(0, 40)),
    max_size=8,
)
"""What is done, to which act or how much, and how many hours later."""


def lived(steps: list[tuple[str, int, int]], slug: str = "acme-bolt") -> Iterator[tuple[timedelta, Document]]:
    """A life of acts that may be recorded, each with the time since the first."""
    yield timedelta(0), opening(slug)
    after, live = timedelta(hours=1), list[int]()
    for number, (what, which, hours) in enumerate(steps, start=1):
        after += timedelta(hours=hours)
        now = (datetime(2026, 1, 1, 12, tzinfo=UTC) + after).date()
        target = live[which % len(live)] if live else None
        if what == "retract" and target is not None:
            live.remove(target)
            yield after, retracted(target, slug)
        elif what == "correct" and target is not None:
            yield after, corrected(target, said(which + 4, slug=slug))
        else:
            days = {"ahead": which, "late": -which}.get(what, 0)
            live.append(number)
            on = (now + timedelta(days=days)).isoformat()
            yield after, said(which, now.isoformat(), slug, statement={"effective": on})


@profile(max_examples=200, deadline=None)
@given(ACTS, st.integers(0, 8), st.integers(0, 3))
def test_what_is_published_stays_published(steps: list[tuple[str, int, int]], cut: int, days: int) -> None:
    """Law 8: more log or a later day adds to the end of what was put out; old ids, times and texts stay."""
    timed = list(lived(steps))
    records = [
        Recorded(n + 1, n, datetime(2026, 1, 1, 12, n, tzinfo=UTC) + after, act_from_json(document, BUILTIN))
        for n, (after, document) in enumerate(timed)
    ]
    early = records[: max(cut, 1)]
    day = early[-1].recorded_at.date()

    def told(records: list[Recorded], today: date) -> list[PutOut]:
        return put_outs(Feed(BUILTIN).hear_all(records).until(today))

    before, after_ = told(early, day), told(records, records[-1].recorded_at.date() + timedelta(days=days))

    assert after_[: len(before)] == before
    assert len({item.updated for item in issued(after_)}) == len(after_)
    firsts: dict[str, datetime] = {}
    for item in issued(after_):
        assert item.published == firsts.setdefault(item.entry.id, item.published) <= item.updated


@pytest.mark.slow
@profile(max_examples=15, deadline=None)
@given(data=st.data(), ours=ACTS, theirs=ACTS)
def test_the_projection_is_what_the_log_says(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, ours: Any, theirs: Any
) -> None:
    """Kept after every few acts, of two partnerships, it equals the list made from scratch; so does one made anew."""
    clock = Clock()
    path = tmp_path_factory.mktemp("law") / "record.db"
    log = Log.open(f"sqlite:///{path}", clock=clock)
    log.migrate()
    start = clock.now
    both = [*lived(ours), *lived(theirs, "other-one")]
    for after, document in sorted(both, key=lambda pair: pair[0]):
        clock.now = max(start + after, clock.now)
        append(log, document)
        if data.draw(st.booleans()):
            advance(log, BUILTIN, settled_day(clock.now))
    today = clock.now.date() + timedelta(days=3)

    advance(log, BUILTIN, today)
    assert kept(log) == from_scratch(log, today)

    forget(log)
    advance(log, BUILTIN, today)
    assert kept(log) == from_scratch(log, today)
    log.close()


def test_a_file_that_changes_twice_in_a_second_has_a_later_date(log: Log, out: Path) -> None:
    """Readers that ask by date alone, and static servers that make their ETag of date and length, see the change."""
    append(log, opening(), said(10))
    published(log, DAY, out)
    first = (out / "all.atom").stat().st_mtime
    assert datetime.fromtimestamp(first, UTC) == datetime(2026, 1, 1, 12, tzinfo=UTC)

    append(log, said(11))
    published(log, DAY, out)

    assert (out / "all.atom").stat().st_mtime == first + 1
