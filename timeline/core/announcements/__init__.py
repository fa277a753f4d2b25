"""What was said: the acts as frozen values, and their canonical JSON, which is the storage form.

The announcement file, the HTTP body and the stored body have one shape; `reading` takes it in, `storing` writes it
down and `recalling` reads that again. A source's stored text is named by its sha256 only: whoever takes the document
in keeps the bytes.
"""

from timeline.core.announcements.fields import check_address
from timeline.core.announcements.reading import act_from_json, reference
from timeline.core.announcements.recalling import act_checked, act_from_stored
from timeline.core.announcements.storing import act_to_json, canonical, content_hash, with_texts
from timeline.core.announcements.values import (
    FORCES,
    KIND_OF_ACT,
    TIERS,
    Act,
    Announcement,
    Attachment,
    Correction,
    Direction,
    Effective,
    ForGood,
    Occurrence,
    Opening,
    Retraction,
    Source,
    Statement,
    Unknown,
    Until,
    UntilEvent,
    When,
)

__all__ = [
    "FORCES",
    "KIND_OF_ACT",
    "TIERS",
    "Act",
    "Announcement",
    "Attachment",
    "Correction",
    "Direction",
    "Effective",
    "ForGood",
    "Occurrence",
    "Opening",
    "Retraction",
    "Source",
    "Statement",
    "Unknown",
    "Until",
    "UntilEvent",
    "When",
    "act_checked",
    "act_from_json",
    "act_from_stored",
    "act_to_json",
    "canonical",
    "check_address",
    "content_hash",
    "reference",
    "with_texts",
]
