from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from tests.records import append, corrected, opening, retracted, said
from timeline import search
from timeline.core.errors import TimelineError
from timeline.core.terms import BUILTIN
from timeline.keeping import verify
from timeline.log import Log
from timeline.rebuilding import rebuild as build_rectangles
from timeline.search import index
from timeline.search.words import LONGEST_QUERY, query, tokens
from timeline.tables import search_document, search_progress, search_word

NOW = datetime(2026, 2, 1, tzinfo=UTC)
VOCABULARY = ("cloud", "Café", "non-exclusive", "équité", "STRASSE", "straße", "ﬁve", "billion²", "a", "42", "x_y")


def found(log: Log, q: str, **filters: str) -> list[str]:
    """The ids of all hits, page by page."""
    ids: list[str] = []
    given = {"q": q, "limit": "3", **filters}
    while True:
        body = search.find(log, search.read(given, BUILTIN, NOW))
        ids += [hit["id"] for hit in body["hits"]]
        if body["cursor"] is None:
            return ids
        given["cursor"] = body["cursor"]


def titled(title: str, **more: Any) -> dict[str, Any]:
    return said(5, title=title, **more)


def with_text(log: Log, words: str, **more: Any) -> dict[str, Any]:
    with log.writing() as writer:
        sha = writer.store_text(words.encode(), "text/plain")
    return said(5, sources=[{"tier": "party", "text_sha256": sha}], **more)


def outcome(ask: Callable[..., Any], *given: Any) -> Any:
    """What is answered, or the code and field of the refusal."""
    try:
        return ask(*given)
    except TimelineError as error:
        return error.code, error.field


REFUSED = ("invalid_value", "q")


def occurs(phrase: tuple[str, ...], line: list[str]) -> bool:
    return any(tuple(line[at : at + len(phrase)]) == phrase for at in range(len(line)))


def scanned(texts: dict[str, tuple[str, str, str]], asked: str) -> list[str]:
    """The oracle: every text read from end to end, hits in the order promised."""
    wants = query(asked)
    ranked = []
    for place, (name, parts) in enumerate(texts.items()):
        lines = [[token.word for token in tokens(part)] for part in parts]
        if not all(any(occurs(phrase, line) for line in lines) for phrase in wants.wanted):
            continue
        if any(occurs(phrase, line) for phrase in wants.unwanted for line in lines):
            continue
        rank = sum(2 * occurs(phrase, lines[0]) + occurs(phrase, lines[1]) for phrase in wants.wanted)
        ranked.append((-rank, -place, name))
    return [name for _, _, name in sorted(ranked)]


@pytest.fixture
def world(log: Log) -> tuple[Log, dict[str, tuple[str, str, str]]]:
    """Announcements of words taken in turn from a small vocabulary, indexed."""
    append(log, opening())
    words = itertools.cycle(VOCABULARY)
    texts: dict[str, tuple[str, str, str]] = {}
    for n in range(1, 25):
        title, quote, stored = (" ".join(itertools.islice(words, size)) for size in (2 + n % 3, 3, 5 + n % 4))
        append(log, with_text(log, stored, title=title, summary="plain", statement={"quote": quote}))
        texts[f"acme-bolt/{n}"] = (title, quote, stored)
    search.catch_up(log)
    return log, texts


pieces = st.sampled_from(VOCABULARY)
phrases = st.lists(pieces, min_size=1, max_size=3).map(lambda each: f'"{" ".join(each)}"')
questions = st.tuples(
    st.lists(pieces | phrases, min_size=1, max_size=3), st.lists((pieces | phrases).map("-{}".format), max_size=2)
).map(lambda both: " ".join(each for part in both for each in part))


def test_hits_and_their_order_are_those_of_a_scan_of_all_texts(world):
    """The same for words, phrases and exclusions on either database, so both databases agree."""
    log, texts = world

    @settings(max_examples=60, deadline=None)
    @given(questions)
    def check(asked: str) -> None:
        assert found(log, asked) == scanned(texts, asked)

    check()


