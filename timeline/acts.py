"""The use cases that write: append, import; each one transaction, each with a receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from timeline.chain import clock_note
from timeline.core.acceptance import warnings
from timeline.core.dates import START_OF_TIME
from timeline.core.errors import TimelineError
from timeline.core.feed import Entry, Feed
from timeline.core.terms import Kinds
from timeline.documents import Document, read
from timeline.log import Log
from timeline.submissions import Submission, submit
from timeline.taking import Record, Said, Session

Json = dict[str, Any]
RETRIES = 8


@dataclass(slots=True)
class Imported:
    """What an import did."""

    recorded: int = 0
    already: int = 0
    files: int = 0
    refused: list[TimelineError] = field(default_factory=list)
    """With `keep_going`: why files were left out."""


class Desk:
    """Takes acts in. Keeps the records it has read in memory, so that a run of appends reads each of them once.

    Not for use by several threads at once: SQLite has one writer anyway, and PostgreSQL one order.
    """

    def __init__(self, log: Log, kinds: Kinds, clock: Callable[[], datetime]) -> None:
        self.log = log
        self.kinds = kinds
        self.clock = clock
        self._records: dict[str, Record] = {}

    def append(
        self,
        submission: Submission,
        *,
        expect: int | None = None,
        dry_run: bool = False,
        also: Callable[[Connection, Json], None] | None = None,
    ) -> Json:
        """Record one act; the receipt says what changed, what to know, and which entries it will publish.

        Args:
            expect: The partnership's last seq as the author knows it; anything recorded since refuses the append.
            dry_run: Do everything but record.
            also: What is to happen in the same transaction, given the receipt; whatever it raises undoes the append.

        Raises:
            TimelineError: what `core.acceptance.check` raises, and `key_reused`, `stale_expectation`, quotes.
        """
        for attempt in range(RETRIES):
            try:
                with self.log.writing() as writer:
                    session = Session(writer, self.kinds, self._records)
                    session.look([submission])
                    said, replayed = session.take(submission, expect=expect)
                    feed = session.records[said.partnership].feed
                    receipt = _replay(feed, said) if replayed else _receipt(feed, said, session.followed)
                    note = None if replayed else clock_note(session.last_at, self.clock())
                    if note is not None:
                        receipt["warnings"].append({"code": "clock_behind", "statement": None, "detail": note})
                    if dry_run:
                        raise _Rehearsed(receipt | {"dry_run": True})
                    session.flush(ends=also is None)
                    if also is not None:
                        also(writer.connection, receipt)
            except _Rehearsed as rehearsed:
                return rehearsed.receipt
            except TimelineError as error:
                # Also after a lost connection: if the act was recorded after all, it is found, not said twice.
                if error.code not in ("lost_race", "connection_lost") or attempt == RETRIES - 1:
                    raise submission.located(error) from error.__cause__
            else:
                self._records |= session.records
                return receipt
        raise AssertionError  # the loop returns or raises

    def import_files(
        self,
        files: Sequence[Path],
        *,
        keep_going: bool = False,
        progress: Callable[[str], None] = lambda _: None,
    ) -> Imported:
        """Record all documents of the files: openings first, then files in the order given, documents in file order.

        One transaction: a document that is refused leaves nothing behind. With `keep_going` a file with a refused
        document is left out whole, and the others are recorded.

        Args:
            progress: Called with the file's name for each document.
        """
        refused: dict[Path, TimelineError] = {}
        with self.log.writing() as writer:
            session = Session(writer, self.kinds, self._records, told=False)
            while True:
                done = Imported(files=len(files))
                taken = writer.connection.begin_nested() if keep_going else None
                left = [file for file in files if file not in refused]
                if self._import_all(left, session, done, refused if keep_going else None, progress):
                    break
                assert taken is not None  # else the refusal was raised
                taken.rollback()
                session.forget()
            if taken is not None:
                taken.commit()
        done.refused += refused.values()
        return done

    def _import_all(
        self,
        files: Sequence[Path],
        session: Session,
        done: Imported,
        refused: dict[Path, TimelineError] | None,
        progress: Callable[[str], None],
    ) -> bool:
        """Record the files; False when one was refused whose opening others may have built on: then nothing counts."""
        opening = {file for file in files if self._import(file, session, done, True, refused, progress)}
        for file in files:
            if refused is not None and file in refused:
                continue
            self._import(file, session, done, False, refused, progress)
            if refused is not None and file in refused and file in opening:
                return False
        return True

    def _import(
        self,
        file: Path,
        session: Session,
        done: Imported,
        openings: bool,
        refused: dict[Path, TimelineError] | None,
        progress: Callable[[str], None],
    ) -> int:
        """Record the opening documents of a file, or the others; how many are new.

        Args:
            refused: Takes the refusal of a file; None: it is raised.
        """

        def wanted() -> Iterator[Submission]:
            for document in read(file):
                if _opens(document) == openings:
                    progress(file.name)
                    yield submit(document, self.kinds)

        nested = None if refused is None else session.writer.connection.begin_nested()
        try:
            new, old = session.take_all(wanted())
        except TimelineError as error:
            if nested is None or refused is None:
                raise
            nested.rollback()
            session.forget()
            refused[file] = error
            return 0
        if nested is not None:
            nested.commit()
        done.recorded += new
        done.already += old
        return new


class _Rehearsed(Exception):  # noqa: N818  # not an error: it undoes the transaction of a dry run
    def __init__(self, receipt: Json) -> None:
        super().__init__()
        self.receipt = receipt


def _opens(document: Document) -> bool:
    return "parties" in document.data


def _receipt(feed: Feed, said: Said, follows: int | None) -> Json:
    n, partnership = said.version, said.partnership
    entry = next((each for each in feed.entries[-1:] if each.id == f"{partnership}/{n}"), None)
    touched = [] if entry is None else feed.named(entry.invalidates)
    return {
        "id": f"{partnership}/{n}" if n else partnership,
        "kind": said.kind,
        "seq": said.seq,
        "head": f"{partnership}@{said.seq}",
        "follows": None if follows is None else f"{partnership}@{follows}",
        "replayed": False,
        "dry_run": False,
        "changes": [] if entry is None else _changes(entry),
        "warnings": [
            {"code": each.code, "statement": each.statement, "detail": each.detail}
            for each in (warnings(feed.book, n) if n else ())
        ],
        "entries": [_entry(each) for each in (*([entry] if entry else ()), *touched)],
    }


def _replay(feed: Feed, said: Said) -> Json:
    n = said.version
    last = max((record.seq for record in feed.book.records.values()), default=said.seq)
    return {
        "id": f"{said.partnership}/{n}" if n else said.partnership,
        "kind": said.kind,
        "seq": said.seq,
        "head": f"{said.partnership}@{last}",
        "follows": f"{said.partnership}@{last}",
        "replayed": True,
        "dry_run": False,
        "changes": [],
        "warnings": [],
        "entries": [],
    }


def _changes(entry: Entry) -> list[Json]:
    return [
        {
            "term": str(row.term),
            "label": row.label,
            "force": row.force,
            "before": row.before_text,
            "after": row.after_text,
            "start": None if row.start == START_OF_TIME else row.start.isoformat(),
            "period": row.period,
            "when": row.when,
            "text": row.piece,
        }
        for row in entry.rows
    ]


def _entry(entry: Entry) -> Json:
    return {"id": entry.id, "kind": entry.kind, "title": entry.title, "quiet": entry.quiet}
