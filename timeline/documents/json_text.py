"""JSON text as plain data with its lines (RFC 8259); the language's own reader knows the line only where it fails."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NoReturn

from timeline.documents.plain import MAX_DEPTH, NUMBER, WORDS, Node, check_depth, clean, malformed, new_key, number

_SIGN = re.compile(r'[{}\[\],:]|"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"|[^ \t\r\n{}\[\],:"]+|"')


def parse(text: str, name: str, line: int) -> tuple[Any, Callable[[], Node]]:
    """Return the one value that `text` holds, and what tells its lines counted from `line`; refused as `read` says.

    The library's own reader is ten times faster: what it reads beyond doubt is read again only when its lines matter.
    """
    try:
        value = _beyond_doubt(text)
    except (ValueError, RecursionError):
        value, root = _Json(text, name, line).document()
        return value, lambda: root
    return value, lambda: _Json(text, name, line).document()[1]


def _beyond_doubt(text: str) -> Any:
    """The value, unless it holds something that only the slow reader can judge or refuse: then a ValueError."""
    if "\\u" in text or text.count("{") + text.count("[") > MAX_DEPTH:
        raise ValueError
    return _QUICK.decode(text)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError
    return found


def _small(text: str) -> int | Decimal:
    if len(text) > 20 or "e" in text.lower():
        raise ValueError
    return Decimal(text) if "." in text else int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(text)


_QUICK = json.JSONDecoder(object_pairs_hook=_once, parse_int=_small, parse_float=_small, parse_constant=_no_number)


class _Json:
    """A reader of RFC 8259 that knows its line; the library's own knows it only where it fails."""

    def __init__(self, text: str, name: str, line: int) -> None:
        self._text, self._name, self._line = text, name, line
        self._at = 0

    def document(self) -> tuple[Any, Node]:
        value = self._value(self._next("a value"), 1)
        if (rest := self._next("")) != "":
            self._expected("the end, as a JSON file holds one document", rest)
        return value

    def _next(self, expected: str) -> str:
        """The next sign of the text; the empty one at the end, if nothing is expected."""
        match = _SIGN.search(self._text, self._at)
        start, end = match.span() if match else (len(self._text),) * 2
        self._line += self._text.count("\n", self._at, start)
        self._at = end
        if match is None and expected:
            self._expected(expected, "")
        return match[0] if match else ""

    def _value(self, sign: str, depth: int) -> tuple[Any, Node]:
        node = Node(self._line)
        if sign in {"{", "["}:
            check_depth(self._name, node.line, depth)
            return (self._object(node, depth) if sign == "{" else self._array(node, depth)), node
        if sign[0] == '"':
            return self._string(sign, "a string that ends on its line"), node
        if sign in WORDS:
            return WORDS[sign], node
        if NUMBER.fullmatch(sign) is None:
            self._expected("a value", sign)
        return number(sign, self._name, node.line), node

    def _object(self, node: Node, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        sign = self._next("a key or }")
        while found or sign != "}":
            key, line = self._string(sign, "a key in double quotes"), self._line
            if (colon := self._next("a colon")) != ":":
                self._expected("a colon", colon)
            found[new_key(key, found, self._name, line)], inner = self._value(self._next("a value"), depth + 1)
            node.inside[key] = Node(line, inner.inside)
            if self._closes("}"):
                break
            sign = self._next("a key in double quotes")
        return found

    def _array(self, node: Node, depth: int) -> list[Any]:
        found: list[Any] = []
        sign = self._next("a value or ]")
        while found or sign != "]":
            value, node.inside[str(len(found))] = self._value(sign, depth + 1)
            found.append(value)
            if self._closes("]"):
                break
            sign = self._next("a value")
        return found

    def _closes(self, bracket: str) -> bool:
        sign = self._next(f"a comma or {bracket}")
        if sign not in {",", bracket}:
            self._expected(f"a comma or {bracket}", sign)
        return sign == bracket

    def _string(self, sign: str, expected: str) -> str:
        try:
            text = json.loads(sign)
        except ValueError:
            text = None
        if not isinstance(text, str):
            self._expected(expected, sign)
        return clean(text, self._name, self._line)

    def _expected(self, expected: str, sign: str) -> NoReturn:
        met = f"“{sign[:40]}”" if sign else "the end of the text"
        malformed(self._name, self._line, f"expected {expected}, found {met}")
