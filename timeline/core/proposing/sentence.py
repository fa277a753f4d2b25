"""A sentence as a rule sees it: who is named in it and how, and which term on record its words are about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from timeline.core.proposing.values import Known, KnownTerm
from timeline.core.terms import Term

_SOMEBODY_ELSE = re.compile(r"\b(?:(?:of|by)|[A-Z][\w.&-]*\s+(?:and|or))\s+$")


@dataclass(frozen=True, slots=True)
class Names:
    """How the parties are named in a page."""

    known: Known
    speaker: str | None

    def pattern(self, group: str) -> str:
        """A party as the one who acts or who is acted upon."""
        return rf"(?P<{group}>{self.any()}" + (r"|[Ww]e|us" if self.speaker else "") + r")(?![\w'’-])"

    def owner(self, group: str) -> str:
        """A party as an owner: "Quill’s", "our"."""
        return rf"(?:(?P<{group}>{self.any()})['’]s?" + (rf"|(?P<{group}_own>[Oo]ur)" if self.speaker else "") + ")"

    def slug(self, match: re.Match[str], group: str) -> str | None:
        """The party that a group of `pattern` or `owner` names."""
        if self.speaker and match.groupdict().get(f"{group}_own"):
            return self.speaker
        said = match[group]
        if said is None:
            return None
        return self.speaker if said.lower() in ("we", "us") else self.by_name()[said]

    def other(self, slug: str | None) -> str | None:
        """The other party, where there are two."""
        rest = [each for each in self.known.parties if each != slug]
        return rest[0] if slug is not None and len(rest) == 1 else None

    def named(self, text: str) -> list[str]:
        """The parties that are named in a text, by their names alone."""
        found = re.finditer(rf"\b(?:{self.any()})(?![\w-])", text)
        return list(dict.fromkeys(self.by_name()[match[0]] for match in found))

    def any(self) -> str:
        """Any party by its name."""
        names = sorted(self.by_name(), key=len, reverse=True)
        return r"\b(?>" + "|".join(re.escape(name).replace("\\ ", " ") for name in names) + ")"

    def knows(self, word: str) -> bool:
        """Whether a word is part of a party's name."""
        return any(word in name.split() for name in self.by_name())

    def by_name(self) -> dict[str, str]:
        """The party that each name means."""
        names = {name: slug for slug, name in self.known.parties.items()}
        return names | {name: slug for slug, further in self.known.aliases.items() for name in further}


@dataclass(frozen=True, slots=True)
class Sentence:
    text: str
    names: Names
    announced: str | None

    def find(self, pattern: str, actor: str | None = None) -> Iterator[re.Match[str]]:
        """The matches; a space in the pattern is any white space.

        Args:
            actor: The group that names who acts. "A fund of A" and "Norvane and A" are somebody else.
        """
        for match in re.finditer(pattern.replace(" ", r"\s+"), self.text):
            if actor is None or not _SOMEBODY_ELSE.search(self.text[: match.start(actor)]):
                yield match

    def known(self, kind: str, direction: tuple[str, str] | None, words: str) -> KnownTerm | None:
        """The term on record of that kind and direction whose subject's words all stand in `words`."""
        said = set(re.findall(r"[a-z0-9]+", words.lower()))
        fitting = [
            each
            for each in self.names.known.terms
            if each.term.kind == kind
            and (direction is None or each.direction == direction)
            and said >= set(each.term.subject.split("-")) - {"and"}
        ]
        return max(fitting, key=lambda each: len(each.term.subject), default=None)

    def term(self, kind: str, direction: tuple[str, str], words: str) -> str:
        """The term on record that fits, or a new one named after the words."""
        known = self.known(kind, direction, words)
        subject = known.term.subject if known else slugged(words)
        return str(Term(kind, subject))


def slugged(words: str) -> str:
    """A subject named after the first words of a phrase."""
    said = [
        word for word in re.findall(r"[a-z0-9]+", words.lower()) if word not in ("the", "a", "an", "of", "its", "our")
    ]
    return "-".join(said[:4])[:60].strip("-")
