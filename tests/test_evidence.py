"""Laws of evidence: whether words are in a source, in which part of it, and what is another report of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from timeline.core.errors import TimelineError
from timeline.core.evidence import (
    MAX_OMITTED,
    MAX_QUOTE,
    Block,
    Found,
    FurnitureOnly,
    Lead,
    Nearest,
    NotFound,
    Part,
    blocks,
    check_quote,
    find_quote,
    leads,
    normalised,
    overlap,
    same_text,
    similarity,
)
from timeline.core.evidence.folding import fold

PAGE = """Norvane and Quillon widen their partnership

Norvane Newsroom

Summary

Norvane pays Quillon $40 billion for a fifth of the company.

Norvane will invest $2 billion in Quillon.
Quillon\u2019s engines run on the Norvane grid—so both build it together.
Original Article Export to Word Export to PDF
View Cached Full Text

Cached at: 05/06/27, 09:10 AM

# Norvane and Quillon widen their partnership Source: [https://norvane.example/wider](https://norvane.example/wider) \
This multi\\-year agreement keeps Norvane the non\\-exclusive host of Quillon\\. Quillon remains \
a[capped\\-return company](https://quillon.example/form)and is led by its board, with \
the[Quillon Desk\\(opens in a new window\\)](https://norvane.example/desk)—open to all\\.

Similar Articles

Quillon and Ostrava sign a letter of intent

Ostrava Wire

Quillon and Ostrava agree on a stake of 9 percent.

Quillon opens a second site

Quillon Blog

A site in the north.
"""


def words_at(text: str, quote: str) -> str:
    found = find_quote(quote, text)
    assert isinstance(found, Found), found
    return text[found.start : found.end]


def is_found(quote: str, text: str) -> bool:
    return isinstance(find_quote(quote, text), Found)


def refused(quote: str, text: str) -> TimelineError:
    with pytest.raises(TimelineError) as refusal:
        check_quote(quote, text, field="statements[0].quote")
    return refusal.value


# --- The parts of a page


def test_a_page_is_told_apart_into_its_parts() -> None:
    parts = [(block.part, PAGE[block.start : block.end].partition("\n")[0]) for block in blocks(PAGE)]

    assert parts[:-2] == [
        (Part.TITLE, "Norvane and Quillon widen their partnership"),
        (Part.FEED, "Norvane Newsroom"),
        (Part.SUMMARY, "Summary"),
        (Part.EXCERPT, "Norvane will invest $2 billion in Quillon."),
        (Part.CONTROLS, "Original Article Export to Word Export to PDF"),
        (Part.CACHED_AT, "Cached at: 05/06/27, 09:10 AM"),
    ]
    assert [part for part, _ in parts[-2:]] == [Part.BODY, Part.SIMILAR]


def test_windows_line_ends_make_the_same_parts() -> None:
    windows = PAGE.replace("\n", "\r\n")

    assert [block.part for block in blocks(windows)] == [block.part for block in blocks(PAGE)]
    assert leads(windows) == leads(PAGE)


@pytest.mark.parametrize(
    "text",
    [
        "Norvane buys a mill.",
        "Report\n\nSummary\n\nA good year.\n\nMore below.",
        "Norvane buys a mill.\n\nSimilar Articles\n\nNone.",
        "Cached at: the harbour, in the old days.",
    ],
)
def test_any_other_text_is_one_body_though_one_heading_is_alike(text: str) -> None:
    assert blocks(f"\n {text} \n") == (Block(Part.BODY, 2, 2 + len(text)),)


@pytest.mark.parametrize("text", ["", " \n\u00a0\n"])
def test_a_text_without_a_word_has_no_part(text: str) -> None:
    assert blocks(text) == ()


def test_a_page_without_a_summary_has_an_excerpt_after_its_title() -> None:
    text = "Title\n\nSaid first.\n\nOriginal Article\n\nCached at: 01/02/27\n\nSaid in full."

    assert [(block.part, text[block.start : block.end]) for block in blocks(text)] == [
        (Part.TITLE, "Title"),
        (Part.EXCERPT, "Said first."),
        (Part.CONTROLS, "Original Article"),
        (Part.CACHED_AT, "Cached at: 01/02/27"),
        (Part.BODY, "Said in full."),
    ]


def test_a_page_without_an_excerpt_or_cached_text_still_has_its_summary_as_furniture() -> None:
    text = "Title\n\nFeed\n\nSummary\n\nNorvane buys a mill.\n\nOriginal Article\n\nSimilar Articles\n\nA\n\nB\n\nC"

    assert find_quote("Norvane buys a mill", text) == FurnitureOnly(22, 41, Part.SUMMARY)


def test_leads_are_titles_feeds_and_summaries_in_the_pages_order() -> None:
    assert leads(PAGE) == (
        Lead(
            "Quillon and Ostrava sign a letter of intent",
            "Ostrava Wire",
            "Quillon and Ostrava agree on a stake of 9 percent.",
        ),
        Lead("Quillon opens a second site", "Quillon Blog", "A site in the north."),
    )


def test_what_a_page_broke_off_is_empty_and_a_plain_text_has_no_leads() -> None:
    assert leads(PAGE[: PAGE.index("\n\nQuillon Blog")])[1] == Lead("Quillon opens a second site", "", "")
    assert leads("Similar Articles\n\nA\n\nB\n\nC") == ()


# --- Where a quote stands


@pytest.mark.parametrize(
    ("quote", "part"),
    [
        ("Norvane will invest $2 billion in Quillon", Part.EXCERPT),
        ("grid — so both build it", Part.EXCERPT),
        ("This multi-year agreement keeps Norvane", Part.BODY),
        ("Norvane and Quillon widen their partnership", Part.BODY),
        ("remains a capped-return company and is led", Part.BODY),
        ("with the Quillon Desk—open to all.", Part.BODY),
    ],
)
def test_a_quote_is_found_in_the_part_that_says_it_the_cached_text_before_the_title(quote: str, part: Part) -> None:
    found = check_quote(quote, PAGE, field="statements[0].quote")

    assert found.part is part
    assert normalised(PAGE[found.start : found.end]) in normalised(PAGE)


@pytest.mark.parametrize(
    ("quote", "part"),
    [
        ("$40 billion for a fifth", Part.SUMMARY),
        ("a stake of 9 percent", Part.SIMILAR),
        ("05/06/27", Part.CACHED_AT),
        ("Export to Word", Part.CONTROLS),
        ("Norvane Newsroom", Part.FEED),
    ],
)
def test_what_the_aggregator_wrote_proves_nothing(quote: str, part: Part) -> None:
    verdict = find_quote(quote, PAGE)
    error = refused(quote, PAGE)

    assert isinstance(verdict, FurnitureOnly)
    assert verdict.part is part
    assert (error.code, error.field) == ("quote_is_furniture", "statements[0].quote")
    assert error.more == {"part": part.value}


def test_a_quote_does_not_run_from_one_part_into_the_next() -> None:
    assert isinstance(find_quote("both build it together. Original Article", PAGE), NotFound)


def test_offsets_give_back_the_words_as_received() -> None:
    assert words_at("x “multi\\-year”  deal", '"multi-year" deal') == "“multi\\-year”  deal"
    assert words_at("a **very\n\nlarge** stake", "very large") == "very\n\nlarge"
    assert words_at("the of\ufb01ce opens", "office") == "of\ufb01ce"


@given(st.text("ab1 -_*`[](),.;'\"\t\n\u00e9\u2011\u201copens", max_size=30))
def test_a_text_without_anything_to_fold_is_folded_like_any_other(text: str) -> None:
    """A letter outside ASCII makes all the steps run, and is itself left alone by each of them."""
    assert fold(text + ".\u00e9").text == fold(text).text + ".\u00e9"


@pytest.mark.parametrize(
    ("said", "quoted"),
    [
        ("provider—so", "provider - so"),
        ("provider - so", "provider — so"),
        ("provider—so", "provider-so"),
        ("2019\u20132021", "2019-2021"),
        ("a\u00a0b\u2009c\r\n\td", "a b c d"),
        ("it\u2019s “so” \u2018there\u2019", "it's \"so\" 'there'"),
        ("and so on…", "and so on..."),
        ("well\u2011known", "well-known"),
        ("e\u0301t\u00e9", "\u00e9te\u0301"),
        ("ex\u00adclu\u200bsive\u200f", "exclusive"),
        ("\uff11\uff12 \ufb01rms", "12 firms"),
        ("multi\\-year \\(all\\) end\\.", "multi-year (all) end."),
        ("**bold** and _so_ on `code`", "bold and so on code"),
        ("# Head\n## Next", "Head Next"),
        ("a [link](https://a.example/b_(c)) here", "a link here"),
        ('a [link](u "title") here', "a link here"),
        ("[![logo](l.png) Norvane](u)", "logo Norvane"),
        ("[one [two](u) three](v)", "one two three"),
        ("a[b](u)c", "a b c"),
        ("footnote\\* here", "footnote* here"),
    ],
)
def test_texts_that_differ_in_form_only_are_the_same(said: str, quoted: str) -> None:
    assert same_text(said, quoted)


@pytest.mark.parametrize(
    ("said", "quoted"),
    [
        ("Exclusive", "exclusive"),
        ("10²", "102"),
        ("2½", "21/2"),
        ("2*3", "23"),
        ("snake_case", "snakecase"),
        ("a \\[b\\](c)", "a b"),
        ("a]b[c](u", "a bc"),
        ("can not", "cannot"),
    ],
)
def test_texts_that_differ_in_words_or_numbers_are_not_the_same(said: str, quoted: str) -> None:
    assert not same_text(said, quoted)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("exclusive host", "the non-exclusive host"),
        ("exclusive host", "the non\\-exclusive host"),
        ("exclusive host", "the non\u2011exclusive host"),
        ("exclusive", "an exclusive-ish deal"),
        ("clusive host", "the exclusive host"),
        ("the excl", "the exclusive host"),
        ("5 billion", "$1.5 billion"),
        ("invest $1", "invest $1.5 billion"),
        ("invest $1.", "invest $1.5 billion"),
        ("000 staff", "13,000 staff"),
        ("27 percent", "20\u201327 percent"),
        ("Norvane can", "Norvane can't leave"),
        ("a stake of 2", "a stake of 2½ percent"),
        ("snake", "snake_case"),
    ],
)
def test_a_quote_begins_and_ends_with_whole_words_and_numbers(quote: str, text: str) -> None:
    assert isinstance(find_quote(quote, text), NotFound)


@pytest.mark.parametrize(
    ("quote", "text"),
    [
        ("so we go", "the host—so we go"),
        ("so we go", "the host - so we go"),
        ("Norvane", "Norvane\u2019s grid"),
        ("$13 billion", "a total of $13 billion² so far"),
        ("exclusive host", "non-exclusive host or exclusive host"),
        ("13 billion", "US$13 billion, or more"),
        ("in 2021", "in 2019, in 2021."),
        ("grid", "(grid)"),
    ],
)
def test_clauses_possessives_notes_and_signs_are_no_part_of_a_word(quote: str, text: str) -> None:
    assert is_found(quote, text)


@pytest.mark.parametrize("gap", ["…", " … ", " ... ", " […] ", " [...] ", " (…) "])
def test_an_ellipsis_stands_for_words_left_out(gap: str) -> None:
    text = "Norvane, from next spring on, is the host of Quillon."

    assert words_at(text, f"Norvane{gap}the host{gap}Quillon") == text[:-1]
    assert words_at(text, f"… the host{gap}") == "the host"
    assert not is_found(f"the host{gap}Norvane", text)
    assert not is_found(f"Norvane{gap}hos", text)


def test_an_ellipsis_stands_for_a_few_hundred_characters_at_most_counted_from_the_last_such_words() -> None:
    omitted = "x" * (MAX_OMITTED - 2)

    assert is_found("Norvane … host", f"Norvane {omitted} host")
    assert not is_found("Norvane … host", f"Norvane {omitted}x host")
    assert words_at(f"Norvane {omitted}x Norvane is host", "Norvane … host") == "Norvane is host"


def test_an_ellipsis_does_not_run_from_one_part_into_the_next() -> None:
    assert isinstance(find_quote("invest $2 billion … multi-year agreement", PAGE), NotFound)


@pytest.mark.parametrize("quote", ["", " ", "…", "—", "“”", "[…]", "**"])
def test_a_quote_without_a_word_is_refused(quote: str) -> None:
    assert refused(quote, PAGE).code == "quote_missing"
    assert find_quote(quote, PAGE) == NotFound(Nearest("", 0.0))


@pytest.mark.parametrize("quote", ["word " * MAX_QUOTE, " … ".join("abcdef")])
def test_a_quote_too_long_or_too_torn_is_refused(quote: str) -> None:
    assert refused(quote, quote).code == "invalid_field"


def test_a_refusal_names_the_closest_passage_as_it_stands() -> None:
    error = refused("Norvane would invest $2 billion in Quillon", PAGE)

    assert error.code == "quote_not_found"
    assert error.more == {"closest": "Norvane will invest $2 billion in Quillon", "ratio": 0.94}
    assert "Norvane will invest $2 billion in Quillon" in error.detail


def test_the_closest_passage_is_never_furniture() -> None:
    verdict = find_quote("Norvane pays Quillon $41 billion for a fifth", PAGE)

    assert isinstance(verdict, NotFound)
    assert "pays" not in verdict.nearest.passage


def test_nothing_is_near_where_no_word_is_alike() -> None:
    assert find_quote("zebra", PAGE) == NotFound(Nearest("", 0.0))
    assert find_quote("zebra", "") == NotFound(Nearest("", 0.0))
    assert refused("zebra", PAGE).more == {"closest": "", "ratio": 0.0}


# --- Properties

WORDS = st.text(alphabet="abcdeéñжß", min_size=1, max_size=7)
MARKS = st.sampled_from([" ", " ", " ", ", ", ". ", "-", " — ", "—", " “", "” ", "\u2019s ", "\n\n", " (", ") ", "… "])
TEXTS = st.lists(st.tuples(WORDS, MARKS), min_size=3, max_size=40).map(
    lambda pairs: "".join(word + mark for word, mark in pairs)
)
SENTENCES = st.lists(WORDS, min_size=4, max_size=30, unique=True)


@st.composite
def quotations(draw: st.DrawFn) -> tuple[str, str]:
    """A text, and a stretch of it from the begin of a word to the end of one; never torn at a hyphen."""
    text = draw(TEXTS)
    edges = [match.span() for match in re.finditer(r"[^\s—“”().,…]+", text)]
    first = draw(st.integers(0, len(edges) - 1))
    last = draw(st.integers(first, len(edges) - 1))
    quote = text[edges[first][0] : edges[last][1]]
    assume("…" not in quote)
    return quote, text


@given(quotations())
def test_any_stretch_of_whole_words_is_found_and_its_offsets_give_it_back(pair: tuple[str, str]) -> None:
    quote, text = pair

    assert normalised(words_at(text, quote)).strip(" -") == normalised(quote).strip(" -")


REWRITINGS: dict[str, Callable[[str], str]] = {
    "wider white space": lambda text: text.replace(" ", "\u00a0\n "),
    "narrow white space": lambda text: text.replace(" ", "\u2009"),
    "plain marks": lambda text: text.translate({ord("“"): '"', ord("”"): '"', ord("—"): " - "}).replace("\u2019", "'"),
    "escaped marks": lambda text: re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", text),
    "decomposed letters": lambda text: unicodedata.normalize("NFD", text),
    "bold": lambda text: f"**{text}**",
    "invisible marks": lambda text: text.replace("a", "\u00ada\u200b\u200e"),
    "linked": lambda text: f"[{text}](https://a.example/x_(y))",
}


@pytest.mark.parametrize("rewritten", REWRITINGS.values(), ids=REWRITINGS)
@given(pair=quotations())
def test_the_form_of_quote_or_text_does_not_change_the_verdict(
    rewritten: Callable[[str], str], pair: tuple[str, str]
) -> None:
    quote, text = pair

    assert is_found(rewritten(quote), text)
    assert is_found(quote, rewritten(text))


@given(SENTENCES, st.data())
def test_a_quote_that_leaves_out_a_word_is_not_found_and_the_closest_passage_has_the_others(
    words: list[str], data: st.DataObject
) -> None:
    left_out = data.draw(st.integers(1, len(words) - 2))
    quote = " ".join(words[:left_out] + words[left_out + 1 :])

    verdict = find_quote(quote, " ".join(words))

    assert isinstance(verdict, NotFound)
    assert 0 < verdict.nearest.ratio < 1
    assert len(set(verdict.nearest.passage.split()) & set(words)) >= len(words) / 2


@given(st.text(alphabet="ab \n\\[](){}*_#`-—….,'\"ﬁ²\u0301\u200b!", max_size=60), st.text(max_size=20))
def test_no_text_is_too_strange(text: str, quote: str) -> None:
    verdict = find_quote(quote, text)

    assert [block for block in blocks(text) if not 0 <= block.start < block.end <= len(text)] == []
    assert isinstance(verdict, NotFound) or 0 <= verdict.start < verdict.end <= len(text)
    assert same_text(text, f"\n{text} ")


MILLION = 1_000_000


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "text",
    [
        "\\" * MILLION,
        "[" * MILLION + "](u)" * MILLION,
        "[a](" * MILLION,
        "[a](" + "(b)" * MILLION,
        " " * MILLION + "x",
        "a" * 5 * MILLION,
        "a-" * MILLION,
        "e" + "\u0301\u0323" * MILLION,
        "Original Article\n" * (MILLION // 10),
        "T\n\nSummary\n\n" + "Cached at: 1\n" * (MILLION // 10),
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_text_takes_time_in_proportion(text: str) -> None:
    """Quadratic work on these would take hours, so the limit is no measure of the machine."""
    assert isinstance(find_quote("a word … to find", text), NotFound)


# --- Another report of the same

TOLD = (
    "Norvane will invest two billion dollars in Quillon over three years. Quillon keeps Norvane as the exclusive host "
    "of its engines, and both companies will design the cooling of the northern site together."
)
RETOLD = (
    "Over three years two billion dollars go from Norvane to Quillon, whose engines keep an exclusive host in Norvane. "
    "The northern site gets a cooling that the companies design together."
)
ANOTHER = (
    "Quillon and Norvane have ended their research programme. Norvane returns the patents it holds, and Quillon pays "
    "a fee of nine million dollars by the end of the year."
)


FEW, HALF, MOST = 0.2, 0.5, 0.7


def test_a_copy_is_wholly_similar_and_so_is_an_excerpt_whatever_the_form() -> None:
    assert similarity(TOLD, TOLD.upper().replace(" ", "\n")) == 1.0
    assert similarity(TOLD, TOLD[:68]) == 1.0


def test_content_words_tell_a_retelling_from_another_announcement_of_the_same_parties() -> None:
    assert similarity(TOLD, RETOLD) < FEW
    assert overlap(TOLD, RETOLD) > MOST
    assert overlap(TOLD, ANOTHER) < HALF


def test_furniture_makes_no_two_texts_alike() -> None:
    assert similarity(PAGE, "Quillon and Ostrava agree on a stake of 9 percent.") == 0.0
    assert similarity(PAGE, "Norvane will invest $2 billion in Quillon.") == 1.0


@pytest.mark.parametrize("measure", [similarity, overlap])
@given(one=TEXTS, other=TEXTS)
def test_likeness_is_a_share_and_does_not_depend_on_the_order(
    measure: Callable[[str, str], float], one: str, other: str
) -> None:
    assert measure(one, other) == measure(other, one)
    assert 0.0 <= measure(one, other) <= 1.0
    assert measure(one, "") == 0.0
