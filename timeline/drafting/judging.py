"""What stands in the way of a draft: every refusal at once, where an append would stop at the first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from timeline.core.announcements import Announcement
from timeline.core.errors import TimelineError
from timeline.core.terms import Kinds
from timeline.documents import Document, read
from timeline.submissions import Submission, Text, check_quotes, decoded, located, submit

Json = dict[str, Any]
OTHER_ACTS = ("corrects", "retracts", "occurred", "attaches", "parties")
"""The field by which a document is known to be no announcement."""
_STAND_INS: Json = {
    "partnership": "a-b",
    "title": "–",
    "announced": "0002-01-01",
    "force": "agreed",
    "sources": [{"publisher": "–", "tier": "party"}],
    "summary": None,
    "note": None,
    "key": None,
}
"""What a field that is missing or wrong is taken for, so that the fields after it can be looked at as well."""


def only_document(text: str, name: str) -> Document:
    """The one document of a draft.

    Raises:
        TimelineError: what `documents.read` raises; `malformed_document` for several.
    """
    documents = read(text.encode(), name)
    first = next(documents)
    if next(documents, None) is not None:
        raise TimelineError(
            "malformed_document",
            f"{name} holds several documents; a draft is one act.",
            "Take the others out, and make a draft of each.",
            file=name,
        )
    return first


def submission_of(document: Document, kinds: Kinds, texts: Mapping[str, Text]) -> Submission:
    """What a draft asks to have recorded, its texts included.

    Raises:
        TimelineError: as `submissions.submit`.
    """
    made = submit(document, kinds, paths=False)
    return replace(made, texts={**texts, **made.texts})


def problems(document: Document, kinds: Kinds, texts: Mapping[str, Text]) -> list[TimelineError]:
    """Every rule that the document breaks by itself, in its order; what is on record is not asked."""
    if any(name in document.data for name in OTHER_ACTS):
        return _first(document, kinds, texts)
    found: list[TimelineError] = []
    header = _header(document, kinds, found)
    statements = document.data.get("statements")
    if not isinstance(statements, list | tuple):
        return found
    for place, statement in enumerate(statements):
        alone = Document.of({**header, "statements": [statement]}, document.name)
        for error in _first(alone, kinds, texts):
            if error.field is not None:
                error.field = error.field.replace("statements[0]", f"statements[{place}]", 1)
            found.append(error)
    return [located(error, document) for error in found]


def _header(document: Document, kinds: Kinds, found: list[TimelineError]) -> Json:
    """The document without its statements, each field that is refused noted and replaced by its stand-in."""
    header = {name: value for name, value in document.data.items() if name != "statements"}
    for _ in range(len(header) + len(_STAND_INS)):  # each field is refused once at most
        try:
            submit(Document.of({**header, "statements": []}, document.name), kinds, paths=False)
        except TimelineError as error:
            found.append(error)
            root = (error.field or "").partition(".")[0].partition("[")[0]
            if root in _STAND_INS:
                header[root] = _STAND_INS[root]
            elif root in header:
                del header[root]
            else:
                break
        else:
            break
    return header


def _first(document: Document, kinds: Kinds, texts: Mapping[str, Text]) -> list[TimelineError]:
    """The first rule that the document breaks; none when it breaks none."""
    try:
        made = submission_of(document, kinds, texts)
        content = getattr(made.act, "content", made.act)
        if isinstance(content, Announcement):
            readable = {sha: decoded(text.content, name="The text", field=None) for sha, text in made.texts.items()}
            named = [source.text_sha256 for source in content.sources if source.text_sha256 is not None]
            if set(named) <= readable.keys():  # of others the record knows whether it keeps them
                check_quotes(content, readable)
    except TimelineError as error:
        return [error]
    return []
