"""Money, percentages, days and sentences in English prose. What could be read in two ways is not read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from timeline.core.dates import coarse
from timeline.core.errors import TimelineError
from timeline.core.proposing.values import Dated

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)
MONTH = "(?:" + "|".join(f"{name}|{name[:3]}\\.?" for name in MONTHS) + "|sept\\.?)"
_YEAR = r"(?:19|20)\d\d"
DAY = (
    rf"(?:(?i:{MONTH})\s+\d{{1,2}}(?:st|nd|rd|th)?,?\s+{_YEAR}|\d{{1,2}}(?:st|nd|rd|th)?\s+(?i:{MONTH})\s+{_YEAR}"
    rf"|{_YEAR}-\d\d-\d\d|(?i:{MONTH})\s+{_YEAR}|{_YEAR}(?![-\d]))"
)
"""A day, a month or a year in words or in figures; 03/04/2025 is none, for it is two."""
AMBIGUOUS = re.compile(rf"\b\d{{1,2}}[/.]\d{{1,2}}[/.]{_YEAR}\b")
UNTIL = re.compile(rf"\b(?:through|until|till)\s+(?:the\s+end\s+of\s+)?(?P<day>{DAY})")
EFFECTIVE = re.compile(
    rf"\b(?:effective(?:\s+(?:from|on|as\s+of))?|with\s+effect\s+from|(?:starting|beginning)(?:\s+(?:in|on))?)\s+"
    rf"(?P<day>{DAY})"
)

_SYMBOLS = {"US$": "USD", "A$": "AUD", "C$": "CAD", "$": "USD", "€": "EUR", "£": "GBP", "¥": "JPY"}
_CODES = ("USD", "EUR", "GBP", "CHF", "JPY", "AUD", "CAD")
_NAMED = {"dollars": "USD", "euros": "EUR", "pounds": "GBP"}
_TIMES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12, "k": 3, "m": 6, "mn": 6, "bn": 9, "b": 9, "tn": 12}
_FIGURE = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?"
_BOUND = {
    "about": r"about|approximately|roughly|around|some|nearly|almost",
    "at_least": r"more\s+than|over|at\s+least|upwards\s+of",
    "at_most": r"up\s+to|at\s+most|less\s+than|no\s+more\s+than",
}
_QUALIFIER = "".join(rf"(?:(?P<{{prefix}}{name}>{words})\s+)?" for name, words in _BOUND.items())
_SENTENCE_END = re.compile(r"(?<=[.!?])[\"”’)\]]*\s+(?=[\"“‘(\[]?[A-Z0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:Inc|Corp|Ltd|Co|LLC|Mr|Mrs|Ms|Dr|No|St|vs|approx|Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)"
    r"|\b[A-Z](?:\.[A-Z])*)\.$"
)
_LONGEST_ABBREVIATION = 20  # characters; looked back for, however long the paragraph


def money(name: str) -> str:
    """The pattern of an amount of money, whose groups begin with `name`; `amount` reads a match."""
    symbols = "|".join(map(re.escape, _SYMBOLS))
    times = "|".join(sorted(_TIMES, key=len, reverse=True))
    return (
        _QUALIFIER.format(prefix=name)
        + rf"(?:(?:(?P<{name}symbol>{symbols})|(?P<{name}code>{'|'.join(_CODES)})\s?)(?P<{name}figure>{_FIGURE})"
        + rf"(?:[\s-]?(?P<{name}times>(?i:{times}))\b)?"
        + rf"|(?P<{name}bare>{_FIGURE})\s+(?P<{name}scale>thousand|million|billion|trillion)\s+(?:US\s+|U\.S\.\s+)?"
        + rf"(?P<{name}named>{'|'.join(_NAMED)}))(?![\d%])"
    )


def amount(match: re.Match[str], name: str) -> dict[str, Any]:
    """What a match of `money(name)` says, in the announcement file's form."""
    figure = match[f"{name}figure"] or match[f"{name}bare"]
    times = match[f"{name}times"] or match[f"{name}scale"]
    if match[f"{name}named"]:
        currency = _NAMED[match[f"{name}named"]]
    else:
        currency = match[f"{name}code"] or _SYMBOLS[match[f"{name}symbol"]]
    return {_form(match, name): _plain(figure, _TIMES[times.lower()] if times else 0), "currency": currency}


def percent(name: str) -> str:
    """The pattern of a percentage, whose groups begin with `name`; `share` reads a match."""
    return _QUALIFIER.format(prefix=name) + rf"(?P<{name}figure>\d{{1,2}}(?:\.\d+)?|100)\s?(?:%|percent\b|per\s+cent\b)"


def share(match: re.Match[str], name: str) -> int | Decimal | dict[str, Any]:
    """What a match of `percent(name)` says, in the announcement file's form."""
    form, figure = _form(match, name), _plain(match[f"{name}figure"], 0)
    return figure if form == "value" else {form: figure}


def day_of(text: str) -> str | None:
    """A match of `DAY` as 2019-07-22, 2019-07 or 2019; None where there is no such day."""
    words = re.split(r"[\s,]+", re.sub(r"(?<=\d)(?:st|nd|rd|th)\b", "", text.strip()))
    month = next((place for place, word in enumerate(words) if word[0].isalpha()), None)
    if month is None:
        found = text.strip()
    else:
        named = words.pop(month).lower()[:3]
        number = next(n for n, name in enumerate(MONTHS, 1) if name.startswith(named))
        found = f"{words[-1]}-{number:02}" + (f"-{int(words[0]):02}" if len(words) == 2 else "")
    try:
        return coarse(found).text
    except TimelineError:
        return None


def dated(text: str, found_in: str) -> Dated | None:
    """The one date that `text` is or begins with."""
    match = re.match(rf"\s*(?:\w+day,\s+)?(?P<day>{DAY})", text)
    found = match and day_of(match["day"])
    return Dated(found, found_in, match["day"]) if match and found else None


def sentences(main: str) -> Iterator[str]:
    """The sentences of each paragraph, as they stand."""
    for paragraph in main.split("\n\n"):
        begin = 0
        for end in _SENTENCE_END.finditer(paragraph):
            if not _ABBREVIATION.search(paragraph, max(begin, end.start() - _LONGEST_ABBREVIATION), end.start()):
                yield paragraph[begin : end.start()].strip()
                begin = end.end()
        if paragraph[begin:].strip():
            yield paragraph[begin:].strip()


def _form(match: re.Match[str], name: str) -> str:
    return next((form for form in _BOUND if match[f"{name}{form}"]), "value")


def _plain(figure: str, zeros: int) -> int | Decimal:
    number = Decimal(figure.replace(",", "")).scaleb(zeros)
    return int(number) if number == number.to_integral_value() else number.normalize()
