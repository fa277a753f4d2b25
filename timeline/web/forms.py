"""Forms as browsers send them: urlencoded, or in parts with a file. The body's size was bounded before."""

from __future__ import annotations

from email.message import EmailMessage
from email.parser import BytesHeaderParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from timeline.core.errors import TimelineError

_FIELDS = 40
_HEAD = 4_096
"""Bytes of a part's headers."""


def read_form(content_type: str, body: bytes) -> dict[str, str | bytes]:
    """The fields by name: text, or the bytes of a file that was chosen; the last of a name counts.

    Raises:
        TimelineError: `malformed_document`, `unsupported_media_type`.
    """
    kind = content_type.partition(";")[0].strip().lower()
    try:
        if kind == "application/x-www-form-urlencoded":
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, max_num_fields=_FIELDS, errors="strict")
            return dict(pairs)
        if kind == "multipart/form-data":
            return _parts(content_type, body)
    except (ValueError, LookupError) as error:
        raise TimelineError(
            "malformed_document", "The form cannot be read.", "Send it from the page itself, as UTF-8."
        ) from error
    raise TimelineError("unsupported_media_type", "That is not a form.", "Send it from the page itself.")


def _parts(content_type: str, body: bytes) -> dict[str, str | bytes]:
    """The parts (RFC 7578). What is in one is never read as parts in turn: that could be made to take for ever."""
    boundary = _header("Content-Type", content_type).get_boundary()
    if not boundary:
        raise ValueError("no boundary")
    found: dict[str, str | bytes] = {}
    _, *parts, end = (b"\r\n" + body).split(b"\r\n--" + boundary.encode("ascii"), _FIELDS + 1)
    if not end.startswith(b"--"):
        raise ValueError("no end, or too many parts")
    for part in parts:
        head, separator, content = part.partition(b"\r\n\r\n")
        if not separator or len(head) > _HEAD:
            raise ValueError("no head")
        said = BytesHeaderParser(policy=HTTP).parsebytes(head.lstrip())
        name = said.get_param("name", header="content-disposition")
        if isinstance(name, str):
            found[name] = content if said.get_filename() is not None else content.decode("utf-8")
    return found


def _header(name: str, value: str) -> EmailMessage:
    message = EmailMessage(policy=HTTP)
    message[name] = value
    return message
