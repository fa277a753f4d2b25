"""The fields of a document, taken one by one, so that none is overlooked and every refusal names its place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

from timeline.core import dates
from timeline.core.announcements.values import Direction
from timeline.core.dates import Announced
from timeline.core.errors import TimelineError, did_you_mean
from timeline.core.terms import Kinds, slug, text_of

T = TypeVar("T")
_NEEDED: Any = object()
_DIRECTION = re.compile(r"\s*(\S+)\s*(?:->|→)\s*(\S+)\s*")


LONGEST_ADDRESS = 2000
_ADDRESS = re.compile(
    r"https?://"  # no user: RFC 9110 §4.2.4 has them taken for an attempt to mislead
    r"(?:\[[0-9A-Fa-f:.]+\]|[\w-]+(?:\.[\w-]+)*\.?)"  # a host: its letters may be of any script
    r"(?::\d{1,5})?(?:[/?#]\S*)?"
)
_RECORDED_ADDRESS = re.compile(r"https?://[^\s/]+.*", re.DOTALL)
"""What was taken before the whole of an address was looked at, and so may stand on record."""


def check_address(text: str, otherwise: str, *, field: str, stored: bool = False) -> None:
    """Refuse what is no address on the web: http or https, a host, nothing that cannot be seen, not too long.

    Args:
        otherwise: What to do where there is none, after “or”.
        stored: Whether it is on record already, where only its beginning counts.
    """
    whole = len(text) <= LONGEST_ADDRESS and text.isprintable() and _ADDRESS.fullmatch(text)
    if not (_RECORDED_ADDRESS.fullmatch(text) if stored else whole):
        raise TimelineError(
            "invalid_field",
            f"“{text[:200]}” is not an address on the web.",
            f"Write it in full, https://…, or {otherwise}.",
            field=field,
        )


class Fields:
    """The fields of one mapping, taken one by one; `done` refuses what nobody took."""

    def __init__(self, raw: Any, path: str, what: str, kinds: Kinds | None) -> None:
        if not isinstance(raw, dict):
            raise TimelineError(
                "malformed_document",
                f"{what.capitalize()} is a set of fields, not {type(raw).__name__}.",
                "Write it as field: value lines.",
                field=path or None,
            )
        self.raw = raw
        self.path = path
        self.what = what
        self.kinds = kinds
        self.taken: list[str] = []

    def at(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def take(self, name: str, default: Any = _NEEDED) -> Any:
        self.taken.append(name)
        raw = self.raw.get(name)
        if raw is None:
            if default is not _NEEDED:
                return default
            raise TimelineError(
                "missing_field", f"{self.what.capitalize()} needs {name}.", f"Add {name}.", field=self.at(name)
            )
        return raw

    def text(self, name: str, *, length: int = 10_000) -> str:
        return text_of(self._plain(self.take(name)), field=self.at(name), length=length)

    def optional(self, name: str, *, length: int = 10_000) -> str | None:
        raw = self.take(name, default=None)
        return None if raw is None else text_of(self._plain(raw), field=self.at(name), length=length)

    def optional_number(self, name: str, *, default: int) -> int:
        raw = self.take(name, default=default)
        if isinstance(raw, int) and not isinstance(raw, bool):
            return raw
        raise TimelineError("invalid_field", f"{name} is a number, not {raw!r}.", "Write 1, 2, …", field=self.at(name))

    def flag(self, name: str) -> bool:
        raw = self.take(name, default=False)
        if isinstance(raw, bool):
            return raw
        raise TimelineError(
            "invalid_field", f"{name} is true or false, not {raw!r}.", "Write true or false.", field=self.at(name)
        )

    def slug(self, name: str, default: Any = _NEEDED) -> str:
        return slug(self.take(name, default), field=self.at(name))

    def list(self, name: str) -> Sequence[Any]:
        raw = self.take(name, default=())
        if isinstance(raw, list | tuple):
            return raw
        raise TimelineError(
            "invalid_field",
            f"{name} is a list.",
            "Write it as a list, even of one: a dash before each item, or [ and ] around them.",
            field=self.at(name),
        )

    def choice(self, name: str, choices: Sequence[str], default: Any = _NEEDED) -> Any:
        raw = self.take(name, default)
        if raw is None or raw in choices:
            return raw
        raise TimelineError(
            "invalid_field",
            f"{name} cannot be “{raw}”.",
            f"It is one of {', '.join(choices)}.",
            field=self.at(name),
        )

    def announced(self) -> Announced:
        return dates.announced(date_text(self.take("announced")), field=self.at("announced"))

    def direction(self) -> Direction | None:
        raw = self.take("direction", default=None)
        if raw is None:
            return None
        match = _DIRECTION.fullmatch(raw) if isinstance(raw, str) else None
        if match is None:
            raise TimelineError(
                "invalid_field",
                f"“{raw}” is not a direction.",
                "Write who grants, pays or owes -> who receives: openai -> microsoft.",
                field=self.at("direction"),
            )
        return Direction(match[1], match[2])

    def done(self, made: T) -> T:
        for name in self.raw:
            if name not in self.taken:
                raise TimelineError(
                    "unknown_field",
                    f"{self.what.capitalize()} has no field “{name}”.",
                    did_you_mean(str(name), sorted(set(self.taken))),
                    field=self.at(str(name)),
                )
        return made

    @staticmethod
    def _plain(raw: Any) -> Any:
        """A year or a number where text is meant (`publisher: 20`) is that text."""
        return str(raw) if isinstance(raw, int) and not isinstance(raw, bool) else raw


def date_text(raw: Any) -> str:
    """A date as text; a bare year is a number in YAML and JSON."""
    return f"{raw:04d}" if isinstance(raw, int) and not isinstance(raw, bool) else str(raw)
