"""What a term may be set to: how a value is read, checked against its kind, and stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from timeline.core.errors import TimelineError, did_you_mean
from timeline.core.terms.kinds import Field, Kind
from timeline.core.terms.names import text_of

_NUMBER = re.compile(r"-?\d{1,24}(?:\.\d{1,12})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
_FORMS = ("value", "about", "at_least", "at_most", "min", "max", "undisclosed")


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
        for field, value in self.fields:  # a generator would take three times as long
            if field == name:
                return value
        return None


def read_value(raw: Any, kind: Kind, *, field: str) -> Value:
    """The value that `raw` (plain data) says, checked against its kind.

    Raises:
        TimelineError: `value_fails_kind`, `unknown_field`, `missing_field`.
    """
    if not isinstance(raw, dict):
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
    if not isinstance(raw, dict):
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
    if not isinstance(raw, dict):
        return raw if isinstance(raw, bool) else str(raw)
    if len(raw) == 1 and "value" in raw:
        exact = Decimal(raw["value"])
        return Quantity("exact", exact, exact)
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


def _fails(kind: Kind, detail: str, remedy: str, field: str) -> TimelineError:
    return TimelineError("value_fails_kind", detail, remedy, field=field, kind=kind.name)


def _takes_undisclosed(kind: Kind, group: Sequence[str]) -> bool:
    first = kind.field(group[0])
    return first is not None and first.type in ("percent", "money", "quantity")


def _article(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
