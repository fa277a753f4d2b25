"""Laws of citations: both clocks fixed, the same bytes for ever, and what was corrected since is said beside them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date
from hashlib import sha256
from typing import Any

import pytest
from lxml import etree
from starlette.testclient import TestClient

from tests.web import NOW, announcement, application, client, seeded, token
from timeline.answers import Answers
from timeline.core.questions import Question
from timeline.core.terms import BUILTIN
from timeline.exports import Exports
from timeline.formats.sheets import SHEETS
from timeline.log import Log

P = "harbour-quill"
LIVE = {
    f"/p/{P}": "?as_of=2022-01-20",
    f"/p/{P}/compare": "?from=2021-07-01&to=2023-01-01",
    f"/p/{P}/timeline": "",
    f"/p/{P}/t/exclusivity/ship-positions": "",
}
PERMANENT = {
    f"/p/{P}@{{seq}}/2022-01-20": "",
    f"/p/{P}@{{seq}}/compare": "?from=2021-07-01&to=2023-01-01",
    f"/p/{P}@{{seq}}/timeline": "",
    f"/p/{P}@{{seq}}/t/exclusivity/ship-positions": "",
}


@pytest.fixture
def editor(log: Log, database_url: str) -> Iterator[TestClient]:
    """Somebody whose token allows to append, before the example record."""
    app = application(seeded(log), database_url, base_url="https://record.example")
    with client(app, token(log)) as editing:
        yield editing


@pytest.fixture
def ask(editor: TestClient) -> TestClient:
    return editor


def head(ask: TestClient) -> int:
    return int(ask.get("/api/log?after=0&limit=1").json()["head"])


def corrected(ask: TestClient) -> dict[str, Any]:
    """Act 2 again, its first percentage one higher, by a correction of the editor."""
    act: dict[str, Any] = ask.get(f"/api/announcements/{P}/2").json()["document"]
    content: dict[str, Any] = {
        name: act[name] for name in ("title", "announced", "force", "sources", "statements") if name in act
    }
    statement = next(each for each in content["statements"] if "percent" in each.get("set", {}))
    statement["set"] = statement["set"] | {"percent": 77}
    for each in content["statements"]:
        each["unsupported"] = "misread in the first place"
    return {"reason": "A digit was mistyped.", **content}


@pytest.mark.parametrize("suffix", [suffix for suffix in SHEETS if suffix != "json"])
def test_the_page_s_address_with_a_suffix_is_the_document(ask: TestClient, suffix: str) -> None:
    """Live or permanent: the same bytes, and only the permanent one may be kept for ever."""
    seq = head(ask)
    for (live, query), (permanent, fixed) in zip(LIVE.items(), PERMANENT.items(), strict=True):
        now = ask.get(f"{live}.{suffix}{query}")
        always = ask.get(f"{permanent.format(seq=seq)}.{suffix}{fixed}")

        assert (now.status_code, always.status_code) == (200, 200), live
        assert now.content == always.content, live
        assert now.headers["content-type"] == always.headers["content-type"] == SHEETS[suffix].media_type
        assert now.headers["cache-control"] == "no-cache"
        assert always.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert f"{permanent.format(seq=seq)}{fixed}" in now.headers["link"]
        assert re.fullmatch(rf'(inline|attachment); filename="[\w.@-]+\.{suffix}"', now.headers["content-disposition"])
        assert ask.get(f"{live}.{suffix}{query}{'&' if query else '?'}asof=today").status_code == 400


def test_a_document_of_nothing_is_refused_as_its_page_is(ask: TestClient) -> None:
    for address, status in (
        ("/p/harbour-quil.pdf", 404),
        (f"/p/{P}@999/2022-01-20.pdf", 404),
        (f"/p/{P}@9/today.pdf", 400),
        (f"/p/{P}@9/compare.pdf?from=2021-01-01&to=today", 400),
        (f"/p/{P}@9/compare.docx", 400),
        (f"/p/{P}.pdf?as_of=2022", 400),
        (f"/p/{P}/t/exclusivity/nothing.md", 404),
    ):
        body = ask.get(address)
        assert body.status_code == status, address
        assert body.json()["remedy"]


def test_a_citation_on_a_page_names_the_bytes_behind_its_link(ask: TestClient) -> None:
    """As text, as Markdown and as a link, on every page that answers; the digest is that of the JSON there."""
    for live, query in LIVE.items():
        page = etree.HTML(ask.get(f"{live}{query}").text)
        text, markdown, link = (
            page.xpath(f"string(//textarea[@id='cite-{form}'])") for form in ("text", "markdown", "link")
        )

        place = link.removeprefix("https://record.example")
        dotted = f"{place}?".replace("?", ".json?", 1).rstrip("?")
        answer = ask.get(dotted)
        digest = sha256(answer.content).hexdigest()
        assert text.endswith(f"record {head(ask)}, sha256 {digest}")
        assert markdown.endswith(f"]({link}), sha256 `{digest}`")
        assert ask.get(place).status_code == 200
        assert {
            each.rsplit("?", 1)[0].rsplit(".", 1)[1] for each in page.xpath("//section[@class='take-away']//a/@href")
        } == set(SHEETS)


def test_a_citation_of_an_act_names_its_hash_in_the_chain(ask: TestClient) -> None:
    act = ask.get(f"/a/{P}/2.json").json()
    page = etree.HTML(ask.get(f"/a/{P}/2").text)

    assert page.xpath("string(//textarea[@id='cite-text'])") == (
        f"{act['name']}, announcement {P}/2, record {act['seq']}, sha256 {act['hash']}"
    )


def test_what_was_corrected_since_is_said_beside_bytes_that_stay(editor: TestClient) -> None:
    seq, address = head(editor), f"/p/{P}@{{seq}}/2022-01-20"
    address = address.format(seq=seq)
    suffixes = (*SHEETS, "jsonld")
    before = {suffix: editor.get(f"{address}.{suffix}").content for suffix in suffixes}
    assert "Not corrected since" in editor.get(address).text
    assert editor.get(f"{address}/since.json").json()["acts"] == []

    receipt = editor.post(f"/api/partnerships/{P}/announcements/2/correction", json=corrected(editor))
    assert receipt.status_code == 201, receipt.text

    assert {suffix: editor.get(f"{address}.{suffix}").content for suffix in suffixes} == before
    since = editor.get(f"{address}/since.json").json()
    assert [act["id"] for act in since["acts"]] == [receipt.json()["id"]]
    changed = {each["term"] for each in since["differs"]}
    then, now = (editor.get(where).json() for where in (f"{address}.json", f"/p/{P}.json?as_of=2022-01-20"))
    assert changed
    assert changed == {
        was["term"] for was in then["terms"] for now_is in now["terms"]
        if was["term"] == now_is["term"] and was["value"] != now_is["value"]
    }  # fmt: skip
    page = editor.get(address)
    assert "Read today, 1 term is different on that day" in " ".join(page.text.split())
    assert page.headers["cache-control"] == "no-cache"
    assert f'</p/{P}@{seq}/2022-01-20/since.json>; rel="version-history"' in page.headers["link"]


def test_nothing_that_may_be_recorded_alters_what_was_cited(editor: TestClient) -> None:
    """Each kind of act in turn; what stands at the permanent addresses, and how it may be kept, is what it was."""
    seq, acts = head(editor), f"/api/partnerships/{P}/announcements"
    places = [
        address + query
        for path, query in PERMANENT.items()
        for address in (f"{path}.{suffix}".format(seq=seq) for suffix in ("json", "jsonld", "md", "csv"))
    ]
    before = [editor.get(place) for place in places]
    source = {"publisher": "The Press", "tier": "press", "text": "Harbour Signals goes on as it was."}

    for address, act in (
        (acts, announcement()),
        (f"{acts}/2/correction", corrected(editor)),
        (f"{acts}/1/sources", {"sources": [source]}),
        (f"{acts}/3/retraction", {"reason": "Never said."}),
    ):
        assert editor.post(address, json=act).status_code == 201, act
        after = [editor.get(place) for place in places]
        assert [each.content for each in after] == [each.content for each in before]
        assert [dict(each.headers) for each in after] == [dict(each.headers) for each in before]


def test_every_permanent_page_says_whether_it_reads_the_same_today(editor: TestClient) -> None:
    """Two days compared, a term's life, a timeline: the same question, asked of the record as it is."""
    seq = head(editor)
    places = [f"{path.format(seq=seq)}{query}" for path, query in PERMANENT.items() if not path.endswith("2022-01-20")]
    assert all("Not corrected since" in editor.get(place).text for place in places)

    assert editor.post(f"/api/partnerships/{P}/announcements/2/retraction", json={"reason": "Never said."}).is_success

    for place in places:
        page = etree.HTML(editor.get(place).text)
        (again,) = page.xpath("//a[text()='see it as it reads now']/@href")
        assert again == place.replace(f"@{seq}/", f"@{head(editor)}/")
        assert editor.get(again).status_code == 200
        assert page.xpath("//a[text()='This page as JSON']/@href")[0].startswith(f"/p/{P}@{seq}/")
        live = place.replace(f"@{seq}/", "/")
        assert not etree.HTML(editor.get(live).text).xpath("//*[text()='Citation.']")


