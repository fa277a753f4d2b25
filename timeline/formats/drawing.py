"""The lives of terms as a picture: where each bar, mark and label stands. `pictures` turns it into SVG and PNG.

Kinds of bar differ in shape and pattern, not in colour alone, so that they can be told apart on paper.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

Json = dict[str, Any]
WIDTH = 960
ROW = 44
_TOP, _BOTTOM, _SIDE = 54, 14, 14
_MARGIN = timedelta(days=120)
_LONG_AHEAD = timedelta(days=365 * 9)
_LETTER = 6.6
"""How wide a letter of the small type is, on average and rather too much."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One period of one term: `kind` is held, scheduled or over; a hatched part is where its start is not certain."""

    x: float
    width: float
    kind: str
    hatched: float
    text: str
    text_x: float
    text_on_coarse: bool
    title: str
    governed_by: str
    goes_on: bool
    """Whether it goes on beyond the right edge."""

    @property
    def text_width(self) -> float:
        """How wide the text is, rather too much, and no wider than the bar."""
        return round(min(len(self.text) * _LETTER, self.x + self.width - self.text_x), 1)


@dataclass(frozen=True, slots=True)
class Row:
    y: float
    label: str
    term: str
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Mark:
    x: float
    text: str
    kind: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Drawing:
    width: int
    height: int
    rows: tuple[Row, ...]
    years: tuple[Mark, ...]
    marks: tuple[Mark, ...]


def drawing(timeline: Json, as_of: date, today: date | None) -> Drawing | None:
    """The drawing of a timeline; None when there is nothing to draw.

    Args:
        timeline: What `Answers.timeline` says.
        as_of: The day that the page is about.
        today: None where the picture must be the same on every day: what is scheduled then begins after `as_of`.
    """
    cells = [cell for term in timeline["terms"] for cell in term["life"]]
    if not cells:
        return None
    now = today or as_of
    known = [_day(text) for cell in cells for text in (cell["from"], cell["announced"][:10], cell["through"]) if text]
    first = min([*known, as_of, now]) - _MARGIN
    last = min(max([*known, as_of, now]), now + _LONG_AHEAD) + _MARGIN
    scale = _Scale(first, max(last, as_of + _MARGIN))
    rows = tuple(
        Row(_TOP + place * ROW, term["label"], term["term"], tuple(_bars(term, scale, now)))
        for place, term in enumerate(timeline["terms"])
    )
    marks = [] if today is None else [_mark(scale, today, "today")]
    if today is None or as_of != today:
        marks.append(_mark(scale, as_of, "as of"))
    height = _TOP + len(rows) * ROW + _BOTTOM
    return Drawing(WIDTH, height, rows, tuple(scale.years()), tuple(marks))


@dataclass(frozen=True, slots=True)
class _Scale:
    first: date
    last: date

    def x(self, on: date) -> float:
        days = (self.last - self.first).days
        inside = min(max((on - self.first).days, 0), days)
        return round(_SIDE + inside / days * (WIDTH - 2 * _SIDE), 1)

    def years(self) -> list[Mark]:
        count = self.last.year - self.first.year
        step = next(step for step in (1, 2, 5, 10, 25, 50, 100, 500, 10_000) if count / step <= 16)
        found = range(self.first.year + 1, self.last.year + 1)
        return [Mark(self.x(date(year, 1, 1)), str(year), "year", "start") for year in found if year % step == 0]


def _bars(term: Json, scale: _Scale, now: date) -> list[Bar]:
    bars = []
    for cell in term["life"]:
        start = _day(cell["from"]) if cell["from"] else scale.first
        end = _day(cell["through"]) + timedelta(days=1) if cell["through"] else scale.last
        if start >= scale.last:
            continue
        certain = _day(cell["certain_from"]) if cell["certain_from"] else end
        pieces = [(start, end, "over")] if cell["value"] is None else _told_apart(start, end, now)
        for begin, stop, kind in pieces:
            x, right = scale.x(begin), scale.x(min(stop, scale.last))
            width = max(right - x, 2.0)
            hatched = max(min(scale.x(min(certain, scale.last)), right) - x, 0.0) if kind != "over" else 0.0
            words = cell["text"] if begin == start else ""
            on_coarse = hatched > width / 2
            room = hatched if on_coarse else width - hatched
            bars.append(
                Bar(
                    x=x,
                    width=round(width, 1),
                    kind=kind,
                    hatched=round(hatched, 1),
                    text=_fitting(words, room),
                    text_x=round(x + 5 + (0 if on_coarse else hatched), 1),
                    text_on_coarse=on_coarse,
                    title=_title(term, cell),
                    governed_by=cell["governed_by"],
                    goes_on=stop >= scale.last and cell["through"] is None,
                )
            )
    return bars


def _told_apart(start: date, end: date, now: date) -> list[tuple[date, date, str]]:
    """A period in its part up to today and its part still ahead."""
    after = now + timedelta(days=1)
    if start > now:
        return [(start, end, "scheduled")]
    return [(start, end, "held")] if end <= after else [(start, after, "held"), (after, end, "scheduled")]


def _title(term: Json, cell: Json) -> str:
    ends = f" through {cell['through_text']}" if cell["through"] else ""
    return f"{term['label']}: {cell['text']}, from {cell['from_text']}{ends}"


def _fitting(text: str, width: float) -> str:
    letters = int((width - 10) / _LETTER)
    if letters >= len(text):
        return text
    return f"{text[: letters - 1].rstrip()}…" if letters > 6 else ""


def _mark(scale: _Scale, on: date, what: str) -> Mark:
    x = scale.x(on)
    return Mark(
        x,
        f"{what} {on.isoformat()}" if what == "as of" else what,
        what.replace(" ", "-"),
        "end" if x > WIDTH * 0.8 else "start",
    )


def _day(text: str) -> date:
    """The first day of a date as it was said."""
    parts = [int(part) for part in text.split("-")]
    return date(*parts, *[1] * (3 - len(parts)))
