"""A feed cut into documents: its head, and the archive pages behind it.

Page k holds the put-outs k·n+1 … (k+1)·n of the feed, counted from its first; it exists once all of them do, the
first one only together with the second, so that every page has a neighbour to link to. Of an entry that was put out
twice in a page it shows the later version. The head shows the n entries put out last, each as it stands, and up to 2n
while there is no page: what is in no page yet is in the head, so the two together always hold every entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from timeline.formats import FeedPage, Item, Span
from timeline.publishing.shelf import Shelf, Shelved


def sealed(size: int, length: int) -> int:
    """How many archive pages of that length a feed with that many put-outs has."""
    pages = size // length
    return pages if pages > 1 else 0


def span(page: int, length: int) -> Span:
    """The put-outs of an archive page; pages are counted from 0."""
    return Span(page * length + 1, (page + 1) * length)


def head(shelf: Shelf, feed: Shelved, length: int) -> FeedPage:
    """The feed's newest entries, with the way to its archive if it has one."""
    pages = sealed(feed.size, length)
    return FeedPage(
        name=feed.name,
        title=feed.title,
        subtitle=feed.subtitle,
        items=tuple(shelf.newest([feed.name], length if pages else 2 * length)),
        older=span(pages - 1, length) if pages else None,
        complete=not pages,
    )


def archive(shelf: Shelf, feed: Shelved, page: int, length: int) -> FeedPage:
    """An archive page. It changes once after it was sealed: when its successor is, it gets the link to it."""
    here = span(page, length)
    return FeedPage(
        name=feed.name,
        title=feed.title,
        subtitle=feed.subtitle,
        items=latest(shelf.items(feed.name, here.first, here.last)),
        span=here,
        older=span(page - 1, length) if page else None,
        newer=span(page + 1, length) if page + 1 < sealed(feed.size, length) else None,
    )


def latest(items: Iterable[Item]) -> tuple[Item, ...]:
    """Of put-outs in order, the last of each entry, newest first."""
    found: dict[str, Item] = {}
    for item in items:
        found.pop(item.entry.id, None)
        found[item.entry.id] = item
    return tuple(reversed(found.values()))


def mine(shelf: Shelf, feeds: Sequence[Shelved], length: int) -> FeedPage:
    """The newest entries of several partnerships, for a reader's own list; their archives are in their own feeds."""
    names = [feed.name for feed in feeds]
    listed = ", ".join(feed.title for feed in feeds[:3]) + (f" and {len(feeds) - 3} more" if len(feeds) > 3 else "")
    return FeedPage(
        name="mine",
        title=f"My partnerships: {listed}",
        subtitle=f"What changed in the partnerships of this list ({len(feeds)}).",
        items=tuple(shelf.newest(names, length)),
        query=own_query(feeds),
    )


def own_query(feeds: Sequence[Shelved]) -> str:
    """What the address of a list of those partnerships ends in."""
    return "?" + "&".join(f"p={feed.name}" for feed in feeds)


def documents(shelf: Shelf, feed: Shelved, length: int, since: int) -> Iterator[FeedPage]:
    """The feed's documents that differ from when it had `since` put-outs: archive pages first, the head last."""
    # The page that was the newest one then may get a successor now.
    for page in range(max(sealed(since, length) - 1, 0), sealed(feed.size, length)):
        yield archive(shelf, feed, page, length)
    yield head(shelf, feed, length)
