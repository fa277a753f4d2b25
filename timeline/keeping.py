"""The use cases that keep the record: dump and load, backup, verify.

A dump is NDJSON: a head line, each stored text, each event with its exact body and hashes, and an end line that says
how many there were. It replays to the same hashes on either database, and two dumps of one record are the same bytes.
"""

from __future__ import annotations

import os
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import msgspec

from timeline import rows, search
from timeline.chain import GENESIS, Walk, clock_note, microseconds, moment
from timeline.core.announcements import act_checked, canonical
from timeline.core.errors import TimelineError
from timeline.core.terms import BUILTIN, Kinds
from timeline.database import copy_of_sqlite, plainly
from timeline.log import Event, Fault, Log, Reader, StoredText, Writer, utc_now
from timeline.publishing import checking
from timeline.rebuilding import Progress, differing, quiet, rebuild
from timeline.settings import Settings

Json = dict[str, Any]

FORMAT = {"timeline_dump": 1}
"""The first line of a dump."""

_BATCH = 1_000


@dataclass(frozen=True, slots=True)
class Kept:
    """What was written or read."""

    events: int
    texts: int
    head: str
    """The hash of the last event; sixty-four zeros when there is none."""
    already: int = 0
    """Of a load: the events that were there before."""


# -- dump and load ---------------------------------------------------------------------------------------------------


def dump(log: Log, out: IO[bytes], progress: Progress = quiet) -> Kept:
    """Write the whole record as NDJSON, as it was at one moment.

    Raises:
        TimelineError: `integrity_failure` for an event or a text that is not as it was recorded.
    """
    with log.reading() as reader:
        return _dump(reader, out, progress)


def load(log: Log, stream: Iterable[bytes], progress: Progress = quiet) -> Kept:
    """Record what a dump holds, with the instants and hashes that it had; all of it or nothing.

    The log may already hold the beginning of the same record. The rectangles are built afterwards; a load that is
    killed before that leaves a record that is whole, and `rebuild` builds them.

    Raises:
        TimelineError: `malformed_document` for what is no dump or not a whole one, `integrity_failure` for a line
            that is not as it was dumped, `another_record` when the log holds something else.
    """
    with log.writing() as writer:
        writer.hold()
        there = writer.head()[0]
        kept = _load(writer, there, stream, progress)
        if kept.events > there:
            rows.abandon(writer.connection)
    if kept.events > there:
        rebuild(log, progress)
    return kept


def _dump(reader: Reader, out: IO[bytes], progress: Progress) -> Kept:
    encode = msgspec.json.encode
    total = reader.head()[0]
    texts, walk = 0, Walk()
    out.write(encode(FORMAT) + b"\n")
    for text in reader.texts():
        if sha256(text.content).hexdigest() != text.sha256:
            raise _damaged(f"The text {text.sha256}", "Its bytes are not those that were stored.")
        content = b64encode(text.content).decode()
        out.write(encode({"text": text.sha256, "media_type": text.media_type, "content": content}) + b"\n")
        texts += 1
    for event in reader.events():
        if not walk.step(event):
            raise _damaged(f"{event.citation} (event {event.seq})", walk.fault.what if walk.fault else "")
        out.write(encode(_event_to_json(event)) + b"\n")
        if event.seq % _BATCH == 0:
            progress(event.seq, total)
    verdict = walk.end()
    out.write(encode({"end": {"events": verdict.events, "texts": texts, "head": verdict.head_hash}}) + b"\n")
    progress(total, total)
    return Kept(verdict.events, texts, verdict.head_hash)


def _load(writer: Writer, there: int, stream: Iterable[bytes], progress: Progress) -> Kept:
    known = writer.events(upto=there)
    last, texts, batch = 0, 0, list[Event]()
    head = GENESIS
    for each in _read(stream):
        if isinstance(each, StoredText):
            writer.store_text(each.content, each.media_type)
            texts += 1
            continue
        last, head = each.seq, each.hash
        if each.seq <= there:
            if next(known) != each:
                raise _another(each)
            continue
        batch.append(each)
        if len(batch) == _BATCH:
            writer.restore(batch)
            batch = []
            progress(each.seq, 0)
    writer.restore(batch)
    return Kept(last, texts, head, already=min(there, last))


