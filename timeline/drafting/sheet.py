"""A draft's document as a sheet of plain text fields, and such a sheet back as a document.

A field that comes back as it was shown leaves the document as it is, also where the sheet has no words for what stands
there; so a person who changes one date changes nothing else. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

from timeline.core.errors import TimelineError
from timeline.documents import Document, inline, read
from timeline.drafting.judging import OTHER_ACTS

Json = dict[str, Any]
HEADER = ("partnership", "title", "announced", "force", "summary", "note")
SOURCE = ("url", "publisher", "tier")
SAYS = ("set", "end", "reaffirm")
PLAIN = ("term", "direction", "force", "quote", "unsupported", "note")
VALUES = ("effective", "until", "source")
"""Fields of a statement that are more than text: written as YAML on one line."""


def sheet(document: Document) -> Json | None:
    """The document's fields as text; None for what has no sheet: another act, or lists that are none."""
    data = document.data
    sources, statements = (data.get(name) or [] for name in ("sources", "statements"))
    lists = (sources, statements)
    if any(name in data for name in OTHER_ACTS) or not all(isinstance(each, list) for each in lists):
        return None
    if not all(isinstance(each, dict) for each in (*sources, *statements)):
        return None
    return {
        "header": {name: _text(data.get(name)) for name in HEADER},
        "sources": [{name: _text(each.get(name)) for name in SOURCE} for each in sources],
        "statements": [_statement(each) for each in statements],
    }


def filled(document: Document, form: Mapping[str, Any]) -> Json:
    """The document's data with what a form says: `title`, `sources.0.url`, `statements.2.quote`, `statements.2.drop`.

    One source and one statement more than the document has may be given; they are added unless they are empty.
    """
    shown = sheet(document)
    assert shown is not None  # only a sheet that was shown comes back
    data: Json = deepcopy(document.data)
    for name in HEADER:
        _put(data, name, shown["header"][name], form.get(name))
    for group, put in (("sources", _put_source), ("statements", _put_statement)):
        made = []
        blank = _statement({}) if group == "statements" else dict.fromkeys(SOURCE, "")
        for place, (item, texts) in enumerate(zip([*(data.get(group) or []), {}], [*shown[group], blank], strict=True)):
            given = {name: form.get(f"{group}.{place}.{name}") for name in (*texts, "drop", "present")}
            if given["drop"]:
                continue
            put(item, texts, given)
            if item:
                made.append(item)
        if made or data.get(group):
            data[group] = made
    return data


def _statement(statement: Json) -> Json:
    says = next((name for name in SAYS if statement.get(name) not in (None, False)), "set")
    return {
        **{name: _text(statement.get(name)) for name in PLAIN},
        **{name: inline(statement.get(name)) for name in VALUES},
        "says": says,
        "value": inline(statement.get("set")),
        "temporary": "on" if statement.get("temporary") is True else "",
    }


def _put_source(item: Json, texts: Json, given: Json) -> None:
    for name in SOURCE:
        _put(item, name, texts[name], given[name])
    if set(item) == {"tier"}:  # of an empty source a form sends the choice all the same
        item.clear()


def _put_statement(item: Json, texts: Json, given: Json) -> None:
    for name in PLAIN:
        _put(item, name, texts[name], given[name])
    for name in VALUES:
        _put(item, name, texts[name], given[name], value=True)
    if given["present"] is not None:  # an unticked box is not sent at all
        _put(item, "temporary", texts["temporary"], given["temporary"] or "")
        if "temporary" in item and item["temporary"] == "on":
            item["temporary"] = True
    says = given["says"] or texts["says"]
    value = texts["value"] if given["value"] is None else _plain(given["value"])
    if (says, value) == (texts["says"], texts["value"]):
        return
    for name in SAYS:
        item.pop(name, None)
    if says != "set":
        item[says] = True
    elif value:
        item["set"] = _value(value)


def _put(item: Json, name: str, shown: str, given: Any, *, value: bool = False) -> None:
    """Take over a field, if it came back otherwise than it was shown."""
    text = None if given is None else _plain(given)
    if text is None or text == shown.strip():
        return
    if text:
        item[name] = _value(text) if value else text
    else:
        item.pop(name, None)


def _plain(given: Any) -> str:
    return str(given).replace("\r\n", "\n").strip()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else inline(value)


def _value(text: str) -> Any:
    """What the text is as a value of YAML; text where it is none, for the check to say so."""
    try:
        (document,) = read(f"v: {text}".encode(), "the field")
    except (TimelineError, ValueError):
        return text
    return document.data["v"] if set(document.data) == {"v"} else text
