"""Full-text search in titles, summaries, quotes and stored texts: the words, the index, the questions to it."""

from timeline.search.finding import PARAMETERS, find, read
from timeline.search.index import catch_up, differing, rebuild

__all__ = ["PARAMETERS", "catch_up", "differing", "find", "read", "rebuild"]
