"""When: days, coarse dates (EDTF, ISO 8601-2) and instants; what is accepted and what is refused.

A day is a `datetime.date` with no zone. Periods are half-open `[start, end)`; `END_OF_TIME` stands for
"until the next change" and `START_OF_TIME` for "from the beginning". An instant is an aware UTC datetime.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from timeline.core.errors import TimelineError

START_OF_TIME = date.min
END_OF_TIME = date.max
ONE_DAY = timedelta(days=1)

_COARSE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_INSTANT = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(?P<zone>[Zz]|[+-]\d{2}:\d{2})?", re.ASCII
)
_SLASHED = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4}|\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class CoarseDate:
    """A date as it was said: a day, a month or a year, with its window `[lo, hi)` of possible days."""

    text: str
    lo: date
    hi: date

    @property
    def precision(self) -> str:
        return {4: "year", 7: "month", 10: "day"}[len(self.text)]

    @property
    def is_day(self) -> bool:
        return len(self.text) == 10

    @property
    def last(self) -> date:
        """The last possible day."""
        return self.hi - ONE_DAY

    @property
    def certain_from(self) -> date:
        """The first day on which something that started then has certainly started."""
        return self.lo if self.is_day else self.hi


def coarse(text: str, *, field: str | None = None) -> CoarseDate:
    """The coarse date that `text` says: YYYY, YYYY-MM or YYYY-MM-DD.

    Raises:
        TimelineError: `ambiguous_date` for 03/04/2025, with both readings; `invalid_date` otherwise.
    """
    if _COARSE.fullmatch(text) is None:
        raise _not_a_date(text, "Write a day as 2021-03-15, a month as 2021-03 or a year as 2021.", field)
    try:
        return _window(text)
    except ValueError:
        raise TimelineError(
            "invalid_date", f"There is no such date as {text}.", _nearest_real(text), field=field
        ) from None


@lru_cache(maxsize=4096)
def _window(text: str) -> CoarseDate:
    """The coarse date that a text of its form says; a ValueError when there is none. Kept: texts say few dates."""
    year, month, day = int(text[:4]), text[5:7], text[8:]
    if not 2 <= year <= 9998:  # a day before and a year after must exist
        raise ValueError
    if not month:
        return CoarseDate(text, date(year, 1, 1), date(year + 1, 1, 1))
    if not day:
        lo = date(year, int(month), 1)
        return CoarseDate(text, lo, (lo + timedelta(days=31)).replace(day=1))
    lo = date(year, int(month), int(day))
    return CoarseDate(text, lo, lo + ONE_DAY)


def day(text: str, *, field: str | None = None) -> date:
    """The one day that `text` names, as YYYY-MM-DD; a month or a year is refused, never guessed."""
    if re.fullmatch(r"\d{4}(-\d{2})?", text, re.ASCII):
        found = coarse(text, field=field)
        first, last = found.lo.isoformat(), found.last.isoformat()
        raise TimelineError(
            "invalid_date",
            f"{text} is a {found.precision}, not a day.",
            f"Name one day of it: {first} for its first or {last} for its last.",
            field=field,
            readings=[first, last],
        )
    if _COARSE.fullmatch(text):
        return coarse(text, field=field).lo
    raise _not_a_date(text, "Write the day as 2021-03-15.", field)


def instant(text: str, *, field: str | None = None) -> datetime:
    """The instant that `text` names, in UTC: RFC 3339 with an offset.

    Raises:
        TimelineError: `zone_missing` without an offset; `invalid_instant` otherwise.
    """
    match = _INSTANT.fullmatch(text)
    if match is None:
        raise TimelineError(
            "invalid_instant",
            f"“{text}” is not a moment in time.",
            "Write it as 2026-11-22T04:30:00Z, or a day as 2026-11-22.",
            field=field,
        )
    if match["zone"] is None:
        raise TimelineError(
            "zone_missing",
            f"{text} has no time zone, so it names a different moment in every place.",
            f"Add the offset: {text.replace(' ', 'T')}Z for UTC, or {text.replace(' ', 'T')}+01:00.",
            field=field,
        )
    normal = text.upper().replace(" ", "T")
    head, dot, fraction = normal.partition(".")
    if dot:
        digits = re.match(r"\d+", fraction)
        assert digits is not None  # the pattern has seen them
        normal = f"{head}.{digits[0][:6].ljust(6, '0')}{fraction[digits.end() :]}"
    try:
        return datetime.fromisoformat(normal).astimezone(UTC)
    except (ValueError, OverflowError):
        raise TimelineError(
            "invalid_instant",
            f"There is no such moment as {text}.",
            "Write it as 2026-11-22T04:30:00Z.",
            field=field,
        ) from None


def end_of_day(on: date) -> datetime:
    """The last representable instant of that UTC day."""
    return datetime(on.year, on.month, on.day, 23, 59, 59, 999999, tzinfo=UTC)


def start_of_day(on: date) -> datetime:
    """00:00 UTC of that day."""
    return datetime(on.year, on.month, on.day, tzinfo=UTC)


def axis_instant(text: str, now: datetime, *, field: str) -> datetime:
    """The moment that `known_at` or `announced_by` names: an instant, or a day meaning its end in UTC.

    Today's date means now. The future is refused: nobody knows yet what will be on record then.
    """
    if _COARSE.fullmatch(text) or _SLASHED.fullmatch(text):
        on = day(text, field=field)
        if on == now.date():
            return now
        moment = end_of_day(on)
    else:
        moment = instant(text, field=field)
    if moment > now:
        raise TimelineError(
            "instant_in_the_future",
            f"{field}={text} is in the future; nothing can be known as of then.",
            f"Leave {field} out for now, or name a moment not after {iso(now)}.",
            field=field,
        )
    return moment


def iso(moment: datetime) -> str:
    """RFC 3339 in UTC; the fraction only when there is one, always six digits."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def said_through(end: date) -> date:
    """The last day of a period that ends (half-open) at `end`."""
    return end - ONE_DAY