def _read(stream: Iterable[bytes]) -> Iterator[Event | StoredText]:
    """The texts and events of a dump, each of them checked, to its end line."""
    lines = enumerate(stream, start=1)
    if _line(*next(lines, (1, b""))) != FORMAT:
        raise _malformed(1, "it does not begin as a dump of this program does")
    texts, walk = 0, Walk()
    for number, raw in lines:
        data = _line(number, raw)
        try:
            if "end" in data:
                verdict = walk.end()
                found = {"events": verdict.events, "texts": texts, "head": verdict.head_hash}
                if data != {"end": found} or next(lines, None) is not None:
                    raise _malformed(number, f"it does not end as it should, after {found}")
                return
            if "text" in data:
                yield _text(number, data)
                texts += 1
                continue
            event = _event(data)
        except (KeyError, TypeError, ValueError) as error:
            raise _malformed(number, f"{type(error).__name__}: {error}") from error
        if not walk.step(event):
            raise _damaged(f"Line {number} of the dump", walk.fault.what if walk.fault else "", of_dump=True)
        yield event
    raise _malformed(walk.seq + texts + 2, "the dump was cut off before its end line")


def _line(number: int, raw: bytes) -> Json:
    try:
        data = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _malformed(number, str(error)) from error
    if not isinstance(data, dict):
        raise _malformed(number, "it is no JSON object")
    return data


def _text(number: int, data: Json) -> StoredText:
    content = b64decode(data["content"], validate=True)
    if sha256(content).hexdigest() != data["text"]:
        raise _damaged(f"Line {number} of the dump", "The bytes of the text are not those of its hash.", of_dump=True)
    return StoredText(data["text"], str(data["media_type"]), content)


def _event_to_json(event: Event) -> Json:
    """The fields in the order in which they are hashed; `recorded_at` in microseconds since 1970."""
    values: Json = {name: getattr(event, name) for name in Event.__slots__}
    return values | {"recorded_at": microseconds(event.recorded_at)}


def _event(data: Json) -> Event:
    try:
        recorded_at = moment(data["recorded_at"])
    except TimelineError as error:
        raise ValueError(error.detail) from error
    return Event(**data | {"recorded_at": recorded_at})


# -- backup ----------------------------------------------------------------------------------------------------------


def backup(log: Log, path: Path, progress: Progress = quiet) -> Kept:
    """Copy the record to a new file, online: an SQLite database of an SQLite one, a dump of one on PostgreSQL.

    The file is there under its name only when it was read back and found whole.

    Raises:
        TimelineError: `storage_failed` when there is such a file or it cannot be written, `integrity_failure` when
            the copy, and so the record, is damaged.
    """
    if path.exists():
        raise TimelineError(
            "storage_failed", f"{path} exists already.", "Give the backup a new name; the old one stays as it is."
        )
    unchecked = path.with_name(f"{path.name}.unchecked")
    try:
        unchecked.unlink(missing_ok=True)
        with log.reading() as reader:
            kept = _copy(reader, unchecked, progress)
            _settle(unchecked, path)
            return kept
    except OSError as error:
        raise TimelineError(
            "storage_failed",
            f"{path} cannot be written: {error.strerror}.",
            "Choose a folder that exists, may be written to, and has the space.",
        ) from error
    finally:
        unchecked.unlink(missing_ok=True)


def _checked_copy(path: Path, events: int, head: str) -> Kept:
    """What a copied database holds, after all of it was verified."""
    with closing(Log.open(f"sqlite:///{path}")) as copy:
        found = copy.verify((events, head))
        if found.fault is not None:
            raise _damaged(found.fault.name, found.fault.what)
        with copy.reading() as reader:
            texts = sum(1 for _ in reader.texts())
    return Kept(found.events, texts, found.head_hash)


def _copy(reader: Reader, path: Path, progress: Progress) -> Kept:
    """Write a copy of the record and read it back; what it holds."""
    if reader.connection.dialect.name == "sqlite":
        seq, _, head = reader.head()
        copy_of_sqlite(reader.connection, path)
        return _checked_copy(path, seq, head)
    with path.open("wb") as out:
        _dump(reader, out, progress)
    return _checked_dump(path)


def _checked_dump(path: Path) -> Kept:
    """What a dump holds, after all of it was read back."""
    events, texts, head = 0, 0, GENESIS
    with path.open("rb") as stream:
        for each in _read(stream):
            if isinstance(each, StoredText):
                texts += 1
            else:
                events, head = each.seq, each.hash
    return Kept(events, texts, head)


