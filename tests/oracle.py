"""A slow oracle that a child could check: every question sorts everything again and paints it again, day by day.

It is written from the rules alone and shares no code with the product. A line is a plain list with one cell for
every day; a cell is None (nobody said anything) or who said it, what, and, where that is "over", why.

Days are numbers. The first and the last stand for all days before and after; whoever uses the oracle says which
real days the numbers are. The outer days leave room for months and years that begin before the eight days of the
world, or end after them.
"""

from __future__ import annotations

from typing import NamedTuple

DAYS = 15
"""Four outer days before, the eight days of the world, three outer days after."""
FIRST, LAST = 4, 11
"""The world's own eight days."""
NEVER = DAYS
"""The day that does not come: the end of what is open."""
NONE = "NONE"
"""Said to be over."""

Who = tuple[int, int]
"""A statement: the number of its announcement, and its place in it."""


class Cell(NamedTuple):
    who: Who
    value: str
    why: str | None = None
    """Of NONE: terminated, expired, condition_met or suspended."""


Line = list[Cell | None]


class Window(NamedTuple):
    """The possible days of a start: lo <= day < hi."""

    lo: int
    hi: int


class Event(NamedTuple):
    """Something that may happen; of an end, the first day after its outer date, if it has one."""

    name: str
    outer: int | None = None


class Said(NamedTuple):
    """A statement about one term."""

    term: str
    act: str
    """set, end or reaffirm."""
    value: str = NONE
    start: Window | Event | str | None = None
    """A window, an event, "unknown", or None: not stated."""
    until: int | Event | str | None = None
    """The first day on which it no longer holds, an event, "for-good", or None: until the next change."""
    temporary: bool = False
    lane: str = "agreed"
    tier: int = 0
    """The higher is painted later."""


class Told(NamedTuple):
    """What an announcement says, and when it was said."""

    day: int
    """Its place in the order: the last possible day."""
    window: Window
    hour: int
    """From when the public could know it, in hours from the world's first day."""
    said: tuple[Said, ...] = ()


class Announcement(NamedTuple):
    told: Told


class Correction(NamedTuple):
    n: int
    told: Told
    from_hour: int | None = None
    """By the issuer: from when the public could know it. By the editor: None, as if always right."""


class Retraction(NamedTuple):
    n: int
    from_hour: int | None = None


class Occurrence(NamedTuple):
    event: str
    day: int
    hour: int


Act = Announcement | Correction | Retraction | Occurrence
Log = list[Act]
"""What was recorded, in order; the first has the number 1."""


class Task(NamedTuple):
    """A statement with its place in the order."""

    day: int
    tier: int
    number: int
    place: int
    told: Told
    said: Said


# What counts


def counts(log: Log, n: int, known: int, hour: int | None) -> bool:
    """Whether act n counts: it stands, and was public by then."""
    act = log[n - 1]
    from_hour = None
    if isinstance(act, Correction | Retraction):
        from_hour = act.from_hour
    elif isinstance(act, Occurrence):
        from_hour = act.hour
    return public(from_hour, hour) and stands(log, n, known, hour)


def public(from_hour: int | None, hour: int | None) -> bool:
    return hour is None or from_hour is None or from_hour <= hour


def stands(log: Log, n: int, known: int, hour: int | None) -> bool:
    """Whether act n was recorded by then and not taken back by something that counts."""
    if n > known:
        return False
    for later in range(n + 1, len(log) + 1):
        other = log[later - 1]
        if isinstance(other, Retraction) and other.n == n and counts(log, later, known, hour):
            return False
    return True


def content(log: Log, n: int, known: int, hour: int | None) -> Told:
    """What announcement n says: its last correction that was public by then, else its own words.

    What the editor corrects after the issuer did is the issuer's correction, and as public as that.
    """
    act = log[n - 1]
    assert isinstance(act, Announcement)
    told, from_hour = act.told, None
    for later in range(n + 1, len(log) + 1):
        other = log[later - 1]
        if isinstance(other, Correction) and other.n == n and stands(log, later, known, hour):
            from_hour = from_hour if other.from_hour is None else other.from_hour
            if public(from_hour, hour):
                told = other.told
    return told


def tasks(log: Log, known: int, hour: int | None) -> list[Task]:
    """All statements that count, in the order in which they paint; of one day the agreed ones first."""
    found = []
    for n in range(1, len(log) + 1):
        if isinstance(log[n - 1], Announcement) and counts(log, n, known, hour):
            told = content(log, n, known, hour)
            if hour is None or told.hour <= hour:
                found += [Task(told.day, said.tier, n, i, told, said) for i, said in enumerate(told.said)]
    return sorted(found, key=lambda task: (task.day, task.said.lane != "agreed", *task[1:4]))


