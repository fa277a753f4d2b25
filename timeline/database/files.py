"""Whether the files of an SQLite database are still those that this program opened, and written to by SQLite alone.

SQLite goes on writing to a file that was removed, or takes an index of its log for whole that another has grown beyond.
When something else writes over the file that it has open, as `cp` does, it sees a mixture: pages from its memory, from
its log, and from there. What is recorded in either case is lost, and the database with it.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from timeline.core.errors import TimelineError

_REMEDY = (
    "Copy the files that are there elsewhere, and stop this program. See what timeline verify says of them; if it "
    "finds a fault, put the last backup in a new place, beside them, and start with that."
)


def check_files(connection: Connection) -> None:
    """Do nothing when a transaction that has just begun may be written to these files; otherwise it is undone.

    Raises:
        TimelineError: `storage_failed`, also for all transactions that follow.
    """
    info = connection.info
    if "paths" not in info:
        path = connection.exec_driver_sql("PRAGMA database_list").all()[0][2]
        info["paths"] = {end: Path(path + end) for end in ("", "-shm", "-wal")}
    there = {end: _identity(path) for end, path in info["paths"].items()}
    opened = info.setdefault("files", there)
    if opened != there:
        connection.exec_driver_sql("ROLLBACK")
        if opened | {"-wal": there["-wal"]} == there:  # what only the removed log has can still be brought home
            connection.exec_driver_sql("PRAGMA wal_checkpoint")
        raise TimelineError(
            "storage_failed",
            "The database file, or the -wal or -shm beside it, was removed or replaced while this program had it "
            "open; nothing of this was recorded.",
            _REMEDY,
        )
    if info.setdefault("written over", False) or _written_over(info.get("left"), _look(info)):
        info["written over"] = True
        connection.exec_driver_sql("ROLLBACK")
        raise TimelineError(
            "storage_failed",
            "Something else has written over the database file while this program had it open; nothing of this was "
            "recorded.",
            _REMEDY,
        )


def leave_files(info: dict[str, Any]) -> None:
    """Note how a transaction leaves the files behind, for the next one to compare."""
    if info.get("written over") is False:
        info["left"] = _look(info)


class _Taken(NamedTuple):
    """How far SQLite has taken its log into the database file."""

    salts: bytes
    """Which log it is: each time it begins anew they change."""
    done: int
    """How many of its pages are in the file."""
    begun: int
    """How many of them somebody has begun to write there."""


class _Index(NamedTuple):
    """What the index of the log says (sqlite.org/walformat.html)."""

    taken: _Taken
    frames: int
    """How many pages the log has."""
    length: int
    """How long the database file is once all of them are there, in bytes."""


class _Look(NamedTuple):
    before: _Index
    file: tuple[int, int]
    """The database file's length in bytes, and when it was last written to, in nanoseconds."""
    after: _Index


def _written_over(left: _Look | None, now: _Look | None) -> bool:
    """Whether the database file changed though SQLite did not write to it, or is not as SQLite left it."""
    if now is None:
        return False
    (_, done, begun), frames, length = now.after
    if now.before == now.after and 0 < done == begun == frames and now.file[0] != length:
        return True
    if left is None or left.file == now.file:
        return False
    # Whoever takes pages into the file counts them beforehand and afterwards: where the counts stand still, so must it.
    _, done, begun = left.before.taken
    return done == begun and left.before.taken == now.after.taken


def _look(info: dict[str, Any]) -> _Look | None:
    """The file between two looks at the index; None where there is no index."""
    if "index" not in info:
        info["index"] = _descriptor(info["paths"]["-shm"])
    if info["index"] is None:
        return None
    before = _read(info["index"])
    found = info["paths"][""].stat()
    return _Look(before, (found.st_size, found.st_mtime_ns), _read(info["index"]))


def _read(index: int) -> _Index:
    found = os.pread(index, 132, 0)

    def number(start: int, size: int = 4) -> int:
        return int.from_bytes(found[start : start + size], sys.byteorder)

    page = number(14, 2)
    length = number(20) * (65_536 if page == 1 else page)
    return _Index(_Taken(found[32:40], number(96), number(128)), number(16), length)


def _descriptor(path: Path) -> int | None:
    """The descriptor by which SQLite has this file open: to open and close it anew would end the locks on it.

    None on a system that does not list its descriptors.
    """
    wanted, listed = _identity(path), Path("/dev/fd")
    for each in listed.iterdir() if listed.exists() else ():
        with suppress(OSError):  # another thread has closed it meanwhile
            found = os.fstat(int(each.name))
            if (found.st_dev, found.st_ino) == wanted:
                return int(each.name)
    return None


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
