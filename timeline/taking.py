"""One transaction that takes acts in: judges each against the record as it stands, and hands over what is new."""

from __future__ import annotations

import gc
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple, Self

from timeline.chain import GENESIS, Event
from timeline.core.acceptance import check, never_opened
from timeline.core.announcements import KIND_OF_ACT, Announcement, Correction, Opening
from timeline.core.dates import iso
from timeline.core.errors import TimelineError
from timeline.core.feed import Feed
from timeline.core.history import Recorded, Slot
from timeline.core.line import Line
from timeline.core.terms import Kinds
from timeline.reader import StoredText
from timeline.recording import record
from timeline.records import recorded
from timeline.rows import Batch
from timeline.submissions import Submission, check_quotes, decoded, quoted_texts
from timeline.writer import NewEvent, Writer, check_hash

BATCH = 500
"""So many acts are written together, unless they and their texts have more than `BATCH_BYTES`."""
BATCH_BYTES = 10_000_000
_log = logging.getLogger("timeline.record")
_KEY, _IDEMPOTENCY_KEY = "key", "idempotency key"


class Said(NamedTuple):
    """An act on record, as far as telling whether another one says the same needs it."""

    partnership: str
    version: int
    seq: int
    kind: str
    content_hash: str

    @classmethod
    def by(cls, event: Event) -> Self:
        return cls(event.partnership, event.version, event.seq, event.kind, event.content_hash)


@dataclass(slots=True)
class Record:
    """A partnership's record, as far as it was read."""

    feed: Feed
    version: int = -1
    seq: int = 0
    """Of its last act."""
    hash: str = GENESIS
    """Of its last act that the database has."""
    contents: dict[str, Said] = field(default_factory=dict)
    """The latest act of each content, by its hash."""

    def note(self, said: Said) -> None:
        """Note an act that the feed has heard."""
        self.version, self.seq = said.version, said.seq
        self.contents[said.content_hash] = said


