"""A log that ends otherwise than it did, because a replica that lacked its end took over, while a node goes on.

What the node keeps in memory of the acts that are gone is never said again.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Clock
from tests.test_acts import OPENING, asked, stake
from tests.test_keeping import dumped, other
from tests.test_log import tamper
from tests.test_nodes import in_folder
from tests.web import application, client
from timeline.acts import Desk
from timeline.core.terms import BUILTIN
from timeline.keeping import load, verify
from timeline.log import Log
from timeline.overview import Overview
from timeline.publishing import publish
from timeline.rebuilding import rebuild
from timeline.settings import load as settings_of

__all__ = ["other"]


def test_of_another_act_at_the_same_position_the_answers_speak(log: Log, database_url: str, clock: Clock) -> None:
    """Over HTTP, where answers are kept as bytes, and of all partnerships at once."""
    desk = Desk(log, BUILTIN, clock)
    for document in (OPENING, stake(10, "2021-01-01"), OPENING | {"partnership": "gone"}):
        desk.append(asked(document))
    http, overview = client(application(log, database_url)), Overview(log, BUILTIN, clock)
    addresses = ("/api/partnerships", "/api/partnerships/acme-bolt/state?as_of=2025-01-01", "/p/acme-bolt", "/")
    before = [http.get(address).text for address in addresses], overview.partnerships()
    assert len(before[1]["partnerships"]) == 2

    tamper(database_url, "DELETE FROM event WHERE seq > 1")
    rebuild(log)
    for document in (stake(77, "2021-01-01"), stake(78, "2021-01-02")):
        Desk(log, BUILTIN, clock).append(asked(document))

    anew = client(application(log, database_url))
    assert [http.get(address).text for address in addresses] == [anew.get(address).text for address in addresses]
    assert overview.partnerships() == Overview(log, BUILTIN, clock).partnerships()
    assert before[0] != [http.get(address).text for address in addresses]


def test_a_log_that_is_shorter_than_it_was_is_answered_from_what_is_left(
    log: Log, database_url: str, clock: Clock
) -> None:
    desk = Desk(log, BUILTIN, clock)
    for document in (OPENING, OPENING | {"partnership": "gone"}):
        desk.append(asked(document))
    overview = Overview(log, BUILTIN, clock)
    assert len(overview.partnerships()["partnerships"]) == 2

    tamper(database_url, "DELETE FROM event WHERE seq > 1")

    assert [each["partnership"] for each in overview.partnerships()["partnerships"]] == ["acme-bolt"]
    tamper(database_url, "DELETE FROM event")
    assert overview.partnerships()["partnerships"] == []
    assert log.end() == (0, "0" * 64)


@pytest.mark.parametrize(
    "since",
    [[], [stake(77, "2021-01-01")], [stake(percent, f"20{percent}-01-01") for percent in range(10, 15)]],
    ids=["nothing", "as much", "more"],
)
def test_a_folder_that_is_ahead_of_a_restored_record_says_what_that_one_says(
    log: Log, other: Log, clock: Clock, tmp_path: Path, since: Sequence[dict[str, Any]]
) -> None:
    """The feeds of an act that is gone are written anew, however much was recorded since, and verify says it before."""
    settings, day = settings_of({"feeds_dir": str(tmp_path / "feeds")}, {}), clock.now.date()
    desk = Desk(log, BUILTIN, clock)
    for document in (OPENING, stake(10, "2020-01-01"), OPENING | {"partnership": "second"}):
        desk.append(asked(document))
    older = dumped(log)
    desk.append(asked(stake(55, "2022-01-01") | {"partnership": "second"}))
    publish(log, BUILTIN, settings, day)

    load(other, io.BytesIO(older))
    for document in since:
        Desk(other, BUILTIN, clock).append(asked(document))
    before = verify(other, published=settings)["checks"]["files"]
    publish(other, BUILTIN, settings, day)

    assert before is not None
    publish(other, BUILTIN, replace(settings, feeds_dir=tmp_path / "anew"), day)
    assert in_folder(tmp_path / "anew").items() <= in_folder(settings.feeds_dir).items()
    assert verify(other, published=settings)["sound"]
