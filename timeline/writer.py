"""One transaction that may add to the log: it holds the order, chains the events, and inserts them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection
from sqlalchemy.exc import IntegrityError

from timeline.chain import GENESIS, TICK, Event, Fault, Walk, link, microseconds
from timeline.core.dates import iso
from timeline.core.errors import TimelineError
from timeline.database import PIPELINED, broken_constraint, broken_table, directly, insert_rows, plainly
from timeline.reader import Found, Reader, StoredText, found_in, question_of
from timeline.tables import event

# Any number will do, as long as nothing else in the database takes an advisory lock on it: "timeline" in ASCII.
LOCK = "SELECT pg_advisory_xact_lock(8388076116914171493)"

WRITTEN = datetime(2026, 11, 29, tzinfo=UTC)
"""No clock that is right says less; put it forward with a release."""
BELIEVED = timedelta(days=20 * 365)
"""A record may lie untouched for so long. A clock further ahead is wrong, and what it dates comes before all that
follows, for ever."""

_COLUMNS = [column.name for column in event.c]
_INSERT_TEXT = "INSERT INTO stored_text (sha256, media_type, content) VALUES (?, ?, ?)"


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event to be recorded: what the log cannot know by itself."""

    partnership: str
    expected_version: int
    """The version that it will have; 0 opens a partnership."""
    kind: str
    key: str | None
    idempotency_key: str | None
    content_hash: str
    body: str
    recorded_at: datetime | None = None
    """As `Writer.next_instant` foretold it; None: whenever it is recorded."""


