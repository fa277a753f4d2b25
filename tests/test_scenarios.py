"""The worked examples of the rules, S1 to S13, each with its exact answer; and what lies ahead and beside it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from timeline.core import acceptance
from timeline.core.acceptance import check, warnings
from timeline.core.announcements import act_from_json
from timeline.core.changes import Delta, changed, learned, lines_of
from timeline.core.dates import END_OF_TIME
from timeline.core.history import Book, Recorded
from timeline.core.line import Ref, at
from timeline.core.state import Holding, state
from timeline.core.terms import BUILTIN, Quantity, digits, term

OPENING = {"partnership": "ada-bo", "name": "Ada and Bo", "parties": {"ada": "Ada", "bo": "Bo"}}
SHARE = "revenue-share/ada-to-bo"
CLOUD = "exclusivity/cloud"
MONEY = "figure/loss"


def said(announced: str, *statements: dict[str, Any], tier: str = "party", **more: Any) -> dict[str, Any]:
    """An announcement; each statement runs from Ada to Bo."""
    return {
        "partnership": "ada-bo",
        "title": "News",
        "announced": announced,
        "sources": [{"publisher": "Ada", "tier": tier}],
        "statements": [{"direction": "ada -> bo", "quote": "so it is", **statement} for statement in statements],
        **more,
    }


def share(percent: object, effective: Any = None, **more: Any) -> dict[str, Any]:
    return {"term": SHARE, "set": {"percent": percent}, "effective": effective, **more}


def cloud(level: str, effective: Any = None, **more: Any) -> dict[str, Any]:
    return {"term": CLOUD, "set": {"level": level}, "effective": effective, **more}


def loss(amount: int, period: int) -> dict[str, Any]:
    money = {"value": amount, "currency": "USD"}
    return {"term": MONEY, "set": {"what": "loss", "amount": money}, "effective": str(period), "until": str(period)}


def book_of(*documents: dict[str, Any]) -> Book:
    """The book that heard those documents, each checked before it was recorded."""
    book = Book()
    for n, document in enumerate((OPENING, *documents)):
        act = act_from_json(document, BUILTIN)
        check(book, act, BUILTIN)
        book.hear(Recorded(n + 1, n, datetime(2026, 1, 1, tzinfo=UTC), act))
    return book


def told(book: Book, about: str, on: str) -> str:
    """The value of a term on a day, or how it is over, or silence."""
    cell = at(book.line(term(about)).cells, date.fromisoformat(on))
    if cell is None:
        return "silent"
    if cell.value is None:
        return cell.status
    for name in ("percent", "amount"):
        number = cell.value.get(name)
        if isinstance(number, Quantity) and number.low is not None:
            return digits(number.low)
    return str(cell.value.get("level"))


def through_the_days(book: Book, about: str, *days: str) -> list[str]:
    return [told(book, about, day) for day in days]


def held(book: Book, about: str, on: str) -> Holding:
    found = state(book, date.fromisoformat(on))
    return next(each for each in (*found.in_force, *found.ended) if str(each.term) == about)


def codes(book: Book, n: int) -> list[str]:
    return [warning.code for warning in warnings(book, n)]


def test_s1_a_late_find_does_not_overrule_what_was_announced_after_it() -> None:
    # given 20 % from 2020 and 25 % from July 2023
    known = (said("2020-01-01", share(20, "2020-01-01")), said("2023-07-01", share(25, "2023-07-01")))
    # when an announcement of 2021 is found late: 15 % from June 2021
    book = book_of(*known, said("2021-05-01", share(15, "2021-06-01")))
    # then it holds until the change announced after it
    assert through_the_days(book, SHARE, "2021-05-31", "2021-06-01", "2022-06-01", "2023-06-30", "2024-01-01") == [
        "20",
        "15",
        "15",
        "15",
        "25",
    ]
    # and its author is told so
    assert warnings(book, 3) == [
        acceptance.Notice("bounded_by_known_change", 1, f"{SHARE}: ada-bo/2 takes over on 2023-07-01"),
    ]


def test_s2_a_new_value_keeps_the_step_that_is_scheduled_after_it() -> None:
    # given: ten billion now, twenty from 2026
    def figure(billions: int, effective: str) -> dict[str, Any]:
        money = {"value": billions * 10**9, "currency": "USD"}
        return {"term": "investment/bo", "set": {"amount": money}, "effective": effective}

    schedule = said("2023-01-10", figure(10, "2023-01-10"), figure(20, "2026-01-01"))
    # when fifteen billion is said in 2025
    book = book_of(schedule, said("2025-03-01", figure(15, "2025-03-01")))
    # then the step stays
    assert through_the_days(book, "investment/bo", "2025-02-28", "2025-03-01", "2025-12-31", "2026-07-01") == [
        "10000000000",
        "15000000000",
        "15000000000",
        "20000000000",
    ]
    # and its author is warned
    assert warnings(book, 2) == [
        acceptance.Notice("kept_pending_change", 1, "investment/bo: ada-bo/1 takes over on 2026-01-01"),
    ]


def test_s3_an_end_said_later_comes_before_the_end_said_first() -> None:
    # given: exclusive through 2030
    first = said("2020-01-01", cloud("exclusive", "2020-01-01", until="2030"))
    # when it is said to end with 2026
    book = book_of(first, said("2025-03-01", {"term": CLOUD, "end": True, "effective": "2027-01-01"}))
    # then it is over from 2027 on
    assert through_the_days(book, CLOUD, "2026-12-31", "2027-01-01", "2028-06-01", "2031-06-01") == [
        "exclusive",
        "terminated",
        "terminated",
        "terminated",
    ]
    assert codes(book, 2) == []


def test_s4_after_a_temporary_value_the_former_one_returns() -> None:
    # given 20 % until further notice
    first = said("2020-01-01", share(20, "2020-01-01"))
    # when it is 10 % for 2022 only
    book = book_of(first, said("2021-12-01", share(10, "2022", until="2022", temporary=True)))
    # then 20 % return in 2023
    assert through_the_days(book, SHARE, "2021-12-31", "2022-01-01", "2022-12-31", "2023-01-01") == [
        "20",
        "10",
        "10",
        "20",
    ]
    assert [(ahead.on, ahead.what) for ahead in state(book, date(2021, 12, 31)).upcoming] == [
        (date(2022, 1, 1), "changes"),
        (date(2023, 1, 1), "reverts"),
    ]


def test_s5_an_open_value_replaces_a_bounded_one_with_its_end() -> None:
    # given: exclusive through 2030
    first = said("2020-01-01", cloud("exclusive", "2020-01-01", until="2030"))
    # when it becomes non-exclusive, with no end
    book = book_of(first, said("2025-03-01", cloud("non-exclusive", "2025-03-01")))
    # then the old end does not end it
    assert through_the_days(book, CLOUD, "2025-02-28", "2025-03-01", "2032-06-01") == [
        "exclusive",
        "non-exclusive",
        "non-exclusive",
    ]
    assert codes(book, 2) == []


def test_s6_for_one_effective_date_the_later_announcement_holds_whichever_arrives_last() -> None:
    # given the November text, then the October text, on the same effective date
    november, october = said("2025-11-10", share("27.5", "2026-01-01")), said("2025-10-10", share(27, "2026-01-01"))
    # then the later said one governs, in either order of arrival
    assert told(book_of(november, october), SHARE, "2026-01-01") == "27.5"
    assert told(book_of(october, november), SHARE, "2026-01-01") == "27.5"


def test_s7_until_further_notice_said_before_does_not_reach_past_what_was_said_after() -> None:
    # given: non-exclusive since 2023
    known = said("2023-01-23", cloud("non-exclusive", "2023-01-23"))
    # when “exclusive until further notice”, said in 2019, arrives late
    book = book_of(known, said("2019-07-22", cloud("exclusive", "2019-07-22")))
    # then it ends where the other begins
    assert through_the_days(book, CLOUD, "2019-07-21", "2019-07-22", "2023-01-22", "2024-01-01") == [
        "silent",
        "exclusive",
        "exclusive",
        "non-exclusive",
    ]
    assert codes(book, 2) == ["bounded_by_known_change"]


def test_s8_a_bounded_value_ends_what_it_replaced() -> None:
    # given: exclusive until further notice
    first = said("2019-07-22", cloud("exclusive", "2019-07-22"))
    # when it is said to be exclusive through 2030
    book = book_of(first, said("2023-01-23", cloud("exclusive", "2023-01-23", until="2030")))
    # then it lapses, and the open value does not return
    assert through_the_days(book, CLOUD, "2030-12-31", "2031-01-01", "2031-06-30") == [
        "exclusive",
        "expired",
        "expired",
    ]


def test_s9_the_old_end_does_not_fire_inside_the_new_period() -> None:
    # given: exclusive through 2026
    first = said("2020-01-01", cloud("exclusive", "2020-01-01", until="2026"))
    # when it becomes non-exclusive, through 2031
    book = book_of(first, said("2025-06-01", cloud("non-exclusive", "2025-06-01", until="2031")))
    # then 2027 begins without a change
    assert through_the_days(book, CLOUD, "2026-12-31", "2027-01-01", "2031-12-31", "2032-01-01") == [
        "non-exclusive",
        "non-exclusive",
        "non-exclusive",
        "expired",
    ]


def test_s10_an_earlier_year_does_not_end_the_next_one() -> None:
    # given one text with fiscal 2025 first and then fiscal 2024, each bounded by its year
    book = book_of(said("2025-08-01", loss(-4_800_000_000, 2025), loss(-1_500_000_000, 2024)))
    # then each year has its own figure
    assert through_the_days(book, MONEY, "2023-12-31", "2024-12-31", "2025-01-01", "2025-12-31", "2026-01-01") == [
        "silent",
        "-1500000000",
        "-4800000000",
        "-4800000000",
        "expired",
    ]


TEMPORARY = (
    said("2021-01-01", share(20, "2021-01-01")),
    said("2021-01-02", share(10, "2021-01-20", until="2021-01-29", temporary=True)),
)
"""20 % open; a temporary 10 % on the days 20 to 30 of January 2021, half-open."""


def test_s11_a_replaced_value_does_not_return_after_a_temporary_one() -> None:
    # when 25 % from day 10 is said later
    book = book_of(*TEMPORARY, said("2021-01-05", share(25, "2021-01-10")))
    # then the temporary period, still ahead, stays; 25 % return after it, not 20 %
    assert through_the_days(book, SHARE, "2021-01-09", "2021-01-15", "2021-01-25", "2021-02-09") == [
        "20",
        "25",
        "10",
        "25",
    ]
    assert warnings(book, 3) == [
        acceptance.Notice(
            "inside_temporary_period",
            1,
            f"{SHARE}: a temporary value (ada-bo/2) holds from 2021-01-20 until 2021-01-30",
        ),
    ]


def test_s12_a_value_that_starts_inside_a_temporary_period_takes_it_over() -> None:
    # when 25 % from day 22 is said later
    book = book_of(*TEMPORARY, said("2021-01-05", share(25, "2021-01-22")))
    # then 10 % holds only before it
    assert through_the_days(book, SHARE, "2021-01-21", "2021-01-22", "2021-01-25", "2021-02-09") == [
        "10",
        "25",
        "25",
        "25",
    ]


def test_s13_there_is_no_waiver_of_a_dead_term() -> None:
    # when it is said to end on day 10
    book = book_of(*TEMPORARY, said("2021-01-05", {"term": SHARE, "end": True, "effective": "2021-01-10"}))
    # then the temporary period ahead of it is gone as well
    assert through_the_days(book, SHARE, "2021-01-09", "2021-01-10", "2021-01-25", "2021-02-09") == [
        "20",
        "terminated",
        "terminated",
        "terminated",
    ]


# What is unknown, awaited or only possible


def test_a_fact_disclosed_as_true_holds_from_the_day_it_was_disclosed_over_an_older_value() -> None:
    # given 20 % on record
    first = said("2020-01-01", share(20, "2020-01-01"))
    # when 30 % is disclosed as already true
    book = book_of(first, said("2022-05-01", share(30, "unknown")))
    # then the older value holds until the disclosure, for nobody knows better
    assert through_the_days(book, SHARE, "2019-12-31", "2022-04-30", "2022-05-01") == ["silent", "20", "30"]


def test_a_fact_disclosed_as_true_with_nothing_before_it_was_possible_all_along() -> None:
    # given another term on record since 2019, and a share disclosed as already true
    book = book_of(said("2019-01-01", cloud("exclusive")), said("2022-05-01", share(30, "unknown")))
    # then it is certain from the day it was disclosed, possible before
    days = ("2019-01-01", "2022-04-30", "2022-05-01")
    assert [held(book, SHARE, day).certain for day in days] == [False, False, True]
    assert [held(book, SHARE, day).last_confirmed for day in days] == [None, None, date(2022, 5, 1)]


def test_a_value_said_again_is_no_change() -> None:
    book = book_of(
        said("2021-01-01", share(20, "2021-01-01")),
        said("2022-01-01", share(20, "2022-01-01")),
        said("2022-06-01", share(25, "2023-01-01")),
    )
    days = ("2021-01-01", "2021-06-01", "2022-01-01", "2023-01-01")
    found = [(held(book, SHARE, day).changed_on_this_day, held(book, SHARE, day).next_change) for day in days]
    assert found == [(True, date(2023, 1, 1)), (False, date(2023, 1, 1)), (False, date(2023, 1, 1)), (True, None)]


def test_before_the_record_begins_an_answer_is_empty_and_says_from_when_there_is_one() -> None:
    book = book_of(said("2022-05-01", share(30, "unknown")))
    before = state(book, date(2022, 4, 30))
    assert (before.in_force, before.ended, before.upcoming) == ((), (), ())
    assert (before.coverage.first, before.coverage.last, before.coverage.later) == (
        date(2022, 5, 1),
        date(2022, 5, 1),
        1,
    )
    assert [str(each.term) for each in state(book, date(2022, 5, 1)).in_force] == [SHARE]
    assert state(book, date(2022, 5, 1)).coverage.later == 0
    assert state(Book(), date(2022, 5, 1)).coverage.first is None


def test_an_awaited_event_stands_ahead_without_a_day_and_an_outer_date_beside_it() -> None:
    # given a value that starts at one event and one that ends at another
    book = book_of(
        said(
            "2021-01-01",
            share(5, {"event": "closing"}),
            cloud("exclusive", "2021-01-01", until={"event": "AGI", "no_later_than": "2032"}),
        )
    )
    # then both are ahead
    ahead = state(book, date(2021, 6, 1)).upcoming
    outer = [each.no_later_than for each in ahead]
    assert [(str(each.term), each.what, each.event, each.on) for each in ahead] == [
        (CLOUD, "expires", None, date(2033, 1, 1)),
        (SHARE, "starts", "closing", None),
        (CLOUD, "ends", "AGI", None),
    ]
    assert [None if date_ is None else date_.text for date_ in outer] == [None, None, "2032"]
    # and once it is over nothing of it is
    assert [each.what for each in state(book, date(2033, 1, 1)).upcoming] == ["starts"]


def test_an_occurrence_starts_what_waits_for_it_and_ends_what_held_until_it() -> None:
    # given
    announcement = said(
        "2021-01-01",
        share(5, {"event": "closing"}),
        cloud("exclusive", "2021-01-01", until={"event": "closing", "no_later_than": "2032"}),
    )
    # when the event happens
    source = [{"publisher": "Ada", "tier": "party"}]
    occurred = {
        "partnership": "ada-bo",
        "occurred": "closing",
        "on": "2024-03-01",
        "announced": "2024-03-02",
        "sources": source,
    }
    book = book_of(announcement, occurred)
    # then
    assert through_the_days(book, SHARE, "2024-02-29", "2024-03-01") == ["silent", "5"]
    assert through_the_days(book, CLOUD, "2024-02-29", "2024-03-01") == ["exclusive", "condition_met"]
    assert held(book, SHARE, "2024-03-01").certain
    assert [(each.what, each.on) for each in state(book, date(2021, 6, 1)).upcoming] == [
        ("ends", date(2024, 3, 1)),
        ("takes_effect", date(2024, 3, 1)),
    ]
    # and who says afterwards that it waits for it is told that it has happened
    late = book_of(announcement, occurred, said("2024-04-01", share(6, {"event": "closing"})))
    assert warnings(late, 3) == [
        acceptance.Notice("event_already_occurred", 1, f"{SHARE}: “closing” happened on 2024-03-01"),
    ]


def test_a_step_before_the_event_leaves_nothing_for_it_to_end() -> None:
    # given 20 % until an event, and a step to 30 % announced before
    step = said("2020-01-01", share(10, "2020-01-01"), share(30, "2023-01-01"))
    until = said("2021-01-01", share(20, "2021-01-01", until={"event": "closing"}))
    # when the event happens after the step
    occurred = said("2024-03-02", occurred="closing", on="2024-03-01")
    del occurred["statements"]
    book = book_of(step, until, occurred)
    # then the step has taken over for good
    assert through_the_days(book, SHARE, "2022-12-31", "2023-01-01", "2024-03-01") == ["20", "30", "30"]


def test_a_coarse_start_is_possible_in_its_window_and_certain_after_it() -> None:
    book = book_of(said("2020-06-01", share(20, "2021-03")))
    days = ("2021-03-01", "2021-03-31", "2021-04-01")
    assert [held(book, SHARE, day).certain for day in days] == [False, False, True]
    assert through_the_days(book, SHARE, "2021-02-28", "2021-03-01") == ["silent", "20"]


def test_an_announced_day_stands_in_for_the_effective_one_and_the_author_is_told() -> None:
    book = book_of(said("2021-03", share(20)))
    assert [held(book, SHARE, day).certain for day in ("2021-03-01", "2021-03-31", "2021-04-01")] == [
        False,
        False,
        True,
    ]
    assert warnings(book, 1) == [
        acceptance.Notice("assumed_effective", 1, f"{SHARE}: no effective date is stated; 2021-03 is assumed"),
    ]


def test_two_coarse_dates_that_overlap_leave_the_order_uncertain() -> None:
    # given two values, the windows of whose starts overlap
    book = book_of(said("2020-01-01", share(20, "2021")), said("2020-02-01", share(30, "2021-03")))
    # then both are flagged, and the author is told
    assert [tuple(ref) for ref in held(book, SHARE, "2021-06-01").order_uncertain] == [(1, 1)]
    assert [tuple(ref) for ref in held(book, SHARE, "2021-01-01").order_uncertain] == [(2, 1)]
    assert warnings(book, 2) == [
        acceptance.Notice("order_uncertain", 1, f"{SHARE}: its date overlaps that of ada-bo/1")
    ]
    # and windows that only touch, exact days, and equal values leave no doubt
    for other in (share(30, "2022"), share(30, "2021-03-15"), share(20, "2021-03")):
        clear = book_of(said("2020-01-01", share(20, "2021")), said("2020-02-01", other))
        assert held(clear, SHARE, "2022-06-01").order_uncertain == ()
        assert "order_uncertain" not in codes(clear, 2)
    touching = book_of(said("2020-01-01", share(20, "2021")), said("2020-02-01", share(30, "2022")))
    assert held(touching, SHARE, "2021-06-01").order_uncertain == ()
    assert "order_uncertain" not in codes(
        book_of(said("2020-01-01", share(20, "2022")), said("2020-02-01", share(30, "2021"))), 2
    )


# Conflicts, confirmations, suspensions, lanes


def test_of_two_sources_of_one_day_the_higher_tier_governs_and_the_other_is_shown() -> None:
    # given a filing and a press report of the same day that differ, the press recorded last
    filing = said("2021-01-01", share(20, "2021-01-01"), tier="filing")
    press = said("2021-01-01", share(25, "2021-01-01", until="2023"), tier="press")
    book = book_of(filing, press)
    # then the filing governs, and lists the press where that would have held
    assert told(book, SHARE, "2021-06-01") == "20"
    conflicts = {
        day: [tuple(each.ref) for each in held(book, SHARE, day).conflicts] for day in ("2021-01-01", "2023-12-31")
    }
    assert conflicts == {"2021-01-01": [(2, 1)], "2023-12-31": [(2, 1)]}
    assert held(book, SHARE, "2024-01-01").conflicts == ()
    # and there is none between days, with the same value, or before it would have held
    for other in (
        said("2020-12-31", share(25, "2021-01-01"), tier="press"),
        said("2021-01-01", share(20, "2021-01-01"), tier="press"),
        said("2021-01-01", share(25, "2022-01-01"), tier="press"),
    ):
        assert held(book_of(filing, other), SHARE, "2021-01-02").conflicts == ()


def test_an_announcement_that_contradicts_itself_shows_both_values() -> None:
    # given two values from one day on in one announcement
    twice = said("2021-01-01", share(25, "2021-01-01"), share(20, "2021-01-01"))
    # then the later of them governs and lists the other
    (other,) = held(book_of(twice), SHARE, "2021-01-02").conflicts
    assert (told(book_of(twice), SHARE, "2021-01-02"), tuple(other.ref)) == ("20", (1, 1))
    # and steps of one announcement do not contradict one another
    steps = book_of(said("2021-01-01", share(25, "2022-01-01"), share(20, "2021-01-01"), share(30, "2023-01-01")))
    assert [held(steps, SHARE, day).conflicts for day in ("2021-06-01", "2022-06-01", "2023-06-01")] == [()] * 3


def test_what_expired_by_one_source_and_runs_on_by_another_is_a_conflict() -> None:
    filing = said("2021-01-01", share(20, "2021-01-01", until="2022"), tier="filing")
    press = said("2021-01-01", share(20, "2021-01-01"), tier="press")
    book = book_of(filing, press)
    found = [[tuple(each.ref) for each in held(book, SHARE, day).conflicts] for day in ("2022-12-31", "2023-01-01")]
    assert (told(book, SHARE, "2023-01-01"), found) == ("expired", [[], [(2, 1)]])


def test_what_is_reaffirmed_was_confirmed_then_and_keeps_its_value() -> None:
    # given a value, reaffirmed twice, and replaced
    reaffirm = {"term": SHARE, "reaffirm": True}
    book = book_of(
        said("2021-01-01", share(20, "2021-01-01")),
        said("2021-06-01", reaffirm),
        said("2022-06-01", reaffirm),
        said("2023-01-01", share(30, "2023-01-01")),
    )
    # then it was last confirmed by whoever had confirmed it by that day
    days = ("2021-05-31", "2021-06-01", "2022-06-01", "2023-01-01")
    assert [held(book, SHARE, day).last_confirmed for day in days] == [
        date.fromisoformat(day)
        for day in (
            "2021-01-01",
            "2021-06-01",
            "2022-06-01",
            "2023-01-01",
        )
    ]
    assert [[each.ref.n for each in held(book, SHARE, day).confirmed_by] for day in days] == [[], [2], [2, 3], []]
    assert codes(book, 2) == []


def test_reaffirming_or_suspending_what_is_not_in_force_is_a_warning() -> None:
    reaffirm = {"term": SHARE, "reaffirm": True}
    suspend = {"term": SHARE, "end": True, "effective": "2021-03-01", "until": "2021-04", "temporary": True}
    end = {"term": SHARE, "end": True, "effective": "2021-02-01"}
    assert warnings(book_of(said("2021-01-01", reaffirm)), 1) == [
        acceptance.Notice("not_in_force", 1, f"{SHARE}: nothing is in force on 2021-01-01 that could be reaffirmed"),
    ]
    book = book_of(said("2021-01-01", share(20, "2021-01-01"), end), said("2021-01-02", suspend))
    assert warnings(book, 2) == [
        acceptance.Notice("not_in_force", 1, f"{SHARE}: nothing is in force on 2021-03-01 that could be suspended"),
    ]
    assert codes(book_of(said("2021-01-01", share(20, "2021-01-01")), said("2021-01-02", suspend)), 2) == []
    assert codes(book_of(said("2021-01-01", share(20, "2021-01-01"), end), said("2021-02-01", reaffirm)), 2) == [
        "not_in_force"
    ]


def test_a_suspension_suspends_and_its_end_resumes() -> None:
    # given
    suspend = {"term": CLOUD, "end": True, "effective": "2027-01-01", "until": "2027-03-31", "temporary": True}
    book = book_of(said("2020-01-01", cloud("exclusive", "2020-01-01")), said("2026-01-01", suspend))
    # then
    assert through_the_days(book, CLOUD, "2026-12-31", "2027-01-01", "2027-03-31", "2027-04-01") == [
        "exclusive",
        "suspended",
        "suspended",
        "exclusive",
    ]
    assert [(ahead.on, ahead.what) for ahead in state(book, date(2026, 12, 31)).upcoming] == [
        (date(2027, 1, 1), "suspends"),
        (date(2027, 4, 1), "resumes"),
    ]


def test_every_kind_of_boundary_has_its_own_word() -> None:
    # given a term that takes effect, changes, ends, returns and expires, and one that is only temporary
    book = book_of(
        said(
            "2019-01-01",
            share(1, "2020-01-01"),
            share(2, "2021-01-01"),
            {"term": SHARE, "end": True, "effective": "2022-01-01"},
            share(3, "2023-01-01", until="2023"),
        ),
        said("2019-01-02", cloud("preferred", "2024", until="2024", temporary=True)),
        said("2019-01-03", cloud("primary", "2026", until="2026", temporary=True)),
        said("2019-01-04", cloud("exclusive", "2027", until="2027", temporary=True)),
    )
    # then
    assert [
        (each.on and each.on.year, each.what, each.said.ref.n) for each in state(book, date(2019, 1, 1)).upcoming
    ] == [
        (2020, "takes_effect", 1),
        (2021, "changes", 1),
        (2022, "ends", 1),
        (2023, "takes_effect", 1),
        (2024, "takes_effect", 2),
        (2024, "expires", 1),
        (2025, "expires", 2),
        (2026, "takes_effect", 3),
        (2027, "changes", 4),
        (2028, "expires", 4),
    ]


def test_a_proposal_changes_no_term_and_an_agreement_closes_it() -> None:
    # given a memorandum and a rumour
    book = book_of(
        said("2021-01-01", share(50, "2021-01-01"), force="proposed"),
        said("2021-01-02", share(40, "2021-01-01"), force="reported"),
    )
    # then the state is silent, and each lane has its own
    day = date(2021, 6, 1)
    assert state(book, day).in_force == ()
    lanes = {
        lane: [each.said.ref.n for each in state(book, day, force=lane).in_force] for lane in ("proposed", "reported")
    }
    assert lanes == {"proposed": [1], "reported": [2]}
    # when it is agreed
    agreed = book_of(
        said("2021-01-01", share(50, "2021-01-01"), force="proposed"),
        said("2021-03-01", share(30, "2021-03-01")),
    )
    # then the lane falls silent from that day
    assert state(agreed, date(2021, 3, 1), force="proposed").in_force == ()
    assert [each.said.ref.n for each in state(agreed, date(2021, 2, 28), force="proposed").in_force] == [1]
    assert state(agreed, date(2021, 2, 28)).coverage.later == 1


def test_only_the_terms_that_are_wanted_are_answered_for() -> None:
    book = book_of(said("2021-01-01", share(20, "2021-01-01"), cloud("exclusive", "2021-01-01")))
    wanted = state(book, date(2021, 1, 1), wanted=lambda each: each.kind == "exclusivity")
    assert [str(each.term) for each in wanted.in_force] == [CLOUD]
    assert [str(each.term) for each in state(book, date(2021, 1, 1)).in_force] == [CLOUD, SHARE]


# The edges of the rules, one day to either side


def test_what_was_over_before_it_was_disclosed_surely_held_on_its_last_day() -> None:
    # given a fact disclosed in May 2022 as already true, and as having held through 2020
    disclosed = share(30, "unknown", until="2020")
    book = book_of(said("2019-01-01", cloud("exclusive")), said("2022-05-01", disclosed))
    # then it certainly held on the last day of 2020, possibly before, and has lapsed since
    assert through_the_days(book, SHARE, "2019-01-01", "2020-12-31", "2021-01-01") == ["30", "30", "expired"]
    days = ("2020-12-30", "2020-12-31", "2021-01-01")
    assert [held(book, SHARE, day).certain for day in days] == [False, True, True]
    # and an older value on record governs until that day, and ends with it
    over = book_of(said("2019-01-01", share(20)), said("2022-05-01", disclosed))
    assert through_the_days(over, SHARE, "2020-12-30", "2020-12-31", "2021-01-01") == ["20", "30", "expired"]


def test_a_fact_disclosed_as_true_fills_the_silence_before_what_began_on_its_day() -> None:
    # given a value from the first of May on
    first = said("2021-01-01", share(20, "2022-05-01"))
    # when another is disclosed on that day as already true
    book = book_of(first, said("2022-05-01", share(30, "unknown")))
    # then it holds from then on and in the silence before
    assert through_the_days(book, SHARE, "2021-01-01", "2022-04-30", "2022-05-01") == ["30", "30", "30"]
    # and silence behind an older, ended value is filled back to its end only
    gap = book_of(
        said("2020-01-01", share(20, "2020", until="2020", temporary=True)),
        said("2019-01-01", share(10, "2019", until="2019"), force="reported"),
        said("2022-05-01", share(30, "unknown")),
    )
    assert through_the_days(gap, SHARE, "2019-12-31", "2020-06-01", "2021-01-01") == ["30", "20", "30"]


def test_a_bounded_fact_with_an_unknown_start_leaves_earlier_temporary_periods_alone() -> None:
    # given a temporary value in 2020
    first = said("2019-12-01", share(10, "2020", until="2020", temporary=True))
    # when a value is disclosed in 2022 as already true, through 2030
    book = book_of(first, said("2022-05-01", share(30, "unknown", until="2030")))
    # then what was temporary has been so
    assert through_the_days(book, SHARE, "2019-12-31", "2020-12-31", "2021-01-01") == ["30", "10", "30"]


def happens(event: str, on: str) -> dict[str, Any]:
    document = said(on, occurred=event, on=on)
    del document["statements"], document["title"]
    return document


def test_an_event_on_the_first_day_of_a_statement_leaves_it_over_from_that_day() -> None:
    # given a value that is to begin in 2024, until an event, and another that begins with 2024
    for outer in ({}, {"no_later_than": "2030"}):
        waits = share(20, "2024-01-01", until={"event": "closing", **outer})
        known = (said("2020-01-01", share(10, "2020-01-01"), share(15, "2024-01-01")), said("2021-01-01", waits))
        # when the event happens before that, on that day, and a day later
        days = ("2023-12-31", "2024-01-01", "2024-01-02")
        found = {
            on: through_the_days(book_of(*known, happens("closing", on)), SHARE, *days)
            for on in ("2023-06-01", "2024-01-01", "2024-01-02")
        }
        # then its own period is empty, or one day long
        assert found == {
            "2023-06-01": ["10", "condition_met", "condition_met"],
            "2024-01-01": ["10", "condition_met", "condition_met"],
            "2024-01-02": ["10", "20", "condition_met"],
        }


def test_an_event_on_or_after_the_outer_date_comes_too_late_to_end_anything() -> None:
    known = said("2021-01-01", share(20, "2021-01-01", until={"event": "closing", "no_later_than": "2023"}))
    for on, how in (("2023-12-31", "condition_met"), ("2024-01-01", "expired"), ("2025-01-01", "expired")):
        book = book_of(known, happens("closing", on))
        assert told(book, SHARE, "2024-01-01") == how


def test_an_event_on_the_day_of_a_scheduled_step_ends_nothing() -> None:
    known = (
        said("2020-01-01", share(10, "2020-01-01"), share(30, "2023-01-01")),
        said("2021-01-01", share(20, "2021-01-01", until={"event": "closing"})),
    )
    found = {
        on: through_the_days(book_of(*known, happens("closing", on)), SHARE, "2022-12-31", "2023-01-01")
        for on in ("2022-12-31", "2023-01-01")
    }
    assert found == {"2022-12-31": ["condition_met", "30"], "2023-01-01": ["20", "30"]}


def test_the_coverage_runs_from_the_earliest_stated_day_to_the_latest_announced_one() -> None:
    book = book_of(
        said("2021-05", share(20, "2020-07-01")),
        said("2023-01-01", cloud("exclusive", "2030")),
        said("2022-01-01", cloud("primary")),
    )
    coverage = state(book, date(2021, 6, 1)).coverage
    assert (coverage.first, coverage.last, coverage.later) == (date(2020, 7, 1), date(2023, 1, 1), 2)


def test_what_was_corrected_by_its_source_is_read_as_it_was_public_then() -> None:
    # given a share that its source corrected twice, and then withdrew
    base = said("2021-01-01", share(20, "2021-01-01"))
    cites: dict[str, Any] = {"reason": "a slip", "by": "issuer"}
    first = said("2021-01-01", share(21, "2021-01-01"), corrects="ada-bo/1", corrected_on="2021-02-01", **cites)
    second = said("2021-01-01", share(22, "2021-01-01"), corrects="ada-bo/1", corrected_on="2021-03-01", **cites)
    withdrawn = {"retracts": "ada-bo/1", "retracted_on": "2021-04-01", **cites}
    documents = (OPENING, base, first, second, withdrawn)
    acts = [act_from_json(document, BUILTIN) for document in documents]
    # when asked for what was public at the end of a day
    found = []
    for public in ("2020-12-31", "2021-01-31", "2021-02-28", "2021-03-31", "2021-04-01"):
        book = Book(datetime.fromisoformat(f"{public}T23:59:59+00:00"))
        book.hear_all(Recorded(n + 1, n, datetime(2026, 1, 1, tzinfo=UTC), act) for n, act in enumerate(acts))
        found.append(told(book, SHARE, "2022-01-01"))
    # then
    assert found == ["silent", "20", "21", "22", "silent"]


def test_what_an_editor_mends_of_a_correction_was_public_no_sooner_than_that() -> None:
    # given a share that its source corrected in February, which we typed wrongly and mended
    base = said("2021-01-01", share(20, "2021-01-01"))
    theirs: dict[str, Any] = {"reason": "a slip", "by": "issuer", "corrected_on": "2021-02-01"}
    first = said("2021-01-01", share(12, "2021-01-01"), corrects="ada-bo/1", **theirs)
    mended = said("2021-01-01", share(21, "2021-01-01"), corrects="ada-bo/1", reason="digits swapped", by="editor")
    acts = [act_from_json(document, BUILTIN) for document in (OPENING, base, first, mended)]
    # when asked for what was public before and after the source spoke
    found = []
    for public in ("2021-01-31", "2021-02-01"):
        book = Book(datetime.fromisoformat(f"{public}T23:59:59+00:00"))
        book.hear_all(Recorded(n + 1, n, datetime(2026, 1, 1, tzinfo=UTC), act) for n, act in enumerate(acts))
        found.append(told(book, SHARE, "2022-01-01"))
    # then
    assert found == ["20", "21"]


def test_an_end_in_the_past_warns_of_what_it_ends() -> None:
    """“Through 2019” says that the term lapsed then; a value said in 2022 to hold since nobody knows when goes too."""
    past = said("2024-01-01", share(12, "unknown", until="2019"))
    holding = said("2022-01-01", share(20, "unknown"))

    def codes(*documents: dict[str, Any]) -> list[str]:
        return [each.code for each in acceptance.warnings(book_of(*documents), len(documents))]

    found = acceptance.warnings(book_of(holding, past), 2)
    assert found == [
        acceptance.Notice(
            "ends_known_value",
            1,
            f"{SHARE}: that it lapsed on 2020-01-01 ends what ada-bo/1 said on 2022-01-01; "
            "if that holds still, say it again with its start",
        )
    ]
    # and not where nothing held later, where that has a start of its own, or where the end is still ahead
    assert codes(past) == []
    assert codes(said("2018-01-01", share(20, "2017-01-01")), past) == []
    assert "ends_known_value" not in codes(said("2022-01-01", share(20, "2020-01-01")), past)
    assert codes(holding, said("2024-01-01", share(12, "2024-01-01", until="2030"))) == []


def test_an_event_that_would_end_what_was_replaced_no_longer_lies_ahead() -> None:
    # given a value that holds until an event, and one that replaces it
    until = said("2021-01-01", share(20, "2021-01-01", until={"event": "closing"}))
    book = book_of(until, said("2022-01-01", share(30, "2022-01-01")))
    # then the event ends something only before the replacement
    found = [[each.event for each in state(book, day).upcoming] for day in (date(2021, 12, 31), date(2022, 1, 1))]
    assert found == [[None, "closing"], []]


def test_the_outer_date_of_an_end_is_not_shown_with_the_start_that_waits() -> None:
    waits = share(20, {"event": "closing"}, until={"event": "AGI", "no_later_than": "2032"})
    ahead = state(book_of(said("2021-01-01", waits)), date(2021, 1, 1)).upcoming
    assert [(each.what, each.event, each.no_later_than) for each in ahead] == [("starts", "closing", None)]


def test_each_lane_awaits_its_own_events_and_only_agreements_count_as_later() -> None:
    # given an agreed value and a later memorandum that waits for an event
    book = book_of(
        said("2021-01-01", share(20, "2021-01-01")),
        said("2022-01-01", share(30, {"event": "closing"}), force="proposed"),
    )
    # then the agreed state has nothing ahead and nothing later
    agreed = state(book, date(2021, 6, 1))
    assert (agreed.upcoming, agreed.coverage.later) == ((), 0)
    assert [each.event for each in state(book, date(2021, 6, 1), force="proposed").upcoming] == ["closing"]


def test_what_ended_inside_the_window_of_its_start_is_certainly_over() -> None:
    book = book_of(said("2020-06-01", share(20, "2021", until="2021-03")))
    days = ("2021-03-31", "2021-04-01", "2022-01-01")
    assert through_the_days(book, SHARE, *days) == ["20", "expired", "expired"]
    assert [held(book, SHARE, day).certain for day in days] == [False, True, True]


def test_reaffirming_in_a_coarse_month_leaves_no_doubt_about_any_order() -> None:
    book = book_of(said("2020-01-01", share(20, "2021")), said("2021-03", {"term": SHARE, "reaffirm": True}))
    assert held(book, SHARE, "2021-06-01").order_uncertain == ()


def test_silence_after_a_temporary_value_is_a_change_on_its_own_day() -> None:
    # given a temporary value with nothing under it, and a lasting one years later
    book = book_of(said("2020-01-01", share(10, "2022", until="2022", temporary=True), share(20, "2025-01-01")))

    def days(after: str, upto: str) -> list[str]:
        found = changed(book, date.fromisoformat(after), date.fromisoformat(upto))
        return [change.on.isoformat() for change in found]

    # then the change to silence has its day, and only that one
    assert days("2022-06-01", "2023-01-01") == ["2023-01-01"]
    assert days("2022-06-01", "2022-12-31") == []
    assert days("2022-12-31", "2025-01-01") == ["2023-01-01", "2025-01-01"]
    assert days("2023-01-01", "2024-12-31") == []
    assert days("2021-12-31", "2024-01-01") == ["2022-01-01", "2023-01-01"]


def test_a_delta_is_past_present_or_future_as_seen_from_a_day() -> None:
    delta = Delta(term(SHARE), date(2021, 1, 1), date(2022, 1, 1), None, None)
    days = (date(2020, 12, 31), date(2021, 1, 1), date(2021, 12, 31), date(2022, 1, 1), date(2022, 1, 2))
    assert [delta.when(today) for today in days] == ["future", "present", "present", "past", "past"]


def test_a_delta_ends_where_either_side_of_it_changes() -> None:
    # given 10 % and 20 % from 2022, then 30 % said to have held all along
    known = book_of(said("2020-01-01", share(10, "2021-01-01"), share(20, "2022-01-01")))
    late = book_of(
        said("2020-01-01", share(10, "2021-01-01"), share(20, "2022-01-01")),
        said("2020-02-01", share(30, "2021-01-01", until="for-good")),
    )
    # then each former value has a period of its own
    found = learned(lines_of(known), lines_of(late))
    assert [(delta.start.year, delta.end.year, delta.before and delta.before.ref.number) for delta in found] == [
        (2021, 2022, 1),
        (2022, 9999, 2),
    ]
    # and the same value said by another statement divides none
    again = book_of(
        said("2020-01-01", share(30, "2021-01-01"), share(30, "2022-01-01")),
    )
    whole = learned({}, lines_of(again))
    assert [(delta.start, delta.end) for delta in whole] == [(date(2021, 1, 1), END_OF_TIME)]


def test_only_a_live_announcement_has_a_content() -> None:
    book = book_of(
        said("2021-01-01", share(20, until={"event": "closing"})),
        happens("closing", "2022-01-01"),
        said("2021-01-01", share(21), corrects="ada-bo/1", reason="a slip"),
        {"retracts": "ada-bo/1", "reason": "a slip"},
    )
    assert [book.content(n) for n in book.records] == [None, None, None, None]
    assert str(Ref(3, 1)) == "3#1"


# Painting, where it is easy to paint one cell too much or too few


def cells_of(book: Book, about: str) -> list[tuple[str, str, int]]:
    """Every cell as it is read: from, up to (both as ISO days) and the announcement that governs it."""
    return [(cell.start.isoformat(), cell.end.isoformat(), cell.ref.n) for cell in book.line(term(about)).cells]


FROM_THE_BEGINNING, FOR_EVER = "0001-01-01", "9999-12-31"


def test_a_bounded_value_outlasts_a_step_that_was_scheduled_inside_its_period() -> None:
    # given 20 %, with a step to 30 % in 2023
    schedule = said("2020-01-01", share(20, "2020-01-01"), share(30, "2023-01-01"))
    # when 25 % are said to hold from 2021 through 2025
    book = book_of(schedule, said("2021-01-01", share(25, "2021-01-01", until="2025")))
    # then the step does not come back after it
    assert through_the_days(book, SHARE, "2020-12-31", "2023-06-01", "2025-12-31", "2026-01-01") == [
        "20",
        "25",
        "25",
        "expired",
    ]


def test_a_step_that_takes_over_on_the_very_day_of_an_end_stays() -> None:
    # given 20 %, with a step to 30 % in 2023
    schedule = said("2020-01-01", share(20, "2020-01-01"), share(30, "2023-01-01"))
    # when 25 % are said to hold through 2022, or for a month longer or shorter
    found = {
        until: told(book_of(schedule, said("2021-01-01", share(25, "2021-01-01", until=until))), SHARE, "2023-02-01")
        for until in ("2022-11", "2022", "2023-01")
    }
    # then the step stays where it takes over on that day or lies ahead, and is gone where it was painted over
    assert found == {"2022-11": "30", "2022": "30", "2023-01": "expired"}


def test_a_bounded_value_clears_the_temporary_periods_inside_its_own() -> None:
    # given temporary values in 2022 and, partly, in and after 2024
    book = book_of(
        said("2020-01-01", share(20, "2020-01-01")),
        said("2020-02-01", share(10, "2022", until="2022", temporary=True)),
        said("2020-03-01", share(11, "2024-07-01", until="2025-06", temporary=True)),
        said("2021-01-01", share(25, "2021-01-01", until="2024")),
    )
    # then neither is left in its period; with the lapse after it the last one is gone altogether
    assert cells_of(book, SHARE) == [
        ("2020-01-01", "2021-01-01", 1),
        ("2021-01-01", "2025-01-01", 4),
        ("2025-01-01", FOR_EVER, 4),
    ]


def test_what_a_value_took_over_from_a_temporary_one_is_one_cell_with_the_rest_of_it() -> None:
    # given two earlier values, a temporary one, and a value that starts inside it
    book = book_of(
        said("2018-01-01", share(1, "2018-01-01"), share(2, "2019-01-01")),
        said("2020-01-01", share(20, "2020-01-01")),
        said("2020-02-01", share(10, "2021", until="2021", temporary=True)),
        said("2020-03-01", share(25, "2021-07-01")),
    )
    # then it is read without a seam
    assert cells_of(book, SHARE) == [
        ("2018-01-01", "2019-01-01", 1),
        ("2019-01-01", "2020-01-01", 1),
        ("2020-01-01", "2021-01-01", 2),
        ("2021-01-01", "2021-07-01", 3),
        ("2021-07-01", FOR_EVER, 4),
    ]
    # and so it is where its start is unknown and the temporary period began on the day it was announced
    unknown = book_of(
        said("2020-02-01", share(10, "2021", until="2021", temporary=True)), said("2021-01-01", share(25, "unknown"))
    )
    assert cells_of(unknown, SHARE) == [(FROM_THE_BEGINNING, FOR_EVER, 2)]


def test_a_temporary_period_that_was_cut_in_two_stays_so_when_another_follows() -> None:
    # given a temporary value over five years, a bounded one in the third, and another temporary one years later
    book = book_of(
        said("2019-01-01", share(20, "2019-01-01"), share(21, "2024-01-01")),
        said("2020-01-01", share(10, "2021", until="2025", temporary=True)),
        said("2020-02-01", share(30, "2023", until="2023")),
        said("2020-03-01", share(11, "2028", until="2028", temporary=True)),
    )
    # then the value in between is still read there
    assert cells_of(book, SHARE) == [
        ("2019-01-01", "2021-01-01", 1),
        ("2021-01-01", "2023-01-01", 2),
        ("2023-01-01", "2024-01-01", 3),
        ("2024-01-01", "2026-01-01", 2),
        ("2026-01-01", "2028-01-01", 1),
        ("2028-01-01", "2029-01-01", 4),
        ("2029-01-01", FOR_EVER, 1),
    ]
