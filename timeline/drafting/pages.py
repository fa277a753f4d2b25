"""The first document of a page: what the page itself says beyond doubt, and nothing else. Pure."""

from __future__ import annotations

import re
from typing import Any

from timeline.core.evidence import Part, blocks

Json = dict[str, Any]
_SOURCE = re.compile(r"\bSource: \[(?P<url>https?://[^\s\]]+)\]\(")
_HEADING = re.compile(r"#{1,6}\s+")
_LONGEST = 300


def of_page(text: str, sha256: str, address: str | None) -> Json:
    """An announcement whose one source is that text, with a title and an address where the page has them.

    What the page does not say is left out, for `check` to ask: which partnership, whose page (tier), announced when.

    Args:
        text: The page as text; an aggregator's saved page is told from its furniture.
        sha256: Of the text, as it is kept.
        address: Where it was, if whoever brings it knows.
    """
    parts = {block.part: text[block.start : block.end] for block in blocks(text)}
    head = parts.get(Part.TITLE) or next((line for line in text.splitlines() if line.strip()), "")
    body = parts.get(Part.BODY, "")
    named = _SOURCE.search(body, 0, 2_000) if Part.TITLE in parts else None
    url = address or (None if named is None else named["url"])
    source: Json = {} if url is None else {"url": url}
    return {
        "title": _HEADING.sub("", head.strip(), count=1)[:_LONGEST],
        "sources": [source | {"text_sha256": sha256}],
        "statements": [],
    }
