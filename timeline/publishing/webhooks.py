"""Who is told of new entries by webhook: subscriptions, how far each has been told, and how it went.

The put-outs of a feed are the outbox: they are entered with the feeds, in order, and never change. A subscription is a
place in them. It moves on after its receiver has taken an entry, so a crash may tell twice, never not at all.
"""

from __future__ import annotations

import re
import secrets
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError

from timeline.chain import microseconds, moment
from timeline.core.dates import iso
from timeline.core.errors import TimelineError, did_you_mean
from timeline.formats.cloud_events import SECRET_PREFIX, CloudEvent, signed_headers
from timeline.formats.page import Site
from timeline.log import Log
from timeline.outbound import PUBLIC, Gate, check, send
from timeline.publishing.names import shelf_order
from timeline.publishing.shelf import Shelf
from timeline.tables import feed_item, webhook

Json = dict[str, Any]
TIMEOUT_SECONDS = 10
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,79}", re.ASCII)
_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Taken:
    """How a receiver answered."""

    wrong: str | None
    """Why it does not count as taken; None when it does."""
    gone: bool = False
    """Whether it said that it wants no more (410)."""


class Webhooks:
    """The subscriptions of one database.

    Args:
        clock: Tells now, aware UTC.
        gate: Which addresses may be told.
    """

    def __init__(self, log: Log, clock: Callable[[], datetime], gate: Gate = PUBLIC) -> None:
        self._log = log.primary
        self._clock = clock
        self._gate = gate

    def add(self, name: str, address: str, feed: str = "all") -> str:
        """The secret of a new subscription to what that feed puts out from now on. It is not shown again.

        Raises:
            TimelineError: `invalid_value` for a name that is taken or no name; `unknown_feed`;
                `address_refused`, `address_unreachable`.
        """
        if not _NAME.fullmatch(name):
            raise TimelineError(
                "invalid_value",
                f"“{name[:80]}” cannot name a webhook.",
                "Take up to 80 letters, digits, dots, hyphens: who is told, such as legal-team.",
                field="name",
            )
        check(address, gate=self._gate, field="address")
        secret = SECRET_PREFIX + b64encode(secrets.token_bytes(32)).decode()
        with self._log.reading() as reader:
            shelf = Shelf(reader.connection)
            if shelf.feed(feed) is None:
                known = sorted((each.name for each in shelf.feeds()), key=shelf_order)
                remedy = did_you_mean(feed, known) if known else "Run `timeline publish` once: it opens the feeds."
                raise TimelineError("unknown_feed", f"There is no feed “{feed}”.", remedy, field="feed")
        row = {"name": name, "address": address, "feed": feed, "secret": secret, "attempts": 0, "due_at": 0}
        try:
            with self._log.writing() as writer:
                position = Shelf(writer.connection).ends()[0]
                row |= {"created_at": microseconds(self._clock()), "position": position}
                writer.connection.execute(insert(webhook), row)
        except IntegrityError as error:
            raise TimelineError(
                "invalid_value",
                f"There is a webhook called {name} already.",
                f"Take another name, or `timeline webhook remove {name}` first.",
                field="name",
            ) from error
        return secret

    def list(self) -> list[Json]:
        """Every subscription by name, how many entries wait for it and what went wrong last; no secret."""
        with self._log.reading() as reader:
            rows = reader.connection.execute(select(webhook).order_by(webhook.c.name)).all()
            return [
                {
                    "name": row.name,
                    "address": row.address,
                    "feed": row.feed,
                    "created_at": _shown(row.created_at),
                    "delivered_at": _shown(row.delivered_at),
                    "waiting": _waiting(reader.connection, row.feed, row.position),
                    "failures": row.attempts,
                    "trouble": row.trouble,
                    "next_at": _shown(row.due_at) if row.attempts and row.parked_at is None else None,
                    "parked_at": _shown(row.parked_at),
                    "retry": None if row.parked_at is None else f"timeline webhook retry {row.name}",
                }
                for row in rows
            ]

    def remove(self, name: str) -> None:
        """Tell it nothing any more; raises `unknown_webhook`."""
        self._change(name, delete(webhook))

    def retry(self, name: str) -> None:
        """Try it again now, parked or not, from the entry that it has not taken; raises `unknown_webhook`."""
        self._change(name, update(webhook).values(attempts=0, due_at=0, parked_at=None, trouble=None))

    def test(self, name: str, site: Site) -> Taken:
        """How its receiver answers an event that says nothing, signed as all are; it counts for nothing.

        Raises:
            TimelineError: `unknown_webhook`.
        """
        with self._log.reading() as reader:
            row = reader.connection.execute(select(webhook).where(webhook.c.name == name)).first()
            if row is None:
                raise _unknown(reader.connection, name)
        now = self._clock()
        event = CloudEvent(
            id=f"msg_test_{secrets.token_hex(12)}",
            source=site.tag(f"feed:{row.feed}"),
            type="timeline.test",
            subject=name,
            time=iso(now),
            data={"message": "A test: nothing changed."},
        )
        return post(row.address, row.secret, event, now, self._gate)

    def _change(self, name: str, statement: Any) -> None:
        with self._log.writing() as writer:
            if not writer.connection.execute(statement.where(webhook.c.name == name)).rowcount:
                raise _unknown(writer.connection, name)


def standing(connection: Connection) -> Json:
    """What `/status` says to everybody: how many there are, and which are parked; no address, no answer."""
    parked = webhook.c.parked_at.is_not(None)
    rows = connection.execute(select(webhook).where(parked).order_by(webhook.c.name)).all()
    return {
        "subscribed": connection.scalar(select(func.count()).select_from(webhook)) or 0,
        "parked": [
            {"name": row.name, "parked_at": _shown(row.parked_at), "retry": f"timeline webhook retry {row.name}"}
            for row in rows
        ],
    }


def post(address: str, secret: str, event: CloudEvent, now: datetime, gate: Gate) -> Taken:
    """Send an event once. Only 2xx says that it was taken; a redirect is not followed."""
    body = event.encoded()
    headers = signed_headers(secret, event, body, now)
    try:
        answer = send("POST", address, headers=headers, body=body, gate=gate, seconds=TIMEOUT_SECONDS, limit=100_000)
    except TimelineError as error:
        return Taken(error.detail[:_SHOWN])
    if 200 <= answer.status < 300:
        return Taken(None)
    return Taken(f"it answered {answer.status} {answer.reason}"[:_SHOWN], gone=answer.status == 410)


def _waiting(connection: Connection, feed: str, position: int) -> int:
    later = (feed_item.c.feed == feed) & (feed_item.c.position > position)
    return connection.scalar(select(func.count()).select_from(feed_item).where(later)) or 0


def _unknown(connection: Connection, name: str) -> TimelineError:
    known = list(connection.scalars(select(webhook.c.name).order_by(webhook.c.name)))
    remedy = did_you_mean(name, known) if known else "There is none; `timeline webhook add NAME ADDRESS` makes one."
    return TimelineError("unknown_webhook", f"There is no webhook “{name[:80]}”.", remedy, field="name")


def _shown(at: int | None) -> str | None:
    return None if at is None else iso(moment(at))
