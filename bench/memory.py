"""Peak memory: each piece of work is done in a process of its own, which says how large it grew.

`python -m bench.memory WORK URL …` does the work on the record at that URL and prints megabytes.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

from bench.acts import announcement, submission
from timeline.acts import Desk
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log, utc_now
from timeline.rebuilding import rebuild
from timeline.standing import state_cells


def nothing(log: Log) -> None:
    """What the program takes to be there, with a connection."""
    log.last_seq()


def bulk(log: Log, folder: str) -> None:
    """An import of the files in a folder."""
    Desk(log, BUILTIN, utc_now).import_files(walk([Path(folder)]))


def again(log: Log) -> None:
    """A rebuild."""
    rebuild(log)


def read(log: Log) -> None:
    """The log from its beginning to its end."""
    with log.reading() as reader:
        for _ in reader.events():
            pass


def state(log: Log, name: str) -> None:
    """One question."""
    with log.reading() as reader:
        state_cells(reader, name, date(2020, 6, 1), reader.head()[0])


def append(log: Log, name: str, number: str, terms: str) -> None:
    """One append, the first of its process: it reads all that was said of the partnership."""
    Desk(log, BUILTIN, utc_now).append(submission(announcement(name, int(number), int(terms))))


WORKS: dict[str, Callable[..., None]] = {
    "nothing": nothing,
    "import": bulk,
    "rebuild": again,
    "read": read,
    "state": state,
    "append": append,
}


def peak_mb() -> float:
    """How large this process ever was; `ru_maxrss` would also count the process that began it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def apart(work: str, url: str, *more: str) -> float:
    """Megabytes that a process of its own grew to, doing that."""
    command = [sys.executable, "-m", "bench.memory", work, url, *more]
    done = subprocess.run(command, check=True, capture_output=True)  # our own module
    return float(done.stdout)


def main() -> None:
    """Do one piece of work and say how large the process became."""
    work, url, *more = sys.argv[1:]
    with closing(Log.open(url)) as log:
        WORKS[work](log, *more)
    print(peak_mb())


if __name__ == "__main__":
    main()
