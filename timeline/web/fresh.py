"""Answers given before, kept as bytes for as long as they are true.

An answer is a function of the address, the record and the day. One question to the database tells where the record
ends now, so a kept answer is never older than the record, whoever wrote to it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from datetime import datetime
from threading import Lock
from typing import TypeVar

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from timeline.log import Log

T = TypeVar("T")
_KEPT = 512
_MOVING = (b"known", b"announced", b"%")
"""Parameters whose meaning moves with the clock (today's date means now), and what could hide one."""
_LONGEST = 500


class Fresh:
    """Keeps the last answers.

    Args:
        clock: Tells today, aware UTC.
        at_once: Whether the record's end is known at once (a local file), so that asking needs no thread.
    """

    def __init__(self, log: Log, clock: Callable[[], datetime], *, at_once: bool) -> None:
        self._log = log
        self._clock = clock
        self._at_once = at_once
        self._kept: OrderedDict[Hashable, object] = OrderedDict()
        self._lock = Lock()

    async def answer(self, request: Request, make: Callable[[], T], keep: Callable[[], bool] = lambda: True) -> T:
        """What `make` returns, or returned before for this address, record and day; it runs in a thread.

        Args:
            keep: Asked after `make`, whether what it made is all that there is to say of this record.
        """
        query = request.scope["query_string"]
        if len(query) > _LONGEST or any(name in query for name in _MOVING):
            return await run_in_threadpool(make)
        end = self._log.end() if self._at_once else await run_in_threadpool(self._log.end)
        key = (request.scope["path"], query, end, self._clock().date())
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]  # type: ignore[return-value]  # the same address has the same maker
        made = await run_in_threadpool(make)
        if not keep():
            return made
        with self._lock:
            self._kept[key] = made
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return made
