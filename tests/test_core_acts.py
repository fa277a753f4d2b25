"""Laws of documents: what is refused, with which code and remedy; what is kept, and in which bytes."""

from __future__ import annotations

import json
import string
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.worlds import World, worlds
from timeline.core.acceptance import check
from timeline.core.announcements import (
    Announcement,
    Correction,
    Opening,
    act_checked,
    act_from_json,
    act_from_stored,
    canonical,
    content_hash,
    with_texts,
)
from timeline.core.dates import axis_instant, coarse, day, end_of_day, instant, iso
from timeline.core.errors import CODES, Category, TimelineError
from timeline.core.history import Book, Recorded
from timeline.core.terms import BUILTIN, read_kinds

OPENING = {"partnership": "ada-bo", "name": "Ada and Bo", "parties": {"ada": "Ada", "bo": "Bo"}}
STATEMENT = {"term": "stake/bo-in-ada", "direction": "ada -> bo", "set": {"percent": 27}, "quote": "27 percent"}
DOCUMENT: dict[str, Any] = {
    "partnership": "ada-bo",
    "title": "News",
    "announced": "2021-03-15",
    "sources": [{"url": "https://ada.example/news", "tier": "party"}],
    "statements": [STATEMENT],
}
NOW = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)


def document(**changes: Any) -> dict[str, Any]:
    return DOCUMENT | changes


def stating(*leave_out: str, **changes: Any) -> dict[str, Any]:
    """The document with its one statement changed."""
    statement = {name: value for name, value in (STATEMENT | changes).items() if name not in leave_out}
    return document(statements=[statement])


def refusal(data: Any) -> tuple[str, str | None, str, str]:
    """The code, the field, what is wrong and what to do."""
    with pytest.raises(TimelineError) as caught:
        act_from_json(data, BUILTIN)
    error = caught.value
    return error.code, error.field, error.detail, error.remedy


def code_and_field(data: Any) -> tuple[str, str | None]:
    return refusal(data)[:2]


def heard(*documents: dict[str, Any]) -> Book:
    """The book that took those documents in, each accepted in its turn."""
    book = Book()
    for n, data in enumerate(documents):
        act = act_from_json(data, BUILTIN)
        check(book, act, BUILTIN)
        book.hear(Recorded(n + 1, n, datetime(2026, 1, 1, tzinfo=UTC), act))
    return book


def next_refused(*documents: dict[str, Any]) -> tuple[str, str | None, str, str]:
    """Why the last of those documents may not be recorded after the others."""
    book = heard(*documents[:-1])
    with pytest.raises(TimelineError) as caught:
        check(book, act_from_json(documents[-1], BUILTIN), BUILTIN)
    error = caught.value
    return error.code, error.field, error.detail, error.remedy


# What a statement may say


def test_an_unknown_kind_is_refused_with_the_nearest_known_one() -> None:
    code, field, detail, remedy = refusal(stating(term="exclusivty/cloud"))
    assert (code, field, detail) == ("unknown_kind", "statements[0].term", "“exclusivty” is not a kind of term.")
    assert remedy == "Did you mean exclusivity? `timeline kinds` shows them all."


def test_money_where_a_stake_is_meant_is_called_a_valuation() -> None:
    assert refusal(stating(set={"percent": {"value": 500_000_000_000, "currency": "USD"}})) == (
        "value_fails_kind",
        "statements[0].set.percent",
        (
            "stake must be a percentage (0 to 100), a range, or undisclosed; "
            "you gave USD 500000000000: that looks like a valuation."
        ),
        "Say what share it is; record the money as a valuation or an investment of its own.",
    )


