"""Laws of the scheduler: on time, promptly after an append, one leader, and no trouble ends it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from tests.conftest import Clock
from tests.servers import PostgreSQL
from timeline.core.errors import TimelineError
from timeline.scheduler import Leadership, Scheduler, leadership


class Alone:
    """Leadership that nobody disputes, unless it is taken away."""

    def __init__(self) -> None:
        self.leads = True

    def held(self) -> bool:
        return self.leads

    def release(self) -> None:
        self.leads = False


class World:
    """A log that ends somewhere, and publishes that are counted."""

    def __init__(self, clock: Clock, leader: Leadership | None = None) -> None:
        self.seq = 1
        self.published: list[datetime] = []
        self.trouble: Exception | None = None
        self.clock = clock
        self.scheduler = Scheduler(
            self.publish, lambda: self.seq, leader or Alone(), clock, every=timedelta(minutes=15)
        )

    def publish(self) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.published.append(self.clock.now)


def after(clock: Clock, **wait: float) -> datetime:
    clock.now += timedelta(**wait)
    return clock.now


def until(reached: Callable[[], bool], seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while not reached() and time.monotonic() < deadline:
        time.sleep(0.02)
    return reached()


def test_it_publishes_at_once_then_every_so_often(clock: Clock) -> None:
    world = World(clock)
    first = clock.now
    world.scheduler.tick()
    after(clock, minutes=14)
    world.scheduler.tick()
    second = after(clock, minutes=1)
    world.scheduler.tick()

    assert world.published == [first, second]


def test_it_publishes_promptly_after_an_append(clock: Clock) -> None:
    world = World(clock)
    world.scheduler.tick()
    world.seq = 2
    then = after(clock, seconds=1)
    world.scheduler.tick()
    world.scheduler.tick()

    assert world.published[1:] == [then]
    assert world.scheduler.status()["published_seq"] == 2


def test_a_new_day_is_published_when_it_has_settled(clock: Clock) -> None:
    clock.now = datetime(2026, 1, 1, 23, 55, tzinfo=UTC)
    world = World(clock)
    world.scheduler.tick()

    assert world.scheduler.status()["next_run_at"] == "2026-01-02T00:01:05Z"


def test_who_does_not_lead_does_not_publish(clock: Clock) -> None:
    leader = Alone()
    leader.leads = False
    world = World(clock, leader)
    world.scheduler.tick()
    assert (world.published, world.scheduler.status()["leads"]) == ([], False)

    leader.leads = True
    world.scheduler.tick()

    assert (len(world.published), world.scheduler.status()["leads"]) == (1, True)


@pytest.mark.parametrize(
    "trouble",
    [
        TimelineError("storage_failed", "The disk is full.", "Free some space."),
        OSError(28, "No space left on device"),
        ValueError("a bug"),
    ],
)
def test_trouble_is_shown_and_tried_again_less_and_less_often(clock: Clock, trouble: Exception) -> None:
    world = World(clock)
    world.trouble = trouble
    world.scheduler.tick()
    first = world.scheduler.status()
    world.seq = 2
    world.scheduler.tick()
    assert world.scheduler.status()["failures"] == 1
    after(clock, seconds=5)
    world.scheduler.tick()

    shown = world.scheduler.status()
    assert (first["failures"], shown["failures"]) == (1, 2)
    assert str(trouble.args[-1]) in shown["error"]["detail"]
    assert shown["next_run_at"] == "2026-01-01T12:00:15Z"
    world.trouble = None
    after(clock, seconds=10)
    world.scheduler.tick()
    assert (world.scheduler.status()["failures"], world.scheduler.status()["error"]) == (0, None)


def test_the_job_ticks_and_can_be_poked_and_stops(clock: Clock) -> None:
    leader = Alone()
    world = World(clock, leader)
    world.scheduler.poke()
    world.scheduler.start()
    assert until(lambda: len(world.published) == 1)
    world.seq = 2
    world.scheduler.poke()
    assert until(lambda: len(world.published) == 2, 0.9)

    world.scheduler.stop()

    assert not leader.leads


def test_the_hub_is_told_by_the_leader_alone_and_its_trouble_is_survived(clock: Clock) -> None:
    told: list[int] = []

    def deliver() -> None:
        told.append(1)
        raise OSError

    leader = Alone()
    scheduler = Scheduler(lambda: None, lambda: 1, leader, clock, every=timedelta(minutes=1), deliver=[deliver])
    scheduler.deliver(deliver)
    scheduler.tick()
    scheduler.deliver(deliver)

    assert told == [1]


def test_one_of_several_leads_and_another_takes_over(database_url: str) -> None:
    first, second = leadership(database_url), leadership(database_url)
    assert (first.held(), second.held(), first.held()) == (True, False, True)

    first.release()

    assert second.held()
    assert not first.held()
    second.release()


def test_a_leader_that_is_killed_is_replaced(database_url: str) -> None:
    program = (
        "import sys, time\nfrom timeline.scheduler import leadership\n"
        "leader = leadership(sys.argv[1])\nprint(leader.held(), flush=True)\ntime.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, database_url], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "True\n"
        mine = leadership(database_url)
        assert not mine.held()

        process.kill()

        assert until(mine.held)
        mine.release()


def test_a_session_that_is_cut_leads_no_longer_and_may_lead_again(postgres: PostgreSQL, postgresql_url: str) -> None:
    leader = leadership(postgresql_url)
    assert leader.held()
    with psycopg.connect(f"host={postgres.folder} user=postgres dbname=postgres", autocommit=True) as connection:
        name = postgresql_url.partition("@/")[2].partition("?")[0]
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])

    assert not leader.held()
    assert until(leader.held)
    leader.release()
