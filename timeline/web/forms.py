"""Forms as browsers send them: urlencoded, or in parts with a file. The body's size was bounded before."""

from __future__ import annotations

from email.parser import BytesParser
from email.policy import HTTP
from urllib.parse import parse_qsl

from timeline.core.errors import TimelineError

_FIELDS = 40


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
    message = BytesParser(policy=HTTP).parsebytes(b"Content-Type: " + content_type.encode("ascii") + b"\r\n\r\n" + body)
    found: dict[str, str | bytes] = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content if part.get_filename() is not None else content.decode("utf-8")
    return found
