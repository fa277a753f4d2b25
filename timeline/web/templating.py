"""Templates, everything in them escaped, and the few words and forms that they share."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from hashlib import sha256
from importlib.resources import files
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from timeline.formats.drawing import Drawing
from timeline.formats.pictures import drawn
from timeline.settings import Settings
from timeline.web.operations import ENCODER

Json = dict[str, Any]
STATIC = {"timeline.css": "text/css; charset=utf-8", "timeline.js": "text/javascript; charset=utf-8"}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_DATE = re.compile(r"\b\d{4}-\d{2}(-\d{2})?\b", re.ASCII)


class Templates:
    """Renders pages."""

    def __init__(self, settings: Settings) -> None:
        self.static = {name: files("timeline.web").joinpath("static", name).read_bytes() for name in STATIC}
        self._environment = Environment(
            loader=PackageLoader("timeline.web"),
            autoescape=select_autoescape(default=True),
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"day": day, "instant": instant, "path": path, "query": urlencode, "data": data}
        self._environment.filters |= {"drawn": elements, "dated": dated}
        self._environment.globals |= {
            "base_url": settings.base_url,
            "version": sha256(b"".join(self.static.values())).hexdigest()[:12],
        }

    def render(self, name: str, /, **values: Any) -> str:
        """The page of that name."""
        return self._environment.get_template(name).render(**values)

    def problem(self, body: Json, sign_in: str | None, instead: Sequence[tuple[str, str]] = (), sent: str = "") -> str:
        """A refusal as a page: the way in for who has to sign in, the pages perhaps meant, and what was sent."""
        return self.render("problem.html", problem=body, sign_in=sign_in, instead=instead, sent=sent)


def day(text: str | None) -> str:
    """A date as people read it: 28 Oct 2025; a coarse one as coarse as it is; nothing invented for None."""
    if text is None:
        return "not stated"
    parts = text[:10].split("-")
    if len(parts) == 1:
        return parts[0]
    month = _MONTHS[int(parts[1]) - 1]
    if len(parts) == 2:
        return f"{month} {parts[0]}"
    return f"{date(*map(int, parts)).day} {month} {parts[0]}"


def dated(text: str) -> str:
    """A text with its dates as people read them: “at the end of Jun 2032”."""
    return _DATE.sub(lambda found: day(found[0]), text)


def instant(text: str | None) -> str:
    """A moment as people read it, to the minute, in UTC."""
    return "never" if text is None else f"{day(text)}, {text[11:16]} UTC"


def path(text: str) -> str:
    """A text as part of a path."""
    return quote(text, safe="/@")


def data(value: Any) -> Markup:
    """Plain data as JSON for a script element: nothing in it can end the element or begin another."""
    text = ENCODER.encode(value).decode()
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - what could be markup is written by number


def elements(drawing: Drawing) -> Markup:
    """A drawing as elements of the page."""
    return Markup(drawn(drawing))  # noqa: S704 - `drawn` escapes every text of the record