def test_what_was_corrected_since_is_asked_of_the_same_terms_and_lanes(editor: TestClient) -> None:
    address = f"/p/{P}@{head(editor)}/2022-01-20/since.json"
    editor.post(f"/api/partnerships/{P}/announcements/2/correction", json=corrected(editor))
    (changed,) = editor.get(address).json()["differs"]

    assert editor.get(f"{address}?term={changed['term']}").json()["differs"] == [changed]
    assert editor.get(f"{address}?term=valuation/*").json()["differs"] == []
    narrowed = editor.get(f"{address.removesuffix('/since.json')}.json?term={changed['term']}")
    (told,) = re.findall(r'<([^>]*since.json[^>]*)>; rel="version-history"', narrowed.headers["link"])
    assert editor.get(told).json()["differs"] == [changed]
    assert changed["lane"] == "agreed"


def test_a_later_announcement_of_another_day_corrects_nothing(editor: TestClient) -> None:
    address = f"/p/{P}@{head(editor)}/2022-01-20"

    assert editor.post(f"/api/partnerships/{P}/announcements", json=announcement()).status_code == 201

    since = editor.get(f"{address}/since.json").json()
    assert (since["differs"], since["other_words"], len(since["acts"])) == ([], [], 1)


def test_a_citation_counts_only_what_was_announced_by_a_moment(ask: TestClient) -> None:
    """A day means its end, also today's, so that the address does not mean another moment tomorrow."""
    asked = ask.get(f"/p/{P}.md?as_of=2022-01-20&announced_by=2021-12-31").text
    place = re.search(
        r"<https://record.example(/p/[^>]*announced_by[^>]*)\.md\?|This document: <https://record.example([^>]*)>",
        asked,
    )
    assert place is not None
    address = place[1] or place[2]

    assert "announced_by=2021-12-31T23:59:59.999999Z" in address
    assert ask.get(address).text == asked
    today = ask.get(f"/p/{P}@9/2022-01-20.json?announced_by={NOW.date()}").json()
    assert today["resolved"]["announced_by"] == f"{NOW.date()}T23:59:59.999999Z"


