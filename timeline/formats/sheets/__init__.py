"""Sheets as bytes. `SHEETS` is the one table of formats: to add one, write a function and a row.

The same sheet gives the same bytes: no clock, no chance, no path gets in.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from timeline.core.errors import TimelineError
from timeline.core.sheet import Sheet
from timeline.formats.sheets.markdown import cited_in_markdown, markdown
from timeline.formats.sheets.spreadsheet import spreadsheet

__all__ = ["SHEETS", "SheetFormat", "cited_in_markdown"]


class SheetFormat(NamedTuple):
    """How one format is written, and what it is called."""

    render: Callable[[Sheet], bytes]
    media_type: str
    name: str
    """What a person calls it."""
    attached: bool = False
    """Whether a browser should keep it rather than show it."""


def _extra(name: str) -> Callable[[Sheet], bytes]:
    """The maker in the module of that name, loaded when first needed: its library is large, and may be missing."""

    def render(sheet: Sheet) -> bytes:
        try:
            module = import_module(f"timeline.formats.sheets.{name}")
        except ImportError as error:
            raise TimelineError(
                "extra_missing",
                f"Word and PDF need a library that is not installed here ({error.name}).",
                "Install timeline[export]; md, csv and json need nothing more.",
            ) from error
        made: bytes = module.render(sheet)
        return made

    return render


SHEETS = {
    "docx": SheetFormat(
        _extra("word"), "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "Word", attached=True
    ),
    "pdf": SheetFormat(_extra("pdf"), "application/pdf", "PDF"),
    "csv": SheetFormat(spreadsheet, "text/csv; charset=utf-8", "CSV", attached=True),
    "md": SheetFormat(markdown, "text/markdown; charset=utf-8", "Markdown"),
    "json": SheetFormat(lambda sheet: sheet.answer, "application/json", "JSON"),
}
"""By the suffix of the address."""
