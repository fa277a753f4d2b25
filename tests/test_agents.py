"""Laws of the door for assistants: it tells what the API tells, in little room, and can record nothing."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mcp import Client, MCPError
from mcp.client.stdio import StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from starlette.testclient import TestClient

from tests.asking import QUESTIONS, asked_as, found, told
from tests.conftest import Run
from tests.loopback import served as served_at
from tests.records import append, corrected, opening, said
from tests.web import EXAMPLE, NOW, ROOT, application, client, free_port, seeded, token
from timeline.acts import Desk
from timeline.agents import Tools
from timeline.agents.instructions import THEIR_WORDS
from timeline.agents.protocol import speaking
from timeline.agents.small import LIMIT, fitted
from timeline.answers import Answers
from timeline.core.errors import TimelineError
from timeline.core.questions import Question
from timeline.core.terms import BUILTIN, term
from timeline.log import Log
from timeline.settings import load

Json = dict[str, Any]
Call = tuple[str, Json]
STATE: Json = {"partnership": "harbour-quill", "as_of": "2023-06-30"}
PAGE = """# Quill House pays more

Harbour Signals, Quill House and Lantern Charts agree.

From March 2026 Quill House pays Harbour Signals 19 percent of net sales.
"""


def toolbox(log: Log, **flags: str) -> Tools:
    return Tools.of(Answers(log, BUILTIN, lambda: NOW), Desk(log, BUILTIN, lambda: NOW), load(flags, {}))


def ask(tools: Tools, name: str, **arguments: Any) -> Json:
    text = tools.call(name, arguments, lambda: None)
    assert len(text) <= LIMIT
    body: Json = json.loads(text)
    return body


def refusal(tools: Tools, name: str, arguments: Json) -> TimelineError:
    with pytest.raises(TimelineError) as caught:
        tools.call(name, arguments, lambda: None)
    assert caught.value.remedy
    return caught.value


def talk(server: Any, *calls: Call, headers: dict[str, str] | None = None, mode: str = "auto") -> list[Any]:
    """What a client of the library gets: the names of the tools and the instructions, then each call's result."""

    async def talking() -> list[Any]:
        async with AsyncExitStack() as stack:
            transport = server
            if isinstance(server, str):
                web = await stack.enter_async_context(httpx2.AsyncClient(headers=headers, timeout=30))
                transport = streamable_http_client(server, http_client=web)
            spoken = await stack.enter_async_context(Client(transport, mode=mode))
            listed = (await spoken.list_tools()).tools
            return [
                ([each.name for each in listed], spoken.instructions),
                *[await spoken.call_tool(name, arguments) for name, arguments in calls],
            ]

    return asyncio.run(talking())


def told_by(result: Any) -> Json:
    [content] = result.content
    body: Json = json.loads(content.text, parse_float=Decimal)
    return body


def program(url: str, *options: str) -> StdioServerParameters:
    environment = {**os.environ, "TIMELINE_DATABASE_URL": url}
    return StdioServerParameters(command=sys.executable, args=["-m", "timeline", "agents", *options], env=environment)


@pytest.fixture(scope="module")
def record_url(tmp_path_factory: pytest.TempPathFactory) -> str:
    return f"sqlite:///{tmp_path_factory.mktemp('agents') / 'record.db'}"


@pytest.fixture(scope="module")
def record(record_url: str) -> Iterator[Log]:
    """All the seeds."""
    log = Log.open(record_url, clock=lambda: NOW)
    log.migrate()
    yield seeded(log, ROOT / "seeds")
    log.close()


@pytest.fixture(scope="module")
def tools(record: Log) -> Tools:
    return toolbox(record)


@pytest.fixture(scope="module")
def told_over_http(record: Log, record_url: str) -> dict[str, Json]:
    """Each question's answer, all of its parts, as a client of the library gets them from a real server."""
    answers = Answers(record, BUILTIN, lambda: NOW)
    calls: list[Call] = [
        ("state_as_of", {"partnership": each["partnership"], "term": each["term"], **asked_as(answers, each)})
        for each in QUESTIONS
    ]
    port = free_port()
    app = application(record, record_url, agents="on", port=port)
    with served_at(app, port) as (address, _):
        _, *results = talk(f"{address}/mcp", *calls)
    return {each["id"]: told_by(result) for each, result in zip(QUESTIONS, results, strict=True)}


