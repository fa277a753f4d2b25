"""The feeds as the database keeps them: a projection of (log, today) that only grows, a page of it read at a time.

`advance` brings it up to date from the events that are new and the boundaries that are due; every other partnership
is left alone. The law that it equals `put_outs.issued` of the whole log is in tests/test_publishing.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import Connection, Select, bindparam, delete, func, insert, or_, select, text, update

from timeline.chain import microseconds, moment
from timeline.core.calendar import Calendar
from timeline.core.changes import changed
from timeline.core.dates import END_OF_TIME, start_of_day
from timeline.core.errors import TimelineError
from timeline.core.feed import Entry, Feed
from timeline.core.terms import Kinds
from timeline.formats import Item
from timeline.log import Log, Reader
from timeline.publishing.calendars import keep_events
from timeline.publishing.names import EVERYWHERE, FeedName, feeds_of, feeds_opened, names_of
from timeline.publishing.put_outs import PutOut, put_outs
from timeline.records import recorded
from timeline.tables import calendar_event, event, feed, feed_item, feed_progress, memo, put_out

_BATCH = 2000
# Not the log's own number: whoever publishes keeps nobody from appending. "feeds" in ASCII.
_LOCK = text("SELECT pg_advisory_xact_lock(439855312243)")
_entry = msgspec.json.Decoder(Entry)


@dataclass(frozen=True, slots=True)
class Shelved:
    """A feed as it stands."""

    name: str
    number: int
    title: str
    subtitle: str
    size: int
    """How many put-outs it has."""


class Shelf:
    """Questions about the feeds, answered from one snapshot."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def ends(self) -> tuple[int, int]:
        """The position of the last put-out and the number of the newest feed; 0 while there is none."""
        positions = select(func.coalesce(func.max(put_out.c.position), 0))
        numbers = select(func.coalesce(func.max(feed.c.number), 0))
        return self.connection.scalar(positions) or 0, self.connection.scalar(numbers) or 0

    def mark(self, position: int, seq: int) -> str:
        """What tells the put-outs up to that position, and the log up to that seq, from others that are as long."""
        last = select(put_out.c.entry, put_out.c.updated).where(put_out.c.position == position)
        row = self.connection.execute(last).first()
        digest = self.connection.scalar(select(event.c.hash).where(event.c.seq == seq))
        return sha256(msgspec.json.encode([digest, None if row is None else list(row)])).hexdigest()

    def feeds(self, after_position: int = 0, after_number: int = 0) -> list[Shelved]:
        """The feeds that are newer than that number, or have a put-out after that position; by name."""
        grown = select(feed_item.c.feed).where(feed_item.c.position > after_position)
        question = select(feed).where(or_(feed.c.number > after_number, feed.c.name.in_(grown)))
        return sorted((Shelved(**row._asdict()) for row in self.connection.execute(question)), key=lambda f: f.name)

    def feed(self, name: str) -> Shelved | None:
        """The feed of that name."""
        row = self.connection.execute(select(feed).where(feed.c.name == name)).first()
        return None if row is None else Shelved(**row._asdict())

    def size_at(self, name: str, position: int) -> int:
        """How many put-outs the feed had when the last one of all had that position."""
        before = select(feed_item.c.ordinal).where(feed_item.c.feed == name, feed_item.c.position <= position)
        return self.connection.scalar(before.order_by(feed_item.c.ordinal.desc()).limit(1)) or 0

    def items(self, name: str, first: int, last: int) -> list[Item]:
        """The put-outs of a feed from one ordinal to another, both inclusive, in order."""
        between = feed_item.c.ordinal.between(first, last)
        question = _items().where(feed_item.c.feed == name, between).order_by(feed_item.c.ordinal)
        return [_item(row) for row in self.connection.execute(question)]

    def after(self, name: str, position: int) -> tuple[int, Item] | None:
        """The first put-out of a feed after that position among all, and its own; None when there is none."""
        later = (feed_item.c.feed == name) & (feed_item.c.position > position)
        question = _items().add_columns(feed_item.c.position).where(later).order_by(feed_item.c.ordinal).limit(1)
        row = self.connection.execute(question).first()
        return None if row is None else (int(row.position), _item(row))

    def newest(self, names: Sequence[str], limit: int) -> list[Item]:
        """The entries of these feeds that were put out last, each as it stands, newest first; at most `limit`.

        No entry may stand in two of the feeds. Each is read from its end, by its own order: by that of all, a
        database would read a long feed whole and sort it.
        """
        found = [item for name in names for item in self._newest(name, limit)]
        return sorted(found, key=lambda item: item.updated, reverse=True)[:limit]

    def _newest(self, name: str, limit: int) -> list[Item]:
        found: dict[str, Item] = {}
        question = _items().where(feed_item.c.feed == name).order_by(feed_item.c.ordinal.desc()).limit(limit)
        page = self.connection.execute(question).all()
        while page and len(found) < limit:
            for row in page:
                if row.entry not in found:
                    found[row.entry] = _item(row)
            page = self.connection.execute(question.where(feed_item.c.ordinal < page[-1].ordinal)).all()
        return list(found.values())[:limit]


