"""Push by WebSub: a hub and a subscriber, as small as the W3C's text allows, and a publisher that forgets no ping."""

from __future__ import annotations

import hmac
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode

import httpx2
import pytest
from sqlalchemy import event
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from tests.conftest import Clock
from tests.loopback import served
from tests.records import DAY, append, opening, said, settings
from tests.web import free_port
from timeline.core.terms import BUILTIN
from timeline.log import Log
from timeline.publishing import forget, publish
from timeline.publishing.websub import FIRST_WAIT, LONGEST_WAIT, Delivered, deliver, enqueue, waiting
from timeline.settings import Settings
from timeline.web.app import create_app

NOW = datetime(2026, 1, 1, 13, tzinfo=UTC)
TOPIC = "https://timeline.example.org/feeds/all.atom"


class Hub:
    """§5 to §7 of the text: it verifies intent, fetches a topic when told of it, and distributes it, signed."""

    def __init__(self) -> None:
        self.subscribers: dict[str, list[tuple[str, str]]] = {}
        self.pinged: list[str] = []
        self.status = 202

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await Starlette(routes=[Route("/", self._asked, methods=["POST"])])(scope, receive, send)

    async def _asked(self, request: Request) -> Response:
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        topic = form["hub.topic"]
        async with httpx2.AsyncClient() as client:
            if form["hub.mode"] == "subscribe":
                asked = {"hub.mode": "subscribe", "hub.topic": topic, "hub.challenge": "x1", "hub.lease_seconds": "60"}
                answer = await client.get(form["hub.callback"], params=asked)
                if answer.text == "x1":
                    self.subscribers.setdefault(topic, []).append((form["hub.callback"], form["hub.secret"]))
                return PlainTextResponse("", 202)
            self.pinged.append(topic)
            if self.status != 202:
                return PlainTextResponse("", self.status)
            for callback, secret in self.subscribers.get(topic, []):
                fetched = await client.get(topic)
                signature = hmac.new(secret.encode(), fetched.content, sha256).hexdigest()
                headers = {
                    "Content-Type": fetched.headers["content-type"],
                    "Link": fetched.headers["link"],
                    "X-Hub-Signature": f"sha256={signature}",
                }
                await client.post(callback, content=fetched.content, headers=headers)
        return PlainTextResponse("", 202)


class Subscriber:
    """§4 and §8: it finds the hub, confirms that it wants the topic, and believes only what is signed."""

    def __init__(self) -> None:
        self.got: list[bytes] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        routes = [Route("/", self._confirm, methods=["GET"]), Route("/", self._receive, methods=["POST"])]
        await Starlette(routes=routes)(scope, receive, send)

    def subscribe(self, address: str, callback: str) -> dict[str, str]:
        """The links that the feed's own answer names, once the hub has been asked."""
        found = httpx2.get(address)
        links = {str(rel): link["url"] for rel, link in found.links.items()}
        form = {"hub.mode": "subscribe", "hub.topic": links["self"], "hub.callback": callback, "hub.secret": "s3"}
        httpx2.post(links["hub"], content=urlencode(form)).raise_for_status()
        return links

    async def _confirm(self, request: Request) -> Response:
        return PlainTextResponse(request.query_params["hub.challenge"])

    async def _receive(self, request: Request) -> Response:
        body = await request.body()
        signed = "sha256=" + hmac.new(b"s3", body, sha256).hexdigest()
        if hmac.compare_digest(signed, request.headers["x-hub-signature"]):
            self.got.append(body)
        return PlainTextResponse("")


@pytest.fixture
def log(sqlite_url: str, clock: Clock) -> Iterator[Log]:
    opened = Log.open(sqlite_url, clock=clock)
    yield opened
    opened.close()


@contextmanager
def hub() -> Iterator[tuple[Hub, str]]:
    made = Hub()
    with served(made) as (address, _):
        yield made, f"{address}/"


@pytest.mark.slow
def test_a_subscriber_is_sent_each_change_at_once(log: Log, clock: Clock, tmp_path: Path) -> None:
    append(log, opening(), said(10))
    subscriber = Subscriber()
    port = free_port()
    chosen: Settings = replace(settings(), feeds_dir=tmp_path / "site", base_url=f"http://127.0.0.1:{port}")

    with hub() as (made, hub_url), served(subscriber) as (callback, _):
        chosen = replace(chosen, hub_url=hub_url)
        publish(log, BUILTIN, chosen, DAY)
        with served(create_app(chosen, log, BUILTIN, clock), port) as (base, _):
            links = subscriber.subscribe(f"{base}/feeds/acme-bolt.atom", callback)
            assert links == {"hub": hub_url, "self": f"{base}/feeds/acme-bolt.atom"}
            deliver(log, hub_url, NOW)
            subscriber.got.clear()

            append(log, said(11))
            publish(log, BUILTIN, chosen, DAY)
            done = deliver(log, hub_url, NOW)

    assert (done.failed, waiting(log)) == (0, 0)
    assert subscriber.got == [(tmp_path / "site/acme-bolt.atom").read_bytes()]
    assert f"{base}/feeds/all.json" in made.pinged