HOSTILE = (
    '"',
    '"""',
    "NEAR(cloud, 5)",
    "cloud*",
    "^cloud",
    "title:cloud",
    "cloud' OR 1=1 --",
    "{cloud} & !x | (y <-> z):*",
    "cloud AND OR NOT",
    "\\' \\\" %_",
    "\x00cloud\x1b[31m",
    "\udcff\u202ecloud",
    "(" * 100,
    "- -- ---",
    "a " * 100,
    "é́" * 60,
)


def test_hostile_words_are_words_or_refused_and_never_an_error_of_the_database(world):
    log, texts = world
    for asked in HOSTILE:
        hits = outcome(found, log, asked)
        assert hits == outcome(scanned, texts, asked), asked
        if hits != REFUSED:
            json.dumps(search.find(log, search.read({"q": asked}, BUILTIN, NOW)), ensure_ascii=False).encode()


@given(st.text(max_size=LONGEST_QUERY))
def test_any_line_is_a_question_of_letters_and_digits_or_is_refused(line):
    asked = outcome(query, line)

    if asked != REFUSED:
        assert all(word.isalnum() for phrase in (*asked.wanted, *asked.unwanted) for word in phrase)
        assert asked.wanted


@pytest.mark.parametrize(
    ("given_", "field"),
    [
        ({}, "q"),
        ({"q": "x" * (LONGEST_QUERY + 1)}, "q"),
        ({"q": "-cloud"}, "q"),
        ({"q": "cloud", "kind": "stakes"}, "kind"),
        ({"q": "cloud", "since": "2026-13-01"}, "since"),
        ({"q": "cloud", "since": "2026-02-02", "until": "2026-02-01"}, "until"),
        ({"q": "cloud", "limit": "0"}, "limit"),
        ({"q": "cloud", "limit": "101"}, "limit"),
        ({"q": "cloud", "cursor": "!"}, "cursor"),
        ({"q": "cloud", "cursor": "MS0yLTMtNA"}, "cursor"),
        ({"q": "cloud", "partnership": ""}, "partnership"),
    ],
)
def test_a_question_that_cannot_be_asked_names_the_field(given_, field):
    with pytest.raises(TimelineError) as refusal:
        search.read(given_, BUILTIN, NOW)
    assert refusal.value.field == field


def test_filters_leave_only_what_fits(log):
    append(log, opening(), opening("cat-dog"))
    append(log, titled("Cloud one", announced="2025"), titled("Cloud two", announced="2026-01-05"))
    append(log, titled("Cloud three", announced="2026-01-09", slug="cat-dog", statements=[]))

    assert found(log, "cloud") == ["cat-dog/1", "acme-bolt/2", "acme-bolt/1"]
    assert found(log, "cloud", partnership="acme-bolt") == ["acme-bolt/2", "acme-bolt/1"]
    assert found(log, "cloud", kind="stake") == ["acme-bolt/2", "acme-bolt/1"]
    assert found(log, "cloud", since="2026-01-05", until="2026-01-08") == ["acme-bolt/2"]
    assert found(log, "cloud", since="2025-06-01", until="2025-06-02") == ["acme-bolt/1"]  # some day of 2025
    with pytest.raises(TimelineError) as refusal:
        found(log, "cloud", partnership="acme-bold")
    assert (refusal.value.code, refusal.value.remedy) == ("unknown_partnership", "Did you mean acme-bolt?")


def test_a_cursor_is_good_for_its_own_question_only(log):
    append(log, opening(), *(titled(f"Cloud {n}") for n in range(3)))
    body = search.find(log, search.read({"q": "cloud", "limit": "1"}, BUILTIN, NOW))

    with pytest.raises(TimelineError) as refusal:
        search.read({"q": "clouds", "cursor": body["cursor"]}, BUILTIN, NOW)

    assert (refusal.value.code, refusal.value.field) == ("invalid_value", "cursor")


