"""Who may write next, among the threads of this process."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from timeline.database.trouble import busy


class Turns:
    """Lets the threads of this process write one after the other, in the order in which they came.

    The pool would give its one connection back to the thread that has just returned it, again and again, while
    the others wait until they give up.
    """

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()
        self._taken = False

    @contextmanager
    def turn(self) -> Iterator[None]:
        """A block that one thread at a time is in.

        Raises:
            TimelineError: `database_busy` when the turn does not come in time.
        """
        self._wait()
        try:
            yield
        finally:
            with self._guard:
                if self._waiting:
                    self._waiting.popleft().release()
                else:
                    self._taken = False

    def _wait(self) -> None:
        with self._guard:
            if not self._taken:
                self._taken = True
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=self._patience):
            return
        with self._guard:
            # The turn may have come between giving up and getting here; then it is ours.
            if mine in self._waiting:
                self._waiting.remove(mine)
                raise busy()
