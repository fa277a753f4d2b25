"""The records under seeds/ answer every question of questions.yaml, asked as a program would ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.questions import read_question
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log

ROOT = Path(__file__).parent.parent
QUESTIONS = yaml.load((Path(__file__).parent / "questions.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  # BaseLoader makes plain text only
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Answers]:
    """A fresh import of the whole folder."""
    log = Log.open(f"sqlite:///{tmp_path_factory.mktemp('seeds') / 'record.db'}", clock=lambda: NOW)
    log.migrate()
    Desk(log, BUILTIN, lambda: NOW).import_files(walk([ROOT / "seeds"]))
    yield Answers(log, BUILTIN, lambda: NOW)
    log.close()


@pytest.mark.parametrize("asked", QUESTIONS, ids=[asked["id"] for asked in QUESTIONS])
def test_the_seeds_answer(answers: Answers, asked: dict[str, Any]) -> None:
    """Whatever a question names of its answer is so in the state that the record gives."""
    given: dict[str, str] = {name: str(asked[name]) for name in ("as_of", "announced_by", "include") if name in asked}
    if "known_n" in asked:
        given["known_seq"] = str(_seq(answers, asked["partnership"], asked["known_n"]))

    body = answers.state(asked["partnership"], read_question(given, NOW))

    found = _found(body, asked["term"], (*body["terms"], *body["ended"]))
    assert {name: _told(found, name, wanted) for name, wanted in asked["expect"].items()} == asked["expect"]
    for lane in ("reported", "proposed"):
        wanted = asked.get(f"expect_{lane}", {})
        beside = _found(body, asked["term"], body[lane])
        assert {name: _told(beside, name, each) for name, each in wanted.items()} == wanted


def _seq(answers: Answers, partnership: str, n: str) -> int:
    acts = answers.announcements(partnership)["announcements"]
    return next(int(each["seq"]) for each in acts if each["id"] in {n, f"{partnership}/{n}"})


def _found(body: dict[str, Any], term: str, terms: Any) -> dict[str, Any]:
    found: dict[str, Any] = next((each for each in terms if each["term"] == term), {"status": "absent"})
    return found | {"upcoming": [ahead for ahead in body["upcoming"] if ahead["term"] == term]}


def _told(found: dict[str, Any], name: str, wanted: Any) -> Any:
    """What the answer says of `name`, in the form of the question; `wanted` itself where it is met."""
    match name:
        case "value":
            return {field: _met(found.get("value", {}).get(field), each) for field, each in wanted.items()}
        case "since":
            return {field: _plain(found["since"][field]) for field in wanted}
        case "until_through" | "until_event":
            return _plain(found["until"][name.removeprefix("until_")])
        case "ended_on":
            return found.get("on")
        case "conflicts":
            conflicts = [conflict["value"] for conflict in found["conflicts"]]
            if len(conflicts) != len(wanted):
                return conflicts
            return [
                {field: _met(value.get(field), each) for field, each in want.items()}
                for value, want in zip(conflicts, wanted, strict=True)
            ]
        case "upcoming":
            return _ahead(found["upcoming"], wanted)
    return _plain(found.get(name))


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
