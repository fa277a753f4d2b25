"""A table of rectangles as large as asked for, written without the acts behind it."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date
from itertools import islice

from timeline import rows
from timeline.log import Log
from timeline.rows import OPEN, Rectangle

PER_PARTNERSHIP = 120
TERMS = 10
"""Of each partnership; each term has twelve rectangles, of six steps and what they closed."""


class Filled:
    """The log with about `size` rectangles of many partnerships."""

    def __init__(self, log: Log, size: int) -> None:
        self.partnerships = max(size // PER_PARTNERSHIP, 1)
        self.head = self.partnerships * PER_PARTNERSHIP
        self._chance = random.Random(1)
        made = self._all()
        while batch := list(islice(made, 20_000)):
            with log.writing() as writer:
                rows.write(writer.connection, 1, batch)

    def any(self) -> str:
        """The name of one of the partnerships, another each time."""
        return f"p{self._chance.randrange(self.partnerships):07}"

    def _all(self) -> Iterator[Rectangle]:
        value = '{"percent":{"value":"12"}}'
        first, last = date(2010, 1, 1).toordinal(), date.max.toordinal()
        for number in range(self.partnerships):
            name = f"p{number:07}"
            for place in range(TERMS):
                # Every two years a step: what was held open is closed at that step, and goes on up to its day.
                known = [1 + step * self.head // 6 + number for step in range(6)]
                days = [first + 730 * step for step in range(6)]
                for step, (seq, day) in enumerate(zip(known, days, strict=True)):
                    head = (name, "agreed", f"stake/unit-{place}", day)
                    ahead = known[step + 1] if step < 5 else OPEN
                    yield Rectangle(*head, seq, last, ahead, step + 1, 1, "in_force", value)
                    if step < 5:
                        yield Rectangle(*head, ahead, days[step + 1], OPEN, step + 1, 1, "in_force", value)
