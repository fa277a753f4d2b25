"""Laws of many nodes on one PostgreSQL: real servers, started here, that hear of each other's appends."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
from sqlalchemy import make_url
from starlette.requests import Request

from tests.conftest import Clock
from tests.records import append, opening, said
from tests.servers import PostgreSQL
from tests.test_acts import OPENING, asked, stake
from tests.test_scheduler import until
from tests.test_serve import events
from tests.web import serving
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.terms import BUILTIN
from timeline.keeping import verify
from timeline.listening import NAME, Listener
from timeline.log import Log, utc_now
from timeline.publishing import Shelf, forget, publish, settled_day
from timeline.publishing.shelf import advance
from timeline.settings import load
from timeline.tokens import Tokens
from timeline.web.stream import Stream

WHERE = "/api/partnerships/acme-bolt/announcements"
SITE = "https://timeline.example.org"
EACH_LISTENER = f"FROM pg_stat_activity WHERE application_name = '{NAME}'"


class Ear:
    """Counts how often it is told to look."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1

    def hears(self, what: Callable[[], object], times: int = 1) -> bool:
        """Whether it is told so many times once `what` is done."""
        wanted = self.times + times
        what()
        return until(lambda: self.times >= wanted, 10)


@contextmanager
def listening(log: Log, url: str) -> Iterator[tuple[Listener, Ear]]:
    """A listener that listens, or never will, and whom it tells."""
    listener, ear = Listener(log, url), Ear()
    listener.start(ear)
    assert not url.startswith("postgresql") or until(lambda: ear.times == 1, 10)
    try:
        yield listener, ear
    finally:
        listener.stop()


def cut(server: PostgreSQL, url: str) -> None:
    """End every connection that listens on this database."""
    server.execute(f"SELECT pg_terminate_backend(pid) {EACH_LISTENER} AND datname = '{make_url(url).database}'")


def test_a_listener_hears_each_append_and_again_after_it_was_cut_off(
    postgres: PostgreSQL, postgresql_url: str, clock: Clock
) -> None:
    with (
        closing(Log.open(postgresql_url, clock=clock)) as log,
        closing(Log.open(postgresql_url, clock=clock)) as other,
        listening(log, postgresql_url) as (listener, ear),
    ):
        desk = Desk(other, BUILTIN, clock)
        assert listener.listens()
        assert ear.hears(lambda: desk.append(asked(OPENING)))

        assert ear.hears(lambda: cut(postgres, postgresql_url), 2)  # that it is deaf, and that it listens again

        assert listener.listens()
        assert ear.hears(lambda: desk.append(asked(stake(10, "2021-01-01"))))
    assert not listener.listens()


def test_an_append_that_is_undone_is_not_heard_of(postgresql_url: str, clock: Clock) -> None:
    with closing(Log.open(postgresql_url, clock=clock)) as log, listening(log, postgresql_url) as (_, ear):
        desk = Desk(log, BUILTIN, clock)
        desk.append(asked(OPENING), dry_run=True)

        assert ear.hears(lambda: desk.append(asked(OPENING)))
        assert ear.times == 2  # its beginning and the one append: what comes first is heard first


def test_on_sqlite_nothing_is_heard_and_nothing_runs(sqlite_url: str) -> None:
    with closing(Log.open(sqlite_url)) as log, listening(log, sqlite_url) as (listener, _):
        assert not listener.listens()
        assert not [each for each in threading.enumerate() if each.name == "listener"]


@contextmanager
def nodes(folder: Path, url: str, count: int, **flags: str) -> Iterator[list[tuple[httpx2.Client, Any]]]:
    """So many services on one record, that publish into one folder; a secret is in the headers of their clients."""
    with closing(Log.open(url)) as log:
        secret = Tokens(log, utc_now).new("ada", "append")
    flags = {"database_url": url, "feeds_dir": str(folder / "feeds"), "base_url": SITE, **flags}

    def serve(left: int, ready: list[tuple[httpx2.Client, Any]]) -> Iterator[list[tuple[httpx2.Client, Any]]]:
        if not left:
            yield ready
            return
        with serving(folder, demo=False, **flags) as (client, process):
            client.headers["Authorization"] = f"Bearer {secret}"
            yield from serve(left - 1, [*ready, (client, process)])

    yield from serve(count, [])


