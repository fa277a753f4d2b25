"""The folded form of a text: how it is compared, with every character's place in the original."""

from __future__ import annotations

import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

_PLAIN = {
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u2032\u2039\u203a\u02bc\u00b4", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u201f\u2033\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63\uff0d", "-"),
    **dict.fromkeys(map(chr, (0xAD, 0x61C, 0x180E, *range(0x200B, 0x2010), 0xFEFF)), ""),
    **dict.fromkeys(map(chr, (*range(0x202A, 0x202F), *range(0x2060, 0x2070))), ""),
}
# A letter with its marks (30 at most, as in UAX #15's stream-safe text: sorting them is quadratic), or one
# character outside ASCII. Left out for speed are ranges that folding never changes.
_CLUSTER = re.compile(
    "[^\\W\\d_]?[\u0300-\u036f\u1160-\u11ff\u3099\u309a]{1,30}"
    "|[^\\x00-\\x7f\u00c0-\u0131\u0400-\u0481\u4e00-\u9fff\uac00-\ud7a3]"
)
_LINK_OR_ESCAPE = re.compile(
    r"""(?P<escape>\\[!-/:-@\[-`{-~\n])"""
    r"""|(?P<close>\]\((?:[^()\s\\]|\\.|\([^()\s]*\))*+(?:\s"[^"\n]{0,200}")?\))"""
    r"""|(?P<open>!?\[)|\]"""
)
_MARK = re.compile(r"[*_`]+|(?<!\S)#{1,6}(?!\S)|\s?\(opens in a new (?:window|tab)\)")
_SPACE_OR_DASH = re.compile(r"[\s\-]{2,}|[^\S ]")
_HYPHEN = re.compile(r"\\?[-\u2010-\u2013\u2212]")
# Without any of these no step of folding finds anything to do.
_TELLING = re.compile(r"[^ -~]|[\\\[\]*_`#]|[ -]{2}|\(opens")
WORD = re.compile(r"[^\W_]+")
STEM = 5  # letters

Edit = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Folded:
    """A text for comparison; its character `i` stands for `[starts[i], ends[i])` of the original."""

    original: str
    text: str
    starts: array[int]
    ends: array[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where in the original the folded characters `[start, end)` stand; not for an empty span."""
        return self.starts[start], self.ends[end - 1]

    def edited(self, edits: Iterable[Edit]) -> Folded:
        """The form after replacing `[start, end)` by a text, for each edit; they are in order and disjoint."""
        pieces, starts, ends, done = [], array("L"), array("L"), 0
        for start, end, new in edits:
            pieces += [self.text[done:start], new]
            starts += self.starts[done:start]
            ends += self.ends[done:start]
            starts.extend([self.starts[start]] * len(new))
            ends.extend([self.ends[end - 1]] * len(new))
            done = end
        if not pieces:
            return self
        pieces.append(self.text[done:])
        return Folded(self.original, "".join(pieces), starts + self.starts[done:], ends + self.ends[done:])

    def joined(self, at: int) -> bool:
        """Whether a word or a number goes on across position `at`, so that no quote may begin or end there."""
        if not 0 < at < len(self.text):
            return False
        left, right = self.text[at - 1], self.text[at]
        if _in_word(left) and _in_word(right):
            return not (left.isalpha() and right.isdigit() and not right.isdecimal())  # a note's mark: "billion²"
        return self._connects(at - 1) or self._connects(at)

    def _connects(self, at: int) -> bool:
        """Whether the mark at `at` makes its neighbours one: "non-exclusive", "1.5", "can't"; not "Norvane's"."""
        if not 0 < at < len(self.text) - 1:
            return False
        left, mark, right = self.text[at - 1], self.text[at], self.text[at + 1]
        if mark == "-":  # the folded mark may have been a dash between clauses
            start, end = self.span(at, at + 1)
            return _in_word(left) and _in_word(right) and _HYPHEN.fullmatch(self.original, start, end) is not None
        if mark in ".,":
            return left.isdecimal() and right.isdecimal()
        possessive = right == "s" and not _in_word(self.text[at + 2 : at + 3])
        return mark == "'" and left.isalpha() and right.isalpha() and not possessive


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_"


def fold(text: str) -> Folded:
    """`text` for comparison, as `normalised` describes it, with white space still around."""
    folded = Folded(text, text, array("L", range(len(text))), array("L", range(1, len(text) + 1)))
    if _TELLING.search(text) is None:
        return folded
    for edits in (_plain_characters, _without_links, _without_marks, _even_spaces):
        folded = folded.edited(edits(folded.text))
    return folded


def _plain_characters(text: str) -> Iterator[Edit]:
    for match in _CLUSTER.finditer(text):
        plain = _plain(match[0])
        if plain != match[0]:
            yield *match.span(), plain


@lru_cache(maxsize=4096)
def _plain(cluster: str) -> str:
    """One character, with its marks, as folded. "10²" and "2½" stay: NFKC makes other numbers of them."""
    if cluster in _PLAIN:
        return _PLAIN[cluster]
    if unicodedata.decomposition(cluster[0]).startswith(("<super>", "<sub>", "<fraction>")):
        return cluster
    return "".join(_PLAIN.get(character, character) for character in unicodedata.normalize("NFKC", cluster))


def _without_links(text: str) -> list[Edit]:
    """The edits that undo escapes and leave of each link its words, however links are nested."""
    edits: list[Edit] = []
    opened: list[tuple[int, int]] = []
    for match in _LINK_OR_ESCAPE.finditer(text):
        start, end = match.span()
        if match["escape"]:
            edits.append((start, start + 1, ""))
        elif match["open"]:
            opened.append((start, end))
        elif opened:
            bracket = opened.pop()
            if match["close"]:
                edits += [(*edge, _space_between(text, *edge)) for edge in (bracket, (start, end))]
    edits.sort()
    return edits


def _without_marks(text: str) -> Iterator[Edit]:
    for match in _MARK.finditer(text):
        start, end = match.span()
        glued = _space_between(text, start, end)
        if "opens" in match[0] or not glued:  # "snake_case" and "2*3" are no emphasis
            yield start, end, glued


def _even_spaces(text: str) -> Iterator[Edit]:
    for match in _SPACE_OR_DASH.finditer(text):
        yield *match.span(), "-" if "-" in match[0] else " "


def _space_between(text: str, start: int, end: int) -> str:
    """A space if words would run together without `[start, end)`: the aggregator glues links to their neighbours."""
    return " " if text[start - 1 : start].isalnum() and text[end : end + 1].isalnum() else ""


def normalised(text: str) -> str:
    """`text` as folded for comparison and for hashes; two texts that differ in form only are equal so.

    One space for any white space, none around a dash; straight quotes, plain dashes, "..." for "…";
    compatibility forms (ligatures, full width) and composed letters by NFKC, but not superscripts and
    fractions; no Markdown escapes, link targets, emphasis or heading marks; no invisible characters.
    Case is kept.
    """
    return (text if _TELLING.search(text) is None else fold(text).text).strip(" ")


def unmarked(text: str) -> str:
    """`text` as people read it: no Markdown escapes, link targets, emphasis or heading marks; the rest as it stands."""
    folded = Folded(text, text, array("L", range(len(text))), array("L", range(1, len(text) + 1)))
    for edits in (_without_links, _without_marks):
        folded = folded.edited(edits(folded.text))
    return folded.text


def stem(word: str) -> str:
    """The first letters of `word`, in small: "exclusive" and "exclusivity" are alike so."""
    return word[:STEM].lower()