def happened(log: Log, known: int, hour: int | None) -> dict[str, int]:
    """The events that are on record, each with its day."""
    days = {}
    for n in range(1, len(log) + 1):
        act = log[n - 1]
        if isinstance(act, Occurrence) and counts(log, n, known, hour):
            days[act.event] = act.day
    return days


# Where a statement begins and ends


def own_end(said: Said, events: dict[str, int]) -> int:
    """The day on which it is over by its own words; NEVER while that is not known."""
    match said.until:
        case int():
            return said.until
        case Event(name, outer):
            return min(events.get(name, NEVER), NEVER if outer is None else outer)
    return NEVER


def anchor(told: Told, said: Said, events: dict[str, int]) -> int:
    """The day from which it is painted; NEVER while it waits for its event."""
    match said.start:
        case Window(lo, _):
            return lo
        case Event(name, _):
            return events.get(name, NEVER)
        case "unknown":
            return min(told.day, own_end(said, events) - 1)
    return told.window.lo


def doubtful(told: Told, said: Said, events: dict[str, int]) -> Window:
    """The days on which it is possible, but not certain, that it holds."""
    match said.start:
        case Window(lo, hi):
            return said.start if hi - lo > 1 else Window(lo, lo)
        case Event():
            return Window(0, 0)
        case "unknown":
            return Window(0, anchor(told, said, events))
    return told.window if told.window.hi - told.window.lo > 1 else Window(0, 0)


# Painting, as in the rules


def gov(line: Line, day: int) -> Who | None:
    if day >= DAYS:
        return None
    cell = line[day]
    return None if cell is None else cell.who


def next_change(base: Line, who: Who, f: int) -> int:
    """The first day after f that is governed by another statement than the one that governs f."""
    for x in range(f + 1, DAYS):
        if base[x] is not None and gov(base, x) != gov(base, f) and gov(base, x) != who:
            return x
    return NEVER


def open_paint(base: Line, cell: Cell, f: int) -> list[int]:
    """Paint from f to the next change; the days that were painted."""
    painted = list(range(f, next_change(base, cell.who, f))) if f < DAYS else []
    for x in painted:
        base[x] = cell
    return painted


def paint_none(base: Line, overlay: Line, cell: Cell, f: int) -> None:
    """Open-paint an end; there is no waiver of a dead term."""
    for x in open_paint(base, cell, f):
        overlay[x] = None


def take_over(overlay: Line, cell: Cell, f: int) -> None:
    """A lasting value that starts inside a temporary period takes it over to that period's end."""
    if f >= DAYS or overlay[f] is None:
        return
    was = overlay[f]
    x = f
    while x < DAYS and overlay[x] == was:
        overlay[x] = cell
        x += 1


def paint_bounded(base: Line, overlay: Line, cell: Cell, f: int, t: int, *, why: str) -> None:
    """Paint f <= day < t; then the term lapses, unless another statement takes over exactly then."""
    if t <= f:  # over before it began
        paint_none(base, overlay, Cell(cell.who, NONE, why), f)
        return
    taken_over = t < DAYS and base[t] is not None and gov(base, t) != gov(base, t - 1)
    if not taken_over:
        paint_none(base, overlay, Cell(cell.who, NONE, why), t)
    for x in range(f, min(t, DAYS)):
        base[x] = cell
        overlay[x] = None


def paint_until_event(base: Line, overlay: Line, cell: Cell, f: int, until: Event, *, o: int) -> None:
    """Paint from f until the event, which happens on day o, or until its outer date."""
    met = Cell(cell.who, NONE, "condition_met")
    t = until.outer
    if o <= f and (t is None or o < t):
        paint_none(base, overlay, met, f)
    elif t is not None and o < t:
        paint_bounded(base, overlay, cell, f, o, why="condition_met")
    elif t is not None:
        paint_bounded(base, overlay, cell, f, t, why="expired")
    else:
        n = next_change(base, cell.who, f)
        open_paint(base, cell, f)
        if o < n:
            paint_none(base, overlay, met, o)
        take_over(overlay, cell, f)


