"""The scheduled job: publishes the feeds on time, at each new day, and promptly after an append.

APScheduler only ticks. What is due follows from the log, the day and the last run, so a missed tick loses nothing and
a second one publishes nothing twice; and only the leader of all processes on a database publishes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler

from timeline.core.dates import iso
from timeline.core.errors import TimelineError
from timeline.core.terms import Kinds
from timeline.leader import Leadership
from timeline.log import Log
from timeline.publishing import publish, settled_day
from timeline.publishing.websub import deliver
from timeline.settings import Settings

TICK = timedelta(seconds=1)
RETRY = timedelta(seconds=10)
"""After a run that failed, at the earliest."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Runs:
    """What is known of the runs so far."""

    leads: bool = False
    last_at: datetime | None = None
    """When the last run ended well."""
    last_day: date | None = None
    """The day that it published up to."""
    head: int = 0
    """The log's position that it published up to."""
    written: int = 0
    tried_at: datetime | None = None
    trouble: str | None = None
    """Why the last run failed."""


class Scheduler:
    """Publishes in the background, from `start` to `stop`."""

    def __init__(
        self, log: Log, kinds: Kinds, settings: Settings, leader: Leadership, clock: Callable[[], datetime]
    ) -> None:
        self.runs = Runs()
        self._log = log
        self._kinds = kinds
        self._settings = settings
        self._leader = leader
        self._clock = clock
        self._ticker = BackgroundScheduler(timezone=UTC)

    def start(self) -> None:
        """Begin to tick; the first tick comes at once."""
        logging.getLogger("apscheduler").setLevel(logging.WARNING)  # a line a second tells nobody anything
        self._ticker.add_job(
            self.tick,
            "interval",
            seconds=TICK.total_seconds(),
            next_run_time=datetime.now(UTC),
            misfire_grace_time=None,
            coalesce=True,
            max_instances=1,
        )
        self._ticker.start()

    def stop(self) -> None:
        """Stop ticking, after a run that is under way, and let another process lead."""
        self._ticker.shutdown(wait=True)
        self._leader.release()

    def tick(self) -> None:
        """Publish if this process leads and something is due. Trouble is kept for `status` and tried again."""
        now = self._clock()
        try:
            self.runs = replace(self.runs, leads=self._leader.held())
            if self.runs.leads:
                self._run(now)
        except TimelineError as error:
            self._failed(now, f"{error.detail} {error.remedy}")
            _log.warning("publishing failed: %s %s", error.detail, error.remedy)
        except Exception as error:
            self._failed(now, f"{type(error).__name__}: {error}")
            _log.exception("publishing failed")

    def status(self) -> dict[str, Any]:
        """The runs, and when the next one is due at the latest."""
        shown = asdict(self.runs)
        for name in ("last_at", "tried_at"):
            shown[name] = None if shown[name] is None else iso(shown[name])
        shown["last_day"] = None if self.runs.last_day is None else self.runs.last_day.isoformat()
        due = None if self.runs.last_at is None else self.runs.last_at + self._settings.publish_every
        return shown | {"next_at": None if due is None else iso(due)}

    def _run(self, now: datetime) -> None:
        runs = self.runs
        if runs.trouble is not None and runs.tried_at is not None and now < runs.tried_at + RETRY:
            return
        with self._log.reading() as reader:
            head = reader.head()[0]
        day = settled_day(now)
        on_time = runs.last_at is None or now >= runs.last_at + self._settings.publish_every
        if on_time or head != runs.head or day != runs.last_day or runs.trouble is not None:
            done = publish(self._log, self._kinds, self._settings, day)
            self.runs = Runs(True, now, day, head, done.written, now)
        if self._settings.hub_url is not None:
            deliver(self._log, self._settings.hub_url, now)

    def _failed(self, now: datetime, trouble: str) -> None:
        self.runs = replace(self.runs, tried_at=now, trouble=trouble)