def test_a_citation_says_what_was_left_out_and_what_stands_beside(ask: TestClient) -> None:
    asked = f"/p/{P}?as_of=2022-01-20&term=stake/*&include=proposed,reported"
    page = etree.HTML(ask.get(asked).text)

    text, link = (page.xpath(f"string(//textarea[@id='cite-{form}'])") for form in ("text", "link"))

    assert text.startswith("Harbour Signals – Quill House, state on 2022-01-20, only stake/*, with what is ")
    body = ask.get(link.removeprefix("https://record.example").replace("?", ".json?")).json()
    assert {each["kind"] for each in body["terms"]} == {"stake"}


def test_a_digest_in_print_stays_right(log: Log) -> None:
    """Whoever alters what an answer says, or how it is written, breaks citations: it needs a decision (0051)."""
    exports = Exports(Answers(seeded(log), BUILTIN, lambda: NOW), "https://record.example")

    assert exports.state(P, Question(date(2022, 1, 20))).citation.text == (
        "Harbour Signals – Quill House, state on 2022-01-20, record 15, "
        "sha256 1c1640fc6ca9a9c3d97ef0314d1044ab01979fce36a0de571ea2ffd2b0feba96"
    )


def test_the_page_of_a_corrected_announcement_leads_to_the_words_that_count(ask: TestClient) -> None:
    """A state cites statement 1 of the announcement and means it as corrected; what was recorded first stands below."""
    body = ask.get(f"/a/{P}/2.json").json()
    page = etree.HTML(ask.get(f"/a/{P}/2").text)

    sections = page.xpath("//section[@aria-labelledby='counts' or @aria-labelledby='says']")

    assert [" ".join(each.xpath("string(h2)").split()) for each in sections] == [
        f"As corrected by {P}/10",
        "As recorded first",
    ]
    now, first = body["corrected"]["statements"], body["statements"]
    assert now != first
    for section, mark, said in zip(sections, "so", (now, first), strict=True):
        found = [each.xpath(".//blockquote/text()")[0] for each in section.xpath(f".//li[starts-with(@id, '{mark}')]")]
        assert found == [f"“{each['quote']}”" for each in said]
    assert len(page.xpath("//@id")) == len(set(page.xpath("//@id")))


# -- linked data -------------------------------------------------------------------------------------------------------


