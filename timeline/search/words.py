"""The words of a text, as they are indexed and asked for; where they stand; what a line of a search field asks.

Pure, and the same for either database: both are given words that were told apart and folded here, so that neither
does it in its own way.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from timeline.core.errors import TimelineError

LONGEST_QUERY = 200
"""Characters of a question."""
LONGEST_WORD = 64
"""Characters of a word that count."""
GAP = " | "
"""Between two texts, so that no phrase goes from one to the next."""

# Letters and digits with the marks on them; "billion²" ends before the mark of its note.
_WORD = re.compile("(?:[^\\W_\u00b2\u00b3\u00b9\u2070-\u209f]|[\u0300-\u036f])+")
_PIECE = re.compile(r'(?P<out>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<plain>[^\s"]+))')
_QUOTATION_MARKS = str.maketrans(dict.fromkeys("“”„‟«»", '"'))

Words = tuple[str, ...]
"""One word, or several that must follow each other."""


class Token(NamedTuple):
    """A word of a text as folded, and where it stands: `[start, end)`."""

    word: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Query:
    """What must occur, and what must not."""

    wanted: tuple[Words, ...]
    unwanted: tuple[Words, ...] = ()


class Piece(NamedTuple):
    """A part of a passage; `found` when it is what was asked for."""

    text: str
    found: bool


def tokens(text: str) -> list[Token]:
    """The words of a text in their order: without case, without diacritics, compatibility forms made plain."""
    spans = ((_folded(match[0]), *match.span()) for match in _WORD.finditer(text))
    return [Token(*each) for each in spans if each[0]]


def words(text: str) -> Words:
    """The words of a text, as folded."""
    return tuple([word for match in _WORD.finditer(text) if (word := _folded(match[0]))])


def lined(texts: Iterable[str], most: int) -> str:
    """The words of some texts with a space around each, `GAP` between texts; cut after a word, at `most` bytes."""
    line = f" {GAP.join(' '.join(words(text)) for text in texts)} "
    if len(line.encode()) <= most:
        return line
    return line.encode()[:most].decode(errors="ignore").rpartition(" ")[0] + " "


def spaced(phrase: Words) -> str:
    """The phrase as it stands in a line of words."""
    return f" {' '.join(phrase)} "


def query(text: str) -> Query:
    """What a line asks: plain words, "phrases", and with a - before them what must not occur.

    Anything else is a mark between words, as it is in a text; words that such a mark joins must follow each other.

    Raises:
        TimelineError: `invalid_value` for a line without a word to look for, or longer than `LONGEST_QUERY`.
    """
    if len(text) > LONGEST_QUERY:
        raise _refused(
            f"A question has at most {LONGEST_QUERY} characters.",
            f"Take words of at most {LONGEST_QUERY} characters in all.",
        )
    wanted: list[Words] = []
    unwanted: list[Words] = []
    for match in _PIECE.finditer(text.translate(_QUOTATION_MARKS)):
        phrase = words(match["phrase"] or match["plain"] or "")
        if phrase:
            (unwanted if match["out"] else wanted).append(phrase)
    if not wanted:
        what = "only what must not occur" if unwanted else "no word"
        raise _refused(
            f"There is {what} in “{text.strip()}”.",
            f"Give at least one word that must occur, as in: agreement {' '.join(text.split())}.",
        )
    return Query(tuple(dict.fromkeys(wanted)), tuple(dict.fromkeys(unwanted)))


def passage(text: str, phrases: Sequence[Words], around: int | None = None) -> tuple[Piece, ...]:
    """The text in pieces, every phrase that occurs in it marked; empty when none does.

    Args:
        around: Characters to show before the first and after it, cut at words; None: all of the text.
    """
    spans = _spans(tokens(text), phrases)
    if not spans:
        return ()
    start, end = 0, len(text)
    if around is not None:
        start, end = _cut(text, spans[0], around)
    pieces = [Piece("… ", found=False)] if start else []
    at = start
    for low, high in spans:
        if low >= at and high <= end:
            pieces += [Piece(text[at:low], found=False), Piece(text[low:high], found=True)]
            at = high
    pieces += [Piece(text[at:end], found=False), *([Piece(" …", found=False)] if end < len(text) else [])]
    return tuple(piece for piece in pieces if piece.text)


def _spans(found: Sequence[Token], phrases: Sequence[Words]) -> list[tuple[int, int]]:
    """Where the phrases stand, in order; those that overlap are one."""
    firsts: dict[str, list[Words]] = {}
    for phrase in phrases:
        firsts.setdefault(phrase[0], []).append(phrase)
    spans: list[tuple[int, int]] = []
    for place, token in enumerate(found):
        for phrase in firsts.get(token.word, ()):
            there = found[place : place + len(phrase)]
            if tuple(each.word for each in there) != phrase:
                continue
            if spans and token.start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(spans[-1][1], there[-1].end))
            else:
                spans.append((token.start, there[-1].end))
    return spans


def _cut(text: str, span: tuple[int, int], around: int) -> tuple[int, int]:
    """The part of the text to show: so many characters on either side of the span, cut between words."""
    start, end = max(span[0] - around, 0), min(span[1] + around, len(text))
    if start:
        space = text.find(" ", start, span[0])
        start = span[0] if space < 0 else space + 1
    if end < len(text):
        space = text.rfind(" ", span[1], end)
        end = span[1] if space < 0 else space
    return start, end


@lru_cache(maxsize=65_536)
def _folded(word: str) -> str:
    plain = unicodedata.normalize("NFKD", word)
    if not word.isascii():
        plain = "".join(each for each in plain if not unicodedata.combining(each))
    return "".join(filter(str.isalnum, plain.casefold()))[:LONGEST_WORD]


def _refused(detail: str, remedy: str) -> TimelineError:
    return TimelineError("invalid_value", detail, remedy, field="q")
