from __future__ import annotations

import pytest

from tests.records import append, opening, retracted, said
from tests.web import application, client
from timeline.core.errors import TimelineError
from timeline.drafting import leads
from timeline.keeping import verify
from timeline.log import Log
from timeline.rebuilding import rebuild as build_rectangles

PAGE = """{title}

Newsroom

Summary

Words of the aggregator.

Original Article
Cached at: 04/20/26

The words of the publisher.

Similar Articles

[Harbour & <Quill>](https://www.quill.example/one?utm_source=x)

Quill Wire

Something of it.

Pilots Strike

Harbour Wire
"""


def page(log: Log, title: str, url: str, slug: str = "acme-bolt"):
    with log.writing() as writer:
        sha = writer.store_text(PAGE.format(title=title).encode(), "text/plain")
    return said(5, title=title, slug=slug, sources=[{"tier": "party", "url": url, "text_sha256": sha}])


def test_leads_say_where_they_were_seen_and_what_of_them_is_on_record(log):
    """By address, however it is written, else by title; each lead once; none of what was retracted."""
    append(log, opening(), opening("cat-dog"), page(log, "One", "https://one.example/"))
    append(log, page(log, "Two", "https://two.example/", slug="cat-dog"))
    append(
        log, said(6, sources=[{"tier": "party", "url": "http://quill.example/one/"}]), said(7, title="pilots strike")
    )
    append(log, page(log, "Three", "https://three.example/"), retracted(4))

    body = leads(log)

    seen = ["acme-bolt/1", "cat-dog/1"]
    assert body["leads"] == [
        {
            "title": "Harbour & <Quill>",
            "feed": "Quill Wire",
            "address": "https://www.quill.example/one?utm_source=x",
            "seen": seen,
            "recorded": ["acme-bolt/2"],
        },
        {"title": "Pilots Strike", "feed": "Harbour Wire", "address": None, "seen": seen, "recorded": ["acme-bolt/3"]},
    ]
    assert [each["seen"] for each in leads(log, "cat-dog")["leads"]] == [["cat-dog/1"], ["cat-dog/1"]]
    build_rectangles(log)
    assert verify(log)["sound"]


def test_a_record_without_pages_has_no_leads_and_an_unknown_partnership_is_refused(log):
    append(log, opening(), said(5))

    assert leads(log)["leads"] == []
    with pytest.raises(TimelineError) as refusal:
        leads(log, "acme-bold")
    assert (refusal.value.code, refusal.value.remedy) == ("unknown_partnership", "Did you mean acme-bolt?")


def test_the_page_of_leads_escapes_what_it_shows(log, database_url):
    append(log, opening(), page(log, "One", "https://one.example/"))
    with client(application(log, database_url)) as ask:
        shown = ask.get("/leads", headers={"Accept": "text/html"}).text
        assert ask.get("/leads.json?partnership=acme-bolt").json() == leads(log, "acme-bolt")
        assert ask.get("/leads.json?partnership=acme-bold").json()["code"] == "unknown_partnership"

    assert "Harbour &amp; &lt;Quill&gt;</a>" in shown
    assert "<strong>not on record</strong>" in shown