# -- the same answers ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("asked", QUESTIONS, ids=[asked["id"] for asked in QUESTIONS])
def test_the_tools_answer_the_questions_as_the_api_does(asked: Json, told_over_http: dict[str, Json]) -> None:
    body = told_over_http[asked["id"]]
    assert "more" not in body
    lists = [[{"status": "in_force", **each} for each in body["in_force"]], body["ended"]]

    held = _as_the_api_says(found({"upcoming": body["ahead"]}, asked["term"], [*lists[0], *lists[1]]))

    assert {name: told(held, name, wanted) for name, wanted in asked["expect"].items()} == asked["expect"]
    for lane in ("reported", "proposed"):
        wanted = asked.get(f"expect_{lane}", {})
        rows = [{"status": "in_force", **each} for each in body.get(lane, [])]
        beside = _as_the_api_says(found({"upcoming": []}, asked["term"], rows))
        assert {name: told(beside, name, each) for name, each in wanted.items()} == wanted


def _as_the_api_says(row: Json) -> Json:
    """A row of the tools with its dates in words as the API's fields."""
    row = {"conflicts": [], **row}
    if "certainty" in row:
        row["certainty"], _, _ = row["certainty"].partition(":")
    for each in (row, *row["upcoming"]):
        if "on" in each:
            each["on"] = _first(each["on"])
    if "since" in row:
        day, _, basis = row["since"].partition(" (")
        unknown = day in ("unknown", "not yet")
        basis = basis.rstrip(")") or ("unknown" if day == "unknown" else "event" if day == "not yet" else "stated")
        row["since"] = {"date": None if unknown else day, "basis": basis}
        event, _, through = row["until"].rpartition("through ")
        event = event.rstrip(", ") or (None if through != row["until"] or row["until"] in _NO_END else row["until"])
        row["until"] = {"through": _last(through) if "through " in row["until"] else None, "event": event}
    return row


_NO_END = ("not stated", "for good")


def _first(said_boundary: str) -> str:
    """The first day on which it may be: “2025-10-28”, “in 2027”, “at the end of 2032”."""
    if said_boundary.startswith("at the end of "):
        last = datetime.fromisoformat(_last(said_boundary.removeprefix("at the end of ")))
        return (last + timedelta(days=1)).date().isoformat()
    parts = said_boundary.removeprefix("in ").split("-")
    return "-".join([*parts, "01", "01"][:3])


def _last(said_day: str) -> str:
    """The last day of a year, a month or a day."""
    year, *rest = map(int, said_day.split("-"))
    if len(rest) == 2:
        return said_day
    month = rest[0] if rest else 12
    following = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    return datetime.fromtimestamp(following.timestamp() - 86400, UTC).date().isoformat()


def test_all_of_the_tools_give_the_numbers_and_the_citation_of_the_api(tools: Tools) -> None:
    """What changed, a term's life and an announcement are the answers of the API with fewer fields."""
    answers, exports, p = tools.answers, tools.exports, "openai-microsoft"
    days = (datetime(2024, 1, 1, tzinfo=UTC).date(), datetime(2026, 1, 1, tzinfo=UTC).date())
    changes, history = exports.changes(p, *days), answers.history(p, term("exclusivity/cloud"))
    act = answers.announcement(p, 17)

    body = ask(tools, "what_changed_between", **{"partnership": p, "from": "2024-01-01", "to": "2026-01-01"})
    life = ask(tools, "term_history", partnership=p, term="exclusivity/cloud")
    evidence = ask(tools, "show_evidence", statement=f"{p}/17")

    def steps(rows: list[Json], on: str) -> list[tuple[str, ...]]:
        return [(each[on], each["term"], each["what"], each["text"]) for each in rows]

    assert steps(body["changes"], "on") == steps(changes.body["changes"], "on_text")
    assert body["cite"] == {"text": changes.citation.text, "link": changes.citation.link()}
    assert [each["text"] for each in life["what_held"]] == [each["text"] for each in history["life"]]
    assert [each["quote"] for each in life["what_was_said"]] == [
        each["evidence"][0]["quote"] for each in history["statements"]
    ]
    assert [each["quote"] for each in evidence["statements"]] == [each["quote"] for each in act["statements"]]
    assert evidence["cite"]["link"].endswith(f"/a/{p}/17")
    assert act["hash"] in evidence["cite"]["text"]


