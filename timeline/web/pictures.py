"""The picture of a partnership's timeline by itself: its page's address with .svg or .png, live or as a citation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from timeline.core.dates import day
from timeline.core.questions import KNOWLEDGE, asked_day, filled
from timeline.formats.pictures import PICTURES, SVG_POLICY, Picture, picture
from timeline.web import api
from timeline.web.memento import lasting
from timeline.web.operations import OTHERWISE, Call, Operation, Parameter, Reply
from timeline.web.reading import FOR_EVER, Reading


class Pictures:
    """The pictures.

    Args:
        base_url: What the links in a picture begin with; without a slash at its end.
    """

    def __init__(self, reading: Reading, base_url: str) -> None:
        self._ask = reading
        self._base_url = base_url

    def operations(self) -> tuple[Operation, ...]:
        """Their addresses, each format one of its own: other documents stand beside them."""

        def get(path: str, suffix: str, name: str, question: Callable[[Call], Picture], *given: Parameter) -> Operation:
            handler, formats = partial(self._made, suffix, question), {suffix: PICTURES[suffix][1]}
            summary = f"The timeline as a picture ({suffix.upper()}){', for ever' if '@' in path else ''}"
            return Operation(
                "GET",
                f"{path}.{suffix}",
                f"{name}_{suffix}",
                summary,
                handler,
                None,
                given,
                formats=formats,
                otherwise=(*OTHERWISE["GET"], "413"),
            )

        live, cited = (api.AS_OF, *api.KNOWLEDGE), api.KNOWLEDGE[2:]
        return tuple(
            made
            for suffix in PICTURES
            for made in (
                get("/p/{p}@{seq}/{date}", suffix, "cited_picture", self._cited, *cited),
                get("/p/{p}", suffix, "picture", self._live, *live),
            )
        )

    def _made(self, suffix: str, question: Callable[[Call], Picture], call: Call) -> Reply:
        found, permanent = question(call), "seq" in call.path
        headers = lasting(call.path, {}) if permanent else {"Link": f'<{found.address}>; rel="cite-as"'}
        headers |= {
            "Content-Disposition": f'inline; filename="{call.path["p"]}.{suffix}"',
            "Content-Security-Policy": SVG_POLICY,
        }
        body = PICTURES[suffix][0](found)
        return Reply(body, headers=headers, cache_control=FOR_EVER if permanent else None)

    def _live(self, call: Call) -> Picture:
        given, now = call.given, self._ask.clock()
        as_of = asked_day(filled(given, "as_of"), now, field="as_of") if "as_of" in given else now.date()
        knowledge = {name: given[name] for name in KNOWLEDGE if name in given}
        timeline = self._ask.timeline(Call({"p": call.path["p"]}, knowledge))
        return picture(timeline, as_of, now.date(), self._base_url)

    def _cited(self, call: Call) -> Picture:
        """Both clocks are fixed, so that no day changes it."""
        as_of = day(call.path["date"], field="date")
        return picture(self._ask.timeline(call), as_of, None, self._base_url)
