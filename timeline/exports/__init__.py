"""What leaves the building: answers with both clocks fixed, so that they are the same whenever they are asked again."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import msgspec

from timeline.answers import Answers
from timeline.bodies import ends_text, since_text
from timeline.core.dates import iso
from timeline.core.history import AGREED, PROPOSED, REPORTED
from timeline.core.questions import ALL, Knowledge, Question
from timeline.core.sheet import Citation, Sheet
from timeline.core.terms import Term
from timeline.core.wording import NOT_RECORDED
from timeline.exports import linked, memos

Json = dict[str, Any]
_WHAT_HOLDS = ("status", "value", "text", "since", "until", "on", "certainty")
_WHAT_SUPPORTS = ("governed_by", "evidence", "conflicts")
ENCODER = msgspec.json.Encoder(decimal_format="number")


@dataclass(frozen=True, slots=True)
class Cited:
    """An answer with both clocks fixed, and the citation that names it."""

    body: Json
    encoded: bytes
    citation: Citation


class Exports:
    """Answers to take away.

    What was asked is first fixed to a position of the log; the answer is then asked again at that position, and
    everything in it follows from the address that the citation names. Two requests that come to the same position
    give the same bytes, whatever words they used.

    Args:
        base_url: Where this record is served; links begin with it.
    """

    def __init__(self, answers: Answers, base_url: str) -> None:
        self.answers = answers
        self.base_url = base_url

    # -- cited answers -----------------------------------------------------------------------------------------

    def state(self, partnership: str, question: Question) -> Cited:
        """The state on a day."""
        known = self._fixed(partnership, question.knowledge)
        body = self.answers.state(partnership, replace(question, knowledge=known))
        day = question.as_of.isoformat()
        what, query, words = f"state on {day}", {}, ["--as-of", day]
        if question.term is not None:
            what += f", only {question.term}"
            query["term"] = question.term
            words += ["--term", question.term]
        if question.include:
            what += f", with what is {' and '.join(question.include)}"
            query["include"] = ",".join(question.include)
            words += ["--include", query["include"]]
        return self._cited(body, what, known, f"/{day}", query, words)

    def changes(self, partnership: str, after: date, upto: date, knowledge: Knowledge = ALL) -> Cited:
        """Two days compared."""
        known = self._fixed(partnership, knowledge)
        body = self.answers.changes(partnership, after, upto, known)
        first, last = after.isoformat(), upto.isoformat()
        what = f"changes after {first} up to {last}"
        return self._cited(body, what, known, "/compare", {"from": first, "to": last}, ["--between", first, last])

    def history(self, partnership: str, term: Term, knowledge: Knowledge = ALL) -> Cited:
        """One term's life."""
        known = self._fixed(partnership, knowledge)
        body = self.answers.history(partnership, term, known)
        return self._cited(body, f"life of {term}", known, f"/t/{term}", {}, ["--term", str(term)])

    def timeline(self, partnership: str, knowledge: Knowledge = ALL) -> Cited:
        """Every term's life."""
        known = self._fixed(partnership, knowledge)
        body = self.answers.timeline(partnership, known)
        return self._cited(body, "timeline", known, "/timeline", {}, ["--timeline"])

    def announcement(self, body: Json) -> Citation:
        """The citation of an act, by its hash in the log's chain.

        Args:
            body: What `Answers.announcement` gave.
        """
        return Citation(
            name=body["name"],
            what=f"{body['kind']} {body['id']}",
            record=body["seq"],
            sha256=body["hash"],
            base_url=self.base_url,
            path=f"/a/{body['id']}",
        )

    def since(self, partnership: str, question: Question) -> Json:
        """How a cited state reads by all that is on record now: what was recorded since, and what differs by it."""
        then = self.answers.state(partnership, question)
        known = replace(question.knowledge, known_seq=self.answers.position(partnership, ALL))
        now = self.answers.state(partnership, replace(question, knowledge=known))
        before, after = _by_lane(then), _by_lane(now)
        differs, supported = [], []
        for place in sorted({*before, *after}):
            was, is_ = before.get(place), after.get(place)
            lane, name = place
            line = {"term": name, "label": (is_ or was or {})["label"], "lane": lane}
            line |= {"before": _side(was), "after": _side(is_)}
            if _parts(was, _WHAT_HOLDS) != _parts(is_, _WHAT_HOLDS):
                differs.append(line)
            elif _parts(was, _WHAT_SUPPORTS) != _parts(is_, _WHAT_SUPPORTS):
                supported.append(line)
        cited_seq = question.knowledge.known_seq
        assert cited_seq is not None  # a citation fixes it
        acts = self.answers.announcements(partnership)["announcements"]
        return {
            "partnership": partnership,
            "name": now["name"],
            "cited": then["resolved"],
            "now": now["resolved"],
            "differs": differs,
            "other_words": supported,
            "acts": [act for act in acts if act["seq"] > cited_seq],
        }

    def linked(self, cited: Cited) -> list[Json]:
        """A cited answer as a graph of linked data."""
        parties = self.answers.partnership(cited.body["partnership"])["parties"]
        return linked.answer(cited.body, cited.citation, parties)

    def linked_announcement(self, body: Json) -> list[Json]:
        """An act, as `Answers.announcement` gave it, as a graph of linked data."""
        parties = self.answers.partnership(body["partnership"])["parties"]
        return linked.announcement(body, self.announcement(body), parties)

    # -- the same as sheets ------------------------------------------------------------------------------------

    def sheet(self, cited: Cited) -> Sheet:
        """The sheet of a cited answer."""
        make: Callable[[memos.Memo, Json], None]
        body = cited.body
        if "view" in body:
            make = memos.state
        elif "changes" in body:
            make = memos.changes
        elif "statements" in body:
            make = memos.history
        else:
            make = memos.timeline
        memo = memos.Memo(cited.citation, self.answers.kinds, body)
        make(memo, body)
        return memo.sheet(cited.encoded)

    def _fixed(self, partnership: str, knowledge: Knowledge) -> Knowledge:
        """The same knowledge, its end as a position of the log."""
        return replace(knowledge, known_at=None, known_seq=self.answers.position(partnership, knowledge))

    def _cited(
        self,
        body: Json,
        what: str,
        known: Knowledge,
        place: str,
        query: dict[str, str],
        words: list[str],
    ) -> Cited:
        """The answer with its citation: `words` ask for it on the command line, `place` and `query` over HTTP."""
        encoded = ENCODER.encode(body)
        partnership, seq = body["partnership"], known.known_seq
        assert seq is not None  # it is fixed
        if known.announced_by is not None:
            moment = iso(known.announced_by)
            what += f", announced by {moment}"
            query = query | {"announced_by": moment}
            words = [*words, "--announced-by", moment]
        citation = Citation(
            name=body["name"],
            what=what,
            record=seq,
            sha256=sha256(encoded).hexdigest(),
            base_url=self.base_url,
            path=f"/p/{partnership}@{seq}{place}",
            query=urlencode(query, safe=",:/*"),
            command=shlex.join(["timeline", "export", partnership, *words, "--known-seq", str(seq)]),
        )
        return Cited(body, encoded, citation)


def _by_lane(body: Json) -> dict[tuple[str, str], Json]:
    """What a state says of each term, by lane and term."""
    lanes = {AGREED: [*body["terms"], *body["ended"]], PROPOSED: body["proposed"], REPORTED: body["reported"]}
    return {(lane, term["term"]): term for lane, terms in lanes.items() for term in terms}


def _side(term: Json | None) -> Json:
    if term is None:
        return {"text": NOT_RECORDED, "governed_by": None}
    text = term["text"]
    if "since" in term:
        text += f" (since {since_text(term['since'])}, {ends_text(term['until'])})"
    return {"text": text, "governed_by": term["governed_by"]}


def _parts(term: Json | None, names: tuple[str, ...]) -> Json | None:
    return None if term is None else {name: term.get(name) for name in names}