def test_the_evidence_of_a_term_is_the_words_that_it_rests_on(tools: Tools) -> None:
    """Also where the announcement was corrected: what was replaced is shown apart."""
    seen = set()
    for p in ("openai-microsoft", "harbour-quill"):
        for day in ("2019-08-01", "2022-06-30", "2024-06-30", "2026-11-01"):
            state = tools.answers.state(
                p, Question(datetime.fromisoformat(day).date(), include=("proposed", "reported"))
            )
            for held in (*state["terms"], *state["proposed"], *state["reported"]):
                [found] = ask(tools, "show_evidence", statement=held["governed_by"])["statements"]
                assert (found["text"], found.get("quote", "")) == (held["text"], held["evidence"][0]["quote"])
                seen.add(held["governed_by"])
    assert len(seen) > 50

    revised = ask(tools, "show_evidence", statement="harbour-quill/2#2")
    assert revised["cite"]["link"].endswith("/a/harbour-quill/10")
    assert "harbour-quill/10, which counts since position 12" in revised["corrected"]
    assert [each["text"][-16:] for each in (*revised["statements"], *revised["replaced"])] == [
        "capped at EUR 2.5 m"[-16:],
        "capped at EUR 2 m"[-16:],
    ]


def test_an_answer_says_both_clocks_in_words_and_whose_words_it_shows(tools: Tools) -> None:
    body = ask(tools, "state_as_of", partnership="openai-microsoft", as_of="2025-01-20", known_seq=30)

    assert body["asked"] == "OpenAI – Microsoft, state on 2025-01-20"
    assert re.fullmatch(
        r"As of 2025-01-20, the end of that calendar day\. On the record up to position 30, recorded 2026-.*Z\.",
        body["clocks"],
    )
    assert body["their_words"] == THEIR_WORDS
    assert body["coverage"] == "Announcements on record go up to 2025-01-21; made after this day: 1."
    assert body["cite"]["link"] == "http://127.0.0.1:8000/p/openai-microsoft@30/2025-01-20"


def test_the_four_kinds_of_nothing_have_their_own_words(tools: Tools) -> None:
    """Not recorded, not stated, undisclosed and ended; and no null, which would be none of them."""
    before = ask(tools, "state_as_of", partnership="openai-microsoft", as_of="2016-11-14")
    assert before["nothing"].startswith("Not recorded: ")
    assert "does not mean that there was no partnership" in before["nothing"]
    wrong = ask(tools, "state_as_of", partnership="openai-microsoft", term="exclusivity/clod")
    assert "not recorded. Did you mean exclusivity/cloud?" in wrong["nothing"]
    assert "not recorded. Did you mean microsoft?" in ask(tools, "find_partnership", words="micorsoft")["nothing"]

    texts = [
        tools.call("state_as_of", {"partnership": p, "as_of": day}, lambda: None).decode()
        for p, day in (("openai-microsoft", "2026-11-01"), ("harbour-quill", "2023-06-30"))
    ]
    for word in ("not stated", "undisclosed", "terminated"):
        assert any(word in text for text in texts), word
    assert not any("null" in text for text in texts)


# -- little room ---------------------------------------------------------------------------------------------------


def test_an_answer_that_was_cut_says_how_to_get_the_rest_and_the_parts_are_the_whole(tools: Tools) -> None:
    asked = {"partnership": "openai-microsoft", "as_of": "2020-01-01"}
    whole = tools.answers.state("openai-microsoft", Question(datetime(2020, 1, 1, tzinfo=UTC).date()))

    body = ask(tools, "state_as_of", **asked)
    rows = [*body["in_force"], *body["ended"], *body["ahead"]]
    while "more" in body:
        again = re.search(r"skip=(\d+) and known_seq=(\d+)", body["more"])
        assert again is not None
        body = ask(tools, "state_as_of", **asked, skip=int(again[1]), known_seq=again[2])
        rows += [*body["in_force"], *body["ended"], *body["ahead"]]

    assert [each["governed_by"] for each in rows] == [
        each["governed_by"] for name in ("terms", "ended", "upcoming") for each in whole[name]
    ]
    assert len(rows) > 60


