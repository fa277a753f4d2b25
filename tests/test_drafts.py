"""Drafts: nothing typed is lost, nothing is recorded twice, and what blocks is said at once; on both databases."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import Clock, Run
from tests.test_acts import OPENING, asked
from tests.test_cli import ANNOUNCEMENT
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.cli import cli
from timeline.core.errors import TimelineError
from timeline.core.terms import BUILTIN
from timeline.documents import inline, read, written
from timeline.drafting import Drafts
from timeline.log import Log, utc_now

FINISHED = ANNOUNCEMENT.encode()


def drafting(log: Log, clock: Clock) -> Drafts:
    """Drafts beside a record with one open partnership."""
    desk = Desk(log, BUILTIN, clock)
    desk.append(asked(OPENING))
    return Drafts(log, BUILTIN, clock, desk.append, Answers(log, BUILTIN, clock))


@pytest.fixture
def opened(run: Run, tmp_path: Path) -> Run:
    """`timeline …` beside a record with one partnership and one announcement."""
    (tmp_path / "acme.yaml").write_text(f"{json.dumps(OPENING)}\n---\n{ANNOUNCEMENT}")
    assert run("import", "acme.yaml").exit_code == 0
    return run


@pytest.fixture
def drafts(log: Log, clock: Clock) -> Drafts:
    return drafting(log, clock)


def begun(drafts: Drafts, content: bytes = FINISHED) -> int:
    number: int = drafts.new(content, name="a.yaml")["id"]
    return number


def refused(code: str, act: Callable[[], object]) -> TimelineError:
    with pytest.raises(TimelineError) as caught:
        act()
    assert caught.value.code == code
    return caught.value


def head(log: Log) -> int:
    with log.reading() as reader:
        return reader.head()[0]


# -- keeping -----------------------------------------------------------------------------------------------------------


def test_a_draft_keeps_what_came_in_and_is_no_event(drafts: Drafts, log: Log) -> None:
    number = begun(drafts)

    found = drafts.find(number)
    assert found.received.content == FINISHED
    assert [text.content for text in found.texts.values()] == [
        b"Bolt has acquired a stake of 20 percent in Acme,\neffective immediately.\n"
    ]
    assert "text_sha256" in found.document
    assert head(log) == 1
    assert drafts.listed() == {
        "drafts": [
            {
                "id": 1,
                "status": "open",
                "revision": 1,
                "title": "Bolt takes a fifth of Acme",
                "address": None,
                "reason": None,
                "updated_at": "2026-01-01T12:00:00Z",
            }
        ]
    }


def test_a_draft_without_a_text_stays_as_it_was_typed(drafts: Drafts) -> None:
    typed = "# to be finished\ntitle:   Something\n"

    assert drafts.show(begun(drafts, typed.encode()))["document"] == typed


@pytest.mark.parametrize("typed", ["a: [", "", "- a list", "a: 1\n---\nb: 2", "title: {a: &x b}"])
def test_what_is_no_document_yet_is_kept_and_said_to_block(drafts: Drafts, typed: str) -> None:
    number = begun(drafts)

    saved = drafts.save(number, typed)

    assert (saved["document"], saved["revision"]) == (typed, 2)
    assert drafts.show(number, revision=1)["document"] != typed
    (block,) = drafts.check(number)["blocks"]
    assert block["code"] == "malformed_document"
    refused("draft_blocked", lambda: drafts.append(number))


def test_what_no_database_keeps_is_refused(drafts: Drafts) -> None:
    number = begun(drafts)

    refused("control_character", lambda: drafts.save(number, "title: a\0b"))
    refused("too_large", lambda: drafts.save(number, "x" * 5_000_001))
    assert drafts.show(number)["revision"] == 1


def test_a_lost_race_shows_both_changes_and_keeps_the_first(drafts: Drafts) -> None:
    number = begun(drafts, b"title: One\nannounced: 2024\nforce: agreed\n")
    drafts.save(number, "title: Two\nannounced: 2024\nforce: agreed\n", expect=1)

    lost = refused("stale_draft", lambda: drafts.save(number, "title: One\nannounced: 2025\nforce: agreed\n", expect=1))

    assert lost.more["revision"] == 2
    assert "-title: One\n+title: Two" in lost.more["theirs"]
    assert "-announced: 2024\n+announced: 2025" in lost.more["yours"]
    assert drafts.show(number)["title"] == "Two"


def test_saving_the_same_again_is_no_new_revision(drafts: Drafts) -> None:
    number = begun(drafts)
    document = drafts.show(number)["document"]

    assert drafts.save(number, document, expect=1)["revision"] == 1


# -- judging -----------------------------------------------------------------------------------------------------------


def test_a_check_names_everything_that_blocks_at_once(drafts: Drafts) -> None:
    wrong = (
        ANNOUNCEMENT.replace("2024-03-01\nsources", "2024-02-30\nsources")
        .replace("quote: acquired a stake of 20", "quote: acquired a stake of 21")
        .replace("title:", "titel:")
    ) + "- {term: stakes/bolt, set: {percent: 2}, quote: effective immediately}\n"

    found = drafts.check(begun(drafts, wrong.encode()))

    assert [(block["code"], block.get("field")) for block in found["blocks"]] == [
        ("missing_field", "title"),
        ("invalid_date", "announced"),
        ("unknown_field", "titel"),
        ("quote_not_found", "statements[0].quote"),
        ("unknown_kind", "statements[1].term"),
    ]
    assert "20 percent" in found["blocks"][3]["closest"]
    assert (found["ready"], found["would"]) == (False, None)


def test_a_check_is_what_the_append_then_does(drafts: Drafts, log: Log) -> None:
    number = begun(drafts)

    checked = drafts.check(number)
    assert head(log) == 1
    receipt = drafts.append(number, expect=1)

    assert (checked["ready"], checked["blocks"]) == (True, [])
    assert receipt == checked["would"] | {"dry_run": False, "draft": number}
    assert [change["after"] for change in receipt["changes"]] == ["20 %"]
    with log.reading() as reader:
        event = reader.event("acme-bolt", 1)
        assert event is not None
        (source,) = json.loads(event.body)["sources"]
        assert reader.text(source["text_sha256"]) is not None


def test_what_the_record_refuses_blocks_as_well(drafts: Drafts) -> None:
    found = drafts.check(begun(drafts, FINISHED.replace(b"acme -> bolt", b"acme -> nut")))

    assert [block["code"] for block in found["blocks"]] == ["unknown_party"]


@given(data=st.dictionaries(st.text(max_size=8), st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    | st.text(st.characters(blacklist_categories=["Cs", "Cc"]) | st.just("\n"), max_size=20)
    | st.sampled_from(["null", "true", "2024", "2024-01-01", ".nan", "1e5", "- x", "a: b", "#", "=", "~", "no", "'"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
), min_size=1, max_size=4))  # fmt: skip
def test_data_written_as_yaml_is_read_back(data: dict[str, Any]) -> None:
    data = {f"k{place}": value for place, value in enumerate(data.values())}

    (document,) = read(written(data).encode(), "draft.yaml")

    assert document.data == data
    for value in data.values():
        (line,) = read(f"v: {inline(value)}".encode(), "draft.yaml")
        assert line.data == {"v": value}


# -- ending ------------------------------------------------------------------------------------------------------------


def test_appending_twice_records_once_and_gives_the_same_receipt(drafts: Drafts, log: Log) -> None:
    number = begun(drafts)

    first = drafts.append(number)

    assert drafts.append(number) == first
    assert drafts.check(number)["would"] == first
    assert head(log) == 2
    refused("draft_closed", lambda: drafts.save(number, "title: later"))
    refused("draft_closed", lambda: drafts.discard(number, "late"))


def test_a_draft_that_changed_under_an_append_records_nothing(drafts: Drafts, log: Log) -> None:
    """Between the judgement and the act somebody saves: the act is undone with it."""
    number = begun(drafts)

    def meddling(submission: Any, **more: Any) -> Any:
        if not more.get("dry_run"):
            drafts.save(number, "title: other")
        return drafts.record(submission, **more)

    refused("stale_draft", lambda: replace(drafts, record=meddling).append(number))

    assert head(log) == 1
    assert drafts.show(number)["status"] == "open"


def test_two_who_append_the_same_draft_get_one_receipt(drafts: Drafts, log: Log) -> None:
    number = begun(drafts)

    def slower(submission: Any, **more: Any) -> Any:
        if not more.get("dry_run"):
            drafts.append(number)
        return drafts.record(submission, **more)

    receipt = replace(drafts, record=slower).append(number)

    assert receipt == drafts.append(number)
    assert head(log) == 2


def test_a_discarded_draft_says_why_and_stays_readable(drafts: Drafts) -> None:
    number = begun(drafts)
    refused("missing_field", lambda: drafts.discard(number, "  "))

    drafts.discard(number, "said before")

    assert drafts.discard(number, "another reason")["reason"] == "said before"
    assert drafts.show(number)["document"]
    assert drafts.listed()["drafts"] == []
    assert drafts.listed(closed=True)["drafts"][0]["status"] == "discarded"
    refused("draft_closed", lambda: drafts.append(number))
    refused("draft_closed", lambda: drafts.save(number, "title: later"))


def test_where_only_quotes_are_kept_the_text_is_checked_and_then_let_go(drafts: Drafts, log: Log) -> None:
    quoting = replace(drafts, keep="quotes")
    wrong = begun(drafts, FINISHED.replace(b"quote: acquired", b"quote: sold"))
    number = begun(drafts)

    assert [block["code"] for block in quoting.check(wrong)["blocks"]] == ["quote_not_found"]
    quoting.append(number)
    quoting.discard(wrong, "misquoted")

    for each in (number, wrong):
        found = drafts.find(each)
        assert (found.received.content, dict(found.texts)) == (None, {})
        assert len(found.received.sha256) == 64
    with log.reading() as reader:
        assert list(reader.texts()) == []
        event = reader.event("acme-bolt", 1)
        assert event is not None
        assert "text_sha256" not in event.body


@pytest.mark.parametrize("act", ["show", "check", "append"])
def test_a_draft_that_there_is_not_is_said_so(drafts: Drafts, act: str) -> None:
    refused("unknown_draft", lambda: getattr(drafts, act)(7))


# -- the commands ------------------------------------------------------------------------------------------------------


def test_a_draft_goes_from_a_file_through_an_editor_to_the_record(
    opened: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later = ANNOUNCEMENT.replace("20 percent", "30 percent").replace("percent: 20", "percent: 30")
    (tmp_path / "later.yaml").write_text(later.replace("announced: 2024-03-01", "announced: 2024-13-01"))
    (tmp_path / "source.txt").write_text("a stake of 30 percent")
    assert opened("draft", "new", "later.yaml").exit_code == 0

    blocked = opened("draft", "check", "1")
    assert (blocked.exit_code, "invalid_date" in blocked.stdout) == (4, True)
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nsed -i s/2024-13-01/2025-03-01/ $1\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))
    edited = opened("draft", "edit", "1")
    assert (edited.exit_code, edited.stdout) == (0, "Draft 1 · revision 2 · open\n")
    assert opened("draft", "check", "1").exit_code == 4  # a text like it is on record
    assert opened("draft", "answer", "1", "acme-bolt/1", "new").exit_code == 0
    assert opened("draft", "check", "1").exit_code == 0
    receipt = json.loads(opened("draft", "append", "1", "--revision", "2", "--json").stdout)
    assert receipt["id"] == "acme-bolt/2"
    assert json.loads(opened("draft", "append", "1", "--json").stdout) == receipt
    assert opened("draft", "edit", "1").exit_code == 5


def test_what_an_editor_leaves_behind_is_never_lost(
    opened: Run,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "a.yaml").write_text("title: One\n")
    opened("draft", "new", "a.yaml")
    editor = tmp_path / "editor"
    editor.write_text("#!/bin/sh\nprintf 'title: [' > $1\n")
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor))

    broken = opened("draft", "edit", "1")

    assert broken.exit_code == 0
    assert "malformed_document" in broken.stderr
    assert "timeline draft edit 1" in broken.stderr
    assert json.loads(opened("draft", "show", "1", "--json").stdout)["document"] == "title: ["

    monkeypatch.setattr("click.edit", _overtaken)
    lost = opened("draft", "edit", "1")
    assert lost.exit_code == 5
    assert "+title: Theirs" in lost.stderr
    assert "+title: Mine" in lost.stderr
    assert (tmp_path / "draft-1.1.yaml").read_text() == "title: Mine"


def _overtaken(*_: object, **__: object) -> str:
    """An editor during whose work somebody else saves."""
    Path("theirs.yaml").write_text("title: Theirs")
    assert CliRunner().invoke(cli, ["draft", "edit", "1", "--from", "theirs.yaml"]).exit_code == 0
    return "title: Mine"


def test_a_page_as_text_becomes_the_source_of_a_draft(opened: Run, tmp_path: Path) -> None:
    page = "# Bolt sells\n\nBolt sells its stake of 20 percent in Acme, on the first of May.\n"
    (tmp_path / "page.md").write_text(page)

    made = json.loads(opened("draft", "new", "page.md", "--address", "https://acme.example/1", "--json").stdout)

    assert (made["title"], made["received"]["address"]) == ("Bolt sells", "https://acme.example/1")
    assert made["received"]["media_type"] == "text/markdown"
    blocks = json.loads(opened("draft", "check", "1", "--json").stdout)["blocks"]
    assert [block["field"] for block in blocks] == ["announced"]  # whose page it is, its address says
    finished = f"""\
