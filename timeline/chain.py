"""What makes the record tamper-evident: the events, the hashes that chain them, and the walk that checks both.

Pure: it judges events that somebody else has read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Self

import msgspec

from timeline.core.dates import iso
from timeline.core.errors import TimelineError

GENESIS = "0" * 64
"""The hash before the first event."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TICK = timedelta(microseconds=1)
AHEAD = timedelta(minutes=10)
"""Clocks that are looked after differ by less."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event as recorded."""

    seq: int
    """Its position in the whole log: gapless from 1."""
    partnership: str
    version: int
    """Its position in its partnership: gapless from 0, the opening document; n is cited as partnership/n."""
    kind: str
    key: str | None
    """Unique in the whole log; None when nobody gave one. So is `idempotency_key`."""
    idempotency_key: str | None
    content_hash: str
    """SHA-256, in hex, of the content without its keys, as the caller computed it; not unique."""
    recorded_at: datetime
    """UTC, to the microsecond; later than that of every event before it."""
    body: str
    previous_hash: str
    hash: str

    @property
    def citation(self) -> str:
        return f"{self.partnership}/{self.version}"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing in the record that is not as it was written."""

    seq: int | None
    """The event's position, also of one that is missing; None when a stored text is damaged."""
    name: str
    """acme/3, or “event 5” when nothing is left to cite, or “text” and its hash."""
    what: str
    """What is wrong, as a sentence."""


@dataclass(frozen=True, slots=True)
class Verification:
    """How far the record was found sound."""

    events: int
    """The events found sound, from the first."""
    head_hash: str
    """The hash of the last sound one; `GENESIS` when there is none."""
    fault: Fault | None


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970-01-01T00:00Z, without rounding."""
    return (moment - EPOCH) // TICK


def moment(count: int) -> datetime:
    """The UTC instant that many microseconds after 1970-01-01T00:00Z.

    Raises:
        TimelineError: `integrity_failure` beyond the year 9999 and before 1, which nobody of ours has written.
    """
    try:
        return EPOCH + timedelta(microseconds=count)
    except OverflowError as error:
        raise TimelineError(
            "integrity_failure",
            f"{count} microseconds from 1970 on are no instant.",
            "See what timeline verify says, and restore the last backup beside it.",
        ) from error


def clock_note(last: datetime | None, now: datetime) -> str | None:
    """What to know where the record ends later than the clock says that it is; None where all is well.

    Args:
        last: When the last event was recorded.
    """
    if last is None or last - now <= AHEAD:
        return None
    return (
        f"The record ends at {iso(last)}, but the clock of this machine says {iso(now)}: now it is behind, or it was "
        "ahead then. Until it has caught up, what is recorded comes one microsecond after what was recorded before it."
    )


def link(event: Event) -> str:
    """The hash that `event` should have: SHA-256, in hex, over the UTF-8 JSON array of every other field.

    The array is written without spaces, in the order of `Event`, `recorded_at` in microseconds since 1970.
    JSON's quoting keeps the fields apart: no two events have the same array.
    """
    fields = (
        event.seq,
        event.partnership,
        event.version,
        event.kind,
        event.key,
        event.idempotency_key,
        event.content_hash,
        microseconds(event.recorded_at),
        event.body,
        event.previous_hash,
    )
    return sha256(msgspec.json.encode(fields)).hexdigest()


class Walk:
    """Takes the events of a whole log in order and stops at the first that is not as it was recorded.

    Args:
        known_head: The (seq, hash) of an event noted earlier, somewhere else. Only with it can events that
            were cut off the end, or a history rewritten as a whole, be found.
    """

    def __init__(self, known_head: tuple[int, str] | None = None) -> None:
        self.seq = 0
        """The last event found sound."""
        self.fault: Fault | None = None
        self._known_head = known_head
        self._hash = GENESIS
        self._recorded_at: datetime | None = None
        self._next_version: dict[str, int] = {}

    @classmethod
    def onwards(cls, last: Event, next_version: dict[str, int]) -> Self:
        """A walk that goes on after `last`, which it takes to be sound.

        Args:
            next_version: Of the partnerships that are on record; another one begins at 0.
        """
        walk = cls()
        walk.seq, walk._hash, walk._recorded_at = last.seq, last.hash, last.recorded_at
        walk._next_version = next_version
        return walk

    def step(self, event: Event) -> bool:
        """Whether `event` is sound as the next one; if not, `fault` says why."""
        if event.seq != self.seq + 1:
            self.missing(f"Event {self.seq + 1} is missing: after {self.seq} comes {event.seq}.")
        elif (what := self._what_is_wrong(event)) is not None:
            self.fault = Fault(event.seq, event.citation, what)
        else:
            self.seq, self._hash, self._recorded_at = event.seq, event.hash, event.recorded_at
            self._next_version[event.partnership] = event.version + 1
        return self.fault is None

    def missing(self, what: str) -> None:
        """Note that the next event cannot be had, and why."""
        self.fault = Fault(self.seq + 1, f"event {self.seq + 1}", what)

    def end(self) -> Verification:
        """The verdict, when there is no further event."""
        if self.fault is None and self._known_head is not None and self._known_head[0] > self.seq:
            self.missing(f"The log ends at event {self.seq}, but event {self._known_head[0]} was once on record.")
        return Verification(self.seq, self._hash, self.fault)

    def _what_is_wrong(self, event: Event) -> str | None:
        if event.hash != link(event):
            return "Its hash is not that of its fields: one of them was changed."
        if event.previous_hash != self._hash:
            return f"It does not continue event {self.seq}: that one was replaced after it, or this one was."
        if event.version != (version := self._next_version.get(event.partnership, 0)):
            return f"Its version should be {version}: an event of its partnership is missing or out of order."
        if self._recorded_at is not None and event.recorded_at <= self._recorded_at:
            return "It is not recorded later than the event before it."
        if self._known_head is not None and self._known_head[0] == event.seq and self._known_head[1] != event.hash:
            return "Its hash is not the one noted for it: the log was rewritten up to here."
        return None
