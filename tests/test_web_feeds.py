"""The feeds over HTTP, as readers ask for them: validators, codings, and one answer whatever is accepted."""

from __future__ import annotations

import gzip
import html
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import brotli
import pytest
from starlette.testclient import TestClient

from tests.conftest import Clock
from tests.test_acts import OPENING, asked, stake
from timeline.acts import Desk
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log
from timeline.publishing import publish
from timeline.settings import Settings, load
from timeline.web.app import create_app

SEEDS = Path(__file__).parent.parent / "seeds"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(load({}, {}), feeds_dir=tmp_path / "feeds", head_entries=20)


@pytest.fixture
def reader(log: Log, clock: Clock, settings: Settings) -> Iterator[TestClient]:
    """Somebody who asks for the published seeds."""
    Desk(log, BUILTIN, clock).import_files(walk([SEEDS]))
    publish(log, BUILTIN, settings, clock.now.date())
    with TestClient(create_app(settings, log, BUILTIN, clock), base_url="http://testserver") as client:
        client.headers["accept-encoding"] = "identity"
        yield client


def test_a_feed_is_the_published_file_with_its_type_and_validators(reader: TestClient, settings: Settings) -> None:
    for suffix, media_type in (
        ("atom", "application/atom+xml; charset=utf-8"),
        ("rss", "application/rss+xml; charset=utf-8"),
        ("json", "application/feed+json; charset=utf-8"),
    ):
        found = reader.get(f"/feeds/openai-microsoft/stake.{suffix}")

        assert found.content == (settings.feeds_dir / f"openai-microsoft/stake.{suffix}").read_bytes()
        assert found.headers["content-type"] == media_type
        assert found.headers["cache-control"] == "public, max-age=300"
        assert found.headers["vary"] == "Accept-Encoding"
        assert found.headers["access-control-allow-origin"] == "*"
        assert found.headers["last-modified"].endswith(" GMT")


def test_who_has_the_bytes_is_told_so(reader: TestClient) -> None:
    """RFC 9110 §13: If-None-Match by weak comparison, lists and *; it wins over If-Modified-Since."""
    first = reader.get("/feeds/all.atom")
    etag, modified = first.headers["etag"], first.headers["last-modified"]
    later, sooner = "Fri, 01 Jan 2038 00:00:00 GMT", "Sat, 01 Jan 2000 00:00:00 GMT"

    def status(**headers: str) -> int:
        found = reader.get(
            "/feeds/all.atom", headers={name.replace("_", "-"): value for name, value in headers.items()}
        )
        assert found.headers["etag"] == etag
        assert (found.status_code == 304) is (found.content == b"")
        return found.status_code

    assert status(if_none_match=etag) == 304
    assert status(if_none_match=f'"other", W/{etag}') == 304
    assert status(if_none_match="*") == 304
    assert status(if_none_match='"other"') == 200
    assert status(if_modified_since=modified) == 304
    assert status(if_modified_since=later) == 304
    assert status(if_modified_since=sooner) == 200
    assert status(if_modified_since="yesterday") == 200
    assert status(if_none_match='"other"', if_modified_since=later) == 200
    assert status(if_none_match=etag, if_modified_since=sooner) == 304


def test_a_coding_changes_the_etag_and_not_the_content(reader: TestClient) -> None:
    plain = reader.get("/feeds/all.atom")

    def asked(accepted: str) -> tuple[str, bytes, str]:
        with reader.stream("GET", "/feeds/all.atom", headers={"accept-encoding": accepted}) as found:
            return found.headers.get("content-encoding", ""), b"".join(found.iter_raw()), found.headers["etag"]

    squeezed, broken, refused = asked("gzip"), asked("gzip, br"), asked("gzip;q=0, *;q=0")

    assert (squeezed[0], gzip.decompress(squeezed[1])) == ("gzip", plain.content)
    assert (broken[0], brotli.decompress(broken[1])) == ("br", plain.content)
    assert refused == ("", plain.content, plain.headers["etag"])
    assert len({plain.headers["etag"], squeezed[2], broken[2]}) == 3
    assert reader.get("/feeds/all.atom", headers={"if-none-match": squeezed[2]}).status_code == 304


def test_the_answer_is_the_same_whatever_a_reader_accepts(reader: TestClient) -> None:
    assert {
        reader.get("/feeds/all.rss", headers={"accept": accepted}).content
        for accepted in ("text/html", "application/atom+xml", "*/*", "image/png")
    } == {reader.get("/feeds/all.rss").content}