def test_a_percentage_above_a_hundred_is_refused_in_plain_digits() -> None:
    for given_, shown in ((1_000_000_000, "1000000000: that looks like an amount of money."), (101, "101.")):
        code, field, detail, _ = refusal(stating(set={"percent": given_}))
        assert (code, field) == ("value_fails_kind", "statements[0].set.percent")
        assert detail == f"percent must lie between 0 and 100; you gave {shown}"
    for bound in (0, 100):
        act_from_json(stating(set={"percent": bound}), BUILTIN)
    assert code_and_field(stating(set={"percent": -1}))[0] == "value_fails_kind"


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        pytest.param({"set": {"percent": True}}, "value_fails_kind", "statements[0].set.percent.value", id="a flag"),
        pytest.param({"set": {"percent": "27 %"}}, "value_fails_kind", "statements[0].set.percent.value", id="a unit"),
        pytest.param({"set": {"percent": {}}}, "value_fails_kind", "statements[0].set.percent", id="no number"),
        pytest.param(
            {"set": {"percent": {"min": 3, "max": 2}}}, "value_fails_kind", "statements[0].set.percent", id="backwards"
        ),
        pytest.param(
            {"set": {"percent": {"about": 3, "value": 2}}}, "value_fails_kind", "statements[0].set.percent", id="two"
        ),
        pytest.param(
            {"set": {"percent": {"unit": "x", "value": 2}}},
            "unknown_field",
            "statements[0].set.percent.unit",
            id="unit",
        ),
        pytest.param({"set": {"percnt": 27}}, "unknown_field", "statements[0].set.percnt", id="misspelt"),
        pytest.param({"set": {"basis": "diluted"}}, "missing_field", "statements[0].set", id="what is required"),
        pytest.param({"set": 27}, "value_fails_kind", "statements[0].set", id="not a set of fields"),
        pytest.param(
            {"term": "exclusivity/cloud", "set": {"level": "exclusiv"}},
            "value_fails_kind",
            "statements[0].set.level",
            id="not a choice",
        ),
        pytest.param(
            {"term": "right/first", "set": {"what": "to look", "allowed": "yes"}},
            "value_fails_kind",
            "statements[0].set.allowed",
            id="not a flag",
        ),
        pytest.param(
            {"term": "valuation/ada", "set": {"amount": 5}}, "value_fails_kind", "statements[0].set.amount", id="bare"
        ),
        pytest.param(
            {"term": "valuation/ada", "set": {"amount": {"value": 5, "currency": "usd"}}},
            "value_fails_kind",
            "statements[0].set.amount.currency",
            id="no currency code",
        ),
        pytest.param({"term": "stake"}, "invalid_field", "statements[0].term", id="no subject"),
        pytest.param({"term": "stake/Bo"}, "invalid_field", "statements[0].term", id="capitals"),
        pytest.param({"direction": "ada to bo"}, "invalid_field", "statements[0].direction", id="no arrow"),
        pytest.param({"force": "rumoured"}, "invalid_field", "statements[0].force", id="no lane"),
        pytest.param({"source": 2}, "invalid_field", "statements[0].source", id="no second source"),
        pytest.param({"source": 0}, "invalid_field", "statements[0].source", id="sources count from one"),
        pytest.param({"source": "1"}, "invalid_field", "statements[0].source", id="not a number"),
        pytest.param({"quote": None}, "quote_missing", "statements[0].quote", id="no quote"),
        pytest.param({"efective": "2021"}, "unknown_field", "statements[0].efective", id="unknown key"),
        pytest.param({"temporary": "yes", "until": "2022"}, "invalid_field", "statements[0].temporary", id="yes"),
        pytest.param({"temporary": True}, "missing_field", "statements[0].until", id="temporary without an end"),
        pytest.param(
            {"temporary": True, "until": "for-good"}, "missing_field", "statements[0].until", id="temporary for good"
        ),
        pytest.param(
            {"temporary": True, "until": "2022", "effective": "unknown"},
            "invalid_field",
            "statements[0].effective",
            id="temporary since nobody knows when",
        ),
        pytest.param({"until": {"event": "AGI", "by": "2032"}}, "unknown_field", "statements[0].until.by", id="by"),
        pytest.param({"effective": {}}, "missing_field", "statements[0].effective.event", id="an event without a name"),
        pytest.param({"quote": "a\x07b"}, "control_character", "statements[0].quote", id="a bell in a quote"),
        pytest.param(
            {"set": {"percent": 27, "basis": "a\x00b"}}, "control_character", "statements[0].set.basis", id="a zero"
        ),
        pytest.param({"note": "\ud800"}, "control_character", "statements[0].note", id="half a character"),
        pytest.param({"note": "  "}, "invalid_field", "statements[0].note", id="blank"),
        pytest.param({"quote": "x" * 2001}, "invalid_field", "statements[0].quote", id="a page for a quote"),
    ],
)
def test_what_a_statement_cannot_say_is_refused_at_its_field(changes: dict[str, Any], code: str, field: str) -> None:
    assert code_and_field(stating(**changes)) == (code, field)


def test_a_statement_says_exactly_one_thing() -> None:
    both = refusal(stating(end=True))
    assert both[:3] == (
        "conflicting_fields",
        "statements[0]",
        "A statement says exactly one thing; this one says set and end.",
    )
    assert refusal(stating(reaffirm=True))[0] == "conflicting_fields"
    assert refusal(stating("set", end=True, reaffirm=True))[0] == "conflicting_fields"
    assert code_and_field(stating("set")) == ("missing_field", "statements[0]")
    assert code_and_field(stating("set", end="yes")) == ("invalid_field", "statements[0].end")
    assert isinstance(act_from_json(stating(end=False), BUILTIN), Announcement)


def test_an_end_that_itself_ends_must_be_temporary() -> None:
    end = {"end": True, "effective": "2027-01-01"}
    for until in ("2027-03-31", {"event": "closing"}):
        assert code_and_field(stating("set", until=until, **end)) == ("conflicting_fields", "statements[0].until")
        act_from_json(stating("set", until=until, temporary=True, **end), BUILTIN)
    act_from_json(stating("set", until="for-good", **end), BUILTIN)
    assert code_and_field(stating("set", end=True, effective="unknown")) == (
        "invalid_field",
        "statements[0].effective",
    )


