"""What is recorded in the benchmark: announcements of three statements each, with a text that holds their quotes.

No two texts and no two quotes of a partnership are the same: what is folded or searched once is kept, and texts that
came again would be measured as nothing.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from timeline.core.terms import BUILTIN
from timeline.documents import Document
from timeline.submissions import Submission, submit

TERMS = 12
"""Terms of a partnership that take turns, three in each announcement."""


def opening(name: str) -> dict[str, Any]:
    """The document that opens a partnership."""
    return {"partnership": name, "name": name, "parties": {"acme": "Acme", "bolt": "Bolt"}}


def announcement(name: str, number: int, terms: int = TERMS) -> dict[str, Any]:
    """The announcement of that number: a day later than the one before, three terms, each with its quote.

    The same number gives the same announcement.
    """
    day = (date(1900, 1, 1) + timedelta(days=number)).isoformat()
    said = [(3 * number + place) % terms for place in range(3)]
    quotes = [f"Bolt holds {number % 100} percent of the unit {place} of Acme from {day} on" for place in said]
    text = f"Announcement {number} of {name}. {'. '.join(quotes)}."
    return {
        "key": f"{name}-{number}",
        "partnership": name,
        "title": f"Acme and Bolt announce number {number}",
        "announced": day,
        "sources": [{"url": f"https://example.org/{name}/{number}", "tier": "party", "text": text}],
        "statements": [
            {
                "term": f"stake/unit-{place}",
                "direction": "acme -> bolt",
                "set": {"percent": number % 100},
                "effective": day,
                "quote": quote,
            }
            for place, quote in zip(said, quotes, strict=True)
        ],
    }


def submission(document: dict[str, Any]) -> Submission:
    """The document as the desk takes it."""
    return submit(Document.of(document, "bench"), BUILTIN)
