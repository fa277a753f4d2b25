"""The commands about who is told of new entries: webhook add, list, remove, retry, test."""

from __future__ import annotations

import click

from timeline.cli import tables
from timeline.cli.frame import Frame, cli, json_option, pass_frame
from timeline.core.errors import TimelineError
from timeline.log import utc_now
from timeline.publishing import site_of
from timeline.publishing.webhooks import Webhooks


@cli.group()
def webhook() -> None:
    """The addresses that are told of new entries."""


@webhook.command("add")
@click.argument("name")
@click.argument("address")
@click.option("--feed", default="all", metavar="FEED", help="Which feed to follow, such as openai-microsoft/stake.")
@json_option
@pass_frame
def add_webhook(frame: Frame, name: str, address: str, feed: str) -> None:
    """Tell an address of every new entry from now on; the secret for its receiver is shown this once."""
    with frame.log(migrate=True) as log:
        secret = Webhooks(log, utc_now).add(name, address, feed)
    frame.show({"name": name, "address": address, "feed": feed, "secret": secret}, tables.plain)


@webhook.command("list")
@json_option
@pass_frame
def list_webhooks(frame: Frame) -> None:
    """The webhooks there are, how many entries wait for each, and which are parked."""
    with frame.log() as log:
        frame.show({"webhooks": Webhooks(log, utc_now).list()}, tables.webhooks)


@webhook.command("remove")
@click.argument("name")
@json_option
@pass_frame
def remove_webhook(frame: Frame, name: str) -> None:
    """Tell an address nothing any more."""
    with frame.log(migrate=True) as log:
        Webhooks(log, utc_now).remove(name)
    frame.show({"removed": name}, tables.plain)


@webhook.command("retry")
@click.argument("name")
@json_option
@pass_frame
def retry_webhook(frame: Frame, name: str) -> None:
    """Go on with a webhook that failed or was parked; nothing that waited is left out."""
    with frame.log(migrate=True) as log:
        Webhooks(log, utc_now).retry(name)
    frame.show({"retried": name}, tables.plain)


@webhook.command("test")
@click.argument("name")
@json_option
@pass_frame
def test_webhook(frame: Frame, name: str) -> None:
    """Send a signed event that says nothing, and show how the receiver answers."""
    with frame.log() as log:
        taken = Webhooks(log, utc_now).test(name, site_of(frame.settings()))
    if taken.wrong is not None:
        raise TimelineError(
            "address_unreachable",
            f"The receiver of {name} did not take it: {taken.wrong.rstrip('.')}.",
            "It must answer 2xx within ten seconds, without a redirect.",
        )
    frame.show({"taken": name}, tables.plain)
