"""The index as a projection of the log: kept by position, after the appends and outside their transactions.

A step reads some events, makes the documents that they touch, and writes these, the number of documents of each word
and the position in one transaction. So the index is always that of a position, also when a step is killed.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import (
    ColumnElement,
    Connection,
    bindparam,
    cast,
    column,
    delete,
    func,
    insert,
    literal_column,
    select,
    table,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from timeline.core.announcements import Announcement, Attachment, Correction, Occurrence, Opening
from timeline.core.evidence import EVIDENCE, blocks, leads, normalised
from timeline.core.history import Book, Recorded
from timeline.log import Event, Fault, Log, Reader, event_of
from timeline.records import recorded
from timeline.search.words import lined
from timeline.tables import event, search_document, search_progress, search_word

Progress = Callable[[int, int], None]
"""Told how many of how many are done."""

STEP = 200
"""Events of one step: on SQLite no other writer waits longer than their documents take to be written."""
LONGEST = 800_000
"""Bytes of a document's words that are indexed; PostgreSQL takes a megabyte."""

LEADS = '"leads": [['
"""What stands in `shown` where there are any."""
_LATER = ("attachment", "correction", "retraction")
index = table("search_index", column("rowid"), column("words"))


class Document(NamedTuple):
    """An announcement or an occurrence as it is searched: its present words, and what is shown of it."""

    seq: int
    partnership: str
    n: int
    first_on: int
    last_on: int
    status: str
    """current, corrected, or retracted."""
    kinds: str
    title_words: str
    said_words: str
    shown: str
    """JSON: title, announced, said (texts), texts (sha256 of its sources), leads ([title, feed, address]) if any."""


def position(connection: Connection) -> int:
    """The position of the log up to which the index goes."""
    return connection.scalar(_POSITION) or 0


def catch_up(log: Log, progress: Progress = lambda _done, _total: None) -> int:
    """The position up to which the index goes now: the end of the log as it was at the beginning.

    Several processes may do so at once.
    """
    log = log.primary  # each step is read where the step before it was written
    with log.reading() as reader:
        head = reader.head()[0]
    while True:
        with log.reading() as reader:
            start = position(reader.connection)
            if start >= head:
                return start
            events = list(reader.events(after=start, limit=STEP))
            made = list(_touched_by(reader, events))
        with log.writing() as writer:
            # Another process may have done the same step; then what was read is old.
            if writer.connection.scalar(_POSITION.with_for_update()) == start:
                _write(writer.connection, made)
                writer.connection.execute(update(search_progress).values(seq=events[-1].seq))
        progress(events[-1].seq, head)


def rebuild(log: Log, progress: Progress = lambda _done, _total: None) -> int:
    """How many documents there are, now that all of them were made anew from the log; meanwhile fewer are found."""
    with log.writing() as writer:
        writer.connection.execute(_POSITION.with_for_update())
        for each in (index, search_document, search_word):
            writer.connection.execute(delete(each))
        writer.connection.execute(update(search_progress).values(seq=0))
    catch_up(log, progress)
    with log.reading() as reader:
        return reader.connection.scalar(select(func.count()).select_from(search_document)) or 0


def differing(reader: Reader, progress: Progress = lambda _done, _total: None) -> Fault | None:
    """The first document that is not as the log gives it, at the index's own position; None when all are sound."""
    connection, upto = reader.connection, position(reader.connection)
    if upto > reader.head()[0]:
        return Fault(None, "search index", f"It goes up to {upto}, where the log has not come.")
    counted: Counter[str] = Counter()
    seen = 0
    for partnership in reader.partnerships():
        kept = {row.seq: row for row in connection.execute(_OF_PARTNERSHIP, {"partnership": partnership})}
        records = [recorded(each) for each in reader.events_of(partnership, upto=upto)]
        for made, line in _documents(reader, records, records):
            row = kept.pop(made.seq, None)
            if row is None or Document(*row[:-1]) != made or row.words != line:
                return Fault(made.seq, f"{made.partnership}/{made.n}", "Its words in the search index are others.")
            counted.update(distinct(line))
            seen += 1
            progress(made.seq, upto)
        if kept:
            return Fault(None, f"search index of {partnership}", "It has a document that the log does not give.")
    numbers = {row.word: row.documents for row in connection.execute(select(search_word))}
    if numbers != counted or seen != connection.scalar(select(func.count()).select_from(index)):
        return Fault(None, "search index", "The numbers of documents are not those that its words give.")
    for word, number in counted.items():
        if number != connection.scalar(select(func.count()).select_from(index).where(matching(connection, [[word]]))):
            return Fault(None, "search index", f"“{word}” is not found where it stands.")
    return None


def matching(
    connection: Connection, wanted: Sequence[Sequence[str]], unwanted: Sequence[str] = ()
) -> ColumnElement[bool]:
    """The condition that of each group of words one occurs in a document of the index, and no unwanted word does.

    A word is letters and digits, so it needs no escape in either language of queries.
    """
    on_sqlite = connection.dialect.name == "sqlite"
    mark, either, both = ('"', " OR ", " AND ") if on_sqlite else ("'", " | ", " & ")

    def group(words: Sequence[str]) -> str:
        return f"({either.join(f'{mark}{word}{mark}' for word in words)})"

    asked = both.join(map(group, wanted))
    if on_sqlite:
        asked = f"({asked}) NOT {group(unwanted)}" if unwanted else asked
        return literal_column("search_index").op("MATCH", is_comparison=True)(asked)
    asked = f"{asked} & !{group(unwanted)}" if unwanted else asked
    return literal_column("search_index.lexemes").op("@@", is_comparison=True)(cast(asked, TSQUERY))


