"""The rules: each looks for one way of saying one kind of term, and says who, to whom, and since or until when.

A rule is a pattern over one sentence, in which the parties are named by their names, or by "we" and "our" where the
page is a party's own. Who acts must be named; "the company" and "it" are nobody.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from timeline.core.proposing import phrases
from timeline.core.proposing.sentence import Sentence, slugged
from timeline.core.proposing.values import Proposal
from timeline.core.terms import UNDATED

Json = dict[str, Any]
_LEVELS = {"sole": "exclusive", "exclusive": "exclusive", "preferred": "preferred", "primary": "primary"}
_BECOMES = r"(?:will\s+(?:also\s+)?(?:become|be)|becomes?|becoming|is\s+becoming|is\s+now|is|are|has\s+become)"
_REMAINS = r"(?:will\s+remain|remains?|continues?\s+to\s+be|will\s+continue\s+to\s+be|stays?|will\s+stay)"
_INVESTS = (
    r"(?:is\s+investing|are\s+investing|invests|will\s+invest|has\s+agreed\s+to\s+invest|agreed\s+to\s+invest"
    r"|is\s+making\s+an\s+investment\s+of|will\s+make\s+an\s+investment\s+of|announced\s+an\s+investment\s+of)"
)
_UNDISCLOSED = r"(?:multi-?year,?\s+)?(?:multi-?(?:billion|million)(?:-|\s)(?:dollar|euro)|undisclosed)"
_STOP = (
    r"(?=\W*$|\s*[.,;:)—–]| (?:to|for|as|and|over|through|by|at|with|under|in|on|until|starting|effective|this|today"
    r"|from)\b)"
)
"""What may stand behind a party that is acted upon: in “A invests in B rival Norvane” nobody invests in B."""
_BACK_THEN = re.compile(r"(?:Back\s+)?(?:In|Since)\s+(?:\w+\s+)?\d{4}\b")
_SAID = re.compile(r"[\"“”].*\bsa(?:id|ys)\b|\bsa(?:id|ys)\b.*[\"“”]")
"""Words of a person, whose “we” may be anybody."""
_TITLES = {"Chief", "President", "Chairman", "Chair", "Corporation", "Corp", "Inc", "Ltd", "Company", "Group"}
"""What may stand behind a company's name and is no product."""
_HEDGES = re.compile(
    r"\b(?:could|(?-i:may)|might|would|if|whether|reportedly|rumou?r\w*|allegedly|considering|expects?|expected|plans?|planned"
    r"|hopes?|intends?\s+to\s+(?:invest|acquire)|in\s+talks|talks\s+to|seek\w*|discuss\w*|negotiat\w*|proposed|denie[sd]"
    r"|according\s+to|sources\s+say|people\s+familiar|unless|subject\s+to|once|should|believes?|imagine|false)\b",
    re.IGNORECASE,
)
_DENIALS = re.compile(r"\b(?:not|no|never|neither|nor|without|cease[sd]?|former(?:ly)?)\b|n['’]t\b", re.IGNORECASE)


Rule = Callable[[Sentence], Iterator[Proposal]]


def investment(said: Sentence) -> Iterator[Proposal]:
    """As in “A is investing $1 billion in B”; only what is said of now, for the past has its own date."""
    names = said.names
    pattern = (
        rf"{names.pattern('giver')} {_INVESTS} (?:a total of )?{phrases.money('sum')}"
        rf" in(?:to)? {names.pattern('taker')}{_STOP}"
    )
    for match in said.find(pattern, "giver"):
        yield from _invested(said, match, phrases.amount(match, "sum"), names.slug(match, "taker"))


def investment_undisclosed(said: Sentence) -> Iterator[Proposal]:
    """As in “This multi-billion dollar investment from A”: money whose sum is withheld."""
    names = said.names
    for match in said.find(
        rf"\b(?:[Tt]his|[Tt]he|[Aa]n?) (?:new )?(?P<stated>{_UNDISCLOSED}) investment"
        rf" (?:from|by) {names.pattern('giver')}"
    ):
        amount: Json = {"undisclosed": True, "stated": match["stated"]}
        yield from _invested(said, match, amount, names.other(names.slug(match, "giver")))


