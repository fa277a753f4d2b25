"""What the readers of every format share: the tree of lines, the plain values, and what is refused in all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NoReturn

from timeline.core.errors import TimelineError

MAX_DEPTH = 30
MAX_DIGITS = 400
NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
WORDS: dict[str, bool | None] = {"null": None, "true": True, "false": False}

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(slots=True)
class Node:
    """The line of a value, and of what is in it by key or by place."""

    line: int
    inside: dict[str, Node] = field(default_factory=dict)


def clean(text: str, name: str, line: int) -> str:
    """Return `text` unless a character in it is one that nobody sees and some programs obey."""
    match = _CONTROL.search(text)
    if match is not None:
        line += text.count("\n", 0, match.start())
        detail = f"{name}, line {line}: the text holds the control character U+{ord(match[0]):04X}."
        raise TimelineError("control_character", detail, "Take it out, or write a space.", file=name, line=line)
    return text


def number(text: str, name: str, line: int) -> int | Decimal:
    """The number, exactly; refused where its size is meant to exhaust whoever calculates with it."""
    match = NUMBER.fullmatch(text)
    fraction, exponent = match.groups() if match else (None, None)
    if len(text) > MAX_DIGITS or (exponent and abs(int(exponent[1:])) > MAX_DIGITS):
        malformed(name, line, f"the number {text[:20]}… has no end", f"Write at most {MAX_DIGITS} digits.")
    return Decimal(text) if fraction or exponent else int(text)


def new_key(key: str, found: dict[str, Any], name: str, line: int) -> str:
    """Return `key`, unless the mapping has it: of two values one reader takes the first, another the last."""
    if key in found:
        malformed(name, line, f"the key “{key[:80]}” stands twice", "Keep one of the two.")
    return key


def check_depth(name: str, line: int, depth: int) -> None:
    """Refuse a mapping or list that is nested deeper than any announcement needs."""
    if depth > MAX_DEPTH:
        malformed(name, line, f"it is nested more than {MAX_DEPTH} deep", "Announcements need about five levels.")


def malformed(name: str, line: int, what: str, remedy: str = "Mend that line, or the one before it.") -> NoReturn:
    """Refuse the document; see `malformation`."""
    raise malformation(name, line, what, remedy)


def malformation(
    name: str, line: int, what: str, remedy: str = "Mend that line, or the one before it."
) -> TimelineError:
    """The refusal of a document that is not well formed at that line."""
    return TimelineError("malformed_document", f"{name}, line {line}: {what}.", remedy, file=name, line=line)
