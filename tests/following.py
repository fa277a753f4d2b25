"""A program that follows remedies literally.

It has its facts, its request and the problem document, and knows the few forms in which remedies are written, and
nothing of any mistake. What it does not understand is a failure of the remedy.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote

import yaml
from starlette.testclient import TestClient

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, taken apart."""

    method: str
    path: str
    query: tuple[tuple[str, str], ...] = ()
    headers: Json = field(default_factory=dict)
    body: Any = None

    def giving(self, name: str, value: str | None) -> Asked:
        """The same with that value alone for a parameter or a header, which has a capital; None leaves it out."""
        if name[:1].isupper():
            kept = {key: each for key, each in self.headers.items() if key != name}
            return replace(self, headers=kept if value is None else kept | {name: value})
        pairs = tuple(pair for pair in self.query if pair[0] != name)
        return replace(self, query=pairs if value is None else (*pairs, (name, value)))

    def having(self, place: str, value: Any) -> Asked:
        """The same with that value at a place of the document such as a[0].b, or of the query where there is none."""
        if not isinstance(self.body, dict):
            return self.giving(place, str(value))
        return self._changed(place, lambda holder, key: holder.__setitem__(key, value))

    def lacking(self, place: str) -> Asked:
        if not isinstance(self.body, dict) or place in dict(self.query):
            return self.giving(place, None)
        return self._changed(place, lambda holder, key: holder.pop(key, None))

    def at(self, place: str) -> Any:
        """What stands at a place; None for nothing."""
        found: Any = self.body if isinstance(self.body, dict) else dict(self.query)
        for key in _keys(place):
            try:
                found = found[key]
            except (KeyError, IndexError, TypeError):
                return None
        return found

    def exchanging(self, wrong: str, right: str) -> Asked:
        """The same with one word for another, wherever it stands."""

        def word(text: str) -> str:
            return re.sub(rf"(?<![\w-]){re.escape(wrong)}(?![\w-])", right, text)

        body = json.loads(word(json.dumps(self.body))) if isinstance(self.body, dict) else self.body
        query = tuple((word(name), word(value)) for name, value in self.query)
        return replace(self, path=word(self.path), query=query, body=body)

    def _changed(self, place: str, change: Callable[[Any, Any], None]) -> Asked:
        body = deepcopy(self.body)
        *around, last = _keys(place)
        holder: Any = body
        for key in around:
            holder = holder[key]
        change(holder, last)
        return replace(self, body=body)


def get(address: str, **headers: str) -> Asked:
    path, _, query = address.partition("?")
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    return Asked("GET", unquote(path), pairs, {name.replace("_", "-"): value for name, value in headers.items()})


def send(body: Any, address: str, method: str = "POST", **headers: str) -> Asked:
    return replace(get(address, **headers), method=method, body=body)


@dataclass(frozen=True, slots=True)
class Follower:
    """The program: how it asks, runs a command line of the service and lets seconds pass, and what it wants to say.

    Attributes:
        facts: All that it knows, by the name of the field.
        document: The document that it wants to send, whole and right.
    """

    client: TestClient
    run: Callable[[str], str]
    wait: Callable[[int], None]
    facts: Json
    document: Json

    def ask(self, asked: Asked) -> Any:
        """The answer of the service."""
        headers = {name: value for name, value in asked.headers.items() if value}
        given: Json = {}
        if asked.body is not None:
            typed = isinstance(asked.body, bytes)
            given["content"] = asked.body if typed else json.dumps(asked.body, default=str).encode()
            if "Content-Type" not in asked.headers:
                headers["Content-Type"] = "application/json"
        path = quote(asked.path, safe="/@")
        return self.client.request(asked.method, path, params=list(asked.query), headers=headers, **given)

    def follow(self, asked: Asked, problem: Json) -> Asked:
        """The request that the remedy leads to, after whatever it says to do first."""
        for form, act in FORMS:
            found = re.search(form, problem["remedy"])
            if found is not None:
                made = act(Remedy(self, asked, problem, tuple(each for each in found.groups() if each)))
                if made is not None:
                    return made
        raise AssertionError(f"This remedy cannot be followed: {problem['remedy']}")

    def fact(self, place: str) -> Any:
        """What it knows of a place of a document, or of the nearest one around it; None for no such thing."""
        found: Any = self.facts
        for key in _keys(place):
            if not (key in found if isinstance(found, dict) else isinstance(found, list) and key in range(len(found))):
                break
            found = found[key]
        return None if found is self.facts else found