def advance(log: Log, kinds: Kinds, today: date) -> None:
    """Bring the feeds up to what the log holds now and to that day.

    Args:
        today: A day that has begun everywhere the log is written. An earlier one than before counts for nothing.

    Raises:
        TimelineError: `integrity_failure` when what was put out before is not what the log says now.
    """
    with log.reading() as reader:
        head, head_at, _ = reader.head()
        told_seq, told_day = told(reader.connection)
        today = max(today, told_day, head_at.date() if head_at is not None else told_day)
        if (head, today) == (told_seq, told_day):
            return
        touched = _touched(reader.connection, told_seq, head, today)
    with publishing(log) as connection:
        _open_feeds(connection, EVERYWHERE)
    for partnership in touched:
        with log.reading() as reader:
            made, calendar = heard(reader, partnership, head, kinds)
        with publishing(log) as connection:
            if _stage(connection, partnership, made.until(today), today):
                keep_events(connection, partnership, calendar.events())
    bounds = (-1 if head_at is None else microseconds(head_at), microseconds(start_of_day(today)))
    more = True
    while more:
        with publishing(log) as connection:
            more = _place(connection, *bounds)
    with publishing(log) as connection:
        told_seq, told_day = told(connection)
        remember(connection, "told_seq", str(max(head, told_seq)))
        remember(connection, "told_day", max(today, told_day).isoformat())


@contextmanager
def publishing(log: Log) -> Iterator[Connection]:
    """A connection in one transaction that no other publisher's overlaps; SQLite has one writer anyway."""
    with log.writing() as writer:
        if writer.connection.dialect.name == "postgresql":
            writer.connection.execute(_LOCK)
        yield writer.connection


def forget(log: Log) -> None:
    """Drop the projection; the next `advance` makes it anew, and the same."""
    with publishing(log) as connection:
        for table in (feed_item, feed, put_out, feed_progress, calendar_event):
            connection.execute(delete(table))
        connection.execute(delete(memo).where(memo.c.name.in_(("told_seq", "told_day"))))


def remembered(connection: Connection, name: str) -> str | None:
    """What was noted under that name."""
    return connection.scalar(select(memo.c.value).where(memo.c.name == name))


def remember(connection: Connection, name: str, value: str) -> None:
    """Note it, in place of what was noted before."""
    if not connection.execute(update(memo).where(memo.c.name == name).values(value=value)).rowcount:
        connection.execute(insert(memo).values(name=name, value=value))


def told(connection: Connection) -> tuple[int, date]:
    """How far the feeds are: the log's seq, 0 before the first publish, and the day."""
    seq, day = remembered(connection, "told_seq"), remembered(connection, "told_day")
    return int(seq or 0), date.min if day is None else date.fromisoformat(day)


def _touched(connection: Connection, told: int, head: int, today: date) -> list[str]:
    """The partnerships with events in (told, head], in the order of the first one; then those with a boundary due."""
    news = select(event.c.partnership).where(event.c.seq > told, event.c.seq <= head)
    order = news.group_by(event.c.partnership).order_by(func.min(event.c.seq))
    due = select(feed_progress.c.partnership).where(feed_progress.c.next_on <= today.isoformat())
    found = [*connection.scalars(order), *connection.scalars(due.order_by(feed_progress.c.partnership))]
    return list(dict.fromkeys(found))


def heard(reader: Reader, partnership: str, head: int, kinds: Kinds) -> tuple[Feed, Calendar]:
    """What a partnership's record up to that position says to a feed and to a calendar."""
    made, calendar = Feed(kinds), Calendar(kinds)
    for record in map(recorded, reader.events_of(partnership, upto=head)):
        calendar.hear(record, made.book, made.hear(record))
    return made, calendar


def _stage(connection: Connection, partnership: str, heard: Feed, today: date) -> bool:
    """Add what the partnership has put out since; it has no position yet. False when it was heard further before."""
    opening = heard.book.opening
    assert opening is not None  # the log gives its first event to nothing else
    progress = connection.execute(select(feed_progress).where(feed_progress.c.partnership == partnership)).first()
    done = 0 if progress is None else progress.put_outs
    made = put_outs(heard)
    if len(made) < done:
        return False  # another process has been faster and further
    _check(connection, partnership, made, done)
    _open_feeds(connection, [*feeds_opened(opening), *(f for each in made[done:] for f in feeds_of(each.entry))])
    rows = list(rows_of(partnership, made, done))
    for start in range(0, len(rows), _BATCH):
        connection.execute(insert(put_out), rows[start : start + _BATCH])
    connection.execute(delete(feed_progress).where(feed_progress.c.partnership == partnership))
    ahead = changed(heard.book, today, END_OF_TIME)
    connection.execute(
        insert(feed_progress).values(
            partnership=partnership,
            seq=max((record.seq for record in heard.book.records.values()), default=0),
            put_outs=len(made),
            next_on=ahead[0].on.isoformat() if ahead else None,
        )
    )
    return True


