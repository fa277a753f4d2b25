"""The questions of questions.yaml, and what an answer tells in their form, however it was asked."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from timeline.answers import Answers

QUESTIONS = yaml.load((Path(__file__).parent / "questions.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  # BaseLoader makes plain text only


def asked_as(answers: Answers, asked: dict[str, Any]) -> dict[str, str]:
    """A question's parameters."""
    given: dict[str, str] = {name: str(asked[name]) for name in ("as_of", "announced_by", "include") if name in asked}
    if "known_n" in asked:
        n, partnership = asked["known_n"], asked["partnership"]
        acts = answers.announcements(partnership)["announcements"]
        given["known_seq"] = next(str(each["seq"]) for each in acts if each["id"] in {n, f"{partnership}/{n}"})
    return given


def found(body: dict[str, Any], term: str, terms: Any) -> dict[str, Any]:
    """What an answer's list has of the term, and what lies ahead of it."""
    held: dict[str, Any] = next((each for each in terms if each["term"] == term), {"status": "absent"})
    return held | {"upcoming": [ahead for ahead in body["upcoming"] if ahead["term"] == term]}


def told(about: dict[str, Any], name: str, wanted: Any) -> Any:
    """What the answer says of `name`, in the form of the question; `wanted` itself where it is met."""
    match name:
        case "value":
            return {field: _met(about.get("value", {}).get(field), each) for field, each in wanted.items()}
        case "since":
            return {field: _plain(about["since"][field]) for field in wanted}
        case "until_through" | "until_event":
            return _plain(about["until"][name.removeprefix("until_")])
        case "ended_on":
            return about.get("on")
        case "conflicts":
            conflicts = [conflict["value"] for conflict in about["conflicts"]]
            if len(conflicts) != len(wanted):
                return conflicts
            return [
                {field: _met(value.get(field), each) for field, each in want.items()}
                for value, want in zip(conflicts, wanted, strict=True)
            ]
        case "upcoming":
            return _ahead(about["upcoming"], wanted)
    return _plain(about.get(name))


def _ahead(ahead: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        want
        for want in wanted
        if any(
            all(_plain(each.get("on" if name == "day" else name)) == value for name, value in want.items())
            for each in ahead
        )
    ]


def _plain(value: Any) -> Any:
    return "null" if value is None else value


def _met(value: Any, wanted: Any) -> Any:
    """`wanted` when the value meets it, else the value."""
    if value is None:
        return "not stated"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(wanted, dict):
        return {form: str(value.get(form)) for form in wanted}
    if wanted == "undisclosed":
        return wanted if isinstance(value, dict) and value.get("undisclosed") else value
    if isinstance(value, dict):
        value = next((value[form] for form in ("value", "about", "at_least", "at_most") if form in value), value)
    if isinstance(value, int | Decimal):
        return wanted if Decimal(wanted) == value else value
    if isinstance(value, str) and wanted.startswith("!"):
        return value if wanted[1:] in value else wanted
    return wanted if isinstance(value, str) and wanted in value else value
