"""Another report of the same: found by address, text, likeness, day and parties; asked, answered, and then acted on."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import event as engine_events

from tests.conftest import Clock, Run
from tests.test_acts import OPENING, asked
from tests.test_cli import ANNOUNCEMENT
from tests.test_drafts import drafting, refused
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.questions import read_question
from timeline.core.terms import BUILTIN
from timeline.documents import read, written
from timeline.drafting import Drafts
from timeline.drafting.duplicates import Report, hear, others
from timeline.drafting.marks import folded_address, of_address, of_day, of_text
from timeline.log import Log

STORY = (
    "Acme and Bolt today announced a new agreement under which Bolt takes a stake of twenty percent in Acme. "
    "The two companies have worked together on fasteners since the spring of 2019, and will open a common "
    "laboratory in the harbour district. Under the terms, Acme keeps its name, its board and its works; Bolt "
    "appoints one observer. The parties expect to close within the month, subject to the usual conditions."
)
OTHER = (
    "Statement of the two companies on their research. The common laboratory has published its first results on "
    "corrosion, with nothing said about ownership or money, and thanks the forty people who took part in the work. "
    "Further measurements follow in autumn, when the new tank is ready and the salt spray chamber has been mended."
)
RETOLD = (
    "Bolt is buying into Acme: the agreement gives it a stake of twenty percent, the companies said. Both have worked "
    "together on fasteners for years and plan a laboratory in the harbour district. Acme keeps its name, its board "
    "and its works under the terms, while Bolt appoints an observer; closing is expected within the month, "
    "subject to conditions."
)
PAGE = "https://www.acme.example/news/stake?utm_source=feed&id=7#top"


def said(announced: str, *, text: str | None = None, url: str | None = None, **more: Any) -> dict[str, Any]:
    source = {"publisher": "Acme", "tier": "party", "url": url, "text": text}
    return {
        "partnership": "acme-bolt",
        "title": f"Said {announced}",
        "announced": announced,
        "sources": [{name: value for name, value in source.items() if value is not None}],
        "statements": [],
        **more,
    }


@pytest.fixture
def drafts(log: Log, clock: Clock) -> Drafts:
    return drafting(log, clock)


def draft_of(drafts: Drafts, document: dict[str, Any]) -> int:
    number: int = drafts.new(json.dumps(document).encode(), name="page.json")["id"]
    return number


def asked_about(drafts: Drafts, document: dict[str, Any]) -> list[tuple[str, list[str]]]:
    questions = drafts.check(draft_of(drafts, document))["questions"]
    return [(each["of"], [why["code"] for why in each["why"]]) for each in questions]


@pytest.fixture
def recorded(drafts: Drafts) -> Drafts:
    """A record with one announcement, acme-bolt/1, and another by the same parties later, acme-bolt/2."""
    drafts.record(asked(said("2024-03-01", text=STORY, url=PAGE, title="Joint statement")))
    drafts.record(asked(said("2024-09-01", text=OTHER, url="https://acme.example/lab", title="Joint statement")))
    return drafts


# -- what is found -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "found"),
    [
        (said("2025-01-01", url="http://acme.example/news/stake/?id=7&fbclid=x"), [("acme-bolt/1", ["same_address"])]),
        (said("2025-01-01", text=f"#  {STORY.upper()}\n"), [("acme-bolt/1", ["same_text"])]),
        (said("2025-01-01", text=STORY.replace("today", "yesterday")), [("acme-bolt/1", ["near_text"])]),
        (said("2025-01-01", text=f"{OTHER} {STORY[:100]}"), [("acme-bolt/2", ["near_text"])]),
        (said("2025-01-01", text=STORY[100:400]), [("acme-bolt/1", ["near_text"])]),
        (said("2025-01-01", text=RETOLD), [("acme-bolt/1", ["retold"])]),
        (said("2024-03-01"), [("acme-bolt/1", ["same_day"])]),
        (said("2024-03-01", text=STORY, title="Other"), [("acme-bolt/1", ["same_text", "same_day"])]),
        (said("2024-05-01", title="Joint statement", text="Both companies look ahead to a good summer."), []),
        (said("2025-01-01", url="https://acme.example/news/stake?id=8"), []),
    ],
)
def test_what_may_be_the_same_is_asked_about_with_the_reason(
    recorded: Drafts, document: dict[str, Any], found: list[Any]
) -> None:
    assert asked_about(recorded, document) == found


def test_what_is_recorded_word_for_word_is_not_asked_about(recorded: Drafts) -> None:
    again = said("2024-03-01", text=STORY, url=PAGE, title="Joint statement")

    checked = recorded.check(draft_of(recorded, again))

    assert (checked["questions"], checked["would"]["replayed"], checked["ready"]) == ([], True, True)


def test_a_retracted_announcement_is_not_asked_about(recorded: Drafts) -> None:
    recorded.record(asked({"retracts": "acme-bolt/1", "reason": "it was never said"}))

    assert asked_about(recorded, said("2024-03-01")) == []


def test_what_a_correction_or_an_attachment_names_leads_to_the_announcement(recorded: Drafts) -> None:
    moved = said("2024-04-01", url="https://acme.example/moved", title="Joint statement")
    recorded.record(asked({**moved, "corrects": "acme-bolt/1", "reason": "the day"}))
    press = {"publisher": "The Almanac", "tier": "press", "url": "https://almanac.example/1"}
    recorded.record(asked({"attaches": "acme-bolt/2", "sources": [press]}))

    assert asked_about(recorded, said("2024-04-01")) == [("acme-bolt/1", ["same_day"])]
    assert asked_about(recorded, said("2025-04-01", url="https://almanac.example/1?ref=home")) == [
        ("acme-bolt/2", ["same_address"])
    ]


def test_an_aggregators_furniture_makes_no_two_pages_alike(recorded: Drafts) -> None:
    similar = f"\n\nSimilar Articles\n\nJoint statement\n\nAcme News\n\n{STORY}"
    page = (
        "Another thing\n\nAcme News\n\nSummary\n\nIn short.\n\nIt begins.\nOriginal Article\n\nCached at: today\n\nAll."
    )

    assert asked_about(recorded, said("2025-01-01", text=page + similar)) == []


def test_the_parties_count_and_not_the_name_of_the_partnership(recorded: Drafts) -> None:
    recorded.record(asked({**OPENING, "partnership": "bolt-acme"}))
    recorded.record(asked({**OPENING, "partnership": "acme-nut", "parties": {"acme": "Acme", "nut": "Nut"}}))

    assert asked_about(recorded, said("2024-03-01", partnership="bolt-acme")) == [("acme-bolt/1", ["same_day"])]
    assert asked_about(recorded, said("2024-03-01", partnership="acme-nut")) == []


def test_a_draft_that_is_not_finished_is_asked_about_as_far_as_it_goes(recorded: Drafts) -> None:
    unfinished = {"sources": [{"url": PAGE}, "?"], "announced": None, "title": 3}

    assert asked_about(recorded, unfinished) == [("acme-bolt/1", ["same_address"])]


# -- answers -----------------------------------------------------------------------------------------------------------


def test_nothing_is_appended_until_the_question_is_answered(recorded: Drafts) -> None:
    number = draft_of(recorded, said("2024-03-01", title="Another matter"))

    for answered in (None, "unsure"):
        if answered:
            recorded.answer(number, "acme-bolt/1", answered)
        (block,) = recorded.check(number)["blocks"]
        assert block["code"] == "duplicate_unanswered"
        assert "acme-bolt/1" in block["remedy"]
        assert refused("draft_blocked", lambda: recorded.append(number)).more["blocks"] == [block]

    assert recorded.answer(number, "acme-bolt/1", "new")["ready"]
    assert recorded.append(number)["id"] == "acme-bolt/3"
    assert recorded.show(number)["answers"] == {"acme-bolt/1": "new"}
    refused("draft_closed", lambda: recorded.answer(number, "acme-bolt/1", "attach"))


def test_another_report_becomes_a_source_of_the_announcement(recorded: Drafts, log: Log, clock: Clock) -> None:
    text = STORY.replace("today", "yesterday")
    source = {"tier": "press", "publisher": "The Almanac", "url": "https://almanac.example/1", "text": text}
    number = draft_of(recorded, {"sources": [source], "title": "no date found"})

    checked = recorded.answer(number, "acme-bolt/1", "attach")
    receipt = recorded.append(number)

    assert (checked["ready"], checked["would"]["kind"]) == (True, "attachment")
    assert (receipt["id"], receipt["changes"], receipt["entries"]) == ("acme-bolt/3", [], [])
    assert recorded.append(number) == receipt
    *_, last = Answers(log, BUILTIN, clock).announcement("acme-bolt", 1)["sources"]
    assert (last["publisher"], last["attached_by"]) == ("The Almanac", "acme-bolt/3")
    with log.reading() as reader:
        stored = reader.text(last["text_sha256"])
    assert stored is not None
    assert stored.content == text.encode()


def test_a_source_that_stands_there_already_is_not_attached_again(recorded: Drafts) -> None:
    again = said("2024-03-01", text=STORY, url=PAGE, title="the same page")
    number = draft_of(recorded, again)

    (block,) = recorded.answer(number, "acme-bolt/1", "attach")["blocks"]

    assert block["code"] == "nothing_to_attach"


def test_a_draft_is_another_report_of_one_announcement_at_most(recorded: Drafts) -> None:
    number = draft_of(recorded, said("2024-03-01"))
    recorded.answer(number, "acme-bolt/1", "attach")

    blocks = recorded.answer(number, "acme-bolt/2", "attach")["blocks"]

    assert [block["code"] for block in blocks] == ["conflicting_fields"]
    assert recorded.answer(number, "acme-bolt/2", "new")["ready"]


@pytest.mark.parametrize(
    ("about", "said_", "code"),
    [
        ("acme-bolt/1", "maybe", "invalid_value"),
        ("acme-bolt/9", "new", "unknown_announcement"),
        ("nobody/1", "new", "unknown_partnership"),
        ("acme-bolt", "new", "invalid_field"),
    ],
)
def test_what_is_no_answer_is_refused(recorded: Drafts, about: str, said_: str, code: str) -> None:
    number = draft_of(recorded, said("2024-03-01"))

    refused(code, lambda: recorded.answer(number, about, said_))


def test_what_is_recorded_between_the_judgement_and_the_append_is_asked_about(recorded: Drafts) -> None:
    number = draft_of(recorded, said("2025-05-05", title="mine"))
    meanwhile = [said("2025-05-05", title="theirs")]

    def overtaken(submission: Any, **more: Any) -> Any:
        if not more.get("dry_run") and meanwhile:
            recorded.record(asked(meanwhile.pop()))
        return recorded.record(submission, **more)

    lost = refused("draft_blocked", lambda: replace(recorded, record=overtaken).append(number))

    assert [block["code"] for block in lost.more["blocks"]] == ["duplicate_unanswered"]
    assert recorded.show(number)["status"] == "open"


def test_a_question_is_answered_on_the_command_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(f"{json.dumps(OPENING)}\n---\n{ANNOUNCEMENT}")
    run("import", "acme.yaml")
    run("draft", "new", "-", typed=json.dumps(said("2024-03-01")))

    open_ = run("draft", "check", "1")
    answered = run("draft", "answer", "1", "acme-bolt/1", "new")

    assert (open_.exit_code, answered.exit_code) == (4, 0)
    assert "timeline draft answer 1 acme-bolt/1 attach|new|unsure" in open_.stdout
    assert run("draft", "append", "1").exit_code == 0
    assert run("draft", "answer", "1", "acme-bolt/1", "no").exit_code == 2


# -- how it is found ---------------------------------------------------------------------------------------------------


def test_the_marks_follow_the_log_and_are_made_once(recorded: Drafts, log: Log, clock: Clock) -> None:
    """However often it is asked, only new acts are read, and a correction with the same marks is passed."""
    report = Report((PAGE,), (), None, ())
    for _ in range(2):
        assert [each["of"] for each in others(log, Answers(log, BUILTIN, clock), report)] == ["acme-bolt/1"]
    same = said("2024-03-01", text=STORY, url=PAGE, title="Joint statement")
    recorded.record(asked({**same, "summary": "x", "corrects": "acme-bolt/1", "reason": "a summary"}))
    recorded.record(asked(said("2025-02-02", url=PAGE)))

    hear(log)
    hear(log)

    found = others(log, Answers(log, BUILTIN, clock), report)
    assert [each["of"] for each in found] == ["acme-bolt/1", "acme-bolt/4"]


def test_only_what_shares_a_mark_is_read(sqlite_url: str, clock: Clock) -> None:
    """The number of questions to the database does not grow with the record."""
    log = Log.open(sqlite_url, clock=clock)
    desk, answers = Desk(log, BUILTIN, clock), Answers(log, BUILTIN, clock)
    desk.append(asked(OPENING))
    desk.append(asked(said("2024-03-01", text=STORY, url=PAGE)))
    report = Report((PAGE,), (STORY,), None, ())

    def queries() -> int:
        others(log, answers, report)  # hears what is new
        count = 0

        def counted(*_: Any) -> None:
            nonlocal count
            count += 1

        engine_events.listen(log._reading, "before_cursor_execute", counted)
        assert [each["of"] for each in others(log, answers, report)] == ["acme-bolt/1"]
        engine_events.remove(log._reading, "before_cursor_execute", counted)
        return count

    few = queries()
    for day in range(10, 30):
        desk.append(asked(said(f"2024-04-{day}", text=f"{OTHER} It was day {day}.", url=f"https://a.example/{day}")))
    assert queries() == few
    log.close()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("http://www.Acme.example/a/", "https://acme.example/a#b", True),
        ("https://acme.example/a?utm_medium=x&b=2&a=1", "https://acme.example/a?a=1&b=2", True),
        ("https://acme.example:443/a", "http://acme.example:80/a", True),
        ("https://acme.example", "https://acme.example/", True),
        ("https://acme.example./a", "https://acme.example/a", True),
        ("https://acme.example/a", "https://acme.example/A", False),
        ("https://acme.example/a?id=1", "https://acme.example/a?id=2", False),
        ("https://acme.example:8443/a", "https://acme.example/a", False),
        ("https://news.acme.example/a", "https://acme.example/a", False),
        ("https://[::1", "https://[::1", True),
        ("not an address", "not an address", True),
    ],
)
def test_two_links_to_one_page_fold_to_one_address(one: str, other: str, same: bool) -> None:
    assert (folded_address(one) == folded_address(other)) is same
    assert (of_address(one) == of_address(other)) is same


@given(st.text(max_size=60))
def test_anything_can_be_marked(text: str) -> None:
    assert folded_address(f"https://{text}") is not None
    assert len(of_text(text)) <= 65
    assert of_day(text, ("b", "a")) == of_day(text, ("a", "b"))


# -- from pages to the same state --------------------------------------------------------------------------------------

SAVED = """\
Bolt takes a stake in Acme

