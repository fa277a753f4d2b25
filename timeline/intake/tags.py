"""How many attributes the tags of a page have, found before the page is parsed.

The parser compares each attribute of a tag with all those before it: twenty thousand on one tag take it more than a
second, and a page has room for two million. So a page with such a tag is refused, and to find that out is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

MOST_ATTRIBUTES = 200
"""On one tag; pages that people read have some dozens."""
_TAG = re.compile(r"<[A-Za-z]")
_BETWEEN = re.compile(r"[\t\n\f\r /]*")
_IS = re.compile(r"[\t\n\f\r ]*=[\t\n\f\r ]*")


def has_crowded_tag(markup: str, most: int = MOST_ATTRIBUTES) -> bool:
    """Whether a tag may have more than `most` attributes, by the rules of HTML (its standard, §13.2.5).

    Whether a < begins a tag depends on comments and scripts before it, in which parsers differ. So each < before a
    letter is taken to begin one: a page may be refused for what only stands in a comment, and none gets past. The
    tags so begun overlap, but what follows an attribute is the same whichever tag it is in, and is read once.
    """
    tag_names, attributes = _Ends(markup, r"[\t\n\f\r />]"), _Attributes(markup)
    counted: dict[int, int] = {}
    furthest = 0
    for tag in _TAG.finditer(markup):
        if tag.start() > furthest:
            counted.clear()  # nothing that begins here leads back
        passed: list[int] = []
        ahead = 0
        for at in attributes.places(tag_names.after(tag.end())):
            if at in counted or len(passed) > most:
                ahead = counted.get(at, 0)
                break
            passed.append(at)
        if ahead + len(passed) > most:
            return True
        furthest = max(furthest, passed[-1] if passed else 0)
        counted |= {place: number for number, place in enumerate(reversed(passed), ahead + 1)}
    return False


class _Ends:
    """Where the words of a text end; to begin within the word that was asked for last costs nothing."""

    def __init__(self, markup: str, of: str) -> None:
        self._markup = markup
        self._of = re.compile(of)
        self._known = range(0)

    def after(self, start: int) -> int:
        """The first end from `start` on, or that of the text."""
        if start not in self._known:
            found = self._of.search(self._markup, start)
            self._known = range(start, (len(self._markup) if found is None else found.start()) + 1)
        return self._known[-1]


class _Attributes:
    """The attributes of tags, one after the other."""

    def __init__(self, markup: str) -> None:
        self._markup = markup
        self._names = _Ends(markup, r"[\t\n\f\r />=]")
        self._values = _Ends(markup, r"[\t\n\f\r >]")

    def places(self, at: int) -> Iterator[int]:
        """The place before each attribute from `at` on, up to the end of the tag."""
        markup = self._markup
        while True:
            between = _BETWEEN.match(markup, at)
            assert between is not None  # it may be empty
            begin = between.end()
            if begin >= len(markup) or markup[begin] == ">":
                return
            yield at
            at = self._names.after(begin + 1)  # a name may begin with =
            is_ = _IS.match(markup, at)
            if is_ is not None:
                value = is_.end()
                quote = markup[value : value + 1]
                if quote in ('"', "'"):
                    closing = markup.find(quote, value + 1)
                    at = len(markup) if closing < 0 else closing + 1
                else:
                    at = self._values.after(value)