@dataclass(frozen=True, slots=True)
class Remedy:
    """One remedy to follow: each method is what a form of them means, with the words that it names in `said`."""

    me: Follower
    asked: Asked
    problem: Json
    said: tuple[str, ...]

    @property
    def place(self) -> str:
        return str(self.problem["field"])

    def rename(self) -> Asked:
        """The wrong word stands in quotation marks in the detail."""
        return self.asked.exchanging(re.findall("“(.+?)”", self.problem["detail"])[0], self.said[0])

    def instead(self) -> Asked:
        return self.asked.exchanging(self.said[1], self.said[0])

    def go(self) -> Asked:
        return get(self.said[0].replace("{p}", "harbour-quill").replace("{n}", "2"))

    def path(self) -> Asked:
        return replace(self.asked, path=self.said[0])

    def act(self) -> Asked:
        """The number of an act in the address becomes that of the one named."""
        number = self.said[0].rpartition("/")[2]
        return replace(self.asked, path=re.sub(r"/\d+(?=/|$)", f"/{number}", self.asked.path, count=1))

    def right(self) -> Asked:
        content, reason = self.said
        if self.asked.method == "DELETE":
            return send({"reason": self.me.facts["reason"]}, reason)
        return send({**self.asked.body, "reason": self.me.facts["reason"]}, content.replace("{n}", "2"))

    def retract(self) -> Asked:
        p, n = self.said[0].split("/")
        return send({"reason": self.me.facts["reason"]}, f"/api/partnerships/{p}/announcements/{n}/retraction")

    def retract_first(self) -> Asked:
        assert self.me.ask(self.retract()).status_code == 201
        return self.asked

    def record_anew(self) -> Asked:
        self.retract_first()
        names = ("title", "announced", "sources", "occurred", "on")
        body = {name: self.me.facts[name] for name in names}
        return send(body, re.sub("/announcements/.*", "/occurrences", self.asked.path))

    def method(self) -> Asked:
        return replace(self.asked, method=self.said[0], body=None)

    def header(self) -> Asked:
        return self.asked.giving(*self.said)

    def token(self) -> Asked:
        printed = self.me.run(self.said[0].replace("NAME", "robot"))
        return self.asked.giving("Authorization", f"Bearer {re.findall(r'tl_[A-Za-z0-9_-]+', printed)[0]}")

    def command(self) -> Asked:
        """What the command did is seen at the address above."""
        self.me.run(self.said[0])
        return get(self.asked.path.rpartition("/")[0])

    def later(self) -> Asked:
        self.me.wait(int(self.said[0]))
        return self.asked

    def look_up(self) -> Asked:
        """The named fact of an address, written into If-Match in the form that is shown."""
        name, address, form = self.said
        found = str(self.me.ask(get(address)).json()[name]).rpartition("@")[2]
        return self.asked.giving("If-Match", re.sub(r"@\d+", f"@{found}", form))

    def expect(self) -> Asked:
        return self.asked.giving("If-Match", re.sub(r"@\d+", f"@{self.said[0]}", self.asked.headers["If-Match"]))

    def draft(self) -> Asked:
        """A draft that the address lists, in the place of the one that there is not."""
        first = self.me.ask(get(self.said[0])).json()["drafts"][0]["id"]
        return replace(self.asked, path=f"{self.asked.path.rpartition('/')[0]}/{first}")

    def count(self) -> Asked:
        return self.asked.giving(self.place, str(self.me.ask(get(self.said[0])).json()[self.place]))

    def question(self) -> Asked:
        asked = self.asked
        for name, value in parse_qsl(self.said[0]):
            asked = asked.giving(name, value)
        return asked

    def keep(self) -> Asked:
        return self.asked.giving(self.place, None).giving(*self.said)

    def parameter(self) -> Asked:
        """A parameter of that name, or the part of the path that was refused."""
        name, value = self.said
        wrong = re.search(rf"\b{name}=(\S+) is", self.problem["detail"])
        if wrong and name not in dict(self.asked.query):
            return self.asked.exchanging(wrong[1], value)
        return self.asked.giving(name, value)

    def shorter(self) -> Asked:
        return self.asked.having(self.place, self.asked.at(self.place)[: int(self.said[0])])

    def pair(self) -> Asked:
        """A line of YAML, in the place of the field or beside it."""
        ((name, value),) = yaml.safe_load(self.said[0]).items()
        return self.asked.having(_beside(self.place, name), value)

    def value(self) -> Asked:
        if isinstance(self.asked.body, dict):
            return self.asked.having(self.place, {"true": True, "1": 1}.get(self.said[0], self.said[0]))
        if self.place in dict(self.asked.query) or self.place in self.asked.headers:
            return self.asked.giving(self.place, self.said[0])
        return self.asked.exchanging(self.problem["detail"].partition(" is ")[0].strip("“”"), self.said[0])

    def known(self) -> Asked | None:
        """The named fact, in the field, in it or beside it; without such a fact the remedy must have another way."""
        place = self.place
        if _keys(place)[-1] != self.said[0]:
            inside = isinstance(self.asked.at(place), dict)
            place = f"{place}.{self.said[0]}" if inside else _beside(place, self.said[0])
        found = self.me.fact(place)
        if isinstance(found, dict) and _keys(place)[-1] != "set":
            found = found.get(self.said[0])
        return None if found is None else self.asked.having(place, found)

    def restore(self) -> Asked:
        """The field as the facts have it, or without it where they have none."""
        place = self.problem.get("field", "address")
        while self.asked.at(place) is None and "." in place:
            place = place.rpartition(".")[0]
        found = self.me.fact(place)
        known = not isinstance(found, dict) or _keys(place)[-1] == "set"
        return self.asked.having(place, found) if known else self.asked.lacking(place)

    def out(self) -> Asked:
        name = self.said[0] if self.said else "it"
        return self.asked.lacking(self.place if name in ("it", "the field") else _beside(self.place, name))

    def one_of(self) -> Asked:
        """Of several fields the one that the facts have."""
        asked, facts = self.asked, self.me.fact(self.place)
        for name in re.findall(r"\w+(?=,| and )|(?<=and )\w+", self.said[0]):
            place = f"{self.place}.{name}"
            asked = asked.having(place, facts[name]) if name in facts else asked.lacking(place)
        return asked

    def these(self) -> Asked:
        return replace(self.asked, body={name: self.me.facts[name] for name in self.said[0].split(" and ")})

    def listed(self) -> Asked:
        return self.asked.having(self.place, [self.asked.at(self.place)])

    def closest(self) -> Asked:
        return self.asked.having(self.place, self.problem.get("closest") or self.me.fact(self.place))

    def text(self) -> Asked:
        return self.asked.having("sources", self.me.facts["sources"])

    def pasted(self) -> Asked:
        text = self.me.facts["sources"][0]["text"].encode()
        return replace(self.asked, body=text, headers={**self.asked.headers, "Content-Type": "text/plain"})

    def visible(self) -> Asked:
        """Without what cannot be seen."""
        query = tuple((name, "".join(filter(str.isprintable, each))) for name, each in self.asked.query)
        body = self.asked.body
        if isinstance(body, bytes):
            body = bytes(each for each in body if each >= ord(" "))
        elif body is not None:
            body = json.loads(re.sub(r"\\u00[01][0-9a-f]", "", json.dumps(body)))
        return replace(self.asked, query=query, body=body)

    def as_utf8(self) -> Asked:
        return replace(self.asked, body=self.asked.body.decode("latin-1").encode())

    def anew(self) -> Asked:
        """The whole document, written by a library that knows the form."""
        return replace(self.asked, body=self.me.document, headers={})

    def another_key(self) -> Asked:
        return self.asked.having("key", str(uuid.uuid4()))

    def unique(self) -> Asked:
        return self.asked.giving("Idempotency-Key", str(uuid.uuid4()))

    def without_name(self) -> Asked:
        return self.asked.having(self.place, re.sub("//.*@", "//", self.asked.at(self.place)))

    def elsewhere(self) -> Asked:
        name = self.said[0] if self.said else "a-b"
        return replace(self.asked, path=re.sub("partnerships/[^/]+", f"partnerships/{name}", self.asked.path))

    def answer(self) -> Asked:
        """Answer about a draft, then ask again."""
        told = send({"of": self.said[0], "answer": "new"}, self.asked.path.replace("/append", "/answers"))
        assert self.me.ask(told).status_code == 200
        return self.asked

    def blocks(self) -> Asked:
        """Mend the draft as each of its blocks says, then ask again."""
        about = self.asked.path.removesuffix("/append")
        draft = send(yaml.safe_load(self.me.ask(get(about)).json()["document"]), about, "PUT")
        for block in self.problem["blocks"]:
            draft = self.me.follow(draft, block)
        assert self.me.ask(draft).status_code == 200
        return self.asked

    def revision(self) -> Asked:
        now = self.me.ask(get(self.asked.path.removesuffix("/append"))).json()
        return self.asked.giving("If-Match", f'"{now["id"]}@{now["revision"]}"')

    def draft_anew(self) -> Asked:
        return send(self.me.document, "/api/drafts")


