"""Webhooks: what receivers get, in which order and how often, checked by receivers that are not our own code."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from anyio import to_thread
from click.testing import Result
from sqlalchemy import update
from starlette.requests import Request
from starlette.responses import Response

from tests.conftest import Clock, Run
from tests.loopback import served
from tests.records import DAY, append, corrected, opening, said, settings
from tests.web import application, client, serving, token
from timeline.core.errors import TimelineError
from timeline.core.terms import BUILTIN
from timeline.log import Log
from timeline.outbound import Gate
from timeline.publishing import forget, publish, site_of
from timeline.publishing.courier import FIRST_WAIT, LONGEST_WAIT, MOST_FAILURES, Courier, wait_after
from timeline.publishing.webhooks import Webhooks
from timeline.tables import webhook

ROOT = Path(__file__).parent.parent
LOOPBACK = Gate(admits=lambda address: address.is_loopback)
HANDBOOK = (ROOT / "docs" / "webhooks.md").read_text("utf-8")


@dataclass
class Receiver:
    """A program that takes what is signed with its secret, as docs/webhooks.md says; and fails as it is told to."""

    secret: str = ""
    status: int = 204
    headers: dict[str, str] = field(default_factory=dict)
    slow: threading.Event | None = None
    kills: int | None = None
    got: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0

    @property
    def ids(self) -> list[str]:
        return [each["id"] for each in self.got]

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        body = await request.body()
        if not self.signed(request, body):
            self.refused += 1
            await Response(status_code=401)(scope, receive, send)
            return
        event = json.loads(body)
        assert event["id"] == request.headers["webhook-id"]
        assert request.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
        self.got.append(event)
        if self.kills is not None:
            os.kill(self.kills, signal.SIGKILL)
        if self.slow is not None:
            await wait_in_thread(self.slow)
        await Response(status_code=self.status, headers=self.headers)(scope, receive, send)

    def signed(self, request: Request, body: bytes) -> bool:
        """By the text of Standard Webhooks, with nothing of ours."""
        key = base64.b64decode(self.secret[len("whsec_") :])
        told = request.headers["webhook-id"] + "." + request.headers["webhook-timestamp"] + "." + body.decode()
        wanted = base64.b64encode(hmac.new(key, told.encode(), hashlib.sha256).digest()).decode()
        given = request.headers["webhook-signature"].split(" ")
        return any(hmac.compare_digest(f"v1,{wanted}", each) for each in given)


async def wait_in_thread(event: threading.Event) -> None:
    await to_thread.run_sync(event.wait, 5)


def wait_until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class World:
    """A record, its webhooks, and a courier who may speak to the loopback."""

    def __init__(self, log: Log, clock: Clock) -> None:
        self.log, self.clock = log, clock
        self.settings = settings(base_url="https://timeline.example.org")
        self.webhooks = Webhooks(log, clock, LOOPBACK)
        self.courier = Courier(log, site_of(self.settings), clock, LOOPBACK)

    def record(self, *documents: dict[str, Any]) -> None:
        append(self.log, *documents)

    def publish(self, folder: Path) -> None:
        publish(self.log, BUILTIN, self.settings, DAY, folder)

    def round(self) -> None:
        for turn in self.courier.round():
            turn.result()

    def row(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = next(each for each in self.webhooks.list() if each["name"] == name)
        return found


@pytest.fixture
def world(log: Log, clock: Clock, tmp_path: Path) -> Iterator[World]:
    """With one partnership published."""
    made = World(log, clock)
    made.record(opening(), said(10, "2020-01-01"))
    made.publish(tmp_path / "feeds")
    yield made
    made.courier.close()


@contextmanager
def subscribed(world: World, name: str = "crm", feed: str = "all") -> Iterator[Receiver]:
    receiver = Receiver()
    with served(receiver) as (address, _):
        receiver.secret = world.webhooks.add(name, f"{address}/hook", feed)
        yield receiver


def in_feed(folder: Path, name: str = "all") -> list[dict[str, Any]]:
    """What the JSON Feed of that name says, oldest first."""
    items: list[dict[str, Any]] = json.loads((folder / f"{name}.json").read_bytes())["items"]
    return items[::-1]


def test_a_receiver_gets_each_new_entry_of_its_feed_in_order_signed_and_once(world: World, tmp_path: Path):
    with subscribed(world) as all_of_it, subscribed(world, "stakes", "acme-bolt/stake") as stakes:
        world.record(said(11, "2021-01-01"), said(12, "2022-01-01"), opening("other-two"), said(1, slug="other-two"))
        world.publish(tmp_path / "feeds")
        for _ in range(3):
            world.round()

        new = in_feed(tmp_path / "feeds")[1:]
        assert len(new) == 3
        assert [each["data"] for each in all_of_it.got] == new
        assert [each["data"]["id"] for each in stakes.got] == [each["id"] for each in new[:2]]
        assert (all_of_it.refused, stakes.refused) == (0, 0)
        assert world.row("crm")["waiting"] == 0


def test_an_event_is_a_cloud_event_whose_data_is_the_item_of_the_feed(world: World, tmp_path: Path):
    with subscribed(world) as receiver:
        world.record(said(11, "2021-01-01"))
        world.publish(tmp_path / "feeds")
        world.round()

        (event,) = receiver.got
        item = in_feed(tmp_path / "feeds")[-1]
        assert re.fullmatch(r"msg_[0-9a-f]{32}", event["id"])
        assert event == {
            "specversion": "1.0",
            "id": event["id"],
            "source": "tag:example.org,2026:feed:all",
            "type": "timeline.entry.announced",
            "subject": "acme-bolt",
            "time": item["date_modified"],
            "datacontenttype": "application/json",
            "data": item,
        }


def test_an_entry_that_is_put_out_again_is_another_event(world: World, tmp_path: Path):
    """A correction tells of itself, and once more of what it corrects; no two events share an id."""
    with subscribed(world) as receiver:
        world.record(said(11, "2021-01-01"), corrected(2, said(12, "2021-01-01")))
        world.publish(tmp_path / "feeds")
        world.round()

        entries = [each["data"]["id"] for each in receiver.got]
        assert len(entries) == 3
        assert len(set(entries)) == 2
        assert len(set(receiver.ids)) == 3


def test_what_failed_is_sent_again_with_the_same_id_and_nothing_overtakes_it(
    world: World, clock: Clock, tmp_path: Path
):
    with subscribed(world) as receiver:
        receiver.status = 500
        world.record(said(11, "2021-01-01"), said(12, "2022-01-01"))
        world.publish(tmp_path / "feeds")
        world.round()
        world.round()
        row = world.row("crm")
        assert (len(receiver.got), row["failures"], row["waiting"]) == (1, 1, 2)
        assert row["trouble"] == "it answered 500 Internal Server Error"
        assert clock.now < datetime.fromisoformat(row["next_at"]) <= clock.now + FIRST_WAIT

        receiver.status = 200
        clock.now += FIRST_WAIT
        world.round()

        assert receiver.ids[0] == receiver.ids[1] != receiver.ids[2]
        row = world.row("crm")
        assert (row["failures"], row["waiting"], row["trouble"]) == (0, 0, None)


def test_waits_double_within_bounds_and_differ():
    for failures in range(1, 40):
        longest = min(FIRST_WAIT * 2 ** (failures - 1), LONGEST_WAIT)
        drawn = {wait_after(failures) for _ in range(20)}
        assert all(longest / 2 <= each <= longest for each in drawn)
        assert len(drawn) > 10


def test_a_receiver_that_fails_too_often_is_parked_shown_and_goes_on_where_it_stopped(
    world: World, clock: Clock, tmp_path: Path, database_url: str
):
    with subscribed(world) as receiver:
        receiver.status = 503
        world.record(said(11, "2021-01-01"), said(12, "2022-01-01"))
        world.publish(tmp_path / "feeds")
        for _ in range(MOST_FAILURES + 3):
            world.round()
            clock.now += LONGEST_WAIT
        assert len(receiver.got) == MOST_FAILURES
        assert len(set(receiver.ids)) == 1
        parked = world.row("crm")
        assert parked["parked_at"] is not None
        assert parked["retry"] == "timeline webhook retry crm"
        reader = client(application(world.log, database_url))
        shown = reader.get("/status.json").json()["webhooks"]
        assert shown == {
            "subscribed": 1,
            "parked": [{"name": "crm", "parked_at": parked["parked_at"], "retry": "timeline webhook retry crm"}],
        }
        assert "timeline webhook retry crm" in reader.get("/status").text
        assert "Something failed:</strong> telling a webhook; see below." in reader.get("/status").text
        assert "127.0.0.1" not in reader.get("/status").text
        assert "timeline_webhooks_parked 1" in reader.get("/metrics").text

        receiver.status = 204
        world.webhooks.retry("crm")
        world.round()

        assert [each["data"]["title"] for each in receiver.got[-2:]] == [
            each["title"] for each in in_feed(tmp_path / "feeds")[-2:]
        ]
        assert world.row("crm")["waiting"] == 0
        assert reader.get("/status.json").json()["webhooks"]["parked"] == []


def test_a_receiver_that_says_gone_is_parked_at_once(world: World, tmp_path: Path):
    with subscribed(world) as receiver:
        receiver.status = 410
        world.record(said(11, "2021-01-01"))
        world.publish(tmp_path / "feeds")
        world.round()

        assert world.row("crm")["parked_at"] is not None


def test_a_redirect_is_a_failure_and_not_followed(world: World, tmp_path: Path):
    with subscribed(world) as receiver, served(Receiver()) as (elsewhere, answered):
        receiver.status, receiver.headers = 302, {"Location": f"{elsewhere}/"}
        world.record(said(11, "2021-01-01"))
        world.publish(tmp_path / "feeds")
        world.round()

        assert answered == []
        assert world.row("crm")["trouble"] == "it answered 302 Found"


def test_a_slow_receiver_holds_up_no_other(world: World, tmp_path: Path):
    """While one answer is waited for, the others get theirs, round after round; the slow one gets one at a time."""
    with subscribed(world, "slow") as slow, subscribed(world, "quick") as quick:
        slow.slow = threading.Event()
        world.record(said(11, "2021-01-01"))
        world.publish(tmp_path / "feeds")
        first = world.courier.round()
        wait_until(lambda: bool(quick.got and slow.got))
        world.record(said(12, "2022-01-01"))
        world.publish(tmp_path / "feeds")
        wait_until(lambda: not [turn.result() for turn in world.courier.round()] or len(quick.got) == 2)
        wait_until(lambda: len(quick.got) == 2)

        assert len(slow.got) == 1
        slow.slow.set()
        for turn in first:
            turn.result()
        world.round()
        assert world.row("slow")["waiting"] == 0
        assert slow.ids == quick.ids


def test_addresses_within_are_refused_when_added_and_again_when_told(world: World, clock: Clock, tmp_path: Path):
    for address in ("http://127.0.0.1/", "http://169.254.169.254/latest", "http://[::1]:8000/", "ftp://example.org/"):
        with pytest.raises(TimelineError) as refused:
            Webhooks(world.log, clock).add("inside", address)
        assert (refused.value.code, refused.value.field) == ("address_refused", "address")
    with subscribed(world) as receiver:
        careful = Courier(world.log, site_of(world.settings), clock)
        world.record(said(11, "2021-01-01"))
        world.publish(tmp_path / "feeds")
        for turn in careful.round():
            turn.result()
        careful.close()

        assert receiver.got == []
        assert world.row("crm")["failures"] == 1


@pytest.mark.parametrize(
    ("name", "feed", "code"),
    [
        ("", "all", "invalid_value"),
        ("a b", "all", "invalid_value"),
        ("x" * 81, "all", "invalid_value"),
        ("crm", "all", "invalid_value"),
        ("new", "acme-bold", "unknown_feed"),
        ("new", "mine", "unknown_feed"),
    ],
)
def test_what_cannot_be_subscribed_is_refused(world: World, name: str, feed: str, code: str):
    with subscribed(world) as receiver, pytest.raises(TimelineError) as refused:
        world.webhooks.add(name, "http://127.0.0.1:9/", feed)

    assert refused.value.code == code
    assert receiver.got == []
    assert [each["name"] for each in world.webhooks.list()] == ["crm"]


def test_a_removed_webhook_is_told_nothing_more_and_unknown_ones_are_named(world: World, tmp_path: Path):
    with subscribed(world) as receiver:
        world.record(said(11, "2021-01-01"))
        world.publish(tmp_path / "feeds")
        world.webhooks.remove("crm")
        world.round()

        assert receiver.got == []
        for act in (world.webhooks.remove, world.webhooks.retry):
            with pytest.raises(TimelineError) as refused:
                act("crm")
            assert refused.value.code == "unknown_webhook"


def test_feeds_that_are_made_anew_tell_nothing_twice(world: World, tmp_path: Path):
    with subscribed(world) as receiver:
        world.record(said(11, "2021-01-01"))
        world.publish(tmp_path / "feeds")
        world.round()
        forget(world.log)
        world.round()
        world.record(said(12, "2022-01-01"))
        world.publish(tmp_path / "feeds")
        world.round()

        assert len(receiver.got) == len(set(receiver.ids)) == 2


def test_a_test_is_signed_and_counts_for_nothing(world: World):
    with subscribed(world) as receiver:
        taken = world.webhooks.test("crm", site_of(world.settings))

        assert taken.wrong is None
        assert [each["type"] for each in receiver.got] == ["timeline.test"]
        receiver.status = 500
        assert world.webhooks.test("crm", site_of(world.settings)).wrong == "it answered 500 Internal Server Error"
        assert world.row("crm")["failures"] == 0


COURIER = """
import sys
from tests.records import settings
from tests.test_webhooks import LOOPBACK
from timeline.log import Log, utc_now
from timeline.publishing import site_of
from timeline.publishing.courier import Courier
courier = Courier(Log.open(sys.argv[1]), site_of(settings()), utc_now, LOOPBACK)
sys.stdin.readline()
for turn in courier.round():
    turn.result()
