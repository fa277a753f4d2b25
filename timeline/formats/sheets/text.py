"""What the documents share: characters that cannot be shown, the sentences of a source, and how to ask again."""

from __future__ import annotations

import re

from timeline.core.sheet import Cell, Quote, Sheet

_UNSEEN = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f"
    r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)
"""Controls, marks that reorder what is read, surrogates and non-characters; not tab and the ends of lines."""
_WEB = re.compile(r"https?://[^\s<>\"]+\Z")


def visible(text: str) -> str:
    """The text with each character that no reader can see, or that reorders the others, written by its number."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def one_line(text: str) -> str:
    """The visible text with every run of white space as one space."""
    return " ".join(visible(text).split())


def shown(cell: Cell) -> str:
    """A cell as a person reads it; never blank."""
    if isinstance(cell, tuple):
        return " ".join(f"[{number}]" for number in cell) or "none"
    return "–" if cell is None or cell == "" else visible(str(cell))


def linkable(address: str | None) -> bool:
    """Whether it may stand behind a link: an address on the web, and nothing that a program would run."""
    return address is not None and _WEB.match(address) is not None


def words(quote: Quote) -> str:
    """The quoted words in quotation marks, or that there are none."""
    return f"“{quote.words}”" if quote.words else "(no words)"


def standing(quote: Quote) -> str:
    """Who said it, when, and whether it was found."""
    return f"{quote.publisher} ({quote.tier}), announced {quote.announced}; {quote.standing}."


def asking_again(sheet: Sheet, suffix: str) -> list[tuple[str, str]]:
    """How to get the same document again, and how to check it: a label and what to open or type."""
    cited = sheet.citation
    return [
        ("This document", cited.link(suffix)),
        ("The page, which also says whether it reads the same today", cited.link()),
        ("Without a server", cited.again(suffix)),
        ("To check the sha256", f"curl -s '{cited.link('json')}' | sha256sum"),
    ]
