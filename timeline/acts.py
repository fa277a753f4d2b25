"""The use cases that write: append, import; each one transaction, each with a receipt."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from timeline.chain import link
from timeline.core.acceptance import check, warnings
from timeline.core.announcements import KIND_OF_ACT, Announcement, Correction, Opening
from timeline.core.dates import START_OF_TIME, iso
from timeline.core.errors import TimelineError, did_you_mean
from timeline.core.feed import Entry, Feed
from timeline.core.history import Recorded, Slot
from timeline.core.line import Line
from timeline.core.terms import Kinds
from timeline.documents import Document, read
from timeline.log import Event, Fault, Log, NewEvent, Writer, damaged
from timeline.records import recorded
from timeline.rows import Batch, generation
from timeline.submissions import Submission, check_quotes, decoded, quoted_texts, submit

Json = dict[str, Any]
RETRIES = 8
BATCH = 500


@dataclass(slots=True)
class Imported:
    """What an import did."""

    recorded: int = 0
    already: int = 0
    files: int = 0
    refused: list[TimelineError] = field(default_factory=list)
    """With `keep_going`: why files were left out."""


class Desk:
    """Takes acts in. Keeps the records it has read in memory, so that a run of appends reads each of them once.

    Not for use by several threads at once: SQLite has one writer anyway, and PostgreSQL one order.
    """

    def __init__(self, log: Log, kinds: Kinds, clock: Callable[[], datetime]) -> None:
        self.log = log
        self.kinds = kinds
        self.clock = clock
        self._feeds: dict[str, tuple[int, Feed]] = {}

    def append(
        self,
        submission: Submission,
        *,
        expect: int | None = None,
        dry_run: bool = False,
        also: Callable[[Connection, Json], None] | None = None,
    ) -> Json:
        """Record one act; the receipt says what changed, what to know, and which entries it will publish.

        Args:
            expect: The partnership's last seq as the author knows it; anything recorded since refuses the append.
            dry_run: Do everything but record.
            also: What is to happen in the same transaction, given the receipt; whatever it raises undoes the append.

        Raises:
            TimelineError: what `core.acceptance.check` raises, and `key_reused`, `stale_expectation`, quotes.
        """
        for attempt in range(RETRIES):
            try:
                with self.log.writing() as writer:
                    session = _Session(self, writer)
                    event, replayed = session.take(submission, expect=expect)
                    feed = session.feeds[event.partnership]
                    receipt = _replay(feed, event) if replayed else _receipt(feed, event, session.followed)
                    if dry_run:
                        raise _Rehearsed(receipt | {"dry_run": True})
                    session.flush()
                    if also is not None:
                        also(writer.connection, receipt)
            except _Rehearsed as rehearsed:
                return rehearsed.receipt
            except TimelineError as error:
                # Also after a lost connection: if the act was recorded after all, it is found, not said twice.
                if error.code not in ("lost_race", "connection_lost") or attempt == RETRIES - 1:
                    raise submission.located(error) from error.__cause__
            else:
                self._feeds |= session.heard()
                return receipt
        raise AssertionError  # the loop returns or raises

    def import_files(
        self,
        files: Sequence[Path],
        *,
        keep_going: bool = False,
        progress: Callable[[str], None] = lambda _: None,
    ) -> Imported:
        """Record all documents of the files: openings first, then files in the order given, documents in file order.

        One transaction: a document that is refused leaves nothing behind. With `keep_going` a file with a refused
        document is left out whole, and the others are recorded.

        Args:
            progress: Called with the file's name for each document.
        """
        done = Imported(files=len(files))
        with self.log.writing() as writer:
            session = _Session(self, writer, told=False)
            good = [file for file in files if self._open(file, session, done, keep_going)]
            for file in good:
                self._import(file, session, done, keep_going, progress)
            session.flush()
        return done

    def _open(self, file: Path, session: _Session, done: Imported, keep_going: bool) -> bool:
        """Record the opening documents of a file; whether the file can be read at all."""
        try:
            for document in read(file):
                if _opens(document):
                    session.count(session.take(submit(document, self.kinds)), done)
        except TimelineError as error:
            if not keep_going:
                raise
            done.refused.append(error)
            return False
        return True

    def _import(
        self, file: Path, session: _Session, done: Imported, keep_going: bool, progress: Callable[[str], None]
    ) -> None:
        session.flush()
        before = (done.recorded, done.already)
        nested = session.writer.connection.begin_nested() if keep_going else None
        try:
            for document in read(file):
                if not _opens(document):
                    submission = submit(document, self.kinds)
                    try:
                        session.count(session.take(submission), done)
                    except TimelineError as error:
                        raise submission.located(error) from error.__cause__
                progress(file.name)
            session.flush()
        except TimelineError as error:
            if nested is None:
                raise
            nested.rollback()
            session.forget()
            done.recorded, done.already = before
            done.refused.append(error)
        else:
            if nested is not None:
                nested.commit()

    def take_feed(self, partnership: str) -> tuple[int, Feed]:
        """The partnership's feed and how far it has heard; whoever has it gives it back when all of it is recorded."""
        return self._feeds.pop(partnership, None) or (0, Feed(self.kinds))


