"""The log's events as what they hold: where the record and the core meet."""

from __future__ import annotations

from typing import Any

from timeline.core.announcements import act_from_stored, act_to_json
from timeline.core.dates import iso
from timeline.core.history import Recorded
from timeline.log import Event


def recorded(event: Event) -> Recorded:
    """The act that an event of the log holds."""
    return Recorded(event.seq, event.version, event.recorded_at, act_from_stored(event.body))


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
        "body": act_to_json(act_from_stored(event.body)),
    }