def test_what_remains_in_force_has_no_period_of_its_own() -> None:
    for changes, name in (
        ({"effective": "2021"}, "effective"),
        ({"until": "2022"}, "until"),
        ({"temporary": True}, "temporary"),
    ):
        found = code_and_field(stating("set", reaffirm=True, **changes))
        assert found == ("conflicting_fields", f"statements[0].{name}")


def test_an_end_before_the_beginning_is_refused_by_the_windows_of_both() -> None:
    # given ends before, at and inside the beginning, for days, years and outer dates
    before = ({"effective": "2021-03-15", "until": "2021-03-14"}, {"effective": "2022", "until": "2021-12-31"})
    for changes in (*before, {"effective": "2022", "until": {"event": "AGI", "no_later_than": "2021"}}):
        assert code_and_field(stating(**changes)) == ("until_before_effective", "statements[0].until")
    for until in ("2021-03-15", "2021-03", "2021", {"event": "AGI"}, "for-good"):
        act_from_json(stating(effective="2021-03-15", until=until), BUILTIN)
    # and the announced day, where it is assumed, is a beginning too
    assert refusal(stating(until="2021-03-14")) == (
        "until_before_effective",
        "statements[0].until",
        "It ends (2021-03-14) before it begins (2021-03-15, the announced day).",
        "Add effective: unknown, or with the day, month or year in which it began.",
    )
    act_from_json(stating(until="2021-03-15"), BUILTIN)
    act_from_json(stating(until="2021-03-14", effective="unknown"), BUILTIN)


# Dates and moments


def test_a_date_that_can_be_read_in_two_ways_is_refused_with_both_readings() -> None:
    with pytest.raises(TimelineError) as caught:
        act_from_json(document(announced="03/04/2025"), BUILTIN)
    assert caught.value.problem() == {
        "type": "urn:timeline:problem:ambiguous_date",
        "title": "Ambiguous date",
        "status": 400,
        "code": "ambiguous_date",
        "detail": "03/04/2025 can be read in two ways.",
        "remedy": "Write 2025-03-04 or 2025-04-03.",
        "field": "announced",
        "readings": ["2025-03-04", "2025-04-03"],
    }
    assert refusal(document(announced="03/14/2025")) == (
        "invalid_date",
        "announced",
        "03/14/2025 is not an ISO date.",
        "Write 2025-03-14.",
    )
    assert refusal(document(announced="3.3.25"))[3] == "Write 2025-03-03."


@pytest.mark.parametrize(
    "text", ["", "soon", "2021-13", "2021-02-30", "0000", "9999", "21", "2021-3-5", "\uff12\uff10\uff12\uff11"]
)
def test_what_is_no_date_is_refused(text: str) -> None:
    assert code_and_field(document(announced=text)) == ("invalid_date", "announced")
    assert code_and_field(stating(effective=text)) == ("invalid_date", "statements[0].effective")


def test_the_last_day_of_the_month_is_offered_for_a_day_that_it_does_not_have() -> None:
    assert refusal(document(announced="2021-02-30"))[3] == "Write 2021-02-28, the last day of that month."
    assert [coarse(text).last.isoformat() for text in ("2024-02", "2021", "2021-12")] == [
        "2024-02-29",
        "2021-12-31",
        "2021-12-31",
    ]


def test_a_year_where_a_day_is_needed_is_refused_with_its_first_and_last_day() -> None:
    with pytest.raises(TimelineError) as caught:
        day("2021-02")
    assert (caught.value.code, caught.value.remedy) == (
        "invalid_date",
        "Name one day of it: 2021-02-01 for its first or 2021-02-28 for its last.",
    )


def test_a_moment_without_a_zone_is_refused_and_the_remedy_works() -> None:
    code, field, _, remedy = refusal(document(announced="2021-03-15T10:00:00"))
    assert (code, field) == ("zone_missing", "announced")
    assert remedy == "Add the offset: 2021-03-15T10:00:00Z for UTC, or 2021-03-15T10:00:00+01:00."
    act_from_json(document(announced="2021-03-15T10:00:00Z"), BUILTIN)
    act_from_json(document(announced="2021-03-15T10:00:00+01:00"), BUILTIN)


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2021-03-15T10:00:00Z", "2021-03-15T10:00:00Z"),
        ("2021-03-15 10:00z", "2021-03-15T10:00:00Z"),
        ("2021-03-15T00:30:00+01:00", "2021-03-14T23:30:00Z"),
        ("2021-03-15T10:00:00.5-01:00", "2021-03-15T11:00:00.500000Z"),
        ("2021-03-15T10:00:00.123456789Z", "2021-03-15T10:00:00.123456Z"),
    ],
)
def test_a_moment_is_kept_in_utc(text: str, utc: str) -> None:
    assert iso(instant(text)) == utc


