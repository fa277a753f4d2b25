"""Mementos (RFC 7089): a partnership as it read on a day, found by that day; headers, and the list of days. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date
from email.utils import format_datetime, parsedate_to_datetime
from urllib.parse import urlencode

from timeline.core.dates import day, end_of_day
from timeline.core.errors import TimelineError

LINK_FORMAT = "application/link-format"


def day_wanted(header: str) -> date:
    """The day that an Accept-Datetime names, in UTC.

    Raises:
        TimelineError: `invalid_instant`.
    """
    try:
        named = parsedate_to_datetime(header)
        # "-0000" is a time of UTC from nowhere in particular: without a zone it would be taken for this machine's.
        return (named if named.tzinfo else named.replace(tzinfo=UTC)).astimezone(UTC).date()
    except (ValueError, OverflowError) as error:
        raise TimelineError(
            "invalid_instant",
            f"Accept-Datetime: {header[:80]} is not a date of HTTP.",
            "Write it as Mon, 20 Jan 2025 12:00:00 GMT.",
            field="Accept-Datetime",
        ) from error


def links(partnership: str) -> str:
    """Where the page of a day, and its time gate and time map are."""
    gate = f'</p/{partnership}>; rel="original timegate"'
    return f'{gate}, </p/{partnership}/timemap>; rel="timemap"; type="{LINK_FORMAT}"'


def lasting(path: Mapping[str, str], given: Mapping[str, str]) -> dict[str, str]:
    """What is to be said beside a permanent answer: where it is asked anew, and of a day when that was.

    The headers are as lasting as the answer: what was corrected since is told by the page and by since.json.
    """
    partnership = path["p"]
    if "date" not in path:
        return {"Link": f'</p/{partnership}>; rel="latest-version"'}
    on = day(path["date"], field="date")
    query = f"?{urlencode(given)}" if given else ""
    further = [
        f'</p/{partnership}?as_of={on}>; rel="latest-version"',
        f'</p/{partnership}@{path["seq"]}/{on}/since.json{query}>; rel="version-history"',
    ]
    return {"Memento-Datetime": _moment(on), "Link": ", ".join([links(partnership), *further])}


def time_map(partnership: str, head: str, days: Sequence[date]) -> bytes:
    """Each day with the address of its state (RFC 7089 §5, RFC 6690).

    Args:
        head: The partnership and the position up to which the record is read, as openai-microsoft@43.
        days: In order.
    """
    lines = [
        f'</p/{partnership}>;rel="original timegate"',
        f'</p/{partnership}/timemap>;rel="self";type="{LINK_FORMAT}"',
    ]
    for on in days:
        which = f"{'first ' if on == days[0] else ''}{'last ' if on == days[-1] else ''}memento"
        lines.append(f'</p/{head}/{on}>;rel="{which}";datetime="{_moment(on)}"')
    return (",\n".join(lines) + "\n").encode()


def _moment(on: date) -> str:
    """The last second of that day, as HTTP writes it."""
    return format_datetime(end_of_day(on).replace(microsecond=0), usegmt=True)