def test_an_answer_is_small_however_long_and_many_the_texts_are(log: Log) -> None:
    """Ten thousand characters in every text, and hundreds of terms."""
    long = "word " * 2000
    sources = [{"publisher": long[:200], "tier": "press", "url": f"https://press.example/{n}"} for n in range(40)]
    statements = [
        {"term": f"clause/c{n}", "direction": "acme -> bolt", "set": {"text": long[:1900]}, "quote": long[:1900]}
        for n in range(300)
    ]
    big = {**said(5), "title": long[:300], "summary": long, "sources": sources, "statements": statements}
    append(log, opening(), big, *(corrected(1, {**big, "statements": statements[:n]}) for n in range(1, 5)))
    tools = toolbox(log)
    p, span = "acme-bolt", {"from": "2020-01-01", "to": "2026-11-01"}

    for name, arguments in (
        ("find_partnership", {"words": "word"}),
        ("state_as_of", {"partnership": p}),
        ("state_as_of", {"partnership": p, "known_seq": 2, "as_of": "2026-02-01"}),
        ("what_changed_between", {"partnership": p, "known_seq": 2, **span}),
        ("term_history", {"partnership": p, "term": "clause/c0"}),
        ("show_evidence", {"statement": f"{p}/1"}),
        ("draft_from_text", {"text": f"# {long}\n\n{long}\n\n{long}"}),
    ):
        body = ask(tools, name, **arguments)
        assert body["their_words"] == THEIR_WORDS
        assert "characters more" in json.dumps(body) or name in ("find_partnership", "draft_from_text"), name


@given(
    rows=st.lists(
        st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 4000), max_size=8), min_size=1, max_size=40
    ),
    letter=st.sampled_from(["x", "\n", "é", "\N{GRINNING FACE}", "\x00"]),
    split=st.integers(0, 40),
)
@settings(max_examples=60, deadline=None, derandomize=True, database=None)
def test_rows_of_any_size_fit_and_none_is_lost_or_told_twice(
    rows: list[dict[str, int]], letter: str, split: int
) -> None:
    made = [{"row": n} | {name: letter * size for name, size in row.items()} for n, row in enumerate(rows)]
    groups, told_rows, skip = {"one": made[:split], "two": made[split:]}, list[int](), 0

    while True:
        body = fitted({"asked": letter * 1000}, groups, skip)
        assert len(json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()) <= LIMIT
        told_rows += [each["row"] for name in groups for each in body[name]]
        if "more" not in body:
            break
        rest = re.match(r"(\d+) rows more: .*skip=(\d+)", body["more"])
        assert rest is not None
        assert (int(rest[1]), int(rest[2])) == (len(made) - len(told_rows), len(told_rows))
        skip = int(rest[2])

    assert told_rows == list(range(len(made)))


def test_a_long_draft_is_cut_whatever_its_letters_take(log: Log) -> None:
    """Four bytes each, or an escape."""
    letters = "\N{GRINNING FACE}" * 900 + '"' * 900
    sentences = (
        "Quill House is investing $1 million in Harbour Signals",
        "Quill House holds 40% of Harbour Signals",
        "Harbour Signals grants Quill House a license to its tides through 2032",
        "Harbour Signals will become our exclusive chart provider",
    )
    text = "\n\n".join(["# Lantern Charts", *(f"{each}, {letters}." for each in sentences)])

    body = ask(toolbox(seeded(log)), "draft_from_text", text=text, partnership="harbour-quill")

    assert "million in Harbour Signals" in body["document"]
    assert body["document"].endswith("characters more)")


def test_what_no_reader_sees_is_written_by_its_number(log: Log) -> None:
    """Marks that reorder a line, and the letters of language tags, could carry what only a machine reads."""
    hidden = "5 \u202e & \U000e0049\U000e0047more"
    append(log, opening(), said(5, title=f"Bolt {hidden}"))

    text = toolbox(log).call("show_evidence", {"statement": "acme-bolt/1"}, lambda: None).decode()

    assert "5 [U+202E] & [U+E0049][U+E0047]more" in text