@pytest.mark.parametrize("text", ["soon", "2021-03-15T25:00:00Z", "2021-02-30T10:00:00Z", "0001-01-01T00:00:00+01:00"])
def test_what_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(TimelineError) as caught:
        instant(text)
    assert caught.value.code == "invalid_instant"


def test_a_day_on_an_axis_means_its_end_and_today_means_now_and_the_future_is_refused() -> None:
    assert axis_instant("2026-11-21", NOW, field="known_at") == end_of_day(coarse("2026-11-21").lo)
    assert axis_instant("2026-11-22", NOW, field="known_at") == NOW
    assert axis_instant("2026-11-22T04:30:00Z", NOW, field="known_at") == NOW
    found = []
    for text in ("2026-11-23", "2026-11-22T04:30:01Z", "2026", "03/04/2025", "2026-11-22T04:00:00"):
        with pytest.raises(TimelineError) as caught:
            axis_instant(text, NOW, field="known_at")
        found.append(caught.value.code)
    assert found == [*["instant_in_the_future"] * 2, "invalid_date", "ambiguous_date", "zone_missing"]


# The document


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        pytest.param({"anounced": "2021"}, "unknown_field", "anounced", id="unknown key"),
        pytest.param({"title": None}, "missing_field", "title", id="no title"),
        pytest.param({"title": "x" * 301}, "invalid_field", "title", id="an endless title"),
        pytest.param({"title": ["x"]}, "invalid_field", "title", id="a list for a title"),
        pytest.param({"announced": None}, "missing_field", "announced", id="no day"),
        pytest.param({"partnership": "Ada Bo"}, "invalid_field", "partnership", id="no name for an address"),
        pytest.param({"sources": []}, "missing_field", "sources", id="no source"),
        pytest.param({"sources": "https://ada.example"}, "invalid_field", "sources", id="not a list"),
        pytest.param({"sources": [{"tier": "party"}]}, "missing_field", "sources[0]", id="a source of nothing"),
        pytest.param({"sources": [{"publisher": "Ada"}]}, "missing_field", "sources[0].tier", id="no tier"),
        pytest.param(
            {"sources": [{"publisher": "Ada", "tier": "blog"}]}, "invalid_field", "sources[0].tier", id="no such tier"
        ),
        pytest.param(
            {"sources": [{"url": "ada.example", "tier": "party"}]}, "invalid_field", "sources[0].url", id="half a url"
        ),
        pytest.param(
            {"sources": [{"text_sha256": "12", "tier": "party"}]}, "invalid_field", "sources[0].text_sha256", id="sha"
        ),
        pytest.param({"statements": [27]}, "malformed_document", "statements[0]", id="a number for a statement"),
        pytest.param({"summary": "\x1b[1m"}, "control_character", "summary", id="a terminal's escape"),
    ],
)
def test_what_a_document_cannot_say_is_refused_at_its_field(changes: dict[str, Any], code: str, field: str) -> None:
    assert code_and_field(document(**changes)) == (code, field)


