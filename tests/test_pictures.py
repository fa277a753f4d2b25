"""Pictures of a timeline: that they stand alone, say the same as the page, and can be read on paper."""

from __future__ import annotations

import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from lxml import etree
from PIL import Image
from starlette.testclient import TestClient

from tests.conftest import Run
from tests.web import NOW, announcement, application, client, seeded, token
from timeline.core.errors import TimelineError
from timeline.formats.drawing import Drawing, Row
from timeline.formats.pictures import SVG_POLICY, Picture, png, svg
from timeline.log import Log

SVG = "{http://www.w3.org/2000/svg}"
LIVE, CITED = "/p/harbour-quill", "/p/harbour-quill@5/2022-06-01"


@pytest.fixture
def reader(log: Log, database_url: str) -> TestClient:
    return client(application(seeded(log), database_url, base_url="https://timeline.example"))


@pytest.fixture
def command(run: Run, reader: TestClient, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command over the reader's record."""
    assert reader.get("/healthz").status_code == 200
    monkeypatch.setenv("TIMELINE_DATABASE_URL", database_url)
    monkeypatch.setenv("TIMELINE_BASE_URL", "https://timeline.example")
    return run


def elements(body: bytes) -> Any:
    return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))


def grey(body: bytes) -> Image.Image:
    return Image.open(BytesIO(body)).convert("L")


def test_a_picture_shows_the_bars_of_its_page(reader: TestClient):
    """As of any day, live or cited: the same shapes, names and words, and links that lead back."""
    for place, asked in ((LIVE, ""), (LIVE, "?as_of=2021-07-01"), (CITED, "")):
        page, drawn = reader.get(place + asked), reader.get(f"{place}.svg{asked}").text

        assert page.status_code == 200
        of_page = re.search(r"<defs>.*?(?=\s*</svg>)", page.text, re.S)
        assert of_page is not None
        assert of_page[0].count('class="bar') > 5
        assert of_page[0].replace('href="/a/', 'href="https://timeline.example/a/') in drawn


def test_a_picture_stands_alone(reader: TestClient):
    """Well formed, with title and description, nothing from elsewhere, nothing that runs."""
    answer = reader.get(f"{LIVE}.svg")
    root = elements(answer.content)

    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.headers["content-security-policy"] == SVG_POLICY
    assert root.tag == f"{SVG}svg"
    assert root.findtext(f"{SVG}title") == "Harbour Signals – Quill House"
    assert "exclusivity" in root.findtext(f"{SVG}desc").lower()
    names = {each.tag.removeprefix(SVG) for each in root.iter()}
    allowed = {"svg", "title", "desc", "style", "rect", "text", "g", "defs", "pattern", "circle", "line", "a", "path"}
    assert names == allowed
    attributes = {(name, value) for each in root.iter() for name, value in each.attrib.items()}
    assert not [name for name, _ in attributes if name.startswith("on")]
    links = {value for name, value in attributes if "href" in name}
    assert links
    assert all(link.startswith("https://timeline.example/a/harbour-quill/") for link in links)
    words = [each.text for each in root.iter(f"{SVG}text")]
    assert {"in force", "begins within this span", "still ahead, as stated", "over", "today"} <= set(words)
    assert any(text.startswith("As of 2026-11-24, on the record up to @") for text in words)
    assert any(re.fullmatch(r"https://timeline\.example/p/harbour-quill@\d+/2026-11-24", text) for text in words)


def test_what_a_stranger_wrote_stays_text(log: Log, database_url: str):
    """Whatever stands in titles and values cannot become an element, a link or a style."""
    hostile = '</text><script>alert(1)</script>"\'><a href="javascript:x">&amp; ]]>'
    app = application(seeded(log), database_url)
    said = announcement()
    statement = said["statements"][0] | {
        "term": "clause/harmless",
        "set": {"text": hostile},
        "quote": f"We say {hostile}",
    }
    body = said | {
        "title": hostile,
        "statements": [statement],
        "sources": [said["sources"][0] | {"text": f"We say {hostile}"}],
    }
    posted = client(app, token(log)).post("/api/partnerships/harbour-quill/announcements", json=body)
    assert posted.status_code == 201, posted.text

    drawn = client(app).get(f"{LIVE}.svg").content

    root = elements(drawn)
    assert "script" not in {each.tag.removeprefix(SVG) for each in root.iter()}
    assert any(hostile in (each.text or "") for each in root.iter(f"{SVG}title"))
    assert client(app).get(f"{LIVE}.png").status_code == 200


