"""What can be asked over HTTP: from the parameters of an address to a question, and to the answer as plain data."""

from __future__ import annotations

import binascii
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import datetime
from typing import Any

from timeline.answers import Answers
from timeline.core.errors import TimelineError
from timeline.core.questions import (
    Knowledge,
    Question,
    asked_day,
    filled,
    position,
    read_knowledge,
    read_question,
    required,
)
from timeline.core.schema import announcement_schema
from timeline.core.terms import term
from timeline.overview import Overview
from timeline.web.operations import Call, Reply

Json = dict[str, Any]
PAGE = 100
MOST = 1000
FOR_EVER = "public, max-age=31536000, immutable"
_CURSOR = re.compile(r"(\d{1,15})-(\d{1,15})", re.ASCII)
_AT = re.compile(r"@(\d{1,15})", re.ASCII)


class Reading:
    """The questions of the API.

    Args:
        status: What `/status` says of this process: feeds, leader, streams.
    """

    def __init__(
        self, answers: Answers, overview: Overview, clock: Callable[[], datetime], status: Callable[[], Json]
    ) -> None:
        self.answers = answers
        self.overview = overview
        self.clock = clock
        self._status = status

    def home(self, _: Call) -> Json:
        return self.overview.home()

    def status(self, _: Call) -> Json:
        return self._status()

    def search(self, call: Call) -> Json:
        words = filled(call.given, "q") if call.given.get("q", "").strip() else ""
        if len(words) > 200:
            raise TimelineError("invalid_value", "q is longer than 200 characters.", "Take fewer words.", field="q")
        if not words:
            return {"q": "", "partnerships": [], "terms": [], "announcements": [], "more": False}
        return self.overview.search(words)

    def partnerships(self, call: Call) -> Json:
        wanted = {name: filled(call.given, name) for name in ("party", "kind") if name in call.given}
        return self.overview.partnerships(**wanted)

    def partnership(self, call: Call) -> Json:
        return self.answers.partnership(call.path["p"])

    def state(self, call: Call) -> Json:
        return self.answers.state(call.path["p"], read_question(call.given, self.clock()))

    def cited(self, call: Call) -> Reply:
        """The state of a citation: both clocks fixed, and nothing in it that today could change."""
        on = asked_day(call.path["date"], self.clock(), field="date")
        knowledge = Knowledge(known_seq=position(call.path["seq"], field="known_seq"))
        body = self.answers.state(call.path["p"], Question(as_of=on, knowledge=knowledge)) | {"view": "cited"}
        return Reply(body, headers=memento(call.path["p"], on.isoformat()), cache_control=FOR_EVER)

    def history(self, call: Call) -> Json:
        asked = term(f"{call.path['kind']}/{call.path['subject']}", field="term")
        return self.answers.history(call.path["p"], asked, self._knowledge(call))

    def timeline(self, call: Call) -> Json:
        return self.answers.timeline(call.path["p"], self._knowledge(call))

    def changes(self, call: Call) -> Json:
        now = self.clock()
        after, upto = (asked_day(required(call.given, name), now, field=name) for name in ("from", "to"))
        return self.answers.changes(call.path["p"], after, upto, self._knowledge(call))

    def learned(self, call: Call) -> Json:
        earlier, later = (self._moment(required(call.given, name), name) for name in ("from", "to"))
        return self.answers.learned(call.path["p"], earlier, later)

    def upcoming(self, call: Call) -> Json:
        until = asked_day(filled(call.given, "until"), self.clock(), field="until") if "until" in call.given else None
        return self.answers.upcoming(call.path["p"], until, self._knowledge(call))

    def announcements(self, call: Call) -> Json:
        return self.answers.announcements(call.path["p"])

    def announcement(self, call: Call) -> Json:
        return self.answers.announcement(call.path["p"], position(call.path["n"], field="n"))

    def text(self, call: Call) -> Reply:
        """A stored text as it was received; never as a page of ours."""
        stored = self.answers.source_text(call.path["sha256"])
        return Reply(stored.content, media_type="text/plain; charset=utf-8", cache_control=FOR_EVER)

    def schema(self, _: Call) -> Json:
        return announcement_schema(self.answers.kinds)

    def log(self, call: Call) -> Json:
        """A page of the log, with the address of the next one, which shows the log as it ended for this one."""
        limit = position(filled(call.given, "limit"), field="limit") if "limit" in call.given else PAGE
        if not 1 <= limit <= MOST:
            raise TimelineError("invalid_value", f"limit={limit} is out of range.", f"Take 1 to {MOST}.", field="limit")
        upto = None
        if "cursor" in call.given:
            if "after" in call.given:
                raise TimelineError(
                    "conflicting_parameters", "cursor says already after what.", "Leave after out.", field="after"
                )
            after, upto = _positions(filled(call.given, "cursor"))
        else:
            after = position(filled(call.given, "after"), field="after") if "after" in call.given else 0
        page = self.answers.events(after, limit, upto)
        following = f"/api/log?cursor={_cursor(page['last'], page['head'])}&limit={limit}" if page["more"] else None
        return page | {"next": following}

    def _knowledge(self, call: Call) -> Knowledge:
        return read_knowledge(call.given, self.clock())

    def _moment(self, text: str, name: str) -> Knowledge:
        """A moment of knowledge: an instant, a day, or a position such as @27."""
        match = _AT.fullmatch(text)
        if match is not None:
            return Knowledge(known_seq=position(match[1], field=name))
        given = {"known_at": text}
        try:
            return read_knowledge(given, self.clock())
        except TimelineError as error:
            error.field = name
            error.remedy = error.remedy.replace("known_at", name)
            raise


def memento(partnership: str, on: str) -> dict[str, str]:
    """What RFC 7089 wants to be said of an answer about a day."""
    day = datetime.fromisoformat(f"{on}T23:59:59+00:00")
    links = f'</p/{partnership}>; rel="original timegate"'
    return {"Memento-Datetime": day.strftime("%a, %d %b %Y %H:%M:%S GMT"), "Link": links}


def _cursor(after: int, upto: int) -> str:
    return urlsafe_b64encode(f"{after}-{upto}".encode()).decode().rstrip("=")


def _positions(cursor: str) -> tuple[int, int]:
    try:
        text = urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    match = _CURSOR.fullmatch(text)
    if match is None:
        raise TimelineError(
            "invalid_value",
            "That is not a cursor of ours.",
            "Follow next as it was given, or use after=0.",
            field="cursor",
        )
    return int(match[1]), int(match[2])
