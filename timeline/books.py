"""The books that were read last, kept in memory: a question asked again, or after one more act, reads little."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime
from threading import Lock
from typing import NamedTuple

from timeline.chain import GENESIS
from timeline.core.history import Book
from timeline.log import Reader
from timeline.records import recorded

_BOOKS = 64
"""Kept in memory; one of a hundred announcements takes about a megabyte."""


class _Heard(NamedTuple):
    """Which acts a book has heard: those up to this version, whose hash vouches for all before it."""

    partnership: str
    announced_by: datetime | None
    version: int
    hash: str


class Books:
    """Books by what they have heard. Safe to share between threads: a book that was given out hears no more."""

    def __init__(self) -> None:
        self._books: OrderedDict[_Heard, Book] = OrderedDict()
        self._lock = Lock()

    def upto(self, reader: Reader, partnership: str, seq: int, announced_by: datetime | None) -> Book:
        """The book of a partnership's acts up to a position of the log."""
        version, digest = reader.partnership_end(partnership, seq) or (-1, GENESIS)
        wanted = _Heard(partnership, announced_by, version, digest)
        with self._lock:
            kept = self._books.get(wanted)
            if kept is not None:
                self._books.move_to_end(wanted)
                return kept
            shorter = max((each for each in self._books if _goes_on(each, wanted)), default=None)
            begun = None if shorter is None else self._books[shorter]
        # The log may be another than it was: a backup restored, a replica that lacked the end taken over.
        if begun is not None and shorter is not None and reader.has(partnership, shorter.version, shorter.hash):
            book, after = begun.fork(), shorter.version
        else:
            book, after = Book(announced_by), -1
        book.hear_all(map(recorded, reader.events_of(partnership, after=after, upto=seq)))
        with self._lock:
            self._books[wanted] = book
            if after >= 0 and shorter is not None:
                self._books.pop(shorter, None)  # nobody asks for what is no longer the end, or hardly
            while len(self._books) > _BOOKS:
                self._books.popitem(last=False)
        return book


def _goes_on(shorter: _Heard, longer: _Heard) -> bool:
    return shorter[:2] == longer[:2] and shorter.version < longer.version