partnership: acme-bolt
title: Bolt sells
announced: 2024-05-01
sources:
- {{url: "https://acme.example/1", tier: party, text_sha256: {made["received"]["sha256"]}}}
statements:
- {{term: stake/bolt-in-acme, end: true, quote: sells its stake of 20 percent}}
"""
    assert opened("draft", "edit", "1", "--from", "-", typed=finished).exit_code == 0
    assert opened("draft", "append", "1").exit_code == 0
    (said,) = json.loads(opened("show", "acme-bolt/2", "--json").stdout)["statements"]
    assert said["status"] == "verified"


def test_what_a_page_says_is_proposed_and_recorded_once_its_day_is_given(opened: Run, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text(
        "<html><head><title>Bolt pays</title></head><body><main><p>Bolt is investing $3 million in Acme.</p>"
        "<p>Acme will become our exclusive steel supplier through 2030, and both are glad.</p></main></body></html>"
    )
    words = ("draft", "new", "page.html", "--address", "https://bolt.example/pays", "--announced", "2024-06-03")

    made = json.loads(opened(*words, "--json").stdout)

    assert (made["received"]["media_type"], made["texts"][0]["media_type"]) == ("text/html", "text/plain")
    assert "# investment: It names who invests" in made["document"]
    assert opened("draft", "append", "1").exit_code == 0
    state = json.loads(opened("state", "acme-bolt", "--as-of", "2024-06-03", "--json").stdout)["terms"]
    assert {
        line["term"]: (line["direction"], line["value"]) for line in state if line["since"]["date"] == "2024-06-03"
    } == {
        "exclusivity/steel": ("bolt -> acme", {"level": "exclusive"}),
        "investment/2024": (
            "bolt -> acme",
            {"amount": {"value": 3_000_000, "currency": "USD"}, "status": "announced"},
        ),
    }


def test_an_investment_without_its_year_blocks_until_the_person_has_put_it(opened: Run, tmp_path: Path) -> None:
    """The day of the announcement does not mend it: the name is the person's to give. No way around drafts either."""
    page = "<main><p>Bolt is investing $3 million in Acme.</p><p>Both are glad of it, and of each other.</p></main>"
    (tmp_path / "page.html").write_text(f"<html><head><title>Bolt pays</title></head><body>{page}</body></html>")
    words = ("draft", "new", "page.html", "--address", "https://bolt.example/pays", "--json")
    lines = json.loads(opened(*words).stdout)["document"].splitlines()
    text = "\n".join(["announced: 2024-06-03", *(each for each in lines if not each.startswith("announced:"))])

    (tmp_path / "dated.yaml").write_text(text)
    assert opened("draft", "edit", "1", "--from", "dated.yaml").exit_code == 0
    checked = json.loads(opened("draft", "check", "1", "--json").stdout)
    refused_append = opened("draft", "append", "1")
    around = [opened(command, "dated.yaml") for command in ("append", "import")]
    (tmp_path / "named.yaml").write_text(text.replace("investment/undated", "investment/2024"))
    assert opened("draft", "edit", "1", "--from", "named.yaml").exit_code == 0

    assert [(each["code"], each["field"]) for each in checked["blocks"]] == [("invalid_field", "statements[0].term")]
    said = [(each.exit_code, "investment/2023" in each.stderr) for each in (refused_append, *around)]
    assert said == [(4, True)] * 3
    assert opened("draft", "append", "1").exit_code == 0


