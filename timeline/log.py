"""The append-only log of everything recorded: append, read, verify. It hides SQL, hashes and races.

It knows nothing of announcements: a body is canonical JSON that somebody else wrote and will read.
Positions appear in order: whoever has read up to `seq` n will never find a new event at or before n.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

from sqlalchemy import URL, Connection, insert, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.exc import DBAPIError, IntegrityError

from timeline import migrations
from timeline.chain import GENESIS, TICK, Event, Fault, Verification, Walk, link, microseconds
from timeline.core.errors import TimelineError
from timeline.database import (
    Glance,
    Turns,
    broken_constraint,
    database_url,
    missing_file,
    plainly,
    reading_engine,
    writing_engine,
)
from timeline.reader import PAGE, Reader, StoredText, event_of
from timeline.tables import event, stored_text

__all__ = ["Event", "Fault", "Log", "NewEvent", "Reader", "StoredText", "Verification", "Writer", "event_of", "utc_now"]

PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.01
# Any number will do, as long as nothing else in the database takes an advisory lock on it: "timeline" in ASCII.
_LAST_SEQ = "SELECT max(seq) FROM event"
_LOCK = text("SELECT pg_advisory_xact_lock(8388076116914171493)")


_INSERT = insert(event)


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


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
        self._heads: dict[str, tuple[int, int]] = {}

    def last(self) -> Event | None:
        if self._last is None or not self._holds_lock:
            self._last = super().last()
        return self._last

    def partnership_head(self, partnership: str) -> tuple[int, int] | None:
        known = self._heads.get(partnership) if self._holds_lock else None
        if known is None and (known := super().partnership_head(partnership)) is not None:
            self._heads[partnership] = known
        return known

    def forget(self) -> None:
        """Ask the database again where the log ends, after a savepoint was undone."""
        self._last = None
        self._heads.clear()

    def next_instant(self, last: datetime | None) -> datetime:
        """The instant that an event recorded now will have, after one recorded at `last`."""
        now = self._clock().astimezone(UTC)
        return now if last is None else max(now, last + TICK)

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
        if recorded:
            self._insert(recorded)
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
            self._insert(events)

    def store_text(self, content: bytes, media_type: str) -> str:
        """The SHA-256, in hex, under which these bytes are kept; bytes kept before are not kept again.

        Store texts before appending: on PostgreSQL two writers could otherwise wait for each other.
        """
        digest = sha256(content).hexdigest()
        if not self.has_text(digest):
            row = {"sha256": digest, "media_type": media_type, "content": content}
            if self._on_postgresql:
                # Another writer may store the same bytes between the question and the answer.
                self.connection.execute(postgresql.insert(stored_text).on_conflict_do_nothing(), row)
            else:
                self.connection.execute(insert(stored_text), row)
        return digest

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
                self.connection.execute(_LOCK)
            self.forget()
            self._holds_lock = True

    def _next_version(self, partnership: str) -> int:
        known = self.partnership_head(partnership)
        return 0 if known is None else known[0] + 1

    def _sound_last(self) -> Event | None:
        """The last event, which the next one will vouch for; a damaged one is not built upon."""
        last = self.last()
        if last is not None and last.hash != link(last):
            raise damaged(Fault(last.seq, last.citation, "Its hash is not that of its fields."))
        return last

    def _insert(self, events: Sequence[Event]) -> None:
        with self._or_nothing():
            try:
                self.connection.execute(_INSERT, [_row(made) for made in events])
            except IntegrityError as error:
                raise self._lost_to(error, events) from error
        self._last = events[-1]
        self.recorded_seq = self._last.seq
        self._heads |= {made.partnership: (made.version, made.seq) for made in events}

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


class Log:
    """The log in one database; safe to share between threads. Close it when done."""

    def __init__(self, url: URL, read_url: URL, clock: Callable[[], datetime], patience: float) -> None:
        self._url = url
        self._clock = clock
        self._writing = writing_engine(url, patience)
        self._reading = reading_engine(read_url, patience)
        self._glance = Glance(self._reading, _LAST_SEQ) if read_url.get_backend_name() == "sqlite" else None
        self._patience = patience
        self.on_replica = read_url != url
        """Whether questions go to another server than appends."""
        self.primary: Log = Log(url, url, clock, patience) if self.on_replica else self
        """The same log, read where it is written: for what somebody has just changed, and for work that will write."""
        self._reached = 0  # the furthest that was seen or recorded here, where a replica may not be yet
        self._reaching = threading.Lock()
        self._turns = Turns(patience) if url.get_backend_name() == "sqlite" else None

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Callable[[], datetime] = utc_now,
        read_url: str | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> Self:
        """The log at `url`; nothing is connected yet.

        Args:
            read_url: Where to read instead: a replica of the same database.
            patience: Seconds to wait for other writers before `database_busy`.

        Raises:
            TimelineError: `invalid_configuration` for a URL that can hold no log.
        """
        writes = database_url(url)
        return cls(writes, writes if read_url is None else database_url(read_url), clock, patience)

    def close(self) -> None:
        # The last connection to close an SQLite file writes its log back: that must be the writer's.
        if self._glance is not None:
            self._glance.close()
        self._reading.dispose()
        self._writing.dispose()
        if self.on_replica:
            self.primary.close()

    def migrate(self) -> None:
        """Bring the tables up to date; several processes may do so at once.

        Raises:
            TimelineError: `schema_mismatch` when a newer version of this program made them.
        """
        with self._transaction() as connection:
            if connection.dialect.name == "postgresql":
                connection.execute(_LOCK)
            migrations.upgrade(connection)

    def check_schema(self) -> None:
        """Do nothing when the tables are those that this code expects.

        Raises:
            TimelineError: `schema_mismatch`.
        """
        missing = missing_file(self._url)
        if missing is not None:  # asking would create it
            raise migrations.no_tables(f"There is no database file {missing}.")
        with self.reading() as reader:
            migrations.check(reader.connection)

    @contextmanager
    def reading(self, *, reaching: int = 0) -> Iterator[Reader]:
        """A reader on one snapshot, that of its first question, never older than what was recorded or seen here.

        While a replica is behind that, the primary is read instead.

        Args:
            reaching: The position that it must see, if there is such an event at all; a replica is waited for.

        Raises:
            TimelineError: `replica_behind` when the replica does not come so far in time.
        """
        if reaching and self.on_replica:
            self._wait_for(reaching)
        with plainly(), ExitStack() as stack:
            reader = Reader(stack.enter_context(self._reading.begin()))
            needed = max(reaching, self._reached)
            if self.on_replica and needed and reader.head()[0] < needed:
                stack.close()
                reader = stack.enter_context(self.primary.reading())
            yield reader

    def _wait_for(self, seq: int) -> None:
        """Wait until the replica has that event, unless not even the primary has it."""
        deadline = time.monotonic() + self._patience
        exists = False
        while True:
            with self.reading() as reader:
                there = reader.head()[0]
            if there >= seq:
                return
            if not exists:
                exists = self.primary.last_seq() >= seq
            if not exists:
                return
            if time.monotonic() >= deadline:
                raise TimelineError(
                    "replica_behind",
                    f"The replica has events up to {there} and not yet {seq}.",
                    f"Ask again in a moment, or with known_seq={there} for what it has.",
                )
            time.sleep(_POLL_SECONDS)

    def last_seq(self) -> int:
        """The last event's seq, 0 while there is none: the cheapest question, to see whether an answer still stands.

        No later reader sees less.
        """
        seq = self._last_seq()
        if seq < self._reached:
            seq = self.primary.last_seq()
        self._note(seq)
        return seq

    def _note(self, seq: int) -> None:
        if self.on_replica:
            with self._reaching:
                self._reached = max(seq, self._reached)

    def _last_seq(self) -> int:
        with plainly():
            if self._glance is not None:
                return self._glance() or 0
            with closing(self._reading.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute(_LAST_SEQ)
                (found,) = cursor.fetchall()
                return found[0] or 0

    def behind(self) -> int:
        """How many events the primary has that the replica read from has not; 0 where there is no replica."""
        if not self.on_replica:
            return 0
        there = self._last_seq()
        return max(self.primary.last_seq() - there, 0)

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A writer in one transaction, committed at the end of the block, undone if anything is raised in it."""
        with self._transaction() as connection:
            writer = Writer(connection, self._clock)
            yield writer
            if writer.refused is not None:
                raise writer.refused
        self._note(writer.recorded_seq)

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        turn = nullcontext() if self._turns is None else self._turns.turn()
        with turn, plainly(), self._writing.begin() as connection:
            yield connection

    def verify(self, known_head: tuple[int, str] | None = None) -> Verification:
        """How far the record is as it was written, judged in one snapshot; damage is reported, never raised.

        Args:
            known_head: The (seq, hash) of an event noted earlier, somewhere else. Only with it can events
                that were cut off the end, or a history rewritten as a whole, be found.
        """
        walk = Walk(known_head)
        unreadable = ""
        with self.reading() as reader:
            for size in (PAGE, 1):  # where a page cannot be read, find the event in it that cannot
                try:
                    all(walk.step(event) for event in reader.pages(None, walk.seq, None, None, size))
                    break
                except (DBAPIError, OverflowError) as error:
                    unreadable = f"It cannot be read: {getattr(error, 'orig', error)}."
            else:
                walk.missing(unreadable)
            verdict = walk.end()
            return verdict if verdict.fault is not None else replace(verdict, fault=_damaged_text(reader))


def damaged(fault: Fault) -> TimelineError:
    """The refusal to build on a record that is not as it was written."""
    return TimelineError(
        "integrity_failure",
        f"{fault.name} is not as it was recorded. {fault.what}",
        "Nothing can be added until the record is whole again: keep it as it is, see what timeline verify says, "
        "and restore the last backup beside it.",
    )


def _damaged_text(reader: Reader) -> Fault | None:
    """The first stored text whose bytes are no longer those it was stored under, in the order of their hashes."""
    last = ""
    following = select(stored_text.c.sha256).order_by(stored_text.c.sha256).limit(1)
    try:
        while (digest := reader.connection.scalar(following.where(stored_text.c.sha256 > last))) is not None:
            last = digest
            kept = reader.text(digest)
            if kept is None or sha256(kept.content).hexdigest() != digest:
                return Fault(None, f"text {digest}", "Its bytes are not those that were stored.")
    except DBAPIError as error:
        return Fault(None, f"text {last}", f"It, or the text after it, cannot be read: {error.orig}.")
    return None


def _row(made: Event) -> dict[str, object]:
    values: dict[str, object] = {column.name: getattr(made, column.name) for column in event.c}
    return values | {"recorded_at": microseconds(made.recorded_at)}


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
