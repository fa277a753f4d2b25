"""Tells the webhooks: each its own entries in order, several receivers side by side, so that none waits for another."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Lock
from typing import Any

from sqlalchemy import select, update

from timeline.chain import microseconds
from timeline.formats.cloud_events import entry_event
from timeline.formats.page import Site
from timeline.log import Log
from timeline.outbound import PUBLIC, Gate
from timeline.publishing.shelf import Shelf
from timeline.publishing.webhooks import Taken, post
from timeline.tables import feed_item, webhook

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
MOST_FAILURES = 12
"""In a row, before it is parked: by then it has failed for 7 to 15 hours."""
_TURN_SECONDS = 5
"""How long one receiver is told before the next has its turn; the answer under way is waited for."""
_SIDE_BY_SIDE = 8
_log = logging.getLogger("timeline.webhooks")


class Courier:
    """The one who tells. It holds no transaction while it waits for a receiver.

    Args:
        clock: Tells now, aware UTC.
        gate: Which addresses may be told.
    """

    def __init__(self, log: Log, site: Site, clock: Callable[[], datetime], gate: Gate = PUBLIC) -> None:
        self._log = log.primary  # a replica may not know what was taken already
        self._site = site
        self._clock = clock
        self._gate = gate
        self._threads = ThreadPoolExecutor(_SIDE_BY_SIDE, thread_name_prefix="webhook")
        self._under_way: set[str] = set()
        self._lock = Lock()
        self._closed = False

    def round(self) -> list[Future[None]]:
        """Begin a turn of every webhook for which something is due; the turns, to be waited for or not.

        One whose turn is still under way gets no second.
        """
        news = (feed_item.c.feed == webhook.c.feed) & (feed_item.c.position > webhook.c.position)
        due = (webhook.c.due_at <= microseconds(self._clock())) & webhook.c.parked_at.is_(None)
        question = select(webhook.c.name).where(due, select(feed_item.c.position).where(news).exists())
        with self._log.reading() as reader:
            names = list(reader.connection.scalars(question.order_by(webhook.c.due_at)))
        begun = []
        with self._lock:
            for name in (name for name in names if name not in self._under_way and not self._closed):
                self._under_way.add(name)
                begun.append(self._threads.submit(self._turn, name))
        return begun

    def close(self) -> None:
        """Begin nothing more, and wait for the answers under way."""
        with self._lock:
            self._closed = True
        self._threads.shutdown(wait=True, cancel_futures=True)

    def _turn(self, name: str) -> None:
        try:
            until = time.monotonic() + _TURN_SECONDS
            while not self._closed and time.monotonic() < until and self._tell(name):
                pass
        except Exception:  # its place is kept; the next turn goes on from there
            _log.exception("telling the webhook %s failed", name)
        finally:
            with self._lock:
                self._under_way.discard(name)

    def _tell(self, name: str) -> bool:
        """Tell the next entry; whether there may be another to tell now."""
        with self._log.reading() as reader:
            row = reader.connection.execute(select(webhook).where(webhook.c.name == name)).first()
        if row is None or row.parked_at is not None or row.due_at > microseconds(self._clock()):
            return False
        with self._log.reading() as reader:
            found = Shelf(reader.connection).after(row.feed, row.position)
        if found is None:
            return False
        position, item = found
        event = entry_event(item, position, row.feed, self._site)
        taken = post(row.address, row.secret, event, self._clock(), self._gate)
        # Whoever moved it on, removed it or had it tried again meanwhile was right.
        same = (webhook.c.name == name) & (webhook.c.created_at == row.created_at)
        same &= webhook.c.position == row.position
        if taken.wrong is not None:
            same &= webhook.c.attempts == row.attempts
        with self._log.writing() as writer:
            moved = writer.connection.execute(update(webhook).where(same).values(self._outcome(row, position, taken)))
        return taken.wrong is None and bool(moved.rowcount)

    def _outcome(self, row: Any, position: int, taken: Taken) -> dict[str, Any]:
        now = self._clock()
        if taken.wrong is None:
            done = {"position": position, "delivered_at": microseconds(now)}
            return done | {"attempts": 0, "due_at": 0, "trouble": None, "parked_at": None}
        attempts = row.attempts + 1
        failed: dict[str, Any] = {"attempts": attempts, "trouble": taken.wrong}
        if taken.gone or attempts >= MOST_FAILURES:
            # Why is not logged: it names the address, and who knows that may often write there.
            _log.warning("the webhook %s is parked; `timeline webhook list` says why", row.name)
            return failed | {"parked_at": microseconds(now)}
        return failed | {"due_at": microseconds(now + wait_after(attempts))}


def wait_after(failures: int) -> timedelta:
    """How long to wait after so many failures in a row: twice as long each time, spread so that many do not meet."""
    longest: timedelta = min(FIRST_WAIT * 2 ** min(failures - 1, 20), LONGEST_WAIT)
    return longest * random.uniform(0.5, 1)