class Writer(Reader):
    """One transaction that may add to the log; what it has added is also what it reads.

    An append that the database refuses ends the transaction: nothing of it is kept, also when its error is
    caught inside the block.
    """

    def __init__(self, connection: Connection, clock: Callable[[], datetime]) -> None:
        super().__init__(connection)
        self.refused: TimelineError | None = None
        """Why nothing of this transaction may be kept."""
        self.recorded_seq = 0
        """The position of the last event that this transaction added."""
        self._clock = clock
        self._on_postgresql = connection.dialect.name == "postgresql"
        self._holds_lock = not self._on_postgresql  # SQLite took it with BEGIN IMMEDIATE
        # While the lock is held only this transaction moves these ends, so that each is asked for once.
        self._last: Event | None = None
        self._heads: dict[str, tuple[int, int, str]] = {}

    def last(self) -> Event | None:
        if self._last is None or not self._holds_lock:
            self._last = super().last()
        return self._last

    def partnership_head(self, partnership: str) -> tuple[int, int, str] | None:
        known = self._heads.get(partnership) if self._holds_lock else None
        if known is None and (known := super().partnership_head(partnership)) is not None:
            self._heads[partnership] = known
        return known

    def forget(self) -> None:
        """Ask the database again where the log ends, after a savepoint was undone."""
        self._last = None
        self._heads.clear()

    def look(
        self,
        partnership: str | None,
        keys: Collection[str] = (),
        idempotency_keys: Collection[str] = (),
        texts: Collection[str] = (),
    ) -> Found:
        """All that an append must know, asked at once; as after `hold`, no other writer can append from here on.

        Args:
            texts: The sha256 of those that may have to be stored.
        """
        names = () if partnership is None else (partnership,)
        question = question_of(len(names), len(keys), len(idempotency_keys), len(texts))
        given = (*names, *keys, *idempotency_keys, *texts)
        if len(question) + sum(map(len, given)) > PIPELINED:
            self.hold()
        with self._or_nothing(), directly(self.connection) as driver:
            if not self._on_postgresql:
                rows = driver.execute(question, given).fetchall()
            elif self._holds_lock:
                rows = driver.execute(question.replace("?", "%s"), given).fetchall()
            else:
                # The question must begin after the lock was given: two statements, in one round trip.
                with driver.pipeline():
                    driver.execute(LOCK)
                    answer = driver.execute(question.replace("?", "%s"), given)
                rows = answer.fetchall()  # within the pipeline it would be a round trip of its own
                self.forget()
                self._holds_lock = True
        found = found_in(rows)
        self._last = found.last
        if found.head is not None:
            self._heads[found.head.partnership] = (found.head.version, found.head.seq, found.head.hash)
        return found

    def next_instant(self, last: datetime | None) -> datetime:
        """The instant that an event recorded now will have, after one recorded at `last`.

        Raises:
            TimelineError: `clock_wrong` when the clock is too far ahead to be believed, or no later instant is left.
        """
        now = self._clock().astimezone(UTC)
        if now - WRITTEN > BELIEVED and (last is None or now - last > BELIEVED):
            raise TimelineError(
                "clock_wrong",
                f"The clock of this machine says {iso(now)}, more than twenty years after all that is on record and "
                "after this program was written.",
                "Set the clock, then do the same again. If it is right, install a newer version of this program.",
            )
        try:
            return now if last is None else max(now, last + TICK)
        except OverflowError as error:
            raise TimelineError(
                "clock_wrong",
                "The last event is recorded at the last instant there is: a clock was wrong then.",
                "Restore the last backup from before it, beside this database, and record again what came after.",
            ) from error

    def append(
        self,
        *,
        partnership: str,
        expected_version: int,
        kind: str,
        key: str | None,
        idempotency_key: str | None,
        content_hash: str,
        body: str,
    ) -> Event:
        """The event as recorded. From here to the end of the transaction no other writer can append.

        Raises:
            TimelineError: `lost_race` when the partnership's next version is not `expected_version`: read
                again and decide again; `key_reused` when another event has one of the keys;
                `integrity_failure` when the event to continue is not as it was recorded.
        """
        new = NewEvent(partnership, expected_version, kind, key, idempotency_key, content_hash, body)
        return self.append_many([new])[0]

    def append_many(self, events: Sequence[NewEvent]) -> list[Event]:
        """The events as recorded, all or none of them, in the order given; several partnerships may be mixed.

        Raises:
            TimelineError: As `append`.
        """
        made = self.chain(events)
        if made:
            self.insert(made)
        return made

    def chain(self, events: Sequence[NewEvent]) -> list[Event]:
        """The events as they will be recorded next, not yet inserted.

        Raises:
            TimelineError: `lost_race`, `integrity_failure` as `append`.
        """
        self.hold()
        last = self._sound_last()
        last_seq, last_at, last_hash = (0, None, GENESIS) if last is None else (last.seq, last.recorded_at, last.hash)
        versions: dict[str, int] = {}
        recorded: list[Event] = []
        for seq, new in enumerate(events, last_seq + 1):
            if new.partnership not in versions:
                versions[new.partnership] = self._next_version(new.partnership)
            if new.expected_version != versions[new.partnership]:
                raise _lost_race(new)
            versions[new.partnership] += 1
            last_at = new.recorded_at or self.next_instant(last_at)
            made = _chained(new, seq, last_at, last_hash)
            recorded.append(made)
            last_hash = made.hash
        return recorded

    def restore(self, events: Sequence[Event]) -> None:
        """Record events as another log had them, from the one after this log's last on: same instants, same hashes.

        Raises:
            TimelineError: `integrity_failure` for an event that does not continue the log or is not as it was
                recorded; `key_reused` as `append`.
        """
        self.hold()
        last = self._sound_last()
        walk = Walk()
        if last is not None:
            names = {event.partnership for event in events}
            walk = Walk.onwards(last, {name: self._next_version(name) for name in names})
        for each in events:
            if not walk.step(each):
                assert walk.fault is not None  # a refused step says why
                self.refused = damaged(walk.fault)
                raise self.refused
        if events:
            self.insert(events)

    def store_text(self, content: bytes, media_type: str) -> str:
        """The SHA-256, in hex, under which these bytes are kept; bytes kept before are not kept again.

        Store texts before appending: on PostgreSQL two writers could otherwise wait for each other.
        """
        digest = sha256(content).hexdigest()
        if not self.has_text(digest):
            self.store_texts([StoredText(digest, media_type, content)])
        return digest

    def store_texts(self, texts: Sequence[StoredText]) -> None:
        """Store texts that were not found, all at once; another writer may have stored the same bytes meanwhile."""
        if not texts:
            return
        with self._or_nothing(), directly(self.connection) as driver, closing(driver.cursor()) as cursor:
            if self._on_postgresql:
                question = _INSERT_TEXT.replace("?", "%s") + " ON CONFLICT DO NOTHING"
            else:
                question = _INSERT_TEXT
            cursor.executemany(question, [(each.sha256, each.media_type, each.content) for each in texts])

    @contextmanager
    def _or_nothing(self) -> Iterator[None]:
        """A block whose failure is the end of the transaction; PostgreSQL would commit nothing, and not say so."""
        try:
            with plainly():
                yield
        except TimelineError as error:
            self.refused = error
            raise

    def hold(self) -> None:
        """From here to the end of the transaction no other writer can append; positions can be foretold."""
        if not self._holds_lock:
            with self._or_nothing():
                self.connection.exec_driver_sql(LOCK)
            self.forget()
            self._holds_lock = True

    def _next_version(self, partnership: str) -> int:
        known = self.partnership_head(partnership)
        return 0 if known is None else known[0] + 1

    def _sound_last(self) -> Event | None:
        """The last event, which the next one will vouch for; a damaged one is not built upon."""
        last = self.last()
        if last is not None:
            check_hash(last)
        return last

    @contextmanager
    def inserting(self, events: Sequence[Event]) -> Iterator[None]:
        """A block that inserts these events, as `chain` gave them.

        Raises:
            TimelineError: `key_reused`, `lost_race` as `append`.
        """
        with self._or_nothing():
            try:
                yield
            except IntegrityError as error:
                raise self._lost_to(error, events) from error
        self._last = events[-1]
        self.recorded_seq = self._last.seq
        self._heads |= {made.partnership: (made.version, made.seq, made.hash) for made in events}

    def insert(self, events: Sequence[Event]) -> None:
        """Insert these events, as `chain` gave them.

        Raises:
            TimelineError: `key_reused`, `lost_race` as `append`.
        """
        with self.inserting(events):
            insert_rows(self.connection, "event", _COLUMNS, [_row(made) for made in events])

    def _lost_to(self, error: IntegrityError, events: Sequence[Event]) -> TimelineError:
        """What a broken constraint means; SQLite does not name it, but there the transaction can still be asked."""
        if self._on_postgresql:
            reused = broken_constraint(error) in ("event_key_once", "event_idempotency_key_once")
        else:
            reused = any(self._has_key_of(made) for made in events)
        if reused:
            return TimelineError(
                "key_reused",
                "Another event has the same key or idempotency key.",
                "Read the event that has it; to record something else, choose another key.",
            )
        if broken_table(error) == "rectangle":
            return TimelineError(
                "integrity_failure",
                "The tables for fast questions hold already what would follow: the log lost its end, or they were "
                "changed.",
                "See what timeline verify says, with --known-head if you noted a head. Restore the last backup beside "
                "it, or go on from what is left with timeline rebuild.",
            )
        return TimelineError(
            "lost_race",
            f"{events[0].citation} cannot be recorded: another writer was faster.",
            "Read the partnership again, and record it again if it still has something to add.",
        )

    def _has_key_of(self, made: Event) -> bool:
        """Whether an event other than `made` has one of its keys."""
        holders = (
            None if made.key is None else self.by_key(made.key),
            None if made.idempotency_key is None else self.by_idempotency_key(made.idempotency_key),
        )
        return any(holder is not None and holder.hash != made.hash for holder in holders)