ADDRESSES = [
    "https://ada.example",
    "http://ada.example:8080/news?id=1&of=a;b#top",
    "https://ada_1.news-site.example./a(b)/ä€%20,~!$'*[x]",
    "https://bücher.example/",
    "https://[2001:db8::1]:443/",
    "https://web.archive.org/web/2020/https://ada.example/news",
]
NO_ADDRESSES = [
    "https://a b",
    "https://ada.example/with a space",
    "https://ada.example/a\u00a0space",
    "https://ada.example@eve.example/",
    "https://ada.example/\u202egnp.exe",
    "https://ada.example/two\nlines",
    "https://ada..example/",
    "https://.example/",
    "https://ada.example:port/",
    "https://ada.example\\@eve.example/",
    "https://[2001:db8::1/",
    "https://<ada>.example/",
    "https://ada.example/" + "x" * 1981,
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_on_the_web_is_taken_as_it_is_written(address: str) -> None:
    act = act_from_json(document(sources=[{"url": address, "tier": "party"}]), BUILTIN)

    assert isinstance(act, Announcement)
    assert act.sources[0].url == address


@pytest.mark.parametrize("address", NO_ADDRESSES)
def test_the_whole_of_an_address_is_looked_at_not_only_its_beginning(address: str) -> None:
    assert code_and_field(document(sources=[{"url": address, "tier": "party"}])) == ("invalid_field", "sources[0].url")


@pytest.mark.parametrize("address", [*ADDRESSES, *(each for each in NO_ADDRESSES if len(each) <= 2000)])
def test_an_address_that_is_on_record_stays_acceptable(address: str) -> None:
    """A rule that came later says nothing against what was recorded before it."""
    act = act_from_json(DOCUMENT, BUILTIN)
    assert isinstance(act, Announcement)
    stored = canonical(replace(act, sources=(replace(act.sources[0], url=address),)))

    assert canonical(act_checked(stored)) == canonical(act_from_stored(stored)) == stored


@pytest.mark.parametrize("address", ["ada.example/news", "ftp://ada.example/", "https:///news", "https:// ada.example"])
def test_what_was_never_taken_for_an_address_is_a_fault_of_the_record(address: str) -> None:
    act = act_from_json(DOCUMENT, BUILTIN)
    assert isinstance(act, Announcement)

    with pytest.raises(TimelineError) as caught:
        act_checked(canonical(replace(act, sources=(replace(act.sources[0], url=address),))))
    assert (caught.value.code, caught.value.field) == ("invalid_field", "sources[0].url")


def test_an_unknown_key_is_refused_with_the_nearest_known_one() -> None:
    assert refusal(document(anounced="2021"))[2:] == (
        "The document has no field “anounced”.",
        "Did you mean announced?",
    )


def test_what_is_no_set_of_fields_is_no_document() -> None:
    nothing: list[Any] = [[], "x", 3, None]
    for data in nothing:
        assert code_and_field(data) == ("malformed_document", None)


def test_a_partnership_has_two_parties() -> None:
    assert code_and_field(OPENING | {"parties": {"ada": "Ada"}}) == ("invalid_field", "parties")
    assert code_and_field(OPENING | {"parties": ["ada", "bo"]}) == ("invalid_field", "parties")
    assert code_and_field(OPENING | {"parties": {"ada": "Ada", "B": "Bo"}}) == ("invalid_field", "parties.B")


CORRECTION = document(corrects="ada-bo/1", reason="a slip")
RETRACTION: dict[str, Any] = {"retracts": "ada-bo/1", "reason": "a slip"}
OCCURRENCE: dict[str, Any] = {
    "partnership": "ada-bo",
    "occurred": "closing",
    "on": "2024-03-01",
    "announced": "2024-03-02",
    "sources": [{"publisher": "Ada", "tier": "party"}],
}


@pytest.mark.parametrize(("act", "on"), [(CORRECTION, "corrected_on"), (RETRACTION, "retracted_on")])
def test_the_issuers_day_is_given_with_what_the_issuer_did_and_only_then(act: dict[str, Any], on: str) -> None:
    assert code_and_field(act | {"by": "issuer"}) == ("missing_field", on)
    assert code_and_field(act | {on: "2021-04-01"}) == ("conflicting_fields", on)
    assert code_and_field(act | {"by": "editor", on: "2021-04-01"}) == ("conflicting_fields", on)
    assert code_and_field(act | {"by": "issuer", on: "2021-04"}) == ("invalid_date", on)
    assert code_and_field(act | {"by": "us"}) == ("invalid_field", "by")
    act_from_json(act | {"by": "issuer", on: "2021-04-01"}, BUILTIN)


def test_a_later_act_cites_its_target_and_gives_a_reason() -> None:
    assert code_and_field(RETRACTION | {"retracts": "ada-bo"}) == ("invalid_field", "retracts")
    assert code_and_field(RETRACTION | {"retracts": "ada-bo/0"}) == ("invalid_field", "retracts")
    assert code_and_field(CORRECTION | {"corrects": 1}) == ("invalid_field", "corrects")
    assert code_and_field(RETRACTION | {"reason": None}) == ("missing_field", "reason")
    assert code_and_field(RETRACTION | {"why": "x"}) == ("unknown_field", "why")
    assert code_and_field(RETRACTION | {"partnership": "ada-eve"}) == ("conflicting_fields", "partnership")
    assert code_and_field(CORRECTION | {"partnership": "ada-eve"}) == ("conflicting_fields", "partnership")
    assert code_and_field(OCCURRENCE | {"on": "2024"}) == ("invalid_date", "on")


# What may be recorded next

UNTIL_CLOSING = stating(until={"event": "closing"})


def test_the_record_begins_with_its_opening_and_has_only_one() -> None:
    assert next_refused(DOCUMENT)[:2] == ("unknown_partnership", "partnership")
    assert next_refused(OPENING, OPENING)[:3] == (
        "already_opened",
        None,
        "ada-bo is open already, as “Ada and Bo” between Ada, Bo.",
    )


def test_the_direction_of_a_term_is_fixed_by_its_first_statement() -> None:
    # given a term that runs from Ada to Bo
    other_way = stating(direction="bo -> ada")
    # then another direction is refused, in a later document and in the same one
    assert next_refused(OPENING, DOCUMENT, other_way) == (
        "direction_contradicts",
        "statements[0].direction",
        "stake/bo-in-ada runs ada -> bo; this statement says bo -> ada.",
        "Leave direction out, or name another term if it really runs the other way.",
    )
    both = document(statements=[STATEMENT, STATEMENT | {"direction": "bo -> ada"}])
    assert next_refused(OPENING, both)[:2] == ("direction_contradicts", "statements[1].direction")
    # and none is needed any more
    heard(OPENING, DOCUMENT, stating("direction"))
    heard(OPENING, document(statements=[STATEMENT, {k: v for k, v in STATEMENT.items() if k != "direction"}]))


def test_a_new_term_says_who_grants_and_who_receives_unless_its_kind_has_no_direction() -> None:
    assert next_refused(OPENING, stating("direction"))[:2] == ("missing_field", "statements[0].direction")
    clause = {"term": "clause/one", "set": {"text": "x"}}
    heard(OPENING, stating("direction", **clause))
    # and once a later statement gives one, it is fixed all the same
    fixed = (OPENING, stating("direction", **clause), stating(**clause))
    assert next_refused(*fixed, stating(direction="bo -> ada", **clause))[0] == "direction_contradicts"


def test_a_correction_may_turn_the_direction_that_only_its_target_fixed() -> None:
    heard(OPENING, DOCUMENT, CORRECTION | {"statements": [STATEMENT | {"direction": "bo -> ada"}]})
    turned = CORRECTION | {"statements": [STATEMENT | {"direction": "bo -> ada"}]}
    assert next_refused(OPENING, DOCUMENT, DOCUMENT | {"title": "More"}, turned)[0] == "direction_contradicts"
    # and once corrected, the new direction is the one that is fixed
    assert next_refused(OPENING, DOCUMENT, turned, DOCUMENT)[0] == "direction_contradicts"


def test_where_taking_back_a_correction_leaves_two_directions_the_first_statement_has_it() -> None:
    """A retraction is never refused for it; the next document is held to what was said first."""
    turned = [STATEMENT | {"direction": "bo -> ada"}]
    record = (OPENING, DOCUMENT, CORRECTION | {"statements": turned}, document(statements=turned))
    back = RETRACTION | {"retracts": "ada-bo/2"}
    heard(*record, back, DOCUMENT)
    assert next_refused(*record, back, document(statements=turned))[0] == "direction_contradicts"


def test_a_stranger_is_refused_with_the_nearest_party() -> None:
    found = next_refused(OPENING, stating(direction="adda -> bo"))
    assert found == (
        "unknown_party",
        "statements[0].direction",
        "“adda” is not a party of ada-bo.",
        "Did you mean ada?",
    )


def test_only_what_is_on_record_can_be_corrected_or_retracted() -> None:
    assert next_refused(OPENING, RETRACTION) == (
        "unknown_announcement",
        "retracts",
        "There is no ada-bo/1.",
        "Nothing is recorded in ada-bo yet.",
    )
    assert next_refused(OPENING, DOCUMENT, RETRACTION | {"retracts": "ada-bo/2"})[3] == (
        "Name one from ada-bo/1 to ada-bo/1."
    )
    assert next_refused(OPENING, DOCUMENT, CORRECTION | {"corrects": "ada-bo/2"})[:2] == (
        "unknown_announcement",
        "corrects",
    )


def test_what_is_retracted_is_not_retracted_again_nor_corrected() -> None:
    for act, field in ((RETRACTION, "retracts"), (CORRECTION, "corrects")):
        assert next_refused(OPENING, DOCUMENT, RETRACTION, act) == (
            "not_retractable",
            field,
            "ada-bo/1 has been retracted, by ada-bo/2.",
            "To bring it back, retract ada-bo/2.",
        )
    # and once the retraction is taken back, both may be done, and it is cited right
    back = RETRACTION | {"retracts": "ada-bo/2"}
    heard(OPENING, DOCUMENT, RETRACTION, back, CORRECTION)
    again = next_refused(OPENING, DOCUMENT, RETRACTION, back, RETRACTION, RETRACTION)
    assert again[2] == "ada-bo/1 has been retracted, by ada-bo/4."


def test_only_an_announcement_has_a_content_to_correct() -> None:
    assert next_refused(OPENING, DOCUMENT, CORRECTION, CORRECTION | {"corrects": "ada-bo/2"}) == (
        "not_retractable",
        "corrects",
        "ada-bo/2 is no announcement, so it has no content to correct.",
        "Correct ada-bo/1 again.",
    )
    assert next_refused(OPENING, UNTIL_CLOSING, OCCURRENCE, CORRECTION | {"corrects": "ada-bo/2"})[3] == (
        "Retract ada-bo/2 and record it anew."
    )


def test_an_event_that_nothing_waits_for_is_refused_with_the_nearest_that_something_does() -> None:
    assert next_refused(OPENING, UNTIL_CLOSING, OCCURRENCE | {"occurred": "closng"}) == (
        "unknown_event",
        "occurred",
        "No statement of ada-bo waits for “closng”.",
        "Did you mean closing?",
    )
    assert next_refused(OPENING, DOCUMENT, OCCURRENCE)[3] == "No statement there waits for any event."
    heard(OPENING, stating(effective={"event": "closing"}), OCCURRENCE)


def test_an_event_happens_once() -> None:
    assert next_refused(OPENING, UNTIL_CLOSING, OCCURRENCE, OCCURRENCE | {"on": "2025-01-01"}) == (
        "event_already_occurred",
        "occurred",
        "“closing” is on record as having happened on 2024-03-01, by ada-bo/2.",
        "If that is wrong, retract ada-bo/2 first.",
    )
    # and when it was retracted and recorded anew, the first does not come back
    retracted = RETRACTION | {"retracts": "ada-bo/2"}
    revived = RETRACTION | {"retracts": "ada-bo/3"}
    assert next_refused(OPENING, UNTIL_CLOSING, OCCURRENCE, retracted, OCCURRENCE, revived)[:2] == (
        "event_already_occurred",
        "retracts",
    )
    heard(OPENING, UNTIL_CLOSING, OCCURRENCE, retracted, revived)
    heard(OPENING, UNTIL_CLOSING, OCCURRENCE, retracted, revived, RETRACTION | {"retracts": "ada-bo/4"})


# Kinds of one's own

OWN = """
[deadline]
label = "deadline of {subject}"
require = ["what"]
short = "{what}"
sentence = "{what} is due"
directed = false
[deadline.fields]
what = "text"
owner = "party"
"""


def test_a_kind_of_ones_own_is_checked_like_the_others() -> None:
    kinds = read_kinds(OWN, known=BUILTIN)
    due = stating("direction", term="deadline/report", set={"what": "report", "owner": "ada"})
    act = act_from_json(due, kinds)
    assert act_from_stored(canonical(act)) == act
    stranger = act_from_json(stating(term="deadline/report", set={"what": "x", "owner": "eve"}), kinds)
    book = Book().hear_all([Recorded(1, 0, datetime(2026, 1, 1, tzinfo=UTC), act_from_json(OPENING, kinds))])
    with pytest.raises(TimelineError) as caught:
        check(book, stranger, kinds)
    assert (caught.value.code, caught.value.field) == ("unknown_party", "statements[0].set.owner")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("[deadline", id="no TOML"),
        pytest.param(OWN.replace("deadline", "stake"), id="a name that is taken"),
        pytest.param(OWN.replace("directed", "direct"), id="an unknown setting"),
        pytest.param(OWN.replace('"party"', '"person"'), id="an unknown type"),
        pytest.param(OWN.replace('["what"]', '["when"]'), id="requires what it does not declare"),
        pytest.param(OWN.replace("{what} is", "{when} is"), id="speaks of what it does not declare"),
        pytest.param(OWN.replace('short = "{what}"\n', ""), id="no short form"),
        pytest.param('[deadline]\nlabel = "x"', id="no fields"),
        pytest.param(OWN.replace("[deadline", "[Deadline"), id="a name with capitals"),
    ],
)
def test_a_kind_that_cannot_work_is_refused(text: str) -> None:
    with pytest.raises(TimelineError) as caught:
        read_kinds(text, known=BUILTIN)
    assert caught.value.code == "invalid_configuration"


