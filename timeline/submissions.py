"""From a document to what is to be recorded: the act, its keys, and the texts of its sources as received."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from timeline.core.announcements import (
    Act,
    Announcement,
    Attachment,
    Correction,
    Statement,
    act_from_json,
    canonical,
    content_hash,
)
from timeline.core.errors import Category, TimelineError
from timeline.core.evidence import check_quote
from timeline.core.terms import UNDATED, Kinds, text_of
from timeline.documents import Document

MAX_TEXT_BYTES = 10_000_000
_PATH = re.compile(r"[^\n\r]{1,300}\.(?:txt|md)", re.IGNORECASE)
_MEDIA_TYPES = {".txt": "text/plain", ".md": "text/markdown"}


@dataclass(frozen=True, slots=True)
class Text:
    """A source's text as received."""

    sha256: str
    media_type: str
    content: bytes

    @classmethod
    def of(cls, content: bytes, media_type: str) -> Text:
        """The text that is these bytes."""
        return cls(sha256(content).hexdigest(), media_type, content)


@dataclass(frozen=True, slots=True)
class Submission:
    """An act that somebody wants recorded."""

    act: Act
    body: str
    """Its canonical JSON."""
    hash: str
    """The content hash of the body."""
    key: str | None
    idempotency_key: str | None
    texts: Mapping[str, Text]
    """By sha256."""
    document: Document

    def located(self, error: TimelineError) -> TimelineError:
        """The refusal, naming the file and the line at fault."""
        return located(error, self.document)


def located(error: TimelineError, document: Document) -> TimelineError:
    """The refusal, naming the file and the line at fault unless it does already."""
    line = document.line_of(error.field or "")
    if "file" not in error.more and line:
        error.more |= {"file": document.name, "line": line}
    return error


def submit(
    document: Document, kinds: Kinds, *, key: str | None = None, idempotency_key: str | None = None, paths: bool = True
) -> Submission:
    """What a document asks to have recorded.

    Args:
        key: Overrides the document's own.
        paths: Whether a source's `text:` may name a file; over HTTP it may not.

    Raises:
        TimelineError: naming file, line and field; `invalid_field` for a term that was proposed without its year.
    """
    try:
        data = dict(document.data)
        own = data.pop("key", None)
        if key is None and own is not None:
            key = text_of(str(own) if isinstance(own, int) else own, field="key", length=200)
        texts: dict[str, Text] = {}
        if isinstance(data.get("sources"), list):
            data["sources"], texts = texts_apart(data["sources"], document.base if paths else None)
        act = act_from_json(data, kinds)
        _check_dated(act)
    except TimelineError as error:
        if error.category is Category.USAGE:  # the question is well put: it is the document that has no such date
            error.category = Category.REFUSED
        raise located(error, document) from error.__cause__
    body = canonical(act)
    return Submission(act, body, content_hash(body), key, idempotency_key, texts, document)


def texts_apart(sources: list[Any], base: Path | None) -> tuple[list[Any], dict[str, Text]]:
    """The sources of a document, their texts kept aside by the sha256 that now names them.

    Args:
        base: The folder that a text may name a file in; None: none.

    Raises:
        TimelineError: `invalid_field`, `unreadable_source`, `too_large`, `invalid_utf8`, with the field.
    """
    texts: dict[str, Text] = {}
    kept = [_with_text(source, f"sources[{place}]", base, texts) for place, source in enumerate(sources)]
    return kept, texts


def for_act(submission: Submission, act: Act) -> Submission:
    """The submission with another act in place of its own, such as a correction that wraps an announcement."""
    body = canonical(act)
    return replace(submission, act=act, body=body, hash=content_hash(body))


def check_quotes(content: Announcement, text_of_source: Mapping[str, str]) -> None:
    """Refuse a statement whose quote does not stand in the stored text of its source.

    Args:
        text_of_source: The stored texts by sha256.

    Raises:
        TimelineError: `quote_not_found` with the closest passage, or `quote_is_furniture`.
    """
    for place, statement in enumerate(content.statements):
        sha = content.source_of(statement).text_sha256
        if sha is not None and statement.unsupported is None:
            check_quote(statement.quote, text_of_source[sha], field=f"statements[{place}].quote")


