"""Trying to lose or corrupt an announcement: processes killed, disks full, clocks wrong, tables of an older version.

`make soak` sets TIMELINE_SOAK to the number of seconds that each of the killing laws may take.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import make_url

from tests.conftest import Clock
from tests.servers import postgresql
from tests.test_acts import OPENING, asked, percents, stake
from tests.test_keeping import everything, restored
from tests.test_log import locked
from tests.test_nodes import in_folder
from tests.victims import IMPORTED
from timeline import migrations, rows
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.errors import TimelineError
from timeline.core.questions import read_question
from timeline.core.terms import BUILTIN
from timeline.drafting import Drafts
from timeline.keeping import dump, verify
from timeline.log import Log, NewEvent, utc_now
from timeline.publishing import forget, publish, settled_day
from timeline.rebuilding import differing, rebuild
from timeline.settings import load
from timeline.standing import state_cells

ROOT = Path(__file__).parent.parent
SECONDS = float(os.environ.get("TIMELINE_SOAK", "3"))
PATIENCE = 60


class Victims:
    """The process that forks those who are killed."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.runs = 0

    def line(self) -> list[str]:
        assert self.process.stdout is not None
        return self.process.stdout.readline().split()

    def run(self, what: str, url: str, *, kill_after: float | None, once: str = "started") -> list[list[str]]:
        """Start a job, kill it so many seconds after it said `once` (None: let it end), and return what it said."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([what, url, self.runs]) + "\n")
        self.process.stdin.flush()
        self.runs += 1
        said: dict[str, list[list[str]]] = defaultdict(list)
        while not {"pid", once} <= said.keys():  # the child may speak before its parent does
            words = self.line()
            assert words not in ([], ["gone"]), said
            said[words[0]].append(words)
        if kill_after is not None:
            time.sleep(kill_after)
            with suppress(ProcessLookupError):  # it may be done already; its number is not given to another so soon
                os.kill(int(said["pid"][0][1]), signal.SIGKILL)
        return [*said["ack"], *iter(self.line, ["gone"])]


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[Victims]:
    """They publish into `feeds` in the test's own folder."""
    command = [sys.executable, "-m", "tests.victims"]
    environment = os.environ | {"TIMELINE_FEEDS_DIR": str(tmp_path / "feeds")}
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Victims(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(PATIENCE)


ENDS = {
    ".atom": b"</feed>\n",
    ".rss": b"</rss>\n",
    ".json": b"}\n",
    ".opml": b"</opml>\n",
    ".ics": b"END:VCALENDAR\r\n",
}
"""How each file that was written whole ends."""


def head(log: Log) -> int:
    with log.reading() as reader:
        return reader.head()[0]


def until_time_is_up() -> Iterator[float]:
    """Fractions between 0 and 1: when to kill."""
    chance, end = random.Random(), time.monotonic() + SECONDS
    while time.monotonic() < end:
        yield chance.random()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + PATIENCE)