# The stored form

SLUGS = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=8)
TEXTS = (
    st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufffe\uffff"), max_size=20)
    .map(str.strip)
    .filter(bool)
)
NUMBERS = st.integers(-(10**20), 10**20) | st.decimals(-(10**9), 10**9, places=4)
SHARES = st.integers(0, 100) | st.decimals(0, 100, places=3)


def quantities(numbers: st.SearchStrategy[Any], **more: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    stated = st.fixed_dictionaries(dict(more), optional={"stated": TEXTS})
    one = st.sampled_from(("value", "about", "at_least", "at_most")).flatmap(
        lambda form: numbers.map(lambda number: {form: number})
    )
    both = st.tuples(numbers, numbers).map(lambda pair: {"min": min(pair), "max": max(pair)})
    said = st.tuples(one | both, stated).map(lambda parts: parts[0] | parts[1])
    return said | st.just("undisclosed") | st.just({"undisclosed": True, "stated": "multi-billion"})


CURRENCIES = st.sampled_from(("USD", "EUR"))
VALUES = st.one_of(
    st.tuples(
        st.just("stake"), st.fixed_dictionaries({"percent": SHARES | quantities(SHARES)}, optional={"basis": TEXTS})
    ),
    st.tuples(st.just("valuation"), st.fixed_dictionaries({"amount": quantities(NUMBERS, currency=CURRENCIES)})),
    st.tuples(
        st.just("commitment"),
        st.fixed_dictionaries(
            {"what": TEXTS, "quantity": NUMBERS | quantities(NUMBERS, unit=TEXTS)}, optional={"binding": st.booleans()}
        ),
    ),
    st.tuples(st.just("exclusivity"), st.fixed_dictionaries({"level": st.sampled_from(("exclusive", "primary"))})),
    st.tuples(st.just("clause"), st.fixed_dictionaries({"text": TEXTS})),
)


@st.composite
def rich_documents(draw: st.DrawFn) -> dict[str, Any]:
    """An announcement, or a correction that gives one, with every optional field now and then."""
    statements = []
    for kind, value in draw(st.lists(VALUES, max_size=3)):
        statement = {"term": f"{kind}/{draw(SLUGS)}", "set": value, "quote": draw(TEXTS)}
        statement |= draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "direction": st.sampled_from(("ada -> bo", "bo→ada")),
                    "effective": st.sampled_from(("2021", "2021-03", "unknown")),
                    "until": st.sampled_from(("for-good", "2030", {"event": "AGI", "no_later_than": 2032})),
                    "force": st.sampled_from(("agreed", "proposed")),
                    "unsupported": TEXTS,
                    "note": TEXTS,
                },
            )
        )
        statements.append(statement)
    head = draw(
        st.sampled_from(
            (
                {"partnership": "ada-bo"},
                {"corrects": "ada-bo/1", "reason": "a slip"},
                {"corrects": "ada-bo/1", "reason": "a slip", "by": "issuer", "corrected_on": "2021-04-01"},
            )
        )
    )
    source = st.fixed_dictionaries(
        {"publisher": TEXTS, "tier": st.sampled_from(("filing", "press"))},
        optional={"url": st.just("https://ada.example/é"), "text_sha256": st.just("0" * 64)},
    )
    return {
        **head,
        "title": draw(TEXTS),
        "announced": draw(st.sampled_from(("2021", "2021-03", "2021-03-15", "2021-03-15T10:00:00.25+01:00"))),
        "sources": draw(st.lists(source, min_size=1, max_size=2)),
        "statements": statements,
        **draw(st.fixed_dictionaries({}, optional={"summary": TEXTS, "note": TEXTS})),
    }