def _check_dated(act: Act) -> None:
    content = act.content if isinstance(act, Correction) else act
    for place, statement in enumerate(content.statements if isinstance(content, Announcement) else ()):
        if statement.term.subject == UNDATED:
            raise TimelineError(
                "invalid_field",
                f"{statement.term} is named after no year: its page had none.",
                f"Put the year in place of “{UNDATED}”: {statement.term.kind}/2023.",
                field=f"statements[{place}].term",
            )


def quoted_texts(act: Act) -> set[str]:
    """The sha256 of the stored texts that the act's statements quote, or that it attaches."""
    content = act.content if isinstance(act, Correction) else act
    if isinstance(content, Attachment):
        return {source.text_sha256 for source in content.sources if source.text_sha256 is not None}
    if not isinstance(content, Announcement):
        return set()
    statements: tuple[Statement, ...] = content.statements
    return {sha for each in statements if (sha := content.source_of(each).text_sha256) is not None}


def decoded(content: bytes, *, name: str, field: str | None) -> str:
    """A stored text for reading; it must be UTF-8."""
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TimelineError(
            "invalid_utf8",
            f"{name} is not UTF-8: byte {error.start} cannot be read.",
            "Save it as UTF-8.",
            field=field,
        ) from error


def _with_text(source: Any, field: str, base: Path | None, texts: dict[str, Text]) -> Any:
    """The source, its `text` kept aside and named by its sha256."""
    if not isinstance(source, dict) or source.get("text") is None:
        return source
    kept = dict(source)
    raw = kept.pop("text")
    place = f"{field}.text"
    if not isinstance(raw, str) or not raw.strip():
        raise TimelineError(
            "invalid_field", "A text is text, or the path of a .txt or .md file.", "Write text: |.", field=place
        )
    if _PATH.fullmatch(raw.strip()):
        text = _from_file(raw.strip(), base, place)
    else:
        content = raw.encode()
        text = Text.of(content, "text/plain")
    if len(text.content) > MAX_TEXT_BYTES:
        raise _too_large(raw[:80], place)
    decoded(text.content, name=raw[:80].strip(), field=place)
    if str(kept.get("text_sha256") or text.sha256).lower() != text.sha256:
        raise TimelineError(
            "conflicting_fields",
            "text_sha256 is not that of the text.",
            "Leave text_sha256 out, for it is computed; or send the text that it belongs to.",
            field=f"{field}.text_sha256",
        )
    texts[text.sha256] = text
    kept["text_sha256"] = text.sha256
    return kept


def _from_file(raw: str, base: Path | None, field: str) -> Text:
    if base is None:
        raise TimelineError(
            "unreadable_source", "A file cannot be named from here.", "Put the text itself in text.", field=field
        )
    path = base / raw
    try:
        path = path.resolve()
        inside, plain = path.is_relative_to(base.resolve()), path.is_file() or not path.exists()
    except (OSError, RuntimeError):  # a loop of links, a name too long
        inside, plain = True, False
    if not plain:
        raise TimelineError(
            "unreadable_source", f"{raw} is not a file that can be read.", "Name a .txt or .md file.", field=field
        )
    if not inside:
        raise TimelineError(
            "unreadable_source",
            f"{raw} lies outside the folder of the document.",
            "Keep the texts beside or below the file that names them.",
            field=field,
        )
    try:
        if path.stat().st_size > MAX_TEXT_BYTES:
            raise _too_large(raw, field)
        content = path.read_bytes()
    except OSError as error:
        raise TimelineError(
            "unreadable_source",
            f"{raw} cannot be read: {error.strerror}.",
            "The path is taken from the folder of the document; check it.",
            field=field,
        ) from error
    return Text.of(content, _MEDIA_TYPES[path.suffix.lower()])


def _too_large(name: str, field: str) -> TimelineError:
    return TimelineError(
        "too_large",
        f"{name} is larger than {MAX_TEXT_BYTES // 1_000_000} MB.",
        "Keep the pages that are quoted from.",
        field=field,
    )