def test_a_hit_shows_the_present_words_and_what_became_of_them(log):
    append(log, opening(), titled("Mistyped sky"))
    assert found(log, "sky") == ["acme-bolt/1"]

    append(log, corrected(1, titled("Blue cloud")))
    hit = search.find(log, search.read({"q": "cloud"}, BUILTIN, NOW))["hits"][0]
    assert (found(log, "sky"), hit["id"], hit["status"]) == ([], "acme-bolt/1", "corrected")
    assert hit["title"] == [{"text": "Blue ", "found": False}, {"text": "cloud", "found": True}]

    append(log, retracted(1))
    assert [hit["status"] for hit in search.find(log, search.read({"q": "cloud"}, BUILTIN, NOW))["hits"]] == [
        "retracted"
    ]

    append(log, retracted(3), retracted(2))
    assert found(log, "cloud") == []
    assert [hit["status"] for hit in search.find(log, search.read({"q": "sky"}, BUILTIN, NOW))["hits"]] == ["current"]
    build_rectangles(log)
    assert verify(log)["sound"]


def test_furniture_of_an_aggregators_page_is_not_searched_and_found_words_are_marked_in_the_text(log):
    page = (
        "Title\n\nFeed\n\nSummary\nsparrow\n\nOriginal Article\nCached at: 04/20/26\n\nThe **heron** lands, et l’été."
    )
    append(log, opening(), with_text(log, f"{page}\n\nSimilar Articles\n\nA falcon"))

    hit = search.find(log, search.read({"q": "heron ete"}, BUILTIN, NOW))["hits"][0]

    marked = [piece["text"] for piece in hit["passages"][0] if piece["found"]]
    assert (marked, found(log, "sparrow"), found(log, "falcon")) == (["heron", "été"], [], [])


def test_an_index_that_is_far_behind_says_how_far_it_goes(log, monkeypatch):
    append(log, opening(), titled("Cloud one"), titled("Cloud two"))
    search.catch_up(log)
    append(log, titled("Cloud three"))
    monkeypatch.setattr("timeline.search.finding.FEW", 0)

    body = search.find(log, search.read({"q": "cloud"}, BUILTIN, NOW))

    assert (len(body["hits"]), body["indexed"], body["head"]) == (2, 3, 4)


def test_catching_up_in_steps_and_by_several_at_once_gives_the_same_index(log, monkeypatch):
    append(log, opening(), *(titled(f"Cloud {n}") for n in range(8)), corrected(2, titled("Sky")), retracted(9))
    monkeypatch.setattr(index, "STEP", 2)
    several = [threading.Thread(target=search.catch_up, args=(log,)) for _ in range(3)]
    for each in several:
        each.start()
    for each in several:
        each.join()
    in_steps = contents(log)

    monkeypatch.setattr(index, "STEP", 200)
    search.rebuild(log)

    assert contents(log) == in_steps


def test_a_step_that_is_killed_leaves_the_index_of_a_position(log, monkeypatch):
    append(log, opening(), *(titled(f"Cloud {n}") for n in range(4)))
    monkeypatch.setattr(index, "STEP", 2)
    write, steps = index._write, itertools.count()

    def killed(*given: Any) -> None:
        write(*given)
        if next(steps) == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(index, "_write", killed)
    with pytest.raises(KeyboardInterrupt):
        search.catch_up(log)

    with log.reading() as reader:
        assert (index.position(reader.connection), search.differing(reader)) == (2, None)
    assert search.catch_up(log) == 5


