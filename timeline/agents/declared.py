"""How a tool is declared: its purpose and its arguments; and how what it is given is read, or refused with a remedy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from timeline.core.errors import TimelineError
from timeline.core.questions import filled, only

Json = dict[str, Any]
Given = Mapping[str, str]
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a tool, and a value to try."""

    name: str
    means: str
    example: str
    required: bool = False
    number: bool = False

    @property
    def schema(self) -> Json:
        """As JSON Schema."""
        return {"type": "integer" if self.number else "string", "description": self.means}


@dataclass(frozen=True, slots=True)
class Tool:
    """A question that can be asked, or the one thing that can be done."""

    name: str
    title: str
    description: str
    arguments: tuple[Argument, ...]
    answer: Callable[[Given], Json]
    drafts: bool = False
    """Whether it needs the right to draft."""

    @property
    def schema(self) -> Json:
        """Its arguments as JSON Schema."""
        return {
            "type": "object",
            "properties": {each.name: each.schema for each in self.arguments},
            "required": [each.name for each in self.arguments if each.required],
            "additionalProperties": False,
        }


def read(tool: Tool, arguments: Mapping[str, Any]) -> dict[str, str]:
    """The arguments as text, none unknown or missing, none with characters that cannot be seen; null is left out.

    Raises:
        TimelineError: `unknown_parameter`, `missing_parameter`, `invalid_value`.
    """
    only(arguments, [each.name for each in tool.arguments])
    texts = {
        name: str(value) if type(value) is int and abs(value) < 10**15 else value for name, value in arguments.items()
    }
    given = {}
    for each in tool.arguments:
        value = texts.get(each.name)
        if value is None and each.required:
            such = f", such as {each.example}" if each.example else ""
            raise TimelineError(
                "missing_parameter", f"{tool.name} needs {each.name}.", f"Add {each.name}{such}.", field=each.name
            )
        if value is None:
            continue
        if not isinstance(value, str):
            raise _unfit(each, "is not text")
        if each.name != "text" and not (value.isprintable() and len(value) <= _LONGEST):
            raise _unfit(each, f"is longer than {_LONGEST} characters, or has one that cannot be seen")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise _unfit(each, "has half a character in it")
        given[each.name] = value
        filled(given, each.name)
    return given


def _unfit(argument: Argument, why: str) -> TimelineError:
    such = f", such as {argument.example}" if argument.example else ""
    return TimelineError(
        "invalid_value", f"{argument.name} {why}.", f"Write {argument.name} as plain text{such}.", field=argument.name
    )
