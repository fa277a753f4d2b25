"""The commands that record: import, append, correct, retract, occurred."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from timeline.acts import Desk
from timeline.cli import tables
from timeline.cli.frame import Frame, cli, json_option, one_line, pass_frame
from timeline.core import dates
from timeline.core.announcements import reference
from timeline.core.errors import TimelineError
from timeline.core.questions import asked_day, day_named, position
from timeline.documents import Document, read, walk
from timeline.log import utc_now
from timeline.submissions import submit


@cli.command("import")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--keep-going", is_flag=True, help="Leave out files with a refused document and import the others.")
@json_option
@pass_frame
def import_(frame: Frame, paths: tuple[Path, ...], *, keep_going: bool) -> None:
    """Record announcement files or whole folders: YAML, JSON, NDJSON. Again is harmless.

    Without --keep-going one refused document leaves the record as it was.
    """
    files = walk(paths)
    with frame.log(migrate=True) as log, Progress(console=frame.talk, disable=not frame.talk.is_terminal) as bar:
        task = bar.add_task("importing", total=None)
        desk = Desk(log, frame.kinds(), utc_now)
        done = desk.import_files(files, keep_going=keep_going, progress=lambda _: bar.update(task, advance=1))
    body = {
        "files": done.files,
        "recorded": done.recorded,
        "already": done.already,
        "refused": [error.problem() for error in done.refused],
    }
    frame.show(body, tables.imported)
    for error in done.refused:
        click.echo(one_line(error), err=True)
    if done.refused:
        click.get_current_context().exit(done.refused[0].category.exit_code)


@cli.command()
@click.argument("file", metavar="FILE|-")
@click.option("--dry-run", is_flag=True, help="Say what would happen; record nothing.")
@click.option("--key", help="A name of your own: the same key twice is the same announcement.")
@click.option("--expect", metavar="SEQ", help="Refuse if anything was recorded in the partnership after this position.")
@json_option
@pass_frame
def append(frame: Frame, file: str, *, dry_run: bool, key: str | None, expect: str | None) -> None:
    """Record one announcement, correction, retraction, occurrence or opening from a file."""
    _record(frame, _only(file), dry_run=dry_run, key=key, expect=expect)


@cli.command()
@click.argument("cited", metavar="ID")
@click.argument("file", metavar="FILE|-")
@click.option("--reason", help="Why; here or in the file.")
@click.option("--by", type=click.Choice(["editor", "issuer"]), help="Whose slip it was; default the editor's.")
@click.option("--on", "on", metavar="D", help="By the issuer: the day the source corrected itself.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; record nothing.")
@json_option
@pass_frame
def correct(
    frame: Frame, cited: str, file: str, *, reason: str | None, by: str | None, on: str | None, dry_run: bool
) -> None:
    """Record the full right content in the place of announcement ID (openai-microsoft/3)."""
    reference(cited, field="ID")
    document = _only(file)
    own = document.data.get("corrects", cited)
    if own != cited:
        raise TimelineError(
            "conflicting_fields",
            f"The file corrects {own}; you named {cited}.",
            "Name the same act in both, or leave corrects: out of the file.",
            field="corrects",
        )
    added = {"corrects": cited, "reason": reason, "by": by, "corrected_on": _day(on, "--on")}
    _record(frame, _with(document, added), dry_run=dry_run)


@cli.command()
@click.argument("cited", metavar="ID")
@click.option("--reason", required=True, help="Why it counts no longer.")
@click.option("--by", type=click.Choice(["editor", "issuer"]), help="Who took it back; default the editor.")
@click.option("--on", "on", metavar="D", help="By the issuer: the day the source took it back.")
@click.option("--dry-run", is_flag=True, help="Say what would happen; record nothing.")
@json_option
@pass_frame
def retract(frame: Frame, cited: str, *, reason: str, by: str | None, on: str | None, dry_run: bool) -> None:
    """Take act ID out of the record from now on; earlier knowledge keeps it."""
    reference(cited, field="ID")
    data = {"retracts": cited, "reason": reason, "by": by, "retracted_on": _day(on, "--on")}
    _record(frame, _typed(data), dry_run=dry_run)


@cli.command()
@click.argument("partnership")
@click.argument("event")
@click.option("--on", "on", required=True, metavar="DATE", help="The day it happened.")
@click.option("--announced", metavar="DATE", help="When that was said; default the same day.")
@click.option("--url", help="Where it was said.")
@click.option("--publisher", help="Who said it.")
@click.option(
    "--tier", type=click.Choice(["filing", "party", "press", "aggregator"]), default="party", show_default=True
)
@click.option("--dry-run", is_flag=True, help="Say what would happen; record nothing.")
@json_option
@pass_frame
def occurred(
    frame: Frame,
    partnership: str,
    event: str,
    *,
    on: str,
    announced: str | None,
    url: str | None,
    publisher: str | None,
    tier: str,
    dry_run: bool,
) -> None:
    """Record that an event happened for which statements of the partnership wait."""
    now = utc_now()
    happened = asked_day(on, now, field="--on").isoformat()
    said = happened if announced is None else day_named(announced, now)
    data = {
        "partnership": partnership,
        "occurred": event,
        "on": happened,
        "announced": dates.announced(said, field="--announced").text,
        "sources": [_given(url=url, publisher=publisher, tier=tier)],
    }
    _record(frame, _typed(data), dry_run=dry_run)


def _record(
    frame: Frame, document: Document, *, dry_run: bool, key: str | None = None, expect: str | None = None
) -> None:
    submission = submit(document, frame.kinds(), key=key)
    expected = None if expect is None else position(expect.rpartition("@")[2], field="expect")
    with frame.log(migrate=True) as log:
        receipt = Desk(log, frame.kinds(), utc_now).append(submission, expect=expected, dry_run=dry_run)
    frame.show(receipt, tables.receipt)


def _only(file: str) -> Document:
    """The one document of a file or of standard input."""
    source = sys.stdin.buffer.read() if file == "-" else Path(file)
    documents = list(read(source, "standard input" if file == "-" else None, base=Path() if file == "-" else None))
    if len(documents) > 1:
        raise TimelineError(
            "malformed_document",
            f"{file} holds {len(documents)} documents; one act is recorded at a time here.",
            f"Use timeline import {file}.",
        )
    return documents[0]


def _with(document: Document, added: dict[str, Any]) -> Document:
    """The document with what was given on the command line."""
    document.data.update(_given(**added))
    return document


def _typed(data: dict[str, Any]) -> Document:
    """A document out of what was typed."""
    return Document.of(_given(**data), "the command line")


def _day(text: str | None, option: str) -> str | None:
    """The day that an option names."""
    return None if text is None else asked_day(text, utc_now(), field=option).isoformat()


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
