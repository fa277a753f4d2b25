"""Laws of the pages, seen in a real browser: every page can be used by everybody, with and without JavaScript."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from tests.web import ROOT

SCREENSHOTS = ROOT / "var" / "screenshots"
PAGES = {
    "home": "/",
    "partnership": "/p/openai-microsoft",
    "past": "/p/openai-microsoft?as_of=2025-01-20",
    "future": "/p/harbour-quill?as_of=2029-06-01",
    "known-before": "/p/harbour-quill?as_of=2023-01-01&announced_by=2022-01-01",
    "cited": "/p/harbour-quill@9/2022-01-20",
    "compare": "/p/openai-microsoft/compare?from=2025-01-20&to=2025-01-22",
    "term": "/p/harbour-quill/t/revenue-share/quill-to-harbour",
    "announcement": "/a/harbour-quill/2",
    "retracted": "/a/harbour-quill/9",
    "search": "/search?q=exclusive",
    "search-filtered": "/search?q=exclusive&partnership=harbour-quill&kind=exclusivity&since=2019-01-01&until=",
    "in-force": "/in-force?as_of=2025-11-01&limit=12",
    "in-force-nothing": "/in-force?as_of=1999-01-01&known_at=2026-01-01&kind=exclusivity&party=quill&term=*",
    "leads": "/leads",
    "subscribe": "/subscribe",
    "feed": "/feeds/harbour-quill/stake",
    "subscribe-to-one": "/p/harbour-quill/subscribe",
    "status": "/status",
    "sign-in": "/sign-in",
    "problem": "/p/harbor-quill",
}
YAML = """\
partnership: harbour-quill
title: Quill House <i>pays</i> {percent} percent
announced: 2026-02-03
sources:
  - tier: party
    publisher: Harbour Signals
    text: From March 2026 Quill House pays us {percent} percent of net sales.
statements:
  - term: revenue-share/quill-to-harbour
    set: {{percent: {percent}}}
    effective: 2026-03-01
    quote: Quill House pays us {percent} percent
