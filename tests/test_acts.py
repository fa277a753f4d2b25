"""Recording acts: one transaction each, nothing twice, nothing lost; on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock
from tests.test_log import tamper
from timeline import taking
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.errors import TimelineError
from timeline.core.questions import ALL, Knowledge, read_question
from timeline.core.terms import BUILTIN
from timeline.documents import Document, walk
from timeline.keeping import verify
from timeline.log import Log
from timeline.rebuilding import rebuild
from timeline.rows import stored
from timeline.submissions import Submission, submit

SEEDS = Path(__file__).parent.parent / "seeds"
OPENING = {"partnership": "acme-bolt", "name": "Acme – Bolt", "parties": {"acme": "Acme", "bolt": "Bolt"}}


def stake(percent: int, announced: str, **more: Any) -> dict[str, Any]:
    """An announcement that Bolt holds so much of Acme."""
    statement = {"term": "stake/bolt", "direction": "acme -> bolt", "set": {"percent": percent}, "quote": "a stake"}
    return {
        "partnership": "acme-bolt",
        "title": f"Bolt holds {percent} %",
        "announced": announced,
        "sources": [{"publisher": "Acme", "tier": "party"}],
        "statements": [statement],
        **more,
    }


def asked(document: dict[str, Any], *, key: str | None = None, idempotency_key: str | None = None) -> Submission:
    copied = Document.of(json.loads(json.dumps(document)), "test")
    return submit(copied, BUILTIN, key=key, idempotency_key=idempotency_key)


@pytest.fixture
def desk(log: Log, clock: Clock) -> Desk:
    """A desk with one partnership open."""
    made = Desk(log, BUILTIN, clock)
    made.append(asked(OPENING))
    return made


def percents(log: Log, clock: Clock, as_of: str) -> list[Any]:
    body = Answers(log, BUILTIN, clock).state("acme-bolt", read_question({"as_of": as_of}, clock.now))
    return [term["value"]["percent"] for term in body["terms"]]


def test_a_receipt_says_what_changed_and_what_it_will_publish(desk: Desk) -> None:
    desk.append(asked(stake(10, "2021-01-01")))

    receipt = desk.append(asked(stake(12, "2022-01-01"), key="k2"))

    assert receipt == {
        "id": "acme-bolt/2",
        "kind": "announcement",
        "seq": 3,
        "head": "acme-bolt@3",
        "follows": "acme-bolt@2",
        "replayed": False,
        "dry_run": False,
        "changes": [
            {
                "term": "stake/bolt",
                "label": "stake of Bolt",
                "force": "agreed",
                "before": "10 %",
                "after": "12 %",
                "start": "2022-01-01",
                "period": "from 2022-01-01",
                "when": "present",
                "text": "stake of Bolt becomes 12 %",
            }
        ],
        "warnings": [
            {
                "code": "assumed_effective",
                "statement": 1,
                "detail": "stake/bolt: no effective date is stated; 2022-01-01 is assumed",
            }
        ],
        "entries": [
            {
                "id": "acme-bolt/2",
                "kind": "announced",
                "title": "Acme – Bolt: stake of Bolt becomes 12 % (effective 2022-01-01)",
                "quiet": False,
            }
        ],
    }


def test_the_same_content_or_key_twice_is_one_announcement(desk: Desk, log: Log) -> None:
    first = desk.append(asked(stake(10, "2021-01-01"), idempotency_key="request-1"))

    again = [
        desk.append(asked(stake(10, "2021-01-01"))),
        desk.append(asked(stake(10, "2021-01-01"), idempotency_key="request-1")),
        desk.append(asked(OPENING)),
    ]

    assert [(each["id"], each["replayed"]) for each in again] == [
        (first["id"], True),
        (first["id"], True),
        ("acme-bolt", True),
    ]
    with log.reading() as reader:
        assert reader.head()[0] == 2


def test_what_was_retracted_is_not_said_anew_by_being_imported_again(desk: Desk, log: Log, clock: Clock) -> None:
    """Identical content is one announcement; retracting its retraction brings it back, and may be taken back again."""
    desk.append(asked(stake(10, "2021-01-01")))
    desk.append(asked({"retracts": "acme-bolt/1", "reason": "never said"}))

    assert desk.append(asked(stake(10, "2021-01-01")))["replayed"] is True
    assert percents(log, clock, "2021-06-01") == []

    desk.append(asked({"retracts": "acme-bolt/2", "reason": "said after all"}))
    assert percents(log, clock, "2021-06-01") == [10]
    assert desk.append(asked({"retracts": "acme-bolt/1", "reason": "never said"}))["replayed"] is False
    assert percents(log, clock, "2021-06-01") == []


def test_a_number_is_kept_to_its_last_digit(desk: Desk, log: Log, clock: Clock) -> None:
    exact = "99.123456789012345678901234567890123"
    document = stake(1, "2021-01-01")
    document["statements"][0]["set"]["percent"] = Decimal(exact)

    desk.append(submit(Document.of(document, "test"), BUILTIN))

    assert percents(log, clock, "2021-06-01") == [Decimal(exact)]


def test_an_announcement_with_a_long_text_is_recorded(desk: Desk, log: Log) -> None:
    """More than a connection takes at once; the text is kept to the last byte."""
    said = stake(10, "2021-01-01")
    said["sources"][0]["text"] = text = "a stake " + "é" * 1_000_000

    assert desk.append(asked(said))["seq"] == 2

    with log.reading() as reader:
        kept = reader.text(sha256(text.encode()).hexdigest())
    assert kept is not None
    assert kept.content == text.encode()


def test_many_long_keys_are_asked_for_at_once(desk: Desk, log: Log, tmp_path: Path) -> None:
    """A question of more than a connection takes at once: who has these keys."""
    said = [{**stake(10, f"2021-01-01T00:{minute:02d}:00Z"), "key": f"{minute:0200d}"} for minute in range(60)]
    said += [{**stake(11, f"2022-01-01T00:{minute:02d}:00Z"), "key": f"{minute:0199d}b"} for minute in range(60)]
    (tmp_path / "bulk.ndjson").write_text("\n".join(map(json.dumps, [*said, said[7]])))

    done = desk.import_files(walk([tmp_path]))

    assert (done.recorded, done.already) == (120, 1)
    with log.reading() as reader:
        assert [event.key for event in reader.events()] == [None, *(document["key"] for document in said)]


def test_a_dry_run_records_nothing_and_forgets_what_it_heard(desk: Desk, log: Log, clock: Clock) -> None:
    desk.append(asked(stake(10, "2021-01-01")))

    rehearsed = desk.append(asked(stake(12, "2022-01-01")), dry_run=True)
    recorded = desk.append(asked(stake(12, "2022-01-01")))

    assert rehearsed == recorded | {"dry_run": True}
    assert percents(log, clock, "2023-01-01") == [12]


@pytest.mark.usefixtures("desk")
def test_of_those_who_expect_the_same_record_one_is_first(log: Log, clock: Clock) -> None:
    """Optimistic concurrency: eight desks expect the same end, exactly one appends, the others learn what came."""
    barrier = threading.Barrier(8)

    def race(percent: int) -> str:
        own = Desk(log, BUILTIN, clock)
        barrier.wait()
        try:
            return str(own.append(asked(stake(percent, "2021-01-01")), expect=1)["id"])
        except TimelineError as error:
            return f"{error.code} since {[each['id'] for each in error.more['since']]}"

    with ThreadPoolExecutor(8) as pool:
        told = sorted(pool.map(race, range(1, 9)))

    assert told == ["acme-bolt/1", *["stale_expectation since ['acme-bolt/1']"] * 7]


def test_desks_that_expect_nothing_all_append(desk: Desk, log: Log, clock: Clock) -> None:
    def run(worker: int) -> None:
        own = Desk(log, BUILTIN, clock)
        for place in range(5):
            own.append(asked(stake(worker * 5 + place, f"20{worker:02d}-01-0{place + 1}")))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, range(10, 14)))

    with log.reading() as reader:
        events = list(reader.events())
    assert [event.seq for event in events] == list(range(1, 22))
    assert [event.version for event in events] == list(range(21))
    assert percents(log, clock, "2014-01-01") == [69]
    assert desk.append(asked(stake(70, "2015-01-01")))["id"] == "acme-bolt/21"


def test_a_seed_imported_twice_is_there_once(log: Log, clock: Clock) -> None:
    desk = Desk(log, BUILTIN, clock)

    first = desk.import_files(walk([SEEDS]))
    second = desk.import_files(walk([SEEDS]))

    assert (first.recorded, first.already) == (43, 0)
    assert (second.recorded, second.already) == (0, 43)
    assert log.verify().fault is None


def test_openings_come_first_wherever_they_stand(log: Log, clock: Clock, tmp_path: Path) -> None:
    lines = [json.dumps(document) for document in (stake(10, "2021-01-01"), OPENING, stake(11, "2022-01-01"))]
    (tmp_path / "bulk.ndjson").write_text("\n".join(lines))

    Desk(log, BUILTIN, clock).import_files(walk([tmp_path]))

    with log.reading() as reader:
        assert [(event.kind, event.version) for event in reader.events()] == [
            ("opening", 0),
            ("announcement", 1),
            ("announcement", 2),
        ]


def test_a_refused_document_leaves_nothing_of_the_import(log: Log, clock: Clock, tmp_path: Path) -> None:
    lines = [OPENING, *(stake(place % 90, f"20{place:02d}-01-01") for place in range(10, 30)), stake(200, "2040-01-01")]
    (tmp_path / "bulk.ndjson").write_text("\n".join(map(json.dumps, lines)))

    with pytest.raises(TimelineError) as refused:
        Desk(log, BUILTIN, clock).import_files(walk([tmp_path]))

    assert (refused.value.code, refused.value.more["line"]) == ("value_fails_kind", 22)
    with log.reading() as reader:
        assert reader.head()[0] == 0


def test_keep_going_leaves_out_whole_files(log: Log, clock: Clock, tmp_path: Path) -> None:
    """A refusal in the middle of a file undoes what the file had recorded, not what other files did."""
    good = [OPENING, stake(10, "2021-01-01")]
    half = [stake(11, "2022-01-01"), {**stake(12, "2023-01-01"), "partnership": "nobody"}]
    last = [stake(13, "2024-01-01")]
    for name, documents in (("1", good), ("2", half), ("3", last)):
        (tmp_path / f"{name}.ndjson").write_text("\n".join(map(json.dumps, documents)))

    done = Desk(log, BUILTIN, clock).import_files(walk([tmp_path]), keep_going=True)

    assert (done.recorded, [error.code for error in done.refused]) == (3, ["unknown_partnership"])
    assert percents(log, clock, "2022-06-01") == [10]
    assert percents(log, clock, "2024-06-01") == [13]
    assert log.verify().fault is None


def test_keep_going_undoes_the_opening_of_a_file_that_is_left_out(log: Log, clock: Clock, tmp_path: Path) -> None:
    """What other files built on that opening is left out as well, and said; what stands by itself is recorded."""
    other = {**OPENING, "partnership": "nut-oak"}
    files = {
        "1": [OPENING, {**stake(12, "2023-01-01"), "statements": [{"term": "stake/bolt", "set": {"percent": 120}}]}],
        "2": [stake(10, "2021-01-01")],
        "3": [other, {**stake(11, "2022-01-01"), "partnership": "nut-oak"}],
    }
    for name, documents in files.items():
        (tmp_path / f"{name}.ndjson").write_text("\n".join(map(json.dumps, documents)))

    done = Desk(log, BUILTIN, clock).import_files(walk([tmp_path]), keep_going=True)

    assert [error.code for error in done.refused] == ["value_fails_kind", "unknown_partnership"]
    assert (done.files, done.recorded, done.already) == (3, 2, 0)
    with log.reading() as reader:
        assert reader.partnerships() == ["nut-oak"]
    assert log.verify().fault is None


@pytest.mark.parametrize("together", [1, 2, 3, 7])
def test_a_record_is_the_same_however_many_acts_are_written_together(
    together: int, log: Log, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys, repeated contents and shared texts are seen within a batch and across its border alike."""
    text = "a stake"
    said = [stake(percent, f"20{percent}-01-01") for percent in (10, 11, 12, 11)]
    for document in said:
        document["sources"] = [{"publisher": "Acme", "tier": "party", "text": text}]
    late = {**stake(99, "2009-01-01"), "key": "late"}
    end = {**stake(13, "2030-01-01")}
    end["statements"] = [{"term": "stake/bolt", "end": True, "quote": "over"}]
    documents = [OPENING, *said, late, end, said[2], late, {"retracts": "acme-bolt/5", "reason": "It was a mistake."}]
    (tmp_path / "bulk.ndjson").write_text("\n".join(map(json.dumps, documents)))
    monkeypatch.setattr(taking, "BATCH", together)

    done = Desk(log, BUILTIN, clock).import_files(walk([tmp_path]))

    assert (done.recorded, done.already) == (7, 3)
    with log.reading() as reader:
        events = list(reader.events())
        held = stored(reader, "acme-bolt")
        assert [each.content.decode() for each in reader.texts()] == [text]
    assert [(event.kind, event.version, event.key) for event in events] == [
        ("opening", 0, None),
        ("announcement", 1, None),
        ("announcement", 2, None),
        ("announcement", 3, None),
        ("announcement", 4, "late"),
        ("announcement", 5, None),
        ("retraction", 6, None),
    ]
    assert log.verify().fault is None
    rebuild(log)
    with log.reading() as reader:
        assert sorted(stored(reader, "acme-bolt")) == sorted(held)


