"""Whether a quote stands in a text, where, and the closest passage if it does not."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher
from functools import lru_cache
from heapq import nlargest
from math import log

from timeline.core.errors import TimelineError
from timeline.core.evidence.folding import WORD, Folded, fold, normalised, stem
from timeline.core.evidence.page import EVIDENCE, Part, blocks

MAX_QUOTE = 2000  # folded characters; the search costs their product with the text's length on hostile input
MAX_PIECES = 5  # what an ellipsis may part a quote into
MAX_OMITTED = 600  # folded characters that one ellipsis may stand for

_MAX_PASSAGE = 2  # lengths of the quote
_CANDIDATES = 4  # passages compared letter by letter with a quote that was not found
_ELLIPSIS = re.compile(r"\[\.{3,}\]|\(\.{3,}\)|\.{3,}")


@dataclass(frozen=True, slots=True)
class Found:
    """The quote stands at `[start, end)` of the text as received, in a part that is evidence."""

    start: int
    end: int
    part: Part


@dataclass(frozen=True, slots=True)
class FurnitureOnly:
    """The quote stands at `[start, end)`, but only in what the aggregator wrote."""

    start: int
    end: int
    part: Part


@dataclass(frozen=True, slots=True)
class Nearest:
    """The passage closest to a quote, as it stands in the text, and how alike they are, 0 to 1."""

    passage: str
    ratio: float


@dataclass(frozen=True, slots=True)
class NotFound:
    """The quote stands nowhere in the text; an empty passage means that nothing is near."""

    nearest: Nearest


def find_quote(quote: str, text: str) -> Found | FurnitureOnly | NotFound:
    """Where in `text` the quote stands, within one part, on the bounds of words and numbers.

    "exclusive" is not in "non-exclusive", nor "5 billion" in "1.5 billion". An ellipsis, also in brackets,
    may stand for up to `MAX_OMITTED` characters. A quote without a letter or digit is found nowhere.
    """
    pieces = _pieces(quote)
    page = _page(text)
    for part, offset, folded in page:
        span = next(_in_order(folded, pieces), None) if pieces else None
        if span is not None:
            start, end = folded.span(*span)
            verdict = Found if part in EVIDENCE else FurnitureOnly
            return verdict(offset + start, offset + end, part)
    compared = normalised(quote[:MAX_QUOTE])
    near = [_nearest(compared, folded) for part, _, folded in page if part in EVIDENCE]
    return NotFound(max(near, key=lambda passage: passage.ratio, default=Nearest("", 0.0)))


def check_quote(quote: str, text: str, *, field: str) -> Found:
    """Where the quote stands in `text`, in a part that is evidence.

    Raises:
        TimelineError: `quote_missing` for a quote without a word, `invalid_field` for one too long,
            `quote_not_found` with the closest passage (`closest`, `ratio`), `quote_is_furniture` (`part`).
    """
    if not _pieces(quote):
        raise _unusable(quote, field)
    verdict = find_quote(quote, text)
    if isinstance(verdict, Found):
        return verdict
    if isinstance(verdict, FurnitureOnly):
        raise TimelineError(
            "quote_is_furniture",
            f"The quote stands only in the page's {verdict.part.value}, which the aggregator wrote, not the publisher.",
            "Quote the announcement itself, or add the source that says it.",
            field=field,
            part=verdict.part.value,
        )
    closest = verdict.nearest
    raise TimelineError(
        "quote_not_found",
        "The quote is not in the source's text."
        + (f" Closest passage: “{closest.passage}”." if closest.passage else " No passage is near."),
        "Copy the words as they stand in the source, or name the source that they are from.",
        field=field,
        closest=closest.passage,
        ratio=round(closest.ratio, 2),
    )


def _unusable(quote: str, field: str) -> TimelineError:
    """The refusal of a quote without pieces to look for."""
    if WORD.search(_ELLIPSIS.sub(" ", normalised(quote[:MAX_QUOTE]))):
        return TimelineError(
            "invalid_field",
            f"A quote has at most {MAX_QUOTE} characters and {MAX_PIECES} pieces around its ellipses.",
            "Quote only the sentence that carries the statement.",
            field=field,
        )
    return TimelineError(
        "quote_missing",
        f"The quote {quote[:40]!r} has no word in it.",
        "Quote the words of the source.",
        field=field,
    )


@lru_cache(maxsize=2)
def _page(text: str) -> tuple[tuple[Part, int, Folded], ...]:
    """Each part, its offset and its folded form, evidence first in the order of preference.

    Kept, because the statements of one source come together.
    """
    ranked = sorted(
        blocks(text), key=lambda block: EVIDENCE.index(block.part) if block.part in EVIDENCE else len(EVIDENCE)
    )
    return tuple((block.part, block.start, fold(text[block.start : block.end])) for block in ranked)


@lru_cache(maxsize=8)
def _pieces(quote: str) -> tuple[str, ...]:
    """The folded pieces between ellipses, each with a word in it; none when there is none or too much.

    Kept, because each quote is looked at several times on its way.
    """
    folded = normalised(quote[: 4 * MAX_QUOTE])
    pieces = (piece.strip(" -") for piece in _ELLIPSIS.split(folded))
    found = tuple(piece for piece in pieces if WORD.search(piece))
    return found if len(quote) <= 4 * MAX_QUOTE and len(folded) <= MAX_QUOTE and len(found) <= MAX_PIECES else ()


def _in_order(folded: Folded, pieces: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """The folded spans that begin with the first piece, end with the last and have all between, in order."""
    if not all(piece in folded.text for piece in pieces):
        return iter(())
    spans = _occurrences(folded, pieces[0])
    for piece in pieces[1:]:
        spans = _followed(spans, _occurrences(folded, piece))
    return spans


def _followed(spans: Iterator[tuple[int, int]], later: Iterator[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    """Each of `later` that comes close after one of `spans`, joined with the last such one; both are in order."""
    begun: tuple[int, int] | None = None
    ahead = next(spans, None)
    for start, end in later:
        while ahead is not None and ahead[1] <= start:
            begun, ahead = ahead, next(spans, None)
        if begun is not None and start - begun[1] <= MAX_OMITTED:
            yield begun[0], end


def _occurrences(folded: Folded, piece: str) -> Iterator[tuple[int, int]]:
    at = folded.text.find(piece)
    while at >= 0:
        end = at + len(piece)
        if not folded.joined(at) and not folded.joined(end):
            yield at, end
        at += 1
        while folded.joined(at):
            at += 1
        at = folded.text.find(piece, at)


def _nearest(quote: str, folded: Folded) -> Nearest:
    """The passage of about as many words that is most like the folded `quote`.

    Windows of that many words are ranked by how many of the quote's words are in them, rare ones first,
    alike in their first letters; only the best few are compared letter by letter.
    """
    stems = [stem(word[0]) for word in WORD.finditer(quote)]
    wanted = set(stems)
    spans = [match.span() for match in WORD.finditer(folded.text)]
    hits = [(at, key) for at, (start, end) in enumerate(spans) if (key := stem(folded.text[start:end])) in wanted]

    nearest = Nearest("", 0.0)
    for first, last in _best_windows(hits, len(stems)):
        begin, until = hits[first][0], hits[last][0]
        window = [stem(folded.text[start:end]) for start, end in spans[begin : until + 1]]
        alike = SequenceMatcher(None, stems, window, autojunk=False).get_matching_blocks()[:-1]
        until = min(begin + alike[-1].b + len(stems) - 1 - alike[-1].a, len(spans) - 1)
        begin = max(begin + alike[0].b - alike[0].a, 0)
        start, longest = spans[begin][0], _MAX_PASSAGE * len(quote)
        while until > begin and spans[until][1] - start > longest:
            until -= 1
        end = min(spans[until][1], start + longest)
        ratio = SequenceMatcher(None, quote, folded.text[start:end], autojunk=False).ratio()
        if ratio > nearest.ratio:
            passage_start, passage_end = folded.span(start, end)
            nearest = Nearest(folded.original[passage_start:passage_end], ratio)
    return nearest


def _best_windows(hits: list[tuple[int, str]], words: int) -> list[tuple[int, int]]:
    """The first and last hit of the windows of `words` words that hold the most of the quote's rare words."""
    weights = {key: 1 / (1 + log(count)) for key, count in Counter(key for _, key in hits).items()}
    best: dict[int, tuple[float, int, int]] = {}
    inside: Counter[str] = Counter()
    score, after = 0.0, 0
    for first, (at, key) in enumerate(hits):
        while after < len(hits) and hits[after][0] < at + words:
            entered = hits[after][1]
            inside[entered] += 1
            score += weights[entered] if inside[entered] == 1 else 0
            after += 1
        window = (round(score, 6), -first, after - 1)
        best[at // words] = max(best.get(at // words, window), window)
        inside[key] -= 1
        score -= weights[key] if inside[key] == 0 else 0
    return [(-first, last) for _, first, last in nlargest(_CANDIDATES, best.values())]
