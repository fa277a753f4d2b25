"""The parts of a saved page of the aggregator: what its publisher wrote, and what is furniture."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

_SUMMARY = re.compile(r"^[^\S\n]*Summary[^\S\n]*$", re.M)
_CONTROLS = re.compile(
    r"^[^\S\n]*(?:Original Article[^\n.!?]{0,120}(?:\n\s*View Cached Full Text[^\S\n]*)?"
    r"|View Cached Full Text[^\S\n]*)$",
    re.M,
)
_CACHED_AT = re.compile(r"^[^\S\n]*Cached at:[^\n]{0,80}$", re.M)
_SIMILAR = re.compile(r"^[^\S\n]*Similar Articles[^\S\n]*$", re.M)
_BLANK_LINE = re.compile(r"\n[^\S\n]*\n")
_LINK = re.compile(r"\[(?P<title>[^\[\]]{1,500})\]\((?P<address>https?://[^\s()]{1,2000})\)")
_MAX_HEAD = 2000  # characters before the page's "Summary"; further down it is the article's own heading
_HEAD_LINES = (1, 2)  # title and feed name


class Part(StrEnum):
    """A part of an aggregator's page. Any other text is one `BODY`."""

    TITLE = "title"
    FEED = "feed"
    SUMMARY = "summary"
    EXCERPT = "excerpt"
    CONTROLS = "controls"
    CACHED_AT = "cached-at"
    BODY = "body"
    SIMILAR = "similar"


# In the order of preference: a title may be the aggregator's wording where the cached text has the publisher's.
EVIDENCE = (Part.BODY, Part.EXCERPT, Part.TITLE)


@dataclass(frozen=True, slots=True)
class Block:
    """One part of a text, at `[start, end)` of it, without the white space around."""

    part: Part
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Lead:
    """An entry under "Similar Articles": where to look for another announcement, never what it says."""

    title: str
    feed: str
    summary: str
    address: str | None = None
    """Where the page makes a link of the title."""


def blocks(text: str) -> tuple[Block, ...]:
    """The parts of `text`, in its order, disjoint, none empty; other than a page it is one `BODY`.

    A page has a controls line ("Original Article …") or a "Cached at:" line, and at least one more of the
    aggregator's headings. The headings belong to the part that they open. The first "Similar Articles"
    counts: to take furniture for evidence would be worse than the reverse.
    """
    summary = _SUMMARY.search(text, 0, _MAX_HEAD)
    if summary and sum(line.strip() != "" for line in text[: summary.start()].splitlines()) not in _HEAD_LINES:
        summary = None
    controls = _CONTROLS.search(text, summary.end() if summary else 0)
    cached = _CACHED_AT.search(text, controls.end() if controls else summary.end() if summary else 0)
    last = cached or controls
    similar = _SIMILAR.search(text, last.end()) if last else None
    if last is None or sum(mark is not None for mark in (summary, controls, cached, similar)) == 1:
        return _trimmed(text, [(Part.BODY, 0)])
    first = controls or last

    title_end = len(text) - len(text.lstrip().partition("\n")[2])
    cuts = [(Part.TITLE, 0)]
    if summary:
        words = len(text) - len(text[summary.end() :].lstrip())
        paragraph = _BLANK_LINE.search(text, words, first.start())
        cuts += [(Part.FEED, title_end), (Part.SUMMARY, summary.start())]
        cuts += [(Part.EXCERPT, paragraph.end())] if paragraph else []
    else:
        cuts += [(Part.EXCERPT, min(title_end, first.start()))]
    cuts += [(Part.CONTROLS, controls.start())] if controls else []
    cuts += [(Part.CACHED_AT, cached.start())] if cached else []
    cuts += [(Part.BODY, last.end())]
    cuts += [(Part.SIMILAR, similar.start())] if similar else []
    return _trimmed(text, cuts)


def leads(text: str) -> tuple[Lead, ...]:
    """The entries under "Similar Articles", in the page's order; none when `text` is no such page.

    An entry is three paragraphs: title (perhaps a link), feed name, summary. What the page broke off is empty.
    """
    similar = next((block for block in blocks(text) if block.part is Part.SIMILAR), None)
    if similar is None:
        return ()
    entries = text[similar.start : similar.end].partition("\n")[2]
    paragraphs = [" ".join(said.split()) for said in _BLANK_LINE.split(entries) if said.strip()]
    paragraphs += [""] * (-len(paragraphs) % 3)
    return tuple(_lead(*paragraphs[at : at + 3]) for at in range(0, len(paragraphs), 3))


def _lead(title: str, feed: str, summary: str) -> Lead:
    link = _LINK.fullmatch(title)
    return Lead(title, feed, summary) if link is None else Lead(link["title"], feed, summary, link["address"])


def _trimmed(text: str, cuts: list[tuple[Part, int]]) -> tuple[Block, ...]:
    """The blocks that begin at `cuts`, each up to the next cut, without the white space around; no empty one."""
    ends = [start for _, start in cuts[1:]] + [len(text)]
    found = []
    for (part, start), end in zip(cuts, ends, strict=True):
        words = text[start:end].strip()
        if words:
            begin = end - len(text[start:end].lstrip())
            found.append(Block(part, begin, begin + len(words)))
    return tuple(found)