def hears(client: httpx2.Client) -> bool:
    return re.search(r"^timeline_hears 1\b", client.get("/metrics").text, re.MULTILINE) is not None


def test_a_notification_that_never_came_loses_nothing(log: Log, clock: Clock) -> None:
    """A stream that relies on being told looks by itself before it says that it is still there."""
    stream = Stream(Answers(log, BUILTIN, clock), lambda: True, heartbeat=0.2)

    async def hear() -> str:
        request = Request({"type": "http", "method": "GET", "query_string": b"after=0", "headers": []})
        told = aiter((await stream.answer(request)).body_iterator)
        said = [str(await anext(told))]
        Desk(log, BUILTIN, clock).append(asked(OPENING))
        while "recorded" not in said[-1]:
            said.append(str(await anext(told)))
        return said[-1]

    assert "id: 1" in asyncio.run(asyncio.wait_for(hear(), 10))


def test_what_the_clock_brings_is_an_entry_of_the_feeds_and_no_event_of_the_stream(log: Log, clock: Clock) -> None:
    """Nothing is recorded on the day on which a term ends, so there is no position from which to go on."""
    stream = Stream(Answers(log, BUILTIN, clock), heartbeat=0.05)
    append(log, opening(), said(10, statement={"until": "2026-01-09"}))

    async def hear() -> list[str]:
        request = Request({"type": "http", "method": "GET", "query_string": b"after=0", "headers": []})
        told = aiter((await stream.answer(request)).body_iterator)
        heard = [str(await anext(told)) for _ in range(3)]
        clock.now += timedelta(days=30)
        advance(log, BUILTIN, clock.now.date())
        return [*heard, *[str(await anext(told)) for _ in range(3)]]

    retry, first, second, *after = asyncio.run(asyncio.wait_for(hear(), 10))
    with log.reading() as reader:
        entries = [item.entry.id for item in Shelf(reader.connection).newest(["all"], 10)]

    assert entries == ["acme-bolt/stake/bolt@2026-01-10", "acme-bolt/1"]
    assert ("retry" in retry, "id: 1" in first, "id: 2" in second) == (True, True, True)
    assert set(after) == {str(b": still here\n\n")}


def test_a_transaction_left_open_in_another_database_holds_up_no_reader(
    postgres: PostgreSQL, postgresql_url: str, clock: Clock
) -> None:
    """Readers that wait for all older transactions would see nothing until it ends."""
    with (
        closing(Log.open(postgresql_url, clock=clock)) as log,
        psycopg.connect(f"host={postgres.folder} user=postgres dbname=postgres") as elsewhere,
    ):
        elsewhere.execute("SELECT txid_current()")
        Desk(log, BUILTIN, clock).append(asked(OPENING))

        assert log.last_seq() == 1
        assert [each["seq"] for each in Answers(log, BUILTIN, clock).events(0, 10)["events"]] == [1]


@pytest.mark.slow
def test_what_one_node_records_is_streamed_by_another_at_once(
    postgres: PostgreSQL, postgresql_url: str, tmp_path: Path
) -> None:
    """A node that listens asks the log only every 15 seconds, and the client here gives up after 10."""
    with nodes(tmp_path, postgresql_url, 2) as ((one, _), (two, _)):
        assert until(lambda: hears(two), 10)
        with two.stream("GET", "/api/changes/stream") as stream:
            lines = stream.iter_lines()
            assert one.post(WHERE, json=OPENING).status_code == 201
            first = events(lines, 1)

            cut(postgres, postgresql_url)
            assert one.post(WHERE, json=stake(10, "2021-01-01")).status_code == 201
            cut_off = events(lines, 1)
            assert until(lambda: hears(two), 10)
            assert one.post(WHERE, json=stake(12, "2022-01-01")).status_code == 201
            again = events(lines, 1)

    assert [each["seq"] for each in first + cut_off + again] == [1, 2, 3]