def investment_before(said: Sentence) -> Iterator[Proposal]:
    """As in “previous investments in 2019 and 2021”: of those years, the ones that the record does not know."""
    names = said.names
    for match in said.find(r"\b(?:previous|earlier|prior) investments in (?P<years>(?:\d{4}(?:, | and |, and )?)+)"):
        givers = names.named(said.text[: match.start()].rpartition("from")[2])
        giver = givers[-1] if givers else None
        taker = names.other(giver)
        for year in re.findall(r"\d{4}", match["years"]):
            if giver and taker and said.known("investment", (giver, taker), year) is None:
                yield _proposal(
                    said,
                    investment_before,
                    f"investment/{year}",
                    (giver, taker),
                    {"amount": "undisclosed"},
                    why=f"It speaks of an investment in {year} that the record does not know, and names no sum.",
                    effective=year,
                )


def exclusivity(said: Sentence) -> Iterator[Proposal]:
    """As in “A will become our exclusive cloud provider”, “A becoming our preferred partner for selling maps”."""
    names = said.names
    for match in said.find(
        rf"{names.pattern('taker')}(?: [A-Z]\w+)? {_BECOMES} (?:{names.owner('giver')}|the)"
        r" (?P<level>exclusive|sole|preferred|primary) (?P<what>(?:[a-z][\w/-]* ){0,3})"
        r"(?:provider|partner|supplier|platform|distributor|reseller)\b(?P<rest>[^;—–]*)",
        "taker",
    ):
        taker = names.slug(match, "taker")
        giver = names.slug(match, "giver")
        if giver is None:
            of = re.match(rf"\s+(?:of|for|to)\s+(?:all\s+(?:of\s+)?)?{names.pattern('giver')}", match["rest"])
            giver = names.slug(of, "giver") if of else None
        subject, scope = _subject(said, match["what"].strip(), match["rest"])
        if not (taker and giver and taker != giver and subject):
            continue
        value: Json = {"level": _LEVELS[match["level"]]}
        value |= {"scope": scope} if scope else {}
        value |= {"provider": product} if (product := _product(said, taker)) else {}
        level = match["level"]
        yield _proposal(
            said,
            exclusivity,
            said.term("exclusivity", (giver, taker), subject),
            (giver, taker),
            value,
            why=f"It says “{level}”; the day is taken only where one is named, and “will become” names none.",
        )


def exclusivity_kept(said: Sentence) -> Iterator[Proposal]:
    """As in “Azure will remain the exclusive cloud provider”: of a term on record, by its party or its provider."""
    names = said.names
    for match in said.find(
        rf"\b(?P<who>[A-Z][\w&.-]*) {_REMAINS} (?:[Oo]ur|the|{names.owner('giver')})"
        r" (?P<level>exclusive|sole|preferred|primary) (?P<what>(?:[a-z][\w/-]* ){0,3})"
        r"(?:provider|partner|supplier|platform)\b(?: (?:of|for|to) (?:all (?:of )?)?(?P<whom>[A-Z]\w*))?",
        "who",
    ):
        before = re.search(r"([A-Z][\w&.-]*)\s+$", said.text[: match.start("who")])
        if any(each and not names.knows(each) for each in (before and before[1], match["whom"])):
            continue
        for known in names.known.terms:
            taker = known.direction and names.known.parties.get(known.direction[1])
            if (
                known.term.kind == "exclusivity"
                and known.value.get("level") == _LEVELS[match["level"]]
                and match["who"] in (taker, known.value.get("provider"))
                and known.term.subject in match["what"].split()
            ):
                why = "It says that what is on record remains."
                yield Proposal({"term": str(known.term), "reaffirm": True, "quote": said.text}, "exclusivity_kept", why)


def license_granted(said: Sentence) -> Iterator[Proposal]:
    """As in “A grants B an exclusive license to its maps through 2032”."""
    names = said.names
    for match in said.find(
        rf"{names.pattern('giver')} (?:grants|will grant|has granted|licenses to) {names.pattern('taker')}"
        r" (?:an? )?(?:\w+, )?(?P<level>exclusive|non-exclusive )?(?:[a-z-]+ )?"
        r"licen[cs]e (?:to|for|of) (?P<what>[^,;.—–]+)",
        "giver",
    ):
        yield from _licensed(said, match, license_granted, (names.slug(match, "giver"), names.slug(match, "taker")))


