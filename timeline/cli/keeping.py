"""The commands that keep the record: verify."""

from __future__ import annotations

import click

from timeline.cli import tables
from timeline.cli.frame import Frame, Json, cli, json_option, pass_frame
from timeline.core.errors import Category


@cli.command()
@json_option
@pass_frame
def verify(frame: Frame) -> None:
    """Check every event against its hash and the chain; names the first that is broken."""
    with frame.log() as log:
        found = log.verify()
    fault: Json | None = None
    if found.fault is not None:
        fault = {"event": found.fault.name, "seq": found.fault.seq, "what": found.fault.what}
    body = {"events": found.events, "head": found.head_hash, "fault": fault}
    frame.show(body, tables.verified)
    if fault is not None:
        click.get_current_context().exit(Category.INTEGRITY.exit_code)