def nodes(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    found = {each["@id"]: each for each in document["@graph"]}
    assert len(found) == len(document["@graph"])
    return found


def ids(value: Any) -> list[str]:
    return [each["@id"] for each in (value if isinstance(value, list) else [value])]


def test_provenance_leads_from_a_state_to_statements_announcements_acts_and_agents(ask: TestClient) -> None:
    """As the fold has it: what governs on that day, and nothing else, is what the state is derived from."""
    seq = head(ask)
    address = f"/p/{P}@{seq}/2022-01-20"
    state = ask.get(f"{address}.json").json()
    answer = ask.get(f"{address}.jsonld")
    found = nodes(answer.json())

    assert answer.headers["content-type"] == "application/ld+json"
    made = found[f"https://record.example{address}"]
    evidence = [said for part in ("terms", "ended", "upcoming") for each in state[part] for said in each["evidence"]]
    evidence += [said for part in ("terms", "ended") for each in state[part] for said in each["conflicts"]]
    expected = {said["statement"] for said in evidence}
    assert {re.sub(r"^.*/a/(.*)#s(\d+)$", r"\1#\2", each) for each in ids(made["prov:wasDerivedFrom"])} == expected
    assert made["prov:generatedAtTime"]["@value"] == state["resolved"]["known_at"]
    for place in ids(made["prov:wasDerivedFrom"]):
        claim = found[place]
        source, record = found[ids(claim["prov:wasQuotedFrom"])[0]], found[ids(claim["prov:wasDerivedFrom"])[0]]
        act = found[ids(record["prov:wasGeneratedBy"])[0]]
        assert claim["text"] in {said["quote"] for said in evidence}
        assert act["prov:endedAtTime"] == record["prov:generatedAtTime"]
        assert found[ids(act["prov:wasAssociatedWith"])[0]]["@type"] == ["prov:SoftwareAgent", "prov:Agent"]
        assert ids(source["prov:wasAttributedTo"]) == [source["publisher"]["@id"]]


def test_provenance_of_an_act_says_what_it_revises_and_what_took_it_back(editor: TestClient) -> None:
    correction = editor.post(f"/api/partnerships/{P}/announcements/2/correction", json=corrected(editor)).json()["id"]
    retraction = editor.post(f"/api/partnerships/{P}/announcements/3/retraction", json={"reason": "Never said."}).json()
    base = "https://record.example/a"

    original, revised, gone = (nodes(editor.get(f"/a/{act}.jsonld").json()) for act in (f"{P}/2", correction, f"{P}/3"))

    assert ids(original[f"{base}/{P}/2"]["correction"])[-1] == f"{base}/{correction}"
    assert revised[f"{base}/{correction}"]["prov:wasRevisionOf"] == {"@id": f"{base}/{P}/2"}
    assert f"{base}/{P}/2" in ids(revised[f"{base}/{correction}#act"]["prov:used"])
    taken_back = gone[f"{base}/{P}/3"]
    assert taken_back["prov:wasInvalidatedBy"] == {"@id": f"{base}/{retraction['id']}#act"}
    assert taken_back["prov:invalidatedAtTime"] == gone[f"{base}/{retraction['id']}#act"]["prov:endedAtTime"]


def test_every_act_s_graph_holds_what_it_is_made_of(ask: TestClient) -> None:
    """Of whatever kind the act is: the recording, each source and each claim is a node there, each once."""
    acts = ask.get(f"/api/partnerships/{P}/announcements").json()["announcements"]
    assert {"announcement", "correction", "retraction", "occurrence"} <= {act["kind"] for act in acts}

    for act in acts:
        found = nodes(ask.get(f"/a/{act['id']}.jsonld").json())
        made = found[f"https://record.example/a/{act['id']}"]
        parts = ("prov:wasGeneratedBy", "prov:wasDerivedFrom", "isBasedOn", "hasPart")
        assert {place for part in parts for place in ids(made[part])} <= found.keys(), act
        digest = ask.get(f"/a/{act['id']}.json").json()["hash"]
        assert made["creditText"].endswith(f"record {act['seq']}, sha256 {digest}")


def test_linked_data_in_a_page_cannot_end_its_element(editor: TestClient) -> None:
    """Whatever a title says; and the page says where the whole graph is."""
    evil = "</script><script>alert(1)</script><!--"
    made = editor.post(f"/api/partnerships/{P}/announcements", json=announcement(title=evil)).json()["id"]

    for address in (f"/a/{made}", *(path + query for path, query in LIVE.items())):
        answer = editor.get(address)
        page = etree.HTML(answer.text)
        (script,) = page.xpath("//script[@type='application/ld+json']")
        data = json.loads(script.text)
        assert len(page.xpath("//script")) == 2
        assert data["@context"]["@vocab"] == "https://schema.org/"
        assert "script-src 'self';" in answer.headers["content-security-policy"]
        (whole,) = page.xpath("//link[@type='application/ld+json']/@href")
        assert data["@id"] in nodes(editor.get(whole).json())
        assert address != f"/a/{made}" or data["name"] == evil
