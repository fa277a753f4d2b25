"""What a page may be proposed to say: by rules that can be explained, and never without the words themselves.

A proposal is a statement in the announcement file's form, its quote included, and the name of the rule that made it.
Precision comes first: a sentence that hedges, denies or speaks of somebody else proposes nothing. Whatever proposes,
our rules or a plugged-in proposer, its quote must stand in the source's text.

From the bottom: `values` says what is handed in and out, `phrases` reads money, days and names in prose,
`rules` proposes.
"""

from timeline.core.proposing.phrases import dated
from timeline.core.proposing.propose import propose
from timeline.core.proposing.values import (
    Dated,
    Known,
    KnownTerm,
    OpenPoint,
    Party,
    Proposal,
    Proposed,
    Proposer,
    Reading,
)

__all__ = [
    "Dated",
    "Known",
    "KnownTerm",
    "OpenPoint",
    "Party",
    "Proposal",
    "Proposed",
    "Proposer",
    "Reading",
    "dated",
    "propose",
]
