"""The publisher's side of WebSub (W3C Recommendation, 2018): an outbox of pings, and the round that sends them.

A topic is entered after its files are in place and removed after the hub has taken it: a crash may ping twice, never
not at all. One entry per topic is enough, since a hub fetches the feed as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlencode

from sqlalchemy import delete, insert, select, update

from timeline.chain import microseconds
from timeline.core.errors import TimelineError
from timeline.log import Log
from timeline.outbound import ANYWHERE, send
from timeline.publishing.shelf import publishing
from timeline.tables import ping

FIRST_WAIT = timedelta(seconds=30)
LONGEST_WAIT = timedelta(hours=6)
TIMEOUT_SECONDS = 10
_ROUND = 200


@dataclass(frozen=True, slots=True)
class Delivered:
    """What a round did."""

    sent: int
    failed: int
    trouble: str | None
    """What went wrong with the last that failed."""


def enqueue(log: Log, topics: Iterable[str]) -> None:
    """Enter topics in the outbox, due at once; a topic that waits already is due at once, too."""
    with publishing(log) as connection:
        for topic in topics:
            again = update(ping).where(ping.c.topic == topic).values(ticket=ping.c.ticket + 1, attempts=0, due_at=0)
            if not connection.execute(again).rowcount:
                connection.execute(insert(ping).values(topic=topic, ticket=1, attempts=0, due_at=0))


def waiting(log: Log) -> int:
    """How many topics the outbox holds."""
    with log.reading() as reader:
        return len(reader.connection.execute(select(ping.c.topic)).all())


def deliver(log: Log, hub_url: str, now: datetime) -> Delivered:
    """Ping the hub for every topic that is due, at most 200 of them; what fails waits twice as long as before.

    It holds no transaction while it waits for the hub.
    """
    with log.primary.reading() as reader:
        due = select(ping).where(ping.c.due_at <= microseconds(now)).order_by(ping.c.due_at, ping.c.topic)
        rows = reader.connection.execute(due.limit(_ROUND)).all()
    sent = failed = 0
    trouble: str | None = None
    for row in rows:
        wrong = _post(hub_url, row.topic)
        same = (ping.c.topic == row.topic) & (ping.c.ticket == row.ticket)
        with publishing(log) as connection:
            if wrong is None:
                sent += 1
                connection.execute(delete(ping).where(same))
            else:
                failed += 1
                trouble = wrong
                due_at = microseconds(now + min(FIRST_WAIT * 2 ** min(row.attempts, 20), LONGEST_WAIT))
                connection.execute(update(ping).where(same).values(attempts=row.attempts + 1, due_at=due_at))
    return Delivered(sent, failed, trouble)


def _post(hub_url: str, topic: str) -> str | None:
    """Tell the hub that a topic has news (§7); None when it took it, else what went wrong."""
    # `url` is what PubSubHubbub 0.4 calls the topic, and the hubs of its time still read.
    body = urlencode([("hub.mode", "publish"), ("hub.topic", topic), ("hub.url", topic)]).encode()
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    try:
        answer = send("POST", hub_url, headers=form, body=body, gate=ANYWHERE, seconds=TIMEOUT_SECONDS)
    except TimelineError as error:
        return error.detail
    return None if 200 <= answer.status < 300 else f"{hub_url} answered {answer.status} {answer.reason}"