def evidence(stored: str) -> Iterator[str]:
    """What is searched of a stored text: its publisher's words, in plain form; no furniture of an aggregator's page."""
    yield from (normalised(stored[each.start : each.end]) for each in blocks(stored) if each.part in EVIDENCE)


def distinct(line: str) -> set[str]:
    """The words of a line, each once."""
    return set(line.split()) - {"|"}


def _touched_by(reader: Reader, events: Sequence[Event]) -> Iterator[tuple[Document, str]]:
    """The documents that some events of the log touch, each with its line of words."""
    named = attrgetter("partnership")
    for partnership, group in groupby(sorted(events, key=named), named):
        mine = list(group)
        news = [recorded(each) for each in mine]
        records = _related(reader, partnership, mine) if any(each.kind in _LATER for each in mine) else news
        yield from _documents(reader, records, news)


def _related(reader: Reader, partnership: str, events: Sequence[Event]) -> list[Recorded]:
    """Those acts, the later acts of the partnership so far, and what any of them is about; in their order."""
    own = select(event).where(event.c.partnership == partnership, event.c.seq <= max(each.seq for each in events))
    later = [event_of(row) for row in reader.connection.execute(own.where(event.c.kind.in_(_LATER)))]
    acts = {each.version: recorded(each) for each in (*later, *events)}
    roots = {each.act.n for each in acts.values() if hasattr(each.act, "n")} - acts.keys()
    for row in reader.connection.execute(own.where(event.c.version.in_(roots))):
        acts[row.version] = recorded(event_of(row))
    return [acts[n] for n in sorted(acts)]


def _documents(
    reader: Reader, records: Sequence[Recorded], touching: Iterable[Recorded]
) -> Iterator[tuple[Document, str]]:
    """The documents that some of these acts of a partnership touch, as all of them together leave it."""
    book = Book().hear_all(records)
    touched = {_about(book, each) for each in touching if not isinstance(each.act, Opening)}
    for n in sorted(touched):
        yield _document(reader, book, n)


def _about(book: Book, record: Recorded) -> int:
    """The announcement or occurrence that an act is, or is about in the end."""
    n = book.root(record.n)
    act = book.records[n].act
    return act.n if isinstance(act, Attachment) else n


def _document(reader: Reader, book: Book, n: int) -> tuple[Document, str]:
    """Announcement or occurrence n as it is searched, and the line of all its words."""
    act, content = book.records[n].act, _present(book, n)
    if isinstance(content, Announcement):
        title, kinds = content.title, sorted({each.term.kind for each in content.statements})
        said = [content.summary or "", *dict.fromkeys(each.quote for each in content.statements)]
    else:
        title, kinds, said = content.title or content.event, [], [content.event]
    sources = (*content.sources, *(source for _, source in book.attached(n)))
    texts = list(dict.fromkeys(each.text_sha256 for each in sources if each.text_sha256 is not None))
    stored = [found.content.decode("utf-8-sig", "replace") for sha in texts if (found := reader.text(sha)) is not None]
    shown: dict[str, Any] = {"title": title, "announced": content.announced.text, "said": said, "texts": texts}
    if named := [[each.title, each.feed, each.address] for text in stored for each in leads(text)]:
        shown["leads"] = named
    document = Document(
        seq=book.records[n].seq,
        partnership=content.partnership,
        n=n,
        first_on=content.announced.window.lo.toordinal(),
        last_on=content.announced.on.toordinal(),
        status="retracted" if not book.is_live(n) else "current" if content is act else "corrected",
        kinds=f" {' '.join(kinds)} ",
        title_words=lined([title], LONGEST),
        said_words=lined(said, LONGEST),
        shown=json.dumps(shown, ensure_ascii=False),
    )
    return document, lined([title, *said, *(part for text in stored for part in evidence(text))], LONGEST)


def _present(book: Book, n: int) -> Announcement | Occurrence:
    """What act n says in its present words: those of its last correction that counts, also after it was retracted."""
    for later in reversed(book.later_acts(n)):
        if isinstance(later.act, Correction) and book.is_live(later.n):
            return later.act.content
    act = book.records[n].act
    assert isinstance(act, Announcement | Occurrence)  # every chain of later acts ends in one
    return act


def _write(connection: Connection, made: Sequence[tuple[Document, str]]) -> None:
    """Put these documents in the place of those that were there."""
    seqs = [document.seq for document, _ in made]
    changes: Counter[str] = Counter()
    for line in connection.scalars(select(index.c.words).where(index.c.rowid.in_(seqs))):
        changes.subtract(distinct(line))
    for place, key in ((index, index.c.rowid), (search_document, search_document.c.seq)):
        connection.execute(delete(place).where(key.in_(seqs)))
    if not made:
        return
    connection.execute(insert(search_document), [document._asdict() for document, _ in made])
    connection.execute(insert(index), [{"rowid": document.seq, "words": line} for document, line in made])
    for _, line in made:
        changes.update(distinct(line))
    if moved := [{"word": word, "change": change} for word, change in changes.items() if change]:
        connection.execute(_COUNT, moved)
        connection.execute(delete(search_word).where(search_word.c.documents == 0))


_POSITION = select(search_progress.c.seq)
_OF_PARTNERSHIP = (
    select(*[search_document.c[name] for name in Document._fields], index.c.words)
    .join(index, index.c.rowid == search_document.c.seq)
    .where(search_document.c.partnership == bindparam("partnership"))
)
_COUNT = text(
    "INSERT INTO search_word (word, documents) VALUES (:word, :change)"
    " ON CONFLICT (word) DO UPDATE SET documents = search_word.documents + :change"
)
