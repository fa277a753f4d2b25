"""An entry as a CloudEvents 1.0 document in JSON, and its signature by the Standard Webhooks scheme."""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import msgspec

from timeline.core.dates import iso
from timeline.formats.json_feed import item_body
from timeline.formats.page import Item, Site

CLOUD_EVENT_TYPE = "application/cloudevents+json"
SECRET_PREFIX = "whsec_"  # noqa: S105 - what every secret begins with, by the scheme
_encoder = msgspec.json.Encoder(decimal_format="number")


class CloudEvent(msgspec.Struct, frozen=True, kw_only=True):
    """The envelope (CloudEvents 1.0.2, JSON format §3); `source` and `id` together name it for ever."""

    specversion: str = "1.0"
    id: str
    source: str
    type: str
    subject: str
    time: str
    datacontenttype: str = "application/json"
    data: dict[str, Any]

    def encoded(self) -> bytes:
        """The document; the same bytes every time."""
        return _encoder.encode(self)


def entry_event(item: Item, position: int, feed: str, site: Site) -> CloudEvent:
    """An entry as it was put out: its data is its item in JSON Feed.

    Args:
        position: Among all put-outs. An entry that is put out again, with a note on it, is another event.
        feed: The name of the feed that is followed.
    """
    about = f"{site.tag(item.entry.id)} {position}"
    return CloudEvent(
        id=f"msg_{sha256(about.encode()).hexdigest()[:32]}",  # no full stop: the signature is over parts joined by it
        source=site.tag(f"feed:{feed}"),
        type=f"timeline.entry.{item.entry.kind}",
        subject=item.entry.partnership,
        time=iso(item.updated),
        data=item_body(item, site),
    )


def signed_headers(secret: str, event: CloudEvent, body: bytes, now: datetime) -> dict[str, str]:
    """What goes with the body, so that its receiver can tell who sent it and when (Standard Webhooks, 2023).

    Args:
        secret: `whsec_` and the key in Base64.
        now: When it is sent; each attempt has its own time and signature, and the same id.
    """
    at = str(int(now.astimezone(UTC).timestamp()))
    key = b64decode(secret.removeprefix(SECRET_PREFIX))
    signature = hmac.new(key, b".".join((event.id.encode(), at.encode(), body)), sha256).digest()
    return {
        "Content-Type": f"{CLOUD_EVENT_TYPE}; charset=utf-8",
        "webhook-id": event.id,
        "webhook-timestamp": at,
        "webhook-signature": f"v1,{b64encode(signature).decode()}",
    }