def test_nothing_is_pinged_when_nothing_changed(log: Log, tmp_path: Path) -> None:
    append(log, opening(), said(10))
    chosen = settings(hub_url="https://hub.example.org/")
    publish(log, BUILTIN, chosen, DAY, tmp_path / "site")
    with hub() as (_, hub_url):
        deliver(log, hub_url, NOW)

    publish(log, BUILTIN, chosen, DAY, tmp_path / "site")

    assert waiting(log) == 0


def test_to_tell_the_hub_asks_the_database_for_nothing_more(log: Log, tmp_path: Path) -> None:
    """Which feeds changed is asked once, for the files and for the hub."""
    append(log, opening(), said(10))
    asked: dict[str, list[str]] = {}
    for name, chosen in {"without": settings(), "with": settings(hub_url="https://hub.example.org/")}.items():
        statements = asked.setdefault(name, [])

        def note(_c: object, _u: object, statement: str, *_: object, to: list[str] = statements) -> None:
            to.append(statement)

        event.listen(log._reading, "before_cursor_execute", note)
        publish(log, BUILTIN, chosen, DAY, tmp_path / name)
        event.remove(log._reading, "before_cursor_execute", note)

    untold, told = ([each for each in statements if "FROM feed " in each] for statements in asked.values())
    assert len(untold) == len(told) > 0
    assert waiting(log) > 0


def test_no_hub_no_outbox(log: Log, tmp_path: Path) -> None:
    append(log, opening(), said(10))

    publish(log, BUILTIN, settings(), DAY, tmp_path / "site")

    assert waiting(log) == 0


def test_a_publish_killed_before_it_was_done_pings_again(
    log: Log, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At least once: the files are in place, the outbox was never written; the next publish enters what changed."""
    append(log, opening(), said(10))
    chosen = settings(hub_url="https://hub.example.org/")

    class Killed(BaseException):
        pass

    def dying(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("timeline.publishing.enqueue", dying)
        with pytest.raises(Killed):
            publish(log, BUILTIN, chosen, DAY, tmp_path / "site")
    assert waiting(log) == 0

    publish(log, BUILTIN, chosen, DAY, tmp_path / "site")

    assert waiting(log) == 7 * 3


def test_a_hub_that_refuses_or_is_away_is_asked_later_and_later(log: Log) -> None:
    """30 seconds, then twice as long each time, up to six hours; and nothing is lost meanwhile."""
    enqueue(log, [TOPIC])
    second = timedelta(seconds=1)
    with hub() as (made, hub_url):
        made.status = 503
        assert deliver(log, hub_url, NOW) == Delivered(0, 1, f"{hub_url} answered 503 Service Unavailable")
        assert deliver(log, hub_url, NOW + FIRST_WAIT - second) == Delivered(0, 0, None)
        away = deliver(log, f"http://127.0.0.1:{free_port()}/", NOW + FIRST_WAIT)
        assert (away.failed, "cannot be reached" in str(away.trouble)) == (1, True)
        assert deliver(log, hub_url, NOW + 3 * FIRST_WAIT - second) == Delivered(0, 0, None)
        for days in range(1, 12):
            assert deliver(log, hub_url, NOW + timedelta(days=days)).failed == 1
        made.status = 202
        assert deliver(log, hub_url, NOW + timedelta(days=11) + LONGEST_WAIT) == Delivered(1, 0, None)

    assert waiting(log) == 0


def test_what_is_entered_while_it_is_sent_is_sent_again(log: Log) -> None:
    """The hub fetched the older feed: its ping must not take the newer one's with it."""
    enqueue(log, [TOPIC])

    class Slow(Hub):
        async def _asked(self, request: Request) -> Response:
            enqueue(log, [TOPIC])
            return await super()._asked(request)

    with served(Slow()) as (address, _):
        assert deliver(log, f"{address}/", NOW).sent == 1

    assert waiting(log) == 1


def test_a_rebuild_keeps_the_outbox(log: Log) -> None:
    enqueue(log, [TOPIC])

    forget(log)

    assert waiting(log) == 1
