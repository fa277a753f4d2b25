"""The commands that look for words: search, similar, leads."""

from __future__ import annotations

import click

from timeline import search as index
from timeline.cli import tables
from timeline.cli.frame import Frame, cli, given, json_option, pass_frame
from timeline.core.announcements import reference
from timeline.drafting import leads as leads_of
from timeline.log import utc_now


# A word with a - before it is no option, and no single letter of it is.
@cli.command(context_settings={"ignore_unknown_options": True, "help_option_names": ["--help"]})
@click.argument("words", nargs=-1, required=True, metavar="WORDS…")
@click.option("--partnership", metavar="P", help="Only in that partnership.")
@click.option("--kind", metavar="K", help="Only what speaks of a term of that kind.")
@click.option("--since", metavar="D", help="Only what was announced on that day or later.")
@click.option("--until", metavar="D", help="Only what was announced on that day or earlier.")
@click.option("--limit", metavar="N", help="Hits of a page, up to 100. Default 20.")
@click.option("--cursor", metavar="C", help="The next page: as the one before gave it.")
@json_option
@pass_frame
def search(frame: Frame, /, words: tuple[str, ...], **asked: str | None) -> None:
    """Where words occur: in titles, summaries, quotes and stored texts, best first.

    All words must occur; '"two words"' must follow each other; a word with - before it must not occur.
    """
    wanted = index.read({"q": " ".join(words), **given(asked)}, frame.kinds(), utc_now())
    with frame.log() as log:
        frame.show(index.find(log, wanted), tables.hits)


@cli.command()
@click.argument("cited", metavar="ID")
@json_option
@pass_frame
def similar(frame: Frame, cited: str) -> None:
    """The announcements that share the rarest words of announcement ID (openai-microsoft/3)."""
    partnership, n = reference(cited, field="ID")
    with frame.log() as log:
        frame.show(index.similar(log, partnership, n), tables.similar)


@cli.command()
@click.argument("partnership", required=False)
@json_option
@pass_frame
def leads(frame: Frame, partnership: str | None) -> None:
    """What stored pages name as similar articles: where to look next, and whether it is on record."""
    with frame.log() as log:
        frame.show(leads_of(log, partnership), tables.leads)
