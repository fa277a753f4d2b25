"""The laws of time and truth, on small worlds: the product against the oracle, and the product against itself."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tests import oracle
from tests.oracle import DAYS, FIRST, LAST, NONE
from tests.worlds import (
    EVENTS,
    LANES,
    STARTS,
    TERMS,
    VALUES,
    Shape,
    World,
    accepted,
    answers,
    as_days,
    book_of,
    expected,
    moment,
    records,
    shifted,
    terms,
    text,
    worlds,
)
from timeline.core.announcements import Act, Correction, Retraction, act_from_json
from timeline.core.changes import Change, Delta, changed, due, learned, lines_of
from timeline.core.dates import END_OF_TIME, ONE_DAY, START_OF_TIME
from timeline.core.history import Book, Slot
from timeline.core.line import SILENT, Cell, Cells, Line, at, boundaries, close, from_day, paint, same
from timeline.core.state import state
from timeline.core.terms import BUILTIN, Value, term

Values = list[str | None]


def value_of(cell: Cell | None) -> str | None:
    if cell is None:
        return None
    return NONE if cell.value is None else str(cell.value.get("text"))


def values(line: oracle.Line) -> Values:
    return [oracle.value(cell) for cell in line]


def retraction(n: int) -> Act:
    return act_from_json({"retracts": f"ada-bo/{n}", "reason": "a slip"}, BUILTIN)


def one_more(day: int, *statements: dict[str, object]) -> Act:
    """An announcement of that day, of the highest tier."""
    return act_from_json(
        {
            "partnership": "ada-bo",
            "title": "One more",
            "announced": text(day),
            "sources": [{"publisher": "Ada", "tier": "filing"}],
            "statements": [{"quote": "so it is", **statement} for statement in statements],
        },
        BUILTIN,
    )


def root_of(acts: list[Act], n: int) -> int:
    while isinstance(act := acts[n - 1], Correction | Retraction):
        n = act.n
    return n


# Law 2: the fold is the oracle's


@given(worlds())
def test_the_book_answers_what_the_oracle_answers_as_known_then_and_as_announced_then(world: World) -> None:
    """On every day, for every term and lane, after every prefix of the log and at every announced moment."""
    # given acts that may each be recorded
    acts = world.acts
    accepted(acts)
    # then every prefix answers what the oracle paints from scratch
    for known in range(len(acts) + 1):
        assert answers(book_of(acts[:known])) == expected(world.log, known=known)
    # and so does everything that was public at any moment
    for hour in world.hours:
        assert answers(book_of(acts, hour=hour)) == expected(world.log, hour=hour)


@given(worlds(), st.data())
def test_known_then_and_announced_then_can_be_asked_together(world: World, data: st.DataObject) -> None:
    """The two axes cut the log independently: first what was recorded, then what of that was public."""
    # given a prefix and a moment
    known = data.draw(st.integers(0, len(world.log)))
    hour = data.draw(st.sampled_from(world.hours))
    # then
    assert answers(book_of(world.acts[:known], hour=hour)) == expected(world.log, known=known, hour=hour)


@given(worlds())
def test_hearing_act_by_act_is_painting_everything_anew(world: World) -> None:
    """A book that was kept up to date holds the very lines that its live statements paint from silence."""
    # given a book that heard act by act
    for known in range(len(world.acts) + 1):
        book = book_of(world.acts[:known])
        # when every live statement is painted again, in order
        anew: dict[Slot, Line] = {}
        for name in terms():
            for said in book.sayings.about(name):
                stroke = book.stroke(said)
                slot = Slot(said.force, name)
                anew.setdefault(slot, SILENT)
                if stroke is None:
                    continue
                anew[slot] = paint(anew[slot], stroke)
                if said.force == "agreed" and not said.statement.temporary:
                    for other in (Slot("proposed", name), Slot("reported", name)):
                        if other in anew:
                            anew[other] = close(anew[other], stroke.anchor)
        # then nothing differs
        assert lines_of(book) == anew


@given(worlds())
def test_cells_are_ordered_disjoint_never_empty_and_joined(world: World) -> None:
    """Whatever is painted, the line stays in its one normal form."""
    book = book_of(world.acts)
    for line in lines_of(book).values():
        for cells in (line.base, line.overlay, line.cells):
            assert all(cell.start < cell.end for cell in cells)
            assert all(one.end <= other.start for one, other in pairwise(cells))
            assert not any(
                one.end == other.start and (one.ref, one.value, one.status) == (other.ref, other.value, other.status)
                for one, other in pairwise(cells)
            )


@given(worlds())
def test_reading_from_a_day_is_reading_every_day_from_it(world: World) -> None:
    """`from_day` leaves out exactly what is over, `at` names the one cell that covers the day."""
    for line in lines_of(book_of(world.acts)).values():
        for day in STARTS:
            assert list(from_day(line.cells, day)) == [cell for cell in line.cells if cell.end > day]
            covering = [cell for cell in line.cells if cell.start <= day < cell.end]
            assert at(line.cells, day) == (covering[0] if covering else None)


# The state


@given(worlds(), st.data())
def test_the_state_of_a_day_is_the_oracles_line_on_that_day(world: World, data: st.DataObject) -> None:
    """With who said it, how sure it is and when it was last confirmed; before the record begins, nothing."""
    # given what was public at a moment
    hour = data.draw(st.none() | st.sampled_from(world.hours))
    lane = data.draw(st.sampled_from(LANES))
    book = book_of(world.acts, hour=hour)
    first = oracle.covered_from(world.log, hour=hour)
    for day in range(FIRST - 1, LAST + 2):
        # when the state of a day is asked for
        found = state(book, STARTS[day], force=lane)
        # then it holds what the oracle holds
        answer = {
            str(held.term): (
                (held.cell.ref.n, held.cell.ref.number - 1),
                value_of(held.cell),
                held.cell.value is not None,
                held.certain,
                held.last_confirmed,
            )
            for held in (*found.in_force, *found.ended)
        }
        right = {}
        for name in TERMS:
            cell = oracle.line(world.log, name, lane=lane, hour=hour)[day]
            if cell is not None and day >= first:
                confirmed = oracle.confirmed(world.log, name, day, lane=lane, hour=hour)
                right[name] = (
                    cell.who,
                    cell.value,
                    cell.value != NONE,
                    oracle.certain(world.log, cell, day, hour=hour),
                    None if confirmed is None else STARTS[confirmed],
                )
        assert answer == right
        assert all(held.cell.value is not None for held in found.in_force)
        assert found.coverage.first == (None if first == oracle.NEVER else STARTS[first])


@given(worlds())
def test_a_change_is_a_day_with_another_value_than_the_day_before(world: World) -> None:
    """A statement that repeats the value that holds already is no change, neither on that day nor ahead."""
    book = book_of(world.acts)
    for day in range(max(oracle.covered_from(world.log), FIRST), LAST + 1):
        found = state(book, STARTS[day])
        for held in (*found.in_force, *found.ended):
            line = oracle.line(world.log, str(held.term), lane="agreed")
            values = [None if cell is None else cell.value for cell in line]
            other = [later for later in range(day + 1, len(values)) if values[later] != values[day]]
            assert held.changed_on_this_day == (values[day] != values[day - 1])
            assert held.next_change == (STARTS[other[0]] if other else None)


@given(worlds())
def test_what_lies_ahead_is_every_later_change_and_every_awaited_event(world: World) -> None:
    """Each boundary after the day asked about, by day and term; then what waits for an event, without a day."""
    book = book_of(world.acts)
    events = oracle.happened(world.log, len(world.log), None)
    first = oracle.covered_from(world.log)
    for day in range(max(first, FIRST), LAST + 1):
        # when
        ahead = state(book, STARTS[day]).upcoming
        lines = {name: oracle.line(world.log, name) for name in TERMS}
        # then the dated ones are the oracle's changes
        dated = [(each.on, str(each.term), value_of(each.after)) for each in ahead if each.on is not None]
        assert dated == sorted(
            ((STARTS[x], name, after) for name in TERMS for x, _, after in oracle.changed(lines[name], day, DAYS - 1)),
            key=lambda found: found[:2],
        )
        # and the others are the agreed statements whose event is still awaited
        waiting = set()
        for task in oracle.tasks(world.log, len(world.log), None):
            said, who = task.said, (task.number, task.place)
            if said.lane != "agreed":
                continue
            if isinstance(said.start, oracle.Event) and said.start.name not in events:
                waiting.add((who, "starts", said.start.name))
            elif isinstance(said.until, oracle.Event) and said.until.name not in events:
                still = [cell for cell in lines[said.term][day:] if cell is not None and cell.who == who]
                if any(cell.value != NONE for cell in still):
                    waiting.add((who, "ends", said.until.name))
        assert {
            ((each.said.ref.n, each.said.ref.number - 1), each.what, each.event) for each in ahead if each.on is None
        } == waiting


# Law 1


@given(worlds(), st.data())
def test_what_is_recorded_later_changes_no_answer_known_before(world: World, data: st.DataObject) -> None:
    """As-of purity: an answer as of K stays what it was, however much is recorded after K."""
    # given the answers as of K, and the lines themselves
    acts = world.acts
    known = data.draw(st.integers(0, len(acts)))
    book = book_of(acts[:known])
    then, lines = answers(book), lines_of(book)
    days = [state(book, STARTS[day]) for day in range(FIRST, LAST + 1)]
    # when more is recorded
    whole = records(acts)
    book.hear_all(whole[known + 1 :])
    # then the question as of K is still answered so
    again = Book().hear_all(recorded for recorded in whole if recorded.n <= known)
    assert answers(again) == then == expected(world.log, known=known)
    assert lines_of(again) == lines
    assert [state(again, STARTS[day]) for day in range(FIRST, LAST + 1)] == days


# Law 3


@given(worlds(Shape(distinct_days=True, coarse=False)), st.data())
def test_with_distinct_announced_days_the_order_of_arrival_does_not_matter(world: World, data: st.DataObject) -> None:
    """The same announcements and occurrences in any order, what corrects or retracts them after: the same state."""
    # given acts, each announced on a day of its own
    acts = world.acts
    later = [n for n, act in enumerate(acts, start=1) if isinstance(act, Correction | Retraction)]
    first = [n for n in range(1, len(acts) + 1) if n not in later]
    # when they arrive in another order
    order = [*data.draw(st.permutations(first)), *later]
    place = {n: new for new, n in enumerate(order, start=1)}
    documents = []
    for n in order:
        document = dict(world.documents[n - 1])
        for verb in ("corrects", "retracts"):
            if verb in document:
                document[verb] = f"ada-bo/{place[int(document[verb].partition('/')[2])]}"
        documents.append(document)
    arrived = World(documents).acts
    # then every day is governed by the same statement
    back = {new: n for n, new in place.items()}
    found = {
        key: [None if cell is None else cell._replace(who=(back[cell.who[0]], cell.who[1])) for cell in line]
        for key, line in answers(book_of(arrived)).items()
    }
    assert found == answers(book_of(acts))


# Law 4


@given(worlds(), st.data())
def test_correcting_with_the_same_content_changes_nothing(world: World, data: st.DataObject) -> None:
    """Nor does correcting and then retracting the correction, whatever the correction said."""
    acts = world.acts
    book = accepted(acts)
    live = [n for n, _ in book.announcements()]
    if not live:
        return
    n = data.draw(st.sampled_from(live))
    content = book.content(n)
    assert content is not None
    before = lines_of(book)
    # when it is corrected to what it says
    same_again = Correction("ada-bo", n, "a slip that was none", content)
    # then
    assert lines_of(accepted([*acts, same_again])) == before
    # and when it is corrected to something else, and that is taken back
    other = act_from_json(
        {"corrects": f"ada-bo/{n}", "reason": "a slip"}
        | {
            "title": "Another",
            "announced": text(LAST),
            "sources": [{"publisher": "Bo", "tier": "filing"}],
            "statements": [{"term": TERMS[0], "set": {"text": "other"}, "effective": "unknown", "quote": "other"}],
        },
        BUILTIN,
    )
    assert lines_of(accepted([*acts, other, retraction(len(acts) + 1)])) == before


@given(worlds(), st.data())
def test_a_retracted_announcement_was_never_said(world: World, data: st.DataObject) -> None:
    """Retracting n leaves what a log holds that has neither n nor anything about n; retracting that brings it back."""
    acts = world.acts
    book = accepted(acts)
    live = [n for n in book.records if book.is_live(n) and root_of(acts, n) == n]
    if not live:
        return
    n = data.draw(st.sampled_from(live))
    # when
    without = Book().hear_all(each for each in records(acts) if each.n == 0 or root_of(acts, each.n) != n)
    # then
    assert lines_of(accepted([*acts, retraction(n)])) == lines_of(without)
    assert lines_of(accepted([*acts, retraction(n), retraction(len(acts) + 1)])) == lines_of(book)


# Law 5


@given(worlds(), st.integers(FIRST, LAST), st.integers(FIRST, LAST), st.integers(FIRST, LAST), st.booleans())
def test_a_temporary_statement_leaves_every_other_day_alone(
    world: World, announced: int, one: int, other: int, end: bool
) -> None:
    """Whenever it was announced, what holds outside its period is what held without it."""
    # given a temporary value, or a suspension, from one day through another
    first, last = sorted((one, other))
    says: dict[str, object] = {"end": True} if end else {"set": {"text": "for a while"}}
    said = one_more(
        announced, {"term": TERMS[0], "effective": text(first), "until": text(last), "temporary": True, **says}
    )
    # when it is recorded
    without, found = answers(book_of(world.acts)), answers(book_of([*world.acts, said]))
    # then
    for key, line in without.items():
        assert line[:first] == found[key][:first]
        assert line[last + 1 :] == found[key][last + 1 :]
        assert key == ("agreed", TERMS[0]) or line == found[key]


@given(worlds(), st.integers(FIRST, LAST), st.sampled_from(TERMS), st.sampled_from(LANES))
def test_reaffirming_never_changes_a_value(world: World, announced: int, name: str, lane: str) -> None:
    """It adds that something was confirmed, and moves no cell, in no lane."""
    said = one_more(announced, {"term": name, "reaffirm": True, "force": lane})
    assert answers(book_of([*world.acts, said])) == answers(book_of(world.acts))


# Law 6


@given(worlds(), st.lists(st.integers(FIRST - 1, LAST + 1), min_size=3, max_size=3).map(sorted))
def test_changes_of_the_world_add_up(world: World, days: list[int]) -> None:
    """Those in (D1, D2] and in (D2, D3] are those in (D1, D3]; each differs; the oracle finds the same."""
    one, two, three = days
    book = book_of(world.acts)
    for lane in LANES:

        def between(after: int, upto: int, lane: str = lane) -> list[Change]:
            return changed(book, STARTS[after], STARTS[upto], force=lane)

        whole = between(one, three)
        assert [*between(one, two), *between(two, three)] == whole
        assert not any(same(change.before, change.after) for change in whole)
        assert [(change.on, str(change.term), value_of(change.before), value_of(change.after)) for change in whole] == [
            (STARTS[x], name, before, after)
            for x in range(one + 1, three + 1)
            for name in TERMS
            for _, before, after in oracle.changed(oracle.line(world.log, name, lane=lane), x - 1, x)
        ]
    assert [change for day in range(FIRST, LAST + 1) for change in due(book, STARTS[day])] == changed(
        book, STARTS[FIRST - 1], STARTS[LAST]
    )


def values_from(deltas: list[Delta], start: dict[str, Values]) -> dict[str, Values]:
    """The values after those deltas; each must find what it says was held before."""
    found = {name: list(line) for name, line in start.items()}
    for delta in deltas:
        for day in range(DAYS):
            if delta.start <= STARTS[day] < delta.end:
                assert found[str(delta.term)][day] == value_of(delta.before)
                found[str(delta.term)][day] = value_of(delta.after)
    return found


@given(worlds(), st.data())
def test_what_was_learned_adds_up(world: World, data: st.DataObject) -> None:
    """From K1 to K2 and then to K3 is from K1 to K3; periods are maximal, ordered, and differ in value."""
    one, two, three = sorted(data.draw(st.lists(st.integers(0, len(world.log)), min_size=3, max_size=3)))
    lane = data.draw(st.sampled_from(LANES))
    known = {k: lines_of(book_of(world.acts[:k])) for k in (one, two, three)}
    lines = {k: {name: oracle.line(world.log, name, lane=lane, known=k) for name in TERMS} for k in known}
    start = {name: values(line) for name, line in lines[one].items()}
    # when
    whole = learned(known[one], known[three], force=lane)
    # then the steps lead where the whole leads, and both are the oracle's difference
    after = values_from(whole, start)
    halfway = values_from(learned(known[one], known[two], force=lane), start)
    assert values_from(learned(known[two], known[three], force=lane), halfway) == after
    assert after == {name: values(line) for name, line in lines[three].items()}
    days = {
        (STARTS.index(start), str(delta.term), value_of(delta.before), value_of(delta.after))
        for delta in whole
        for start in STARTS
        if delta.start <= start < delta.end
    }
    assert days == {
        (x, name, before, now)
        for name in TERMS
        for x, before, now in oracle.learned(lines[one][name], lines[three][name])
    }
    # and no period could be longer, none comes out of order, none says nothing
    for first, second in pairwise(whole):
        assert (first.term, first.end) <= (second.term, second.start) or first.term < second.term
        assert not (
            (first.term, first.end) == (second.term, second.start)
            and same(first.before, second.before)
            and same(first.after, second.after)
        )
    assert not any(same(delta.before, delta.after) for delta in whole)


# Law 7


@given(worlds())
def test_the_deltas_of_every_act_rebuild_the_state(world: World) -> None:
    """Replaying what each act taught, from silence on, gives the state after it: `hear` names every line it moves."""
    book = Book()
    replayed: dict[str, dict[str, Values]] = {lane: {name: [None] * DAYS for name in TERMS} for lane in LANES}
    for recorded in records(world.acts):
        # when an act is heard
        before = book.hear(recorded)
        after = {slot: book.line(slot.term, slot.force) for slot in before}
        # then what it taught leads from the state before to the state after
        for lane in LANES:
            replayed[lane] = values_from(learned(before, after, force=lane), replayed[lane])
            held = {name: values(as_days(book.line(term(name), lane).cells)) for name in TERMS}
            assert replayed[lane] == held


# Law 9


@given(worlds(Shape(coarse=False)), st.integers(-400, 400))
def test_shifting_every_date_shifts_every_answer(world: World, days: int) -> None:
    """Nothing depends on the calendar: a world moved by n days answers the same, n days later."""
    # given the same documents, every date moved
    moved = book_of(World([shifted(document, days) for document in world.documents]).acts)
    book = book_of(world.acts)
    for slot, line in lines_of(book).items():
        # then every cell has moved with them
        assert [cells_of(moved.line(slot.term, slot.force).cells)] == [cells_of(line.cells, days)]
    assert lines_of(moved).keys() == lines_of(book).keys()


def cells_of(cells: Cells, days: int = 0) -> list[tuple[object, ...]]:
    return [
        (
            cell.start if cell.start == START_OF_TIME else cell.start + days * ONE_DAY,
            cell.end if cell.end == END_OF_TIME else cell.end + days * ONE_DAY,
            cell.ref,
            cell.value,
            cell.status,
        )
        for cell in cells
    ]


# The worlds themselves


@given(worlds())
def test_every_document_of_a_world_is_accepted_in_its_turn(world: World) -> None:
    """The generator draws only what may be recorded, so that no law is checked on nonsense."""
    book = accepted(world.acts)
    assert len(book.records) == len(world.log)
    assert set(book.happened) <= set(EVENTS)
    assert {said.statement.value for name in terms() for said in book.sayings.about(name)} <= {
        None,
        *(Value((("text", value),)) for value in VALUES),
    }
    assert moment(0).date() == STARTS[FIRST]
    assert list(boundaries((), START_OF_TIME, END_OF_TIME)) == []
