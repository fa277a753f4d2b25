"""Markdown (CommonMark with tables) that pastes into an issue: whatever is quoted stays text there."""

from __future__ import annotations

import re

from timeline.core.sheet import Cell, Citation, Sheet, Table
from timeline.formats.sheets.text import asking_again, linkable, one_line, shown, standing, words

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|~$&!#])")
_CALLS = re.compile(
    r"(?<=[@#])(?=[\w\\])|(?<=:)(?=[\w+-]*[a-z_+-][\w+-]*:)|(?<=GH-)(?=\d)|(?<=[!&%^])(?=\d)|(?<=~)(?=\w)",
    re.IGNORECASE,
)
"""Where a mention, a reference to an issue or the name of an emoji would begin, on the usual forges."""
_STARTS_A_BLOCK = re.compile(r"\A(\d{1,9}(?=[.)])|(?=[-+=]))")
"""What a list or an underline would begin with; a backslash is to stand before the sign, not before the digits."""
_JOINER = "\N{WORD JOINER}"
_ENCODED = {"<": "%3C", ">": "%3E", " ": "%20", "|": "%7C", "\\": "%5C"}


def markdown(sheet: Sheet) -> bytes:
    """The whole sheet; each quote is numbered, each number leads to its source."""
    lines = [f"# {escaped(sheet.title)}", "", f"**{escaped(sheet.question)}**", ""]
    lines += [f"{escaped(' '.join(sheet.clocks))}", ""]
    for section in sheet.sections:
        lines += [f"## {escaped(section.heading)}", ""]
        for note in section.notes:
            lines += [escaped(note), ""]
        if section.table is not None:
            lines += [*_table(section.table), ""]
    if sheet.quotes:
        lines += ["## The words behind it", ""]
    for number, quote in enumerate(sheet.quotes, start=1):
        source = f"[source]({_address(quote.url)})" if quote.url and linkable(quote.url) else "no address"
        record = f"[{_code(quote.statement)}]({_address(quote.address)})"
        lines += [
            f"**\\[{number}\\] {escaped(quote.about)}**",
            "",
            f"> {escaped(words(quote))}",
            "",
            f"{escaped(standing(quote))} {source} · {record}, recorded {quote.recorded_at[:10]}",
            "",
        ]
    lines += [
        "## To ask again",
        "",
        cited_in_markdown(sheet.citation),
        "",
    ]
    for label, what in asking_again(sheet, "md"):
        lines.append(f"- {escaped(label)}: " + (f"<{_address(what)}>" if linkable(what) else _code(what)))
    return ("\n".join(lines) + "\n").encode()


def cited_in_markdown(citation: Citation) -> str:
    """The citation as a link, with its digest."""
    said, _, digest = citation.text.rpartition(", sha256 ")
    return f"[{escaped(said)}]({_address(citation.link())}), sha256 {_code(digest)}"


def escaped(text: str) -> str:
    """The text as text: no markup, no HTML, no mention, no reference to an issue; on one line."""
    safe = _CALLS.sub(_JOINER, _SPECIAL.sub(r"\\\1", one_line(text) or "–"))
    return _STARTS_A_BLOCK.sub(r"\1\\", safe)


def _table(table: Table) -> list[str]:
    head = [escaped(column.title) for column in table.columns]
    return [_row(head), _row(["---"] * len(head)), *(_row([_cell(cell) for cell in row]) for row in table.rows)]


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(cell: Cell) -> str:
    return "<br>".join(escaped(line) for line in shown(cell).splitlines() if line.strip()) or "–"


def _address(text: str) -> str:
    """The address with what would end a link in it encoded."""
    encoded = "".join(_ENCODED.get(character, character) for character in text)
    return encoded.replace("(", "%28").replace(")", "%29")


def _code(text: str) -> str:
    """The text as code, in which nothing is markup."""
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{one_line(text)}{pad}{fence}"
