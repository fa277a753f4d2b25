"""The tools that an assistant may call, one table: what each takes, an example that runs, and what answers it.

They ask what the API asks. None can record anything: the one that drafts is given a desk that only ever judges.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import chain
from typing import Any

from timeline import search
from timeline.acts import Desk
from timeline.agents import rows
from timeline.agents.declared import Argument, Given, Tool, read
from timeline.agents.instructions import THEIR_WORDS
from timeline.agents.small import LIMIT, fitted, named, tidy
from timeline.answers import Answers
from timeline.core.announcements import reference
from timeline.core.errors import TimelineError, did_you_mean
from timeline.core.questions import (
    KNOWLEDGE,
    STATE,
    asked_day,
    position,
    read_knowledge,
    read_question,
    required,
)
from timeline.core.terms import term
from timeline.core.wording import NOT_RECORDED
from timeline.drafting import Drafts, Record
from timeline.exports import ENCODER, Cited, Exports
from timeline.exports.memos import clocks
from timeline.overview import NAMED, Overview
from timeline.settings import Settings

Json = dict[str, Any]
_HITS = "5"
_DOCUMENT = 8_000
"""Characters of a draft that are shown."""
_PARTNERSHIP = Argument("partnership", "The partnership, as find_partnership names it.", "harbour-quill", required=True)
_AS_OF = Argument("as_of", "The day asked about, YYYY-MM-DD. Default: today, UTC.", "2023-06-30")
_TERM = Argument("term", "The term, as state_as_of names it.", "exclusivity/ship-positions", required=True)
_TERMS = Argument("term", "Only terms that match, such as exclusivity/*.", "exclusivity/*")
_INCLUDE = Argument("include", "Also what is only proposed,reported: never part of what is in force.", "reported")
_KNOWLEDGE = (
    Argument("known_at", "As known to this record then: YYYY-MM-DD or an instant with offset.", "2026-01-31"),
    Argument("known_seq", "As known after that position of the record; alone of the three.", "9", number=True),
    Argument("announced_by", "Only what had been announced by then; forms as known_at.", "2023-06-30"),
)
_SKIP = Argument("skip", "Rows to pass over; an answer that was cut says which number.", "12", number=True)


class Tools:
    """The tools over one record; safe to share between threads.

    Args:
        drafts: Where drafts are begun and checked.
    """

    def __init__(self, overview: Overview, exports: Exports, drafts: Drafts) -> None:
        self.answers = exports.answers
        self.overview = overview
        self.exports = exports
        self.drafts = drafts
        self.table = self._table()

    @classmethod
    def of(cls, answers: Answers, desk: Desk, settings: Settings, overview: Overview | None = None) -> Tools:
        """The tools of a service that is set up so, drawing on what it has made already."""
        log, kinds, clock = answers.log, answers.kinds, answers.clock
        home = log.primary  # where a draft that was just begun is
        record, there = _judged_only(desk.append), Answers(home, kinds, clock)
        drafts = Drafts(home, kinds, clock, record, there, settings.keep_texts)
        return cls(overview or Overview(log, kinds, clock), Exports(answers, settings.base_url), drafts)

    def call(self, name: str, arguments: Mapping[str, Any], may_draft: Callable[[], object]) -> bytes:
        """The answer of a tool, as JSON of about `LIMIT` bytes at most.

        Args:
            may_draft: Raises what is to be said to who may not draft.

        Raises:
            TimelineError: `unknown_tool`; what the arguments deserve.
        """
        found = next((each for each in self.table if each.name == name), None)
        if found is None:
            known = [each.name for each in self.table]
            raise TimelineError("unknown_tool", f"There is no tool “{name[:80]}”.", did_you_mean(name[:80], known))
        if found.drafts:
            may_draft()
        return ENCODER.encode(found.answer(read(found, arguments)))

    def _table(self) -> tuple[Tool, ...]:
        return (
            Tool(
                "find_partnership",
                "Find a partnership",
                "Begin here: the partnerships on record, and where words occur in names, terms and announcements. "
                "Without words: all partnerships.",
                (Argument("words", "Words that must all occur, such as a company's name.", "quill"), _SKIP),
                self._find,
            ),
            Tool(
                "state_as_of",
                "What was in force on a day",
                "The terms of a partnership in force on a day, those that had ended, and what lay ahead. A term in "
                "none of the lists is not recorded by then.",
                (_PARTNERSHIP, _AS_OF, *_KNOWLEDGE, _TERMS, _INCLUDE, _SKIP),
                self._state,
            ),
            Tool(
                "what_changed_between",
                "What changed between two days",
                "Every change in the world after one day up to another, before and after in words.",
                (
                    _PARTNERSHIP,
                    Argument("from", "The day to begin after, YYYY-MM-DD.", "2021-07-01", required=True),
                    Argument("to", "The last day, YYYY-MM-DD.", "2023-01-01", required=True),
                    *_KNOWLEDGE,
                    _SKIP,
                ),
                self._changes,
            ),
            Tool(
                "term_history",
                "One term's history",
                "What held when for one term, and everything that was ever said about it.",
                (_PARTNERSHIP, _TERM, *_KNOWLEDGE, _SKIP),
                self._history,
            ),
            Tool(
                "show_evidence",
                "Show the evidence",
                "The announcement behind a statement: its words, whether they stand in the stored source, the "
                "sources, and what was later corrected or retracted.",
                (
                    Argument(
                        "statement",
                        "What governed_by says: harbour-quill/2#1, or harbour-quill/2 for all of it.",
                        "harbour-quill/2#1",
                        required=True,
                    ),
                    _SKIP,
                ),
                self._evidence,
            ),
            Tool(
                "draft_from_text",
                "Draft from a text",
                "Begin a draft of an announcement from the text of a page: what it says is proposed by rules, each "
                "with its sentence. Records nothing: a person checks the draft and appends it.",
                (
                    Argument("text", "The text of the page, whole and unchanged.", "", required=True),
                    replace(_PARTNERSHIP, required=False, means="Which one it is about, if the page does not say."),
                    Argument("address", "Where the page is, https://….", "https://quill.example/news"),
                    Argument("announced", "The day it was published, if it does not say.", "2026-02-03"),
                ),
                self._draft,
                drafts=True,
            ),
        )

    # -- questions ---------------------------------------------------------------------------------------------

    def _find(self, given: Given) -> Json:
        words, now = given.get("words"), self.answers.clock()
        every = self.overview.partnerships()["partnerships"]
        groups: dict[str, list[Json]] = {"partnerships": every}
        note = {}
        if words is not None:
            wanted = search.read({"q": words, "limit": _HITS}, self.answers.kinds, now)
            names = self.overview.named(wanted.query)
            hits = search.find(self.answers.log, wanted)
            groups = {"partnerships": names["partnerships"], "terms": names["terms"], "announcements": hits["hits"]}
            if hits["cursor"] is not None or names["more_names"]:
                note = {"shown": f"the best {_HITS} announcements, {NAMED} names of a kind; more words find fewer"}
            if not any(groups.values()):
                known = sorted({*chain.from_iterable((each["partnership"], *each["parties"]) for each in every)})
                note = {"nothing": f"“{words}”: {NOT_RECORDED}. {did_you_mean(words.lower(), known)}"}
        seq = self.answers.log.last_seq()
        head = {
            "asked": "the partnerships on record" if words is None else f"where “{words}” occurs",
            "clocks": f"On the record up to position {seq}, at {now.date()} (UTC).",
            **note,
            "their_words": THEIR_WORDS,
        }
        made = {name: [rows.OF_NAMES[name](each) for each in found] for name, found in groups.items()}
        return fitted(head, made, _skip(given))

    def _state(self, given: Given) -> Json:
        question = read_question({name: given[name] for name in STATE if name in given}, self.answers.clock())
        cited = self.exports.state(given["partnership"], question)
        body, head = cited.body, self._head(cited)
        if body["coverage"]["note"] is not None:
            head["nothing"] = f"{NOT_RECORDED.capitalize()}: {body['coverage']['note']}"
        told = [each["detail"] for each in body["warnings"] if each["code"] == "nothing_matches"]
        if told:
            head["nothing"] = told[0]
        coverage = body["coverage"]
        if coverage["last"] is not None:
            later = coverage["later"]
            head["coverage"] = f"Announcements on record go up to {coverage['last']}; made after this day: {later}."
        if len(body["warnings"]) > len(told):
            head["warnings"] = [each["detail"] for each in body["warnings"] if each["detail"] not in told]
        groups = {
            "in_force": [rows.held(each) for each in body["terms"]],
            "ended": [rows.ended(each) for each in body["ended"]],
            **{lane: [rows.held(each) for each in body[lane]] for lane in question.include},
            "ahead": [rows.ahead(each) for each in body["upcoming"]],
        }
        return fitted(head, groups, _skip(given), _again(given, cited))

    def _changes(self, given: Given) -> Json:
        now = self.answers.clock()
        first, last = (asked_day(required(given, name, now), now, field=name) for name in ("from", "to"))
        cited = self.exports.changes(given["partnership"], first, last, read_knowledge(given, now))
        body, head = cited.body, self._head(cited)
        if not body["changes"]:
            head["nothing"] = "No change in the world is on record between the two days."
        head |= named(body, "unchanged")
        return fitted(
            head, {"changes": [rows.step(each) for each in body["changes"]]}, _skip(given), _again(given, cited)
        )

    def _history(self, given: Given) -> Json:
        now = self.answers.clock()
        about = term(required(given, "term", now), field="term")
        cited = self.exports.history(given["partnership"], about, read_knowledge(given, now))
        body, head = cited.body, self._head(cited)
        head |= named(body, "label", "direction")
        if not body["life"]:
            head["nothing"] = "No agreed statement holds on any day."
        groups = {
            "what_held": [rows.stretch(each) for each in body["life"]],
            "what_was_said": [rows.said(each) for each in body["statements"]],
        }
        return fitted(head, groups, _skip(given), _again(given, cited))

    def _evidence(self, given: Given) -> Json:
        """The present words of an announcement: its last correction's, where it was corrected."""
        asked = given["statement"]
        act, hash_, number = asked.partition("#")
        body = self.answers.announcement(*reference(act, field="statement"))
        corrected = next((each for each in reversed(body["later"]) if _corrects(each)), None)
        now = body if corrected is None else self.answers.announcement(*reference(corrected["id"], field="statement"))
        statements = [
            each | {"governed_by": f"{act}#{place}"} for place, each in enumerate(now.get("statements", []), start=1)
        ]
        replaced = [each for each in body.get("statements", []) if rows.says(each) not in map(rows.says, statements)]
        if hash_:
            known = [each["governed_by"] for each in statements]
            if asked not in known:
                raise TimelineError(
                    "unknown_announcement", f"{act} has no statement #{number}.", did_you_mean(asked, known),
                    field="statement",
                )  # fmt: skip
            statements, replaced = (
                [each for each in all_ if each["governed_by"] == asked] for all_ in (statements, replaced)
            )
        citation = self.exports.announcement(now)
        head = {
            "asked": f"the words behind {asked}",
            "clocks": f"Announced {body.get('announced', 'on no day of its own')}. Recorded {body['recorded_at']}, "
            f"at position {body['seq']}.",
            **named(body, "id", "kind", "title", "force"),
            **named(now, "summary", "reason"),
            "counts": "yes" if body["live"] else "no: see later",
            "cite": {"text": citation.text, "link": citation.link()},
            "their_words": THEIR_WORDS,
        }
        if corrected is not None:
            head["corrected"] = (
                f"These are the words of {corrected['id']}, which counts since position {corrected['seq']}; "
                "what it said before stands under “replaced”."
            )
        attached = [each for each in body.get("sources", []) if "attached_by" in each and now is not body]
        groups = {
            "statements": [rows.statement(each) for each in statements],
            "replaced": [rows.statement(each) for each in replaced],
            "sources": [rows.source(each, self.exports.base_url) for each in (*now.get("sources", []), *attached)],
            "later": [named(each, "id", "kind", "title", "reason", "recorded_at") for each in body["later"]],
        }
        return fitted(head, groups, _skip(given))

    def _head(self, cited: Cited) -> Json:
        """What every answer begins with: what was asked, both clocks in words, and how to cite it."""
        citation = cited.citation
        return {
            "asked": f"{citation.name}, {citation.what}",
            "clocks": " ".join(clocks(cited.body["resolved"])),
            "cite": {"text": citation.text, "link": citation.link()},
            "their_words": THEIR_WORDS,
        }

    # -- the one thing that can be done ------------------------------------------------------------------------

    def _draft(self, given: Given) -> Json:
        made = self.drafts.new_page(
            given["text"].encode(),
            media_type="text/markdown",
            address=given.get("address"),
            announced=given.get("announced"),
            partnership=given.get("partnership"),
        )
        number = made["id"]
        found = self.drafts.check(number)
        blocks = [named(each, "field", "detail", "remedy") for each in found["blocks"]]
        head = {
            "draft": number,
            "recorded": "no: a draft changes no answer",
            "next": f"A person checks it at {self.exports.base_url}/drafts/{number}, or with `timeline draft check "
            f"{number}`, and appends it there. No tool can.",
            "their_words": THEIR_WORDS,
        }
        body = fitted(head, {"still_to_do": blocks}, 0)
        longest = _DOCUMENT
        while longest and len(ENCODER.encode(body | {"document": tidy(made["document"], longest)})) > LIMIT:
            longest //= 2
        return body | {"document": tidy(made["document"], longest)}


def _judged_only(record: Record) -> Record:
    """The same desk with its pen taken away: whatever it is given, it says what would happen and records nothing."""

    def judge(submission: Any, *, expect: int | None = None, **_: Any) -> Json:
        return record(submission, expect=expect, dry_run=True)

    return judge


def _corrects(act: Json) -> bool:
    return bool(act["kind"] == "correction" and act["live"])


def _skip(given: Given) -> int:
    return position(given["skip"], field="skip") if "skip" in given else 0


def _again(given: Given, cited: Cited) -> str:
    """What makes the next part of an answer belong to this one, if the question does not fix it already."""
    return "" if any(name in given for name in KNOWLEDGE) else f" and known_seq={cited.citation.record}"
