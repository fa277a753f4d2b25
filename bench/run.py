"""The benchmark: `make bench` prints a table and writes bench/latest.json.

Every row is measured beside its baseline in the same run on the same machine, on real disks: trust the ratios.
`--full` takes the sizes of the promises (100,000 announcements, 10 million rectangles) and the better part of an hour.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

import psycopg

from bench import feeds, floor, memory, searching
from bench.acts import TERMS, announcement, opening, submission
from bench.peers import BODY, Peer, raw_postgresql, raw_sqlite
from bench.rectangles import Filled
from bench.web import shares
from tests.servers import PostgreSQL, postgresql
from timeline.acts import Desk
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log, Reader, utc_now
from timeline.rebuilding import rebuild
from timeline.search import catch_up
from timeline.standing import state_cells
from timeline.taking import BATCH

RUNS = 3


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table."""

    name: str
    unit: str
    ours: float
    baseline: str
    theirs: float
    ratio: float
    """Ours over theirs; where smaller is better (times), theirs over ours."""


def rate(work: Callable[[], object], size: int, runs: int = RUNS) -> float:
    """Units a second, the median of several runs."""
    return statistics.median(size / seconds(work) for _ in range(runs))


def seconds(work: Callable[[], object]) -> float:
    """How long it takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def p50(work: Callable[[], object], times: int = 300) -> float:
    """Microseconds, the median of many."""
    return statistics.median(seconds(work) for _ in range(times)) * 1e6


def faster(name: str, ours: float, baseline: str, theirs: float, unit: str = "/s") -> Row:
    """A row of rates."""
    return Row(name, unit, round(ours, 1), baseline, round(theirs, 1), round(ours / theirs, 2))


def shorter(name: str, ours: float, baseline: str, theirs: float) -> Row:
    """A row of times."""
    return Row(name, "µs", round(ours, 1), baseline, round(theirs, 1), round(theirs / ours, 2))


def turns(name: str, ours: Callable[[], object], baseline: str, theirs: Callable[[], object], times: int) -> Row:
    """A row of times, of two that take turns by ten: what else the machine does slows both."""
    mine, other = list[float](), list[float]()
    for _ in range(times // 10):
        mine += [seconds(ours) for _ in range(10)]
        other += [seconds(theirs) for _ in range(10)]
    return shorter(name, statistics.median(mine) * 1e6, baseline, statistics.median(other) * 1e6)


def peak(name: str, grown: float, alone: float) -> Row:
    """A row of memory."""
    return Row(
        f"{name}, peak memory", "MB", round(grown, 1), "the program alone", round(alone, 1), round(alone / grown, 2)
    )


class Place:
    """Databases of one kind to measure in."""

    def __init__(self, folder: Path, server: PostgreSQL | None) -> None:
        self.folder, self.server = folder, server
        self.kind = "SQLite" if server is None else "PostgreSQL"
        self._numbers = count(1)
        self._last = ""

    @contextmanager
    def log(self) -> Iterator[Log]:
        """A new, migrated log."""
        self.name()
        with closing(Log.open(self.url)) as log:
            log.migrate()
            yield log

    def name(self) -> str:
        """The name of a new database, made already where a server must make it."""
        self._last = f"b{next(self._numbers)}"
        if self.server is not None:
            self.server.execute(f"CREATE DATABASE {self._last}")
        return self._last

    @property
    def url(self) -> str:
        """The address of the newest database."""
        return f"sqlite:///{self.folder}/{self._last}.db" if self.server is None else self.server.url(self._last)

    def settle(self) -> None:
        """Do to the newest database what autovacuum does to one that is not a minute old."""
        if self.server is not None:
            named = f"host={self.server.folder} user=postgres dbname={self._last}"
            with psycopg.connect(named, autocommit=True) as connection:
                connection.execute("VACUUM ANALYZE")

    def peer(self) -> Peer:
        """The other package on a new database."""
        name = self.name()
        if self.server is None:
            return Peer.on_sqlite(self.folder / f"{name}.db")
        return Peer.on_postgresql(self.server, name)

    def raw(self, size: int, bodies: Callable[[], Iterable[str]]) -> float:
        """Rows a second by the driver alone, a commit each."""
        name = self.name()
        server = self.server
        if server is None:
            return rate(lambda: raw_sqlite(self.folder / f"{name}.db", bodies()), size)
        return rate(lambda: raw_postgresql(server, name, bodies()), size)

    def alone(self, record: Log, together: int) -> float:
        """Acts a second when the driver alone writes what a record of ours holds, so many acts in each transaction."""
        transactions = floor.written(record, together)
        third = len(transactions) // RUNS
        with self.log():
            server, name = self.server, self._last

            def write(some: list[floor.Written]) -> None:
                if server is None:
                    floor.sqlite(self.folder / f"{name}.db", some)
                else:
                    floor.postgresql(server, name, some)

            rates = []
            for start in range(0, RUNS * third, third):
                some = transactions[start : start + third]
                rates.append(sum(len(each.event) for each in some) / seconds(partial(write, some)))
        return statistics.median(rates)


def appends(place: Place) -> Iterator[Row]:
    """A durable append of three statements: evidence checked, rectangles and receipt included."""
    size, numbers = 300, count()
    with place.log() as log, closing(place.peer()) as peer:
        desk = Desk(log, BUILTIN, utc_now)
        desk.append(submission(opening("p")))

        def ours() -> None:
            for _ in range(size):
                desk.append(submission(announcement("p", next(numbers))))

        ours()
        mine = rate(ours, size)
        names = count()
        theirs = rate(lambda: peer.save(size, name=f"p{next(names)}"), size)
        least = place.alone(log, 1)
    name = f"append, 3 statements, {place.kind}"
    yield faster(name, mine, "eventsourcing save, no projection", theirs)
    yield faster(name, mine, "raw one-row commit", place.raw(size, lambda: [BODY] * size))
    yield faster(name, mine, "the same rows by the driver alone", least)
    yield faster(f"the same rows by the driver alone, {place.kind}", least, "eventsourcing save, no projection", theirs)


def imports(place: Place, size: int) -> Iterator[Row]:
    """Bulk import of announcements of three statements each, and the rebuild of what it built."""
    partnerships = max(size // 100, 1)
    file = place.folder / "bulk"
    file.mkdir(exist_ok=True)
    with (file / "all.ndjson").open("w") as out:
        for number in range(partnerships):
            out.write(json.dumps(opening(f"q{number}")) + "\n")
        for number in range(size):
            said = announcement(f"q{number % partnerships}", number // partnerships)
            out.write(json.dumps(said) + "\n")
    times, rebuilds = [], []
    for _ in range(RUNS):
        with place.log() as log:
            times.append(seconds(partial(Desk(log, BUILTIN, utc_now).import_files, walk([file]))))
            rebuilds.append(seconds(partial(rebuild, log)))
            least = place.alone(log, BATCH)
    with closing(place.peer()) as peer:
        names = count()
        theirs = rate(lambda: peer.save(size, batch=100, name=f"p{next(names)}"), size)
        projected = place.raw(1000, lambda: (str(each.originator_version) for each in islice(peer.bodies(), 1000)))
    mine = size / statistics.median(times)
    name = f"import, {size:,} announcements, {place.kind}"
    yield faster(name, mine, "eventsourcing save, 100 at once", theirs)
    yield faster(name, mine, "the same rows by the driver alone", least)
    with place.log():
        alone = memory.apart("nothing", place.url)
        yield peak(f"import, {size:,} announcements, {place.kind}", memory.apart("import", place.url, str(file)), alone)
        yield peak(f"rebuild, {3 * size:,} statements, {place.kind}", memory.apart("rebuild", place.url), alone)
        yield peak(f"read the log, {size:,} events, {place.kind}", memory.apart("read", place.url), alone)
    built = 3 * size / statistics.median(rebuilds)
    yield faster(f"rebuild, statements, {place.kind}", built, "eventsourcing read, a commit an event", projected)


def states(place: Place, sizes: list[int]) -> Iterator[Row]:
    """The state of a whole partnership on a day, at growing sizes of the table, beside the smallest."""
    day, first = date(2020, 6, 1), dict[str, Callable[[], None]]()
    with closing(place.peer()) as peer, ExitStack() as kept:
        for events in (10, 1000):
            peer.save(events, batch=10, name=f"r{events}")
        for size in sizes:
            log = kept.enter_context(place.log())
            filled = Filled(log, size)
            place.settle()
            reader = kept.enter_context(log.reading())
            for knowledge, seq in (("past", filled.head // 2), ("now", filled.head)):
                name = f"state, {size:,} rectangles, {knowledge}, {place.kind}"
                ours = partial(_asked, reader, filled, day, seq)
                yield turns(name, ours, f"the same at {sizes[0]:,}", first.setdefault(knowledge, ours), 1000)
        yield turns(name, ours, "SELECT 1 by the driver", partial(reader.plain, "SELECT 1", {}), 1000)
        for events, times in ((10, 300), (1000, 30)):
            yield turns(name, ours, f"eventsourcing replay of {events:,}", partial(peer.replay, f"r{events}"), times)
        alone, replay = partial(_asked_alone, log, filled, day, seq), partial(peer.replay, "r10")
        yield turns(f"{name}, in a transaction of its own", alone, "eventsourcing replay of 10", replay, 300)
        yield peak(name, memory.apart("state", place.url, filled.any()), memory.apart("nothing", place.url))


def _asked(reader: Reader, filled: Filled, day: date, seq: int) -> None:
    state_cells(reader, filled.any(), day, seq)


def _asked_alone(log: Log, filled: Filled, day: date, seq: int) -> None:
    with log.reading() as reader:
        _asked(reader, filled, day, seq)


def hot(place: Place, size: int, terms: int) -> Iterator[Row]:
    """One partnership of many statements about so many terms: appends and questions beside those to a small one."""
    with place.log() as log:
        desk, taken = Desk(log, BUILTIN, utc_now), {"small": 10, "hot": size // 3}
        file = place.folder / f"hot-{terms}"
        file.mkdir()
        for name, many in taken.items():
            desk.append(submission(opening(name)))
            lines = (json.dumps(announcement(name, number, terms)) + "\n" for number in range(many))
            (file / f"{name}.ndjson").write_text("".join(lines))
        desk.import_files(walk([file]))
        place.settle()
        said = {
            name: iter([submission(announcement(name, many + number, terms)) for number in range(101)])
            for name, many in taken.items()
        }
        small, hot = (partial(lambda each: desk.append(next(each)), each) for each in said.values())
        small(), hot()
        name = f"append to {size:,} statements on {terms:,} terms, {place.kind}"
        yield turns(name, hot, "to 30", small, 100)
        grown = memory.apart("append", place.url, "hot", str(size), str(terms))
        yield peak(f"{name}, the first", grown, memory.apart("nothing", place.url))
        if terms > TERMS:  # as many cells could not be compared with a few
            return
        first, steps = date(1900, 1, 1), size // 3
        with log.reading() as reader:
            head = reader.head()[0]
            # As known when half of it was on record: on a day of that time, and on one that lay far ahead then.
            for name, seq, number in (
                ("now", head, steps),
                ("past", head - steps // 2, steps // 2 - 200),
                ("past, far ahead", head - steps // 2, steps),
            ):
                day = first + timedelta(days=number)
                asking, little = (
                    partial(state_cells, reader, who, day, at) for who, at in (("hot", seq), ("small", head))
                )
                named = f"state of {size:,} statements on {terms:,} terms, {name}, {place.kind}"
                yield turns(named, asking, "of 30", little, 300)


def reading(place: Place, size: int) -> Iterator[Row]:
    """The whole log in order, decoded rows."""
    with place.log() as log, closing(place.peer()) as peer:
        desk = Desk(log, BUILTIN, utc_now)
        desk.import_files(walk([place.folder / "bulk"]))

        def ours() -> None:
            with log.reading() as reader:
                for _ in reader.events():
                    pass

        def raw() -> None:
            with log.reading() as reader:
                driver: Any = reader.connection.connection.driver_connection
                # By pages too: without a name psycopg would take in all of it at once.
                with closing(driver.cursor() if place.server is None else driver.cursor("whole")) as cursor:
                    cursor.execute("SELECT * FROM event ORDER BY seq")
                    while cursor.fetchmany(1000):
                        pass

        mine, bare = rate(ours, size), rate(raw, size)
        peer.save(size, batch=100)
        theirs = rate(lambda: sum(1 for _ in peer.bodies()), size)
    yield faster(f"read the log, events, {place.kind}", mine, "raw driver, undecoded", bare)
    yield faster(f"read the log, events, {place.kind}", mine, "eventsourcing, decoded", theirs)


def publishing(*, full: bool) -> Iterator[Row]:
    """A publish after one append, at two sizes of the record; and the formats beside bare writers."""
    small, size = 1_000, 100_000 if full else 10_000
    least, most = feeds.apart(small), feeds.apart(size)
    name, micro = f"publish after an append, {size:,} entries", 1000.0
    yield shorter(name, most["after_an_append_ms"] * micro, f"at {small:,}", least["after_an_append_ms"] * micro)
    rate_of = {
        each: each_size / found["first_seconds"]
        for each, each_size, found in (("small", small, least), ("size", size, most))
    }
    yield faster(f"first publish, {size:,} entries", rate_of["size"], f"at {small:,}", rate_of["small"])
    yield Row(
        f"first publish, {size:,} entries, peak",
        "MB",
        round(most["peak_mb"], 1),
        "promised",
        300.0,
        round(300 / most["peak_mb"], 2),
    )
    shown = feeds.page()
    mine = rate(lambda: feeds.ours(shown), len(shown.items), 50)
    for baseline, work in (("feedgen alone", feeds.bare_feedgen), ("lxml alone", feeds.raw_lxml)):
        theirs = rate(partial(work, shown), len(shown.items), 50)
        yield faster("Atom, entries", mine, baseline, theirs)


def searches(place: Place, size: int) -> Iterator[Row]:
    """Indexing texts and searching in them, beside a bare full-text table of the same texts."""
    with place.log() as log:
        searching.fill(log, size)
        indexed = size / seconds(lambda: catch_up(log))
        mine = p50(searching.ours(log), 100)
    name = place.name()
    if place.server is None:
        filling, asking = searching.bare_sqlite(place.folder / f"{name}.db", size)
    else:
        filling, asking = searching.bare_postgresql(place.server, name, size)
    yield faster(f"index, texts, {place.kind}", indexed, "into a bare full-text table", size / seconds(filling))
    yield shorter(f"search in {size:,} texts, {place.kind}", mine, "bare query, nothing shown", p50(asking, 100))


def measure(place: Place, *, full: bool) -> Iterator[Row]:
    """Every row for one kind of database."""
    yield from appends(place)
    yield from imports(place, 100_000 if full else 5_000)
    yield from reading(place, 100_000 if full else 5_000)
    yield from states(place, [10_000, 1_000_000, 10_000_000] if full else [10_000, 1_000_000])
    statements = 100_000 if full else 10_000
    for terms in (TERMS, statements // 100):
        yield from hot(place, statements, terms)
    yield from searches(place, 30_000)


def table(rows: list[Row]) -> str:
    """The rows as Markdown."""
    lines = ["| what | ours | baseline | theirs | ratio |", "|---|---:|---|---:|---:|"]
    for row in rows:
        lines.append(
            f"| {row.name} | {row.ours:,.0f} {row.unit} | {row.baseline} | {row.theirs:,.0f} {row.unit} | {row.ratio} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes of the promises")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one kind of database")
    given = parser.parse_args()
    rows: list[Row] = []
    with tempfile.TemporaryDirectory(prefix="timeline-bench-") as folder:
        if given.only != "postgresql":
            (Path(folder) / "sqlite").mkdir()
            for row in measure(Place(Path(folder) / "sqlite", None), full=given.full):
                rows.append(row)
                print(row, file=sys.stderr)
            for row in publishing(full=given.full):
                rows.append(row)
                print(row, file=sys.stderr)
        if given.only != "sqlite":
            (Path(folder) / "postgresql").mkdir()
            with postgresql(durable=True) as server:
                for row in measure(Place(Path(folder) / "postgresql", server), full=given.full):
                    rows.append(row)
                    print(row, file=sys.stderr)
        web = Path(folder) / "web"
        web.mkdir()
        for name, ours, theirs in shares(web, Path("seeds")):
            rows.append(faster(f"HTTP: {name}", ours, "bare Starlette, same size", theirs, "/CPU s"))
            print(rows[-1], file=sys.stderr)
    print(table(rows))
    latest = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "full": given.full,
        "rows": [asdict(row) for row in rows],
    }
    (Path(__file__).parent / "latest.json").write_text(json.dumps(latest, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
