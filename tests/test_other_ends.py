"""A log that ends otherwise than it did, because a replica that lacked its end took over, while a node goes on.

What the node keeps in memory of the acts that are gone is never said again.
"""

from __future__ import annotations

from tests.conftest import Clock
from tests.test_acts import OPENING, asked, stake
from tests.test_log import tamper
from tests.web import application, client
from timeline.acts import Desk
from timeline.core.terms import BUILTIN
from timeline.log import Log
from timeline.overview import Overview
from timeline.rebuilding import rebuild


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