"""


def opened(browser: Browser, base: str, *, script: bool = True, width: int = 1200, scheme: str = "light") -> Page:
    context = browser.new_context(
        base_url=base,
        java_script_enabled=script,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    context.set_default_timeout(5000)
    return context.new_page()


def accessible(page: Page) -> None:
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_fits_a_phone_and_runs_nothing_foreign(
    browser: Browser, site: tuple[str, str], name: str
) -> None:
    said: list[str] = []
    page = opened(browser, site[0])
    page.on("console", lambda message: said.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(PAGES[name])
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=True)
    accessible(page)

    page.set_viewport_size({"width": 360, "height": 740})
    page.emulate_media(color_scheme="dark")
    page.screenshot(path=SCREENSHOTS / f"{name}-phone-dark.png")
    accessible(page)

    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert [each for each in said if "404" not in each or name != "problem"] == []
    page.context.close()


def test_a_search_from_the_first_page_needs_no_script_and_marks_what_it_finds(
    browser: Browser, site: tuple[str, str]
) -> None:
    page = opened(browser, site[0], script=False)
    page.goto("/")
    page.get_by_role("searchbox").fill('"exclusive access" -almanac <b>')
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=*almanac*")
    assert "Nothing on record has all of that." in page.inner_text("main")

    page.get_by_role("searchbox").fill("microsoft")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=microsoft*")
    first = page.locator("ol.list > li").all_inner_texts()
    assert {each.casefold() for each in page.locator("ol.list mark").all_inner_texts()} == {"microsoft"}
    page.get_by_text("Next page").click()
    page.wait_for_url("**cursor=*")
    assert set(page.locator("ol.list > li").all_inner_texts()).isdisjoint(first)
    page.context.close()


def test_what_is_folded_is_unfolded_on_paper_and_folded_again(browser: Browser, site: tuple[str, str]) -> None:
    page = opened(browser, site[0])
    page.goto("/p/openai-microsoft?as_of=2025-01-20")
    folded = page.locator(".banner details")
    expect(folded).not_to_have_attribute("open", "")
    page.evaluate(
        """addEventListener("beforeprint", () => {
            window.printed = document.querySelector(".banner li li").checkVisibility();
        })"""
    )

    page.pdf()

    assert page.evaluate("window.printed")
    expect(folded).not_to_have_attribute("open", "")
    page.context.close()


def test_every_autodiscovered_feed_is_there(browser: Browser, site: tuple[str, str]) -> None:
    page = opened(browser, site[0])
    page.goto("/p/harbour-quill")
    addresses = page.eval_on_selector_all("link[rel=alternate]", "links => links.map(link => link.href)")

    statuses = {address: page.request.get(address).status for address in addresses}

    assert len(statuses) == 5, "four feeds, and the page as linked data"
    assert set(statuses.values()) == {200}, statuses
    page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_a_stranger_finds_what_was_exclusive_who_said_so_and_what_changed_next(
    browser: Browser, site: tuple[str, str], script: bool
) -> None:
    page = opened(browser, site[0], script=script)
    page.goto("/")
    card = page.locator(".card", has_text="OpenAI – Microsoft")
    card.get_by_label("What held on").fill("2025-01-20")
    card.get_by_role("button").click()

    expect(page.locator(".banner")).to_contain_text("Historical: this is not today.")
    expect(page.locator(".banner")).to_contain_text("later announcements change from then on is not applied")
    page.get_by_label("Kinds of term in force").get_by_role("link", name="exclusivity").click()
    expect(page.locator("#kind-exclusivity")).to_be_in_viewport()
    cloud = page.locator(".card", has=page.get_by_role("heading", name="Cloud exclusivity"))
    expect(cloud).to_contain_text("exclusive")
    expect(cloud.locator("blockquote").first).to_be_visible()
    page.get_by_role("link", name="What changes next, on 21 Jan 2025").click()
    expect(page.get_by_label("From")).to_have_value("2025-01-20")
    expect(page.get_by_role("row", name="Cloud exclusivity")).to_contain_text("changed: non-exclusive")
    page.go_back()
    page.get_by_role("link", name="21 Jan 2025 →").click()
    expect(page.get_by_label("As of", exact=True)).to_have_value("2025-01-21")
    page.get_by_role("link", name="What changed on this day").click()
    expect(page.get_by_label("to", exact=True)).to_have_value("2025-01-21")
    row = page.get_by_role("row", name="Cloud exclusivity")
    expect(row).to_contain_text("changed: non-exclusive")
    row.get_by_role("link", name="openai-microsoft/").click()
    expect(page.locator("h2", has_text="Sources")).to_be_visible()
    page.context.close()


@pytest.mark.parametrize("script", [True, False])
def test_an_editor_pastes_rehearses_and_confirms_once(browser: Browser, site: tuple[str, str], script: bool) -> None:
    page = opened(browser, site[0], script=script)
    percent = 19 if script else 21
    page.goto("/append")
    page.get_by_label("Token").fill(site[1])
    page.get_by_role("button", name="Sign in").click()
    page.locator("#document").fill("title: nothing else")
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_role("alert")).to_be_visible()
    if script:
        accessible(page)
    page.locator("#document").fill(YAML.format(percent=percent))
    page.get_by_role("button", name="Show what would happen").click()
    expect(page.get_by_text("Nothing is recorded yet.")).to_be_visible()
    expect(page.locator("#effect ~ .scroll")).to_contain_text(f"{percent} %")
    if script:
        page.screenshot(path=SCREENSHOTS / "append.png", full_page=True)
        accessible(page)
        page.set_viewport_size({"width": 360, "height": 740})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Record it").click()

    expect(page.locator("h1")).to_have_text(f"Quill House <i>pays</i> {percent} percent")
    expect(page.locator("mark")).to_have_text(f"Quill House pays us {percent} percent")
    page.goto("/append")
    page.get_by_role("button", name="Sign out").click()
    page.goto("/append")
    expect(page.locator("h1")).to_have_text("Sign in")
    page.context.close()


def test_a_file_is_uploaded(browser: Browser, site: tuple[str, str], tmp_path: Path) -> None:
    file = tmp_path / "announcement.yaml"
    file.write_text(YAML.format(percent=23))
    page = opened(browser, site[0])
    page.goto("/append")
    page.get_by_label("Token").fill(site[1])
    page.get_by_role("button", name="Sign in").click()
    page.get_by_label("or a file").set_input_files(file)
    page.get_by_role("button", name="Show what would happen").click()

    expect(page.get_by_text("Nothing is recorded yet.")).to_be_visible()
    page.context.close()


def test_the_keyboard_alone_is_enough(browser: Browser, site: tuple[str, str]) -> None:
    page = opened(browser, site[0])
    page.goto("/p/harbour-quill?as_of=2022-01-20")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 30)"))

    assert "Back to today" in seen
    assert any(each.startswith("1 Nov 2022 →") for each in seen)
    assert any("days of change" in each for each in seen)
    page.context.close()


def test_four_kinds_of_nothing_are_four_different_words(browser: Browser, site: tuple[str, str]) -> None:
    page = opened(browser, site[0])
    page.goto("/p/harbour-quill?as_of=2026-09-01")
    whole = page.locator("main").inner_text()
    page.goto("/p/harbour-quill/compare?from=2021-03-20&to=2022-12-31")
    compared = page.locator("main").inner_text()

    assert "not stated" in whole
    assert "undisclosed" in whole
    assert "ended on 1 Jan 2026" in whole
    assert "expired at the end of Jun 2026" in whole
    assert "not recorded" in compared
    page.context.close()


def test_paper_shows_the_words_and_not_the_controls(browser: Browser, site: tuple[str, str]) -> None:
    page = opened(browser, site[0])
    page.goto("/p/harbour-quill?as_of=2022-01-20")
    page.emulate_media(media="print")
    page.screenshot(path=SCREENSHOTS / "paper.png", full_page=True)

    expect(page.locator(".banner")).to_be_visible()
    expect(page.locator(".asof")).to_be_hidden()
    expect(page.locator(".top")).to_be_hidden()
    page.context.close()
