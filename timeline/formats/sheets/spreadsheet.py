"""CSV (RFC 4180) that opens right in a spreadsheet: UTF-8 with a byte order mark, ISO dates, nothing that is run."""

from __future__ import annotations

import csv
from decimal import Decimal
from io import StringIO

from timeline.core.sheet import Cell, Sheet
from timeline.core.terms import digits
from timeline.formats.sheets.text import one_line

_STARTS_A_FORMULA = ("=", "+", "-", "@", *"\uff1d\uff0b\uff0d\uff20")
"""The last four are their full-width forms, which some spreadsheets take as well."""


def spreadsheet(sheet: Sheet) -> bytes:
    """One row for each statement.

    Numbers stand as numbers, also negative ones. A text that a spreadsheet could take for a formula has an
    apostrophe before it; its white space is folded, so that a row is a line.
    """
    out = StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([column.title for column in sheet.data.columns])
    writer.writerows([_field(cell) for cell in row] for row in sheet.data.rows)
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def _field(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case int():
            return str(cell)
        case Decimal():
            return digits(cell)
        case tuple():
            return " ".join(map(str, cell))
    text = one_line(cell)
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text