@given(rich_documents())
def test_an_act_is_read_back_as_it_was_stored(data: dict[str, Any]) -> None:
    """What `canonical` writes says the same act, and is its own canonical form."""
    act = act_from_json(data, BUILTIN)
    stored = canonical(act)
    assert act_from_stored(stored) == act
    assert canonical(act_from_stored(stored)) == stored


@given(rich_documents())
def test_the_stored_bytes_are_the_canonical_json_of_rfc_8785(data: dict[str, Any]) -> None:
    stored = canonical(act_from_json(data, BUILTIN))
    assert stored.encode() == rfc8785.dumps(json.loads(stored))


@given(worlds())
def test_every_act_of_a_world_is_stored_canonically_and_read_back(world: World) -> None:
    for act in world.acts:
        stored = canonical(act)
        assert act_from_stored(stored) == act
        assert stored.encode() == rfc8785.dumps(json.loads(stored))


@given(st.dictionaries(SLUGS, TEXTS, min_size=2, max_size=5))
def test_an_opening_keeps_the_order_in_which_its_parties_were_named(parties: dict[str, str]) -> None:
    opening = act_from_json(OPENING | {"parties": parties}, BUILTIN)
    stored = canonical(opening)
    assert isinstance(opening, Opening)
    assert act_from_stored(stored) == opening
    assert opening.parties == tuple(parties.items())
    assert stored.encode() == rfc8785.dumps(json.loads(stored))


