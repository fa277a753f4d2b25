"""The append-only log of everything recorded: append, read, verify. It hides SQL, hashes and races.

It knows nothing of announcements: a body is canonical JSON that somebody else wrote and will read.
Positions appear in order: whoever has read up to `seq` n will never find a new event at or before n.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Self

from sqlalchemy import URL, Connection, select
from sqlalchemy.exc import DBAPIError

from timeline import migrations
from timeline.chain import GENESIS, Event, Fault, Verification, Walk
from timeline.core.errors import TimelineError
from timeline.database import Glance, Turns, database_url, missing_file, plainly, reading_engine, writing_engine
from timeline.reader import PAGE, Reader, StoredText, event_of
from timeline.tables import stored_text
from timeline.writer import LOCK, NewEvent, Writer

__all__ = ["Event", "Fault", "Log", "NewEvent", "Reader", "StoredText", "Verification", "Writer", "event_of", "utc_now"]

PATIENCE_SECONDS = 5.0
_POLL_SECONDS = 0.01
_END = "SELECT seq, hash FROM event ORDER BY seq DESC LIMIT 1"


def utc_now() -> datetime:
    """The wall clock."""
    return datetime.now(UTC)


class Log:
    """The log in one database; safe to share between threads. Close it when done."""

    def __init__(self, url: URL, read_url: URL, clock: Callable[[], datetime], patience: float) -> None:
        self._url = url
        self._clock = clock
        self._writing = writing_engine(url, patience)
        self._reading = reading_engine(read_url, patience)
        self._glance = Glance(self._reading, _END) if read_url.get_backend_name() == "sqlite" else None
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
                connection.exec_driver_sql(LOCK)
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
        """The last event's seq, 0 while there is none. No later reader sees less."""
        return self.end()[0]

    def end(self) -> tuple[int, str]:
        """The last event's seq and hash: the cheapest question, to see whether an answer still stands.

        The seq alone would not do: after a failover to a replica that lacked the last events others have theirs.
        """
        seq, digest = self._end()
        if seq < self._reached:
            seq, digest = self.primary.end()
        self._note(seq)
        return seq, digest

    def _note(self, seq: int) -> None:
        if self.on_replica:
            with self._reaching:
                self._reached = max(seq, self._reached)

    def _end(self) -> tuple[int, str]:
        with plainly():
            if self._glance is not None:
                found = self._glance()
            else:
                with closing(self._reading.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                    cursor.execute(_END)
                    found = cursor.fetchone()
        return (0, GENESIS) if found is None else (found[0], found[1])

    def behind(self) -> int:
        """How many events the primary has that the replica read from has not; 0 where there is no replica."""
        if not self.on_replica:
            return 0
        there = self._end()[0]
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
                    all(walk.step(event) for event in reader.pages(walk.seq, None, None, size))
                    break
                except (DBAPIError, TimelineError) as error:
                    unreadable = f"It cannot be read: {getattr(error, 'orig', error)}".rstrip(".") + "."
            else:
                walk.missing(unreadable)
            verdict = walk.end()
            if verdict.fault is None:
                verdict = replace(verdict, fault=_damaged_index(reader) or _damaged_text(reader))
            return verdict


def _damaged_index(reader: Reader) -> Fault | None:
    """What SQLite finds wrong with the table of events and the indexes by which they are found; the chain needs none.

    PostgreSQL looks after its pages itself, with checksums.
    """
    if reader.connection.dialect.name != "sqlite":
        return None
    try:
        found = reader.connection.exec_driver_sql("PRAGMA integrity_check(event)").scalar()
    except DBAPIError as error:
        found = error.orig
    return None if found == "ok" else Fault(None, "table event", f"It, or an index of it, is damaged: {found}.")


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