def test_head_is_get_without_a_body(reader: TestClient) -> None:
    got, headed = reader.get("/feeds/all.json"), reader.head("/feeds/all.json")

    assert (headed.status_code, headed.content) == (200, b"")
    assert headed.headers["etag"] == got.headers["etag"]


def test_a_node_that_published_nothing_gives_the_same_bytes(
    reader: TestClient, log: Log, clock: Clock, settings: Settings, tmp_path: Path
) -> None:
    """From the database, heads and archive pages alike."""
    elsewhere = replace(settings, feeds_dir=tmp_path / "nothing here")
    with TestClient(create_app(elsewhere, log, BUILTIN, clock), base_url="http://testserver") as other:
        for name in ("all.atom", "party/openai.json", "everything/archive/1-20.rss", "kind/stake.rss"):
            assert other.get(f"/feeds/{name}").content == reader.get(f"/feeds/{name}").content


def test_a_page_that_can_never_change_may_be_kept_for_ever(reader: TestClient) -> None:
    """The newest page may still get a link to its successor."""
    sealed, newest = (
        reader.get("/feeds/everything/archive/1-20.atom"),
        reader.get("/feeds/everything/archive/21-40.atom"),
    )

    assert sealed.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert newest.headers["cache-control"] == "public, max-age=300"


def test_what_is_no_feed_is_not_found(reader: TestClient) -> None:
    for path in (
        "/feeds/openai-microsft.atom",
        "/feeds/all.xml",
        "/feeds/../timeline.atom",
        "/feeds/..%2f..%2fetc%2fpasswd.atom",
        "/feeds/.published.json",
        "/feeds/everything/archive/1-21.atom",
        "/feeds/nobody",
    ):
        found = reader.get(path)
        assert (found.status_code, found.json()["code"]) in ((404, "unknown_feed"), (404, "unknown_address")), path
    assert "openai-microsoft" in reader.get("/feeds/openai-microsft.atom").json()["remedy"]


def test_a_list_of_ones_own_is_a_feed(reader: TestClient) -> None:
    both = reader.get("/feeds/mine.json?p=harbour-quill&p=openai-microsoft").json()["items"]

    assert {item["id"].partition(":")[2].partition(":")[2].partition("/")[0] for item in both} >= {"openai-microsoft"}
    assert len(both) == 20
    assert reader.get("/feeds/mine.json").json()["code"] == "missing_parameter"
    assert reader.get("/feeds/mine.json?p=nobody").json()["code"] == "unknown_partnership"
    assert reader.get("/feeds/mine.json?partnership=x").json()["code"] == "unknown_parameter"


def test_a_feed_has_a_page_for_people(reader: TestClient) -> None:
    """Its address without suffix: what changed lately, and the addresses to copy."""
    for name, addresses in (
        ("openai-microsoft/stake", "/feeds/openai-microsoft/stake.atom"),
        ("mine?p=harbour-quill", "/feeds/mine.rss?p=harbour-quill"),
        ("all", "/feeds/all.json"),
    ):
        found = reader.get(f"/feeds/{name}", headers={"accept": "text/html"})
        assert (found.status_code, found.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert f"http://127.0.0.1:8000{addresses}" in found.text
        newest = reader.get(f"/feeds/{name.replace('?', '.json?')}" if "?" in name else f"/feeds/{name}.json")
        assert newest.json()["items"][0]["title"] in html.unescape(found.text)


def test_writing_to_a_feed_is_not_possible(reader: TestClient) -> None:
    found = reader.post("/feeds/all.atom")

    assert (found.status_code, "GET" in found.headers["allow"]) == (405, True)


def test_a_node_that_does_not_publish_serves_no_folder_that_was_left_behind(
    reader: TestClient, log: Log, clock: Clock, settings: Settings, tmp_path: Path
) -> None:
    """It led once, and its folder is as it was then; another node publishes into a folder of its own."""
    app = create_app(settings, log, BUILTIN, clock, leads=lambda: False)
    old = reader.get("/feeds/all.atom").content
    with TestClient(app) as elsewhere:
        assert elsewhere.get("/feeds/all.atom").content == old
        Desk(log, BUILTIN, clock).append(asked(OPENING))
        Desk(log, BUILTIN, clock).append(asked(stake(10, "2021-01-01")))
        other = replace(settings, feeds_dir=tmp_path / "other")
        publish(log, BUILTIN, other, clock.now.date())

        for name in ("all.atom", "acme-bolt.json"):
            assert elsewhere.get(f"/feeds/{name}").content == (other.feeds_dir / name).read_bytes() != old
