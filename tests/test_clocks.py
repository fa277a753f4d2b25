"""Clocks that are wrong: what they date stands for ever, so the worst are refused and the others are said."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from tests.conftest import Clock, Run
from tests.test_acts import OPENING, asked, percents, stake
from tests.test_keeping import everything
from timeline.acts import Desk
from timeline.core.errors import TimelineError
from timeline.core.terms import BUILTIN
from timeline.keeping import verify
from timeline.log import Log, NewEvent
from timeline.web.status import extent

AT_LAST = datetime.max.replace(tzinfo=UTC)


@pytest.mark.parametrize("year", [2047, 2999, 9999])
def test_what_a_clock_far_in_the_future_says_is_not_believed(log: Log, clock: Clock, year: int) -> None:
    """Neither by an empty record nor by one that has something; once it is right all goes on."""
    desk, right = Desk(log, BUILTIN, clock), clock.now
    for document in (OPENING, stake(10, "2021-01-01")):
        clock.now = AT_LAST.replace(year=year)
        with pytest.raises(TimelineError) as refused:
            desk.append(asked(document))
        assert refused.value.code == "clock_wrong"

        clock.now = right
        desk.append(asked(document))

    assert [event.recorded_at for event in everything(log)] == [right, right + timedelta(microseconds=1)]


def test_a_record_may_lie_untouched_for_nineteen_years_again_and_again(log: Log, clock: Clock) -> None:
    desk = Desk(log, BUILTIN, clock)
    desk.append(asked(OPENING))
    for percent in range(4):
        clock.now += timedelta(days=19 * 365)
        assert desk.append(asked(stake(percent, "2021-01-01")))["seq"] == percent + 2


def test_a_record_that_ends_in_the_future_goes_on_and_says_so(log: Log, clock: Clock) -> None:
    """Also with a dry run; answers are what they would be."""
    desk, right = Desk(log, BUILTIN, clock), clock.now
    clock.now += timedelta(days=400)
    assert desk.append(asked(OPENING))["warnings"] == []
    clock.now = right

    said = [desk.append(asked(stake(10, "2021-01-01")), dry_run=dry)["warnings"] for dry in (True, False)]

    (note,) = {warning["detail"] for warnings in said for warning in warnings if warning["code"] == "clock_behind"}
    assert "2027-02-05T12:00:00.000001Z" in note
    assert "2026-01-01T12:00:00Z" in note
    assert percents(log, clock, "2025-01-01") == [10]
    found = verify(log, clock=clock)
    assert (found["sound"], found["note"]) == (True, note)
    assert extent(log, clock.now)["record"]["note"] == note
    clock.now += timedelta(days=401)
    assert extent(log, clock.now)["record"]["note"] is None


def test_after_the_last_instant_of_all_nothing_is_recorded_and_everything_is_read(log: Log, clock: Clock) -> None:
    desk = Desk(log, BUILTIN, clock)
    opening, said = asked(OPENING), asked(stake(10, "2021-01-01"))
    with log.writing() as writer:
        events = [
            NewEvent("acme-bolt", 0, "opening", None, None, opening.hash, opening.body),
            NewEvent("acme-bolt", 1, "announcement", None, None, said.hash, said.body, recorded_at=AT_LAST),
        ]
        writer.append_many(events)

    with pytest.raises(TimelineError) as refused:
        desk.append(asked(stake(12, "2022-01-01")))

    assert refused.value.code == "clock_wrong"
    assert percents(log, clock, "2025-01-01") == [10]
    assert verify(log)["checks"]["chain"] is None


def test_the_command_says_that_the_record_ends_in_the_future(run: Run, log: Log, database_url: str) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    said = asked(OPENING)
    with log.writing() as writer:
        new = NewEvent("acme-bolt", 0, "opening", None, None, said.hash, said.body, recorded_at=tomorrow)
        writer.append_many([new])

    for command in ("status", "verify"):
        assert "this machine" in " ".join(run("--database-url", database_url, command).stdout.split())
