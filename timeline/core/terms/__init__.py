"""What can be said: terms, the kinds they belong to (data, in `kinds.toml`), and how a value is read and checked.

A term is `kind/subject`, unique in its partnership. A value is a frozen set of fields; every number is a
`Decimal`, percentages from 0 to 100, money in whole currency units (not cents).
"""

from timeline.core.terms.kinds import BUILTIN, Field, Kind, Kinds, read_kinds
from timeline.core.terms.names import SLUG, UNDATED, Term, slug, term, text_of
from timeline.core.terms.values import (
    FieldValue,
    Quantity,
    Value,
    digits,
    read_value,
    value_from_stored,
    value_to_json,
)

__all__ = [
    "BUILTIN",
    "SLUG",
    "UNDATED",
    "Field",
    "FieldValue",
    "Kind",
    "Kinds",
    "Quantity",
    "Term",
    "Value",
    "digits",
    "read_kinds",
    "read_value",
    "slug",
    "term",
    "text_of",
    "value_from_stored",
    "value_to_json",
]