def test_a_png_is_the_same_picture_in_the_same_bytes(reader: TestClient):
    for place in (LIVE, CITED):
        first, second = (reader.get(f"{place}.png") for _ in range(2))
        root = elements(reader.get(f"{place}.svg").content)

        assert first.status_code == 200
        assert first.headers["content-type"] == "image/png"
        assert first.content == second.content
        assert len(first.content) < 400_000
        assert Image.open(BytesIO(first.content)).size == (2 * int(root.get("width")), 2 * int(root.get("height")))


def test_a_picture_can_be_read_in_black_and_white(reader: TestClient):
    """On grey paper the four kinds differ by how much ink they have and how it lies, and the words are dark."""
    body = reader.get(f"{LIVE}.png").content
    root = elements(reader.get(f"{LIVE}.svg").content)
    picture = grey(body)
    legend = int(root.get("height")) - 64 + 14
    keys = [each for each in root.findall(f"{SVG}rect") if each.get("height") == "12"]
    found = []
    for key in keys:
        x, y = float(key.get("x")), float(key.get("y"))
        assert y == legend
        inside = picture.crop((2 * x + 6, 2 * y + 6, 2 * x + 46, 2 * y + 18))
        dark = sum(inside.histogram()[:140]) / (inside.width * inside.height)
        found.append(round(dark, 2))

    held, coarse, scheduled = found
    assert held > 0.95
    assert 0.15 < coarse < 0.6
    assert 0.01 < scheduled < 0.25
    assert scheduled < coarse / 1.5
    heading = picture.crop((28, 20, 700, 64)).histogram()
    assert sum(heading[:60]) > 500
    assert heading[255] > sum(heading[:60])


def test_every_word_of_the_heading_comes_from_the_font_that_comes_along():
    """A picture whose title is other letters is another picture: none of them is left blank."""
    drawing = Drawing(960, 84, (), (), ())
    pictures = [Picture(title, "As of", "https://x.example", "", drawing) for title in ("", "OpenAI", "ŽĐø – é")]

    blank, latin, other = (grey(png(each)).crop((20, 10, 400, 70)).histogram()[0:100] for each in pictures)

    assert sum(blank) == 0
    assert sum(latin) > 100
    assert sum(other) > 100
    assert latin != other


def test_a_character_that_the_font_lacks_is_marked_and_the_mark_explained():
    plain = Picture("Harbour", "As of", "https://x.example", "", None)
    lacking = replace(plain, title="Harbour 港")

    assert Image.open(BytesIO(png(lacking))).height == Image.open(BytesIO(png(plain))).height + 36
    assert "港" in svg(lacking).decode()


def test_a_timeline_too_long_for_a_png_is_refused_and_still_an_svg():
    rows = tuple(Row(26.0 + 44 * n, f"term {n}", f"clause/t{n}", ()) for n in range(500))
    long = Picture("Long", "As of", "https://x.example", "", Drawing(960, 26 + 44 * 500 + 14, rows, (), ()))
    less = replace(long, drawing=Drawing(960, 26 + 44 * 200 + 14, rows[:200], (), ()))

    with pytest.raises(TimelineError) as refused:
        png(long)

    assert (refused.value.code, ".svg" in refused.value.remedy) == ("too_large", True)
    assert elements(svg(long)).get("height") == str(long.height)
    assert Image.open(BytesIO(png(less))).width == 960