@dataclass(frozen=True, slots=True)
class Announced:
    """When the source said it: a civil day (perhaps coarse), or an instant with offset."""

    text: str
    window: CoarseDate
    """The civil day as published; a coarse one keeps its window."""
    at: datetime
    """The instant from which the public could know it: the day's first, of a coarse one the last day's first."""

    @property
    def on(self) -> date:
        """Its place in the order: the civil day, of a coarse one the last possible day."""
        return self.window.last


def announced(text: str, *, field: str | None = None) -> Announced:
    """Read an announced date: YYYY, YYYY-MM, YYYY-MM-DD or RFC 3339 with an offset."""
    if len(text) > 10 and _INSTANT.fullmatch(text):
        at = instant(text, field=field)
        return Announced(text, coarse(text[:10], field=field), at)
    window = coarse(text, field=field)
    return Announced(text, window, start_of_day(window.last))


def _not_a_date(text: str, remedy: str, field: str | None) -> TimelineError:
    match = _SLASHED.fullmatch(text.strip())
    if match is not None:
        first, second, year = int(match[1]), int(match[2]), match[3]
        year = f"20{year}" if len(year) == 2 else year
        readings = sorted(
            {
                f"{year}-{month:02d}-{on:02d}"
                for month, on in ((first, second), (second, first))
                if month <= 12 and on <= 31
            }
        )
        if len(readings) == 2:
            return TimelineError(
                "ambiguous_date",
                f"{text} can be read in two ways.",
                f"Write {readings[0]} or {readings[1]}.",
                field=field,
                readings=readings,
            )
        if readings:
            return TimelineError("invalid_date", f"{text} is not an ISO date.", f"Write {readings[0]}.", field=field)
    if not text.strip():
        return TimelineError("invalid_date", "The date is empty.", remedy, field=field)
    return TimelineError("invalid_date", f"“{text}” is not a date.", remedy, field=field)


def _nearest_real(text: str) -> str:
    """For 2021-02-30: the last day of that month; for 2021-13: the form."""
    parts = text.split("-")
    if len(parts) == 3 and 1 <= int(parts[1]) <= 12 and 1 <= int(parts[0]) <= 9998:
        last = coarse("-".join(parts[:2])).last
        return f"Write {last.isoformat()}, the last day of that month."
    return "Write a day as 2021-03-15, a month as 2021-03 or a year as 2021, years from 0002 to 9998."