def test_the_same_words_written_differently_have_one_hash() -> None:
    """Key order, trailing zeros and surrounding space are not part of what was said."""
    same = (
        stating(set={"percent": 27}),
        stating(set={"percent": Decimal("27.0")}),
        stating(set={"percent": {"value": "27.00"}}),
        dict(reversed(DOCUMENT.items())),
        document(title=" News "),
        stating(source=1, temporary=False),
        document(force="agreed"),
    )
    assert len({content_hash(canonical(act_from_json(data, BUILTIN))) for data in same}) == 1
    assert canonical(act_from_json(DOCUMENT, BUILTIN)) != canonical(act_from_json(document(title="Olds"), BUILTIN))


def test_a_stored_text_is_named_in_the_source_that_it_belongs_to() -> None:
    sha = "a" * 64
    correction = act_from_json(CORRECTION, BUILTIN)
    named = with_texts(correction, {1: sha})
    assert isinstance(named, Correction)
    assert [source.text_sha256 for source in named.content.sources] == [sha]
    assert with_texts(named, {}) == named
    occurrence = with_texts(act_from_json(OCCURRENCE, BUILTIN), {1: sha})
    assert json.loads(canonical(occurrence))["sources"][0]["text_sha256"] == sha
    retraction = act_from_json(RETRACTION, BUILTIN)
    assert with_texts(retraction, {1: sha}) is retraction


def test_every_code_has_its_category_and_every_category_its_answers() -> None:
    """Programs test codes, shells exit codes, browsers status codes; two doors never disagree."""
    assert {category.exit_code for category in CODES.values()} == {1, 2, 3, 4, 5, 6, 7}
    assert {category.http_status for category in Category} == {
        *(400, 401, 403, 404, 405, 409, 412, 413, 415, 422, 429, 500, 503)
    }
    error = TimelineError("unknown_term", "There is none.", "Look again.")
    assert error.problem() == {
        "type": "urn:timeline:problem:unknown_term",
        "title": "Unknown term",
        "status": 404,
        "code": "unknown_term",
        "detail": "There is none.",
        "remedy": "Look again.",
    }
