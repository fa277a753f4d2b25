"""Several sources behind one announcement: attaching one is an event that changes no term and no feed."""

from __future__ import annotations

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from starlette.testclient import TestClient

from tests.conftest import Clock
from tests.test_acts import OPENING, asked, stake
from tests.web import application, client, seeded, token
from tests.worlds import RECORDED, World, answers, records, worlds
from timeline.acts import Desk
from timeline.answers import Answers
from timeline.cli import tables
from timeline.core.acceptance import check
from timeline.core.announcements import Announcement, Attachment, act_from_json, act_from_stored, canonical
from timeline.core.errors import TimelineError
from timeline.core.feed import Feed
from timeline.core.history import Book, Recorded
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.keeping import dump, load, verify
from timeline.log import Log
from timeline.rebuilding import differing, rebuild

PRESS = {"tier": "press", "publisher": "The Almanac", "url": "https://almanac.example/1"}


def attaching(n: int, slug: str = "acme-bolt", **more: Any) -> dict[str, Any]:
    return {"attaches": f"{slug}/{n}", "sources": [PRESS], **more}


@given(world=worlds(), data=st.data())
def test_attaching_sources_changes_no_term_and_no_entry_at_any_position(world: World, data: st.DataObject) -> None:
    """Attachments and their retractions, strewn among the acts, are heard by nobody but their announcement."""
    plain, strewn = Book(), Book()
    feed, other = Feed(BUILTIN), Feed(BUILTIN)
    further = 1_000
    day = timedelta(days=1)
    for place, record in enumerate(records(world.acts)):
        at = RECORDED + place * day
        for book in (plain, strewn):
            book.hear(Recorded(record.seq, record.n, at, record.act))
        for told in (feed, other):
            told.hear(Recorded(record.seq, record.n, at, record.act))
        live = [n for n, each in plain.records.items() if isinstance(each.act, Announcement) and plain.is_live(n)]
        attached: list[int] = [n for n, each in strewn.records.items() if isinstance(each.act, Attachment)]
        for n in data.draw(st.lists(st.sampled_from([*live, *attached]), max_size=2)) if live else ():
            further += 1
            document = attaching(n, "ada-bo") if n < 1_000 else {"retracts": f"ada-bo/{n}", "reason": "another firm"}
            if n > 1_000 and not strewn.is_live(n):
                continue
            act = act_from_json(document, BUILTIN)
            check(strewn, act, BUILTIN)
            made = Recorded(further, further, at, act)
            assert strewn.hear(made) == {}
            assert other.hear(made) == {}
        assert answers(strewn) == answers(plain)
        assert other.entries == feed.entries
    for n in (n for n, each in strewn.records.items() if isinstance(each.act, Announcement)):
        wanted = [
            each.n
            for each in strewn.records.values()
            if isinstance(each.act, Attachment) and each.act.n == n and strewn.is_live(each.n)
        ]
        assert [by for by, _ in strewn.attached(n)] == wanted


@pytest.fixture
def desk(log: Log, clock: Clock) -> Desk:
    """A record with one announcement."""
    made = Desk(log, BUILTIN, clock)
    made.append(asked(OPENING))
    made.append(asked(stake(10, "2021-01-01")))
    return made


def sources(log: Log, clock: Clock) -> list[Any]:
    body = Answers(log, BUILTIN, clock).announcement("acme-bolt", 1)
    return [(each["publisher"], each.get("attached_by")) for each in body["sources"]]


def test_an_announcement_shows_every_source_that_was_attached(desk: Desk, log: Log, clock: Clock) -> None:
    receipt = desk.append(asked(attaching(1)))
    again = desk.append(asked(attaching(1)))

    assert (receipt["id"], receipt["kind"], receipt["changes"], receipt["entries"]) == (
        "acme-bolt/2",
        "attachment",
        [],
        [],
    )
    assert (again["id"], again["replayed"]) == ("acme-bolt/2", True)
    assert sources(log, clock) == [("Acme", None), ("The Almanac", "acme-bolt/2")]
    tables.announcement(Console(file=(out := io.StringIO())), Answers(log, BUILTIN, clock).announcement("acme-bolt", 1))
    assert "[2] press: The Almanac https://almanac.example/1 (attached by acme-bolt/2)" in out.getvalue()

    undone = desk.append(asked({"retracts": "acme-bolt/2", "reason": "another firm"}))
    assert undone["entries"] == []
    assert sources(log, clock) == [("Acme", None)]
    assert desk.append(asked(attaching(1)))["replayed"] is False
    assert sources(log, clock) == [("Acme", None), ("The Almanac", "acme-bolt/4")]


