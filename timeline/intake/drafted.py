"""From a page and what is proposed from it to an announcement document that a person finishes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from typing import Any
from urllib.parse import urlsplit

from timeline import documents
from timeline.core.dates import coarse
from timeline.core.proposing import Dated, Known, OpenPoint, Proposed, Proposer, propose
from timeline.core.terms import Kinds
from timeline.intake.page import Page

_GROUP = "timeline.proposers"
_FILINGS = ("sec.gov",)


@dataclass(frozen=True, slots=True)
class Drafted:
    document: dict[str, Any]
    """In the announcement file's form; what was not found is left out, never guessed."""
    open_points: tuple[OpenPoint, ...]


def propose_for(
    page: Page, known: Sequence[Known], kinds: Kinds, *, announced: str | None = None, about: Known | None = None
) -> Proposed:
    """What a page may be proposed to say, by our rules and by those plugged in as entry points of `timeline.proposers`.

    Args:
        announced: The day on which it was published, where somebody gives it.
        about: The partnership that it is about, where somebody gives it.

    Raises:
        TimelineError: `invalid_date`, `ambiguous_date`.
    """
    proposers: list[tuple[str, Proposer]] = [(each.name, each.load()) for each in entry_points(group=_GROUP)]
    published = page.published
    if announced is not None:
        published = Dated(coarse(announced, field="announced").text, "given", announced)
    return propose(
        page.main,
        kinds=kinds,
        text=page.text,
        title=page.title,
        publisher=page.publisher,
        address=page.address,
        published=published,
        known=known if _read_by_rules(page) else (),
        about=about if _read_by_rules(page) else None,
        proposers=proposers,
    )


def document(
    page: Page,
    proposed: Proposed,
    *,
    partnership: str | None = None,
    text_sha256: str | None = None,
) -> Drafted:
    """The announcement document of a page.

    Args:
        partnership: Overrides the one that was recognised.
        text_sha256: Names the page's text in its source where it is kept apart; else the source carries it.
    """
    host = _host(page.address or "")
    speaker = next((party.name for party in proposed.parties if party.slug == proposed.speaker), None)
    publisher = speaker or page.publisher or host or None
    source = {"url": page.address, "publisher": publisher, "tier": _tier(page, proposed, host)}
    source |= {"text_sha256": text_sha256} if text_sha256 else {"text": page.text}
    about = partnership or proposed.partnership
    data = {
        "partnership": about,
        "title": page.title,
        "announced": proposed.announced and proposed.announced.text,
        "force": proposed.force,
        "sources": [{name: value for name, value in source.items() if value is not None}],
        "statements": [dict(each.statement) for each in proposed.statements],
    }
    points = [each for each in proposed.open_points if each.field != "partnership" or about is None]
    if not _read_by_rules(page):
        detail = f"The page says that it is in “{(page.language or '')[:20]}”; the rules read English."
        points = [replace(each, detail=detail) if each.field == "statements" else each for each in points]
    if publisher is None:
        detail = "The page does not say who published it."
        points.append(OpenPoint("sources[0].publisher", detail, "Name the publisher."))
    if source["tier"] is None:
        detail = "Whose word it is was not recognised."
        points.append(OpenPoint("sources[0].tier", detail, "Say filing, party, press or aggregator."))
    return Drafted({name: value for name, value in data.items() if value is not None}, tuple(points))


def written(drafted: Drafted, proposed: Proposed | None = None) -> str:
    """The document as YAML for an editor: open points on top, above each statement the rule that proposed it."""
    lines = [f"# {each.field}: {each.detail} {each.remedy}" for each in drafted.open_points]
    statements = iter(proposed.statements if proposed else ())
    for line in documents.written(drafted.document).splitlines():
        if line.lstrip().startswith("- term: ") and (said := next(statements, None)):
            lines.append(f"{line[: len(line) - len(line.lstrip())]}# {said.rule}: {said.why}")
        lines.append(line)
    return "\n".join(lines) + "\n"


def _read_by_rules(page: Page) -> bool:
    return page.language is None or page.language.lower().startswith("en")


def _host(address: str) -> str:
    """The address's host; empty for what is none, as a page may name as its source."""
    try:
        return (urlsplit(address).hostname or "").removeprefix("www.")
    except ValueError:
        return ""


def _tier(page: Page, proposed: Proposed, host: str) -> str | None:
    """How near the source is to those whose word it is; None where the page does not tell."""
    if any(host == each or host.endswith(f".{each}") for each in _FILINGS):
        return "filing"
    if proposed.speaker is not None:
        return "party"
    return "aggregator" if page.aggregated and page.address is None else None
