"""A drawing as SVG: inside a page, and as a picture that stands alone, with its own styles and legend; and as PNG."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from html import escape
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from timeline.core.errors import TimelineError
from timeline.formats.drawing import WIDTH, Bar, Drawing, Row, drawing

Json = dict[str, Any]
_SVG = "http://www.w3.org/2000/svg"
_TOP, _LEGEND, _NOTE = 66, 64, 18
_MOST_PIXELS = 20_000_000
"""What a PNG may have: at four bytes each they stand in memory at once."""
_TITLE_LETTERS = 84
"""How many letters of the title's size have room."""
_PATTERNS = (
    '<defs><pattern id="coarse" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
    '<rect class="paper" width="7" height="7"/><rect class="ink" width="2" height="7"/></pattern>'
    '<pattern id="ahead" width="6" height="6" patternUnits="userSpaceOnUse">'
    '<rect class="paper" width="6" height="6"/><circle class="ink" cx="2" cy="2" r="1"/></pattern></defs>'
)
_STYLE = """
text { font: 12px "Source Sans Pro", "Source Sans 3", system-ui, sans-serif; fill: #1d2126; }
.title { font-size: 20px; font-weight: 700; }
.small { font-size: 11px; fill: #4d555e; }
.strong { fill: #1d2126; font-weight: 700; }
.label { font-weight: 700; paint-order: stroke; stroke: #fff; stroke-width: 4px; }
.year { stroke: #d0d0d0; }
.bar { stroke: #2f5d8c; stroke-width: 1.5; }
rect.held { fill: #2f5d8c; stroke: #fff; }
rect.scheduled { fill: url(#ahead); stroke-dasharray: 4 3; }
.coarse { fill: url(#coarse); stroke: #2f5d8c; stroke-width: 1.5; }
.paper { fill: #fff; }
.ink, .on { fill: #2f5d8c; }
.inside { font-size: 11px; }
.inside.held { fill: #fff; }
.inside.scheduled, .inside.over-coarse { fill: #1d2126; }
.over { stroke: #4d555e; stroke-width: 1.5; stroke-dasharray: 1 4; }
.stop { stroke: #1d2126; stroke-width: 2; }
.mark { stroke: #1d2126; stroke-width: 1.5; }
.mark.as-of { stroke-dasharray: 6 3; stroke-width: 2.5; }
"""
SVG_POLICY = f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
"""The Content-Security-Policy under which a picture shows as it is meant: its own styles and nothing else."""
_KEYS = (("held", "in force"), ("coarse", "begins within this span"), ("scheduled", "still ahead, as stated"))


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing with what must be said beside it, since it travels alone."""

    title: str
    clocks: str
    """Which day, and as known when, in words."""
    address: str
    """The permanent address of the state that it shows."""
    base_url: str
    drawing: Drawing | None
    """None where no term was ever on record."""

    @property
    def height(self) -> int:
        return _TOP + (40 if self.drawing is None else self.drawing.height) + _LEGEND


def picture(timeline: Json, as_of: date, today: date | None, base_url: str) -> Picture:
    """The picture of a timeline: what `drawing` makes of the same arguments, with its title, clocks and address."""
    resolved, slug = timeline["resolved"], timeline["partnership"]
    recorded = f" ({resolved['known_at']})" if resolved["known_at"] else ""
    clocks = f"As of {as_of}, on the record up to @{resolved['known_seq']}{recorded}"
    address = f"{base_url}/p/{slug}@{resolved['known_seq']}/{as_of}"
    if resolved["announced_by"]:
        clocks += f", counting only what had been announced by {resolved['announced_by']}"
        address += f"?{urlencode({'announced_by': resolved['announced_by']})}"
    return Picture(timeline["name"], clocks, address, base_url, drawing(timeline, as_of, today))


def svg(picture: Picture) -> bytes:
    """The picture as SVG 1.1 that needs nothing from elsewhere; its texts stay text."""
    return _document(picture, picture.height, []).encode()


def png(picture: Picture) -> bytes:
    """The picture as PNG, twice as fine as its measure where it is not too large; the same bytes everywhere.

    Raises:
        TimelineError: `extra_missing`; `too_large` for more terms than a PNG has room for.
    """
    try:
        import font_source_sans_pro as fonts  # noqa: PLC0415  # part of the extra
        from reportlab.pdfbase.ttfonts import TTFontFile  # noqa: PLC0415  # the same
        from resvg_py import svg_to_bytes  # noqa: PLC0415  # the same
    except ImportError as error:
        raise TimelineError(
            "extra_missing",
            f"A PNG needs a library that is not installed ({error.name}).",
            "Install timeline[export]; the picture as .svg needs nothing more.",
        ) from error
    height = picture.height + _NOTE
    zoom = next((zoom for zoom in (2, 1) if WIDTH * height * zoom * zoom <= _MOST_PIXELS), None)
    if zoom is None:
        raise TimelineError(
            "too_large",
            f"A PNG of this timeline would be {height} pixels high.",
            "Take it as .svg, which has no such limit.",
        )
    cuts = [fonts.font_files_ttf[cut] for cut in ("SourceSansPro", "SourceSansProBold")]
    has = TTFontFile(cuts[0]).charToGlyph
    text = _document(picture, picture.height, [])
    lacks = {ord(each): "◊" for each in set(text) if ord(each) not in has and each != "\n"}
    if lacks:
        text = _document(
            picture, height, ["◊ stands for a character that the font of this picture does not have; the .svg has it."]
        ).translate(lacks)
    return bytes(
        svg_to_bytes(
            svg_string=text,
            background="#ffffff",
            zoom=zoom,
            skip_system_fonts=True,
            font_files=cuts,
            font_family="Source Sans Pro",
            sans_serif_family="Source Sans Pro",
        )
    )


class PictureFormat(NamedTuple):
    render: Callable[[Picture], bytes]
    media_type: str


PICTURES = {"svg": PictureFormat(svg, "image/svg+xml"), "png": PictureFormat(png, "image/png")}
"""By the suffix of the address."""


def drawn(drawing: Drawing, base_url: str = "") -> str:
    """The elements of the drawing, for an svg element of its size whose styles know their classes.

    Args:
        base_url: What the links to the announcements begin with.
    """
    return "\n".join([_PATTERNS, *_elements(drawing, base_url)])


def _document(picture: Picture, height: int, notes: list[str]) -> str:
    short = picture.title if len(picture.title) <= _TITLE_LETTERS else f"{picture.title[: _TITLE_LETTERS - 1]}…"
    below = picture.height - _LEGEND
    parts = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<svg xmlns="{_SVG}" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}" role="img">',
        f"<title>{escape(picture.title)}</title>",
        f"<desc>{escape(_described(picture))}</desc>",
        f"<style>{_STYLE}</style>",
        f'<rect class="paper" width="{WIDTH}" height="{height}"/>',
        f'<text class="title" x="14" y="28">{escape(short)}</text>',
        f'<text x="14" y="48">{escape(picture.clocks)}</text>',
        f'<g transform="translate(0 {_TOP})">',
        '<text x="14" y="24">No term is on record.</text>'
        if picture.drawing is None
        else drawn(picture.drawing, picture.base_url),
        "</g>",
        *_legend(below + 14),
        f'<text class="small" x="14" y="{below + 50}">{escape(picture.address)}</text>',
        *(
            f'<text class="small" x="14" y="{below + _LEGEND + 4 + place * _NOTE}">{escape(note)}</text>'
            for place, note in enumerate(notes)
        ),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _described(picture: Picture) -> str:
    """The picture in words, for whoever does not see it."""
    if picture.drawing is None:
        return f"{picture.clocks}. No term is on record."
    bars = (bar.title for row in picture.drawing.rows for bar in row.bars)
    return f"{picture.clocks}. Each term’s life, one row each. {'. '.join(bars)}."


def _legend(y: float) -> Iterator[str]:
    x = 14.0
    for kind, words in _KEYS:
        shape = "coarse" if kind == "coarse" else f"bar {kind}"
        yield f'<rect class="{shape}" x="{x}" y="{y}" width="26" height="12"/>'
        yield f'<text x="{x + 32}" y="{y + 10}">{words}</text>'
        x += 58 + 6.2 * len(words)
    yield _over(x, 26, y + 6)
    yield f'<text x="{x + 32}" y="{y + 10}">over</text>'


def _elements(drawing: Drawing, base_url: str) -> Iterator[str]:
    for year in drawing.years:
        yield f'<line class="year" x1="{year.x}" x2="{year.x}" y1="46" y2="{drawing.height}"/>'
        yield f'<text class="small" x="{year.x + 3}" y="42">{year.text}</text>'
    for row in drawing.rows:
        yield f'<text class="label" x="14" y="{row.y + 14}">{escape(row.label)}</text>'
        for bar in row.bars:
            address = f"{base_url}/a/{quote(bar.governed_by.split('#')[0])}"
            scheduled = " (scheduled)" if bar.kind == "scheduled" else ""
            yield f'<a href="{escape(address)}" aria-label="{escape(bar.title)}{scheduled}">'
            yield f"<title>{escape(bar.title)}</title>"
            yield from _bar(row, bar)
            yield "</a>"
    for mark in drawing.marks:
        x = mark.x + (4 if mark.anchor == "start" else -4)
        head = 3 if mark.kind == "as-of" else 16  # each on a line of its own: the two days may be close
        yield f'<line class="mark {mark.kind}" x1="{mark.x}" x2="{mark.x}" y1="{head}" y2="{drawing.height}"/>'
        place = f'x="{x}" y="{head + 9}" text-anchor="{mark.anchor}"'
        yield f'<text class="small strong" {place}>{mark.text}</text>'


def _bar(row: Row, bar: Bar) -> Iterator[str]:
    if bar.kind == "over":
        yield _over(bar.x, bar.width, row.y + 29)
        return
    place = f'x="{bar.x}" y="{row.y + 20}" height="18"'
    yield f'<rect class="bar {bar.kind}" {place} width="{bar.width}"/>'
    if bar.hatched:
        yield f'<rect class="coarse" {place} width="{bar.hatched}"/>'
    if bar.goes_on:
        yield f'<path class="on" d="M {bar.x + bar.width} {row.y + 20} l 8 9 l -8 9 z"/>'
    if bar.text:
        over = " over-coarse" if bar.text_on_coarse else ""
        if bar.text_on_coarse or bar.kind == "scheduled":  # words over a pattern cannot be read
            yield f'<rect class="paper" x="{bar.text_x - 3}" y="{row.y + 21}" width="{bar.text_width}" height="16"/>'
        yield f'<text class="inside {bar.kind}{over}" x="{bar.text_x}" y="{row.y + 33}">{escape(bar.text)}</text>'


def _over(x: float, width: float, y: float) -> str:
    """The sign of a term that is over: a stop, and dots after it."""
    return (
        f'<line class="over" x1="{x}" x2="{x + width}" y1="{y}" y2="{y}"/>'
        f'<line class="stop" x1="{x}" x2="{x}" y1="{y - 8}" y2="{y + 8}"/>'
    )
