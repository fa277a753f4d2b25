"""Hears that something was recorded, by whichever process, on one connection to PostgreSQL.

A trigger of the log notifies at each commit. A notification says only "look": what was recorded is read from the log,
so that one which is lost, or comes twice, does no harm. SQLite tells nothing; there the log must be asked.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from timeline.core.errors import TimelineError
from timeline.database import database_url, session_engine
from timeline.log import Log

NAME = "timeline listener"
"""What the connection is called in `pg_stat_activity`."""
_FIRST_WAIT, _LONGEST_WAIT = 0.25, 15.0
_LOOK_SECONDS = 1.0
"""How long a stop may be waited for."""
_SILENT_SECONDS = 10.0
"""After so long the server is asked whether it is still there."""
_log = logging.getLogger("timeline.listening")


class Listener:
    """Listens until it is stopped; a connection that is lost is made anew, after waits that grow to 15 seconds.

    Args:
        log: Where what was heard of will be read; if that is a replica, it is waited for before anybody is told.
        url: The primary itself: through a pooler that shares connections nothing is heard.
    """

    def __init__(self, log: Log, url: str) -> None:
        self._log = log
        found = database_url(url)
        self._engine = None if found.get_backend_name() == "sqlite" else session_engine(found, NAME)
        self._listens = False
        self._stopping = threading.Event()
        self._heard: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._run, name="listener", daemon=True)

    def listens(self) -> bool:
        """Whether every append is heard of just now; else the log must be asked."""
        return self._listens

    def start(self, heard: Callable[[], None]) -> None:
        """Begin to listen.

        Args:
            heard: Called from another thread when the log may have grown, and when `listens` has changed.
        """
        self._heard = heard
        if self._engine is not None:
            self._thread.start()

    def stop(self) -> None:
        """Listen no more."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        assert self._engine is not None  # else it is not started
        wait, said = _FIRST_WAIT, False
        while not self._stopping.is_set():
            try:
                with self._engine.connect() as session:
                    try:
                        self._listen(session)
                    finally:
                        session.invalidate()  # it may be broken, and is of no other use
            except (SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error) as error:
                if self._listens:
                    wait, said = _FIRST_WAIT, False
                if not said:
                    _log.warning("appends of other processes are asked for, not heard: %s", str(error).strip())
                said = True
            finally:
                self._listens = False
                self._heard()
            self._stopping.wait(wait)
            wait = min(2 * wait, _LONGEST_WAIT)

    def _listen(self, session: Connection) -> None:
        driver: Any = session.connection.driver_connection
        session.exec_driver_sql("LISTEN timeline_recorded")
        self._tell(session)  # what was recorded while nobody listened
        heard_at = time.monotonic()
        while not self._stopping.is_set():
            # Those that arrived together are one reason to look.
            if list(driver.notifies(timeout=_LOOK_SECONDS, stop_after=1)) or not self._listens:
                self._tell(session)
            elif time.monotonic() - heard_at >= _SILENT_SECONDS:
                session.exec_driver_sql("SELECT 1")
            else:
                continue
            heard_at = time.monotonic()

    def _tell(self, session: Connection) -> None:
        self._listens = True
        if self._log.on_replica:
            seq = session.exec_driver_sql("SELECT max(seq) FROM event").scalar() or 0
            try:
                with self._log.reading(reaching=seq):
                    pass
            except TimelineError:  # it is far behind, or away: until it is back, whoever wants to know must ask
                self._listens = False
        self._heard()