def _keys(place: str) -> list[Any]:
    return [int(key) if key.isdigit() else key for key in re.findall(r"[^.\[\]]+", place)]


def _beside(place: str, name: str) -> str:
    around, dot, _ = place.rpartition(".")
    return f"{around}{dot}{name}"


_CITED = r"([a-z0-9-]+/\d+)"
_FACTS = "Write who grants|Quote |Check |Write digits|Give the percentage|Write {|Fill it in|Name a public|Take another"
FORMS: tuple[tuple[str, Callable[[Remedy], Asked | None]], ...] = (
    (r"^Discard it: (timeline [^.]*)\.", Remedy.command),
    (rf"answer attach, new or unsure about {_CITED}", Remedy.answer),
    (r"`timeline draft check \d+` shows all of it", Remedy.blocks),
    (r"^Did you mean (/\S+)\?", Remedy.path),
    (r"^Did you mean (.+?)\?", Remedy.rename),
    (r"^Known: (.+?)[,.]", Remedy.rename),
    (r"^Write (\S+) instead of (\S+?),", Remedy.instead),
    (r"^Write (/\S+?),", Remedy.path),
    (r"(/feeds/mine\.atom\?p=[^&]+)", Remedy.go),
    (r"POST the right content to (\S+), or a reason to (\S+)\.$", Remedy.right),
    (rf"^If that is wrong, retract {_CITED} first", Remedy.retract_first),
    (rf"^To bring it back, retract {_CITED}", Remedy.retract),
    (rf"^Retract {_CITED} and record it anew", Remedy.record_anew),
    (rf"^(?:Correct|Name|Name one from) {_CITED}", Remedy.act),
    (r"^This address takes (\w+)", Remedy.method),
    (r"^Send (Content-Type): (\S+)", Remedy.header),
    (r"`(timeline token new NAME --scope \w+)`", Remedy.token),
    (r"^Wait (\d+) seconds", Remedy.later),
    (r"Take (\w+) from GET (\S+) and write (?:it in quotes: )?(\"\S+\")", Remedy.look_up),
    (r"^Look at what was recorded since, then expect (\d+)", Remedy.expect),
    (r"(/api/drafts\?all=true)", Remedy.draft),
    (r"(/api/drafts/\d+) say how many", Remedy.count),
    (r"^Look at (?:it|both changes)", Remedy.revision),
    (r"begin another draft", Remedy.draft_anew),
    (r"^Ask ([\w@=&:-]+)", Remedy.question),
    (r"^Keep one: (\w+)=(.+)\.$", Remedy.keep),
    (r"^(?:Add|Write) (\w+)=(.+?)(?:[.,]$|, or )", Remedy.parameter),
    (r"^Take (1) to \d+", Remedy.value),
    (r"at most (\d+) characters in all", Remedy.shorter),
    (r"^Shorten it to (\d+)", Remedy.shorter),
    (r"such as a UUID|for another act, another idempotency key", Remedy.unique),
    (r"for another act, another key", Remedy.another_key),
    (r"such as (\S+)\.$|as in: (.+)\.$|^Name one day of it: (\S+)", Remedy.value),
    (r"^Name it after its parties: (\S+)\.$", Remedy.elsewhere),
    (r"another partnership needs another name", Remedy.elsewhere),
    (r"^(?:Write|Add) (\w+: [^…]+?)(?:\.$|, or | \()", Remedy.pair),
    (r"^Put the text itself", Remedy.text),
    (r"^Give one of (.* and \w+)", Remedy.one_of),
    (r"^Add (\w+)", Remedy.known),
    (r"^Write it as a list", Remedy.listed),
    (rf"^(?:{_FACTS}|Write it in full)", Remedy.restore),
    (r"^Copy the words", Remedy.closest),
    (r"^Send (\w+(?: and \w+)*)\.$", Remedy.these),
    (r"paste them as plain text", Remedy.pasted),
    (r"^It is one of (\w+)", Remedy.value),
    (r"^Answer (\w+)", Remedy.value),
    (r"^Write it as (\w+, \d\d .* GMT)\.$", Remedy.value),
    (r"^Write (?:the day as |a day as |it as |a number from )?(\S+?)(?:[.,]$|[,;.] | or | to | for )", Remedy.value),
    (r"^Add the offset: (\S+) ", Remedy.value),
    (r"[Ll]eave (it|the field|\w+) out", Remedy.out),
    (r"leave it out", Remedy.out),
    (r"^Take it out|^Remove it|as plain text\.$", Remedy.visible),
    (r"as UTF-8", Remedy.as_utf8),
    (r"^Mend that line|^Keep one of the two|^Send (?:each by itself|one document)|^Write an announcement", Remedy.anew),
    (r"^Take out what stands before the @", Remedy.without_name),
    (r"(/[a-z][\w./{}]*|(?<=Begin at )/)", Remedy.go),
)
"""The forms of remedies: the first that fits counts; what a remedy offers besides comes later."""
