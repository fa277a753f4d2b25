"""The kinds of terms: data, in `kinds.toml` and in files of one's own, never code."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from timeline.core.errors import TimelineError, did_you_mean
from timeline.core.terms.names import is_slug

_TYPES = ("percent", "money", "quantity", "flag", "text", "party")


@dataclass(frozen=True, slots=True)
class Field:
    name: str
    type: str
    choices: tuple[str, ...] = ()
    """For a choice, what may be chosen; for a flag, how false and true read."""


@dataclass(frozen=True, slots=True)
class Kind:
    name: str
    label: str
    fields: tuple[Field, ...]
    require: tuple[tuple[str, ...], ...]
    """Groups of fields of which at least one must be given."""
    short: str
    sentence: str | None
    sentence_by: str | None
    sentences: Mapping[str, str]
    directed: bool

    def field(self, name: str) -> Field | None:
        for field in self.fields:  # a generator would take three times as long
            if field.name == name:
                return field
        return None


@dataclass(frozen=True, slots=True)
class Kinds:
    """The vocabulary: kinds by name, and how parts of a subject are written."""

    by_name: Mapping[str, Kind]
    words: Mapping[str, str]

    def get(self, name: str, *, field: str | None = None) -> Kind:
        """The kind of that name; `unknown_kind` with the nearest known one."""
        kind = self.by_name.get(name)
        if kind is None:
            raise TimelineError(
                "unknown_kind",
                f"“{name}” is not a kind of term.",
                did_you_mean(name, sorted(self.by_name)) + " `timeline kinds` shows them all.",
                field=field,
            )
        return kind


def read_kinds(text: str, *, known: Kinds | None = None, name: str = "kinds.toml") -> Kinds:
    """The kinds that a TOML text declares, added to those already known.

    Raises:
        TimelineError: `invalid_configuration`, naming the kind and what is wrong with it.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TimelineError("invalid_configuration", f"{name} is not TOML: {error}.", "Mend that line.") from error
    words = dict(known.words if known else {}) | tables.pop("words", {})
    by_name = dict(known.by_name if known else {})
    for kind_name, table in tables.items():
        if kind_name in by_name:
            raise TimelineError(
                "invalid_configuration",
                f"{name} declares {kind_name}, which there is already.",
                "Give it another name: what is on record keeps its meaning.",
            )
        by_name[kind_name] = _read_kind(kind_name, table, name)
    return Kinds(by_name, words)


def _read_kind(name: str, table: Any, file: str) -> Kind:
    def wrong(detail: str) -> TimelineError:
        return TimelineError(
            "invalid_configuration",
            f"{file}: kind {name}: {detail}",
            "Compare with the kinds that `timeline kinds` shows.",
        )

    if not is_slug(name) or not isinstance(table, dict):
        raise wrong("a kind is a table named in small letters, digits and hyphens.")
    unknown = table.keys() - {"label", "require", "directed", "sentence", "short", "fields"}
    if unknown:
        raise wrong(f"there is no setting “{min(unknown)}”.")
    fields = tuple(_read_declared(field, raw, wrong) for field, raw in table.get("fields", {}).items())
    if not fields:
        raise wrong("it declares no fields.")
    names = {field.name for field in fields}
    require = tuple(tuple(part.strip() for part in group.split("|")) for group in table.get("require", []))
    if not {part for group in require for part in group} <= names:
        raise wrong("it requires a field that it does not declare.")
    sentence = table.get("sentence")
    sentences = dict(sentence) if isinstance(sentence, dict) else {}
    by = sentences.pop("by", None)
    templates = [table.get("label"), table.get("short"), *(sentences.values() if sentences else [sentence])]
    if not all(isinstance(template, str) for template in templates):
        raise wrong("label, short and sentence must be given.")
    for template in templates:
        missing = set(re.findall(r"{(\w+)}", str(template))) - names - {"giver", "receiver", "subject"}
        if missing:
            raise wrong(f"“{template}” speaks of {min(missing)}, which it does not declare.")
    return Kind(
        name=name,
        label=table["label"],
        fields=fields,
        require=require,
        short=table["short"],
        sentence=sentence if isinstance(sentence, str) else None,
        sentence_by=by,
        sentences=sentences,
        directed=table.get("directed", True),
    )


def _read_declared(name: str, raw: Any, wrong: Any) -> Field:
    match raw:
        case str() if raw in _TYPES:
            return Field(name, raw, ("no", "yes") if raw == "flag" else ())
        case list() if raw and all(isinstance(choice, str) for choice in raw):
            return Field(name, "choice", tuple(raw))
        case {"flag": [str() as false, str() as true]}:
            return Field(name, "flag", (false, true))
    raise wrong(f"field {name} must be one of {', '.join(_TYPES)}, or a list of choices.")


BUILTIN = read_kinds((files("timeline.core") / "kinds.toml").read_text("utf-8"))
