"""What monitors and programs ask first: whether it lives, whether it is ready, what it measured, what can be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from timeline.log import Log
from timeline.web import metrics
from timeline.web.conditional import respond
from timeline.web.operations import JSON, Operation

_BEFORE_ALL = ("401", "429")
"""What is asked of whoever comes: perhaps a token, and patience."""
ADDRESSES = (
    Operation("GET", "/healthz", "alive", "Whether the process lives", None, None, otherwise=("429",)),
    Operation("GET", "/readyz", "ready", "Whether the database answers and its tables fit", None, None,
              otherwise=("429", "500", "503")),
    Operation("GET", "/metrics", "metrics", "Measurements, for Prometheus", None, None,
              otherwise=(*_BEFORE_ALL, "503")),
    Operation("GET", "/openapi.json", "openapi", "This document", None, None, media_type=JSON,
              otherwise=("304", *_BEFORE_ALL)),
    Operation("GET", "/llms.txt", "llms", "What can be asked here, for language models", None, None,
              otherwise=("304", *_BEFORE_ALL)),
)  # fmt: skip


def routes(
    log: Log, status: Callable[[], dict[str, Any]], hears: Callable[[], bool], meter: metrics.Metrics, document: bytes
) -> list[BaseRoute]:
    """Their addresses, but for /llms.txt.

    Args:
        status: What `/status` says of this process.
        hears: Whether appends of other processes are heard of at once.
        document: The OpenAPI document.
    """

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})

    async def ready(_: Request) -> Response:
        await run_in_threadpool(log.check_schema)
        return PlainTextResponse("ready\n", headers={"Cache-Control": "no-store"})

    async def measured(_: Request) -> Response:
        found = await run_in_threadpool(status)
        gauges = {
            "log_head": ("The position of the last event.", float(found["record"]["head"])),
            "streams": ("Listeners connected.", float(found["streams"])),
            "hears": ("Whether appends of other processes are heard of at once.", float(hears())),
            "publishes": ("Whether this process publishes.", float(found["feeds"].get("leads", False))),
            "webhooks_parked": ("Webhooks that are told nothing any more.", float(len(found["webhooks"]["parked"]))),
            "publish_failures": ("Failed publishes in a row.", float(found["feeds"].get("failures", 0))),
        }
        return Response(meter.text(gauges), headers={"Cache-Control": "no-store"}, media_type=metrics.MEDIA_TYPE)

    async def openapi(request: Request) -> Response:
        return respond(request, document, JSON)

    return [
        Route("/healthz", alive),
        Route("/readyz", ready),
        Route("/metrics", measured),
        Route("/openapi.json", openapi),
    ]
