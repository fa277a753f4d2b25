"""Laws of reading from a replica, which may be behind: what must be new is new, and what is old says so."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import Clock
from tests.servers import PostgreSQL, postgresql, replica
from tests.test_acts import OPENING, asked, percents, stake
from tests.test_keeping import everything
from tests.test_nodes import listening
from tests.test_scheduler import until
from timeline.acts import Desk
from timeline.agents import Tools
from timeline.answers import Answers
from timeline.core.errors import TimelineError
from timeline.core.questions import read_question
from timeline.core.terms import BUILTIN
from timeline.drafting import Drafts
from timeline.drafting.leads import leads
from timeline.keeping import verify
from timeline.log import Log
from timeline.publishing import publish
from timeline.rebuilding import differing, rebuild
from timeline.scheduler import leadership
from timeline.search import catch_up, find, read
from timeline.settings import load
from timeline.tokens import Tokens

pytestmark = pytest.mark.slow
Node = Callable[[], Log]


@pytest.fixture
def node(follower: PostgreSQL, postgres: PostgreSQL, postgresql_url: str, clock: Clock) -> Iterator[Node]:
    """Opens the log as one more node does: appends go to the primary, questions to the replica."""
    follower.follow(postgres)
    opened: list[Log] = []

    def opens() -> Log:
        opened.append(Log.open(postgresql_url, clock=clock, read_url=follower.twin(postgresql_url), patience=0.5))
        return opened[-1]

    yield opens
    for each in opened:
        each.close()


def test_an_answer_from_a_replica_is_never_older_than_asked_for(
    node: Node, follower: PostgreSQL, postgres: PostgreSQL, clock: Clock
) -> None:
    """It waits for the position that a receipt named, at most as long as allowed, and then says so."""
    desk, answers = Desk(node(), BUILTIN, clock), Answers(node(), BUILTIN, clock)

    def ask(seq: int) -> list[int]:
        body = answers.state("acme-bolt", read_question({"as_of": "2026-01-01", "known_seq": str(seq)}, clock.now))
        return [term["value"]["percent"] for term in body["terms"]]

    desk.append(asked(OPENING))
    for percent in range(1, 6):
        assert ask(desk.append(asked(stake(percent, f"20{percent:02d}-01-01")))["seq"]) == [percent]

    with follower.standing_still(postgres):
        late = desk.append(asked(stake(50, "2025-01-01")))["seq"]
        with pytest.raises(TimelineError) as refused:
            ask(late)
        assert (refused.value.code, ask(late - 1)) == ("replica_behind", [5])
        with pytest.raises(TimelineError) as unknown:
            ask(late + 1)
        assert unknown.value.code == "unknown_position"

    assert ask(late) == [50]


def test_a_node_shows_what_it_recorded_itself_at_once(
    node: Node, follower: PostgreSQL, postgres: PostgreSQL, clock: Clock
) -> None:
    """Also to a question that names no position; another node, asked without one, may not have it yet and says so."""
    mine, another = node(), node()
    desk = Desk(mine, BUILTIN, clock)
    desk.append(asked(OPENING))
    desk.append(asked(stake(10, "2021-01-01")))

    with follower.standing_still(postgres):
        desk.append(asked(stake(12, "2022-01-01")))

        assert (percents(mine, clock, "2025-01-01"), mine.last_seq()) == ([12], 3)
        assert (percents(another, clock, "2025-01-01"), another.last_seq()) == ([10], 2)
        assert (mine.behind(), another.behind()) == (1, 1)

    follower.follow(postgres)
    assert percents(another, clock, "2025-01-01") == [12]
    assert (mine.behind(), another.behind()) == (0, 0)


def test_no_answer_of_a_node_is_older_than_one_before_it(
    node: Node, follower: PostgreSQL, postgres: PostgreSQL, clock: Clock
) -> None:
    """Of two replicas one may be behind the other: what was seen of the first is then asked of the primary."""
    reader, writer = node(), node()
    Desk(writer, BUILTIN, clock).append(asked(OPENING))
    with follower.standing_still(postgres):
        Desk(writer, BUILTIN, clock).append(asked(stake(10, "2021-01-01")))
        behind, reader._reading = reader._reading, reader.primary._reading  # the replica that is not behind
        assert reader.last_seq() == 2

        reader._reading = behind

        assert reader.last_seq() == 2
        assert percents(reader, clock, "2025-01-01") == [10]


def test_a_replica_that_is_far_behind_is_asked_until_it_is_back(
    node: Node, follower: PostgreSQL, postgres: PostgreSQL, postgresql_url: str, clock: Clock
) -> None:
    """The primary tells of an append that the replica cannot show yet."""
    with closing(Log.open(postgresql_url, clock=clock)) as other, listening(node(), postgresql_url) as (listener, ear):
        with follower.standing_still(postgres):
            assert ear.hears(lambda: Desk(other, BUILTIN, clock).append(asked(OPENING)))
            assert not listener.listens()

        assert until(listener.listens, 20)
        assert ear.hears(lambda: Desk(other, BUILTIN, clock).append(asked(stake(10, "2021-01-01"))))
        assert listener.listens()


def test_tokens_sessions_and_drafts_count_at_once_on_every_node(
    node: Node, follower: PostgreSQL, postgres: PostgreSQL, clock: Clock
) -> None:
    one, two = node(), node()
    Desk(one, BUILTIN, clock).append(asked(OPENING))

    def drafts(log: Log) -> Drafts:
        home = log.primary
        return Drafts(home, BUILTIN, clock, Desk(log, BUILTIN, clock).append, Answers(home, BUILTIN, clock))

    with follower.standing_still(postgres):
        secret = Tokens(one, clock).new("ada", "append")
        assert Tokens(two, clock).bearer(secret).name == "ada"
        begun = Tokens(two, clock).sign_in(secret)
        assert Tokens(one, clock).signed_in(begun) is not None
        Tokens(one, clock).revoke("ada")
        assert Tokens(two, clock).signed_in(begun) is None

        made = drafts(one).new(json.dumps(stake(10, "2021-01-01")).encode(), name="a.json")["id"]
        assert drafts(two).save(made, json.dumps(stake(11, "2021-01-01")))["revision"] == 2
        assert drafts(one).check(made)["ready"]
        receipt = drafts(two).append(made)
        assert drafts(one).show(made)["status"] == "appended"
        assert drafts(one).append(made)["seq"] == receipt["seq"] == 2

        tools = Tools.of(Answers(two, BUILTIN, clock), Desk(two, BUILTIN, clock), load({}, {}))
        begun_by_a_tool = json.loads(tools.call("draft_from_text", {"text": "# Acme\n\nIt pays."}, lambda: None))
        assert drafts(one).show(begun_by_a_tool["draft"])["status"] == "open"


def test_what_is_made_from_the_record_is_made_while_a_replica_is_behind(
    node: Node, follower: PostgreSQL, postgres: PostgreSQL, postgresql_url: str, clock: Clock, tmp_path: Path
) -> None:
    """Feeds, search and rectangles are made where they are written; a replica only shows them later."""
    log = node()
    settings = load({"feeds_dir": str(tmp_path), "database_url": postgresql_url}, {})
    wanted = read({"q": "Bolt"}, BUILTIN, clock.now)
    with follower.standing_still(postgres):
        with closing(Log.open(postgresql_url, clock=clock)) as another:
            for document in (OPENING, stake(10, "2021-01-01")):
                Desk(another, BUILTIN, clock).append(asked(document))

        publish(log, BUILTIN, settings, clock.now.date())
        rebuild(log)
        assert catch_up(log) == 2
        assert find(log, wanted)["head"] == 0
        assert leads(log)["leads"] == []
        with log.primary.reading() as reader:
            assert differing(reader) is None

    assert "Bolt holds 10 %" in (tmp_path / "all.atom").read_text("utf-8")
    follower.follow(postgres)
    assert [hit["id"] for hit in find(log, wanted)["hits"]] == ["acme-bolt/1"]


def test_a_replica_takes_no_appends(
    node: Node, follower: PostgreSQL, postgres: PostgreSQL, postgresql_url: str, clock: Clock
) -> None:
    Desk(node(), BUILTIN, clock).append(asked(OPENING))
    follower.follow(postgres)
    with (
        closing(Log.open(follower.twin(postgresql_url), clock=clock)) as wrong,
        pytest.raises(TimelineError) as refused,
    ):
        Desk(wrong, BUILTIN, clock).append(asked(stake(10, "2021-01-01")))

    assert refused.value.code == "storage_failed"


def test_when_the_primary_dies_a_replica_takes_over_with_all_that_was_acknowledged(clock: Clock) -> None:
    """One address names both; who appends, leads or listens goes on with the one that takes writes."""
    with postgresql(durable=True) as first:
        first.execute("CREATE DATABASE record")
        with closing(Log.open(first.url("record"))) as log:
            log.migrate()
        with replica(first) as second:
            first.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            first.execute("SELECT pg_reload_conf()")
            assert until(lambda: first.value("SELECT max(sync_state) FROM pg_stat_replication") == "sync")
            url = f"{first.url('record')},{second.folder}&target_session_attrs=read-write"
            leader = leadership(url)
            with closing(Log.open(url, clock=clock)) as log, listening(log, url) as (listener, ear):
                desk = Desk(log, BUILTIN, clock)
                assert leader.held()
                acknowledged = [desk.append(asked(OPENING))["seq"]]
                acknowledged += [desk.append(asked(stake(n, f"20{n}-01-01")))["seq"] for n in range(10, 20)]

                first.crash()
                second.execute("SELECT pg_promote()")

                acknowledged += [desk.append(asked(stake(n, f"20{n}-01-01")))["seq"] for n in range(20, 30)]
                assert until(leader.held)
                assert until(listener.listens, 30)
                assert ear.hears(lambda: desk.append(asked(stake(30, "2030-01-01"))))
                leader.release()
                assert acknowledged == list(range(1, 22))
                assert [event.seq for event in everything(log)] == list(range(1, 23))
                assert verify(log)["sound"]
