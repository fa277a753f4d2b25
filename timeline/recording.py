"""Writes what acts add to the database in one go: the texts of their sources, the events, the rectangles."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext
from itertools import chain

from timeline.chain import Event
from timeline.database import FEW, PIPELINED, directly
from timeline.reader import StoredText
from timeline.rows import Batch
from timeline.writer import NewEvent, Writer

_ROW = 250
"""About how many characters a row has beside its longest field."""


def record(
    writer: Writer,
    events: Sequence[NewEvent],
    texts: Sequence[StoredText],
    batch: Batch,
    generation: int | None,
    *,
    ends: bool = False,
) -> list[Event]:
    """The events as recorded; all of it is written, or nothing, and the batch is empty afterwards.

    Args:
        texts: Those that are not kept yet.
        generation: Of the rectangles that are read; None leaves them out, they will be built from the log.
        ends: Commit as well: nothing else belongs to the transaction.

    Raises:
        TimelineError: As `Writer.append_many`.
    """
    if generation is None:
        batch.clear()
    connection = writer.connection
    # A round trip costs more than what it is for: little is sent to PostgreSQL at once, and the commit with it.
    together = connection.dialect.name == "postgresql" and _is_little(events, texts, batch)
    made = writer.chain(events)
    with writer.inserting(made), directly(connection) as driver, driver.pipeline() if together else nullcontext():
        writer.store_texts(texts)
        writer.insert(made)
        if generation is not None:
            batch.write(connection, generation)
        if together and ends:
            driver.execute("COMMIT")  # the driver's own commit() would be answered before the rest is asked for
    return made


def _is_little(events: Sequence[NewEvent], texts: Sequence[StoredText], batch: Batch) -> bool:
    """Whether it can be sent in one pipeline, its rows one by one."""
    rows = len(events) + len(texts) + len(batch)
    longest = chain(
        (len(each.body) for each in events),
        (len(each.content) for each in texts),
        (len(each.value or "") for each in batch.rows()),
    )
    return rows <= FEW and rows * _ROW + sum(longest) <= PIPELINED