print("finished")
"""


def test_a_courier_killed_between_sending_and_noting_it_loses_nothing(world: World, tmp_path: Path, database_url: str):
    """The next one sends it again, with the same id, and then the rest."""
    with subscribed(world) as receiver:
        world.record(said(11, "2021-01-01"), said(12, "2022-01-01"))
        world.publish(tmp_path / "feeds")
        process = subprocess.Popen(
            [sys.executable, "-c", COURIER, database_url],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        receiver.kills = process.pid
        said_last, _ = process.communicate("go\n", timeout=60)
        assert (process.returncode, said_last) == (-signal.SIGKILL, "")
        assert len(receiver.got) == 1
        assert world.row("crm")["waiting"] == 2

        receiver.kills = None
        world.round()

        assert receiver.ids[0] == receiver.ids[1]
        assert len(receiver.got) == 3
        assert world.row("crm")["waiting"] == 0


def test_the_lines_of_the_handbook_verify_a_signature_and_refuse_a_false_or_old_one():
    code = re.search(r"```python\n(.*?)```", HANDBOOK, re.S)
    assert code is not None
    assert len([line for line in code[1].splitlines() if line.strip()]) <= 10
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102 - the handbook's own lines
    secret = "whsec_" + base64.b64encode(b"k" * 32).decode()
    now = int(datetime.now().timestamp())  # noqa: DTZ005 - the handbook's reader has such a clock

    def headers(at: int, key: bytes = b"k" * 32, body: str = "{}") -> dict[str, str]:
        made = hmac.new(key, f"msg_1.{at}.{body}".encode(), hashlib.sha256).digest()
        signature = "v1,bm9uc2Vuc2U= v1," + base64.b64encode(made).decode()
        return {"webhook-id": "msg_1", "webhook-timestamp": str(at), "webhook-signature": signature}

    verified = names["verified"]
    assert verified(headers(now), b"{}", secret)
    assert not verified(headers(now - 600), b"{}", secret)
    assert not verified(headers(now), b"[]", secret)
    assert not verified(headers(now, b"x" * 32), b"{}", secret)


def test_the_commands_subscribe_show_and_remove(
    run: Run, monkeypatch: pytest.MonkeyPatch, database_url: str, world: World
):
    monkeypatch.setenv("TIMELINE_DATABASE_URL", database_url)

    def asked(*words: str) -> Result:
        return run("webhook", *words, "--json")

    # 192.88.99.1 and its like are refused; an address of the open Internet is judged without a request.
    added = asked("add", "crm", "https://1.1.1.1/hook", "--feed", "acme-bolt")
    body = json.loads(added.stdout)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", body.pop("secret"))
    assert body == {"name": "crm", "address": "https://1.1.1.1/hook", "feed": "acme-bolt"}
    (listed,) = json.loads(asked("list").stdout)["webhooks"]
    assert "whsec_" not in str(listed)
    assert listed == world.row("crm")
    with world.log.writing() as writer:
        values = {"parked_at": 1, "trouble": "it answered [bold]500[/bold]", "attempts": 12}
        writer.connection.execute(update(webhook).values(values))
    table = run("webhook", "list").stdout
    assert "timeline webhook retry crm" in table
    assert "[bold]500" in table.replace("\n", "")
    assert json.loads(asked("retry", "crm").stdout) == {"retried": "crm"}
    assert world.row("crm")["parked_at"] is None
    assert asked("add", "inside", "http://10.0.0.1/").exit_code == 4
    assert json.loads(asked("remove", "crm").stdout) == {"removed": "crm"}
    for words in (("remove", "crm"), ("retry", "crm"), ("test", "crm")):
        gone = asked(*words)
        assert (gone.exit_code, json.loads(gone.stdout)["code"]) == (3, "unknown_webhook")


def test_over_http_an_admin_may_do_the_same_and_nobody_else(world: World, database_url: str):
    app = application(world.log, database_url)
    admin, editor = (client(app, token(world.log, scope, scope)) for scope in ("admin", "append"))
    wanted = {"name": "crm", "address": "https://1.1.1.1/hook", "feed": "acme-bolt"}

    made = admin.post("/api/webhooks", json=wanted)

    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert {**wanted, "secret": made.json()["secret"]} == made.json()
    assert admin.get("/api/webhooks").json() == {"webhooks": world.webhooks.list()}
    assert made.json()["secret"] not in admin.get("/api/webhooks").text
    for who, status in ((editor, 403), (client(app), 401)):
        assert who.get("/api/webhooks").status_code == status
        assert who.post("/api/webhooks", json=wanted).status_code == status
        assert who.post("/api/webhooks/crm/removal").status_code == status
    for body, code in (
        (wanted, "invalid_value"),
        (wanted | {"name": "new", "address": "http://127.0.0.1/"}, "address_refused"),
        (wanted | {"secret": "mine"}, "unknown_field"),
        ({"name": "new"}, "missing_field"),
        ({"name": ["new"], "address": "https://1.1.1.1/"}, "invalid_field"),
    ):
        assert admin.post("/api/webhooks", json=body).json()["code"] == code
    assert admin.post("/api/webhooks/crm/retry").json() == {"webhooks": world.webhooks.list()}
    assert admin.post("/api/webhooks/crm/removal").json() == {"webhooks": []}
    for act in ("retry", "removal", "test"):
        gone = admin.post(f"/api/webhooks/crm/{act}")
        assert (gone.status_code, gone.json()["code"]) == (404, "unknown_webhook")


def test_the_service_tells_its_webhooks_by_itself_and_nothing_inside_its_network(
    world: World, database_url: str, tmp_path: Path
):
    """An address that has come to lead inside since it was added is judged again, and nothing is sent to it."""
    with subscribed(world) as receiver:
        world.record(said(11, "2021-01-01"))
        flags = {
            "database_url": database_url,
            "feeds_dir": str(tmp_path / "feeds"),
            "tag_authority": "example.org,2026",
        }
        with serving(tmp_path, demo=False, **flags):
            wait_until(lambda: world.row("crm")["failures"] == 1)

        assert receiver.got == []
        assert "not on the public Internet" in world.row("crm")["trouble"]
        assert world.row("crm")["waiting"] == 1
