"""The commands about drafts: new, list, show, edit, check, append, discard."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from timeline.acts import Desk
from timeline.answers import Answers
from timeline.cli import tables
from timeline.cli.frame import Frame, cli, json_option, pass_frame
from timeline.core.errors import Category, TimelineError
from timeline.documents import MAX_BYTES
from timeline.drafting import Drafts
from timeline.intake import MAX_PAGE_BYTES, fetch
from timeline.log import utc_now
from timeline.submissions import decoded

_PAGES = (".txt", ".md", ".markdown", ".html", ".htm", ".xhtml", ".pdf")
"""The endings of files that are pages."""
_ID = click.argument("number", metavar="ID", type=click.IntRange(1, 2**53))


@cli.group()
def draft() -> None:
    """Work on an announcement before it is recorded: nothing is lost, and nothing is published until you append."""


@draft.command()
@click.argument("file", metavar="FILE|URL|-")
@click.option("--page", is_flag=True, help="Standard input is a page, not an announcement file; .html, .pdf, .txt are.")
@click.option("--address", metavar="URL", help="Where the page was.")
@click.option("--announced", metavar="DAY", help="When the page was published, if it does not say.")
@click.option("--partnership", metavar="NAME", help="Which it is about, if the parties' names do not tell.")
@json_option
@pass_frame
def new(
    frame: Frame, file: str, *, page: bool, address: str | None, announced: str | None, partnership: str | None
) -> None:
    """Begin a draft from an announcement file, or from a page: a file, or an address that is then fetched."""
    with _drafts(frame) as drafts:
        if file.startswith(("http://", "https://")):
            got = fetch(file, clock=utc_now)
            made = drafts.new_page(
                got.data,
                media_type=got.media_type,
                address=address or got.address,
                retrieved_at=got.retrieved_at,
                announced=announced,
                partnership=partnership,
            )
        elif page or address or announced or partnership or Path(file).suffix.lower() in _PAGES:
            content, name = _read(file, MAX_PAGE_BYTES)
            made = drafts.new_page(content, name=name, address=address, announced=announced, partnership=partnership)
        else:
            content, name = _read(file)
            made = drafts.new(content, name=name, base=Path() if file == "-" else Path(file).parent)
        frame.show(made, tables.draft)


@draft.command("list")
@click.option("--all", "closed", is_flag=True, help="Also those that were appended or discarded.")
@json_option
@pass_frame
def list_(frame: Frame, *, closed: bool) -> None:
    """The open drafts, newest change first."""
    with _drafts(frame) as drafts:
        frame.show(drafts.listed(closed=closed), tables.drafts)


@draft.command()
@_ID
@click.option("--revision", type=click.IntRange(1, 2**53), metavar="N", help="As it stood at that revision.")
@json_option
@pass_frame
def show(frame: Frame, number: int, revision: int | None) -> None:
    """One draft: what came in, where it stands, the document."""
    with _drafts(frame) as drafts:
        frame.show(drafts.show(number, revision=revision), tables.draft)


@draft.command()
@_ID
@click.option("--from", "file", metavar="FILE|-", help="Take the document from there instead of opening $EDITOR.")
@click.option("--revision", type=click.IntRange(1, 2**53), metavar="N", help="The revision that the file began at.")
@json_option
@pass_frame
def edit(frame: Frame, number: int, file: str | None, revision: int | None) -> None:
    """Change a draft in $EDITOR, as YAML. Whatever you save is kept, finished or not."""
    with _drafts(frame) as drafts:
        before = drafts.show(number)
        drafts.save(number, before["document"])  # nobody is to type into a draft that has ended
        if file is None:
            text = str(click.edit(before["document"], extension=".yaml", require_save=False) or "")
            revision = revision or before["revision"]
        else:
            content, name = _read(file)
            text = decoded(content, name=name, field=None)
        try:
            after = drafts.save(number, text, expect=revision)
        except TimelineError as error:
            for changed in ("theirs", "yours"):
                click.echo(error.more.get(changed, ""), err=True, nl=changed in error.more)
            if file is None:
                _keep_aside(number, text)
            raise
        frame.show(after, tables.draft_saved)
        blocks = drafts.check(number)["blocks"]
    for block in blocks:
        click.echo(tables.blocked(block), err=True)
    if blocks:
        click.echo(f"Saved all the same. Go on with `timeline draft edit {number}`.", err=True)


@draft.command()
@_ID
@json_option
@pass_frame
def check(frame: Frame, number: int) -> None:
    """What appending it would change and publish, and what still blocks; leaves with 4 while anything does."""
    with _drafts(frame) as drafts:
        found = drafts.check(number)
    frame.show(found, tables.draft_check)
    if found["blocks"]:
        click.get_current_context().exit(Category.REFUSED.exit_code)


@draft.command()
@_ID
@click.argument("about", metavar="OF")
@click.argument("said", metavar="attach|new|unsure")
@json_option
@pass_frame
def answer(frame: Frame, number: int, about: str, said: str) -> None:
    """Whether the draft is another report of announcement OF: attach its sources there, new, or unsure."""
    with _drafts(frame) as drafts:
        frame.show(drafts.answer(number, about, said), tables.draft_check)


@draft.command()
@_ID
@click.option("--revision", type=click.IntRange(1, 2**53), metavar="N", help="Refuse if it was changed since this one.")
@json_option
@pass_frame
def append(frame: Frame, number: int, revision: int | None) -> None:
    """Record the draft, once; a second time gives the same receipt."""
    with _drafts(frame) as drafts:
        frame.show(drafts.append(number, expect=revision), tables.receipt)


@draft.command()
@_ID
@click.option("--why", required=True, help="Why it is not to be recorded.")
@json_option
@pass_frame
def discard(frame: Frame, number: int, why: str) -> None:
    """End a draft without recording anything; it can still be shown."""
    with _drafts(frame) as drafts:
        frame.show(drafts.discard(number, why), tables.draft_saved)


@contextmanager
def _drafts(frame: Frame) -> Iterator[Drafts]:
    kinds = frame.kinds()
    with frame.log(migrate=True) as log:
        home = log.primary
        answers = Answers(home, kinds, utc_now)
        yield Drafts(home, kinds, utc_now, Desk(home, kinds, utc_now).append, answers, frame.settings().keep_texts)


def _read(file: str, limit: int = MAX_BYTES) -> tuple[bytes, str]:
    """A file or standard input of at most so many bytes, and its name."""
    if file == "-":
        content, name = sys.stdin.buffer.read(limit + 1), "standard input"
    else:
        name = file
        try:
            with Path(file).open("rb") as stream:
                content = stream.read(limit + 1)
        except OSError as error:
            raise TimelineError(
                "unreadable_source", f"{file} cannot be read: {error.strerror}.", "Check the name.", file=file
            ) from error
    if len(content) > limit:
        raise TimelineError(
            "too_large", f"{name} is larger than {limit // 1_000_000} MB.", "Keep the part that is quoted from."
        )
    return content, name


def _keep_aside(number: int, text: str) -> None:
    """Write what was typed and could not be saved to a file, and tell whoever typed it."""
    path = next(path for count in range(1, 10_000) if not (path := Path(f"draft-{number}.{count}.yaml")).exists())
    path.write_text(text, "utf-8")
    click.echo(f"What you typed is kept in {path}: `timeline draft edit {number} --from {path}`.", err=True)
