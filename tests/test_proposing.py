"""What the rules propose from short texts: exactly this, and from what hedges, denies or means others, nothing."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from timeline.core.evidence import check_quote
from timeline.core.proposing import Dated, Known, KnownTerm, Proposal, Proposed, Reading, propose
from timeline.core.terms import BUILTIN, Term, read_value

HQ = Known("harbour-quill", {"harbour": "Harbour Signals", "quill": "Quill House"}, {"harbour": ("Harbour",)})
ON_RECORD = Known(
    HQ.partnership,
    HQ.parties,
    HQ.aliases,
    (
        KnownTerm(
            Term("exclusivity", "maps"),
            ("harbour", "quill"),
            read_value({"level": "exclusive", "provider": "Inkwell"}, BUILTIN.get("exclusivity"), field="set"),
        ),
        KnownTerm(
            Term("investment", "2018"),
            ("quill", "harbour"),
            read_value({"amount": {"value": 5, "currency": "USD"}}, BUILTIN.get("investment"), field="set"),
        ),
        KnownTerm(
            Term("license", "ship-positions"),
            ("harbour", "quill"),
            read_value({"exclusive": True}, BUILTIN.get("license"), field="set"),
        ),
    ),
)


def proposed(
    text: str, *, known: Known = HQ, speaker: str | None = "Quill House", day: str | None = "2021-06-15"
) -> Proposed:
    published = None if day is None else Dated(day, "given", day)
    return propose(text, kinds=BUILTIN, known=[known], publisher=speaker, title=None, published=published)


def said(text: str, **options: Any) -> list[dict[str, Any]]:
    """The statements without their quotes, which are the sentence in each of these texts."""
    found = proposed(f"Harbour Signals and Quill House met.\n\n{text}", **options)
    assert not found.refused
    assert all(each.statement["quote"] in text for each in found.statements)
    return [{name: value for name, value in each.statement.items() if name != "quote"} for each in found.statements]


def one(term: str, direction: str, value: dict[str, Any], **more: str) -> list[dict[str, Any]]:
    return [{"term": term, "direction": direction, "set": value} | more]


TO_QUILL, TO_HARBOUR = "harbour -> quill", "quill -> harbour"


def money(value: int | Decimal, **form: str) -> dict[str, Any]:
    return {form.get("form", "value"): value, "currency": form.get("currency", "USD")}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "Quill House is investing $1 billion in Harbour Signals.",
            one("investment/2021", TO_HARBOUR, {"amount": money(1_000_000_000), "status": "announced"}),
        ),
        (
            "We will invest more than €2.5m in Harbour to grow its fleet.",
            one(
                "investment/2021",
                TO_HARBOUR,
                {"amount": money(2_500_000, form="at_least", currency="EUR"), "status": "announced"},
            ),
        ),
        (
            "Quill House has agreed to invest up to 40 million pounds in Harbour Signals.",
            one(
                "investment/2021",
                TO_HARBOUR,
                {"amount": money(40_000_000, form="at_most", currency="GBP"), "status": "announced"},
            ),
        ),
        (
            "This multi-million dollar investment from Quill House comes at a good time.",
            one(
                "investment/2021",
                TO_HARBOUR,
                {"amount": {"undisclosed": True, "stated": "multi-million dollar"}, "status": "announced"},
            ),
        ),
        (
            "Harbour Signals will become our exclusive mapping provider.",
            one("exclusivity/mapping", TO_HARBOUR, {"level": "exclusive"}),
        ),
        (
            "Quill House becomes Harbour’s sole map distributor, effective July 1, 2021, until the end of 2025.",
            one("exclusivity/map", TO_QUILL, {"level": "exclusive"}, effective="2021-07-01", until="2025"),
        ),
        (
            "Harbour Signals is now our preferred partner for selling sea charts.",
            one("exclusivity/selling", TO_HARBOUR, {"level": "preferred", "scope": "sea charts"}),
        ),
        (
            "Quill House is the primary printing partner for Harbour Signals, and Quill House Inkwell prints all.",
            one("exclusivity/printing", TO_QUILL, {"level": "primary", "provider": "Inkwell"}),
        ),
        (
            "Harbour Signals grants Quill House a non-exclusive license to its ship positions through 2032.",
            one("license/ship-positions", TO_QUILL, {"exclusive": False, "scope": "its ship positions"}, until="2032"),
        ),
        (
            "Quill House will continue to have a license to Harbour’s charts and tides until 31 March 2030.",
            one("license/charts-and-tides", TO_QUILL, {"scope": "charts and tides"}, until="2030-03-31"),
        ),
        (
            "Quill House’s license to Harbour tides will now be non-exclusive.",
            one("license/tides", TO_QUILL, {"exclusive": False, "scope": "tides"}),
        ),
        (
            "Quill House holds roughly 27 percent of Harbour Signals on an as-converted diluted basis.",
            one(
                "stake/quill-in-harbour",
                TO_QUILL,
                {"percent": {"about": 27}, "basis": "on an as-converted diluted basis"},
            ),
        ),
        (
            "Quill House will acquire a 12.5% stake in Harbour Signals.",
            one("stake/quill-in-harbour", TO_QUILL, {"percent": Decimal("12.5")}),
        ),
        (
            "Quill House holds an investment in Harbour Signals valued at much, representing 9 per cent.",
            one("stake/quill-in-harbour", TO_QUILL, {"percent": 9}),
        ),
        (
            "Harbour Signals has contracted to purchase an incremental $250B of printing services.",
            one(
                "commitment/printing-services",
                TO_QUILL,
                {"what": "printing services", "amount": money(250_000_000_000)},
            ),
        ),
        (
            "Harbour Signals will pay Quill House 20% of its revenue through 2030.",
            one("revenue-share/harbour-to-quill", TO_QUILL, {"percent": 20}, until="2030"),
        ),
    ],
)
def test_a_sentence_that_says_it_is_proposed_as_it_says_it(text: str, expected: list[dict[str, Any]]) -> None:
    assert said(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "Quill House could invest $1 billion in Harbour Signals.",
        "Quill House is in talks about investing $1 billion in Harbour Signals.",
        "Quill House is reportedly investing $1 billion in Harbour Signals.",
        "Quill House plans to become our exclusive map provider.",
        "Will Quill House become Harbour’s exclusive map provider?",
        "Quill House is not our exclusive map provider.",
        "Quill House will no longer be Harbour’s exclusive map provider.",
        "Norvane will become our exclusive map provider.",
        "Quill House is investing $1 billion in Norvane.",
        "Norvane is investing $1 billion in Harbour Signals.",
        "The company holds 27 percent of Harbour Signals.",
        "Quill House grew 27 percent in Harbour Signals’ home market.",
        "Quill House has invested $1 billion in Harbour Signals.",
        "Quill House Norvane Press is a fine place.",
        "Quill House is our exclusive partner.",
        "It will become our exclusive map provider.",
        "Revenue rose $1 billion through 2032.",
        "A fund managed by Quill House is investing $1 billion in Harbour Signals.",
        "Norvane and Quill House will invest $1 billion in Harbour Signals.",
        "Quill House is investing $1 billion in Harbour Signals rival Norvane.",
        "Quill House will acquire 10 percent of Harbour Signals Norway.",
        "Harbour Signals has agreed to buy $5 billion of steel from Norvane.",
        "In 2019, Quill House invests $1 billion in Harbour Signals.",
        "“Quill House will become our exclusive map provider,” said the mayor.",
        "Quill House values Harbour Signals at $1 billion.",
        "Harbour Signals would pay Quill House 20% of its revenue.",
        "Analysts believe Quill House is investing $1 billion in Harbour Signals.",
        "Unless regulators object, Quill House will invest $1 billion in Harbour Signals.",
        "Subject to approval, Quill House will invest $1 billion in Harbour Signals.",
        "Quill House is investing $1 billion in Harbour Signals’ rival Norvane.",
        "Quill House holds 27 percent of Harbour Signals’ debt.",
        "Harbour Signals is the exclusive map provider of Norvane, which Quill House knows.",
    ],
)
def test_what_hedges_denies_asks_or_means_others_proposes_nothing(text: str) -> None:
    assert said(text) == []


def test_what_remains_is_a_reaffirmation_only_of_what_is_on_record() -> None:
    text = "Inkwell will remain the exclusive maps provider for all of Harbour."
    assert said(text) == []
    assert said(text, known=ON_RECORD) == [{"term": "exclusivity/maps", "reaffirm": True}]
    assert said("Norvane will remain the exclusive maps provider.", known=ON_RECORD) == []
    assert said("Inkwell will remain the primary maps provider.", known=ON_RECORD) == []
    assert said("Norvane Inkwell will remain the exclusive maps provider.", known=ON_RECORD) == []
    assert said("Inkwell will remain the exclusive maps provider of Norvane.", known=ON_RECORD) == []


def test_of_earlier_investments_those_are_proposed_that_the_record_does_not_know() -> None:
    text = "This undisclosed investment from Quill House follows their previous investments in 2018 and 2020."
    assert said(text, known=ON_RECORD) == [
        *one(
            "investment/2021",
            TO_HARBOUR,
            {"amount": {"undisclosed": True, "stated": "undisclosed"}, "status": "announced"},
        ),
        *one("investment/2020", TO_HARBOUR, {"amount": "undisclosed"}, effective="2020"),
    ]


def test_a_term_on_record_gives_its_name_to_what_is_said_of_it() -> None:
    text = "Harbour Signals grants Quill House a license to its global ship positions."
    assert said(text, known=ON_RECORD)[0]["term"] == "license/ship-positions"
    assert said(text)[0]["term"] == "license/global-ship-positions"


def test_our_means_the_publisher_and_nobody_when_a_third_one_publishes() -> None:
    text = "Harbour Signals will become our exclusive map provider."
    assert said(text)[0]["direction"] == TO_HARBOUR
    assert said(text, speaker="Norvane Times") == []
    found = propose(f"Quill House.\n\n{text}", kinds=BUILTIN, known=[HQ], address="https://www.quillhouse.example/news")
    assert [each.statement["direction"] for each in found.statements] == [TO_HARBOUR]


def test_without_a_date_an_investment_is_undated_and_both_are_open() -> None:
    found = proposed("Quill House is investing $1 billion in Harbour Signals.", day=None)
    assert [each.statement["term"] for each in found.statements] == ["investment/undated"]
    assert [point.field for point in found.open_points] == ["announced", "statements[0].term"]


@pytest.mark.parametrize(
    ("head", "text", "quote"),
    [
        ("LONDON, June 15, 2021 – Two houses agree.", "2021-06-15", "June 15, 2021"),
        ("15 June 2021\n\nTwo houses agree.", "2021-06-15", "15 June 2021"),
        ("2021-06-15\n\nTwo houses agree.", "2021-06-15", "2021-06-15"),
        ("Tuesday, Jun. 1, 2021\n\nTwo houses agree.", "2021-06-01", "Jun. 1, 2021"),
    ],
)
def test_a_dateline_is_the_announced_date(head: str, text: str, quote: str) -> None:
    found = propose(f"Harbour Signals and Quill House\n\n{head}", kinds=BUILTIN, known=[HQ]).announced
    assert found == Dated(text, "dateline", quote)


@pytest.mark.parametrize(
    "head", ["We agreed on June 15, 2021 to meet.", "February 30, 2021", "03/04/2021", "In 2021 – as before – we met."]
)
def test_a_date_in_a_sentence_and_one_that_is_none_are_not_the_announced_date(head: str) -> None:
    assert propose(f"Harbour Signals and Quill House\n\n{head}", kinds=BUILTIN, known=[HQ]).announced is None


def test_a_date_with_two_readings_is_named_and_not_read() -> None:
    points = proposed("03/04/2021\n\nQuill House and Harbour Signals", day=None).open_points
    assert [point.detail for point in points if point.field == "announced"] == ["03/04/2021 can be two days."]


def test_a_page_about_nobody_on_record_proposes_only_its_parties() -> None:
    found = propose("Norvane met.", kinds=BUILTIN, known=[HQ], title="Norvane and Umbra Line sign a deal")
    assert (found.partnership, [party.slug for party in found.parties]) == (None, ["norvane", "umbra-line"])
    assert [point.field for point in found.open_points] == ["partnership", "announced", "statements"]


@pytest.mark.parametrize(
    ("text", "force"),
    [
        ("They signed a non-binding memorandum of understanding.", "proposed"),
        ("They agree, sources say.", "reported"),
        ("They agree.", "agreed"),
    ],
)
def test_the_force_is_what_the_words_allow(text: str, force: str) -> None:
    assert proposed(f"Harbour Signals and Quill House.\n\n{text}").force == force


def test_a_proposer_that_is_plugged_in_passes_the_same_checks() -> None:
    quote = "the maps are free"

    def free(reading: Reading) -> list[Proposal]:
        assert reading.known is HQ
        good = {"term": "clause/free-maps", "set": {"text": "maps are free"}, "quote": quote}
        return [
            Proposal(good, "free", "It says so."),
            Proposal(good | {"term": "clause/other", "quote": "the maps cost much"}, "free", "Nobody said so."),
            Proposal(good | {"term": "gift/maps"}, "free", "No such kind."),
            Proposal(good | {"term": "stake/maps", "set": {"percent": 300}}, "free", "No such share."),
            Proposal({"term": "clause/maps", "set": {"text": "x"}}, "free", "No words at all."),
        ]

    found = propose(
        f"Harbour Signals and Quill House: {quote}.", kinds=BUILTIN, known=[HQ], proposers=[("gifts", free)]
    )
    assert [(each.rule, each.statement["term"]) for each in found.statements] == [("gifts:free", "clause/free-maps")]
    assert [point.field for point in found.refused] == ["quote", "term", "set.percent", "quote"]


@pytest.mark.parametrize("again", ["A. ", "Mr. ", "Quill House’s license to Harbour ", "2019, ", "more "])
def test_no_text_takes_long_to_search_because_of_what_it_repeats(again: str) -> None:
    assert said(again * 30_000) == []


def test_a_proposer_that_fails_leaves_the_rest_as_it_is() -> None:
    def broken(_: Reading) -> list[Proposal]:
        raise ZeroDivisionError("no rules")

    text = "Quill House is investing $1 billion in Harbour Signals."
    found = propose(text, kinds=BUILTIN, known=[HQ], proposers=[("gifts", broken)])
    assert len(found.statements) == 1
    assert [point.detail for point in found.refused] == ["gifts stopped: ZeroDivisionError: no rules"]


WORDS = st.sampled_from(
    [
        *(
            "Harbour Signals",
            "Quill House",
            "We",
            "will become",
            "our",
            "exclusive",
            "cloud provider",
            "is investing",
            "in",
        ),
        *(
            "$1 billion",
            "license to",
            "through",
            "2032",
            ".",
            "\n\n",
            "27 percent",
            "of",
            "holds",
            "Azure",
            "remain",
            "the",
        ),
        *("previous investments in", "2019 and 2021", "from", "—", "“", "(", "$", "1,0"),
    ]
)


@given(st.lists(WORDS, max_size=40).map(" ".join))
def test_whatever_is_proposed_stands_in_the_text_and_fits_its_kind(text: str) -> None:
    found = proposed(text, known=ON_RECORD)
    assert not found.refused
    for each in found.statements:
        check_quote(each.statement["quote"], text, field="quote")
    assert found == proposed(text, known=ON_RECORD)
