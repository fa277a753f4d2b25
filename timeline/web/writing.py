"""What can be recorded over HTTP: from a body and its conditions to the act, and to a receipt."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from threading import Lock
from typing import Any

from sqlalchemy import Connection

from timeline.acts import Desk
from timeline.core.announcements import reference
from timeline.core.errors import TimelineError
from timeline.core.questions import filled
from timeline.core.terms import Kinds, text_of
from timeline.documents import Document, read
from timeline.submissions import Submission, submit
from timeline.web.operations import Call, Reply

Json = dict[str, Any]
_EXPECTED = re.compile(r'"([a-z0-9-]{1,80})@(\d{1,15})"', re.ASCII)
_KEY = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?", re.ASCII)
_TYPES = {
    "application/json": "body.json",
    "application/yaml": "body.yaml",
    "application/x-yaml": "body.yaml",
    "text/yaml": "body.yaml",
    "text/x-yaml": "body.yaml",
}


class Writing:
    """The acts of the API, one at a time: the desk is not for several threads.

    Args:
        recorded: Called after something was recorded.
    """

    def __init__(self, desk: Desk, kinds: Kinds, recorded: Callable[[], None]) -> None:
        self._desk = desk
        self._kinds = kinds
        self._recorded = recorded
        self._turn = Lock()

    def announcement(self, call: Call) -> Reply:
        return self._take(call, {})

    def correction(self, call: Call) -> Reply:
        return self._take(call, {"corrects": f"{call.path['p']}/{call.path['n']}"})

    def retraction(self, call: Call) -> Reply:
        return self._take(call, {"retracts": f"{call.path['p']}/{call.path['n']}"})

    def attachment(self, call: Call) -> Reply:
        return self._take(call, {"attaches": f"{call.path['p']}/{call.path['n']}"})

    def occurrence(self, call: Call) -> Reply:
        return self._take(call, {}, wanted="occurred")

    def record(
        self,
        document: Document,
        *,
        idempotency_key: str | None = None,
        expect: int | None = None,
        dry_run: bool = False,
    ) -> Json:
        """The receipt of one document, recorded or rehearsed."""
        submission = submit(document, self._kinds, idempotency_key=idempotency_key, paths=False)
        return self.append(submission, expect=expect, dry_run=dry_run)

    def append(
        self,
        submission: Submission,
        *,
        expect: int | None = None,
        dry_run: bool = False,
        also: Callable[[Connection, Json], None] | None = None,
    ) -> Json:
        """The receipt of one act, recorded or rehearsed; as `Desk.append`."""
        with self._turn:
            receipt = self._desk.append(submission, expect=expect, dry_run=dry_run, also=also)
        if not dry_run and not receipt["replayed"]:
            self._recorded()
        return receipt

    def _take(self, call: Call, set_by_address: Json, wanted: str | None = None) -> Reply:
        partnership = call.path["p"]
        if "n" in call.path:
            reference(f"{partnership}/{call.path['n']}", field="n")
        document = only_document(call.body, body_name(call))
        if wanted is not None and wanted not in document.data:
            raise TimelineError(
                "missing_field",
                f"There is no {wanted}.",
                f"Add {wanted}, the event, in the words of the statements that wait for it.",
                field=wanted,
            )
        data = dict(document.data)
        for name, value in {"partnership": partnership, **set_by_address}.items():
            if data.setdefault(name, value) != value:
                raise TimelineError(
                    "conflicting_fields",
                    f"The document says {name}: {str(data[name])[:80]}, the address says {value}.",
                    f"Leave {name} out, or send it to its own address.",
                    field=name,
                )
        receipt = self.record(
            replace(document, data=data),
            idempotency_key=_idempotency_key(call),
            expect=_expected(call, partnership),
            dry_run=flag(call, "dry_run"),
        )
        new = not receipt["dry_run"] and not receipt["replayed"]
        headers = {} if receipt["dry_run"] else {"Location": _location(receipt["id"])}
        return Reply(receipt, 201 if new else 200, headers)


def only_document(body: bytes, name: str) -> Document:
    """The one document of a body.

    Raises:
        TimelineError: what `documents.read` raises; `malformed_document` when there are several.
    """
    documents = read(body, name)
    first = next(documents)
    if next(documents, None) is not None:
        raise TimelineError(
            "malformed_document",
            "There are several documents in one request.",
            "Send each by itself; `timeline import` takes many at once.",
        )
    return first


def texts_of(call: Call, *names: str, optional: Collection[str] = ()) -> dict[str, str]:
    """The fields of a small body, all of them texts; each of `names` must be there."""
    data = only_document(call.body, body_name(call)).data
    for name in data:
        if name not in names and name not in optional:
            known = " and ".join([*names, *optional])
            raise TimelineError("unknown_field", f"There is no field “{name[:80]}” here.", f"Send {known}.", field=name)
    for name in names:
        if data.get(name) is None:
            raise TimelineError("missing_field", f"There is no {name}.", f"Add {name}.", field=name)
    return {name: text_of(value, field=name, length=1_000) for name, value in data.items() if value is not None}


def _location(cited: str) -> str:
    return f"/api/announcements/{cited}" if "/" in cited else f"/api/partnerships/{cited}"


def body_name(call: Call) -> str:
    """What the body is called in a refusal; its ending tells how to read it."""
    given = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in _TYPES:
        raise TimelineError(
            "unsupported_media_type",
            f"A body of type “{given[:80]}” is not taken." if given else "The type of the body is not given.",
            "Send Content-Type: application/json or application/yaml.",
            accepted=sorted(_TYPES),
        )
    return _TYPES[given]


def flag(call: Call, name: str) -> bool:
    """Whether a parameter that is true or false says true."""
    value = filled(call.given, name) if name in call.given else "false"
    if value not in ("true", "false"):
        raise TimelineError(
            "invalid_value", f"{name}={value} is neither true nor false.", f"Write {name}=true.", field=name
        )
    return value == "true"


def _idempotency_key(call: Call) -> str | None:
    key = call.headers.get("idempotency-key")
    if key is not None and not _KEY.fullmatch(key):
        raise TimelineError(
            "invalid_value",
            "The Idempotency-Key is empty, too long or not plain ASCII.",
            "Take up to 200 printable characters, such as a UUID.",
            field="Idempotency-Key",
        )
    return key


def _expected(call: Call, partnership: str) -> int | None:
    """The partnership's last seq, as If-Match names it."""
    given = call.headers.get("if-match")
    if given is None:
        return None
    match = _EXPECTED.fullmatch(given.strip())
    if match is None or match[1] != partnership:
        raise TimelineError(
            "invalid_value",
            f"If-Match: {given[:120]} does not name a state of {partnership}.",
            f'Take head from GET /api/partnerships/{partnership} and write it in quotes: "{partnership}@27".',
            field="If-Match",
        )
    return int(match[2])
