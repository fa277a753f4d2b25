"""The command line as people use it: real processes, a real database, every refusal with its exit code."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shlex
import sqlite3
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import Result

from tests.conftest import Run
from timeline.core.dates import ONE_DAY
from timeline.log import utc_now

ROOT = Path(__file__).parent.parent

OPENING = "{partnership: acme-bolt, name: Acme – Bolt, parties: {acme: Acme, bolt: Bolt}}\n"
ANNOUNCEMENT = """\
partnership: acme-bolt
title: Bolt takes a fifth of Acme
announced: 2024-03-01
sources:
- publisher: Acme
  tier: party
  text: |
    Bolt has acquired a stake of 20 percent in Acme,
    effective immediately.
statements:
- term: stake/bolt-in-acme
  direction: acme -> bolt
  set: {percent: 20}
  effective: 2024-03-01
  quote: acquired a stake of 20 percent in Acme
"""


@pytest.fixture
def opened(run: Run, tmp_path: Path) -> Run:
    """A record with one partnership and one announcement."""
    (tmp_path / "acme.yaml").write_text(f"{OPENING}---\n{ANNOUNCEMENT}")
    assert run("import", "acme.yaml").exit_code == 0
    return run


def answer(run: Run, *words: str) -> Any:
    done = run(*words, "--json")
    assert (done.exit_code, done.stderr) == (0, "")
    return json.loads(done.stdout)


def refused(done: Result) -> tuple[int, str]:
    """The exit code and the stable code of the one line that was said; never a stack trace."""
    lines = done.stderr.splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("timeline: ")
    return done.exit_code, lines[0].rpartition("[")[2].rstrip("]")


def changed(**fields: str) -> str:
    """The announcement with some lines other than they were."""
    text = ANNOUNCEMENT
    for name, line in fields.items():
        old = next(each for each in text.splitlines() if each.strip().lstrip("- ").startswith(f"{name}:"))
        indent = old[: len(old) - len(old.lstrip(" -"))]
        text = text.replace(old, f"{indent}{line}" if line else "")
    return text


def test_what_is_imported_is_answered(opened: Run) -> None:
    """The state echoes both clocks and gives the value with its words, verified in the stored text."""
    body = answer(opened, "state", "acme-bolt", "--as-of", "2024-03-01")

    assert body["resolved"]["as_of"] == "2024-03-01"
    assert body["resolved"]["known_seq"] == 2
    assert body["view"] == "historical"
    (term,) = body["terms"]
    assert term | {"evidence": [], "label": ""} == {
        "term": "stake/bolt-in-acme",
        "label": "",
        "kind": "stake",
        "direction": "acme -> bolt",
        "status": "in_force",
        "value": {"percent": 20},
        "text": "Bolt holds 20 % of Acme",
        "since": {"date": "2024-03-01", "precision": "day", "basis": "stated"},
        "until": {"through": None, "precision": None, "event": None},
        "next_change": None,
        "changed_on_this_day": True,
        "certainty": "certain",
        "last_confirmed": "2024-03-01",
        "last_confirmed_text": "2024-03-01",
        "governed_by": "acme-bolt/1#1",
        "evidence": [],
        "conflicts": [],
    }
    assert [each | {"recorded_at": ""} for each in term["evidence"]] == [
        {
            "statement": "acme-bolt/1#1",
            "quote": "acquired a stake of 20 percent in Acme",
            "status": "verified",
            "url": None,
            "tier": "party",
            "announced": "2024-03-01",
            "recorded_at": "",
            "publisher": "Acme",
        }
    ]


def test_brackets_and_colons_of_a_quote_are_shown_as_they_stand(opened: Run, tmp_path: Path) -> None:
    words = "[bold] Bolt[/b] :tada:"
    (tmp_path / "more.yaml").write_text(
        f"partnership: acme-bolt\ntitle: '{words}'\nannounced: 2024-04-01\n"
        f"sources: [{{publisher: Acme, tier: party, text: '{words}.'}}]\n"
        f"statements: [{{term: stake/bolt-in-acme, reaffirm: true, quote: '{words}'}}]\n"
    )
    assert opened("import", "more.yaml").exit_code == 0

    shown = " ".join(opened("show", "acme-bolt/2").stdout.split())
    logged = " ".join(opened("log").stdout.split())

    assert shown.count(words) == 2, shown
    assert words in logged


def test_importing_again_records_nothing(opened: Run) -> None:
    """Law 10: saying it twice records it once."""
    assert answer(opened, "import", "acme.yaml") == {"files": 1, "recorded": 0, "already": 2, "refused": []}
    assert answer(opened, "status")["record"]["head"] == 2


def test_a_dry_run_says_what_would_happen_and_records_nothing(opened: Run) -> None:
    typed = changed(set="set: {percent: 25}", effective="effective: 2025-01-01", quote="quote: acquired a stake")

    done = opened("append", "-", "--dry-run", "--json", typed=typed)

    receipt = json.loads(done.stdout)
    assert receipt["dry_run"] is True
    assert receipt["changes"] == [
        {
            "term": "stake/bolt-in-acme",
            "label": "stake of Bolt in Acme",
            "force": "agreed",
            "before": "20 %",
            "after": "25 %",
            "start": "2025-01-01",
            "period": "from 2025-01-01",
            "when": "present",
            "text": "stake of Bolt in Acme becomes 25 %",
        }
    ]
    assert [entry["title"] for entry in receipt["entries"]] == [
        "Acme – Bolt: stake of Bolt in Acme becomes 25 % (effective 2025-01-01)"
    ]
    assert answer(opened, "status")["record"]["head"] == 2


def test_corrections_retractions_and_their_undoing_are_answered_by_the_second_clock(opened: Run) -> None:
    right = changed(set="set: {percent: 2}", quote="quote: acquired a stake")
    corrected = opened("correct", "acme-bolt/1", "-", "--reason", "a zero too many", typed=right)
    assert (corrected.exit_code, corrected.stderr) == (0, "")

    def percent(*clock: str) -> Any:
        terms = answer(opened, "state", "acme-bolt", "--as-of", "2024-06-01", *clock)["terms"]
        return [term["value"]["percent"] for term in terms]

    assert (percent(), percent("--known-seq", "2"), percent("--announced-by", "2024-06-01")) == ([2], [20], [2])
    assert opened("retract", "acme-bolt/1", "--reason", "never said").exit_code == 0
    assert (percent(), percent("--known-seq", "3")) == ([], [2])
    assert opened("retract", "acme-bolt/3", "--reason", "it was said after all").exit_code == 0
    assert percent() == [2]
    learned = answer(opened, "learned", "acme-bolt", "@2", "@3")["learned"]
    assert [(each["before"]["text"], each["after"]["text"]) for each in learned] == [("20 %", "2 %")]


def test_a_corrected_announcement_shows_both_contents_and_which_is_which(opened: Run) -> None:
    first = answer(opened, "show", "acme-bolt/1")
    right = changed(title="title: Bolt takes a small stake", set="set: {percent: 2}", quote="quote: acquired a stake")
    assert opened("correct", "acme-bolt/1", "-", "--reason", "a zero too many", typed=right).exit_code == 0

    body, shown = answer(opened, "show", "acme-bolt/1"), opened("show", "acme-bolt/1").stdout

    assert "corrected" not in first
    corrected = body.pop("corrected")
    assert body | {"later": []} == first
    assert (corrected["by"], corrected["title"]) == ("acme-bolt/2", "Bolt takes a small stake")
    assert [(each["governed_by"], each["text"]) for each in corrected["statements"]] == [
        ("acme-bolt/1#1", "Bolt holds 2 % of Acme")
    ]
    order = ["corrected by acme-bolt/2:", "small stake", "2 % of Acme", "recorded first", "20 % of Acme"]
    assert sorted(order, key=shown.index) == order
    assert opened("retract", "acme-bolt/2", "--reason", "it was 20").exit_code == 0
    assert "corrected" not in answer(opened, "show", "acme-bolt/1")


def test_a_correction_names_the_same_act_on_the_line_and_in_the_file(opened: Run) -> None:
    typed = f"corrects: acme-bolt/2\nreason: x\n{ANNOUNCEMENT}"

    assert refused(opened("correct", "acme-bolt/1", "-", typed=typed)) == (4, "conflicting_fields")


def test_an_expectation_that_no_longer_holds_is_refused(opened: Run) -> None:
    typed = changed(title="title: Another", set="set: {percent: 21}", quote="quote: acquired a stake")

    assert refused(opened("append", "-", "--expect", "1", typed=typed)) == (5, "stale_expectation")
    assert opened("append", "-", "--expect", "2", typed=typed).exit_code == 0


def test_the_same_key_stands_for_one_thing(opened: Run) -> None:
    first = changed(title="title: Another", set="set: {percent: 21}", quote="quote: acquired a stake")
    other = changed(title="title: A third", set="set: {percent: 22}", quote="quote: acquired a stake")

    assert opened("append", "-", "--key", "k1", typed=first).exit_code == 0
    assert "Already recorded as acme-bolt/2" in opened("append", "-", "--key", "k1", typed=first).stdout
    assert refused(opened("append", "-", "--key", "k1", typed=other)) == (5, "key_reused")


REFUSED_DOCUMENTS = {
    "unknown kind": (changed(term="term: steak/bolt-in-acme"), 4, "unknown_kind"),
    "money for a stake": (
        changed(set="set: {percent: {value: 135000000000, currency: USD}}"),
        4,
        "value_fails_kind",
    ),
    "a quote that is not there": (changed(quote="quote: acquired a stake of 30 percent"), 4, "quote_not_found"),
    "no quote": (changed(quote=""), 4, "quote_missing"),
    "until before effective": (changed(effective="effective: 2024-03-01\n  until: 2023"), 4, "until_before_effective"),
    "an ambiguous date": (changed(announced="announced: 03/04/2024"), 4, "ambiguous_date"),
    "a date that is none": (changed(announced="announced: 2024-02-30"), 4, "invalid_date"),
    "an instant without a zone": (changed(announced="announced: 2024-03-01T10:00:00"), 4, "zone_missing"),
    "an unknown field": (changed(title="title: x\nsumary: y"), 4, "unknown_field"),
    "an unknown partnership": (changed(partnership="partnership: acme-blot"), 3, "unknown_partnership"),
    "a direction that contradicts": (changed(direction="direction: bolt -> acme"), 4, "direction_contradicts"),
    "a stranger": (changed(direction="direction: acme -> carol"), 4, "unknown_party"),
    "a control character": (changed(title='title: "a\\u0007b"'), 4, "control_character"),
    "a truncated file": (ANNOUNCEMENT[:-60] + "{", 4, "malformed_document"),
    "a list": ("- a\n- b\n", 4, "malformed_document"),
    "a feed's name": (OPENING.replace("acme-bolt", "everything"), 4, "invalid_field"),
    "nothing": ("", 4, "malformed_document"),
    "invalid UTF-8": (ANNOUNCEMENT.encode().replace(b"fifth", b"f\xefth"), 6, "invalid_utf8"),
    "fifty megabytes": (b"title: " + b"x" * 50_000_000, 6, "too_large"),
    "a correction of nothing": (f"corrects: acme-bolt/9\nreason: x\n{ANNOUNCEMENT}", 3, "unknown_announcement"),
    "a file outside the folder": (
        dedent(ANNOUNCEMENT).replace(
            "text: |\n    Bolt has acquired a stake of 20 percent in Acme,\n    effective immediately.",
            "text: ../secret.txt",
        ),
        6,
        "unreadable_source",
    ),
}


@pytest.mark.parametrize("name", REFUSED_DOCUMENTS)
def test_a_bad_document_is_refused_and_leaves_the_record_as_it_was(opened: Run, name: str) -> None:
    typed, exit_code, code = REFUSED_DOCUMENTS[name]

    done = opened("append", "-", typed=typed)

    assert refused(done) == (exit_code, code)
    assert answer(opened, "status")["record"]["head"] == 2


def test_a_stake_in_money_is_told_from_a_valuation(opened: Run) -> None:
    done = opened("append", "-", typed=REFUSED_DOCUMENTS["money for a stake"][0])

    assert "you gave USD 135000000000: that looks like a valuation" in done.stderr


def test_the_closest_passage_is_shown(opened: Run) -> None:
    done = opened("append", "-", typed=REFUSED_DOCUMENTS["a quote that is not there"][0])

    assert "acquired a stake of 20 percent" in done.stderr


REFUSED_QUESTIONS = {
    "a synonym": (("state", "acme-bolt", "--asof", "2024-01-01"), 2, "unknown_parameter"),
    "a year for a day": (("state", "acme-bolt", "--as-of", "2021"), 2, "invalid_date"),
    "an empty day": (("state", "acme-bolt", "--as-of", ""), 2, "invalid_value"),
    "no such day": (("state", "acme-bolt", "--as-of", "2023-02-30"), 2, "invalid_date"),
    "no such day of an event": (("occurred", "acme-bolt", "closing", "--on", "2023-02-30"), 2, "invalid_date"),
    "a month for the day of an event": (("occurred", "acme-bolt", "closing", "--on", "2023-02"), 2, "invalid_date"),
    "an event announced at no date": (
        ("occurred", "acme-bolt", "closing", "--on", "2023-02-01", "--announced", "soon"),
        2,
        "invalid_date",
    ),
    "no such day of a retraction": (
        ("retract", "acme-bolt/1", "--reason", "x", "--by", "issuer", "--on", "2/2/2"),
        2,
        "invalid_date",
    ),
    "a moment without a zone": (("state", "acme-bolt", "--known-at", "2024-01-01T10:00"), 2, "zone_missing"),
    "the future": (("state", "acme-bolt", "--known-at", "2999-01-01"), 2, "instant_in_the_future"),
    "two clocks": (
        ("state", "acme-bolt", "--known-at", "2024-01-01", "--announced-by", "2024-01-01"),
        2,
        "conflicting_parameters",
    ),
    "a position that is not there yet": (("state", "acme-bolt", "--known-seq", "99"), 3, "unknown_position"),
    "a misspelt partnership": (("state", "acme-blot"), 3, "unknown_partnership"),
    "a misspelt term": (("history", "acme-bolt", "stake/bolt-in-acm"), 3, "unknown_term"),
    "a lane that is none": (("state", "acme-bolt", "--include", "rumoured"), 2, "invalid_value"),
    "days the wrong way round": (("diff", "acme-bolt", "2024-02-01", "2024-01-01"), 2, "invalid_value"),
    "a kind that is none": (("in-force", "--kind", "stakes"), 2, "invalid_value"),
    "a party of nobody": (("in-force", "--party", "blot"), 2, "invalid_value"),
    "no such announcement": (("show", "acme-bolt/7"), 3, "unknown_announcement"),
    "no such key": (("show", "no-key"), 3, "unknown_announcement"),
    "an event nobody waits for": (
        ("occurred", "acme-bolt", "closing", "--on", "2024-01-01", "--publisher", "Acme"),
        3,
        "unknown_event",
    ),
}


@pytest.mark.parametrize("name", REFUSED_QUESTIONS)
def test_a_question_that_cannot_be_asked_so_is_refused(opened: Run, name: str) -> None:
    words, exit_code, code = REFUSED_QUESTIONS[name]

    done = opened(*words)

    assert (refused(done), done.stdout) == ((exit_code, code), "")


def test_with_json_a_refusal_is_a_problem_document(opened: Run) -> None:
    done = opened("state", "acme-blot", "--json")

    assert json.loads(done.stdout) == {
        "type": "urn:timeline:problem:unknown_partnership",
        "title": "Unknown partnership",
        "status": 404,
        "code": "unknown_partnership",
        "detail": "There is no partnership “acme-blot”.",
        "did_you_mean": ["acme-bolt"],
        "remedy": "Did you mean acme-bolt? `timeline list` shows them all.",
        "field": "partnership",
    }


def test_every_day_may_be_called_today_or_yesterday(opened: Run) -> None:
    """On both axes of knowledge and where an act names a day; it is written down as the day it was."""
    waits = changed(title="title: Closing", effective="effective: {event: closing}", quote="quote: acquired a stake")
    assert opened("append", "-", typed=waits).exit_code == 0
    today, yesterday = utc_now().date(), utc_now().date() - ONE_DAY

    known = answer(opened, "state", "acme-bolt", "--known-at", "today")["resolved"]
    assert known["known_seq"] == 3
    assert answer(opened, "learned", "acme-bolt", "yesterday", "today")["to"]["known_seq"] == 3
    said = answer(opened, "state", "acme-bolt", "--announced-by", "yesterday")["resolved"]
    assert said["announced_by"] == f"{yesterday}T23:59:59.999999Z"
    by = ("--publisher", "Acme", "--json")
    done = opened("occurred", "acme-bolt", "closing", "--on", "yesterday", "--announced", "today", *by)
    document = answer(opened, "show", json.loads(done.stdout)["id"])["document"]
    assert (document["on"], document["announced"]) == (f"{yesterday}", f"{today}")
    gone = opened("retract", "acme-bolt/1", "--reason", "x", "--by", "issuer", "--on", "yesterday", "--json")
    assert answer(opened, "show", json.loads(gone.stdout)["id"])["document"]["retracted_on"] == f"{yesterday}"


def test_a_bad_document_leaves_nothing_of_its_import(opened: Run, tmp_path: Path) -> None:
    """By default all or nothing; with --keep-going the other files are recorded, and the bad one is named."""
    folder = tmp_path / "more"
    folder.mkdir()
    good = changed(title="title: Good", set="set: {percent: 30}", quote="quote: acquired a stake")
    bad = changed(title="title: Bad", set="set: {percent: 130}")
    (folder / "1.yaml").write_text(good)
    (folder / "2.yaml").write_text(good.replace("Good", "Also good") + "---\n" + bad)

    done = opened("import", "more")

    assert refused(done) == (4, "value_fails_kind")
    assert "2.yaml:29: statements[0].set.percent: " in done.stderr
    assert answer(opened, "status")["record"]["head"] == 2
    kept = opened("import", "more", "--keep-going", "--json")
    assert kept.exit_code == 4
    assert json.loads(kept.stdout)["recorded"] == 1
    assert [event["body"]["title"] for event in answer(opened, "log", "--after", "2")["events"]] == ["Good"]


def test_without_a_database_a_question_says_what_to_do(run: Run) -> None:
    assert refused(run("list")) == (7, "schema_mismatch")


def test_a_term_that_nothing_was_said_of_is_not_passed_over_in_silence(opened: Run) -> None:
    """A misspelt one would otherwise look like a partnership without any terms."""
    shown = opened("state", "acme-bolt", "--term", "staek/*")
    assert (shown.exit_code, shown.stdout.splitlines()[-1]) == (
        0,
        "! nothing_matches: No term that matches staek/* by then: not recorded. Did you mean stake/*?",
    )


def test_a_kind_of_ones_own_needs_no_code(opened: Run, tmp_path: Path) -> None:
    """A table in kinds.toml is a kind: checked, worded and answered like any other."""
    (tmp_path / "kinds.toml").write_text(
        dedent(
            """\
            [seat]
            label = "{subject} seat"
            require = ["holder"]
            short = "{holder}"
            sentence = "{holder} has the {subject} seat[, {vote}]"
            directed = false
            [seat.fields]
            holder = "party"
            vote = { flag = ["without a vote", "with a vote"] }
            """
        )
    )
    typed = changed(
        title="title: A seat",
        term="term: seat/board",
        direction="",
        set="set: {holder: bolt, vote: false}",
        quote="quote: acquired a stake",
    )

    assert opened("append", "-", typed=typed).exit_code == 0

    (seat,) = answer(opened, "state", "acme-bolt", "--term", "seat/*")["terms"]
    assert seat["text"] == "Bolt has the board seat, without a vote"
    stranger = typed.replace("holder: bolt", "holder: carol")
    assert refused(opened("append", "-", typed=stranger)) == (4, "unknown_party")


BROKEN_KINDS = ["words = 3", "[seat]\nrequire = 3", "[seat]\nfields = 3", "[seat", "\udcff"]


@pytest.mark.parametrize("text", BROKEN_KINDS)
def test_a_broken_vocabulary_is_refused(opened: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "kinds.toml").write_bytes(text.encode("utf-8", "surrogateescape"))

    assert refused(opened("kinds")) == (2, "invalid_configuration")


def test_a_path_that_leads_nowhere_is_refused(opened: Run, tmp_path: Path) -> None:
    """A name too long, a loop of links: a line, never a stack trace."""
    (tmp_path / "loop.txt").symlink_to(tmp_path / "loop.txt")
    (tmp_path / "a.yaml").write_text(
        ANNOUNCEMENT.replace(ANNOUNCEMENT[ANNOUNCEMENT.index("|") : ANNOUNCEMENT.index("statements")], "loop.txt\n")
    )

    assert refused(opened("import", "x" * 300)) == (6, "unreadable_source")
    assert refused(opened("append", "a.yaml")) == (6, "unreadable_source")


def test_the_command_runs_as_a_process_of_its_own(tmp_path: Path) -> None:
    """Data on stdout, talk on stderr, the exit code of the refusal."""
    command = [sys.executable, "-m", "timeline", "--database-url", f"sqlite:///{tmp_path / 'record.db'}"]
    imported = subprocess.run([*command, "import", ROOT / "seeds"], cwd=tmp_path, capture_output=True, check=False)
    asked = subprocess.run([*command, "list", "--jsn"], cwd=tmp_path, capture_output=True, check=False)

    assert (imported.returncode, imported.stderr) == (0, b"")
    assert imported.stdout == b"43 recorded from 43 files\n"
    assert (asked.returncode, asked.stdout) == (2, b"")
    assert asked.stderr.startswith(b"timeline: No such option")


def test_what_is_kept_is_verified_dumped_loaded_and_published(opened: Run, tmp_path: Path) -> None:
    """A dump loaded elsewhere has the same head; feeds published twice are written once; a backup is a database."""
    verified = answer(opened, "verify")
    assert verified["sound"] is True
    assert opened("dump", "record.ndjson").exit_code == 0
    assert refused(opened("dump", "record.ndjson")) == (6, "storage_failed")
    copy = ("--database-url", "sqlite:///copy.db")
    assert opened(*copy, "load", "record.ndjson").exit_code == 0
    assert answer(opened, *copy, "verify")["head"] == verified["head"]
    assert opened("backup", "kept.db").exit_code == 0
    assert answer(opened, "--database-url", "sqlite:///kept.db", "verify") == verified
    assert answer(opened, "rebuild") == {"rectangles": 1, "searched": 1, "feeds": "as they were"}
    first, second = answer(opened, "publish"), answer(opened, "publish", "--whole")
    assert (first["written"] > 0, second["written"]) == (True, 0)
    assert (tmp_path / "feeds" / "all.atom").read_text("utf-8").startswith("<?xml")
    assert refused(opened("load", "nothing.ndjson")) == (6, "unreadable_source")


def test_words_are_found_with_exclusions_and_the_next_page_is_the_one_that_follows(opened: Run) -> None:
    """What was appended by a command is found at once; a word with a - is no option, whatever its letters."""
    found = answer(opened, "search", "bolt", "-hexagon", "--json")
    assert [hit["id"] for hit in found["hits"]] == ["acme-bolt/1"]
    assert found["indexed"] == found["head"]
    assert answer(opened, "search", "bolt", "-acme")["hits"] == []
    assert "Nothing on record" in opened("search", "no-such-word").stdout
    assert refused(opened("search", "-bolt")) == (2, "invalid_value")
    assert refused(opened("search", "bolt", "--since", "2026")) == (2, "invalid_date")


def test_what_is_in_force_is_told_across_partnerships_page_by_page(opened: Run, tmp_path: Path) -> None:
    """The last line is the command that goes on, of the same moment."""
    other = ANNOUNCEMENT.replace("acme-bolt", "acme-core").replace("Bolt", "Core").replace("bolt", "core")
    opening = {"partnership": "acme-core", "name": "Acme – Core", "parties": {"acme": "Acme", "core": "Core"}}
    (tmp_path / "0.json").write_text(json.dumps(opening))
    (tmp_path / "1.yaml").write_text(other)
    assert opened("import", "0.json", "1.yaml").exit_code == 0

    said = opened("in-force", "--as-of", "2024-03-01", "--kind", "stake", "--limit", "1").stdout
    *_, going_on = said.splitlines()

    assert "stake/bolt-in-acme  Bolt holds 20 % of Acme" in said
    assert going_on.startswith(
        "more: timeline in-force --as-of 2024-03-01 --kind stake --limit 1 --known-seq 4 --after "
    )
    later = ANNOUNCEMENT.replace("2024-03-01", "2024-02-01").replace("takes", "took").replace("a fifth", "one fifth")
    (tmp_path / "2.yaml").write_text(later.replace("stake/bolt-in-acme", "stake/bolt-before"))
    assert opened("append", "2.yaml").exit_code == 0
    said = opened(*shlex.split(going_on)[2:]).stdout
    assert "Acme – Core\nstake/core-in-acme  Core holds 20 % of Acme" in said
    assert "more:" not in said
    assert [
        each["governed_by"]
        for each in answer(opened, "in-force", "--as-of", "2024-03-01", "--party", "core")["in_force"]
    ] == ["acme-core/1#1"]
    assert "Nothing was in force on 1999-01-01" in opened("in-force", "--as-of", "1999-01-01").stdout


def test_every_command_is_in_the_reference(run: Run) -> None:
    """docs/commands.md names every command."""
    reference = (ROOT / "docs" / "commands.md").read_text("utf-8")
    listed = [line.split()[0] for line in run("--help").stdout.partition("Commands:")[2].splitlines() if line.strip()]

    assert [name for name in listed if f"timeline {name}" not in reference] == []


def test_an_export_is_made_again_as_its_last_lines_say(opened: Run, tmp_path: Path) -> None:
    """By the command that stands in it, byte for byte, also after more was recorded."""
    asked = (
        ("--as-of", "2024-03-01"),
        ("--between", "2024-02-01", "2024-03-01"),
        ("--term", "stake/bolt-in-acme"),
        ("--timeline",),
        (
            "--as-of",
            "2024-03-01",
            "--term",
            "stake/*",
            "--include",
            "reported,proposed",
            "--announced-by",
            "2024-04-01",
        ),
    )
    for number, options in enumerate(asked, start=1):
        first = opened("export", "acme-bolt", *options, "--format", "md")
        assert first.exit_code == 0, first.stderr
        again = re.search(r"Without a server: `timeline (.*)`", first.stdout)
        assert again is not None
        (tmp_path / "more.yaml").write_text(ANNOUNCEMENT.replace("2024-03-01", f"2024-05-0{number}"))

        assert opened("append", "more.yaml").exit_code == 0

        assert opened(*shlex.split(again[1])).stdout == first.stdout, options


def test_a_citation_s_digest_is_that_of_the_exported_json(opened: Run) -> None:
    cited = answer(opened, "state", "acme-bolt", "--as-of", "2024-03-01", "--cite")
    exported = opened("export", "acme-bolt", "--as-of", "2024-03-01", "--format", "json")

    assert cited["sha256"] == sha256(exported.stdout_bytes).hexdigest()
    assert cited["text"] == f"Acme – Bolt, state on 2024-03-01, record 2, sha256 {cited['sha256']}"
    assert cited["link"] == "http://127.0.0.1:8000/p/acme-bolt@2/2024-03-01"
    for question in (("history", "acme-bolt", "stake/bolt-in-acme"), ("diff", "acme-bolt", "2024-01-01", "2024-04-01"),
                     ("show", "acme-bolt/1")):  # fmt: skip
        said = opened(*question, "--cite").stdout.split("\n\n")
        assert (said[0][:11], len(said)) == ("Acme – Bolt", 3)


def test_an_export_that_cannot_be_made_says_what_to_type(opened: Run, tmp_path: Path) -> None:
    def export(*words: str) -> tuple[int, str]:
        return refused(opened("export", "acme-bolt", *words))

    assert export("--format", "xlsx") == (2, "invalid_value")
    assert export("--format", "md", "--timeline", "--as-of", "today") == (2, "conflicting_parameters")
    assert export("--format", "md", "--timeline", "--include", "reported") == (2, "conflicting_parameters")
    assert export("--format", "md", "--between", "2024-03-01", "2024-02-01") == (2, "invalid_value")
    assert export("--format", "md", "--term", "stake/*") == (4, "invalid_field")
    assert export("--format", "md", "--known-seq", "99") == (3, "unknown_position")
    assert export("--format", "md", "--out", str(tmp_path / "none" / "x.md")) == (6, "storage_failed")
    assert refused(opened("export", "acme", "--format", "md")) == (3, "unknown_partnership")
    done = opened("export", "acme-bolt", "--format", "pdf", "--out", str(tmp_path / "x.pdf"))
    assert (done.exit_code, (tmp_path / "x.pdf").read_bytes()[:5]) == (0, b"%PDF-")


def program(*words: str | bytes, into: str | None = None, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """`timeline …` as a process of its own, its answer into a file."""
    with Path(into).open("wb") if into else contextlib.nullcontext(subprocess.PIPE) as out:
        return subprocess.run(
            [sys.executable, "-m", "timeline", *words],
            stdout=out,
            stderr=subprocess.PIPE,
            env=os.environ | environment,
            check=False,
            timeout=60,
        )


def told(done: subprocess.CompletedProcess[bytes]) -> tuple[int, str]:
    """The exit code and the stable code of the one line that was said; never a stack trace."""
    (line,) = done.stderr.decode().splitlines()
    return done.returncode, line.rpartition("[")[2].rstrip("]")


@pytest.mark.usefixtures("opened")
@pytest.mark.parametrize("words", [("list",), ("state", "acme-bolt", "--json"), ("--help",), ("dump",)], ids=" ".join)
def test_an_answer_that_finds_no_room_is_told_in_one_line(words: tuple[str, ...]) -> None:
    assert told(program(*words, into="/dev/full")) == (6, "storage_failed")


@pytest.mark.usefixtures("opened")
def test_a_terminal_that_lacks_a_letter_shows_the_rest_and_programs_get_all_of_it() -> None:
    shown = program("state", "acme-bolt", PYTHONIOENCODING="ascii")
    data = program("state", "acme-bolt", "--json", PYTHONIOENCODING="ascii")

    assert (shown.returncode, shown.stdout.splitlines()[0], shown.stderr) == (0, b"Acme ? Bolt", b"")
    assert json.loads(data.stdout)["name"] == "Acme – Bolt"


def test_a_word_that_is_no_text_is_refused_unless_a_file_is_called_so(opened: Run, tmp_path: Path) -> None:
    for words in (["state"], ["search"], ["show"], ["history", "acme-bolt"]):
        assert refused(opened(*words, "acme\udcff")) == (2, "invalid_value")
    done = program("state", b"acme\xff", "--json")
    assert told(done) == (2, "invalid_value")
    assert r"acme\xff" in json.loads(done.stdout)["detail"]
    (tmp_path / "acme\udcff.yaml").write_text(changed(title="title: Another", quote="quote: acquired a stake"))
    assert opened("import", "acme\udcff.yaml").exit_code == 0


@pytest.mark.parametrize("body", ["garbage", "{}", "[1]", "null", '{"partnership": 5}', '{"occurred": "x", "on": "y"}'])
def test_a_damaged_body_is_named_by_every_question(opened: Run, tmp_path: Path, body: str) -> None:
    """And by show also where it still reads as an act: what stands under a hash is what that hash is of."""
    with contextlib.closing(sqlite3.connect(tmp_path / "timeline.db")) as database:
        database.execute("DROP TRIGGER event_no_update")
        if body == "garbage":
            database.execute("UPDATE event SET body = replace(body, '20 percent', '21 percent') WHERE seq = 2")
            database.commit()
            assert refused(opened("show", "acme-bolt/1")) == (7, "integrity_failure")
        database.execute("UPDATE event SET body = ? WHERE seq = 2", (body,))
        database.commit()

    for words in (("show", "acme-bolt/1"), ("state", "acme-bolt"), ("log",), ("list",)):
        done = opened(*words)
        assert refused(done) == (7, "integrity_failure")
        assert "acme-bolt/1 is not as it was recorded" in done.stderr