def test_nothing_acknowledged_is_lost_when_appending_is_killed(log: Log, database_url: str, victims: Victims) -> None:
    acknowledged: dict[int, str] = {}
    for when in until_time_is_up():
        for _, seq, citation in victims.run("append", database_url, kill_after=when * 0.1, once="ack"):
            acknowledged[int(seq)] = citation

    recorded = {event.seq: event.citation for event in everything(log)}
    assert acknowledged
    assert {seq: recorded.get(seq) for seq in acknowledged} == acknowledged
    # Of each run one append may be recorded whose acknowledgement the kill cut off; never more. Five opened.
    assert len(recorded) - len(acknowledged) <= victims.runs + 5
    assert verify(log)["sound"]


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + PATIENCE)
def test_a_draft_whose_append_is_killed_is_open_or_appended_with_its_receipt(
    log: Log, database_url: str, victims: Victims
) -> None:
    acknowledged: dict[int, str] = {}
    for when in until_time_is_up():
        for _, number, citation in victims.run("draft", database_url, kill_after=when * 0.2, once="ack"):
            acknowledged[int(number)] = citation

    drafts = Drafts(log, BUILTIN, utc_now, Desk(log, BUILTIN, utc_now).append, Answers(log, BUILTIN, utc_now))
    found = [drafts.find(each["id"]) for each in drafts.listed(closed=True)["drafts"]]
    appended = {each.id: each.receipt["id"] for each in found if each.receipt is not None}
    recorded = sorted(event.citation for event in everything(log) if event.kind == "announcement")
    assert acknowledged
    assert {number: appended.get(number) for number in acknowledged} == acknowledged
    assert sorted(appended.values()) == recorded
    assert {each.status for each in found if each.receipt is None} <= {"open"}
    for each in found:
        if each.status == "open":
            appended[each.id] = drafts.append(each.id)["id"]
    assert len(set(appended.values())) == len(found)


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + PATIENCE)
def test_an_import_that_is_killed_recorded_all_or_nothing(log: Log, database_url: str, victims: Victims) -> None:
    before = head(log)
    whole = 0
    for when in until_time_is_up():
        told = victims.run("import", database_url, kill_after=when * 1.2)
        after = head(log)
        assert after - before == IMPORTED or (after == before and not told)
        whole += after > before
        before = after

    victims.run("import", database_url, kill_after=None)
    assert head(log) == (whole + 1) * IMPORTED
    assert verify(log)["sound"]


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + PATIENCE)
def test_a_rebuild_that_is_killed_leaves_the_old_rectangles_or_the_new(
    log: Log, database_url: str, victims: Victims
) -> None:
    for _ in range(2):
        victims.run("import", database_url, kill_after=None)

    for when in until_time_is_up():
        victims.run("rebuild", database_url, kill_after=when * 0.5)
        with log.reading() as reader:
            assert differing(reader) is None

    made = victims.run("rebuild", database_url, kill_after=None)
    with log.reading() as reader:
        assert differing(reader) is None
        assert made == [["ack", str(rows.count(reader.connection))]]
        assert reader.connection.exec_driver_sql("SELECT count(DISTINCT generation) FROM rectangle").scalar() == 1


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + PATIENCE)
def test_a_backup_that_is_killed_leaves_none_or_the_whole_of_it(
    log: Log, database_url: str, victims: Victims, tmp_path: Path
) -> None:
    """Beside somebody who appends: each is the record at one moment."""
    victims.run("import", database_url, kill_after=None)
    desk = Desk(log, BUILTIN, utc_now)
    desk.append(asked(OPENING))
    for number, when in enumerate(until_time_is_up()):
        desk.append(asked(stake(number % 100, f"{2010 + number % 20}-01-01", key=f"k{number}")))
        told = victims.run("backup", database_url, kill_after=when * 0.6)
        path = tmp_path / f"backup-{victims.runs - 1}"
        assert path.exists() or not told
        if path.exists():
            with closing(restored(path, database_url)) as copy:
                assert everything(copy) == everything(log)
            path.unlink()


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + PATIENCE)
def test_a_load_that_is_killed_loaded_all_or_nothing(
    log: Log, database_url: str, victims: Victims, tmp_path: Path
) -> None:
    """And if all, then also where the rectangles were not built any more, which a rebuild does."""
    with closing(Log.open(f"sqlite:///{tmp_path}/source.db")) as source:
        source.migrate()
        for _ in range(2):
            victims.run("import", f"sqlite:///{tmp_path}/source.db", kill_after=None)
        with (tmp_path / "dump").open("wb") as out:
            dump(source, out)
        whole = everything(source)
    for when in until_time_is_up():
        victims.run("load", database_url, kill_after=when * 0.6)
        assert everything(log) in ([], whole)
        assert verify(log)["checks"]["chain"] is None

    victims.run("load", database_url, kill_after=None)
    assert everything(log) == whole
    rebuild(log)
    assert verify(log)["sound"]


@pytest.mark.slow
@pytest.mark.timeout(SECONDS + PATIENCE)
def test_a_publish_that_is_killed_leaves_whole_files_and_the_next_puts_out_the_rest_once(
    log: Log, database_url: str, victims: Victims, tmp_path: Path
) -> None:
    settings = load({"feeds_dir": str(tmp_path / "feeds")}, {})
    acknowledged = 0
    for when in until_time_is_up():
        acknowledged += len(victims.run("publish", database_url, kill_after=when * 0.4))
        for path in (path for path in settings.feeds_dir.rglob("[!.]*.*") if ".beside" not in path.parts):
            assert path.read_bytes().endswith(ENDS[path.suffix]), path

    day = settled_day(utc_now())
    publish(log, BUILTIN, settings, day)
    published = in_folder(settings.feeds_dir)
    forget(log)
    publish(log, BUILTIN, replace(settings, feeds_dir=tmp_path / "anew"), day)
    # Each entry was put out once, at its place: as if nobody had ever been killed.
    assert published == in_folder(tmp_path / "anew")
    assert verify(log)["sound"]