def follow(clients: Sequence[httpx2.Client], upto: int) -> list[int]:
    """The positions that a subscriber hears, who goes to the next node when one is gone."""
    heard: list[int] = []
    for client in itertools.cycle(clients):
        headers = {"Last-Event-ID": str(heard[-1])} if heard else {}
        with (
            suppress(httpx2.TransportError),
            client.stream("GET", "/api/changes/stream", params={"after": 0}, headers=headers) as stream,
        ):
            for event in endless(stream.iter_lines()):
                heard.append(event["seq"])
                if event["seq"] == upto:
                    return heard
    raise AssertionError  # a cycle has no end


def endless(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    return (json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: "))


def recorded(clients: Sequence[httpx2.Client], document: dict[str, Any]) -> int:
    """The position of a document once a node has taken it; one that is gone is passed over."""
    for client in clients:
        with suppress(httpx2.TransportError):
            answer = client.post(WHERE, json=document, headers={"Idempotency-Key": document.get("title", "opening")})
            assert answer.status_code in (200, 201), answer.text
            return int(answer.json()["seq"])
    raise AssertionError("no node is left")


def leading(members: Sequence[tuple[httpx2.Client, Any]]) -> list[tuple[httpx2.Client, Any]]:
    return [each for each in members if each[0].get("/api/status").json()["feeds"]["leads"]]


def in_folder(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_when_the_node_that_publishes_is_killed_another_goes_on_and_nothing_is_missed(
    postgres: PostgreSQL, follower: PostgreSQL, postgresql_url: str, tmp_path: Path
) -> None:
    """Three nodes, a primary, a replica: appends, streams and feeds go on, and no answer is older than asked for."""
    appends, flags = 40, {"read_database_url": follower.twin(postgresql_url), "rate_limit": "0"}
    follower.follow(postgres)
    with nodes(tmp_path, postgresql_url, 3, **flags) as members, ThreadPoolExecutor(3) as pool:
        assert until(lambda: len(leading(members)) == 1, 10)
        (leader,) = leading(members)
        survivors = [each for each in members if each is not leader]
        recorded([leader[0]], OPENING)
        clients = [client for client, _ in (leader, *survivors)]
        rings = [clients[number:] + clients[:number] for number in range(3)]
        following = [
            pool.submit(follow, [httpx2.Client(base_url=each.base_url, timeout=10) for each in ring], appends + 1)
            for ring in rings
        ]
        killed_at = random.Random().randrange(5, appends - 5)

        for number in range(appends):
            if number == killed_at:
                leader[1].kill()
            ring = rings[number % 3]
            seq = recorded(ring, stake(number, f"20{number + 10}-01-01", title=f"Number {number}"))
            reader = survivors[number % 2][0]
            body = reader.get("/api/partnerships/acme-bolt/state", params={"known_seq": seq}).json()
            assert (seq, body["resolved"]["known_seq"]) == (number + 2, seq)

        heard = [each.result(timeout=60) for each in following]
        assert until(lambda: len(leading(survivors)) == 1, 10)
        assert until(
            lambda: leading(survivors)[0][0].get("/api/status").json()["feeds"]["published_seq"] == appends + 1, 10
        )

    assert heard == [list(range(1, appends + 2))] * 3
    with closing(Log.open(postgresql_url)) as log:
        assert verify(log)["sound"]
        settings = load({"feeds_dir": str(tmp_path / "anew"), "base_url": SITE}, {})
        forget(log)
        publish(log, BUILTIN, settings, settled_day(utc_now()))
    # Put out once each and written whole: as by one node that publishes all of it from the beginning.
    assert in_folder(tmp_path / "feeds") == in_folder(tmp_path / "anew")
