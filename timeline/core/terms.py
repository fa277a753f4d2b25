"""What can be said: terms, the kinds they belong to (data, in `kinds.toml`), and how a value is read and checked.

A term is `kind/subject`, unique in its partnership. A value is a frozen set of fields; every number is a
`Decimal`, percentages from 0 to 100, money in whole currency units (not cents).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from importlib.resources import files
from typing import Any, NamedTuple

from timeline.core.errors import TimelineError, did_you_mean

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
SLUG_LENGTH = 80
TEXT_LENGTH = 10_000
_NUMBER = re.compile(r"-?\d{1,24}(?:\.\d{1,12})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_FORMS = ("value", "about", "at_least", "at_most", "min", "max", "undisclosed")
_TYPES = ("percent", "money", "quantity", "flag", "text", "party")


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number as it was said: exact, about, a bound, a range, or withheld.

    `low` and `high` are equal when exact or about, both None when undisclosed; a missing bound is None.
    """

    form: str
    low: Decimal | None
    high: Decimal | None
    currency: str | None = None
    """An ISO 4217 code, for money."""
    unit: str | None = None
    """What is counted, for a quantity."""
    stated: str | None = None
    """The source's own words for it, such as “multi-billion”."""


FieldValue = Quantity | str | bool


@dataclass(frozen=True, slots=True)
class Value:
    """The whole value of a term: a field that is left out is *not stated*, never carried over."""

    fields: tuple[tuple[str, FieldValue], ...]
    """By name."""

    def get(self, name: str) -> FieldValue | None:
        return next((value for field, value in self.fields if field == name), None)


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
        return next((field for field in self.fields if field.name == name), None)


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


class Term(NamedTuple):
    """What a statement is about: `kind/subject`. A tuple, because lines are looked up by it all the time."""

    kind: str
    subject: str

    def __str__(self) -> str:
        return f"{self.kind}/{self.subject}"


def term(text: Any, *, field: str | None = None) -> Term:
    """Read `kind/subject`; the kind need not be a known one."""
    kind, slash, subject = str(text).partition("/")
    if isinstance(text, str) and slash and _is_slug(kind) and _is_slug(subject):
        return Term(kind, subject)
    raise TimelineError(
        "invalid_field",
        f"“{text}” is not a term.",
        "Write it as kind/subject in small letters, digits and hyphens: exclusivity/cloud.",
        field=field,
    )


def slug(text: Any, *, field: str) -> str:
    """A name for addresses: small letters, digits and single hyphens, at most 80."""
    if isinstance(text, str) and _is_slug(text):
        return text
    raise TimelineError(
        "invalid_field",
        f"“{text}” cannot be used as a name.",
        "Use small letters, digits and single hyphens: openai-microsoft.",
        field=field,
    )


def text_of(raw: Any, *, field: str, length: int = TEXT_LENGTH) -> str:
    """The text, without surrounding white space; control characters are refused, for they break feeds."""
    if not isinstance(raw, str):
        raise TimelineError(
            "invalid_field", f"{field} must be text, not {raw!r}.", "Put it in quotation marks.", field=field
        )
    found = _UNPRINTABLE.search(raw)
    if found is not None:
        raise TimelineError(
            "control_character",
            f"{field} contains the character U+{ord(found[0]):04X}, which no page or feed can show.",
            "Remove it: it usually comes with text copied from a PDF or a terminal.",
            field=field,
        )
    stripped = raw.strip()
    if not stripped:
        raise TimelineError("invalid_field", f"{field} is empty.", "Fill it in, or leave the field out.", field=field)
    if len(stripped) > length:
        raise TimelineError(
            "invalid_field",
            f"{field} has {len(stripped)} characters; at most {length} are kept.",
            "Shorten it; the whole text belongs to a source, as `text:`.",
            field=field,
        )
    return stripped


def read_value(raw: Any, kind: Kind, *, field: str) -> Value:
    """The value that `raw` (plain data) says, checked against its kind.

    Raises:
        TimelineError: `value_fails_kind`, `unknown_field`, `missing_field`.
    """
    if not isinstance(raw, Mapping):
        raise TimelineError(
            "value_fails_kind",
            f"The value of {_article(kind.name)} is a set of fields, not {raw!r}.",
            f"Write {{{', '.join(known.name for known in kind.fields)}}} with those that were stated.",
            field=field,
        )
    names = [known.name for known in kind.fields]
    for name in raw:
        if name not in names:
            raise TimelineError(
                "unknown_field",
                f"{_article(kind.name).capitalize()} has no field “{name}”.",
                did_you_mean(str(name), names),
                field=f"{field}.{name}",
            )
    given = {
        known.name: _read_field(raw[known.name], known, kind, f"{field}.{known.name}")
        for known in kind.fields
        if raw.get(known.name) is not None
    }
    for group in kind.require:
        if given.keys().isdisjoint(group):
            raise TimelineError(
                "missing_field",
                f"{_article(kind.name).capitalize()} needs {' or '.join(group)}.",
                f"Add {group[0]}, or “undisclosed” if the source withholds it."
                if _takes_undisclosed(kind, group)
                else f"Add {group[0]}.",
                field=field,
            )
    return Value(tuple(sorted(given.items())))


