"""Fetching a page: as its host allows, hop by hop, and never from inside a network."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from starlette.responses import PlainTextResponse, Response

from tests.loopback import Answers, served
from timeline.core.errors import TimelineError
from timeline.intake import MAX_PAGE_BYTES, Fetched, fetch
from timeline.outbound import Gate

LOOPBACK = Gate(admits=lambda address: address.is_loopback, resolve=lambda _host, _port: ["127.0.0.1"])
NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)
PAGE = "<p>Norvane will pay Calder 5 million dollars.</p>"


def site(pages: Mapping[str, Response]) -> Any:
    """An application with these pages; any other is not found."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await pages.get(scope["path"], PlainTextResponse("no", 404))(scope, receive, send)

    return app


def moved(to: str, status: int = 302) -> Response:
    return Response(status_code=status, headers={"location": to})


def fetched(pages: Mapping[str, Response], path: str = "/page", host: str = "news.example") -> tuple[Fetched, Answers]:
    """The page at `path` of a site under a public-looking name, and what the site was asked."""
    with served(site(pages)) as (address, answers):
        return fetch(address.replace("127.0.0.1", host) + path, clock=lambda: NOON, gate=LOOPBACK), answers


def refusal(pages: Mapping[str, Response], path: str = "/page", gate: Gate = LOOPBACK) -> TimelineError:
    with served(site(pages)) as (address, _), pytest.raises(TimelineError) as refused:
        fetch(address.replace("127.0.0.1", "news.example") + path, clock=lambda: NOON, gate=gate)
    return refused.value


