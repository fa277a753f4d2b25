"""The commands that ask: state, in-force, history, diff, learned, upcoming, list, show, log, kinds, schema, status."""

from __future__ import annotations

import re
from datetime import datetime
from functools import partial

import click

from timeline import across
from timeline.chain import clock_note
from timeline.cli import tables
from timeline.cli.frame import (
    Frame,
    Json,
    cite_option,
    cli,
    given,
    json_option,
    knowledge_options,
    pass_frame,
    record_options,
)
from timeline.core.announcements import reference
from timeline.core.questions import Knowledge, asked_day, position, read_across, read_knowledge, read_question
from timeline.core.schema import announcement_schema
from timeline.core.terms import term
from timeline.log import utc_now

_CITATION = re.compile(r"[a-z0-9-]+/\d+", re.ASCII)


@cli.command()
@click.argument("partnership")
@click.option("--as-of", metavar="D", help="The day asked about: 2025-12-01, today, yesterday. Default today, UTC.")
@knowledge_options
@click.option("--term", metavar="GLOB", help="Only these terms: exclusivity/cloud, stake/*.")
@click.option("--include", metavar="LANES", help="Show what is only proposed or reported beside it.")
@cite_option
@json_option
@pass_frame
def state(frame: Frame, /, partnership: str, cite: bool, **asked: str | None) -> None:
    """What was in force between the parties on a day, in whose words."""
    question = read_question(given(asked), utc_now())
    with frame.exports() as exports:
        if cite:
            frame.cite(exports.state(partnership, question).citation)
        else:
            frame.show(exports.answers.state(partnership, question), tables.state)


@cli.command("in-force")
@click.option("--as-of", metavar="D", help="The day asked about: 2025-12-01, today, yesterday. Default today, UTC.")
@record_options
@click.option("--kind", metavar="K", help="Only terms of this kind: exclusivity.")
@click.option("--party", metavar="P", help="Only partnerships of this party.")
@click.option("--term", metavar="GLOB", help="Only these terms: exclusivity/cloud, stake/*.")
@click.option("--after", metavar="PLACE", help="The next page: where the one before ended.")
@click.option("--limit", metavar="N", help="Terms of a page, up to 1000. Default 100.")
@json_option
@pass_frame
def in_force(frame: Frame, /, **asked: str | None) -> None:
    """What was in force on a day in all partnerships."""
    question = read_across(given(asked), frame.kinds(), utc_now())
    with frame.answers() as answers:
        page = across.in_force(answers, question)
        frame.show(page, partial(tables.in_force, following=across.following(given(asked), page)))


@cli.command()
@click.argument("partnership")
@click.argument("about", metavar="TERM")
@knowledge_options
@cite_option
@json_option
@pass_frame
def history(frame: Frame, /, partnership: str, about: str, cite: bool, **asked: str | None) -> None:
    """One term's life: every value it had, and every statement about it."""
    knowledge, wanted = read_knowledge(given(asked), utc_now()), term(about, field="term")
    with frame.exports() as exports:
        if cite:
            frame.cite(exports.history(partnership, wanted, knowledge).citation)
        else:
            frame.show(exports.answers.history(partnership, wanted, knowledge), tables.history)


@cli.command()
@click.argument("partnership")
@click.argument("first", metavar="D1")
@click.argument("second", metavar="D2")
@knowledge_options
@cite_option
@json_option
@pass_frame
def diff(frame: Frame, /, partnership: str, first: str, second: str, cite: bool, **asked: str | None) -> None:
    """What changed in the world between two days, as known now."""
    now = utc_now()
    knowledge = read_knowledge(given(asked), now)
    after, upto = asked_day(first, now, field="D1"), asked_day(second, now, field="D2")
    with frame.exports() as exports:
        if cite:
            frame.cite(exports.changes(partnership, after, upto, knowledge).citation)
        else:
            frame.show(exports.answers.changes(partnership, after, upto, knowledge), tables.diff)