def test_an_answer_as_known_then_is_the_answer_given_then(desk: Desk, log: Log, clock: Clock) -> None:
    """Law 1, through the database: what is recorded later changes no answer for an earlier position."""
    answers = Answers(log, BUILTIN, clock)
    question = read_question({"as_of": "2022-06-01"}, clock.now)
    given = []
    for document in (
        stake(10, "2021-01-01"),
        stake(15, "2020-01-01"),
        {"corrects": "acme-bolt/1", "reason": "a slip", **stake(11, "2021-01-01")},
        {"retracts": "acme-bolt/3", "reason": "no slip"},
    ):
        desk.append(asked(document))
        with log.reading() as reader:
            seq = reader.head()[0]
        given.append((seq, answers.state("acme-bolt", question)["terms"]))

    for seq, terms in given:
        known = read_question({"as_of": "2022-06-01", "known_seq": str(seq)}, clock.now)
        assert Answers(log, BUILTIN, clock).state("acme-bolt", known)["terms"] == terms


def test_learned_is_told_from_changed(desk: Desk, log: Log, clock: Clock) -> None:
    """A correction changes nothing in the world between two days, and everything in what we hold."""
    desk.append(asked(stake(20, "2021-01-01")))
    desk.append(asked({"corrects": "acme-bolt/1", "reason": "a zero too many", **stake(2, "2021-01-01")}))
    answers = Answers(log, BUILTIN, clock)

    learned = answers.learned("acme-bolt", Knowledge(known_seq=2), ALL)
    changed = answers.changes("acme-bolt", clock.now.date().replace(day=1), clock.now.date())

    assert [(each["before"]["text"], each["after"]["text"], each["start"]) for each in learned["learned"]] == [
        ("20 %", "2 %", "2021-01-01")
    ]
    assert [act["id"] for act in learned["acts"]] == ["acme-bolt/2"]
    assert (changed["changes"], changed["terms"], changed["unchanged"]) == ([], [], ["stake/bolt"])


@pytest.mark.parametrize("meanwhile", [[], [stake(11, "2021-02-01")]], ids=["nothing else", "something else"])
def test_what_the_log_lost_is_recorded_anew_and_not_said_to_be_there(
    desk: Desk,
    log: Log,
    database_url: str,
    clock: Clock,
    meanwhile: list[dict[str, Any]],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A backup is restored, or a replica takes over that lacked the last event, while a node goes on."""
    desk.append(asked(stake(10, "2021-01-01")))
    tamper(database_url, "DELETE FROM event WHERE seq > 1")
    rebuild(log)
    for document in meanwhile:
        Desk(log, BUILTIN, clock).append(asked(document))

    receipt = desk.append(asked(stake(10, "2021-01-01")))

    assert (receipt["id"], receipt["replayed"]) == (f"acme-bolt/{len(meanwhile) + 1}", False)
    (told,) = caplog.messages
    assert told.startswith("acme-bolt/1, which this process had recorded or read, is no longer on record")
    assert verify(log)["sound"]