def _check(connection: Connection, partnership: str, made: Sequence[PutOut], done: int) -> None:
    """Refuse to go on from a past that is no longer the log's."""
    last = select(put_out.c.sort_key).where(put_out.c.partnership == partnership, put_out.c.number == done)
    if done and connection.scalar(last) != made[done - 1].sort_key:
        raise TimelineError(
            "integrity_failure",
            f"What the feeds of {partnership} have put out is not what the log says now.",
            "Run `timeline verify`; if the log is sound, `timeline rebuild` makes the feeds anew from it.",
        )


def rows_of(partnership: str, made: Sequence[PutOut], done: int = 0) -> Iterator[dict[str, Any]]:
    """A partnership's put-outs as they are kept before they have a position, those after the first `done`."""
    firsts: dict[str, int] = {}
    for number, each in enumerate(made, start=1):
        first = firsts.setdefault(each.entry.id, number)
        if number > done:
            yield {
                "partnership": partnership,
                "number": number,
                "first": first,
                "sort_key": each.sort_key,
                "by_clock": int(each.entry.on is not None and not each.entry.notes),
                "own_time": microseconds(each.at),
                "feeds": " ".join(names_of(each.entry)),
                "entry": each.entry.id,
                "body": msgspec.json.encode(each.entry).decode(),
            }


def _place(connection: Connection, recorded_upto: int, clock_upto: int) -> bool:
    """Give the next put-outs their position, their times and their feeds; whether there may be more."""
    ripe = or_(
        (put_out.c.by_clock == 0) & (put_out.c.own_time <= recorded_upto),
        (put_out.c.by_clock == 1) & (put_out.c.own_time <= clock_upto),
    )
    question = select(put_out).where(put_out.c.position.is_(None), ripe).order_by(put_out.c.sort_key).limit(_BATCH)
    rows = connection.execute(question).all()
    if not rows:
        return False
    latest = select(put_out.c.position, put_out.c.updated).where(put_out.c.position.is_not(None))
    last = connection.execute(latest.order_by(put_out.c.position.desc()).limit(1)).first()
    position, updated = (0, -1) if last is None else (last.position, last.updated)
    sizes: dict[str, int] = {}
    items: list[dict[str, Any]] = []
    placed: list[dict[str, Any]] = []
    times: dict[tuple[str, int], int] = {}
    for row in rows:
        position, updated = position + 1, max(row.own_time, updated + 1)
        times[row.partnership, row.number] = updated
        published = times.get((row.partnership, row.first)) or _published(connection, row.partnership, row.first)
        placed.append(
            {"p": row.partnership, "n": row.number, "position": position, "published": published, "updated": updated}
        )
        for name in row.feeds.split():
            size = sizes[name] if name in sizes else _size(connection, name)
            sizes[name] = size + 1
            items.append({"feed": name, "ordinal": size + 1, "position": position})
    which = (put_out.c.partnership == bindparam("p")) & (put_out.c.number == bindparam("n"))
    connection.execute(update(put_out).where(which), placed)
    connection.execute(insert(feed_item), items)
    for name, size in sizes.items():
        connection.execute(update(feed).where(feed.c.name == name).values(size=size))
    return len(rows) == _BATCH


def _published(connection: Connection, partnership: str, number: int) -> int:
    """When the put-out was issued, which has its place already."""
    same = (put_out.c.partnership == partnership) & (put_out.c.number == number)
    return int(connection.execute(select(put_out.c.updated).where(same)).scalar_one())


def _size(connection: Connection, name: str) -> int:
    return int(connection.execute(select(feed.c.size).where(feed.c.name == name)).scalar_one())


def _open_feeds(connection: Connection, feeds: Iterable[FeedName]) -> None:
    """Add the feeds that are not there yet, in the order given; the first to name a feed gives its title."""
    wanted: dict[str, FeedName] = {}
    for each in feeds:
        wanted.setdefault(each.name, each)
    known = set(connection.scalars(select(feed.c.name).where(feed.c.name.in_(list(wanted)))))
    number = connection.scalar(select(func.coalesce(func.max(feed.c.number), 0))) or 0
    new = [each for each in wanted.values() if each.name not in known]
    rows = [{**each._asdict(), "number": number + place, "size": 0} for place, each in enumerate(new, start=1)]
    if rows:
        connection.execute(insert(feed), rows)


def _items() -> Select[Any]:
    columns = (put_out.c.entry, put_out.c.body, put_out.c.published, put_out.c.updated, feed_item.c.ordinal)
    return select(*columns).join(feed_item, feed_item.c.position == put_out.c.position)


def _item(row: Any) -> Item:
    return Item(_entry.decode(row.body), moment(row.published), moment(row.updated))