def test_a_cited_picture_is_the_same_for_ever(log: Log, database_url: str):
    """Neither what is recorded later nor another day changes it; the live one follows."""
    app = application(seeded(log), database_url)
    before = [client(app).get(place) for place in (f"{CITED}.svg", f"{CITED}.png", f"{LIVE}.svg")]
    posted = client(app, token(log)).post("/api/partnerships/harbour-quill/announcements", json=announcement())
    assert posted.status_code == 201

    after = [client(app).get(place) for place in (f"{CITED}.svg", f"{CITED}.png", f"{LIVE}.svg")]

    assert [each.content for each in after[:2]] == [each.content for each in before[:2]]
    assert after[2].content != before[2].content
    assert "immutable" in after[0].headers["cache-control"]
    assert "immutable" not in after[2].headers["cache-control"]
    assert client(app).get(f"{LIVE}.svg", headers={"If-None-Match": after[2].headers["etag"]}).status_code == 304
    assert b">today<" not in after[0].content


@pytest.mark.parametrize(
    ("address", "status", "code"),
    [
        ("/p/nobody.svg", 404, "unknown_partnership"),
        (f"{LIVE}.svg?asof=2021-01-01", 400, "unknown_parameter"),
        (f"{LIVE}.png?as_of=2021", 400, "invalid_date"),
        (f"{LIVE}.svg?term=stake/*", 400, "unknown_parameter"),
        (f"{LIVE}.svg?known_seq=1&announced_by=2021-01-01", 400, "conflicting_parameters"),
        ("/p/harbour-quill@999/2022-06-01.svg", 404, "unknown_position"),
        ("/p/harbour-quill@5/today.png", 400, "invalid_date"),
        (f"{CITED}.svg?as_of=2021-01-01", 400, "unknown_parameter"),
        (f"{LIVE}.gif", 404, "unknown_partnership"),
        ("/p/%3Cscript%3E.svg", 404, "unknown_partnership"),
    ],
)
def test_what_cannot_be_drawn_is_refused_as_everywhere(reader: TestClient, address: str, status: int, code: str):
    answer = reader.get(address, headers={"Accept": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_partnership_without_a_term_has_a_picture_that_says_so(reader: TestClient):
    """Before its first announcement was recorded there is nothing to draw, and no error."""
    answer = reader.get("/p/harbour-quill@1/2022-06-01.svg")

    assert answer.status_code == 200
    assert "No term is on record." in answer.text
    assert reader.get("/p/harbour-quill@1/2022-06-01.png").status_code == 200


def test_the_page_leads_to_its_picture(reader: TestClient):
    for page in (LIVE, f"{LIVE}?as_of=2021-07-01&announced_by=2022-01-01", CITED, f"{CITED}?announced_by=2022-01-01"):
        for suffix in ("svg", "png"):
            found = re.search(rf'href="([^"]*\.{suffix}[^"]*)"', reader.get(page).text)
            assert found is not None
            answer = reader.get(found[1].replace("&amp;", "&"))
            assert answer.status_code == 200
            if "announced_by" in page and suffix == "svg":
                assert "announced by 2022-01-01" in answer.text
    assert NOW.date().isoformat() in reader.get(f"{LIVE}.svg").text


def test_the_command_makes_the_picture_of_the_citation(command: Run, reader: TestClient, tmp_path: Path):
    """With the position of the log fixed, the same bytes as the permanent address; without it, marked with today."""
    address = ("export", "harbour-quill", "--as-of", "2022-06-01")
    for suffix in ("svg", "png"):
        out = tmp_path / f"made.{suffix}"
        made = command(*address, "--known-seq", "5", "--format", suffix, "--out", str(out))

        assert made.exit_code == 0, made.stderr
        assert out.read_bytes() == reader.get(f"{CITED}.{suffix}").content
    live = command(*address, "--format", "svg").stdout
    assert "today" in live
    assert "As of 2022-06-01" in live


@pytest.mark.parametrize(
    "also", [("--term", "stake/*"), ("--between", "2021-01-01", "2022-01-01"), ("--include", "proposed")]
)
def test_the_command_draws_the_whole_timeline_and_nothing_else(command: Run, also: tuple[str, ...]):
    refused = command("export", "harbour-quill", "--format", "svg", *also)

    assert refused.exit_code == 2
    assert f"Leave {also[0]} out" in refused.stderr
