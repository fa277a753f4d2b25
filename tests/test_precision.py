"""Laws of how closely a day is told: a month or a year stays one in words, and what is possible is never certain."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import pytest
from rich.console import Console

from tests.conftest import Clock
from tests.records import append, corrected, opening, recorded, retracted, said
from timeline.answers import Answers
from timeline.cli import tables
from timeline.core.feed import entries
from timeline.core.questions import Question
from timeline.core.terms import BUILTIN, term
from timeline.formats import plain_summary
from timeline.log import Log

SLUG = "acme-bolt"
STAKE = term("stake/bolt")


@pytest.fixture
def answers(log: Log, clock: Clock) -> Answers:
    append(log, opening())
    return Answers(log, BUILTIN, clock)


def over(effective: str | None, announced: str = "2025-01-10", **more: Any) -> dict[str, Any]:
    """An announcement that the stake is over from then."""
    document = said(20, announced)
    given = {} if effective is None else {"effective": effective}
    document["statements"] = [{"term": "stake/bolt", "end": True, "quote": "it ends", **given, **more}]
    return document


def stated(percent: int, announced: str, **statement: Any) -> dict[str, Any]:
    return said(percent, announced, statement=statement)


def ended(answers: Answers, on: str) -> dict[str, Any]:
    (found,) = answers.state(SLUG, Question(date.fromisoformat(on)))["ended"]
    return {name: found[name] for name in ("on", "precision", "on_text", "text", "certainty")}


def shown(table: Any, body: dict[str, Any]) -> str:
    out = Console(file=io.StringIO(), width=140, highlight=False)
    table(out, body)
    text: str = out.file.getvalue()  # type: ignore[attr-defined]  # it is the one made above
    return text


def test_a_coarse_end_is_possible_within_its_window_and_never_told_as_a_day(answers: Answers) -> None:
    append(answers.log, stated(20, "2024-01-01"), over("2027"))

    assert ended(answers, "2027-06-01") == {
        "on": "2027-01-01",
        "precision": "year",
        "on_text": "in 2027",
        "text": "Stake of <Bolt>: possibly ended (in 2027)",
        "certainty": "possible",
    }
    assert ended(answers, "2028-01-01") | {"text": ""} == ended(answers, "2027-06-01") | {
        "text": "",
        "certainty": "certain",
    }
    assert ended(answers, "2028-01-01")["text"] == "Stake of <Bolt>: ended in 2027"
    state = answers.state(SLUG, Question(date(2027, 6, 1)))
    assert "terminated (possible)  in 2027" in shown(tables.state, state)
    assert "2027-01-01" not in shown(tables.state, state)


@pytest.mark.parametrize(
    ("effective", "on", "precision", "text"),
    [
        pytest.param("2025-03-15", "2025-03-15", "day", "ended on 2025-03-15", id="a day"),
        pytest.param("2025-03", "2025-03-01", "month", "ended in 2025-03", id="a month"),
        pytest.param(None, "2025-01-10", "day", "ended on 2025-01-10", id="not stated"),
    ],
)
def test_an_end_is_told_as_closely_as_it_was_said(
    answers: Answers, effective: str | None, on: str, precision: str, text: str
) -> None:
    append(answers.log, over(effective))

    found = ended(answers, "2026-01-01")

    assert (found["on"], found["precision"], found["certainty"]) == (on, precision, "certain")
    assert found["text"] == f"Stake of <Bolt>: {text}"


def test_what_runs_through_a_year_expired_at_its_end_for_certain(answers: Answers) -> None:
    append(answers.log, stated(20, "2024-01-01", until="2026"))

    assert ended(answers, "2027-01-01") == {
        "on": "2027-01-01",
        "precision": "year",
        "on_text": "at the end of 2026",
        "text": "Stake of <Bolt>: expired at the end of 2026",
        "certainty": "certain",
    }


def test_what_lies_ahead_is_told_as_closely_as_it_was_said(answers: Answers) -> None:
    append(answers.log, stated(20, "2024-01-01"), stated(25, "2024-02-01", effective="2027-03", until="2029"))

    ahead = answers.upcoming(SLUG, None)

    found = [(each["on"], each["precision"], each["on_text"]) for each in ahead["upcoming"]]
    assert found == [("2027-03-01", "month", "in 2027-03"), ("2030-01-01", "year", "at the end of 2029")]
    assert "in 2027-03          " in shown(tables.upcoming, ahead)
    assert "2027-03-01" not in shown(tables.upcoming, ahead)


def test_a_life_and_a_comparison_keep_the_year_that_was_said(answers: Answers) -> None:
    """A stretch that gives way to one begun “in 2026” ends some time in 2026; its own coarse end is its own."""
    append(answers.log, stated(20, "2024-01-01", effective="2023"), stated(25, "2024-02-01", effective="2026"))
    append(answers.log, stated(30, "2024-03-01", effective="2028-07-01", until="2029"))

    history = answers.history(SLUG, STAKE)
    compared = answers.changes(SLUG, date(2025, 1, 1), date(2026, 6, 1))

    assert [(each["from_text"], each["through_text"], each["text"]) for each in history["life"]] == [
        ("2023", "some time in 2026", "20 %"),
        ("2026", "2028-06-30", "25 %"),
        ("2028-07-01", "2029", "30 %"),
        ("the end of 2029", None, "expired"),
    ]
    assert "2026-01-01 " not in shown(tables.history, history)
    (step,) = compared["changes"]
    (differing,) = compared["terms"]
    assert (step["on"], step["on_text"]) == ("2026-01-01", "in 2026")
    assert (differing["before"]["text"], differing["before"]["certainty"]) == ("20 %", "certain")
    assert (differing["after"]["text"], differing["after"]["certainty"]) == ("25 % (possible)", "possible")


@pytest.mark.parametrize(
    ("documents", "periods"),
    [
        ([stated(10, "2021-01-10", effective="2021")], ["from 2021"]),
        (
            [stated(10, "2021-01-10", effective="2021-03", until="2025-06")],
            ["2021-03 through 2025-06"],
        ),
        ([stated(10, "2022-05-01", effective="2022", until="2022")], ["2022"]),
        ([stated(10, "2021-01-01", effective="2021-01-01", until="2021-12-31")], ["2021-01-01 to 2021-12-31"]),
        ([said(10, "2021-03")], ["from 2021-03"]),
        ([stated(10, "2025-12-01", effective="2027")], ["from 2027", "from 2027"]),
        ([stated(10, "2021-01-10", effective="2021"), retracted(1)], ["from 2021", "from 2021"]),
        (
            [stated(10, "2021-01-10", effective="2021"), corrected(1, stated(11, "2021-01-10", effective="2022"))],
            ["from 2021", "from 2022", "2021 to some time in 2022"],
        ),
        (
            [said(10, "2020-01-01"), stated(20, "2025-01-10", effective="2025"), said(15, "2023-01-10")],
            ["from 2020-01-01", "from 2025", "2023-01-10 to some time in 2025"],
        ),
        (
            [stated(10, "2021-01-01", until="2030"), stated(10, "2022-01-01", until="2032")],
            ["2021-01-01 through 2030", "the end of 2030 through 2032", "from the end of 2032"],
        ),
        (
            [said(10, "2020-01-01"), stated(12, "2025-01-01", effective="2027", until="2028", temporary=True)],
            ["from 2020-01-01", "2027 through 2028", "2027 through 2028", "from the end of 2028"],
        ),
        ([stated(10, "2021-01-01", effective="unknown", until="2024")], ["through 2024"]),
        ([stated(10, "2021-01-01", effective="unknown")], ["at all times"]),
    ],
)
def test_an_entry_applies_from_and_through_what_was_said(documents: list[dict[str, Any]], periods: list[str]) -> None:
    """A year is never told as its first or last day, also when a later act takes it back."""
    made = entries(recorded([opening(), *documents]), BUILTIN, date(2040, 1, 1))

    assert [row.period for entry in made for row in entry.rows] == periods


def test_the_clock_says_what_was_said_of_its_day() -> None:
    """In the body as in the title."""
    taken = stated(10, "2025-12-01", effective="2027", until="2032")
    made = entries(recorded([opening(), taken]), BUILTIN, date(2040, 1, 1))

    assert [plain_summary(entry).partition(". ")[2] for entry in made[1:]] == [
        "Announced earlier, in effect from 2027. Announced: 2025-12-01.",
        "Ended by its own terms at the end of 2032. Announced: 2025-12-01.",
    ]


def test_an_announcement_dated_by_its_month_confirms_in_that_month(answers: Answers) -> None:
    append(answers.log, stated(20, "2024-03"))

    state = answers.state(SLUG, Question(date(2025, 1, 1)))
    (listed,) = answers.partnerships()["partnerships"]

    (held,) = state["terms"]
    assert (held["last_confirmed"], held["last_confirmed_text"]) == ("2024-03-31", "2024-03")
    assert "2024-03-31" not in shown(tables.state, state)
    assert (listed["first"], listed["first_text"]) == ("2024-03-01", "2024-03")
    assert (listed["last"], listed["last_text"]) == ("2024-03-31", "2024-03")
    before = answers.state(SLUG, Question(date(2020, 1, 1)))["coverage"]
    assert before["note"] is not None
    assert "the first is of 2024-03." in before["note"]