DAMAGES = (
    "UPDATE search_document SET status = 'retracted' WHERE n = 1",
    "UPDATE search_document SET said_words = ' x ' WHERE n = 1",
    "UPDATE search_word SET documents = documents + 1 WHERE word = 'cloud'",
    "DELETE FROM search_document WHERE n = 2",
    "DELETE FROM search_index",
    "UPDATE search_progress SET seq = 99",
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_verify_finds_an_index_that_is_not_as_the_log_gives_it_and_rebuild_mends_it(log, damage):
    append(log, opening(), titled("Cloud one"), titled("Cloud two"))
    search.catch_up(log)
    build_rectangles(log)
    assert verify(log)["sound"]

    with log.writing() as writer:
        writer.connection.execute(text(damage))
    body = verify(log)
    assert body["checks"]["search"] is not None
    assert body["remedy"] == (
        "The record itself is whole. Run timeline rebuild: it builds the search index anew from it."
    )

    assert search.rebuild(log) == 2
    assert verify(log)["sound"]


def contents(log: Log) -> list[list[tuple[Any, ...]]]:
    with log.reading() as reader:
        return [
            sorted(tuple(row) for row in reader.connection.execute(select(each)))
            for each in (index.index, search_document, search_word, search_progress)
        ]


def test_similar_announcements_share_the_rarest_words_and_say_which(log):
    append(log, opening(), opening("cat-dog"), titled("Harbour pilots strike again"), titled("Nothing of the kind"))
    append(log, titled("Pilots of the harbour strike", slug="cat-dog"), titled("Harbour pilots"))

    body = search.similar(log, "acme-bolt", 1)

    common = ["acme", "agree", "bolt", "percent"]  # in the summary of all
    assert body["words"] == ["strike", "harbour", "pilots", *common]
    assert {each["id"]: each["shared"] for each in body["similar"]} == {
        "cat-dog/1": ["strike", "harbour", "pilots", *common],
        "acme-bolt/3": ["harbour", "pilots", *common],
        "acme-bolt/2": common,
    }
    assert [each["id"] for each in body["similar"]] == ["cat-dog/1", "acme-bolt/3", "acme-bolt/2"]
    assert (body["indexed"], body["head"]) == (6, 6)


def test_what_is_similar_is_the_same_on_either_database_and_after_a_rebuild(sqlite_url, postgresql_url):
    answers = []
    for url in (sqlite_url, postgresql_url):
        with closing(Log.open(url)) as log:
            append(log, opening())
            for n in range(30):
                append(
                    log, titled(" ".join(f"word{n * step % 13:02}" for step in range(1, 7)), announced=f"20{n + 10}")
                )
            before = [search.similar(log, "acme-bolt", n) for n in range(1, 31)]
            search.rebuild(log)
            assert [search.similar(log, "acme-bolt", n) for n in range(1, 31)] == before
            answers.append(before)

    assert answers[0] == answers[1]
    assert any(each["similar"] for each in answers[0])


def test_what_is_not_there_has_nothing_similar(log):
    append(log, opening(), titled("Harbour pilots"), retracted(1))

    assert search.similar(log, "acme-bolt", 2)["similar"] == []
    for name, n, code in (("acme-bold", 1, "unknown_partnership"), ("acme-bolt", 9, "unknown_announcement")):
        with pytest.raises(TimelineError) as refusal:
            search.similar(log, name, n)
        assert refusal.value.code == code


def test_of_a_very_long_text_the_beginning_is_searched(log):
    """PostgreSQL takes no more distinct words than about a megabyte; both databases stop at the same word."""
    words = [f"{number:06}é{'x' * 100}" for number in range(13_000)]
    append(log, opening(), with_text(log, " ".join(words)))

    kept = sum(len(f" {word}".encode()) for word in index.distinct(stored_line(log)))

    assert index.LONGEST - 200 < kept <= index.LONGEST
    assert (found(log, words[0]), found(log, words[-1])) == (["acme-bolt/1"], [])


def stored_line(log: Log) -> str:
    search.catch_up(log)
    with log.reading() as reader:
        return str(reader.connection.scalar(select(index.index.c.words)))