class _Rehearsed(Exception):  # noqa: N818  # not an error: it undoes the transaction of a dry run
    def __init__(self, receipt: Json) -> None:
        super().__init__()
        self.receipt = receipt


class _Session:
    """One transaction of the desk: what it took in and has not yet handed to the log.

    Args:
        told: Whether somebody will read the receipts; if not, no entries are made.
    """

    def __init__(self, desk: Desk, writer: Writer, *, told: bool = True) -> None:
        self.desk = desk
        self.writer = writer
        self.told = told
        self.pending: list[NewEvent] = []
        self.keys: dict[str, Event] = {}
        self.contents: dict[tuple[str, str], Event] = {}
        self.texts: dict[str, str] = {}
        self.feeds: dict[str, Feed] = {}
        self.versions: dict[str, tuple[int, int]] = {}
        self.head: int | None = None
        self.last_at: datetime | None = None
        self.batch = Batch()
        self.followed: int | None = None
        """The partnership's last seq before the act taken in last; None before its opening."""

    def take(self, submission: Submission, *, expect: int | None = None) -> tuple[Event, bool]:
        """Take one act in; its event, and whether it had been recorded before."""
        act = submission.act
        partnership = act.partnership
        feed = self._feed(partnership)
        said = self._already(submission, feed)
        if said is not None:
            return said, True
        version, last = self.versions[partnership]
        self.followed = None if version < 0 else last
        if expect is not None and expect != last:
            raise _stale(feed, partnership, expect, last)
        if feed.book.opening is None and not isinstance(act, Opening):
            raise _unknown(partnership, self.writer.partnerships())
        check(feed.book, act, self.desk.kinds)
        self._check_evidence(submission)
        event = self._enter(submission, version + 1)
        before = self._hear(feed, Recorded(event.seq, event.version, event.recorded_at, act))
        self.batch.note(partnership, event.seq, feed.book, before)
        return event, False

    def heard(self) -> dict[str, tuple[int, Feed]]:
        """Every feed and how far it has heard, for the desk to keep when all of it is recorded."""
        return {name: (self.versions[name][1], feed) for name, feed in self.feeds.items()}

    def count(self, taken: tuple[Event, bool], done: Imported) -> None:
        """Count what became of one document, and write a full batch."""
        if taken[1]:
            done.already += 1
        else:
            done.recorded += 1
        if len(self.pending) >= BATCH:
            self.flush()

    def flush(self) -> None:
        """Hand everything taken in to the log."""
        if self.pending:
            self.writer.append_many(self.pending)
            self.pending = []
            live = generation(self.writer.connection)
            if live is None:  # they will be built from the log, as a whole
                self.batch.clear()
            else:
                self.batch.write(self.writer.connection, live)
            self.keys.clear()
            self.contents.clear()

    def forget(self) -> None:
        """Drop what was taken in and not written, after a savepoint was rolled back."""
        self.pending = []
        self.batch.clear()
        self.keys.clear()
        self.contents.clear()
        self.feeds.clear()
        self.versions.clear()
        self.writer.forget()
        self.head = None

    def _feed(self, partnership: str) -> Feed:
        """The partnership's record up to its present end, as this transaction sees it."""
        if self.head is None:
            self.writer.hold()
            head, self.last_at, _ = self.writer.head()
            self.head = head + len(self.pending)
        if partnership not in self.feeds:
            seq, feed = self.desk.take_feed(partnership)
            self.versions[partnership] = self.writer.partnership_head(partnership) or (-1, 0)
            news = self.writer.events(partnership=partnership, after=seq) if seq < self.versions[partnership][1] else ()
            for event in news:
                if event.hash != link(event):  # what is damaged is not judged by
                    raise damaged(Fault(event.seq, event.citation, "Its hash is not that of its fields."))
                self._hear(feed, recorded(event))
            self.feeds[partnership] = feed
        return self.feeds[partnership]

    def _hear(self, feed: Feed, record: Recorded) -> dict[Slot, Line]:
        return feed.hear(record) if self.told else feed.book.hear(record)

    def _already(self, submission: Submission, feed: Feed) -> Event | None:
        """The event that says the same: same key, same idempotency key, or the same content still standing.

        Raises:
            TimelineError: `key_reused` when a key stands for something else.
        """
        act = submission.act
        for key, what, find in (
            (submission.key, "key", self.writer.by_key),
            (submission.idempotency_key, "idempotency key", self.writer.by_idempotency_key),
        ):
            found = None if key is None else self.keys.get(f"{what} {key}") or find(key)
            if found is None:
                continue
            if found.partnership == act.partnership and found.content_hash == submission.hash:
                return found
            raise TimelineError(
                "key_reused",
                f"The {what} “{key}” stands for {found.partnership}/{found.version}, which says something else.",
                f"To mend what it says, correct {found.partnership}/{found.version}; for another act, another {what}.",
                field="key" if what == "key" else None,
            )
        same = self.contents.get((act.partnership, submission.hash))
        same = same or self.writer.by_content(act.partnership, submission.hash)
        if same is None or isinstance(act, Announcement | Opening) or feed.book.is_live(same.version):
            return same  # an announcement that was retracted is not said anew by being imported again
        return None

    def _check_evidence(self, submission: Submission) -> None:
        act = submission.act
        content = act.content if isinstance(act, Correction) else act
        for text in submission.texts.values():
            self.writer.store_text(text.content, text.media_type)
            self.texts.setdefault(text.sha256, decoded(text.content, name="The text", field=None))
        for sha in quoted_texts(act) - self.texts.keys():
            stored = self.writer.text(sha)
            if stored is None:
                raise TimelineError(
                    "unreadable_source",
                    f"The text {sha[:12]}… is not kept here.",
                    "Give the text itself, as text:.",
                    field="sources",
                )
            self.texts[sha] = decoded(stored.content, name="The stored text", field="sources")
        if isinstance(content, Announcement):
            check_quotes(content, self.texts)
        while len(self.texts) > 16:  # the sources of neighbouring documents are often the same
            del self.texts[next(iter(self.texts))]

    def _enter(self, submission: Submission, version: int) -> Event:
        """The event as it will be recorded: its position is known, for the order is held."""
        assert self.head is not None  # _feed() has set it
        self.head += 1
        self.last_at = self.writer.next_instant(self.last_at)
        act = submission.act
        new = NewEvent(
            partnership=act.partnership,
            expected_version=version,
            kind=KIND_OF_ACT[type(act)],
            key=submission.key,
            idempotency_key=submission.idempotency_key,
            content_hash=submission.hash,
            body=submission.body,
            recorded_at=self.last_at,
        )
        self.pending.append(new)
        event = Event(
            seq=self.head,
            partnership=new.partnership,
            version=version,
            kind=new.kind,
            key=new.key,
            idempotency_key=new.idempotency_key,
            content_hash=new.content_hash,
            recorded_at=self.last_at,
            body=new.body,
            previous_hash="",
            hash="",
        )
        self.versions[new.partnership] = (version, self.head)
        if new.key is not None:
            self.keys[f"key {new.key}"] = event
        if new.idempotency_key is not None:
            self.keys[f"idempotency key {new.idempotency_key}"] = event
        self.contents[new.partnership, new.content_hash] = event
        return event


