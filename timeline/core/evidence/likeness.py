"""Whether one text is another report of a second one."""

from __future__ import annotations

from timeline.core.evidence.folding import WORD, normalised, stem
from timeline.core.evidence.page import EVIDENCE, blocks

SHINGLE = 5  # words

_SHORTEST = 4  # letters of a word that says what a text is about
_COMMON = frozenset(
    {"also", "been", "both", "from", "have", "into", "more", "most", "other", "over", "some", "such", "than", "that"}
    | {"their", "them", "then", "these", "they", "this", "those", "through", "were", "what", "when", "where", "which"}
    | {"while", "will", "with", "would", "your"}
)


def same_text(one: str, other: str) -> bool:
    """Whether the two texts differ in form only."""
    return normalised(one) == normalised(other)


def similarity(one: str, other: str) -> float:
    """The share of the shorter text's runs of five words that stand in the other as well, 0 to 1.

    Case and a page's furniture do not count. Copies and excerpts come near 1. Measured on real pages: an
    announcement and a blog's retelling of it in other words 0.15, two announcements of the same parties
    0.00. A text under five words is one run.
    """
    return _contained(runs(words(one)), runs(words(other)))


def overlap(one: str, other: str) -> float:
    """The share of the content words of the text with fewer that occur in the other as well, 0 to 1.

    The measure for a report in other words: on the same pages the retelling has 0.75, the two
    announcements of the same parties 0.38. It is the coarser one: it suggests, and a reader decides.
    """
    return _contained(_content(words(one)), _content(words(other)))


def telling(word: str) -> bool:
    """Whether a word in small letters can say what a text is about: long enough, and none that every text has."""
    return len(word) >= _SHORTEST and word not in _COMMON


def words(text: str) -> list[str]:
    """The words of what is evidence in a text, folded and in small."""
    said = " ".join(text[block.start : block.end] for block in blocks(text) if block.part in EVIDENCE)
    return [word.lower() for word in WORD.findall(normalised(said))]


def runs(said: list[str]) -> set[tuple[str, ...]]:
    """Every run of five words; a text under five words is one run."""
    return {tuple(said[at : at + SHINGLE]) for at in range(max(len(said) - SHINGLE + 1, min(len(said), 1)))}


def _content(said: list[str]) -> set[str]:
    return {stem(word) for word in said if telling(word)}


def _contained(one: set[str] | set[tuple[str, ...]], other: set[str] | set[tuple[str, ...]]) -> float:
    smaller = min(len(one), len(other))
    return len(one & other) / smaller if smaller else 0.0
