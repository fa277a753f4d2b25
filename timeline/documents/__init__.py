"""Announcement files as plain data, each value knowing its line: YAML, JSON, and NDJSON for bulk.

Nothing is guessed: only `null`, `true`, `false` and JSON's numbers are more than text, a number with a
fraction or an exponent is a Decimal of its literal text, and what two readers could take differently is refused.
"""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from timeline.core.errors import TimelineError
from timeline.documents import json_text, yaml_text
from timeline.documents.plain import Node, clean, malformed
from timeline.documents.yaml_text import inline, written

__all__ = ["MAX_BYTES", "MAX_LINE_BYTES", "SUFFIXES", "Document", "clean", "inline", "read", "walk", "written"]

SUFFIXES = (".yaml", ".yml", ".json", ".ndjson")
MAX_BYTES = 5_000_000
MAX_LINE_BYTES = 1_000_000

_STEP = re.compile(r"([^.\[\]]+)|\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Document:
    """One document of a file: a mapping of plain data.

    Attributes:
        data: Values are dict, list, str, bool, int, Decimal or None.
        name: The file as it was named to us.
        base: The folder that relative paths in the document start from.
    """

    data: dict[str, Any]
    name: str
    base: Path
    _root: Callable[[], Node] = field(repr=False)

    @classmethod
    def of(cls, data: dict[str, Any], name: str) -> Document:
        """A document that was typed or built, with no file behind it; its line is 0."""
        return cls(data, name, Path(), lambda: Node(0))

    def line_of(self, field: str) -> int:
        """Return the line, from 1, of `statements[2].set.percent`; of its nearest ancestor where it is missing."""
        node = self._root()
        for key, place in _STEP.findall(field):
            if (key or place) not in node.inside:
                break
            node = node.inside[key or place]
        return node.line


def walk(paths: Iterable[Path]) -> list[Path]:
    """Return the files that are named, and in folders all announcement files in path order; none twice, none hidden.

    Raises:
        TimelineError: `unreadable_source` for a path that does not exist, and a folder inside that cannot be read.
    """
    found: dict[Path, None] = {}
    for path in paths:
        try:
            there = path.exists()
        except OSError as error:  # a name too long, a folder that may not be entered
            raise _unreadable(str(path), error.strerror or str(error)) from error
        if not there:
            raise _unreadable(str(path), "there is no such file or folder")
        found |= dict.fromkeys(sorted(_announcements(path)) if path.is_dir() else [path])
    return list(found)


def read(source: Path | bytes, name: str | None = None, *, base: Path | None = None) -> Iterator[Document]:
    """Yield the documents of a file or of bytes, in order; NDJSON is never held whole.

    A document is yielded before the next one is looked at, so trouble further down is raised later.

    Args:
        source: A path, or the content itself.
        name: What errors call it and whose ending tells the format; default the path. Without a known ending
            it is read as JSON where it is JSON, otherwise as YAML.
        base: The folder that relative paths in the documents start from; default that of the path.

    Raises:
        TimelineError: with `file` and `line` in `more`: `too_large`, `invalid_utf8`, `control_character` or
            `malformed_document`; with `file` alone: `unreadable_source`.
    """
    name = name or (str(source) if isinstance(source, Path) else "input")
    base = base or (source.parent if isinstance(source, Path) else Path())
    suffix = Path(name).suffix.lower()
    try:
        with source.open("rb") if isinstance(source, Path) else io.BytesIO(source) as stream:
            lines = _lines(stream, name) if suffix == ".ndjson" else _whole(stream, name)
            empty = True
            for text, line in lines:
                for data, root in _parse(text, name, line, suffix):
                    if not isinstance(data, dict):
                        malformed(name, root().line, "a document must be a mapping of fields to values")
                    empty = False
                    yield Document(data, name, base, root)
    except OSError as error:
        raise _unreadable(name, error.strerror or str(error)) from error
    if empty:
        malformed(name, 1, "it is empty", "Write an announcement in it, or leave the file out.")


def _announcements(folder: Path) -> Iterator[Path]:
    """The announcement files in a folder and below it; links to folders are not followed."""

    def refuse(error: OSError) -> NoReturn:
        raise _unreadable(str(error.filename), error.strerror or str(error)) from error

    for root, folders, names in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for file in (Path(root, name) for name in names if not name.startswith(".")):
            if file.suffix.lower() in SUFFIXES and _is_plain(file):
                yield file


def _is_plain(file: Path) -> bool:
    """Whether it can be read as a file, or must be named in a refusal: not a pipe or a device."""
    try:
        return file.is_file() or not file.exists()
    except OSError as error:
        raise _unreadable(str(file), error.strerror or str(error)) from error


def _whole(stream: BinaryIO, name: str) -> Iterator[tuple[str, int]]:
    raw = stream.read(MAX_BYTES + 1)
    if len(raw) > MAX_BYTES:
        _too_large(name, 1, "it", MAX_BYTES, "Split it, or write one document a line as .ndjson.")
    yield _decoded(raw, name, 0, 1), 1


def _lines(stream: BinaryIO, name: str) -> Iterator[tuple[str, int]]:
    offset = 0
    line = 1
    while raw := stream.readline(MAX_LINE_BYTES + 1):
        if len(raw) > MAX_LINE_BYTES:
            _too_large(name, line, "the line", MAX_LINE_BYTES, "Keep long texts in files of their own and name them.")
        if raw.strip():
            yield _decoded(raw, name, offset, line), line
        offset += len(raw)
        line += 1


def _decoded(raw: bytes, name: str, offset: int, line: int) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        at = line + raw.count(b"\n", 0, error.start)
        detail = f"{name}, line {at}: byte {offset + error.start} is not UTF-8."
        raise TimelineError(
            "invalid_utf8", detail, "Save the file as UTF-8.", file=name, line=at, byte=offset + error.start
        ) from error
    text = text.removeprefix("\ufeff") if offset == 0 else text
    return clean(text, name, line)


def _parse(text: str, name: str, line: int, suffix: str) -> Iterator[tuple[Any, Callable[[], Node]]]:
    if suffix in {".json", ".ndjson"} or (suffix not in SUFFIXES and _is_json(text)):
        if text.strip():
            yield json_text.parse(text, name, line)
    else:
        for value, root in yaml_text.parse(text, name):
            yield value, partial(_itself, root)


def _itself(root: Node) -> Node:
    return root


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _too_large(name: str, line: int, what: str, limit: int, remedy: str) -> NoReturn:
    detail = f"{name}, line {line}: {what} is over {limit // 1_000_000} MB."
    raise TimelineError("too_large", detail, remedy, file=name, line=line, limit_bytes=limit)


def _unreadable(name: str, why: str) -> TimelineError:
    return TimelineError("unreadable_source", f"{name} cannot be read: {why}.", "Name a file that can be.", file=name)
