"""The command that takes an answer away as a document: export."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import click

from timeline.cli.frame import Frame, cli, given, knowledge_options, pass_frame
from timeline.core.errors import TimelineError
from timeline.core.questions import Knowledge, Question, asked_day, cited_knowledge, read_knowledge, read_lanes
from timeline.core.terms import term
from timeline.exports import Cited, Exports
from timeline.formats.calendar import calendar
from timeline.formats.pictures import PICTURES, picture
from timeline.formats.sheets import SHEETS
from timeline.log import utc_now
from timeline.publishing import calendar_now, site_of

_FORMATS = (*SHEETS, *PICTURES, "ics")


class _Asked(NamedTuple):
    """Which answer is to be taken away, as it was typed."""

    as_of: str | None
    between: tuple[str, str] | None
    about: str | None
    include: str | None
    whole: bool


@cli.command()
@click.argument("partnership")
@click.option("--format", "suffix", required=True, metavar="FORMAT", help=f"{', '.join(_FORMATS)}.")
@click.option("--as-of", metavar="D", help="What was in force on that day. Default: today, UTC.")
@click.option("--between", nargs=2, metavar="D1 D2", help="Instead: what changed after one day, up to another.")
@click.option("--term", "about", metavar="TERM", help="Instead: that term's life. With --as-of: only matching terms.")
@click.option("--timeline", "whole", is_flag=True, help="Instead: every term's life.")
@click.option("--include", metavar="LANES", help="With --as-of: show proposed, reported, or both beside it.")
@knowledge_options
@click.option("--out", type=click.Path(path_type=Path), help="A file; without it the document goes to stdout.")
@pass_frame
def export(
    frame: Frame,
    /,
    partnership: str,
    suffix: str,
    as_of: str | None,
    between: tuple[str, str] | None,
    about: str | None,
    whole: bool,
    include: str | None,
    out: Path | None,
    **clocks: str | None,
) -> None:
    """An answer as a document with its quotes, both clocks and a permanent citation.

    Its last page says how to get the same bytes again. svg and png are the picture of the timeline, as of a day;
    ics has the key dates of all that is on record.
    """
    if suffix not in _FORMATS:
        raise TimelineError(
            "invalid_value", f"There is no format {suffix}.", f"Take one of {', '.join(_FORMATS)}.", field="format"
        )
    if out is None and suffix in ("docx", "pdf", "png") and sys.stdout.isatty():
        raise TimelineError(
            "missing_parameter",
            f"A {suffix} file would only garble the terminal.",
            f"Add --out {partnership}.{suffix}.",
            field="out",
        )
    asked = _Asked(as_of, between, about, include, whole)
    with frame.exports() as exports:
        known = _knowledge(given(clocks))
        if suffix == "ics":
            made = _calendar(frame, exports, partnership, {**asked._asdict(), **given(clocks)})
        elif suffix in PICTURES:
            made = _pictured(exports, partnership, suffix, known, asked)
        else:
            made = SHEETS[suffix].render(exports.sheet(_ask(exports, partnership, known, asked)))
    if out is None:
        sys.stdout.buffer.write(made)
        return
    try:
        out.write_bytes(made)
    except OSError as error:
        raise TimelineError(
            "storage_failed",
            f"{out} cannot be written: {error.strerror}.",
            "Name another file with --out.",
            field="out",
        ) from error
    click.echo(f"{out}: {len(made)} bytes", err=True)


def _ask(exports: Exports, partnership: str, known: Knowledge, asked: _Asked) -> Cited:
    """The answer, cited; two answers at once are refused."""
    about = asked.about if asked.as_of is None else None
    named = {"--as-of": asked.as_of, "--between": asked.between, "--term": about, "--timeline": asked.whole or None}
    chosen = [name for name, value in named.items() if value is not None]
    if len(chosen) > 1:
        raise TimelineError(
            "conflicting_parameters",
            f"{' and '.join(chosen)} ask for different documents.",
            f"Keep {chosen[0]}, and ask for the other by itself.",
            field=chosen[1].removeprefix("--"),
        )
    if asked.include is not None and chosen not in ([], ["--as-of"]):
        raise TimelineError(
            "conflicting_parameters",
            "--include shows lanes beside the state of a day, and this is none.",
            "Leave --include out, or ask with --as-of.",
            field="include",
        )
    now = utc_now()
    if asked.between is not None:
        first, last = (asked_day(text, now, field="between") for text in asked.between)
        return exports.changes(partnership, first, last, known)
    if about is not None:
        return exports.history(partnership, term(about, field="term"), known)
    if asked.whole:
        return exports.timeline(partnership, known)
    lanes = read_lanes({} if asked.include is None else {"include": asked.include})
    day = now.date() if asked.as_of is None else asked_day(asked.as_of, now, field="as_of")
    return exports.state(partnership, Question(day, known, asked.about, lanes))


def _calendar(frame: Frame, exports: Exports, partnership: str, asked: Mapping[str, object]) -> bytes:
    """The key dates, as the feed of the same name has them once all is published."""
    for name in (name for name, value in asked.items() if value):
        option = {"about": "term", "whole": "timeline"}.get(name, name).replace("_", "-")
        raise TimelineError(
            "conflicting_parameters",
            f"A calendar holds the key dates of all that is on record; --{option} asks for something else.",
            f"Leave --{option} out.",
            field=option,
        )
    settings, title = frame.settings(), exports.answers.partnership(partnership)["name"]
    with exports.answers.log.reading() as reader:
        page = calendar_now(reader, exports.answers.kinds, partnership, title)
    return calendar(page, site_of(settings), settings.calendar_alarms)


def _pictured(exports: Exports, partnership: str, suffix: str, known: Knowledge, asked: _Asked) -> bytes:
    """The picture of the whole timeline; with the position of the log fixed, no today is marked, as in a citation."""
    other = {"--between": asked.between, "--term": asked.about, "--include": asked.include}
    for name in (name for name, value in other.items() if value is not None):
        raise TimelineError(
            "conflicting_parameters",
            f"A picture shows the whole timeline as of a day; {name} asks for something else.",
            f"Leave {name} out, or take --format pdf.",
            field=name.removeprefix("--"),
        )
    today = utc_now().date()
    as_of = today if asked.as_of is None else asked_day(asked.as_of, utc_now(), field="as_of")
    timeline = exports.answers.timeline(partnership, known)
    marked = today if known.known_seq is None else None
    return PICTURES[suffix].render(picture(timeline, as_of, marked, exports.base_url))


def _knowledge(clocks: Mapping[str, str]) -> Knowledge:
    """The clocks of knowledge; a citation fixes the position and may count only what was announced by a moment."""
    if clocks.keys() == {"known_seq", "announced_by"}:
        return cited_knowledge(clocks["known_seq"], {"announced_by": clocks["announced_by"]})
    return read_knowledge(clocks, utc_now())
