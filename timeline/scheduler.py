"""Publishes on time: every so often, when a day begins, and promptly after an append; one process at a time.

Several processes may run this over one record. Each tries to lead, at every tick; a lock that the operating system or
PostgreSQL takes back when its holder dies says who does, so another takes over within seconds.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any, Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from filelock import FileLock, Timeout
from sqlalchemy import URL, Connection, text
from sqlalchemy.exc import SQLAlchemyError

from timeline.core.dates import ONE_DAY, iso, start_of_day
from timeline.core.errors import TimelineError
from timeline.database import database_url, session_engine

Json = dict[str, Any]
TICK_SECONDS = 1.0
_DELIVER_SECONDS = 5
_AFTER_MIDNIGHT = timedelta(minutes=1, seconds=5)
"""When a new day is published: appends of the old one are through by then (`publishing.settled_day`)."""
# Nothing else in the database takes an advisory lock on it: "leader" in ASCII.
_LEAD = text("SELECT pg_try_advisory_lock(119182825547122) AND NOT pg_is_in_recovery()")
_RESIGN = text("SELECT pg_advisory_unlock(119182825547122)")
_FIRST_RETRY = timedelta(seconds=5)
_log = logging.getLogger("timeline.scheduler")


class Leadership(Protocol):
    """Who may publish."""

    def held(self) -> bool:
        """Whether this process leads, trying to if nobody does."""

    def release(self) -> None:
        """Let another lead."""


class FileLeadership:
    """Leadership among the processes of one machine, by a lock beside the SQLite file."""

    def __init__(self, path: Path) -> None:
        self._lock = FileLock(path, thread_local=False)

    def held(self) -> bool:
        if not self._lock.is_locked:
            try:
                self._lock.acquire(timeout=0)
            except (Timeout, OSError):
                return False
        return True

    def release(self) -> None:
        self._lock.release()


class PostgresLeadership:
    """Leadership among all processes on one PostgreSQL database, by a lock of a session of its own.

    The session goes to the primary itself: a pooler in between may hand one lock to two clients, and a standby grants
    locks that mean nothing.
    """

    def __init__(self, url: URL) -> None:
        self._engine = session_engine(url, "timeline leader")
        self._session: Connection | None = None
        self._leads = False

    def held(self) -> bool:
        try:
            if self._session is None:
                self._session = self._engine.connect()
            if self._leads:
                self._session.execute(text("SELECT 1"))  # a session that is gone has lost the lock
            else:
                self._leads = bool(self._session.scalar(_LEAD))
        except SQLAlchemyError as error:
            _log.warning("the session that leads is gone: %s", error)
            self.release()
        return self._leads

    def release(self) -> None:
        session, leads = self._session, self._leads
        self._session, self._leads = None, False
        if session is not None:
            with suppress(SQLAlchemyError):  # a session that is gone has no lock to give up
                if leads:
                    session.execute(_RESIGN)  # the server would do so only some time after the session ends
            session.invalidate()
            session.close()


def leadership(url: str) -> Leadership:
    """The leadership that fits the database."""
    found = database_url(url)
    if found.get_backend_name() == "sqlite":
        return FileLeadership(Path(f"{found.database}.leader.lock"))
    return PostgresLeadership(found)


@dataclass(frozen=True, slots=True)
class Run:
    """What is known of the publishing by this process."""

    leads: bool = False
    last_at: datetime | None = None
    last_ok: datetime | None = None
    seq: int = -1
    """Where the log ended when it was last published."""
    failures: int = 0
    """In a row."""
    error: Json | None = None
    next_at: datetime | None = None


class Scheduler:
    """One job that looks every second whether to publish.

    Args:
        publish: Brings the feeds up to date; what it raises is noted, and it is tried again, less and less often.
        last_seq: Where the log ends.
        clock: Tells now, aware UTC.
        every: The longest time between two publishes.
        deliver: Each tells somebody what was published: a hub, the webhooks.
    """

    def __init__(
        self,
        publish: Callable[[], object],
        last_seq: Callable[[], int],
        leader: Leadership,
        clock: Callable[[], datetime],
        *,
        every: timedelta,
        deliver: Sequence[Callable[[], object]] = (),
    ) -> None:
        self._deliveries = deliver
        self._publish = publish
        self._last_seq = last_seq
        self._leader = leader
        self._clock = clock
        self._every = every
        self._run = Run()
        self._lock = Lock()
        self._scheduler = BackgroundScheduler(
            jobstores={"default": MemoryJobStore()},
            executors={"default": ThreadPoolExecutor(1 + len(deliver))},
            timezone=UTC,
        )

    def start(self) -> None:
        """Begin to tick; the first tick is now."""
        self._scheduler.add_job(
            self.tick,
            "interval",
            id="tick",
            seconds=TICK_SECONDS,
            next_run_time=datetime.now(UTC),
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
        )
        for tell in self._deliveries:
            self._scheduler.add_job(
                self.deliver, "interval", [tell], seconds=_DELIVER_SECONDS, max_instances=1, coalesce=True
            )
        # A publish longer than a tick is no news.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        self._scheduler.start()

    def stop(self) -> None:
        """Finish what is under way, tick no more, and let another lead."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)
        self._leader.release()

    def poke(self) -> None:
        """Tick now: something was appended; from any thread."""
        if self._scheduler.running:
            self._scheduler.modify_job("tick", next_run_time=datetime.now(UTC))

    def tick(self) -> None:
        """Publish if this process leads and it is time; never raises, so that the next tick comes."""
        with self._lock:
            try:
                leads = self._leader.held()
                self._run = replace(self._run, leads=leads)
                if leads:
                    self._publish_if_due()
            except Exception as error:  # whatever it is, the next tick must come
                self._failed(error)

    def deliver(self, tell: Callable[[], object]) -> None:
        """Tell one of them, if this process leads; one that is away holds up no publish and no other."""
        if self._run.leads:
            try:
                tell()
            except Exception:  # the outbox keeps what was not sent
                _log.exception("telling what was published failed")

    def leads(self) -> bool:
        """Whether this process led at its last tick."""
        return self._run.leads

    def status(self) -> Json:
        """What `/status` shows of it."""
        run = self._run
        return {
            "leads": run.leads,
            "every_seconds": int(self._every.total_seconds()),
            "last_run_at": None if run.last_at is None else iso(run.last_at),
            "last_published_at": None if run.last_ok is None else iso(run.last_ok),
            "published_seq": run.seq if run.seq >= 0 else None,
            "next_run_at": iso(run.next_at) if run.leads and run.next_at is not None else None,
            "failures": run.failures,
            "error": run.error,
        }

    def _publish_if_due(self) -> None:
        now, run = self._clock(), self._run
        waits = run.next_at is not None and now < run.next_at
        # Before a retry is due only time helps; else an append does not wait.
        if waits and (run.failures or self._last_seq() == run.seq):
            return
        seq = self._last_seq()
        self._publish()
        begun_day = start_of_day(now.date()) + _AFTER_MIDNIGHT
        midnight = begun_day if now < begun_day else begun_day + ONE_DAY
        self._run = Run(leads=True, last_at=now, last_ok=now, seq=seq, next_at=min(now + self._every, midnight))

    def _failed(self, error: Exception) -> None:
        now, failures = self._clock(), self._run.failures + 1
        wait = min(_FIRST_RETRY * 2 ** min(failures - 1, 10), self._every)
        expected = isinstance(error, TimelineError | OSError | SQLAlchemyError)
        _log.error("publishing failed (%d in a row): %s", failures, error, exc_info=None if expected else error)
        problem = (
            error.problem() if isinstance(error, TimelineError) else {"detail": f"{type(error).__name__}: {error}"}
        )
        self._run = replace(self._run, last_at=now, failures=failures, error=problem, next_at=now + wait)