def test_a_later_announcement_gets_its_own_entry_after_an_attachment(desk: Desk) -> None:
    desk.append(asked(attaching(1)))

    receipt = desk.append(asked(stake(12, "2022-01-01")))

    assert [entry["id"] for entry in receipt["entries"]] == ["acme-bolt/3"]


@pytest.mark.parametrize(
    ("document", "code", "field"),
    [
        (attaching(7), "unknown_announcement", "attaches"),
        (attaching(2), "not_attachable", "attaches"),
        (attaching(3), "not_retractable", "attaches"),
        (attaching(1, sources=[]), "missing_field", "sources"),
        (attaching(1, statements=[]), "unknown_field", "statements"),
        (attaching(1, partnership="other"), "conflicting_fields", "partnership"),
        (attaching(1, attaches="acme-bolt"), "invalid_field", "attaches"),
        (attaching(1, sources=[{**PRESS, "text_sha256": "0" * 64}]), "unreadable_source", "sources"),
    ],
)
def test_what_cannot_be_attached_is_refused(desk: Desk, document: dict[str, Any], code: str, field: str) -> None:
    desk.append(asked({**stake(11, "2021-01-01"), "corrects": "acme-bolt/1", "reason": "a slip"}))
    desk.append(asked(stake(14, "2021-02-01")))
    desk.append(asked({"retracts": "acme-bolt/3", "reason": "a slip"}))

    with pytest.raises(TimelineError) as caught:
        desk.append(asked(document))

    assert (caught.value.code, caught.value.field) == (code, field)


def test_attachments_survive_dump_and_load_rebuild_and_import(desk: Desk, log: Log, sqlite_url: str, clock: Clock,
                                                              tmp_path: Path) -> None:  # fmt: skip
    text = {**PRESS, "text": "Bolt holds a stake, the Almanac hears."}
    desk.append(asked(attaching(1, sources=[text])))
    desk.append(asked(stake(12, "2022-01-01")))
    rebuild(log)

    with log.reading() as reader:
        assert differing(reader) is None
    assert verify(log)["sound"]
    with (tmp_path / "dump.ndjson").open("wb") as out:
        dump(log, out)
    other = Log.open(f"{sqlite_url}.other", clock=clock)
    other.migrate()
    with (tmp_path / "dump.ndjson").open("rb") as stream:
        load(other, stream)
    assert verify(other)["head"] == verify(log)["head"]
    assert sources(other, clock) == [("Acme", None), ("The Almanac", "acme-bolt/2")]
    (tmp_path / "more.yaml").write_text("attaches: acme-bolt/3\nsources: [{tier: press, publisher: The Bee}]\n")
    done = Desk(other, BUILTIN, clock).import_files(walk([tmp_path / "more.yaml"]))
    assert done.recorded == 1
    other.close()


def test_a_source_is_attached_over_http_and_shown_on_the_page(log: Log, database_url: str) -> None:
    app = application(seeded(log), database_url)
    editor: TestClient
    with client(app, token(log)) as editor:
        made = editor.post("/api/partnerships/harbour-quill/announcements/2/sources", json={"sources": [PRESS]})
        cited = made.json()["id"]
        page = editor.get("/a/harbour-quill/2", headers={"Accept": "text/html"}).text
        own = editor.get(f"/a/{cited}", headers={"Accept": "text/html"}).text

    assert made.status_code == 201
    assert "The Almanac" in page
    assert f'another report, attached by <a class="act" href="/a/{cited}">{cited}</a>' in page
    assert 'names another report of <a class="act" href="/a/harbour-quill/2">' in own


def test_an_attachment_is_kept_in_one_form() -> None:
    act = act_from_json(attaching(3, note="heard later"), BUILTIN)

    assert act_from_stored(canonical(act)) == act
