"""Publishing: what a publish costs after one append, what the first one takes, and formats beside bare writers.

`python -m bench.feeds N` publishes a record of about N entries in a process of its own, so that its peak memory is
that of publishing alone, and prints what it took as JSON.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from feedgen.feed import FeedGenerator
from lxml import etree

from bench.acts import announcement, opening
from bench.memory import peak_mb
from timeline.core.announcements import act_from_json, act_from_stored, canonical, content_hash
from timeline.core.announcements.values import KIND_OF_ACT
from timeline.core.feed import Feed
from timeline.core.history import Recorded
from timeline.core.terms import BUILTIN
from timeline.formats import FORMATS, FeedPage, Item, Site, html_body, plain_summary
from timeline.log import Log, NewEvent
from timeline.publishing import publish
from timeline.publishing.put_outs import issued, put_outs
from timeline.settings import load

EACH = 100
"""Announcements of one partnership."""
SITE = Site("https://timeline.example.org", "example.org,2026")
TODAY = date(2026, 11, 24)
_APPENDS = 9


def documents(size: int) -> Iterator[tuple[int, dict[str, Any]]]:
    """The version and the document of each act: partnerships of a hundred announcements, of their own parties."""
    for number in range(max(size // EACH, 1)):
        name = f"p{number}"
        yield 0, opening(name)
        for version in range(1, EACH + 1):
            yield version, announcement(name, version)


def new_event(version: int, document: dict[str, Any]) -> NewEvent:
    """The act as the log takes it; its texts are not stored, since publishing never reads them."""
    sources = [{name: said for name, said in each.items() if name != "text"} for each in document.get("sources", ())]
    plain = {**document, "sources": sources} if sources else document
    plain.pop("key", None)
    act = act_from_json(plain, BUILTIN)
    body = canonical(act)
    return NewEvent(act.partnership, version, KIND_OF_ACT[type(act)], None, None, content_hash(body), body)


def measured(size: int) -> dict[str, float]:
    """Seconds and peak megabytes of the first publish, and the median milliseconds of one after an append."""
    with tempfile.TemporaryDirectory(prefix="timeline-bench-") as name:
        folder = Path(name)
        settings = load({"base_url": SITE.base_url, "feeds_dir": str(folder / "feeds")}, {})
        with closing(Log.open(f"sqlite:///{folder}/record.db")) as log:
            log.migrate()
            events = (new_event(*said) for said in documents(size))
            while batch := list(islice(events, 1000)):
                with log.writing() as writer:
                    writer.append_many(batch)
            start = time.perf_counter()
            publish(log, BUILTIN, settings, TODAY)
            first = time.perf_counter() - start
            peak = peak_mb()
            again = []
            for version in range(EACH + 1, EACH + 1 + _APPENDS):
                with log.writing() as writer:
                    writer.append_many([new_event(version, announcement("p0", version))])
                start = time.perf_counter()
                publish(log, BUILTIN, settings, TODAY)
                again.append((time.perf_counter() - start) * 1000)
    return {"first_seconds": first, "peak_mb": peak, "after_an_append_ms": statistics.median(again)}


def apart(size: int) -> dict[str, float]:
    """What `measured` says, from a process of its own."""
    command = [sys.executable, "-m", "bench.feeds", str(size)]
    done = subprocess.run(command, check=True, capture_output=True)  # our own module
    found: dict[str, float] = json.loads(done.stdout)
    return found


def page(size: int = 50) -> FeedPage:
    """A head of that many entries."""
    acts = (act_from_stored(new_event(v, said).body) for v, said in documents(EACH))
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    records = [Recorded(n + 1, n, moment.replace(microsecond=n), act) for n, act in enumerate(acts)]
    items = list(issued(put_outs(Feed(BUILTIN).hear_all(records))))[-size:]
    return FeedPage("all", "All", "What changed", tuple(reversed(items)))


def ours(shown: FeedPage) -> bytes:
    """The page as we write it: with the change as data, and without feedgen's faults."""
    return FORMATS["atom"].render(shown, SITE)


def bare_feedgen(shown: FeedPage) -> bytes:
    """The same texts by feedgen alone."""
    feed = FeedGenerator()
    feed.id(SITE.tag(shown.key))
    feed.title(shown.title)
    feed.updated(shown.updated)
    feed.author({"name": "Timeline"})
    for item in shown.items:
        entry = feed.add_entry(order="append")
        entry.id(SITE.tag(item.entry.id))
        entry.title(item.entry.title)
        entry.published(item.published)
        entry.updated(item.updated)
        entry.content(html_body(SITE, item.entry), type="html")
        entry.summary(plain_summary(item.entry))
    return bytes(feed.atom_str())


def raw_lxml(shown: FeedPage) -> bytes:
    """The same texts by lxml alone."""
    feed = etree.Element("feed", xmlns="http://www.w3.org/2005/Atom")
    for name, text in (("id", SITE.tag(shown.key)), ("title", shown.title), ("updated", shown.updated.isoformat())):
        etree.SubElement(feed, name).text = text
    for item in shown.items:
        _raw_entry(etree.SubElement(feed, "entry"), item)
    return bytes(etree.tostring(feed, encoding="UTF-8", xml_declaration=True))


def _raw_entry(entry: Any, item: Item) -> None:
    texts = {
        "id": SITE.tag(item.entry.id),
        "title": item.entry.title,
        "published": item.published.isoformat(),
        "updated": item.updated.isoformat(),
        "summary": plain_summary(item.entry),
    }
    for name, text in texts.items():
        etree.SubElement(entry, name).text = text
    etree.SubElement(entry, "content", type="html").text = html_body(SITE, item.entry)


if __name__ == "__main__":
    print(json.dumps(measured(int(sys.argv[1]))))
