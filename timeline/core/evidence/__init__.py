"""Whether these words are in that source, and whether one text is another report of a second one.

Texts are compared folded (white space, typographic marks, Markdown), and every answer is given in
offsets into the text as received, half-open `[start, end)`. A saved page of the aggregator is told apart
into its parts: what the aggregator wrote itself is furniture, and furniture proves nothing.

From the bottom: `page` knows the parts, `folding` the form in which texts are compared, `quotes` and
`likeness` answer. Pure, and near linear in the text whatever it holds.
"""

from timeline.core.evidence.folding import normalised, unmarked
from timeline.core.evidence.likeness import overlap, runs, same_text, similarity, telling, words
from timeline.core.evidence.page import EVIDENCE, Block, Lead, Part, blocks, leads
from timeline.core.evidence.quotes import (
    MAX_OMITTED,
    MAX_PIECES,
    MAX_QUOTE,
    Found,
    FurnitureOnly,
    Nearest,
    NotFound,
    check_quote,
    find_quote,
)

__all__ = [
    "EVIDENCE",
    "MAX_OMITTED",
    "MAX_PIECES",
    "MAX_QUOTE",
    "Block",
    "Found",
    "FurnitureOnly",
    "Lead",
    "Nearest",
    "NotFound",
    "Part",
    "blocks",
    "check_quote",
    "find_quote",
    "leads",
    "normalised",
    "overlap",
    "runs",
    "same_text",
    "similarity",
    "telling",
    "unmarked",
    "words",
]