def _read_field(raw: Any, known: Field, kind: Kind, field: str) -> FieldValue:
    match known.type:
        case "text" | "party":
            return text_of(raw, field=field)
        case "flag":
            if isinstance(raw, bool):
                return raw
            raise _fails(kind, f"{known.name} must be true or false, not {raw!r}.", "Write true or false.", field)
        case "choice":
            if raw in known.choices:
                return str(raw)
            raise _fails(
                kind,
                f"{known.name} cannot be “{raw}”.",
                did_you_mean(str(raw), known.choices) + f" It is one of {', '.join(known.choices)}.",
                field,
            )
        case _:
            return _read_quantity(raw, known, kind, field)


def _read_quantity(raw: Any, known: Field, kind: Kind, field: str) -> Quantity:
    money = known.type == "money"
    if raw == "undisclosed":
        return Quantity("undisclosed", None, None)
    if not isinstance(raw, Mapping):
        if money:
            raise _fails(
                kind,
                f"{known.name} is money and needs a currency; you gave {raw!r}.",
                f"Write {{value: {raw if _is_number(raw) else 1000000000}, currency: USD}}, or undisclosed.",
                field,
            )
        raw = {"value": raw}
    allowed = {*_FORMS, "stated", *(("currency",) if money else ("unit",) if known.type == "quantity" else ())}
    if "currency" in raw and known.type == "percent":
        amount = next((raw[form] for form in _FORMS if form in raw), None)
        raise _fails(
            kind,
            f"{kind.name} must be a percentage (0 to 100), a range, or undisclosed; "
            f"you gave {raw['currency']} {amount}: that looks like a valuation.",
            "Say what share it is; record the money as a valuation or an investment of its own.",
            field,
        )
    for name in raw:
        if name not in allowed:
            raise TimelineError(
                "unknown_field",
                f"A {known.type} has no field “{name}”.",
                did_you_mean(str(name), sorted(allowed)),
                field=f"{field}.{name}",
            )
    form, low, high = _read_bounds(raw, kind, field)
    unit = raw.get("unit")
    if unit is not None:
        unit = text_of(unit, field=f"{field}.unit", length=60)
    currency = _read_currency(raw, known.name, kind, form, field) if money else None
    if known.type == "percent":
        for bound in (low, high):
            if bound is not None and not 0 <= bound <= 100:
                raise _fails(
                    kind,
                    f"{known.name} must lie between 0 and 100; you gave {digits(bound)}"
                    + (": that looks like an amount of money." if bound > 1000 else "."),
                    "Give the percentage as a number, 27.5 for 27.5 %; record money as a valuation or an investment.",
                    field,
                )
    stated = raw.get("stated")
    words = None if stated is None else text_of(stated, field=f"{field}.stated")
    return Quantity(form, low, high, currency, unit, words)


def _read_bounds(raw: Mapping[str, Any], kind: Kind, field: str) -> tuple[str, Decimal | None, Decimal | None]:
    forms = [form for form in _FORMS if raw.get(form) is not None]
    if forms == ["undisclosed"] and raw["undisclosed"] is True:
        return "undisclosed", None, None
    numbers = {form: _number(raw[form], kind, f"{field}.{form}") for form in forms if form != "undisclosed"}
    match forms:
        case ["value" | "about" as form]:
            return ("exact" if form == "value" else "about"), numbers[form], numbers[form]
        case ["at_least"]:
            return "at_least", numbers["at_least"], None
        case ["at_most"]:
            return "at_most", None, numbers["at_most"]
        case ["min", "max"]:
            if numbers["min"] <= numbers["max"]:
                return "range", numbers["min"], numbers["max"]
            raise _fails(
                kind,
                f"The range runs backwards: min {digits(numbers['min'])}, max {digits(numbers['max'])}.",
                "Put the smaller number in min.",
                field,
            )
    raise _fails(
        kind,
        "A number is given in exactly one way"
        + (f", not as {' and '.join(forms)}." if forms else "; this one is in none."),
        "Use value, about, at_least, at_most, min with max, or undisclosed: true.",
        field,
    )


