"""YAML text as plain data with its lines: the layout of YAML, the values of JSON, no anchors and no tags."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import yaml

from timeline.documents.plain import NUMBER, WORDS, Node, check_depth, clean, malformation, malformed, new_key, number

_NO_NUMBER = re.compile(r"[+-]?\.(?:nan|inf)", re.IGNORECASE)
# libyaml's parser where the wheel has it: the same events, ten times as fast.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parse(text: str, name: str) -> Iterator[tuple[Any, Node]]:
    """Yield each document's value and its lines, those of empty documents left out; refused as `read` says."""
    events = yaml.parse(text, Loader=_LOADER)
    try:
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                value, node = _value(next(events), events, name, 1)
                # A lone "---" at the end of a file, or comments only, is no document.
                if value is not None:
                    yield value, node
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        context = f"{error.context}, " if error.context else ""
        raise malformation(name, mark.line + 1 if mark else 1, f"{context}{error.problem}") from error
    except yaml.YAMLError as error:
        raise malformation(name, 1, str(error)) from error


def written(data: dict[str, Any]) -> str:
    """Plain data as YAML for people; `parse` gives the same data back."""
    text: str = yaml.dump(data, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=110)
    return text


def inline(value: Any) -> str:
    """One value as YAML on one line, as it would stand after `name: `; nothing for None."""
    if value is None:
        return ""
    text: str = yaml.dump({"v": value}, Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=1_000_000,
                          default_flow_style=True)  # fmt: skip
    return text.strip()[4:-1]


class _Dumper(yaml.SafeDumper):
    """Quotes what `parse` would take for something else than text, and nothing more: a day needs no quotes."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012  # as PyYAML has it

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002  # anchors are not read, so none are written
        return True

    def represent_str(self, data: str) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:str", data, style="|" if "\n" in data else None)

    def represent_decimal(self, data: Decimal) -> yaml.ScalarNode:
        return self.represent_scalar("tag:yaml.org,2002:int", str(data))


_Dumper.add_representer(str, _Dumper.represent_str)
_Dumper.add_representer(Decimal, _Dumper.represent_decimal)
for _tag, _pattern in (
    ("int", NUMBER),
    ("float", _NO_NUMBER),
    ("bool", re.compile("true|false")),
    ("null", re.compile("null|")),
):
    _Dumper.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"(?:{_pattern.pattern})\Z", _pattern.flags), None
    )


def _value(event: yaml.Event, events: Iterator[yaml.Event], name: str, depth: int) -> tuple[Any, Node]:
    node = Node(_line(event))
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        malformed(name, node.line, "anchors and aliases (& and *) are not read", "Write the value out in each place.")
    if (tag := getattr(event, "tag", None)) is not None:
        malformed(name, node.line, f"the tag {tag} is not read", "Leave tags out; put text in quotes.")
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event, name, node.line), node
    check_depth(name, node.line, depth)
    if isinstance(event, yaml.SequenceStartEvent):
        items: list[Any] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            value, node.inside[str(len(items))] = _value(event, events, name, depth + 1)
            items.append(value)
        return items, node
    found: dict[str, Any] = {}
    while not isinstance(event := next(events), yaml.MappingEndEvent):
        line = _line(event)
        if not isinstance(event, yaml.ScalarEvent) or event.anchor is not None or event.tag is not None:
            malformed(name, line, "a key must be plain text")
        key = new_key(clean(event.value, name, line), found, name, line)
        found[key], inner = _value(next(events), events, name, depth + 1)
        node.inside[key] = Node(line, inner.inside)
    return found, node


def _scalar(event: yaml.ScalarEvent, name: str, line: int) -> Any:
    text = clean(event.value, name, line)
    if event.style:  # quoted, or a block: text, whatever it looks like
        return text
    if text in WORDS or text == "":
        return WORDS.get(text)
    if _NO_NUMBER.fullmatch(text):
        malformed(name, line, f"{text} is no number", "Write the number, or put the text in quotes.")
    return number(text, name, line) if NUMBER.fullmatch(text) else text


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None  # every event of a text has one
    return event.start_mark.line + 1