def test_whoever_brings_a_page_may_say_whom_it_is_about(opened: Run, tmp_path: Path) -> None:
    """It names one party only, so that nothing can be proposed until the partnership is given."""
    (tmp_path / "page.txt").write_text("Good news\n\nWe are investing $3 million in Acme.\n")
    words = ("draft", "new", "page.txt", "--address", "https://bolt.example/news", "--announced", "2024-06-03")

    silent = json.loads(opened(*words, "--json").stdout)
    told = json.loads(opened(*words, "--partnership", "acme-bolt", "--json").stdout)

    assert "Nothing is proposed before the parties are known." in silent["document"]
    days = [utc_now()]
    dated = json.loads(opened(*words[:-1], "yesterday", "--json").stdout)["document"]
    days.append(utc_now())  # midnight may have been between
    assert any(f"announced: {(day - timedelta(days=1)).date()}" in dated for day in days)
    assert "partnership: acme-bolt\n" in told["document"]
    assert "term: investment/2024" in told["document"]
    assert opened("draft", "append", "2").exit_code == 0


@pytest.mark.parametrize(
    ("words", "code", "exit_code"),
    [
        (("new", "nowhere.yaml"), "unreadable_source", 6),
        (("new", "two.yaml"), "malformed_document", 4),
        (("new", "empty.txt"), "page_without_text", 6),
        (("new", "picture.txt"), "unreadable_source", 6),
        (("new", "empty.txt", "--announced", "03/04/2024"), "page_without_text", 6),
        (("new", "page.txt", "--announced", "03/04/2024"), "ambiguous_date", 2),
        (("new", "one.yaml", "--address", "acme"), "invalid_field", 4),
        (("new", "page.txt", "--partnership", "acme-blot"), "unknown_partnership", 3),
        (("new", "https://127.0.0.1/1"), "address_refused", 4),
        (("show", "99"), "unknown_draft", 3),
        (("show", "99999999999999999999"), "unknown_parameter", 2),
        (("show", "1", "--revision", "5"), "unknown_draft", 3),
        (("append", "1", "--revision", "5"), "stale_draft", 5),
        (("edit", "1", "--from", "two.yaml", "--revision", "9"), "unknown_draft", 3),
        (("discard", "1", "--why", " "), "missing_field", 4),
        (("append", "1"), "draft_blocked", 4),
    ],
)
def test_a_command_about_a_draft_is_refused_in_one_line(
    opened: Run,
    tmp_path: Path,
    words: tuple[str, ...],
    code: str,
    exit_code: int,
) -> None:
    (tmp_path / "one.yaml").write_text("title: One\n")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "picture.txt").write_bytes(b"\x89PNG\r\n")
    (tmp_path / "page.txt").write_text("Acme and Bolt met.")
    (tmp_path / "two.yaml").write_text("title: One\n---\ntitle: Two\n")
    opened("draft", "new", "one.yaml")

    result = opened("draft", *words)

    assert (result.exit_code, f"[{code}]" in result.stderr) == (exit_code, True)
    assert len(result.stderr.splitlines()) == 1
