"""From a text to all that it may be proposed to say, each part checked against the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from timeline.core.errors import TimelineError
from timeline.core.evidence import MAX_QUOTE, check_quote
from timeline.core.proposing import phrases
from timeline.core.proposing.rules import by_rules
from timeline.core.proposing.sentence import Names, Sentence, slugged
from timeline.core.proposing.values import Dated, Known, OpenPoint, Party, Proposal, Proposed, Proposer, Reading
from timeline.core.terms import UNDATED, Kinds, read_value, term

AGREED, PROPOSED, REPORTED = "agreed", "proposed", "reported"
_MAX_STATEMENTS = 50
_HEAD = 600
"""Characters in which a dateline may stand."""
_DATELINE = re.compile(
    rf"^(?:(?!(?i:{phrases.MONTH})\b)[A-Z][\w.’' ]{{1,40}}, (?:[\w.]+, )?)?(?:\w+day, )?"
    rf"(?P<day>{phrases.DAY})\s*(?:[–—:-]|$)",
    re.MULTILINE,
)
_NOT_BINDING = re.compile(r"\b(?:non-?binding|memorandum of understanding|letter of intent)\b", re.IGNORECASE)
_SAID_BY_OTHERS = re.compile(
    r"\b(?:people familiar with|sources say|reportedly|according to (?:a )?(?:person|people|sources))\b"
)
_PARTIES = re.compile(
    r"(?P<one>[A-Z][\w&.-]*(?: [A-Z][\w&.-]*){0,3}) (?:and|with) (?P<other>[A-Z][\w&.-]*(?: [A-Z][\w&.-]*){0,3})"
)


def propose(
    main: str,
    *,
    kinds: Kinds,
    text: str | None = None,
    title: str | None = None,
    publisher: str | None = None,
    address: str | None = None,
    published: Dated | None = None,
    known: Sequence[Known] = (),
    about: Known | None = None,
    proposers: Sequence[tuple[str, Proposer]] = (),
) -> Proposed:
    """What a page may be proposed to say.

    Args:
        main: What is evidence in it, as people read it; paragraphs apart by a blank line.
        kinds: The vocabulary that every statement must fit.
        text: The text that will be stored, in which every quote must stand; default `main`.
        title: The page's own.
        publisher: As the page names it, with `address` it tells who says "we".
        published: The date that the page gives as its own; else a dateline is looked for.
        known: The partnerships on record.
        about: The one that the page is about, where somebody says so; else it is recognised among them.
        proposers: Further ones with their names; they are held to the same checks as our rules.
    """
    about = about or _about(main, title, known)
    speaker = _speaker(about, publisher, address)
    announced = published or _dateline(main)
    reading = Reading(main, about, speaker, announced.text if announced else None)
    made = list(_by_rules(reading))
    kept: dict[tuple[str, str], Proposal] = {}
    refused: list[OpenPoint] = []
    for name, proposer in proposers:
        try:
            made += [replace(each, rule=f"{name}:{each.rule}") for each in proposer(reading)]
        except Exception as failure:  # it is not ours: whatever it stumbles over, the page is drafted
            detail = f"{name} stopped: {type(failure).__name__}: {failure}"
            refused.append(OpenPoint("statements", detail[:500], f"Tell whoever wrote the proposer {name}."))
    for proposal in made:
        error = _fault(proposal, main if text is None else text, kinds)
        if error is not None:
            refused.append(OpenPoint(error.field or "statement", f"{proposal.rule}: {error.detail}", error.remedy))
        elif len(kept) < _MAX_STATEMENTS:
            # The first to speak of a term is kept: a page says a thing once with care, and repeats it loosely.
            kept.setdefault((str(proposal.statement["term"]), str(proposal.statement.get("direction"))), proposal)
    statements = tuple(kept.values())
    parties = tuple(Party(name, slug) for slug, name in about.parties.items()) if about else _guessed(title)
    return Proposed(
        partnership=about.partnership if about else None,
        parties=parties,
        speaker=speaker,
        announced=announced,
        force=_force(main),
        statements=statements,
        open_points=tuple(_open_points(main, about, parties, announced, statements)),
        refused=tuple(refused),
    )


def _by_rules(reading: Reading) -> Iterator[Proposal]:
    if reading.known is None:
        return
    names = Names(reading.known, reading.speaker)
    for sentence in phrases.sentences(reading.main):
        if len(sentence) <= MAX_QUOTE:  # a longer one could not be quoted
            yield from by_rules(Sentence(sentence, names, reading.announced))


def _fault(proposal: Proposal, text: str, kinds: Kinds) -> TimelineError | None:
    """Why a proposal may not be shown: no such term, a value that does not fit, words that nobody said."""
    statement = proposal.statement
    try:
        about = term(statement.get("term"), field="term")
        kind = kinds.get(about.kind, field="term")
        if "set" in statement:
            read_value(statement["set"], kind, field="set")
        quote = statement.get("quote")
        if not isinstance(quote, str):
            raise TimelineError(
                "quote_missing", "It has no quote.", "Propose it with the words that say it.", field="quote"
            )
        check_quote(quote, text, field="quote")
    except TimelineError as error:
        return error
    return None


def _about(main: str, title: str | None, known: Sequence[Known]) -> Known | None:
    """The one partnership of which every party is named in the title; else the one whose parties the text names."""
    for where in (title or "", main):
        named = [each for each in known if len(Names(each, None).named(where)) == len(each.parties) > 0]
        if len(named) == 1:
            return named[0]
        if named:
            return None
    return None


def _speaker(about: Known | None, publisher: str | None, address: str | None) -> str | None:
    """The party whose own page it is: by the publisher's name, else by the address's host."""
    if about is None:
        return None
    named = Names(about, None).named(publisher or "")
    host = re.sub(r"^\w+://(?:www\.)?|[/:?#].*$", "", address or "").lower().split(".")
    owned = [slug for slug, name in about.parties.items() if slug in host or slugged(name).replace("-", "") in host]
    found = named if len(named) == 1 and not owned else owned
    return found[0] if len(found) == 1 else None


def _dateline(main: str) -> Dated | None:
    """A date on a line of its own, or before a dash, near the top."""
    match = _DATELINE.search(main[:_HEAD])
    found = match and phrases.day_of(match["day"])
    return Dated(found, "dateline", match["day"]) if match and found else None


def _force(main: str) -> str:
    if _NOT_BINDING.search(main):
        return PROPOSED
    return REPORTED if _SAID_BY_OTHERS.search(main) else AGREED


def _guessed(title: str | None) -> tuple[Party, ...]:
    """Two names on either side of "and" or "with" in a title: a hint for a person, and no more."""
    match = _PARTIES.search(title or "")
    return tuple(Party(match[side], slugged(match[side])) for side in ("one", "other")) if match else ()


def _open_points(
    main: str,
    about: Known | None,
    parties: tuple[Party, ...],
    announced: Dated | None,
    statements: tuple[Proposal, ...],
) -> Iterator[OpenPoint]:
    if about is None:
        names = " and ".join(party.name for party in parties)
        detail = f"No partnership on record fits{f'; the title names {names}' if names else ''}."
        remedy = "Open it first with an opening document, or name the one on record; then begin the draft again."
        yield OpenPoint("partnership", detail, remedy)
    if announced is None:
        odd = phrases.AMBIGUOUS.search(main[:_HEAD])
        detail = f"{odd[0]} can be two days." if odd else "No date of its own was found in the page."
        yield OpenPoint("announced", detail, "Give the day on which it was published, as 2021-06-15.")
    if not statements:
        detail = "No rule recognised a statement." if about else "Nothing is proposed before the parties are known."
        yield OpenPoint("statements", detail, "Add what it says, each with its words.")
    for place, each in enumerate(statements):
        if str(each.statement["term"]).endswith(f"/{UNDATED}"):
            yield OpenPoint(
                f"statements[{place}].term",
                "An investment is named after its year, and the page has no date.",
                "Put the year in place of “undated”.",
            )
