"""Laws of answers: what did not change is not told as a change, and what is fixed stays as it was told."""

from __future__ import annotations

import io
from datetime import date, timedelta
from typing import Any

import pytest
from rich.console import Console

from tests.conftest import Clock
from tests.records import append, corrected, opening, recorded, said
from timeline.answers import Answers
from timeline.cli import tables
from timeline.core.feed import entries
from timeline.core.questions import Knowledge, Question
from timeline.core.terms import BUILTIN, term
from timeline.exports import Exports
from timeline.exports.memos import Memo, changes
from timeline.log import Log

SLUG = "acme-bolt"


@pytest.fixture
def answers(log: Log, clock: Clock) -> Answers:
    append(log, opening())
    return Answers(log, BUILTIN, clock)


def stake(percent: int, announced: str, subject: str = "bolt", **statement: Any) -> dict[str, Any]:
    return said(percent, announced, statement={"term": f"stake/{subject}", **statement})


def shown(table: Any, body: dict[str, Any]) -> str:
    """What a terminal shows."""
    file = io.StringIO()
    table(Console(file=file, width=140, highlight=False), body)
    return file.getvalue()


def test_what_is_first_on_record_as_already_true_did_not_begin_then(answers: Answers) -> None:
    """Its start is unknown and the record begins later: a comparison across that day knows of no change."""
    append(answers.log, stake(20, "2022-05", effective="unknown"), stake(5, "2022-05-31", "two"))

    body = answers.changes(SLUG, date(2020, 1, 1), date(2023, 1, 1))

    begun = body["not_on_record_before"]
    assert (begun["date"], [(each["term"], each["after"]["text"]) for each in begun["terms"]]) == (
        "2022-05",
        [("stake/bolt", "20 %")],
    )
    assert [(each["term"], each["before"]["text"]) for each in body["terms"]] == [("stake/two", "not recorded")]
    assert [each["term"] for each in body["changes"]] == ["stake/two"]
    text = shown(tables.diff, body)
    assert "1 changed" in text
    assert "Not on record before 2022-05:" in text
    cited = Exports(answers, "https://record.example").changes(SLUG, date(2020, 1, 1), date(2023, 1, 1))
    memo = Memo(cited.citation, BUILTIN, body)
    changes(memo, body)
    assert [section.heading for section in memo.sections][1] == "Not on record before 2022-05, so no changes"


def test_values_that_read_alike_say_in_what_they_differ(answers: Answers) -> None:
    """The short form of an exclusivity leaves the provider out: “primary” does not become “primary”."""
    first, second, third = (
        stake(20, announced, term="exclusivity/cloud", set={"level": "primary", **provider})
        for announced, provider in (
            ("2021-01-01", {"provider": "Azure"}),
            ("2022-01-01", {"provider": "Oracle"}),
            ("2023-01-01", {}),
        )
    )
    append(answers.log, first, second, third)
    was, is_ = "primary (provider: Oracle)", "primary (provider: not stated)"

    compared = answers.changes(SLUG, date(2021, 6, 1), date(2023, 1, 1))
    (differing,) = compared["terms"]
    learned = answers.learned(SLUG, Knowledge(known_seq=2), Knowledge(known_seq=3))["learned"]
    life = answers.history(SLUG, term("exclusivity/cloud"))["life"]
    ahead = answers.state(SLUG, Question(date(2021, 6, 1)))["upcoming"]
    feed = entries(recorded([opening(), first, second, third]), BUILTIN, date(2026, 1, 1))

    assert [step["text"] for step in compared["changes"]] == [
        f"cloud exclusivity becomes {was}",
        f"cloud exclusivity becomes {is_}",
    ]
    assert (differing["before"]["text"], differing["after"]["text"]) == ("primary (provider: Azure)", is_)
    assert [(each["before"]["text"], each["after"]["text"]) for each in learned] == [
        ("primary (provider: Azure)", was),
    ]
    assert [each["text"] for each in life] == ["primary", was, is_]
    assert [each["text"] for each in ahead] == [
        f"Cloud exclusivity changes: {was}",
        f"Cloud exclusivity changes: {is_}",
    ]
    assert [entry.rows[0].piece for entry in feed[1:]] == [step["text"] for step in compared["changes"]]


@pytest.mark.parametrize("on", ["2021-01-01", "2026-01-01", "2030-01-01"])
def test_an_answer_at_a_position_is_the_same_for_ever(answers: Answers, clock: Clock, on: str) -> None:
    """Neither a growing record nor the passing of days changes any part of it, and it is what its citation names."""
    append(answers.log, stake(5, "2020-01-01", "two", until="2028"), stake(20, "2022-05-01", effective="2027"))
    question = Question(date.fromisoformat(on), Knowledge(known_seq=3))
    first = answers.state(SLUG, question)

    clock.now += timedelta(days=900)
    append(answers.log, stake(30, "2021-01-01"), corrected(2, stake(6, "2020-01-01", "two")))

    assert answers.state(SLUG, question) == first
    assert first["view"] == "cited"
    assert Exports(answers, "https://record.example").state(SLUG, question).body == first
    assert "! FIXED RECORD" in shown(tables.state, first)


def test_a_comparison_within_the_record_needs_no_such_words(answers: Answers) -> None:
    append(answers.log, stake(5, "2020-01-01", "two"), stake(20, "2022-05-01", effective="unknown"))

    body = answers.changes(SLUG, date(2021, 1, 1), date(2023, 1, 1))

    assert (body["not_on_record_before"], body["terms"], body["changes"]) == (None, [], [])
    assert body["unchanged"] == ["stake/bolt", "stake/two"]


def test_what_changed_since_an_unknown_start_is_a_change(answers: Answers) -> None:
    append(answers.log, stake(20, "2022-05-01", effective="unknown"), stake(25, "2023-05-01"))

    body = answers.changes(SLUG, date(2020, 1, 1), date(2024, 1, 1))

    assert body["not_on_record_before"] is None
    assert [(each["before"]["text"], each["after"]["text"]) for each in body["terms"]] == [("not recorded", "25 %")]
    assert [(each["on"], each["before"]["text"]) for each in body["changes"]] == [("2023-05-01", "20 %")]
