"""The records under seeds/ answer every question of questions.yaml, asked as a program would ask."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.asking import QUESTIONS, asked_as, found, told
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.questions import read_question
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log

ROOT = Path(__file__).parent.parent
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
    body = answers.state(asked["partnership"], read_question(asked_as(answers, asked), NOW))

    held = found(body, asked["term"], (*body["terms"], *body["ended"]))
    assert {name: told(held, name, wanted) for name, wanted in asked["expect"].items()} == asked["expect"]
    for lane in ("reported", "proposed"):
        wanted = asked.get(f"expect_{lane}", {})
        beside = found(body, asked["term"], body[lane])
        assert {name: told(beside, name, each) for name, each in wanted.items()} == wanted
