"""Who is signed in on a page, the way in and back for who is not, and whether a form comes from a page of theirs."""

from __future__ import annotations

import secrets
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from timeline.core.errors import TimelineError
from timeline.submissions import decoded
from timeline.tokens import Bearer, Tokens
from timeline.web.access import SESSION
from timeline.web.forms import read_form

Form = dict[str, str | bytes]
NEVER_KEPT = {"Cache-Control": "no-store"}
_LONGEST = 2_000


async def signed_in(tokens: Tokens, request: Request) -> tuple[Bearer, str]:
    """Who is signed in, and the secret of the session.

    Raises:
        TimelineError: `token_missing`.
    """
    begun = request.cookies.get(SESSION)
    bearer = None if not begun else await run_in_threadpool(tokens.signed_in, begun)
    if bearer is None or begun is None:
        raise TimelineError("token_missing", "You are not signed in, or no longer.", "Sign in at /sign-in.")
    return bearer, begun


async def posted(request: Request) -> Form:
    """The form, from a page of ours: browsers say where it was sent from.

    Raises:
        TimelineError: `form_expired`, and what `read_form` raises.
    """
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise TimelineError(
            "form_expired", "The form was sent from another site.", "Open the page here and send it again."
        )
    return read_form(request.headers.get("content-type", ""), await request.body())


def way_in(request: Request) -> str:
    """The address of the form for signing in, from which one comes back to the page that was asked for.

    What was sent to a page has no address to come back to: then it is the page that it was sent from.
    """
    page = request.url.path
    if request.method not in ("GET", "HEAD"):
        page = "/".join(page.split("/")[:3])
    elif request.url.query:
        page = f"{page}?{request.url.query}"
    return f"/sign-in?next={quote(page)}"


def local(address: str) -> str:
    """The address, which is one of ours: a path, and nothing that a browser takes for another host.

    Raises:
        TimelineError: `invalid_value`.
    """
    ours = address.startswith("/") and not address.startswith("//") and "\\" not in address
    if not ours or not address.isprintable() or len(address) > _LONGEST:
        raise TimelineError(
            "invalid_value",
            f"next={address[:80]!r} is not a page of this service.",
            "Sign in at /sign-in, and open the page from here.",
            field="next",
        )
    return address


def csrf(begun: str) -> str:
    """What a form of this session carries."""
    return sha256(f"form of {begun}".encode()).hexdigest()[:32]


def check_form(form: Form, begun: str) -> None:
    """Refuse a form that is not of this session.

    Raises:
        TimelineError: `form_expired`.
    """
    if not secrets.compare_digest(str(form.get("csrf", "")).encode(), csrf(begun).encode()):
        raise TimelineError(
            "form_expired", "The form is not from this session.", "Load the page again and send it anew."
        )


def pasted_or_chosen(form: Form, name: str) -> str:
    """The text of a file that was chosen, else what was pasted into the field of that name.

    Raises:
        TimelineError: `missing_field`, `invalid_utf8`.
    """
    file: Any = form.get("file", b"")
    pasted = form.get(name, "")
    if isinstance(file, bytes) and file:
        return decoded(file, name="The file", field="file")
    if not isinstance(pasted, str) or not pasted.strip():
        raise TimelineError("missing_field", f"There is no {name}.", "Paste one, or choose a file.", field=name)
    return pasted.replace("\r\n", "\n")
