"""What is in force across partnerships is what their states say, read by whatever way, in whatever pages."""

from __future__ import annotations

import itertools
import json
from contextlib import closing
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from tests.conftest import Clock
from tests.servers import PostgreSQL
from tests.test_acts import OPENING, asked, stake
from tests.web import ROOT, seeded
from tests.worlds import OPENING as ADA_BO
from tests.worlds import STARTS, World, worlds
from timeline import across, rows, standing
from timeline.across import ITEM, in_force
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.questions import Across, Knowledge, Question
from timeline.core.terms import BUILTIN
from timeline.log import Log
from timeline.rows import OPEN, Rectangle

Json = dict[str, Any]
_names = itertools.count(1)
_patterns = st.sampled_from((None, None, "clause/*", "*/two", "clause/one"))


def documents(world: World, group: str, directed: list[bool]) -> list[Json]:
    """The world under a name of its own, in that group of partnerships, with a direction where `directed` says so."""
    name = f"w{next(_names):04}"
    opening: Json = {**ADA_BO, "parties": {"ada": "Ada", "bo": "Bo", group: "Both"}}
    found: list[Json] = json.loads(json.dumps([opening, *world.documents]).replace("ada-bo", name))
    saying = itertools.cycle(directed)
    for place, document in enumerate(found[1:]):
        document["reason" if "reason" in document else "title"] = f"Number {place}"
        for statement in document.get("statements", ()):
            if next(saying):
                statement["direction"] = "ada -> bo"
    return found


def by_states(answers: Answers, asked: Across, partnerships: list[str]) -> list[Json]:
    """The in-force parts of the states of those partnerships, one after the other."""
    question = Question(asked.as_of, asked.knowledge, asked.term)
    found = []
    for partnership in sorted(partnerships):
        body = answers.state(partnership, question)
        for term in sorted(body["terms"], key=lambda term: str(term["term"])):
            if asked.kind in (None, term["kind"]):
                item = term | {"partnership": partnership, "name": body["name"]}
                found.append({name: item[name] for name in ITEM})
    return found


def by_pages(answers: Answers, asked: Across, limit: int) -> list[Json]:
    """All pages of that size, one after the other."""
    found: list[Json] = []
    page: Json = {"more": True, "last": ""}
    asked = replace(asked, limit=limit)
    while page["more"]:
        page = in_force(answers, asked)
        assert len(page["in_force"]) <= limit
        found += page["in_force"]
        if page["more"]:
            partnership, _, term = page["last"].partition("/")
            assert (partnership, term or "~") > (asked.after[0], asked.after[1] or "~")
            asked = replace(asked, after=(partnership, term or None))
    return found