class Session:
    """One transaction that takes acts in: what it knows, and what it took in and has not yet handed to the database.

    Args:
        known: The records that were read before, by partnership; those that are needed are taken out, and given back
            by whoever knows that the transaction was committed.
        told: Whether somebody will read the receipts; if not, no entries are made.
    """

    def __init__(self, writer: Writer, kinds: Kinds, known: dict[str, Record], *, told: bool = True) -> None:
        self.writer = writer
        self.kinds = kinds
        self.known = known
        self.told = told
        self.pending: list[NewEvent] = []
        self.keys: dict[tuple[str, str], Said] = {}
        """Who has a key: what was found for the acts at hand, and what was taken in since."""
        self.kept: set[str] = set()
        """The texts that are in the database, of those at hand."""
        self.new_texts: dict[str, StoredText] = {}
        self.texts: dict[str, str] = {}
        self.records: dict[str, Record] = {}
        self.head = 0
        self.last_at: datetime | None = None
        self.generation: int | None = None
        self.batch = Batch()
        self.followed: int | None = None
        """The partnership's last seq before the act taken in last; None before its opening."""

    def look(self, submissions: Sequence[Submission]) -> None:
        """See what the database has of these acts, with one question; all that was taken in before is in it."""
        names = {each.act.partnership for each in submissions}
        found = self.writer.look(
            names.pop() if len(names) == 1 else None,
            [each.key for each in submissions if each.key is not None],
            [each.idempotency_key for each in submissions if each.idempotency_key is not None],
            list({sha for each in submissions for sha in each.texts}),
        )
        self.head, self.last_at = (0, None) if found.last is None else (found.last.seq, found.last.recorded_at)
        self.keys = {(_KEY, key): Said.by(event) for key, event in found.by_key.items()}
        self.keys |= {(_IDEMPOTENCY_KEY, key): Said.by(event) for key, event in found.by_idempotency_key.items()}
        self.kept = found.texts
        self.generation = found.generation

    def take_all(self, submissions: Iterable[Submission]) -> tuple[int, int]:
        """Take acts in and hand them over, a batch at a time; how many are new, and how many were on record."""
        new = old = 0
        with _growing() as grown:
            for several in _batches(submissions):
                self.look(several)
                for submission in several:
                    try:
                        replayed = self.take(submission)[1]
                    except TimelineError as error:
                        raise submission.located(error) from error.__cause__
                    old += replayed
                    new += not replayed
                self.flush()
                grown()
        return new, old

    def take(self, submission: Submission, *, expect: int | None = None) -> tuple[Said, bool]:
        """Take one act in, which was looked for; what is on record of it, and whether it had been before."""
        act = submission.act
        partnership = act.partnership
        record = self._record(partnership)
        said = self._already(submission, record)
        if said is not None:
            return said, True
        self.followed = None if record.version < 0 else record.seq
        if expect is not None and expect != record.seq:
            raise _stale(record.feed, partnership, expect, record.seq)
        if record.feed.book.opening is None and not isinstance(act, Opening):
            raise never_opened(partnership, self.writer.partnerships())
        check(record.feed.book, act, self.kinds)
        self._check_evidence(submission)
        recorded_at = self.writer.next_instant(self.last_at)
        said = self._enter(submission, record.version + 1, recorded_at)
        before = self._hear(record.feed, Recorded(said.seq, said.version, recorded_at, act))
        record.note(said)
        self.batch.note(partnership, said.seq, record.feed.book, before)
        return said, False

    def flush(self, *, ends: bool = False) -> None:
        """Hand everything taken in to the database, and commit if the transaction `ends` with it."""
        if self.pending:
            texts = list(self.new_texts.values())
            for made in record(self.writer, self.pending, texts, self.batch, self.generation, ends=ends):
                self.records[made.partnership].hash = made.hash
            self.pending = []
            self.new_texts = {}

    def forget(self) -> None:
        """Drop what was taken in, after a savepoint was rolled back."""
        self.pending = []
        self.new_texts = {}
        self.batch.clear()
        self.records.clear()
        self.writer.forget()

    def _record(self, partnership: str) -> Record:
        """The partnership's record up to its present end, as this transaction sees it."""
        if partnership not in self.records:
            record = self.known.pop(partnership, None) or Record(Feed(self.kinds))
            _, _, last_hash = self.writer.partnership_head(partnership) or (-1, 0, GENESIS)
            if record.hash != last_hash:
                # A backup may have been restored, or a replica that lacked the end taken over.
                if record.seq and not self.writer.has(partnership, record.version, record.hash):
                    _log.error(
                        "%s/%s, which this process had recorded or read, is no longer on record: the database is an "
                        "older state. What else was recorded since is to be sent again.",
                        partnership,
                        record.version,
                    )
                    record = Record(Feed(self.kinds))
                for event in self.writer.events_of(partnership, after=record.version):
                    check_hash(event)
                    self._hear(record.feed, recorded(event))
                    record.note(Said.by(event))
                    record.hash = event.hash
            self.records[partnership] = record
        return self.records[partnership]

    def _hear(self, feed: Feed, record: Recorded) -> dict[Slot, Line]:
        return feed.hear(record) if self.told else feed.book.hear(record)

    def _already(self, submission: Submission, record: Record) -> Said | None:
        """The act that says the same: same key, same idempotency key, or the same content still standing.

        Raises:
            TimelineError: `key_reused` when a key stands for something else.
        """
        act = submission.act
        for what, key in ((_KEY, submission.key), (_IDEMPOTENCY_KEY, submission.idempotency_key)):
            found = None if key is None else self.keys.get((what, key))
            if found is None:
                continue
            if found.partnership == act.partnership and found.content_hash == submission.hash:
                return found
            raise TimelineError(
                "key_reused",
                f"The {what} “{key}” stands for {found.partnership}/{found.version}, which says something else.",
                f"To mend what it says, correct {found.partnership}/{found.version}; for another act, another {what}.",
                field="key" if what == _KEY else None,
            )
        same = record.contents.get(submission.hash)
        if same is None or isinstance(act, Announcement | Opening) or record.feed.book.is_live(same.version):
            return same  # an announcement that was retracted is not said anew by being imported again
        return None

    def _check_evidence(self, submission: Submission) -> None:
        act = submission.act
        content = act.content if isinstance(act, Correction) else act
        for text in submission.texts.values():
            if text.sha256 not in self.kept:
                self.new_texts[text.sha256] = StoredText(text.sha256, text.media_type, text.content)
            self.texts.setdefault(text.sha256, decoded(text.content, name="The text", field=None))
        for sha in quoted_texts(act) - self.texts.keys():
            stored = self.new_texts.get(sha) or self.writer.text(sha)
            if stored is None:
                raise TimelineError(
                    "unreadable_source",
                    f"The text {sha[:12]}… is not kept here.",
                    "Put the text itself in text, and leave text_sha256 out.",
                    field="sources",
                )
            self.texts[sha] = decoded(stored.content, name="The stored text", field="sources")
        if isinstance(content, Announcement):
            check_quotes(content, self.texts)
        while len(self.texts) > 16:  # the sources of neighbouring documents are often the same
            del self.texts[next(iter(self.texts))]

    def _enter(self, submission: Submission, version: int, recorded_at: datetime) -> Said:
        """The act as it will be recorded: its position is known, for the order is held."""
        self.head += 1
        self.last_at = recorded_at
        act = submission.act
        new = NewEvent(
            partnership=act.partnership,
            expected_version=version,
            kind=KIND_OF_ACT[type(act)],
            key=submission.key,
            idempotency_key=submission.idempotency_key,
            content_hash=submission.hash,
            body=submission.body,
            recorded_at=recorded_at,
        )
        self.pending.append(new)
        said = Said(new.partnership, version, self.head, new.kind, new.content_hash)
        if new.key is not None:
            self.keys[_KEY, new.key] = said
        if new.idempotency_key is not None:
            self.keys[_IDEMPOTENCY_KEY, new.idempotency_key] = said
        return said


@contextmanager
def _growing() -> Iterator[Callable[[], object]]:
    """A block in which the record in memory only grows; calling what it gives looks for garbage since the last call.

    The collector would otherwise go through all that is kept, again and again: a quarter of an import (decisions/0032).
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield partial(gc.collect, 0)
    finally:
        if was:
            gc.enable()


def _batches(submissions: Iterable[Submission]) -> Iterator[list[Submission]]:
    """The submissions, so many together as may be held in memory."""
    several: list[Submission] = []
    size = 0
    for each in submissions:
        several.append(each)
        size += len(each.body) + sum(len(text.content) for text in each.texts.values())
        if len(several) == BATCH or size > BATCH_BYTES:
            yield several
            several, size = [], 0
    if several:
        yield several


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
