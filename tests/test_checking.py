"""Verify looks at the feeds too: what is damaged in what was put out, or in its files, is named and can be mended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.test_acts import OPENING, stake
from tests.test_publishing import SEEDS, Site
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.keeping import verify
from timeline.log import Log
from timeline.publishing import checking


@pytest.fixture
def site(log: Log, clock: Clock, tmp_path: Path) -> Site:
    made = Site(log, clock, tmp_path / "feeds")
    made.settings = replace(made.settings, head_entries=5)
    made.desk.import_files(walk([SEEDS / "harbour-quill"]))
    made.publish()
    return made


def faults(site: Site) -> dict[str, str]:
    """The name of what each check found."""
    found = verify(site.log, published=site.settings)
    assert found["sound"] is (found["remedy"] is None)
    return {check: fault["event"] for check, fault in found["checks"].items() if fault}


def damage(site: Site, *statements: str) -> None:
    with site.log.writing() as writer:
        for statement in statements:
            writer.connection.exec_driver_sql(statement)


def test_a_sound_site_is_sound_at_every_step(site: Site) -> None:
    """Published or not yet, with a day gone by or with acts on top, there is nothing to find."""
    assert faults(site) == {}
    site.append(
        OPENING, stake(10, "2021-01-01"), {"corrects": "acme-bolt/1", "reason": "a slip", **stake(9, "2021-01-01")}
    )
    assert faults(site) == {}
    site.clock.now += timedelta(days=400)
    assert faults(site) == {}
    site.publish()
    assert faults(site) == {}


def test_a_record_that_was_never_published_has_nothing_to_find(log: Log, clock: Clock, tmp_path: Path) -> None:
    site = Site(log, clock, tmp_path / "feeds")
    site.append(OPENING, stake(10, "2021-01-01"))
    assert faults(site) == {}
    assert checking.rebuild(log, BUILTIN) is False


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE put_out SET body = replace(body, 'Quill', 'Quilt') WHERE number = 2 AND partnership = 'harbour-quill'",
        "UPDATE put_out SET own_time = own_time + 1 WHERE position = 3",
        "UPDATE put_out SET updated = updated + 1 WHERE position = 3",
        "UPDATE put_out SET published = published - 1 WHERE position = 3",
        "UPDATE put_out SET feeds = 'all' WHERE position = 4",
        "UPDATE put_out SET partnership = 'nobody-here' WHERE position = 5",
        "DELETE FROM put_out WHERE position = 6",
        "DELETE FROM put_out WHERE partnership = 'harbour-quill' AND number = (SELECT max(number) FROM put_out)",
        "DELETE FROM feed_item WHERE position = 7 AND feed = 'everything'",
        "UPDATE feed_item SET ordinal = 100000 WHERE position = 7 AND feed = 'everything'",
        "INSERT INTO feed_item (feed, ordinal, position) VALUES ('everything', 100000, 100000)",
        "UPDATE feed SET size = size + 1 WHERE name = 'everything'",
        "INSERT INTO put_out VALUES ('nobody-here', 1, 1, 'x', 0, 0, 'all', 'x', '{}', NULL, NULL, NULL)",
    ],
)
def test_whatever_is_damaged_in_the_feeds_is_found_and_rebuilt(site: Site, statement: str) -> None:
    before = site.files()
    damage(site, statement)

    (check,) = faults(site)
    assert check == "feeds"
    assert "timeline rebuild" in (verify(site.log)["remedy"] or "")
    assert checking.rebuild(site.log, BUILTIN) is True

    site.publish(whole=True)
    assert faults(site) == {}
    assert site.files() == before
    assert checking.rebuild(site.log, BUILTIN) is False


def test_a_file_that_is_gone_or_was_changed_is_named_and_written_anew(site: Site) -> None:
    before = site.files()
    archive = next(path for path in site.folder.rglob("*.atom") if "archive" in path.parts)
    (site.folder / "all.atom").unlink()
    assert faults(site) == {"files": str(site.folder / "all.atom")}
    site.publish(whole=True)
    archive.write_bytes(archive.read_bytes().replace(b"Quill", b"Quilt", 1) + b" ")
    (site.folder / "feeds.opml").unlink()
    assert faults(site) == {"files": str(archive)}
    site.publish(whole=True)
    assert (faults(site), site.files()) == ({}, before)


def test_a_folder_that_lags_or_has_another_look_is_not_said_to_be_damaged(site: Site) -> None:
    (site.folder / "all.atom").unlink()
    site.append(OPENING, stake(10, "2021-01-01"))
    site.publish(site.clock.now.date() + timedelta(days=1))
    (site.folder / "all.rss").unlink()
    (site.folder / ".published.json").write_text("{")
    assert faults(site) == {}
