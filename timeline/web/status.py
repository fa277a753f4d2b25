"""How far the record goes, what lags behind it, and what a reader does until that has caught up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from timeline.chain import clock_note
from timeline.core.dates import iso
from timeline.core.errors import TimelineError
from timeline.log import Log
from timeline.publishing.shelf import told
from timeline.publishing.webhooks import standing
from timeline.search import index

Json = dict[str, Any]


def extent(log: Log, now: datetime) -> Json:
    """The end of the record, how far the feeds are, the lag of each thing that comes after it, and the webhooks."""
    with log.reading() as reader:
        head, at, digest = reader.head()
        published, day = told(reader.connection)
        indexed = index.position(reader.connection)
        webhooks = standing(reader.connection)
    try:
        replica = log.behind()
    except TimelineError:  # whoever asks how things are is told the rest
        replica = None
    return {
        "record": {
            "head": head,
            "recorded_at": None if at is None else iso(at),
            "hash": digest,
            "note": clock_note(at, now),
        },
        "published": {"seq": published, "day": day.isoformat() if published else None},
        "lag": lag(head, published, indexed, replica),
        "webhooks": webhooks,
    }


def lag(head: int, published: int, indexed: int, replica: int | None) -> Json:
    """How many events each is behind, and what to ask meanwhile.

    Args:
        published: The position that the feeds have.
        indexed: The position that the search has.
        replica: How many events the database that is read from lacks; None when the primary does not answer.
    """
    feeds, search = max(head - published, 0), max(head - indexed, 0)
    meanwhile = []
    if feeds:
        meanwhile.append(f"What the feeds do not have yet is at /api/log?after={min(published, head)}.")
    if search:
        meanwhile.append(f"What the search does not find yet is at /api/log?after={min(indexed, head)}.")
    if replica:
        meanwhile.append("To see your own append, ask with its known_seq: that answer waits for the replica.")
    if replica is None:
        meanwhile.append("The primary does not answer: what is read stands as of the head above; append later.")
    return {"feeds": feeds, "search": search, "replica": replica, "meanwhile": meanwhile}