def _settle(unchecked: Path, path: Path) -> None:
    """Give the file its name, so that not even a power cut takes it away again."""
    with unchecked.open("rb") as file:
        os.fsync(file.fileno())
    unchecked.rename(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


# -- verify ----------------------------------------------------------------------------------------------------------


def verify(
    log: Log,
    known_head: tuple[int, str] | None = None,
    progress: Progress = quiet,
    *,
    kinds: Kinds = BUILTIN,
    published: Settings | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Json:
    """How far the record is as it was written, and what was made of it is what it says; nothing is raised or mended.

    Args:
        known_head: The (seq, hash) of an event noted earlier, somewhere else: finds a tail that was cut off.
        kinds: The vocabulary that the feeds were published with.
        published: Whose folder of feeds to look at as well.

    Returns:
        events, head: how many events are sound, and the hash of the last of them; sound: whether everything is;
        checks: of each that was made (chain, bodies, rectangles, search, feeds, files) a fault (event, seq, what) or
        None; of a record that is damaged itself nothing further is checked; note: what to know though nothing is
        damaged, or None; remedy: what to do about each fault.
    """
    found = log.verify(known_head)
    note = None
    faults: dict[str, Fault | None] = {"chain": found.fault}
    if found.fault is None:
        with log.reading() as reader:
            note = clock_note(reader.head()[1], clock())
            faults["bodies"] = _damaged_body(reader)
            if faults["bodies"] is None:
                faults["rectangles"] = _readable(lambda: differing(reader, progress))
                faults["search"] = _readable(lambda: search.differing(reader, progress))
                faults["feeds"] = _readable(lambda: checking.differing(reader, kinds, progress))
                if published is not None and faults["feeds"] is None:
                    faults["files"] = checking.differing_files(reader, published)
    sound = not any(faults.values())
    return {
        "events": found.events,
        "head": found.head_hash,
        "sound": sound,
        "checks": {name: _fault_to_json(fault) for name, fault in faults.items()},
        "note": note,
        "remedy": None if sound else " ".join(_REMEDIES[name] for name, fault in faults.items() if fault),
    }


_REMEDIES = {
    "chain": (
        "Keep the database as it is, and restore the last backup beside it. Reading goes on; what was recorded since "
        "that backup can be compared event by event with timeline log."
    ),
    "bodies": (
        "The event is as it was recorded, but this version of the program reads it differently: use the version that "
        "recorded it, and report this."
    ),
    "rectangles": "The record itself is whole. Run timeline rebuild: it builds the rectangles anew from it.",
    "search": "The record itself is whole. Run timeline rebuild: it builds the search index anew from it.",
    "feeds": (
        "The record itself is whole. Run timeline rebuild, which makes the feeds anew from it, then timeline publish "
        "--whole."
    ),
    "files": "The feeds themselves are whole. Run timeline publish --whole: it writes each file that is not right.",
}


def _readable(check: Callable[[], Fault | None]) -> Fault | None:
    """What the check finds; the damage itself, where that keeps it from reading."""
    try:
        with plainly():
            return check()
    except TimelineError as error:
        if error.code != "integrity_failure":
            raise
        return Fault(None, "tables", error.detail)


def _damaged_body(reader: Reader) -> Fault | None:
    """The first event whose body does not say the same when it is read and written again."""
    for event in reader.events():
        try:
            again = canonical(act_checked(event.body))
        except (TimelineError, ValueError, KeyError, TypeError) as error:
            return Fault(event.seq, event.citation, f"It cannot be read as an act: {error}")
        if again != event.body:
            return Fault(event.seq, event.citation, "It is not written again as it was read.")
    return None


def _fault_to_json(fault: Fault | None) -> Json | None:
    return None if fault is None else {"event": fault.name, "seq": fault.seq, "what": fault.what}


# -- refusals --------------------------------------------------------------------------------------------------------


def _malformed(number: int, what: str) -> TimelineError:
    return TimelineError(
        "malformed_document",
        f"Line {number} of the dump cannot be loaded: {what}.",
        "Nothing was loaded. Take the dump again, or use an older one that is whole.",
    )


def _another(event: Event) -> TimelineError:
    return TimelineError(
        "another_record",
        f"The database has another event {event.seq} than the dump: it holds another record.",
        "Load into an empty database, or into one that holds the beginning of the same record.",
    )


def _damaged(what: str, why: str, *, of_dump: bool = False) -> TimelineError:
    remedy = "Nothing was loaded. Take the dump again." if of_dump else "See what timeline verify says of it."
    return TimelineError("integrity_failure", f"{what} is not as it was recorded. {why}", remedy)
