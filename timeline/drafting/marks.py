"""Marks of a report: what two reports of one announcement have in common, short enough to be looked up.

A mark is a kind and a hash: of the folded address, of the words of a text, of single runs of five words, of the day
and the parties. Two reports of the same share marks; what shares marks is looked at, and need not be the same. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from hashlib import blake2b
from heapq import nsmallest
from urllib.parse import parse_qsl, urlencode, urlsplit

from timeline.core.evidence import runs, words

ADDRESS, TEXT, RUN, DAY = "address", "text", "run", "day"
SKETCH = 64
"""Runs of words kept of a text: those with the smallest hashes. Texts that share a tenth of their runs share some."""
_TRACKING = re.compile(
    r"utm_.*|mc_[ce]id|[gdf]clid|fbclid|gbraid|wbraid|msclkid|yclid|igshid|_hs(enc|mi)|mkt_tok|ref(_src|errer)?|cmpid",
    re.IGNORECASE,
)


def folded_address(url: str) -> str:
    """The address without what two links to one page differ in: scheme, www., tracking, a last slash, the fragment.

    What is no address folds to itself.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").rstrip(".").removeprefix("www.")
        port = f":{parts.port}" if parts.port not in (None, 80, 443) else ""
    except ValueError:
        return url
    if not host:
        return url
    asked = sorted(pair for pair in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(pair[0]))
    return f"{host}{port}{parts.path.rstrip('/')}{'?' if asked else ''}{urlencode(asked)}"


def of_address(url: str) -> str:
    """The mark of the folded address."""
    return _mark(ADDRESS, folded_address(url))


def of_text(text: str) -> set[str]:
    """The mark of all its words, and those of a few of its runs; none of a text without a word."""
    said = words(text)
    if not said:
        return set()
    sketch = nsmallest(SKETCH, (_mark(RUN, " ".join(run)) for run in runs(said)))
    return {_mark(TEXT, " ".join(said)), *sketch}


def of_day(announced: str, parties: Iterable[str]) -> str:
    """The mark of an announced day and the parties, in whatever order and of whatever partnership."""
    return _mark(DAY, f"{announced} {' '.join(sorted(parties))}")


def kind_of(mark: str) -> str:
    """What a mark is of."""
    return mark.partition(":")[0]


def _mark(kind: str, what: str) -> str:
    return f"{kind}:{blake2b(what.encode('utf-8', 'replace'), digest_size=10).hexdigest()}"