def _read_currency(raw: Mapping[str, Any], name: str, kind: Kind, form: str, field: str) -> str | None:
    currency = raw.get("currency")
    if currency is None and form == "undisclosed":
        return None
    if isinstance(currency, str) and _CURRENCY.fullmatch(currency):
        return currency
    raise _fails(
        kind,
        f"{name} needs its currency" + ("." if currency is None else f"; “{currency}” is none."),
        "Add the three letters of ISO 4217, such as currency: USD.",
        f"{field}.currency",
    )


def _number(raw: Any, kind: Kind, field: str) -> Decimal:
    if _is_number(raw):
        try:
            number = Decimal(str(raw))
        except InvalidOperation:  # not reachable with what _is_number accepts
            number = Decimal("NaN")
        if number.is_finite() and -30 < number.adjusted() < 24:
            return Decimal(digits(number))
    raise _fails(
        kind,
        f"{raw!r} is not a number this record can keep.",
        "Write digits with a point, without separators or units: 1000000000 or 27.5.",
        field,
    )


def _is_number(raw: Any) -> bool:
    if isinstance(raw, bool):
        return False
    return isinstance(raw, int | Decimal) or (isinstance(raw, str) and _NUMBER.fullmatch(raw) is not None)


def digits(number: Decimal) -> str:
    """The number in plain digits, without exponent or trailing zeros: the form that is stored and hashed."""
    text = format(number, "f")  # normalize() would round to the context's 28 digits
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "0" if text in ("-0", "") else text


def value_to_json(value: Value, *, stored: bool) -> dict[str, Any]:
    """The value as plain data.

    Args:
        stored: True for the canonical form, every number as decimal text in an object, so that it is read back
            without knowing the kind; False for answers, numbers as int or Decimal in the shortest form.
    """
    return {
        name: _quantity_to_json(field, stored) if isinstance(field, Quantity) else field for name, field in value.fields
    }


def _quantity_to_json(quantity: Quantity, stored: bool) -> Any:
    def shown(number: Decimal | None) -> Any:
        assert number is not None  # the form says which bounds there are
        if stored:
            return digits(number)
        return int(number) if number == number.to_integral_value() else number

    body: dict[str, Any]
    match quantity.form:
        case "exact":
            body = {"value": shown(quantity.low)}
        case "about" | "at_least":
            body = {quantity.form: shown(quantity.low)}
        case "at_most":
            body = {"at_most": shown(quantity.high)}
        case "range":
            body = {"min": shown(quantity.low), "max": shown(quantity.high)}
        case _:
            body = {"undisclosed": True}
    said = {"currency": quantity.currency, "unit": quantity.unit, "stated": quantity.stated}
    body |= {name: words for name, words in said.items() if words is not None}
    if not stored and body.keys() == {"value"}:
        return body["value"]
    return body


def value_from_stored(raw: Mapping[str, Any]) -> Value:
    """The value that `value_to_json(…, stored=True)` wrote; trusts it, and needs no kind."""
    return Value(tuple((name, _from_stored(field)) for name, field in sorted(raw.items())))


def _from_stored(raw: Any) -> FieldValue:
    if not isinstance(raw, Mapping):
        return raw if isinstance(raw, bool) else str(raw)
    form = next(form for form in _FORMS if form in raw)
    low = high = None
    if form in ("value", "about", "at_least", "min"):
        low = Decimal(raw[form])
    if form in ("value", "about"):
        high = low
    elif form in ("at_most", "min"):
        high = Decimal(raw["max" if form == "min" else form])
    name = {"value": "exact", "min": "range"}.get(form, form)
    return Quantity(name, low, high, raw.get("currency"), raw.get("unit"), raw.get("stated"))


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

    if not _is_slug(name) or not isinstance(table, dict):
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


def _fails(kind: Kind, detail: str, remedy: str, field: str) -> TimelineError:
    return TimelineError("value_fails_kind", detail, remedy, field=field, kind=kind.name)


def _takes_undisclosed(kind: Kind, group: Sequence[str]) -> bool:
    first = kind.field(group[0])
    return first is not None and first.type in ("percent", "money", "quantity")


def _is_slug(text: str) -> bool:
    return len(text) <= SLUG_LENGTH and SLUG.fullmatch(text) is not None


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"


BUILTIN = read_kinds((files("timeline.core") / "kinds.toml").read_text("utf-8"))