def license_held(said: Sentence) -> Iterator[Proposal]:
    """As in “B will continue to have a license to A’s maps”, “B’s license to A maps is now non-exclusive”."""
    names = said.names
    for match in said.find(
        rf"{names.pattern('taker')} (?:has|have|will have|will continue to have|holds|retains|maintains)"
        rf" (?:an? |its )?(?P<level>exclusive |non-exclusive )?licen[cs]e to"
        rf" (?:{names.owner('giver')}|{names.pattern('named')}) (?P<what>[^,;.—–]+)"
    ):
        giver = names.slug(match, "giver") or names.slug(match, "named")
        yield from _licensed(said, match, license_held, (giver, names.slug(match, "taker")))
    for match in said.find(
        rf"{names.owner('taker')} licen[cs]e to (?:{names.owner('giver')}|{names.pattern('named')})"
        r" (?P<what>[^,;.—–]+?) (?:will now be|will be|is now|is|becomes) (?P<level>exclusive|non-exclusive)\b"
    ):
        giver = names.slug(match, "giver") or names.slug(match, "named")
        yield from _licensed(said, match, license_held, (giver, names.slug(match, "taker")))


def stake(said: Sentence) -> Iterator[Proposal]:
    """As in “B holds 27 percent of A”, “B holds an investment in A representing roughly 27 percent”."""
    names = said.names
    holds = r"(?:holds|owns|will hold|will own|now holds|now owns|takes|will take|acquires|will acquire|is acquiring)"
    held = rf"{names.pattern('taker')} {holds} (?:an? )?"
    of, percent = names.pattern("giver"), phrases.percent("share")
    patterns = (
        rf"{held}{percent} (?:stake |interest |ownership )?(?:in|of) {of}{_STOP}",
        rf"{held}(?:stake|investment|interest) in {of}[^.;]{{0,120}}?(?:representing|amounting to|of) {percent}",
    )
    for match in (match for pattern in patterns for match in said.find(pattern, "taker")):
        giver, taker = names.slug(match, "giver"), names.slug(match, "taker")
        if not (giver and taker and giver != taker):
            continue
        basis = re.match(r"[,\s]*(?P<basis>on\s+an?\s+[\w\s-]{3,40}\s+basis)", said.text[match.end() :])
        known = [each for each in names.known.terms if (each.term.kind, each.direction) == ("stake", (giver, taker))]
        subject = known[0].term.subject if len(known) == 1 else f"{taker}-in-{giver}"
        value: Json = {"percent": phrases.share(match, "share")} | ({"basis": basis["basis"]} if basis else {})
        yield _proposal(said, stake, f"stake/{subject}", (giver, taker), value, why="It names a share of the company.")


def commitment(said: Sentence) -> Iterator[Proposal]:
    """As in “A has contracted to purchase an incremental $250B of Azure services”."""
    names = said.names
    for match in said.find(
        rf"{names.pattern('giver')} (?:has |have )?(?:contracted|committed|agreed|commits|will commit) to"
        rf" (?:purchase|purchasing|buy|buying|spend|spending) (?:an (?:incremental|additional) )?{phrases.money('sum')}"
        r" (?:of|on|in|worth of) (?P<what>[^,;.—–]+)",
        "giver",
    ):
        giver = names.slug(match, "giver")
        taker = names.other(giver)
        what, _, seller = _phrase(match["what"]).partition(" from ")
        if giver and taker and (not seller or names.named(seller)[:1] == [taker]):
            value: Json = {"what": what, "amount": phrases.amount(match, "sum")}
            term = said.term("commitment", (giver, taker), what)
            yield _proposal(
                said, commitment, term, (giver, taker), value, why="It names a sum and what is bought for it."
            )


def revenue_share(said: Sentence) -> Iterator[Proposal]:
    """As in “A will pay B 20 percent of its revenue”."""
    names = said.names
    for match in said.find(
        rf"{names.pattern('giver')} (?:pays|will pay|shares with|will share with|gives|will give)"
        rf" {names.pattern('taker')}"
        rf" (?:an? )?{phrases.percent('share')} (?:share )?of (?:its|all|our) (?:\w+ ){{0,2}}revenues?\b",
        "giver",
    ):
        giver, taker = names.slug(match, "giver"), names.slug(match, "taker")
        if giver and taker and giver != taker:
            value: Json = {"percent": phrases.share(match, "share")}
            term = f"revenue-share/{giver}-to-{taker}"
            yield _proposal(said, revenue_share, term, (giver, taker), value, why="It names the share of the revenue.")