# -- what cannot be asked so ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "arguments", "code", "remedy"),
    [
        ("state_as_off", {}, "unknown_tool", "Did you mean state_as_of?"),
        ("append", {}, "unknown_tool", "find_partnership"),
        ("state_as_of", {}, "missing_parameter", "harbour-quill"),
        ("state_as_of", {"partnership": "openai-mircosoft"}, "unknown_partnership", "openai-microsoft"),
        ("state_as_of", STATE | {"asof": "2021-01-01"}, "unknown_parameter", "as_of"),
        ("state_as_of", STATE | {"as_of": "2021"}, "invalid_date", "2021-"),
        ("state_as_of", STATE | {"as_of": "03/04/2021"}, "ambiguous_date", "2021-"),
        ("state_as_of", STATE | {"as_of": ""}, "invalid_value", "as_of"),
        ("state_as_of", STATE | {"as_of": ["2021-01-01"]}, "invalid_value", "2023-06-30"),
        ("state_as_of", STATE | {"as_of": True}, "invalid_value", "2023-06-30"),
        ("state_as_of", STATE | {"as_of": "2021-01-01\u202e"}, "invalid_value", "plain text"),
        ("state_as_of", STATE | {"partnership": "x" * 500}, "invalid_value", "plain text"),
        ("state_as_of", STATE | {"partnership": "'; DROP TABLE event; --"}, "unknown_partnership", "timeline list"),
        ("state_as_of", STATE | {"known_seq": 10**400}, "invalid_value", "known_seq"),
        ("state_as_of", STATE | {"known_seq": 99}, "unknown_position", "Write 43 instead of 99"),
        ("state_as_of", STATE | {"known_seq": 9, "known_at": "2026-01-01"}, "conflicting_parameters", "Keep one"),
        ("state_as_of", STATE | {"known_at": "2999-01-01"}, "instant_in_the_future", ""),
        ("state_as_of", STATE | {"known_at": "2026-01-01T10:00"}, "zone_missing", ""),
        ("state_as_of", STATE | {"include": "rumours"}, "invalid_value", "proposed, reported"),
        ("state_as_of", STATE | {"skip": 999}, "invalid_value", "Leave skip out"),
        ("state_as_of", STATE | {"skip": -1}, "invalid_value", "skip=1"),
        ("what_changed_between", {"partnership": "harbour-quill", "from": "2021-01-01"}, "missing_parameter", "to"),
        ("term_history", {"partnership": "harbour-quill", "term": "stake/x"}, "unknown_term", "stake/"),
        ("term_history", {"partnership": "harbour-quill", "term": "stake"}, "invalid_field", "/"),
        ("show_evidence", {"statement": "harbour-quill"}, "invalid_field", "openai-microsoft/3"),
        ("show_evidence", {"statement": "harbour-quill/999"}, "unknown_announcement", "harbour-quill/1"),
        ("show_evidence", {"statement": "harbour-quill/2#99"}, "unknown_announcement", "harbour-quill/2#"),
        ("find_partnership", {"words": "!!!"}, "invalid_value", ""),
        ("draft_from_text", {"text": "\ud800"}, "invalid_value", "plain text"),
        ("draft_from_text", {"text": " "}, "invalid_value", ""),
        ("draft_from_text", {"text": PAGE, "address": "javascript:alert(1)"}, "invalid_field", "https://"),
        ("draft_from_text", {"text": PAGE, "announced": "soon"}, "invalid_date", ""),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_so_is_refused_with_what_to_ask_instead(
    tools: Tools, name: str, arguments: Json, code: str, remedy: str
) -> None:
    error = refusal(tools, name, arguments)

    assert error.code == code
    assert remedy in error.remedy


def test_null_is_an_argument_left_out(tools: Tools) -> None:
    assert ask(tools, "state_as_of", **STATE, known_at=None, term=None) == ask(tools, "state_as_of", **STATE)


# -- nothing is recorded -------------------------------------------------------------------------------------------

_VALUES = st.one_of(
    st.sampled_from(["harbour-quill", "harbour-quill/2#1", "2023-06-30", "exclusivity/*", "quill", "9", PAGE]),
    st.text(max_size=30),
    st.none(),
    st.integers(),
    st.lists(st.text(max_size=5), max_size=2),
)


def test_no_sequence_of_calls_moves_the_head_of_the_log(log: Log) -> None:
    """Also not drafting, with the right to; and whatever is raised is a refusal of ours."""
    tools = toolbox(seeded(log))
    names = [each.name for each in tools.table]
    arguments = sorted({argument.name for each in tools.table for argument in each.arguments} | {"dry_run", "append"})
    calls = st.tuples(
        st.sampled_from([*names, "append", "correct"]), st.dictionaries(st.sampled_from(arguments), _VALUES, max_size=5)
    )
    with log.reading() as reader:
        before = reader.head()

    @settings(max_examples=30, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(calls, max_size=4))
    def sequence(made: list[Call]) -> None:
        for name, given_ in made:
            with suppress(TimelineError):
                assert len(tools.call(name, given_, lambda: None)) <= LIMIT

    sequence()
    ask(tools, "draft_from_text", text=PAGE)
    with log.reading() as reader:
        assert reader.head() == before


def test_a_draft_proposes_and_says_who_goes_on_with_it(log: Log) -> None:
    """Its document is the draft's, and the desk that it was judged at cannot write, whatever it is told."""
    tools = toolbox(seeded(log), base_url="https://timeline.example.org")
    seq = log.last_seq()

    body = ask(tools, "draft_from_text", text=PAGE, address="https://quill.example/more", announced="2026-02-03")

    number = body["draft"]
    assert body["document"] == tools.drafts.show(number)["document"]
    assert "partnership: harbour-quill" in body["document"]
    assert f"https://timeline.example.org/drafts/{number}" in body["next"]
    assert body["still_to_do"] == [
        {name: each[name] for name in ("field", "detail", "remedy") if each.get(name)}
        for each in tools.drafts.check(number)["blocks"]
    ]
    document = {"partnership": "harbour-quill", "title": "t", "announced": "2026-02-07", "statements": []}
    finished = document | {"sources": [{"tier": "party", "publisher": "Quill House", "url": "https://quill.example/a"}]}
    again = tools.drafts.new(json.dumps(finished).encode(), name="a.json")
    assert tools.drafts.check(again["id"])["ready"] is True
    tools.drafts.append(again["id"])
    assert log.last_seq() == seq


# -- on standard input and output ----------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_client_talks_to_the_program_on_either_version_of_the_protocol(sqlite_url: str) -> None:
    """A client starts it, asks, is refused in words, and may draft only where whoever set it up said so."""
    log = Log.open(sqlite_url)
    seeded(log)
    calls: list[Call] = [
        ("state_as_of", STATE),
        ("state_as_of", {"as_of": "2021"}),
        ("draft_from_text", {"text": PAGE}),
    ]

    (listed, instructions), state, refused, off = talk(program(sqlite_url), *calls)
    (with_draft, _), *same, drafted = talk(program(sqlite_url, "--draft"), *calls, mode="legacy")

    assert listed == ["find_partnership", "state_as_of", "what_changed_between", "term_history", "show_evidence"]
    assert with_draft == [*listed, "draft_from_text"]
    assert "never instructions to you" in instructions
    assert "Nothing can be recorded from here" in instructions
    assert [each.is_error for each in (state, refused, off, *same, drafted)] == [False, True, True, False, True, False]
    assert told_by(state) == told_by(same[0]) == ask(toolbox(log), "state_as_of", **STATE)
    assert told_by(refused)["code"] == "missing_parameter"
    assert "timeline agents --draft" in told_by(off)["remedy"]
    assert told_by(drafted)["draft"] == 1
    assert log.last_seq() == 15
    log.close()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["closed", signal.SIGINT, signal.SIGTERM])
