"""A process that does dangerous work in children of its own, each ready to be killed at any moment.

It reads one job a line from stdin, as a JSON array (what, database URL, number of the run), forks, and says on stdout
`pid N`; the child says `started` when it is at it, one `ack …` for each thing that is acknowledged, and `refused CODE`;
when it is gone this process says `gone`. Forking from here, where everything is imported and no
thread runs, takes a millisecond.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from timeline import keeping
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.core.errors import TimelineError
from timeline.core.terms import BUILTIN
from timeline.documents import Document, walk
from timeline.drafting import Drafts
from timeline.keeping import backup
from timeline.log import Log, utc_now
from timeline.publishing import publish, settled_day
from timeline.rebuilding import rebuild
from timeline.settings import load
from timeline.submissions import submit

IMPORTED = 700
"""Events of one import: more than one batch."""


def say(*words: object) -> None:
    os.write(1, (" ".join(map(str, words)) + "\n").encode())  # one write is never torn


def opening(name: str) -> dict[str, Any]:
    return {"partnership": name, "name": name, "parties": {"acme": "Acme", "bolt": "Bolt"}}


def stake(name: str, number: int) -> dict[str, Any]:
    statement = {"term": f"stake/s{number % 7}", "direction": "acme -> bolt", "quote": "a stake"}
    return {
        "key": f"{name}-{number}",
        "partnership": name,
        "title": f"Number {number}",
        "announced": f"20{number // 12 % 60 + 10:02d}-{number % 12 + 1:02d}-01",
        "sources": [{"publisher": "Acme", "tier": "party"}],
        "statements": [statement | {"set": {"percent": number % 100}}],
    }


def append(log: Log, run: int) -> None:
    """Append for ever, and say the key of each announcement that was acknowledged."""
    desk = Desk(log, BUILTIN, utc_now)
    name = f"append-{run % 5}"
    desk.append(submit(Document.of(opening(name), "victim"), BUILTIN))
    say("started")
    for number in range(run * 100_000, (run + 1) * 100_000):
        receipt = desk.append(submit(Document.of(stake(name, number), "victim"), BUILTIN))
        say("ack", receipt["seq"], receipt["id"])


def import_(log: Log, run: int) -> None:
    """Import a file of `IMPORTED` acts into partnerships of this run."""
    lines = [opening(f"import-{run}"), *(stake(f"import-{run}", place) for place in range(IMPORTED - 1))]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "all.ndjson").write_text("\n".join(map(json.dumps, lines)))
        log.check_schema()
        say("started")
        done = Desk(log, BUILTIN, utc_now).import_files(walk([Path(folder)]))
    say("ack", done.recorded)


def rebuild_(log: Log, _run: int) -> None:
    log.check_schema()
    say("started")
    say("ack", rebuild(log))


def publish_(log: Log, run: int) -> None:
    """Append and publish for ever, into the folder that the environment names."""
    settings = load({"feeds_dir": os.environ["TIMELINE_FEEDS_DIR"]}, {})
    desk = Desk(log, BUILTIN, utc_now)
    name = f"publish-{run % 5}"
    desk.append(submit(Document.of(opening(name), "victim"), BUILTIN))
    say("started")
    for number in range(run * 1_000, (run + 1) * 1_000):
        desk.append(submit(Document.of(stake(name, number), "victim"), BUILTIN))
        publish(log, BUILTIN, settings, settled_day(utc_now()))
        say("ack", number)


def fill(log: Log, run: int) -> None:
    """Append until no file of this process may grow any more."""
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    with log.reading() as reader:
        pages = reader.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        size = pages * reader.connection.exec_driver_sql("PRAGMA page_size").scalar_one()
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100_000, size + 100_000))
    append(log, run)


def draft(log: Log, run: int) -> None:
    """Begin drafts and append them for ever, and say of each that was appended its number and its act."""
    desk = Desk(log, BUILTIN, utc_now)
    drafts = Drafts(log, BUILTIN, utc_now, desk.append, Answers(log, BUILTIN, utc_now))
    name = f"draft-{run}"
    desk.append(submit(Document.of(opening(name), "victim"), BUILTIN))
    say("started")
    for number in range(run * 1_000, (run + 1) * 1_000):  # each of a day of its own: no two are asked about
        announced = date(1900, 1, 1) + timedelta(days=number)
        document = {**stake(name, number), "announced": announced.isoformat()}
        made = drafts.new(json.dumps(document).encode(), name="victim.json")
        receipt = drafts.append(made["id"])
        say("ack", made["id"], receipt["id"])


def backup_(log: Log, run: int) -> None:
    """Take a backup with the number of the run, beside the folder that the environment names."""
    log.check_schema()
    say("started")
    say("ack", backup(log, Path(os.environ["TIMELINE_FEEDS_DIR"]).with_name(f"backup-{run}")).events)


def load_(log: Log, _run: int) -> None:
    """Load the dump that lies beside the folder that the environment names."""
    log.check_schema()
    say("started")
    with Path(os.environ["TIMELINE_FEEDS_DIR"]).with_name("dump").open("rb") as stream:
        say("ack", keeping.load(log, stream).events)


JOBS: dict[str, Callable[[Log, int], None]] = {
    "append": append,
    "import": import_,
    "draft": draft,
    "publish": publish_,
    "rebuild": rebuild_,
    "fill": fill,
    "backup": backup_,
    "load": load_,
}


def main() -> None:
    for line in sys.stdin:
        what, url, run = json.loads(line)
        pid = os.fork()
        if pid == 0:
            try:
                JOBS[what](Log.open(url), run)
            except TimelineError as error:
                say("refused", error.code)
            os._exit(0)
        say("pid", pid)
        os.waitpid(pid, 0)
        say("gone")


if __name__ == "__main__":
    main()
