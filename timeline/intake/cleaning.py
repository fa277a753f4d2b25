"""From bytes to a text that can be kept and shown: decoded, with one kind of line end, and nothing invisible in it."""

from __future__ import annotations

import codecs
import re

from timeline.intake.page import Cleaned

_DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_INVISIBLE = {
    "null_bytes": re.compile("\x00"),
    "control_characters": re.compile("[\x01-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]"),
    "bidi_marks": re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
}
_WORDS = {
    "null_bytes": "null bytes",
    "control_characters": "control characters",
    "bidi_marks": "marks that turn the direction of writing",
}


def decoded(data: bytes, charset: str | None) -> tuple[str, list[Cleaned]]:
    """The text of some bytes: by their mark, as declared, as UTF-8, and as a last resort as Windows-1252."""
    marked = next((name for mark, name in _MARKS.items() if data.startswith(mark)), None)
    in_page = _DECLARED.search(data[:4096])
    declared = marked or charset or (in_page[1].decode("ascii", "replace") if in_page else None)
    wrong: list[Cleaned] = []
    for name in filter(None, (declared, "utf-8")):
        try:
            return data.decode(_known(name)), wrong
        except UnicodeDecodeError as error:
            wrong = [Cleaned("wrong_encoding", f"It is not {name[:40]}: byte {error.start} cannot be read so.")]
        except LookupError:
            wrong = [Cleaned("wrong_encoding", f"Nobody knows the encoding “{name[:40]}” that it declares.")]
    return data.decode("cp1252", "replace"), [
        Cleaned("wrong_encoding", "It is not UTF-8; it was read as Windows-1252. Compare accents and quotation marks.")
    ]


def cleaned(text: str) -> tuple[str, list[Cleaned]]:
    """The text with one kind of line end and without what nobody sees, and what was taken out."""
    text = (
        text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").replace("\v", "\n")
    )
    taken = []
    for code, invisible in _INVISIBLE.items():
        text, count = invisible.subn("", text)
        if count:
            taken.append(Cleaned(code, f"Taken out: {_WORDS[code]} ({count})."))
    return text, taken


_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


def _known(name: str) -> str:
    """The codec of a declared name; ISO 8859-1 and ASCII mean Windows-1252, as browsers take them."""
    codec = codecs.lookup(name)
    if not codec._is_text_encoding:  # the library has no other word for "turns bytes into text"
        raise LookupError(name)
    return "cp1252" if codec.name in ("iso8859-1", "ascii") else codec.name
