"""Answers with a validator: whoever has the bytes already is told so (RFC 9110)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response


def respond(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    last_modified: datetime | None = None,
    cache_control: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The body with its ETag, or 304 when the reader has it."""
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    found = {"ETag": etag, "Cache-Control": cache_control or "no-cache", **(headers or {})}
    if last_modified is not None:
        found["Last-Modified"] = last_modified.strftime("%a, %d %b %Y %H:%M:%S GMT")
    known = {each.strip().removeprefix("W/") for each in request.headers.get("if-none-match", "").split(",")}
    if etag in known or "*" in known:
        return Response(status_code=304, headers=found)
    return Response(body, 200, found, media_type)