Acme News

Summary

Bolt buys half of Acme.

It begins with a stake.
Original Article

Cached at: 04/20/26, 02:43 PM

# Bolt takes a stake Source: [https://acme.example/stake](https://acme.example/stake) {story}

Similar Articles

Acme and Bolt part

Acme News

They part.
"""


def test_pages_become_the_same_state_as_the_record_made_by_hand(
    drafts: Drafts,
    log: Log,
    sqlite_url: str,
    clock: Clock,
) -> None:
    """Two pages in the aggregator's form and a retelling, each by draft, review and append."""
    stake = {"term": "stake/bolt-in-acme", "direction": "acme -> bolt", "set": {"percent": 20}}
    stated = [{**stake, "quote": "Bolt takes a stake of twenty percent in Acme"}]
    results = [{"term": "clause/laboratory", "direction": "acme -> bolt", "set": {"text": "a common laboratory"}}]
    results[0]["quote"] = "The common laboratory has published its first results"
    byhand = Log.open(f"{sqlite_url}.byhand", clock=clock)
    byhand.migrate()
    desk = Desk(byhand, BUILTIN, clock)
    desk.append(asked(OPENING))
    desk.append(asked(said("2024-03-01", url="https://acme.example/stake", statements=stated)))
    desk.append(asked(said("2024-09-01", url="https://acme.example/stake2", statements=results)))

    for announced, story, statements in (("2024-03-01", STORY, stated), ("2024-09-01", OTHER, results)):
        made = drafts.new_page(SAVED.format(story=story).encode(), name="page.txt")
        (document,) = read(made["document"].encode())
        assert document.data["title"].startswith("Bolt takes a stake")
        source = {**document.data["sources"][0], "tier": "party", "publisher": "Acme"}
        reviewed = {"partnership": "acme-bolt", "title": "Reviewed", "announced": announced, "statements": statements}
        drafts.save(made["id"], written({**reviewed, "sources": [source]}), expect=1)
        for question in drafts.check(made["id"])["questions"]:
            drafts.answer(made["id"], question["of"], "new")
        drafts.append(made["id"], expect=2)
    other = drafts.new_page(RETOLD.encode(), name="blog.txt", address="https://blog.example/1")
    (document,) = read(other["document"].encode())
    drafts.save(other["id"], written({"sources": [{**document.data["sources"][0], "tier": "press"}]}))
    (asked_,) = drafts.check(other["id"])["questions"]
    drafts.answer(other["id"], asked_["of"], "attach")
    drafts.append(other["id"])

    assert asked_["of"] == "acme-bolt/1"
    for day in ("2024-02-01", "2024-03-01", "2024-12-01", "2026-01-01"):
        question_ = read_question({"as_of": day}, clock.now)
        one, two = (Answers(each, BUILTIN, clock).state("acme-bolt", question_)["terms"] for each in (log, byhand))
        assert [{**each, "evidence": None} for each in one] == [{**each, "evidence": None} for each in two]
        assert {found["status"] for each in one for found in each["evidence"]} <= {"verified"}
    byhand.close()
