"""Webhooks over HTTP: subscribe an address, list, test, try again, remove, each with a token of scope admin."""

from __future__ import annotations

from typing import Any

from timeline.formats.page import Site
from timeline.publishing.webhooks import Webhooks
from timeline.web import shapes
from timeline.web.operations import Body, Call, Operation, Reply
from timeline.web.writing import texts_of

Json = dict[str, Any]
WEBHOOK: Json = {"type": "string", "maxLength": 80, "description": "A webhook's name.", "example": "crm"}
_NEVER_KEPT = {"Cache-Control": "no-store"}
_ASKED: Json = {
    "type": "object",
    "properties": {"name": WEBHOOK, "address": {"type": "string", "format": "uri"}, "feed": {"type": "string"}},
    "required": ["name", "address"],
    "additionalProperties": False,
}
_EXAMPLE: Json = {"name": "crm", "address": "https://crm.example.com/hooks/timeline", "feed": "harbour-quill"}


class Telling:
    """The operations on webhooks."""

    def __init__(self, webhooks: Webhooks, site: Site) -> None:
        self._webhooks = webhooks
        self._site = site

    def operations(self) -> tuple[Operation, ...]:
        """Their addresses."""
        every, one = "/api/webhooks", "/api/webhooks/{webhook}"

        def post(path: str, name: str, summary: str, handler: Any, returns: Any, body: Body | None = None) -> Operation:
            return Operation("POST", path, name, summary, handler, returns, body=body, scope="admin")

        return (
            post(every, "add_webhook", "Tell an address of every new entry; its secret is shown this once", self.add,
                 shapes.NewWebhook, Body(_ASKED, _EXAMPLE)),
            Operation("GET", every, "webhooks", "The webhooks, how many entries wait for each, which are parked",
                      self.listed, shapes.Webhooks, scope="admin", moving=True),
            post(f"{one}/test", "test_webhook", "Send an event that says nothing", self.test, shapes.WebhookTest),
            post(f"{one}/retry", "retry_webhook", "Go on with one that failed or was parked", self.retry,
                 shapes.Webhooks),
            post(f"{one}/removal", "remove_webhook", "Tell an address nothing any more", self.remove, shapes.Webhooks),
        )  # fmt: skip

    def add(self, call: Call) -> Reply:
        asked = {"feed": "all", **texts_of(call, "name", "address", optional=["feed"])}
        secret = self._webhooks.add(asked["name"], asked["address"], asked["feed"])
        return Reply(asked | {"secret": secret}, 201, _NEVER_KEPT)

    def listed(self, _: Call) -> Reply:
        return Reply({"webhooks": self._webhooks.list()}, cache_control="no-store")

    def test(self, call: Call) -> Reply:
        """How the receiver answered: that it did not take it is an answer, too."""
        taken = self._webhooks.test(call.path["webhook"], self._site)
        return Reply({"taken": taken.wrong is None, "trouble": taken.wrong}, headers=_NEVER_KEPT)

    def retry(self, call: Call) -> Reply:
        self._webhooks.retry(call.path["webhook"])
        return self.listed(call)

    def remove(self, call: Call) -> Reply:
        self._webhooks.remove(call.path["webhook"])
        return self.listed(call)
