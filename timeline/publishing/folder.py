"""A folder whose files are replaced whole or not at all, and only when their bytes differ."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from timeline.core.errors import TimelineError

BESIDE = ".beside"
"""The folder, in the folder, of files that are not finished; it holds no file when nobody publishes."""
PATIENCE_SECONDS = 60


class Folder:
    """A folder that one publisher at a time may change."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = 0
        self.unchanged = 0

    def read(self, name: str) -> bytes | None:
        """The file's bytes; None when there is no such file."""
        try:
            return (self.path / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def write(self, name: str, content: bytes, modified: datetime | None = None) -> bool:
        """Whether the file had to be written. A reader sees the old file or the new one, also after a power cut.

        Args:
            modified: When its content last changed, which a static server sends as Last-Modified. Where that is not
                a second later than the bytes before, a second is added: whoever asks by date alone, and servers
                that make their ETag of date and length, must see that they differ.
        """
        if self.read(name) == content:
            self.unchanged += 1
            return False
        path = self.path / name
        made = [parent for parent in (path.parent, *path.parent.parents) if not parent.exists()]
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = self.path / BESIDE / f"~{name.replace('/', '~')}"
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        if modified is not None:
            seconds = int(modified.timestamp())
            if path.exists():
                seconds = max(seconds, int(path.stat().st_mtime) + 1)
            os.utime(beside, (seconds, seconds))
        beside.replace(path)
        for parent in dict.fromkeys([path.parent, *(folder.parent for folder in made)]):
            _sync(parent)
        self.written += 1
        return True


@contextmanager
def changing(path: Path) -> Iterator[Folder]:
    """The folder, made if it is not there, with nobody else changing it; what a kill left unfinished is removed.

    Raises:
        TimelineError: `storage_failed` when it cannot be written; what was there before is whole.
    """
    try:
        (path / BESIDE).mkdir(parents=True, exist_ok=True)
        with FileLock(path / BESIDE / ".lock", timeout=PATIENCE_SECONDS):
            for left in (path / BESIDE).glob("~*"):
                left.unlink()
            yield Folder(path)
    except Timeout as error:
        raise TimelineError(
            "storage_failed",
            f"Another program has been publishing to {path} for more than {PATIENCE_SECONDS} seconds.",
            "Wait until it is done, or end it; nothing has to be cleaned up.",
        ) from error
    except OSError as error:
        raise TimelineError(
            "storage_failed",
            f"{path} cannot be written: {error.strerror or error}.",
            "Free some space, or give this program the right to write there, and publish again;"
            " every file that is there is whole.",
        ) from error


def _sync(folder: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