@cli.command()
@click.argument("partnership")
@click.argument("first", metavar="K1")
@click.argument("second", metavar="K2")
@json_option
@pass_frame
def learned(frame: Frame, /, partnership: str, first: str, second: str) -> None:
    """What this record learned between two moments: instants, days, or positions such as @27."""
    now = utc_now()
    with frame.answers() as answers:
        body = answers.learned(partnership, _moment(first, now, "K1"), _moment(second, now, "K2"))
        frame.show(body, tables.learned)


@cli.command()
@click.argument("partnership", required=False)
@click.option("--until", "until", metavar="D", help="Only up to that day.")
@json_option
@pass_frame
def upcoming(frame: Frame, /, partnership: str | None, until: str | None) -> None:
    """What ends or begins from tomorrow on, as stated today."""
    until_day = None if until is None else asked_day(until, utc_now(), field="until")
    with frame.answers() as answers:
        frame.show(answers.upcoming(partnership, until_day), tables.upcoming)


@cli.command("list")
@click.option("--party", help="Only partnerships of this party.")
@click.option("--kind", help="Only partnerships with terms of this kind.")
@json_option
@pass_frame
def list_(frame: Frame, party: str | None, kind: str | None) -> None:
    """The partnerships on record."""
    with frame.answers() as answers:
        frame.show(answers.partnerships(party, kind), tables.partnerships)


@cli.command()
@click.argument("which", metavar="ID|KEY")
@cite_option
@json_option
@pass_frame
def show(frame: Frame, which: str, cite: bool) -> None:
    """One announcement or later act: its statements, the words behind them, what was done to it."""
    with frame.exports() as exports:
        if _CITATION.fullmatch(which):
            body = exports.answers.announcement(*reference(which, field="ID"))
        else:
            body = exports.answers.by_key(which)
        if cite:
            frame.cite(exports.announcement(body))
        else:
            frame.show(body, tables.announcement)


@cli.command()
@click.option("--after", default="0", metavar="SEQ", help="Only events after this position.")
@click.option("--limit", default="100", metavar="N", help="At most so many, up to 1000.")
@json_option
@pass_frame
def log(frame: Frame, after: str, limit: str) -> None:
    """The log from a position on: gapless, in the order recorded."""
    size = max(1, min(position(limit, field="limit"), 1000))
    with frame.answers() as answers:
        frame.show(answers.events(position(after, field="after"), size), tables.events)


@cli.command()
@json_option
@pass_frame
def kinds(frame: Frame) -> None:
    """The kinds of term, with their fields."""
    known = frame.kinds()
    body = [
        {
            "kind": kind.name,
            "directed": kind.directed,
            "require": [" | ".join(group) for group in kind.require],
            "fields": {
                field.name: list(field.choices) if field.type == "choice" else field.type for field in kind.fields
            },
        }
        for kind in known.by_name.values()
    ]
    frame.show({"kinds": body}, tables.kinds)


@cli.command()
@pass_frame
def schema(frame: Frame) -> None:
    """The JSON Schema of an announcement file, for editors to complete and check it."""
    frame.as_json = True
    frame.show(announcement_schema(frame.kinds()), tables.plain)


@cli.command()
@json_option
@pass_frame
def status(frame: Frame) -> None:
    """The settings with where each came from, and the extent of the record."""
    settings = frame.settings()
    body: Json = {"settings": [{"name": n, "value": v, "origin": o} for n, v, o in settings.shown()]}
    with frame.log() as opened, opened.reading() as reader:
        seq, at, sha = reader.head()
        body["record"] = {
            "head": seq,
            "recorded_at": None if at is None else at.isoformat(),
            "hash": sha,
            "note": clock_note(at, utc_now()),
            "partnerships": len(reader.partnerships()),
        }
    frame.show(body, tables.status)


def _moment(text: str, now: datetime, name: str) -> Knowledge:
    """A moment of knowledge: @27 is a position in the log, anything else an instant or a day."""
    if text.startswith("@"):
        return Knowledge(known_seq=position(text[1:], field=name))
    return read_knowledge({"known_at": text}, now)
