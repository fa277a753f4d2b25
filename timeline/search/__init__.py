"""Full-text search in titles, summaries, quotes and stored texts: the words, the index, the questions to it."""

from timeline.search.finding import find, read
from timeline.search.index import catch_up, differing, rebuild
from timeline.search.likeness import similar

__all__ = ["catch_up", "differing", "find", "read", "rebuild", "similar"]
