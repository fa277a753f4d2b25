"""Whether what was put out, and the files that were written of it, are what the record gives.

A check reads and changes nothing. Where a publisher is at work, or was killed at it, what it had begun is let pass:
the next publish goes on from there.
"""

from __future__ import annotations

from collections import Counter
from datetime import date

from sqlalchemy import select

from timeline.core.terms import Kinds
from timeline.log import Fault, Log, Reader
from timeline.publishing import State, files, is_of_another, state_of
from timeline.publishing.folder import Folder
from timeline.publishing.put_outs import PutOut, put_outs
from timeline.publishing.shelf import Shelf, advance, forget, heard, rows_of, told
from timeline.rebuilding import Progress, quiet
from timeline.settings import Settings
from timeline.tables import feed, feed_item, put_out

_OTHER = "What was put out is not what the record gives."


def differing(reader: Reader, kinds: Kinds, progress: Progress = quiet) -> Fault | None:
    """The first partnership or feed that is not what the record gives as far as it was published; None when all are."""
    seq, day = told(reader.connection)
    names = [name for name in reader.partnerships() if _opened_by(reader, name, seq)]
    for place, name in enumerate(names, start=1):
        if not _is_beginning(_made(reader, name, seq, day, kinds), reader, name):
            return Fault(None, f"feeds of {name}", _OTHER)
        progress(place, len(names))
    strangers = select(put_out.c.partnership).where(put_out.c.partnership.not_in(reader.partnerships())).limit(1)
    if reader.connection.scalar(strangers) is not None:
        return Fault(None, "feeds", "Some of what was put out is of a partnership that was never opened.")
    return _disorder(reader)


def rebuild(log: Log, kinds: Kinds) -> bool:
    """Make the feeds anew where they are not what the record gives; whether that was so."""
    with log.reading() as reader:
        _, day = told(reader.connection)
        if differing(reader, kinds) is None:
            return False
    forget(log)
    advance(log, kinds, day)
    return True


def differing_files(reader: Reader, settings: Settings) -> Fault | None:
    """The first file of the published folder that is not as written; None when all are, or publishing goes on."""
    folder, shelf = Folder(settings.feeds_dir), Shelf(reader.connection)
    if is_of_another(folder, settings, shelf):
        return Fault(None, str(folder.path), "It was published from another record, or from a state that is gone.")
    state = state_of(folder, settings, shelf)
    if (state.position, state.feeds) != shelf.ends():
        return None
    for name, content, _ in files(shelf, settings, State(), shelf.feeds()):
        found = folder.read(name)
        if found != content:
            return Fault(None, str(folder.path / name), "It is gone." if found is None else "It was changed since.")
    return None


def _opened_by(reader: Reader, partnership: str, seq: int) -> bool:
    opening = reader.event(partnership, 0)
    return opening is not None and opening.seq <= seq


def _made(reader: Reader, partnership: str, seq: int, day: date, kinds: Kinds) -> list[PutOut]:
    made, _ = heard(reader, partnership, seq, kinds)
    return put_outs(made.until(day))


def _is_beginning(made: list[PutOut], reader: Reader, partnership: str) -> bool:
    """Whether what is kept of a partnership begins so; more of it may have been staged since."""
    wanted = list(rows_of(partnership, made))
    question = select(put_out).where(put_out.c.partnership == partnership).order_by(put_out.c.number)
    kept = reader.connection.execute(question.limit(len(wanted))).mappings()
    return [{name: row[name] for name in each} for each, row in zip(wanted, kept, strict=False)] == wanted


def _disorder(reader: Reader) -> Fault | None:
    """Where positions, times or the feeds' own order are not those that the put-outs give."""
    sizes: Counter[str] = Counter()
    items = reader.connection.execute(select(feed_item).order_by(feed_item.c.position, feed_item.c.feed))
    rest = iter(items)
    before, key = -1, ""
    issued: dict[tuple[str, int], int] = {}
    placed = select(put_out).where(put_out.c.position.is_not(None)).order_by(put_out.c.position)
    for position, row in enumerate(reader.connection.execute(placed), start=1):
        before = max(row.own_time, before + 1)
        issued[row.partnership, row.number] = before
        wanted = (position, before, issued.get((row.partnership, row.first)))
        if (row.position, row.updated, row.published) != wanted or row.sort_key <= key:
            return Fault(None, f"put-out {row.position}", "It is not in its place, or has another time.")
        key = row.sort_key
        for name in sorted(row.feeds.split()):
            sizes[name] += 1
            item = next(rest, None)
            if item is None or tuple(item) != (name, sizes[name], position):
                return Fault(None, f"feed {name}", "It does not hold what was put out in it, in that order.")
    if next(rest, None) is not None:
        return Fault(None, "feeds", "Some hold what was never put out.")
    for each in reader.connection.execute(select(feed)):
        if each.size != sizes[each.name]:
            return Fault(
                None, f"feed {each.name}", f"It is said to have {each.size} put-outs, and has {sizes[each.name]}."
            )
    return None
