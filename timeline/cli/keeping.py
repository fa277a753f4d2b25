"""The commands that keep the record and serve it: serve, agents, publish, verify, rebuild, dump, load, backup."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click
from rich.progress import Progress

from timeline import agents as assistants
from timeline import keeping, rebuilding, search
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.cli import tables
from timeline.cli.frame import Frame, cli, json_option, pass_frame
from timeline.core.errors import Category, TimelineError
from timeline.log import utc_now
from timeline.publishing import checking, settled_day
from timeline.publishing import publish as publish_feeds
from timeline.tokens import SCOPES, Tokens
from timeline.web.serve import serve as run_service


@cli.command()
@click.option("--demo", is_flag=True, help="Serve the example record; yours is not touched, nothing is kept.")
@click.option("--host", help="The address to listen on.")
@click.option("--port", help="The port to listen on.")
@pass_frame
def serve(frame: Frame, host: str | None, port: str | None, *, demo: bool) -> None:
    """Migrate, then serve the API, the pages and the feeds, and publish on time."""
    run_service(frame.settings(host=host, port=port), frame.kinds(), demo=demo)


@cli.command()
@click.option("--draft", is_flag=True, help="Let the assistant begin drafts; appending stays with people.")
@pass_frame
def agents(frame: Frame, *, draft: bool) -> None:
    """Answer an assistant's questions on standard input and output, by the Model Context Protocol."""
    protocol = assistants.load_protocol()
    with frame.log(migrate=draft) as log:
        answers, settings = Answers(log, frame.kinds(), utc_now), frame.settings()
        tools = assistants.Tools.of(answers, Desk(log, answers.kinds, utc_now), settings)

        def permit(_: object) -> None:
            if not draft:
                raise TimelineError(
                    "drafting_off",
                    "Drafting is not allowed here.",
                    "Whoever set this up may start it as `timeline agents --draft`.",
                )

        if sys.stdin.isatty():
            click.echo(
                "An assistant's program is to start this, and to talk on standard input. Ctrl-C ends it.", err=True
            )
        protocol.over_stdio(protocol.speaking(tools, permit))


@cli.group()
def token() -> None:
    """The tokens that let programs and people write."""


@token.command("new")
@click.argument("name")
@click.option("--scope", required=True, type=click.Choice(SCOPES), help="What it may do; each includes those before.")
@json_option
@pass_frame
def new_token(frame: Frame, name: str, scope: str) -> None:
    """Make a token; it is shown this once and kept only as a hash."""
    with frame.log(migrate=True) as log:
        frame.show({"name": name, "scope": scope, "token": Tokens(log, utc_now).new(name, scope)}, tables.plain)


@token.command("list")
@json_option
@pass_frame
def list_tokens(frame: Frame) -> None:
    """The tokens there are, without themselves."""
    with frame.log() as log:
        frame.show({"tokens": Tokens(log, utc_now).list()}, tables.tokens)


@token.command("revoke")
@click.argument("name")
@json_option
@pass_frame
def revoke_token(frame: Frame, name: str) -> None:
    """Let a token open nothing any more."""
    with frame.log(migrate=True) as log:
        Tokens(log, utc_now).revoke(name)
    frame.show({"revoked": name}, tables.plain)


@cli.command()
@click.option("--out", metavar="DIR", help="Instead of the folder in the settings.")
@click.option("--whole", is_flag=True, help="Look at every document, also at those that cannot have changed.")
@json_option
@pass_frame
def publish(frame: Frame, out: str | None, *, whole: bool) -> None:
    """Write the site of feeds; only what changed is written."""
    settings = frame.settings(feeds_dir=out)
    with frame.log(migrate=True) as log:
        done = publish_feeds(log, frame.kinds(), settings, settled_day(utc_now()), whole=whole)
    frame.show(asdict(done) | {"folder": str(settings.feeds_dir)}, tables.published)


@cli.command()
@click.option("--known-head", metavar="SEQ:HASH", help="An event noted earlier: finds a tail that was cut off.")
@json_option
@pass_frame
def verify(frame: Frame, known_head: str | None) -> None:
    """Check the chain of hashes and every event's body, and against them rectangles, search, feeds and their files."""
    head = None if known_head is None else _head(known_head)
    with frame.log() as log, _bar(frame, "verifying") as progress:
        body = keeping.verify(log, head, progress, kinds=frame.kinds(), published=frame.settings())
    frame.show(body, tables.verified)
    if not body["sound"]:
        click.get_current_context().exit(Category.INTEGRITY.exit_code)


@cli.command()
@json_option
@pass_frame
def rebuild(frame: Frame) -> None:
    """Build the rectangles and the search index anew from the log, and the feeds if they are not what it gives."""
    with frame.log(migrate=True) as log, _bar(frame, "rebuilding") as progress:
        rectangles = rebuilding.rebuild(log, progress)
        documents = search.rebuild(log, progress)
        feeds = checking.rebuild(log, frame.kinds())
    made = {"rectangles": rectangles, "searched": documents, "feeds": "made anew" if feeds else "as they were"}
    frame.show(made, tables.plain)


@cli.command()
@click.argument("file", metavar="FILE|-", default="-")
@pass_frame
def dump(frame: Frame, file: str) -> None:
    """Write the whole record as NDJSON, with every hash; it loads into either kind of database."""
    with frame.log() as log, _bar(frame, "dumping") as progress:
        if file == "-":
            keeping.dump(log, sys.stdout.buffer, progress)
            return
        with _opened(Path(file), "xb") as out:
            try:
                keeping.dump(log, out, progress)
                out.flush()
            except BaseException:
                Path(file).unlink()  # a part of a dump is none
                raise


@cli.command()
@click.argument("file", metavar="FILE|-")
@json_option
@pass_frame
def load(frame: Frame, file: str) -> None:
    """Load a dump into an empty database, or one that holds its beginning; every hash is checked."""
    with frame.log(migrate=True) as log, _bar(frame, "loading") as progress:
        if file == "-":
            kept = keeping.load(log, sys.stdin.buffer, progress)
        else:
            with _opened(Path(file), "rb") as stream:
                kept = keeping.load(log, stream, progress)
    frame.show(asdict(kept), tables.plain)


@cli.command()
@click.argument("file", type=click.Path(path_type=Path))
@json_option
@pass_frame
def backup(frame: Frame, file: Path) -> None:
    """Copy the record to a new file while it is in use; the copy is read back and checked."""
    with frame.log() as log, _bar(frame, "copying") as progress:
        kept = keeping.backup(log, file, progress)
    frame.show(asdict(kept), tables.plain)


@contextmanager
def _bar(frame: Frame, what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on stderr, if that is a terminal."""
    with Progress(console=frame.talk, disable=not frame.talk.is_terminal, transient=True) as bar:
        task = bar.add_task(what, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """The file, opened; a new one is never written over another."""
    try:
        file = path.open(mode)
    except OSError as error:
        raise TimelineError(
            "storage_failed" if "x" in mode else "unreadable_source",
            f"{path} cannot be opened: {error.strerror}.",
            "Name a new file in a folder that may be written to." if "x" in mode else "Name a file that can be read.",
        ) from error
    with file:
        yield file


def _head(text: str) -> tuple[int, str]:
    seq, _, sha = text.partition(":")
    if seq.isascii() and seq.isdigit() and len(sha) == 64:
        return int(seq), sha
    raise TimelineError(
        "invalid_value", f"“{text}” is not a head.", "Write it as `timeline status` shows it: 27:9fa5…, all 64 digits."
    )