RULES: tuple[Rule, ...] = (
    investment,
    investment_undisclosed,
    investment_before,
    exclusivity,
    exclusivity_kept,
    license_granted,
    license_held,
    stake,
    commitment,
    revenue_share,
)


def by_rules(said: Sentence) -> Iterator[Proposal]:
    """What the rules propose from one sentence; nothing from one that hedges, denies, asks, quotes or looks back."""
    if said.text.endswith("?") or any(each.search(said.text) for each in (_HEDGES, _DENIALS, _SAID)):
        return
    if _BACK_THEN.match(said.text):
        return
    for rule in RULES:
        yield from rule(said)


def _invested(said: Sentence, match: re.Match[str], amount: Json, taker: str | None) -> Iterator[Proposal]:
    giver = said.names.slug(match, "giver")
    if giver and taker and giver != taker:
        subject = said.announced[:4] if said.announced else UNDATED
        value: Json = {"amount": amount, "status": "announced"}
        rule = investment_undisclosed if "undisclosed" in amount else investment
        why = "It withholds the sum." if "undisclosed" in amount else "It names who invests, how much, and in whom."
        yield _proposal(said, rule, f"investment/{subject}", (giver, taker), value, why=why)


def _licensed(
    said: Sentence, match: re.Match[str], rule: Rule, direction: tuple[str | None, str | None]
) -> Iterator[Proposal]:
    giver, taker = direction
    what = _phrase(re.split(r"\s+(?:through|until|till)\s+", match["what"])[0])
    if giver and taker and giver != taker and what:
        level = (match["level"] or "").strip()
        value: Json = {"exclusive": level == "exclusive"} if level else {}
        value["scope"] = what
        term = said.term("license", (giver, taker), what)
        yield _proposal(said, rule, term, (giver, taker), value, why="It names who licenses what to whom.")


def _proposal(
    said: Sentence,
    rule: Rule,
    term: str,
    direction: tuple[str, str],
    value: Mapping[str, Any],
    *,
    why: str,
    effective: str | None = None,
) -> Proposal:
    """A statement that sets a term, with the days that its sentence names."""
    statement: Json = {"term": term, "direction": f"{direction[0]} -> {direction[1]}", "set": dict(value)}
    starts, ends = phrases.EFFECTIVE.search(said.text), phrases.UNTIL.search(said.text)
    since = effective or (starts and phrases.day_of(starts["day"]))
    until = ends and phrases.day_of(ends["day"])
    statement |= {"effective": since} if since else {}
    statement |= {"until": until} if until else {}
    return Proposal(statement | {"quote": said.text}, rule.__name__, why)


def _subject(said: Sentence, what: str, rest: str) -> tuple[str, str | None]:
    """What an exclusivity is about, and its scope: "cloud" of "cloud provider"; selling of "partner for selling"."""
    if what:
        return slugged(what), None
    purpose = re.match(r"\s+(?:for|to|in)\s+(?P<doing>[a-z]+(?:ing|i[sz]e))?\s*(?P<object>[\w\s-]*)", rest)
    if purpose is None:
        return "", None
    scope = _phrase(purpose["object"])
    if scope == "them":
        before = re.search(r"\blicen[cs]e (?:some of )?(?:our|its|their) (?P<what>[\w\s-]+?),", said.text)
        scope = _phrase(before["what"]) if before else ""
    doing = re.sub(r"i[sz](?:ing|e)$", "isation", purpose["doing"] or "")
    subject = doing or slugged(scope)
    return subject, scope or None


def _product(said: Sentence, taker: str) -> str | None:
    """The product by which a party provides: the one that the sentence names right behind the party's name."""
    owned = re.finditer(rf"(?P<owner>{said.names.any()}) (?P<product>[A-Z][a-z]+)\b", said.text)
    found = {match["product"] for match in owned if said.names.by_name()[match["owner"]] == taker} - _TITLES
    return found.pop() if len(found) == 1 else None


def _phrase(words: str) -> str:
    return " ".join(words.split()).strip()
