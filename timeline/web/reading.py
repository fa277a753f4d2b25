"""What can be asked over HTTP: from the parameters of an address to a question, and to the answer as plain data."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, datetime
from typing import Any
from urllib.parse import urlencode

from timeline import across, search
from timeline.answers import Answers
from timeline.core.dates import day
from timeline.core.errors import TimelineError
from timeline.core.questions import (
    ALL,
    MOST,
    PAGE,
    Knowledge,
    Question,
    asked_day,
    asked_limit,
    cited_knowledge,
    cursor,
    filled,
    position,
    read_across,
    read_cursor,
    read_knowledge,
    read_lanes,
    read_question,
    required,
)
from timeline.core.schema import announcement_schema
from timeline.core.terms import Term, term
from timeline.drafting import leads
from timeline.exports import Cited, Exports
from timeline.overview import Overview
from timeline.web.memento import LINK_FORMAT, lasting, time_map
from timeline.web.operations import Call, Reply

Json = dict[str, Any]
_NO_NAMES: Json = {"partnerships": [], "terms": [], "more_names": False}
FOR_EVER = "public, max-age=31536000, immutable"
_AT = re.compile(r"@(\d{1,15})", re.ASCII)


class Reading:
    """The questions of the API.

    Args:
        status: What `/status` says of this process: feeds, leader, streams.
    """

    def __init__(
        self,
        answers: Answers,
        overview: Overview,
        exports: Exports,
        clock: Callable[[], datetime],
        status: Callable[[], Json],
    ) -> None:
        self.answers = answers
        self.exports = exports
        self.overview = overview
        self.clock = clock
        self._status = status

    def home(self, _: Call) -> Json:
        return self.overview.home()

    def status(self, _: Call) -> Json:
        return self._status()

    def search(self, call: Call) -> Json:
        """Where words occur, with the names that have them on a first page without filters; nothing for no words."""
        given = dict(call.given)
        if not given.get("q", "").strip():
            nothing: Json = {"hits": [], "cursor": None, "next": None, "indexed": None, "head": None}
            return {"q": "", **_NO_NAMES, **nothing}
        wanted = search.read(given, self.answers.kinds, self.clock())
        found = search.find(self.answers.log, wanted)
        names = self.overview.named(wanted.query) if given.keys() <= {"q", "limit"} else _NO_NAMES
        following = None
        if found["cursor"] is not None:
            following = f"/api/search?{urlencode(given | {'cursor': found['cursor']})}"
        return {"q": given["q"], **names, **found, "next": following}

    def partnerships(self, call: Call) -> Json:
        wanted = {name: filled(call.given, name) for name in ("party", "kind") if name in call.given}
        return self.overview.partnerships(**wanted)

    def partnership(self, call: Call) -> Json:
        return self.answers.partnership(call.path["p"])

    def state(self, call: Call) -> Json:
        return self.answers.state(call.path["p"], read_question(call.given, self.clock()))

    def in_force(self, call: Call) -> Json:
        """What is in force across partnerships, with the address of the next page, which is of the same moment."""
        page = across.in_force(self.answers, read_across(call.given, self.answers.kinds, self.clock()))
        following = None
        if page["more"]:
            following = f"/api/in-force?{urlencode(across.following(call.given, page), safe='/')}"
        return page | {"next": following}

    # -- answers that may be cited: live, or with the position of the log in the path ---------------------------

    def cited_state(self, call: Call) -> Cited:
        """The state, both clocks fixed."""
        fixed = "seq" in call.path
        question = self._cited_question(call) if fixed else read_question(call.given, self.clock())
        return self.exports.state(call.path["p"], question)

    def cited_changes(self, call: Call) -> Cited:
        """Two days compared, the record fixed."""
        first, last = self._span(call)
        return self.exports.changes(call.path["p"], first, last, self._knowledge(call))

    def cited_history(self, call: Call) -> Cited:
        """One term's life, the record fixed."""
        return self.exports.history(call.path["p"], self._term(call), self._knowledge(call))

    def cited_timeline(self, call: Call) -> Cited:
        """Every term's life, the record fixed."""
        return self.exports.timeline(call.path["p"], self._knowledge(call))

    def permanent(self, ask: Callable[[Call], Cited], call: Call) -> Reply:
        """The answer at a permanent address: bytes that nothing recorded later changes."""
        cited = ask(call)
        return Reply(cited.encoded, headers=lasting(call.path, call.given), cache_control=FOR_EVER)

    def since(self, call: Call) -> Json:
        """How a cited state reads by all that is on record now."""
        return self.exports.since(call.path["p"], self._cited_question(call))

    def reread(self, ask: Callable[[Call], Cited], call: Call, cited: Cited) -> Json | None:
        """Whether a permanent answer reads the same by all that is on record now; None of a live one."""
        if "seq" not in call.path:
            return None
        head = self.answers.position(call.path["p"], ALL)
        now = ask(Call({**call.path, "seq": str(head)}, call.given))
        same = now.body | {"resolved": None} == cited.body | {"resolved": None}
        return {"same": same, "record": head, "place": now.citation.place()}

    def history(self, call: Call) -> Json:
        return self.answers.history(call.path["p"], self._term(call), self._knowledge(call))

    def timeline(self, call: Call) -> Json:
        return self.answers.timeline(call.path["p"], self._knowledge(call))

    def time_map(self, call: Call) -> Reply:
        """The days up to today on which anything changed, for readers of mementos."""
        today = self.clock().date().isoformat()
        days = [date.fromisoformat(each["on"]) for each in self.timeline(call)["days"] if each["on"] <= today]
        head = self.answers.partnership(call.path["p"])["head"]
        return Reply(time_map(call.path["p"], head, days), media_type=LINK_FORMAT)

    def changes(self, call: Call) -> Json:
        after, upto = self._span(call)
        return self.answers.changes(call.path["p"], after, upto, self._knowledge(call))

    def learned(self, call: Call) -> Json:
        now = self.clock()
        earlier, later = (self._moment(required(call.given, name, now), name) for name in ("from", "to"))
        return self.answers.learned(call.path["p"], earlier, later)

    def upcoming(self, call: Call) -> Json:
        until = asked_day(filled(call.given, "until"), self.clock(), field="until") if "until" in call.given else None
        return self.answers.upcoming(call.path["p"], until, self._knowledge(call))

    def announcements(self, call: Call) -> Json:
        return self.answers.announcements(call.path["p"])

    def announcement(self, call: Call) -> Json:
        return self.answers.announcement(call.path["p"], position(call.path["n"], field="n"))

    def similar(self, call: Call) -> Json:
        return search.similar(self.answers.log, call.path["p"], position(call.path["n"], field="n"))

    def leads(self, call: Call) -> Json:
        return leads(self.answers.log, filled(call.given, "partnership") if "partnership" in call.given else None)

    def text(self, call: Call) -> Reply:
        """A stored text as it was received; never as a page of ours."""
        stored = self.answers.source_text(call.path["sha256"])
        return Reply(stored.content, media_type="text/plain; charset=utf-8", cache_control=FOR_EVER)

    def schema(self, _: Call) -> Json:
        return announcement_schema(self.answers.kinds)

    def log(self, call: Call) -> Json:
        """A page of the log, with the address of the next one, which shows the log as it ended for this one."""
        limit = asked_limit(call.given, PAGE, MOST)
        upto = None
        if "cursor" in call.given:
            if "after" in call.given:
                raise TimelineError(
                    "conflicting_parameters", "cursor says already after what.", "Leave after out.", field="after"
                )
            after, upto = read_cursor(filled(call.given, "cursor"), 2)
        else:
            after = position(filled(call.given, "after"), field="after") if "after" in call.given else 0
        page = self.answers.events(after, limit, upto)
        following = f"/api/log?cursor={cursor(page['last'], page['head'])}&limit={limit}" if page["more"] else None
        return page | {"next": following}

    def _knowledge(self, call: Call) -> Knowledge:
        if "seq" in call.path:
            return cited_knowledge(call.path["seq"], call.given)
        return read_knowledge(call.given, self.clock())

    def _cited_question(self, call: Call) -> Question:
        on = day(call.path["date"], field="date")
        pattern = filled(call.given, "term") if "term" in call.given else None
        return Question(on, self._knowledge(call), pattern, read_lanes(call.given))

    def _term(self, call: Call) -> Term:
        return term(f"{call.path['kind']}/{call.path['subject']}", field="term")

    def _span(self, call: Call) -> tuple[date, date]:
        """The two days; at a permanent address each says itself which it is, never “today”."""
        now = self.clock()
        given = {name: required(call.given, name, now) for name in ("from", "to")}
        if "seq" in call.path:
            first, last = (day(text, field=name) for name, text in given.items())
        else:
            first, last = (asked_day(text, now, field=name) for name, text in given.items())
        return first, last

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