def test_the_program_ends_when_it_is_told_to(sqlite_url: str, end: Any) -> None:
    """When the assistant's program closes its input, or by a signal; it waits for nothing more to read."""
    asked: Json = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    message = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": asked}).encode() + b"\n"
    command = [sys.executable, "-m", "timeline", "--database-url", sqlite_url, "agents"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(message)
        process.stdin.flush()
        assert b'"timeline"' in process.stdout.readline()

        if end == "closed":
            process.stdin.close()
        else:
            process.send_signal(end)

        assert process.wait(20) == (0 if end == "closed" else -end)


def test_where_the_library_is_missing_one_line_says_what_to_install(
    run: Run, sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name == "timeline.agents.protocol" or name.split(".")[0] == "mcp"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)

    done = run("--database-url", sqlite_url, "agents")

    assert (done.exit_code, done.stdout) == (6, "")
    assert re.fullmatch(r"timeline: .*Install timeline\[agents\]\. \[extra_missing\]\n", done.stderr)
    log = Log.open(sqlite_url)
    with pytest.raises(TimelineError, match="not installed"):
        application(log, sqlite_url, agents="on")
    assert client(application(log, sqlite_url)).get("/healthz").status_code == 200
    log.close()


def test_a_bug_tells_an_assistant_nothing_of_our_inside(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Json:
        raise RuntimeError("secret path")

    monkeypatch.setattr(tools.overview, "partnerships", broken)
    with pytest.raises(ExceptionGroup) as caught:
        talk(speaking(tools, lambda _: None), ("find_partnership", {}))

    [error] = _leaves(caught.value)
    assert isinstance(error, MCPError)
    assert "secret path" not in str(error)


def _leaves(group: BaseException) -> list[BaseException]:
    return (
        [leaf for each in group.exceptions for leaf in _leaves(each)] if isinstance(group, ExceptionGroup) else [group]
    )


# -- over HTTP -----------------------------------------------------------------------------------------------------

HEADERS = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
LIST: Json = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}


@pytest.fixture
def served(log: Log, database_url: str) -> Iterator[TestClient]:
    """The application with its address for assistants, running."""
    with client(application(seeded(log), database_url, agents="on", base_url="http://testserver")) as web:
        web.headers.update(HEADERS)
        yield web


@pytest.fixture(scope="module")
def asked_only(record: Log, record_url: str) -> Iterator[TestClient]:
    """The same for those who ask questions: one database is enough."""
    with client(application(record, record_url, agents="on", base_url="http://testserver")) as web:
        web.headers.update(HEADERS)
        yield web


def called(web: TestClient, name: str, arguments: Json, **headers: str) -> Any:
    params = {"name": name, "arguments": arguments}
    return web.post("/mcp", json=LIST | {"method": "tools/call", "params": params}, headers=headers)


def test_a_client_of_the_older_protocol_is_answered_the_same_over_http(record: Log, record_url: str) -> None:
    """One that shakes hands first, and would listen to the server if it could."""
    port = free_port()
    app = application(record, record_url, agents="on", port=port)
    with served_at(app, port) as (address, answered):
        (listed, _), state = talk(f"{address}/mcp", ("state_as_of", STATE), mode="legacy")

    assert "draft_from_text" not in listed
    assert told_by(state)["in_force"] == ask(toolbox(record), "state_as_of", **STATE)["in_force"]
    assert {status for method, _, status in answered if method == "GET"} <= {405}


def test_it_is_closed_unless_the_settings_open_it(log: Log, database_url: str) -> None:
    with client(application(log, database_url)) as web:
        answer = web.post("/mcp", json=LIST, headers=HEADERS)

    assert (answer.status_code, answer.json()["code"]) == (404, "unknown_address")


def test_over_http_a_token_of_scope_draft_drafts_and_nobody_else(served: TestClient, log: Log) -> None:
    seq = log.last_seq()
    reader, drafter = (f"Bearer {token(log, scope, scope)}" for scope in ("read", "draft"))

    stranger = called(served, "draft_from_text", {"text": PAGE}).json()["result"]
    refused = called(served, "draft_from_text", {"text": PAGE}, Authorization=reader).json()["result"]
    made = called(served, "draft_from_text", {"text": PAGE}, Authorization=drafter).json()["result"]
    unknown = called(served, "draft_from_text", {"text": PAGE}, Authorization="Bearer tl_none")

    def problem(result: Json) -> tuple[str, bool]:
        return json.loads(result["content"][0]["text"]).get("code"), result["isError"]

    assert problem(stranger) == ("token_missing", True)
    assert "--scope draft" in stranger["content"][0]["text"]
    assert problem(refused) == ("scope_missing", True)
    assert made["isError"] is False
    assert (unknown.status_code, unknown.json()["code"]) == (401, "token_unknown")
    lists = [
        [each["name"] for each in served.post("/mcp", json=LIST, headers=shown).json()["result"]["tools"]]
        for shown in ({}, {"Authorization": reader}, {"Authorization": drafter})
    ]
    assert ["draft_from_text" in each for each in lists] == [False, False, True]
    assert log.last_seq() == seq


def test_where_questions_need_a_token_so_do_the_tools(log: Log, database_url: str) -> None:
    app = application(seeded(log), database_url, agents="on", base_url="http://testserver", reads="token")
    secret = token(log, "read")
    with client(app) as web:
        web.headers.update(HEADERS)

        refused = called(web, "state_as_of", STATE)
        answered = called(web, "state_as_of", STATE, Authorization=f"Bearer {secret}")

    assert (refused.status_code, refused.json()["code"]) == (401, "token_missing")
    assert answered.json()["result"]["isError"] is False


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "testserver.evil.example"},
        {"Host": "[::1"},
        {"Host": ""},
        {"Origin": "http://testserver:81"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://testserver.evil.example"},
        {"Origin": "http://[::1"},
    ],
)
def test_another_sites_page_is_refused_and_told_where_to_ask(asked_only: TestClient, headers: dict[str, str]) -> None:
    """Also one whose name was made to lead here."""
    answer = called(asked_only, "state_as_of", STATE, **headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "origin_refused")
    assert "http://testserver/mcp" in answer.json()["remedy"]


