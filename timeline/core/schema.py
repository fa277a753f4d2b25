"""The announcement file as a JSON Schema (2020-12), kinds included, so that editors complete and check it."""

from __future__ import annotations

from typing import Any

from timeline.core.announcements import FORCES, TIERS
from timeline.core.terms import SLUG, Field, Kind, Kinds

Json = dict[str, Any]
_COARSE = {"type": ["string", "integer"], "pattern": r"^\d{4}(-\d{2}(-\d{2})?)?$"}
_DAY = {"type": "string", "format": "date"}
_TEXT = {"type": "string", "minLength": 1}
_NUMBER = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}]}
_REFERENCE = {"type": "string", "pattern": r"^[a-z0-9-]+/[1-9]\d*$"}
_SLUG = {"type": "string", "pattern": f"^{SLUG.pattern}$", "maxLength": 80}


def announcement_schema(kinds: Kinds) -> Json:
    """The schema of one document: an announcement, a later act, or the opening of a partnership."""
    content = {
        "title": _TEXT,
        "announced": {"type": ["string", "integer"], "description": "The publisher's civil day, or RFC 3339."},
        "force": {"enum": list(FORCES), "default": "agreed"},
        "summary": _TEXT,
        "sources": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/source"}},
        "statements": {"type": "array", "items": {"$ref": "#/$defs/statement"}},
        "note": _TEXT,
        "key": _TEXT,
    }
    by = {"reason": _TEXT, "by": {"enum": ["editor", "issuer"], "default": "editor"}, "key": _TEXT}
    partnership = {"partnership": _SLUG}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Announcement",
        "oneOf": [
            _object({**partnership, **content}, ["partnership", "title", "announced", "sources"]),
            _object(
                {**partnership, **by, **content, "corrects": _REFERENCE, "corrected_on": _DAY},
                ["corrects", "reason", "title", "announced", "sources"],
            ),
            _object({**partnership, **by, "retracts": _REFERENCE, "retracted_on": _DAY}, ["retracts", "reason"]),
            _object(
                {
                    **partnership,
                    **{name: content[name] for name in ("title", "announced", "sources", "note", "key")},
                    "occurred": _TEXT,
                    "on": _DAY,
                },
                ["partnership", "occurred", "on", "announced", "sources"],
            ),
            _object(
                {
                    **partnership,
                    **{name: content[name] for name in ("sources", "note", "key")},
                    "attaches": _REFERENCE,
                },
                ["attaches", "sources"],
            ),
            _object(
                {
                    **partnership,
                    "name": _TEXT,
                    "parties": {"type": "object", "minProperties": 2, "additionalProperties": _TEXT},
                    "key": _TEXT,
                },
                ["partnership", "name", "parties"],
            ),
        ],
        "$defs": {"source": _source(), "statement": _statement(kinds), **_values(kinds)},
    }


def _source() -> Json:
    return _object(
        {
            "url": {"type": "string", "format": "uri"},
            "publisher": _TEXT,
            "tier": {"enum": list(reversed(TIERS))},
            "text": {"type": "string", "description": "The text itself, or the path of a .txt or .md file."},
        },
        ["tier"],
    )


def _statement(kinds: Kinds) -> Json:
    event = _object({"event": _TEXT, "no_later_than": _COARSE}, ["event"])
    body = _object(
        {
            "term": {"type": "string", "pattern": rf"^({'|'.join(kinds.by_name)})/{SLUG.pattern}$"},
            "direction": {"type": "string", "pattern": r"^\s*\S+\s*(->|→)\s*\S+\s*$"},
            "set": {"type": "object"},
            "end": {"const": True},
            "reaffirm": {"const": True},
            "effective": {"anyOf": [_COARSE, {"const": "unknown"}, _object({"event": _TEXT}, ["event"])]},
            "until": {"anyOf": [_COARSE, {"const": "for-good"}, event]},
            "temporary": {"type": "boolean"},
            "force": {"enum": list(FORCES)},
            "quote": _TEXT,
            "source": {"type": "integer", "minimum": 1, "default": 1},
            "unsupported": _TEXT,
            "note": _TEXT,
        },
        ["term"],
    )
    body["oneOf"] = [{"required": [act]} for act in ("set", "end", "reaffirm")]
    body["anyOf"] = [{"required": ["quote"]}, {"required": ["unsupported"]}]
    body["allOf"] = [
        {
            "if": {"properties": {"term": {"pattern": f"^{name}/"}}},
            "then": {"properties": {"set": {"$ref": f"#/$defs/{name}"}}},
        }
        for name in kinds.by_name
    ]
    return body


def _values(kinds: Kinds) -> Json:
    return {name: _value(kind) for name, kind in kinds.by_name.items()}


def _value(kind: Kind) -> Json:
    body = _object({field.name: _field(field) for field in kind.fields}, [])
    body["allOf"] = [{"anyOf": [{"required": [name]} for name in group]} for group in kind.require]
    return body


def _field(field: Field) -> Json:
    match field.type:
        case "choice":
            return {"enum": list(field.choices)}
        case "flag":
            return {"type": "boolean"}
        case "text":
            return _TEXT
        case "party":
            return _SLUG
    currency: Json = {"currency": {"type": "string", "pattern": "^[A-Z]{3}$"}}
    unit: Json = currency if field.type == "money" else {"unit": _TEXT} if field.type == "quantity" else {}
    common = {"stated": _TEXT, **unit}
    needed = ["currency"] if field.type == "money" else []
    number: Json = {**_NUMBER}
    forms = [_object({form: number, **common}, [form, *needed]) for form in ("value", "about", "at_least", "at_most")]
    forms.append(_object({"min": number, "max": number, **common}, ["min", "max", *needed]))
    forms.append(_object({"undisclosed": {"const": True}, **common}, ["undisclosed"]))
    plain = [] if field.type == "money" else [number]
    return {"anyOf": [*plain, {"const": "undisclosed"}, *forms]}


def _object(properties: Json, required: list[str]) -> Json:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}