def check_hash(event: Event) -> None:
    """Refuse to build on an event, or to judge by one, whose hash is not that of its fields."""
    if event.hash != link(event):
        raise damaged(Fault(event.seq, event.citation, "Its hash is not that of its fields."))


def damaged(fault: Fault) -> TimelineError:
    """The refusal to build on a record that is not as it was written."""
    return TimelineError(
        "integrity_failure",
        f"{fault.name} is not as it was recorded. {fault.what}",
        "Nothing can be added until the record is whole again: keep it as it is, see what timeline verify says, "
        "and restore the last backup beside it.",
    )


def _row(made: Event) -> tuple[object, ...]:
    """The event as a row of its table."""
    return (
        made.seq,
        made.partnership,
        made.version,
        made.kind,
        made.key,
        made.idempotency_key,
        made.content_hash,
        microseconds(made.recorded_at),
        made.body,
        made.previous_hash,
        made.hash,
    )


def _chained(new: NewEvent, seq: int, recorded_at: datetime, previous_hash: str) -> Event:
    made = Event(
        seq=seq,
        partnership=new.partnership,
        version=new.expected_version,
        kind=new.kind,
        key=new.key,
        idempotency_key=new.idempotency_key,
        content_hash=new.content_hash,
        recorded_at=recorded_at,
        body=new.body,
        previous_hash=previous_hash,
        hash="",
    )
    return replace(made, hash=link(made))


def _lost_race(wanted: NewEvent) -> TimelineError:
    return TimelineError(
        "lost_race",
        f"{wanted.partnership}/{wanted.expected_version} is not the next version of {wanted.partnership}.",
        "Read the partnership again, and record it again if it still has something to add.",
    )