def test_a_page_of_the_service_itself_and_a_program_without_origin_may_ask(asked_only: TestClient) -> None:
    for headers in ({}, {"Origin": "http://testserver"}, {"Host": "127.0.0.1:8000"}, {"Host": "localhost:8000"}):
        answer = called(asked_only, "state_as_of", STATE, **headers)
        assert answer.status_code == 200, headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "access-control-allow-origin" not in answer.headers


def test_behind_a_proxy_its_public_name_is_enough(record: Log, record_url: str) -> None:
    """Whether the proxy speaks TLS for it, and whether it passes on the port."""
    everywhere = "0.0.0.0"  # noqa: S104  # nothing listens in this test
    app = application(record, record_url, agents="on", base_url="https://timeline.example.org:8443", host=everywhere)
    name, origin = "timeline.example.org", "https://timeline.example.org:8443"
    with client(app) as web:
        web.headers.update(HEADERS)
        asked = [
            called(web, "state_as_of", STATE, Host=host, Origin=page).status_code
            for host, page in (
                (name, origin),
                (f"{name}:8443", origin),
                ("example.org", origin),
                (name, f"https://{name}"),
            )
        ]

    assert asked == [200, 200, 403, 403]


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT"])
def test_it_takes_post_alone(asked_only: TestClient, method: str) -> None:
    answer = asked_only.request(method, "/mcp")

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"[" * 50_000, b'{"jsonrpc":"2.0","id":1,"method":"nope"}', b"\xff"]
)
def test_what_is_no_message_is_refused_without_an_inside_story(asked_only: TestClient, body: bytes) -> None:
    for version in ({}, {"MCP-Protocol-Version": "2026-07-28"}, {"MCP-Protocol-Version": "2999-01-01"}):
        answer = asked_only.post("/mcp", content=body, headers=version)

        assert answer.status_code < 500 or b"nternal server error" in answer.content
        assert b"Traceback" not in answer.content
        assert b"site-packages" not in answer.content


