"""Answers with validators and codings (RFC 9110 §8.4, §8.8, §13): whoever has the bytes already is told so."""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256

import brotli
from starlette.requests import Request
from starlette.responses import Response

_SMALLEST = 1000
"""Fewer bytes are not worth a coding."""
_COMPRESSIBLE = re.compile(r"text/|[^;]*(?:json|xml|svg|javascript)")
_ETAG = re.compile(r'(?:W/)?"([!#-~\x80-\xff]*)"')
_QUALITY = re.compile(r"(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)")


def respond(
    request: Request,
    body: bytes,
    media_type: str,
    *,
    last_modified: datetime | None = None,
    cache_control: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The body in the coding that the reader prefers, or 304 when it has these bytes.

    The ETag is strong: a digest of the bytes with the name of their coding, so that it changes with them and with
    nothing else. If-None-Match wins over If-Modified-Since; a malformed date is ignored.
    """
    coding = _coding(request, body, media_type)
    digest = _digest(body)
    sent = {
        "ETag": f'"{digest}-{coding}"' if coding else f'"{digest}"',
        "Cache-Control": cache_control or "no-cache",
        "Vary": "Accept-Encoding",
        **(headers or {}),
    }
    if last_modified is not None:
        sent["Last-Modified"] = format_datetime(last_modified.astimezone(UTC).replace(microsecond=0), usegmt=True)
    if _known(request, digest, last_modified):
        return Response(status_code=304, headers=sent)
    if coding:
        sent["Content-Encoding"] = coding
        body = _coded(body, coding)
    return Response(body, 200, sent, media_type)


def _known(request: Request, digest: str, last_modified: datetime | None) -> bool:
    """Whether the reader has the bytes, in whatever coding it got them."""
    wanted = request.headers.get("if-none-match")
    if wanted is not None:
        tags = {tag.removesuffix("-gzip").removesuffix("-br") for tag in _ETAG.findall(wanted)}
        return wanted.strip() == "*" or digest in tags
    since = request.headers.get("if-modified-since")
    if since is None or last_modified is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False
    return moment.tzinfo is not None and last_modified.replace(microsecond=0) <= moment


def _coding(request: Request, body: bytes, media_type: str) -> str:
    """br, gzip, or nothing: what is worth it and what the reader prefers (RFC 9110 §12.5.3)."""
    accepted = request.headers.get("accept-encoding", "")
    if len(body) < _SMALLEST or not accepted or not _COMPRESSIBLE.match(media_type):
        return ""
    found: dict[str, float] = {}
    for part in accepted.lower().split(","):
        name, _, parameter = part.strip().partition(";")
        quality = parameter.strip().removeprefix("q=") if parameter else "1"
        found[name.strip()] = float(quality) if _QUALITY.fullmatch(quality) else 0.0
    rest = found.get("*", 0.0)
    name = max(("br", "gzip"), key=lambda each: found.get(each, rest))
    return name if found.get(name, rest) > 0 else ""


@lru_cache(maxsize=512)
def _digest(body: bytes) -> str:
    """What the bytes are known by; of bytes that are kept and sent again it is known already."""
    return sha256(body).hexdigest()[:32]


@lru_cache(maxsize=256)
def _coded(body: bytes, coding: str) -> bytes:
    """The body in that coding; the same bytes every time."""
    return brotli.compress(body, quality=5) if coding == "br" else gzip.compress(body, 6, mtime=0)
