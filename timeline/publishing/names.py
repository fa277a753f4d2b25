"""Which feeds there are, what they are called, and which of them an entry stands in."""

from __future__ import annotations

from typing import NamedTuple

from timeline.core.announcements import Opening
from timeline.core.feed import Entry


class FeedName(NamedTuple):
    """A feed's address below /feeds/, without suffix, and what it is called."""

    name: str
    title: str
    subtitle: str


EVERYWHERE = (
    FeedName("all", "Timeline: all changes", "What changed in any partnership."),
    FeedName(
        "everything",
        "Timeline: everything recorded",
        "What changed in any partnership, and what was only reaffirmed, proposed or reported.",
    ),
)


def feeds_opened(opening: Opening) -> list[FeedName]:
    """The feeds that exist from a partnership's opening on, before anything is said."""
    own = FeedName(opening.partnership, opening.name, f"What changed between {_and([n for _, n in opening.parties])}.")
    return [own, *(_of_party(slug, name) for slug, name in opening.parties)]


def feeds_of(entry: Entry) -> list[FeedName]:
    """The feeds that the entry stands in by what it is about; those of parties are `feeds_opened`'s."""
    if entry.quiet:
        return []
    found = []
    for kind in entry.kinds:
        words = kind.replace("-", " ")
        found.append(FeedName(f"{entry.partnership}/{kind}", f"{entry.name}: {words}", f"Changes of {words}."))
        found.append(FeedName(f"kind/{kind}", f"All partnerships: {words}", f"Changes of {words} in any partnership."))
    return found


def names_of(entry: Entry) -> list[str]:
    """The names of every feed that the entry stands in."""
    if entry.quiet:
        return ["everything"]
    parties = [f"party/{slug}" for slug in entry.parties]
    topics = [feed.name for feed in feeds_of(entry)]
    return list(dict.fromkeys(["all", "everything", entry.partnership, *parties, *topics]))


def shelf_order(name: str) -> tuple[int, str]:
    """The order in which feeds are listed: the whole, then partnerships with their kinds, parties, kinds."""
    if name in ("all", "everything"):
        return 0, name
    return {"party": 2, "kind": 3}.get(name.split("/", maxsplit=1)[0], 1), name


def _of_party(slug: str, name: str) -> FeedName:
    return FeedName(f"party/{slug}", f"{name}: all its partnerships", f"What changed in any partnership of {name}.")


def _and(names: list[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
