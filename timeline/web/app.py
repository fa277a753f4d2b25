"""The application: a straight line of wiring from a log to every address."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from importlib.metadata import version
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from timeline.acts import Desk
from timeline.agents import Tools
from timeline.answers import Answers
from timeline.core.dates import iso
from timeline.core.errors import TimelineError
from timeline.core.terms import Kinds
from timeline.drafting import Drafts
from timeline.exports import Exports
from timeline.log import Log
from timeline.outbound import PUBLIC, Gate
from timeline.overview import Overview
from timeline.publishing import site_of
from timeline.publishing.webhooks import Webhooks
from timeline.settings import Settings
from timeline.tokens import Tokens
from timeline.web import api, feeds, llms, metrics, operations, upkeep
from timeline.web.access import Guard
from timeline.web.agents import Agents
from timeline.web.documents import Documents
from timeline.web.editing import Editing
from timeline.web.fresh import Fresh
from timeline.web.pages import Pages
from timeline.web.pictures import Pictures
from timeline.web.problems import Problems
from timeline.web.reading import Reading
from timeline.web.reviewing import Reviewing
from timeline.web.status import extent
from timeline.web.stream import ADDRESS, Stream
from timeline.web.telling import Telling
from timeline.web.templating import Templates
from timeline.web.writing import Writing

Json = dict[str, Any]
_ABOUT = (
    "What partnerships have announced, term by term: what was in force on a day, in whose words, and what was known "
    "then. Two clocks: as_of is a day in the world, known_at a moment of this record. Every answer echoes both."
)


def create_app(
    settings: Settings,
    log: Log,
    kinds: Kinds,
    clock: Callable[[], datetime],
    *,
    scheduler_status: Callable[[], Json] = dict,
    recorded: Callable[[], None] = lambda: None,
    hears: Callable[[], bool] = lambda: False,
    leads: Callable[[], bool] = lambda: True,
    gate: Gate = PUBLIC,
) -> Starlette:
    """The application over a migrated log; whoever makes it closes the log.

    Args:
        clock: Tells today and now, aware UTC.
        scheduler_status: What `/status` says of the feeds.
        recorded: Called after something was recorded here, such as to publish at once.
        hears: Whether `app.state.stream` is told of what other processes record.
        leads: Whether this process publishes, so that its folder of feeds is up to date.
        gate: Which addresses may be told of new entries.
    """
    answers, overview, tokens = Answers(log, kinds, clock), Overview(log, kinds, clock), Tokens(log, clock)
    stream, meter = Stream(answers, hears), metrics.Metrics()
    fresh = Fresh(log, clock, at_once=settings.database_url.startswith("sqlite"))

    def status() -> Json:
        now = clock()
        return {
            "version": version("timeline"),
            "now": iso(now),
            **extent(log, now),
            "feeds": scheduler_status(),
            "streams": stream.listeners,
        }

    def after_recording() -> None:
        stream.grown()
        recorded()

    reading = Reading(answers, overview, Exports(answers, settings.base_url), clock, status)
    desk = Desk(log, kinds, clock)
    writing = Writing(desk, kinds, after_recording)
    tools = Tools.of(answers, desk, settings, overview)
    agents = Agents(tools, settings)
    templates = Templates(settings)
    problems = Problems(templates.problem)
    home = log.primary  # a draft is judged by the record as it is, and shown as it was just saved
    drafts = Drafts(home, kinds, clock, writing.append, Answers(home, kinds, clock), settings.keep_texts)
    telling = Telling(Webhooks(log, clock, gate), site_of(settings))
    table = api.operations(reading, writing, drafts, telling, kinds)
    info = {"title": "Timeline", "version": version("timeline"), "description": _ABOUT}
    documents = (*Documents(reading).operations(), *Pictures(reading, settings.base_url).operations())
    questions = (*table, ADDRESS, *feeds.addresses(), *documents)
    document = operations.ENCODER.encode(operations.described((*questions, *upkeep.ADDRESSES), info, api.PATH))
    routes: list[BaseRoute] = [  # what is asked for most stands first: routes are tried in order
        *feeds.Feeds(settings, log, templates, leads).routes(),
        *operations.routes(table, fresh),
        Route(ADDRESS.path, stream.answer, methods=["GET"]),
        *upkeep.routes(log, status, hears, meter, document),
        llms.route(_ABOUT, questions, tools, settings),
        *agents.routes(),
        *operations.documents(documents),
        *Pages(reading, templates, fresh).routes(),
        *Reviewing(drafts, tokens, templates, kinds).routes(),
        *Editing(writing, tokens, templates, secure=settings.base_url.startswith("https:")).routes(),
    ]
    problems.routes = routes
    guard = Middleware(
        Guard, settings=settings, tokens=tokens, metrics=meter, refuse=problems.answer, needs=operations.scopes(table)
    )
    handlers = {TimelineError: problems.refused, HTTPException: problems.not_routed}
    app = Starlette(routes=routes, middleware=[guard], exception_handlers=handlers, lifespan=agents.running)
    app.state.stream = stream
    return app