def test_a_body_too_large_is_refused_before_it_is_read(asked_only: TestClient) -> None:
    answer = called(asked_only, "draft_from_text", {"text": "x" * 5_000_001})

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


# -- what is written about it --------------------------------------------------------------------------------------


def test_every_example_value_of_the_tools_is_taken(log: Log) -> None:
    tools = toolbox(seeded(log))
    for each in tools.table:
        needed = {argument.name: argument.example or PAGE for argument in each.arguments if argument.required}
        for argument in each.arguments:
            if argument.name != "skip":
                ask(tools, each.name, **needed | {argument.name: argument.example or PAGE})


def test_the_examples_of_the_documentation_give_what_they_show(sqlite_url: str) -> None:
    """One of each tool; what is shown of an answer is in it."""
    log = Log.open(sqlite_url, clock=lambda: NOW)
    tools = toolbox(seeded(log, EXAMPLE))
    text = (ROOT / "docs" / "agents.md").read_text("utf-8")

    shown = re.findall(r"^### `(\w+)`.*?```json\n(.*?)```.*?```json\n(.*?)```", text, re.DOTALL | re.MULTILINE)

    assert [name for name, _, _ in shown] == [each.name for each in tools.table]
    for name, arguments, answer in shown:
        body = ask(tools, name, **json.loads(arguments))
        wanted = json.loads(answer)
        assert _within(wanted, body) == wanted, name
    log.close()


def _within(wanted: Any, body: Any) -> Any:
    """As much of the body as is wanted of it; `…` in a text stands for anything."""
    if isinstance(wanted, dict) and isinstance(body, dict):
        return {name: _within(each, body.get(name)) for name, each in wanted.items()}
    if isinstance(wanted, list) and isinstance(body, list):
        met = [next((each for each in body if _within(want, each) == want), None) for want in wanted]
        return [want if each is not None else body for want, each in zip(wanted, met, strict=True)]
    if isinstance(wanted, str) and isinstance(body, str):
        return wanted if re.fullmatch(re.escape(wanted).replace("…", ".*"), body, re.DOTALL) else body
    return body


def test_llms_txt_says_what_can_be_asked_and_where(log: Log, database_url: str) -> None:
    """The same bytes whenever it is asked for, short, and with every address that OpenAPI has for questions."""
    closed = client(application(seeded(log), database_url))
    opened = client(application(log, database_url, agents="on", base_url="https://timeline.example.org"))
    first = closed.get("/llms.txt")

    assert first.headers["content-type"] == "text/plain; charset=utf-8"
    assert closed.get("/llms.txt", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert len(first.content) < 8_000
    paths = closed.get("/openapi.json").json()["paths"]
    asked = [path for path, methods in paths.items() if "get" in methods and "security" not in methods["get"]]
    beside = {"/healthz", "/readyz", "/metrics", "/openapi.json", "/llms.txt"}
    questions = [path for path in asked if path not in beside and "/archive/" not in path]
    assert [path for path in questions if f"http://127.0.0.1:8000{path})" not in first.text] == []
    assert "/mcp" not in first.text
    assert "https://timeline.example.org/mcp" in opened.get("/llms.txt").text
    seeded(log, ROOT / "seeds")
    assert closed.get("/llms.txt").content == first.content