def test_a_page_comes_as_sent_with_its_type_its_address_and_the_time() -> None:
    page, answers = fetched({"/page": Response(PAGE, media_type="text/html")}, "/page?id=1#top")

    port = page.asked.split(":")[2].split("/")[0]
    assert page == Fetched(
        PAGE.encode(),
        "text/html; charset=utf-8",
        f"http://news.example:{port}/page?id=1#top",
        f"http://news.example:{port}/page?id=1",
        NOON,
    )
    assert answers == [("GET", "/robots.txt", 404), ("GET", "/page", 200)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_followed_and_the_last_address_is_the_pages(status: int) -> None:
    page, answers = fetched({"/page": moved("new#part", status), "/new": Response(PAGE)})

    assert page.address.endswith("/new")
    assert page.asked.endswith("/page")
    assert [path for _, path, _ in answers] == ["/robots.txt", "/page", "/new"]


@pytest.mark.parametrize(
    "inside", ["http://169.254.169.254/latest/meta-data/", "http://[::ffff:10.0.0.1]/", "http://inner.example/"]
)
def test_a_redirect_into_a_network_is_refused_like_the_address_itself(inside: str) -> None:
    resolve = {"news.example": ["127.0.0.1"], "inner.example": ["192.168.1.1"]}
    gate = Gate(admits=LOOPBACK.admits, resolve=lambda host, _port: resolve[host])

    refused = refusal({"/page": moved(inside)}, gate=gate)

    assert refused.code == "address_refused"
    assert "which is not on the public Internet" in refused.detail


def test_a_name_that_leads_elsewhere_after_the_redirect_is_judged_again() -> None:
    told = iter([["127.0.0.1"], ["127.0.0.1"], ["169.254.169.254"]])
    gate = Gate(admits=LOOPBACK.admits, resolve=lambda _host, _port: next(told))

    refused = refusal({"/page": moved("/next"), "/next": Response(PAGE)}, gate=gate)

    assert (refused.code, "169.254.169.254" in refused.detail) == ("address_refused", True)


def test_a_redirect_to_a_file_or_another_protocol_is_refused() -> None:
    assert refusal({"/page": moved("file:///etc/passwd")}).code == "address_refused"
    assert refusal({"/page": moved("ftp://news.example/page")}).code == "address_refused"


@pytest.mark.parametrize("written", ["http://[", "http://[::1", "https://example.org:99999/", "https://ex..org/"])
def test_what_is_no_address_is_refused_as_it_was_written_typed_or_in_a_redirect(written: str) -> None:
    with pytest.raises(TimelineError) as typed:
        fetch(written, clock=lambda: NOON, gate=LOOPBACK)

    for refused in (typed.value, refusal({"/page": moved(written)}), refusal({"/robots.txt": moved(written)})):
        assert refused.code == "address_refused"
        assert written in refused.detail


@pytest.mark.parametrize(
    "pages",
    [
        {"/page": moved("/page")},
        {"/page": moved("/other"), "/other": moved("/page#again")},
        {"/page": moved("/1")} | {f"/{n}": moved(f"/{n + 1}") for n in range(1, 50)},
    ],
    ids=["to itself", "in a circle", "without end"],
)
def test_redirects_that_lead_nowhere_end_soon_and_say_how_to_paste(pages: dict[str, Response]) -> None:
    refused = refusal(pages)

    assert refused.code == "fetch_refused"
    assert "redirects" in refused.detail
    assert "timeline draft new --page -" in refused.remedy


def test_five_redirects_are_followed() -> None:
    pages = {"/page": moved("/1")} | {f"/{n}": moved(f"/{n + 1}") for n in range(1, 5)} | {"/5": Response(PAGE)}

    assert fetched(pages)[0].address.endswith("/5")


@pytest.mark.parametrize("status", [401, 403, 404, 429, 451, 500, 503, 204, 206])
def test_a_host_that_does_not_give_the_page_is_quoted_and_pasting_is_offered(status: int) -> None:
    refused = refusal({"/page": Response(status_code=status)})

    assert refused.code == "fetch_refused"
    assert f"answers {status}" in refused.detail
    assert "paste them" in refused.remedy


@pytest.mark.parametrize(
    ("robots", "allowed"),
    [
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /page", False),
        ("User-agent: *\nDisallow: /\nUser-agent: timeline\nAllow: /", True),
        ("User-agent: timeline\nDisallow: /page\nUser-agent: *\nAllow: /", False),
        ("User-agent: *\nDisallow: /*.pdf$", True),
        ("User-agent: *\nDisallow: /p\nAllow: /page", True),
        ("\ufeffUser-agent: *\nDisallow: /page", False),
        ("\x00\xff no rules at all", True),
        ("", True),
    ],
)
def test_robots_are_respected(robots: str, allowed: bool) -> None:
    pages = {"/robots.txt": PlainTextResponse(robots), "/page": Response(PAGE)}

    if allowed:
        assert fetched(pages)[0].data == PAGE.encode()
    else:
        refused = refusal(pages)
        assert (refused.code, "robots.txt" in refused.detail) == ("fetch_refused", True)
        assert "paste them" in refused.remedy


def test_what_robots_forbid_is_not_asked_for_nor_by_a_redirect() -> None:
    robots = PlainTextResponse("User-agent: *\nDisallow: /inner")

    with served(site({"/robots.txt": robots, "/page": moved("/inner")})) as (address, answers):
        with pytest.raises(TimelineError):
            fetch(f"{address}/page", clock=lambda: NOON, gate=LOOPBACK)
        assert [path for _, path, _ in answers] == ["/robots.txt", "/page"]


@pytest.mark.parametrize("status", [500, 503, 429])
def test_robots_that_cannot_be_read_forbid(status: int) -> None:
    refused = refusal({"/robots.txt": Response(status_code=status), "/page": Response(PAGE)})

    assert (refused.code, str(status) in refused.detail) == ("fetch_refused", True)


def test_robots_may_have_moved_but_not_into_a_network() -> None:
    forbid = PlainTextResponse("User-agent: *\nDisallow: /page")

    there = refusal({"/robots.txt": moved("/rules.txt"), "/rules.txt": forbid})
    inside = refusal({"/robots.txt": moved("http://169.254.169.254/"), "/page": Response(PAGE)})
    circle = refusal({"/robots.txt": moved("/robots.txt"), "/page": Response(PAGE)})

    assert [each.code for each in (there, inside, circle)] == ["fetch_refused", "address_refused", "fetch_refused"]


def test_every_host_on_the_way_is_asked_for_its_robots_once() -> None:
    with served(site({"/page": Response(PAGE)})) as (other, theirs):
        away = moved(f"{other.replace('127.0.0.1', 'other.example')}/page")
        page, ours = fetched({"/page": moved("/on"), "/on": away})

    assert page.address.startswith("http://other.example:")
    assert [path for _, path, _ in ours] == ["/robots.txt", "/page", "/on"]
    assert [path for _, path, _ in theirs] == ["/robots.txt", "/page"]


def test_a_page_of_fifty_megabytes_is_left_where_the_limit_is() -> None:
    refused = refusal({"/page": Response(bytes(50_000_000))})

    assert (refused.code, f"{MAX_PAGE_BYTES // 1_000_000} MB" in refused.detail) == ("too_large", True)


def test_a_page_compressed_all_the_same_is_refused_not_misread() -> None:
    refused = refusal({"/page": Response(b"\x1f\x8b", headers={"content-encoding": "gzip"})})

    assert (refused.code, "gzip" in refused.detail) == ("fetch_refused", True)


def test_time_is_counted_for_all_hops_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("timeline.intake.fetching.SECONDS", 0)

    refused = refusal({"/page": Response(PAGE)})

    assert (refused.code, "timed out" in refused.detail) == ("address_unreachable", True)


def test_without_the_extra_the_refusal_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "protego", None)

    refused = refusal({"/page": Response(PAGE)})

    assert (refused.code, "timeline[ingest]" in refused.remedy) == ("extra_missing", True)
