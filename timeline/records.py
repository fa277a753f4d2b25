"""The log's events as what they hold: where the record and the core meet."""

from __future__ import annotations

from typing import Any

from timeline.core.announcements import Act, Opening, act_from_stored, act_to_json
from timeline.core.dates import iso
from timeline.core.errors import TimelineError
from timeline.core.history import Recorded
from timeline.log import Event, Reader

_NO_ACT = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError, TimelineError)
"""What reading a body raises that nobody of ours wrote."""


def recorded(event: Event) -> Recorded:
    """The act that an event of the log holds."""
    return Recorded(event.seq, event.version, event.recorded_at, act_of(event.body, event.citation))


def act_of(body: str, citation: str) -> Act:
    """The act that a stored body holds.

    Raises:
        TimelineError: `integrity_failure` for a body that holds none. One that was altered and still reads as an act is
            found by its hash alone.
    """
    try:
        return act_from_stored(body)
    except _NO_ACT as error:
        raise unsound(citation) from error


def opening_of(reader: Reader, partnership: str) -> Opening | None:
    """What opened a partnership; None for one that is not open."""
    event = reader.event(partnership, 0)
    act = None if event is None else act_of(event.body, event.citation)
    return act if isinstance(act, Opening) else None


def parties(reader: Reader, partnership: str) -> dict[str, str]:
    """The names of its parties by slug, in the order of the opening; none for a partnership that is not open."""
    opening = opening_of(reader, partnership)
    return {} if opening is None else dict(opening.parties)


def unsound(citation: str) -> TimelineError:
    """The refusal to read an event that is not as it was recorded."""
    return TimelineError(
        "integrity_failure",
        f"{citation} is not as it was recorded.",
        "See what `timeline verify` says, and restore the last backup beside it.",
    )


def event_to_json(event: Event) -> dict[str, Any]:
    """An event of the log as data, its body as the act that was said."""
    return {
        "seq": event.seq,
        "partnership": event.partnership,
        "n": event.version,
        "kind": event.kind,
        "key": event.key,
        "recorded_at": iso(event.recorded_at),
        "hash": event.hash,
        "body": act_to_json(act_of(event.body, event.citation)),
    }