def _opens(document: Document) -> bool:
    return "parties" in document.data


def _receipt(feed: Feed, event: Event, follows: int | None) -> Json:
    n, partnership = event.version, event.partnership
    entry = next((each for each in feed.entries[-1:] if each.id == f"{partnership}/{n}"), None)
    touched = [] if entry is None else feed.named(entry.invalidates)
    return {
        "id": f"{partnership}/{n}" if n else partnership,
        "kind": event.kind,
        "seq": event.seq,
        "head": f"{partnership}@{event.seq}",
        "follows": None if follows is None else f"{partnership}@{follows}",
        "replayed": False,
        "dry_run": False,
        "changes": [] if entry is None else _changes(entry),
        "warnings": [
            {"code": each.code, "statement": each.statement, "detail": each.detail}
            for each in (warnings(feed.book, n) if n else ())
        ],
        "entries": [_entry(each) for each in (*([entry] if entry else ()), *touched)],
    }


def _replay(feed: Feed, event: Event) -> Json:
    n = event.version
    last = max((record.seq for record in feed.book.records.values()), default=event.seq)
    return {
        "id": f"{event.partnership}/{n}" if n else event.partnership,
        "kind": event.kind,
        "seq": event.seq,
        "head": f"{event.partnership}@{last}",
        "follows": f"{event.partnership}@{last}",
        "replayed": True,
        "dry_run": False,
        "changes": [],
        "warnings": [],
        "entries": [],
    }


def _changes(entry: Entry) -> list[Json]:
    return [
        {
            "term": str(row.term),
            "label": row.label,
            "force": row.force,
            "before": row.before_text,
            "after": row.after_text,
            "start": None if row.start == START_OF_TIME else row.start.isoformat(),
            "period": row.period,
            "when": row.when,
            "text": row.piece,
        }
        for row in entry.rows
    ]


def _entry(entry: Entry) -> Json:
    return {"id": entry.id, "kind": entry.kind, "title": entry.title, "quiet": entry.quiet}


def _stale(feed: Feed, partnership: str, expected: int, last: int) -> TimelineError:
    since = [record for record in feed.book.records.values() if record.seq > expected]
    return TimelineError(
        "stale_expectation",
        f"{partnership} has moved on: you expected its record to end at {expected}, it ends at {last}.",
        f"Look at what was recorded since, then expect {last}.",
        head=f"{partnership}@{last}",
        since=[
            {"id": f"{partnership}/{each.n}", "seq": each.seq, "recorded_at": iso(each.recorded_at)} for each in since
        ],
    )


def _unknown(partnership: str, known: list[str]) -> TimelineError:
    near = f"{did_you_mean(partnership, known)} " if known else ""
    return TimelineError(
        "unknown_partnership",
        f"There is no partnership “{partnership}”.",
        f"{near}A new one is opened first, by {{partnership: {partnership}, name: …, parties: {{…}}}}.",
        field="partnership",
    )
