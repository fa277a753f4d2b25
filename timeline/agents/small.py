"""Answers small enough for an assistant: rows until the room is used, long texts cut, and how to get the rest."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from timeline.core.errors import TimelineError
from timeline.exports import ENCODER
from timeline.formats.sheets.text import visible

Json = dict[str, Any]
LIMIT = 16_000
"""Bytes of an answer: some four thousand tokens."""
LONGEST = 600
"""Characters of one text."""
_SHORT = 60
"""Characters of each text in a row that would not fit by itself."""
_MANY = 12
"""Values of a list within a row."""
_FRAME = 300
"""Bytes for the names of the groups and for how to get the rest."""
_TAGS = re.compile(r"[\U000e0000-\U000e007f]")
"""Letters that no screen shows and a language model reads."""


def tidy(value: Any, longest: int = LONGEST) -> Any:
    """The value with no character that cannot be seen and no long text or list; what was cut says so."""
    match value:
        case str():
            text = _TAGS.sub(lambda found: f"[U+{ord(found[0]):04X}]", visible(value))
            return text if len(text) <= longest else f"{text[:longest]}… ({len(text) - longest} characters more)"
        case dict():
            return {tidy(name, longest): tidy(each, longest) for name, each in value.items()}
        case list() | tuple():
            kept = [tidy(each, longest) for each in value[:_MANY]]
            return [*kept, f"… {len(value) - _MANY} more"] if len(value) > _MANY else kept
    return value


def named(body: Mapping[str, Any], *names: str) -> Json:
    """Those of the fields that say something: what is not there has no name here."""
    return {name: body[name] for name in names if body.get(name) not in (None, [], "")}


def fitted(head: Json, groups: Mapping[str, Sequence[Json]], skip: int, again: str = "") -> Json:
    """The head and as many rows of the groups, in their order, as there is room for.

    Args:
        skip: Rows, counted over all groups, that were answered before.
        again: What to add to the question so that it is the same when the rest is asked for.

    Raises:
        TimelineError: `invalid_value` for a skip beyond the end.
    """
    total = sum(map(len, groups.values()))
    if skip and skip >= total:
        raise TimelineError(
            "invalid_value",
            f"skip={skip} is beyond the end: the answer has {total} rows.",
            "Leave skip out to begin anew.",
            field="skip",
        )
    body: Json = tidy(head)
    room = LIMIT - len(ENCODER.encode(body)) - _FRAME
    place, upto = 0, total
    for name, rows in groups.items():
        body[name] = []
        for row in rows:
            if skip <= place < upto:
                kept = tidy(row)
                if place == skip and len(ENCODER.encode(kept)) > room:
                    kept = tidy(row, _SHORT)
                room -= len(ENCODER.encode(kept)) + 1
                if room < 0 and place > skip:
                    upto = place
                else:
                    body[name].append(kept)
            place += 1
    if upto < total:
        body["more"] = f"{total - upto} rows more: ask the same again with skip={upto}{again}."
    return body
