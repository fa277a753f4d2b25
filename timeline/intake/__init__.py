"""From a page as people receive it to a draft with the words in hand: reading, fetching when asked, proposing.

Nothing here records anything. A page's bytes are read once; its text is derived, cleaned, and told apart into what is
evidence and what is furniture. What is proposed comes with its quote, or not at all.

From the bottom: `page` is what comes out, `cleaning` takes out what no text should hold, `html` and `pdf` find the
text, `reading` ties them together; `fetching` asks another host; `drafted` writes the announcement document.
"""

from timeline.intake.drafted import Drafted, document, propose_for, written
from timeline.intake.fetching import Fetched, fetch
from timeline.intake.page import MAX_PAGE_BYTES, Cleaned, KeptApart, Page
from timeline.intake.reading import read

__all__ = [
    "MAX_PAGE_BYTES",
    "Cleaned",
    "Drafted",
    "Fetched",
    "KeptApart",
    "Page",
    "document",
    "fetch",
    "propose_for",
    "read",
    "written",
]