@pytest.mark.slow
def test_two_who_publish_at_once_put_out_every_entry_once(log: Log, database_url: str, tmp_path: Path) -> None:
    """A leader that has lost its lock may still be publishing when the next begins."""
    settings = load({"feeds_dir": str(tmp_path / "feeds")}, {})
    day = settled_day(utc_now())
    desk = Desk(log, BUILTIN, utc_now)
    desk.append(asked(OPENING))
    finished = threading.Event()

    def keep_publishing() -> None:
        with closing(Log.open(database_url)) as own:
            last_round = False
            while not last_round:
                last_round = finished.is_set()
                publish(own, BUILTIN, settings, day)

    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(keep_publishing) for _ in range(2)]
        try:
            for percent in range(20):
                desk.append(asked(stake(percent, f"20{percent + 10}-01-01")))
        finally:
            finished.set()
        for each in both:
            each.result(timeout=PATIENCE)

    published = in_folder(settings.feeds_dir)
    forget(log)
    publish(log, BUILTIN, replace(settings, feeds_dir=tmp_path / "anew"), day)
    assert published == in_folder(tmp_path / "anew")


@pytest.mark.slow
def test_a_full_disk_refuses_and_keeps_what_was_acknowledged(sqlite_url: str, victims: Victims) -> None:
    with closing(Log.open(sqlite_url)) as log:
        told = victims.run("fill", sqlite_url, kill_after=None)

        assert told[-1][0] == "refused"
        assert told[-1][1] in ("storage_failed", "integrity_failure")
        assert [event.seq for event in everything(log)][1:] == [int(words[1]) for words in told[:-1]]
        assert verify(log)["sound"]
        Desk(log, BUILTIN, Clock()).append(asked(OPENING))


@pytest.mark.slow
def test_a_full_disk_of_the_server_refuses_and_keeps_what_was_acknowledged(clock: Clock) -> None:
    """An announcement whose text does not fit is refused whole; one that fits is taken after it."""
    said = stake(12, "2022-01-01")
    said["sources"][0]["text"] = "a stake " + random.Random(1).randbytes(500_000).hex()
    with postgresql(longest_file=33_001) as server:
        server.execute("CREATE DATABASE small")
        with closing(Log.open(server.url("small"), clock=clock)) as log:
            log.migrate()
            desk = Desk(log, BUILTIN, clock)
            for document in (OPENING, stake(10, "2021-01-01")):
                desk.append(asked(document))
            for number in range(16):
                with log.writing() as writer:
                    writer.store_text(random.Random(number).randbytes(1_000_000), "text/plain")

            with pytest.raises(TimelineError) as refused:
                desk.append(asked(said))

            assert (refused.value.code, percents(log, clock, "2025-01-01")) == ("storage_failed", [10])
            assert desk.append(asked(stake(14, "2023-01-01")))["seq"] == 3
            assert verify(log)["sound"]


def test_a_read_only_database_answers_and_takes_nothing(
    database_url: str, request: pytest.FixtureRequest, clock: Clock
) -> None:
    with closing(Log.open(database_url, clock=clock)) as log:
        desk = Desk(log, BUILTIN, clock)
        for document in (OPENING, stake(10, "2021-01-01")):
            desk.append(asked(document))
    url = make_url(database_url)
    read_only = f"sqlite:///file:{url.database}?mode=ro&uri=true"
    if url.get_backend_name() == "postgresql":
        server = request.getfixturevalue("postgres")
        server.execute(f"ALTER DATABASE {url.database} SET default_transaction_read_only = on")
        read_only = database_url

    with closing(Log.open(read_only, clock=clock)) as log:
        with pytest.raises(TimelineError) as refused:
            Desk(log, BUILTIN, clock).append(asked(stake(12, "2022-01-01")))

        assert refused.value.code == "storage_failed"
        assert percents(log, clock, "2025-01-01") == [10]