def ways(answers: Answers, asked: Across) -> list[list[Json]]:
    """What is answered by several sizes of page, as when a page may look at little, and without rectangles."""
    found = [by_pages(answers, asked, limit) for limit in (1, 2, 1000)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(across, "_STEPS", 1)
        patch.setattr(across, "_FOLDS", 1)
        found.append(by_pages(answers, asked, 1000))
        patch.setattr(rows, "generation", lambda _: None)
        found.append(by_pages(answers, asked, 1))
    return found


@pytest.mark.slow
def test_all_that_is_in_force_is_what_the_states_say(log: Log, clock: Clock) -> None:
    """At every sampled day and position; by any page, from rectangles and without."""
    desk, answers = Desk(log, BUILTIN, clock), Answers(log, BUILTIN, clock)
    recorded: list[str] = []

    @settings(max_examples=40, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(worlds(), min_size=1, max_size=3),
        st.lists(st.booleans(), min_size=1, max_size=5),
        st.lists(st.tuples(st.sampled_from(STARTS), st.integers(0, 30), _patterns), min_size=3, max_size=6),
    )
    def holds(made: list[World], directed: list[bool], moments: list[tuple[date, int, str | None]]) -> None:
        group = f"group{next(_names)}"
        with log.reading() as reader:
            before = reader.head()[0]
        acts = [documents(world, group, directed) for world in made]
        for document in (each for turn in itertools.zip_longest(*acts) for each in turn if each):
            desk.append(asked(document))
        with log.reading() as reader:
            after = reader.head()[0]
        first, names = "" if not recorded else recorded[-1], [each[0]["partnership"] for each in acts]
        recorded.extend(names)
        for day, back, term in moments:
            known = Knowledge(known_seq=max(before, after - back))
            question = Across(day, known, party=group, term=term, after=(first, None))
            assert ways(answers, question) == [by_states(answers, question, names)] * 5

    holds()

    for day, seq in itertools.product((STARTS[0], STARTS[6], STARTS[-1]), (0, 50, None)):
        question = Across(day, Knowledge(known_seq=seq))
        assert by_pages(answers, question, 7) == by_states(answers, question, recorded)


def test_the_seeds_are_answered_by_kind_party_and_pattern(log: Log, clock: Clock) -> None:
    """With directions that were said once, corrections, retractions and starts that nobody knows."""
    seeded(log, ROOT / "seeds")
    answers = Answers(log, BUILTIN, clock)
    names = ["harbour-quill", "openai-microsoft"]

    for day, seq in itertools.product(
        (date(2016, 1, 1), date(2021, 7, 1), date(2024, 6, 1), date(2030, 1, 1)), (25, 43)
    ):
        everything = Across(day, Knowledge(known_seq=seq))
        for kind in (None, "exclusivity", "stake", "revenue-share", "governance"):
            question = replace(everything, kind=kind)
            assert ways(answers, question) == [by_states(answers, question, names)] * 5
        question = replace(everything, party="microsoft", term="*/a*")
        assert ways(answers, question) == [by_states(answers, question, names[1:])] * 5


def stated(name: str, announced: str, term: str = "stake/bolt", **more: Any) -> Json:
    document = stake(10, announced, partnership=name)
    (statement,) = document["statements"]
    del statement["direction"]
    return document | {"statements": [statement | {"term": term} | more]}


def test_a_direction_is_the_first_that_counts(log: Log, clock: Clock) -> None:
    """Also where what counts again says another than what was said meanwhile."""
    desk, answers = Desk(log, BUILTIN, clock), Answers(log, BUILTIN, clock)
    documents = [
        OPENING,
        stated("acme-bolt", "2021-01-01", direction="bolt -> acme"),
        {"retracts": "acme-bolt/1", "reason": "Not so."},
        stated("acme-bolt", "2022-01-01", direction="acme -> bolt"),
        stated("acme-bolt", "2023-01-01"),
        {"retracts": "acme-bolt/2", "reason": "It is so."},
        {"corrects": "acme-bolt/4", "reason": "A word.", **stated("acme-bolt", "2023-01-01"), "title": "Corrected"},
    ]
    for document in documents:
        desk.append(asked(document))

    for seq in range(len(documents) + 1):
        question = Across(date(2024, 1, 1), Knowledge(known_seq=seq))
        answer = by_states(answers, question, ["acme-bolt"])
        assert ways(answers, question) == [answer] * 5
        assert seq < 6 or [each["direction"] for each in answer] == ["bolt -> acme"]


def test_a_start_that_nobody_knows_holds_on_no_day_before_the_record(log: Log, clock: Clock) -> None:
    desk, answers = Desk(log, BUILTIN, clock), Answers(log, BUILTIN, clock)
    for document in (
        OPENING,
        stated("acme-bolt", "2021-01-01", direction="acme -> bolt", effective="unknown"),
        stated("acme-bolt", "2020-01-01", "stake/acme", direction="acme -> bolt"),
    ):
        desk.append(asked(document))

    for day, certainty in ((date(2019, 12, 31), []), (date(2020, 6, 1), ["certain", "possible"])):
        question = Across(day)
        assert ways(answers, question) == [by_states(answers, question, ["acme-bolt"])] * 5
        assert [each["certainty"] for each in in_force(answers, question)["in_force"]] == certainty


def test_a_language_that_passes_over_hyphens_changes_no_answer(postgres: PostgreSQL, clock: Clock) -> None:
    """The terms of a kind lie together by code points alone."""
    postgres.execute("CREATE DATABASE spoken TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'en-US'")
    with closing(Log.open(postgres.url("spoken"), clock=clock)) as log:
        log.migrate()
        desk, answers = Desk(log, BUILTIN, clock), Answers(log, BUILTIN, clock)
        names = ["a-b", "a-b-c", "ab", "abc", "a"]
        for name in names:
            desk.append(asked({**OPENING, "partnership": name}))
            for term in ("stake/bolt", "stake/b-z", "stake/boa", "clause/a"):
                kind = {"set": {"text": "x"}} if term == "clause/a" else {}
                document = stated(name, "2021-01-01", term, direction="acme -> bolt", **kind)
                desk.append(asked(document | {"title": term}))

        for question in (Across(date(2022, 1, 1)), Across(date(2022, 1, 1), kind="stake", party="bolt")):
            assert ways(answers, question) == [by_states(answers, question, names)] * 5


def held(count: int, *, of_ten: str) -> list[Rectangle]:
    """Two terms in force in each of so many partnerships, and one more in every tenth."""
    return [
        Rectangle(f"p{number:05}", "agreed", term, 1, 1, 9999, OPEN, 1, 1, "in_force", "{}")
        for number in range(count)
        for term in ("clause/a", "stake/x", *([of_ten] if number % 10 == 0 else []))
    ]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_question_reads_no_table_whole(log: Log) -> None:
    """Left to itself the planner of PostgreSQL joins by reading every rectangle, or the whole log."""
    with log.writing() as writer:
        rows.write(writer.connection, 1, held(3000, of_ten="right/z"))
        about = standing.Walk(date(1, 2, 1), 5, "", None, "", "ada", 10, 1000)._asdict()
        about |= {"generation": 1, "day": 40, "low": "", "high": "~", "given": '[["p1", "x"]]'}
        questions = [*(each["postgresql"] for each in standing._WALK), across._AT["postgresql"]]
        writer.connection.execute(text("ANALYZE"))
        writer.connection.execute(text("SET LOCAL enable_seqscan = on"))
        plans = ["\n".join(line for (line,) in writer.plain(f"EXPLAIN {each}", about)) for each in questions]

    assert [plan for plan in plans if "Seq Scan on rectangle" in plan] == []
    assert "Index Scan Backward using rectangle_pkey" in plans[0]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_page_takes_no_more_steps_in_a_large_record(log: Log) -> None:
    """Counted in instructions of SQLite; what is passed over costs a few for each partnership, not for each term."""
    counts: dict[tuple[int, str], int] = {}
    for generation, many in ((1, 300), (2, 3000)):
        with log.writing() as writer:
            rows.write(writer.connection, generation, held(many, of_ten="right/z"))
        for beginning, limit in (("", 20), ("right/", 20), ("x/", 20)):
            asked = standing.Walk(date(1, 2, 1), 5, "", None, beginning, None, limit, 10_000)
            steps: list[None] = []
            with log.reading() as reader:
                driver: Any = reader.connection.connection.driver_connection
                driver.set_progress_handler(partial(steps.append, None), 1)
                standing.in_force(reader, generation, asked)
                driver.set_progress_handler(None, 1)
            counts[generation, beginning] = len(steps)

    assert abs(counts[1, ""] - counts[2, ""]) < 10
    assert abs(counts[1, "right/"] - counts[2, "right/"]) < 10
    assert counts[2, "x/"] / 3000 < 300