def paint_lasting(base: Line, overlay: Line, task: Task, events: dict[str, int]) -> None:
    said, who = task.said, (task.number, task.place)
    f = anchor(task.told, said, events)
    if f >= DAYS:
        return
    cell = Cell(who, said.value)
    before = []
    if said.start == "unknown":
        x = f - 1
        while x >= 0 and base[x] is None:
            before.append(x)
            x -= 1
    if said.act == "end" and said.until == "for-good":
        for x in range(f, DAYS):
            base[x], overlay[x] = Cell(who, NONE, "terminated"), None
    elif said.act == "end":
        paint_none(base, overlay, Cell(who, NONE, "terminated"), f)
    elif said.until is None:
        open_paint(base, cell, f)
        take_over(overlay, cell, f)
    elif said.until == "for-good":
        for x in range(f, DAYS):
            base[x] = cell
        take_over(overlay, cell, f)
    elif isinstance(said.until, int):
        paint_bounded(base, overlay, cell, f, said.until, why="expired")
    elif isinstance(said.until, Event):
        paint_until_event(base, overlay, cell, f, said.until, o=events.get(said.until.name, NEVER))
    for x in before:
        base[x] = cell


def paint_temporary(overlay: Line, task: Task, events: dict[str, int]) -> None:
    said, who = task.said, (task.number, task.place)
    cell = Cell(who, NONE, "suspended") if said.act == "end" else Cell(who, said.value)
    for x in range(anchor(task.told, said, events), min(own_end(said, events), DAYS)):
        overlay[x] = cell


def close(base: Line, overlay: Line, task: Task, events: dict[str, int]) -> None:
    """An agreed statement closes what the other lanes say, from its own day."""
    for x in range(anchor(task.told, task.said, events), DAYS):
        base[x] = overlay[x] = None


# Questions


def line(log: Log, term: str, *, lane: str = "agreed", known: int | None = None, hour: int | None = None) -> Line:
    """What governs on every day, as far as was on record after `known` acts and public by `hour`."""
    known = len(log) if known is None else known
    events = happened(log, known, hour)
    base: Line = [None] * DAYS
    overlay: Line = [None] * DAYS
    for task in tasks(log, known, hour):
        if task.said.term != term or task.said.act == "reaffirm":
            continue
        if task.said.lane == lane:
            if task.said.temporary:
                paint_temporary(overlay, task, events)
            else:
                paint_lasting(base, overlay, task, events)
        elif task.said.lane == "agreed" and not task.said.temporary:
            close(base, overlay, task, events)
    return [over if over is not None else under for over, under in zip(overlay, base, strict=True)]


def certain(log: Log, cell: Cell, day: int, *, known: int | None = None, hour: int | None = None) -> bool:
    """Whether the cell's statement holds beyond doubt on that day: what ended by itself is surely over."""
    if cell.why in ("expired", "condition_met"):
        return True
    known = len(log) if known is None else known
    events = happened(log, known, hour)
    for task in tasks(log, known, hour):
        if (task.number, task.place) == cell.who:
            window = doubtful(task.told, task.said, events)
            return not window.lo <= day < window.hi
    raise AssertionError("the statement that governs is on record")


def confirmed(
    log: Log, term: str, day: int, *, lane: str = "agreed", known: int | None = None, hour: int | None = None
) -> int | None:
    """The last announced day, not after `day`, that set what governs then, or reaffirmed it while it governed."""
    known = len(log) if known is None else known
    cells = line(log, term, lane=lane, known=known, hour=hour)
    who = gov(cells, day)
    days = [
        task.day
        for task in tasks(log, known, hour)
        if task.said.term == term
        and task.said.lane == lane
        and task.day <= day
        and ((task.number, task.place) == who or (task.said.act == "reaffirm" and gov(cells, task.day) == who))
    ]
    return max(days, default=None)


def value(cell: Cell | None) -> str | None:
    """What is compared: silent, over (however it ended) and each value are all different."""
    return None if cell is None else cell.value


def changed(line: Line, after: int, upto: int) -> list[tuple[int, str | None, str | None]]:
    """The days in (after, upto] on which the value is not that of the day before."""
    return [
        (x, value(line[x - 1]), value(line[x]))
        for x in range(after + 1, upto + 1)
        if value(line[x]) != value(line[x - 1])
    ]


def learned(old: Line, new: Line) -> list[tuple[int, str | None, str | None]]:
    """The days on which two lines differ in value, each with what was held before and what is held now."""
    return [(x, value(old[x]), value(new[x])) for x in range(DAYS) if value(old[x]) != value(new[x])]


def covered_from(log: Log, *, known: int | None = None, hour: int | None = None) -> int:
    """The earliest announced or stated effective day: before it the record answers nothing. NEVER when it is empty."""
    known = len(log) if known is None else known
    days = [NEVER]
    for n in range(1, len(log) + 1):
        if isinstance(log[n - 1], Announcement) and counts(log, n, known, hour):
            told = content(log, n, known, hour)
            if hour is None or told.hour <= hour:
                days.append(told.window.lo)
                days += [said.start.lo for said in told.said if isinstance(said.start, Window)]
    return min(days)