def test_while_the_database_is_locked_reading_goes_on(database_url: str, clock: Clock) -> None:
    with closing(Log.open(database_url, clock=clock, patience=0.1)) as log:
        desk = Desk(log, BUILTIN, clock)
        for document in (OPENING, stake(10, "2021-01-01")):
            desk.append(asked(document))

        with locked(database_url):
            with pytest.raises(TimelineError) as refused:
                desk.append(asked(stake(12, "2022-01-01")))
            assert percents(log, clock, "2025-01-01") == [10]

        assert refused.value.code == "database_busy"
        assert desk.append(asked(stake(12, "2022-01-01")))["id"] == "acme-bolt/2"


def test_a_clock_set_back_an_hour_changes_no_answer_given_before(log: Log, clock: Clock) -> None:
    """What is recorded while the clock is wrong is recorded after everything before it, also across midnight."""
    desk, noon = Desk(log, BUILTIN, clock), clock.now
    clock.now = noon.replace(hour=0, minute=30)
    for document in (OPENING, stake(10, "2021-01-01")):
        desk.append(asked(document))
    known = everything(log)[-1].recorded_at
    clock.now -= timedelta(hours=1)

    desk.append(asked(stake(12, "2022-01-01")))

    clock.now = noon
    question = read_question({"as_of": "2025-01-01", "known_at": known.isoformat()}, noon)
    body = Answers(log, BUILTIN, clock).state("acme-bolt", question)
    assert [term["value"]["percent"] for term in body["terms"]] == [10]
    assert percents(log, clock, "2025-01-01") == [12]
    moments = [event.recorded_at for event in everything(log)]
    assert moments == sorted(set(moments))
    assert verify(log)["sound"]


def _earlier_revisions() -> list[str]:
    scripts = ScriptDirectory(str(migrations.migrations_dir()))
    return [script.revision for script in scripts.walk_revisions()][:0:-1]


@pytest.mark.parametrize("revision", [each for each in _earlier_revisions() if each < "0004"])
def test_a_record_from_before_the_rectangles_is_brought_up_to_date(bare_url: str, clock: Clock, revision: str) -> None:
    """It is whole at once; its rectangles come with a rebuild, and until then questions are folded."""
    with closing(Log.open(bare_url, clock=clock)) as log:
        with log.writing() as writer:
            command.upgrade(migrations.configuration(writer.connection), revision)
        with log.writing() as writer:
            for version, document in enumerate((OPENING, stake(10, "2021-01-01"), stake(12, "2022-01-01"))):
                said = asked(document)
                writer.append_many([NewEvent("acme-bolt", version, "announcement", None, None, said.hash, said.body)])
        before = everything(log)

        log.migrate()

        log.check_schema()
        assert everything(log) == before
        with log.reading() as reader:
            assert state_cells(reader, "acme-bolt", date(2025, 1, 1), 3) is None
        Desk(log, BUILTIN, clock).append(asked(stake(14, "2023-01-01")))
        assert percents(log, clock, "2025-01-01") == [14]
        assert verify(log)["checks"]["rectangles"]["event"] == "rectangles"
        rebuild(log)
        assert verify(log)["sound"]


@pytest.mark.parametrize("revision", [each for each in _earlier_revisions() if each >= "0004"])
def test_a_record_of_an_earlier_version_is_brought_up_to_date(bare_url: str, clock: Clock, revision: str) -> None:
    """Nothing has to be built anew: its answers stand, and it goes on."""
    with closing(Log.open(bare_url, clock=clock)) as log:
        with log.writing() as writer:
            command.upgrade(migrations.configuration(writer.connection), revision)
        desk = Desk(log, BUILTIN, clock)
        for document in (OPENING, stake(10, "2021-01-01"), stake(12, "2022-01-01")):
            desk.append(asked(document))
        before = everything(log)

        log.migrate()

        log.check_schema()
        assert everything(log) == before
        assert percents(log, clock, "2025-01-01") == [12]
        desk.append(asked(stake(14, "2023-01-01")))
        assert percents(log, clock, "2025-01-01") == [14]
        assert verify(log)["sound"]
