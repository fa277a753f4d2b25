"""Writes what acts add to the database in one go: the texts of their sources, the events, the rectangles."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import msgspec

from timeline.chain import Event
from timeline.database import directly
from timeline.reader import StoredText
from timeline.rows import POSTGRESQL_CLOSE, Batch
from timeline.writer import NewEvent, Writer, row_of

_FEW = 100
"""So many rows PostgreSQL takes in one statement; more are copied in, which is faster by the row."""
_SENT_AT_ONCE = 16_384
"""So many characters may be sent together with the commit. What the system does not take from the driver at once it
never sends in a pipeline, and both sides wait for ever (psycopg 3.3)."""


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
    if writer.connection.dialect.name == "sqlite" or len(events) + len(texts) + len(batch) > _FEW:
        writer.store_texts(texts)
        made = writer.append_many(events)
        if generation is not None:
            batch.write(writer.connection, generation)
        return made
    made = writer.chain(events)
    given = {
        "texts": _json(texts),
        "events": _json([row_of(each) for each in made]),
        "closing": batch.closings(generation or 0),
        "opening": _json([{"generation": generation, **row._asdict()} for row in batch.rows()]),
    }
    together = ends and sum(map(len, given.values())) <= _SENT_AT_ONCE
    with (
        writer.inserting(made),
        directly(writer.connection) as driver,
        driver.pipeline() if together else nullcontext(),
    ):
        driver.execute(_AT_ONCE, given)
        if ends:
            driver.commit()
    batch.clear()
    return made


# A round trip costs more than what it is for: everything goes to PostgreSQL together.
_AT_ONCE = f"""
    WITH text AS (
        INSERT INTO stored_text (sha256, media_type, content)
        SELECT given ->> 'sha256', given ->> 'media_type', decode(given ->> 'content', 'base64')
        FROM json_array_elements(%(texts)s::json) AS given ON CONFLICT DO NOTHING),
    made AS (INSERT INTO event SELECT * FROM json_populate_recordset(NULL::event, %(events)s::json)),
    closed AS ({POSTGRESQL_CLOSE})
    INSERT INTO rectangle SELECT * FROM json_populate_recordset(NULL::rectangle, %(opening)s::json)
    """  # noqa: S608  # our own words


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
