"""The Model Context Protocol over the tools, by the `mcp` library: on standard input and output, and over HTTP."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio
from mcp.server.lowlevel import Server
from mcp.server.stdio import stdio_server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp_types import (
    CallToolRequestParams,
    CallToolResult,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    ToolAnnotations,
)
from mcp_types import Tool as Listed
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from timeline.agents.declared import Tool
from timeline.agents.instructions import INSTRUCTIONS
from timeline.agents.small import tidy
from timeline.agents.tools import Tools
from timeline.core.errors import TimelineError
from timeline.exports import ENCODER

Permit = Callable[[Request | None], object]
"""Raises what is to be said to who may not draft; given the request, where there is one."""


def speaking(tools: Tools, permit: Permit) -> Server[Any]:
    """The protocol's side of the tools. One that its caller may not use is not listed, and refused all the same."""

    async def listed(context: Any, _: PaginatedRequestParams | None) -> ListToolsResult:
        try:
            permit(context.request)
        except TimelineError:
            return ListToolsResult(tools=[_listed(each) for each in tools.table if not each.drafts])
        return ListToolsResult(tools=list(map(_listed, tools.table)))

    async def called(context: Any, params: CallToolRequestParams) -> CallToolResult:
        def answer() -> bytes:
            return tools.call(params.name, params.arguments or {}, lambda: permit(context.request))

        try:
            text, failed = await anyio.to_thread.run_sync(answer), False
        except TimelineError as error:
            text, failed = ENCODER.encode(tidy(error.problem())), True
        return CallToolResult(content=[TextContent(text=text.decode())], is_error=failed)

    return Server(
        "timeline",
        version=version("timeline"),
        title="Timeline",
        instructions=INSTRUCTIONS,
        on_list_tools=listed,
        on_call_tool=called,
    )


def over_stdio(server: Server[Any]) -> None:
    """Serve whoever started this process, until it closes standard input."""

    async def serve() -> None:
        async with stdio_server() as (read, write):
            await server.run(read, write, server.create_initialization_options())

    # The library waits for the next line in a thread that cannot be interrupted; what is under way is a transaction.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    anyio.run(serve)


class OverHttp:
    """The same by Streamable HTTP: each request stands alone, so that any process of the service may answer it.

    Args:
        max_body: Bytes of a request.
    """

    def __init__(self, server: Server[Any], max_body: int) -> None:
        self._server = server
        self._max_body = max_body
        self._manager: StreamableHTTPSessionManager | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """What must be going on while requests are answered; once at a time, and again after it ended."""
        # Hosts and origins are judged before, by the application, which says what to do about them.
        self._manager = StreamableHTTPSessionManager(
            self._server, json_response=True, stateless=True, max_request_body_size=self._max_body
        )
        async with self._manager.run():
            yield

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._manager is not None  # the application runs it before it answers anything
        await self._manager.handle_request(scope, receive, send)


def _listed(tool: Tool) -> Listed:
    hints = ToolAnnotations(
        read_only_hint=not tool.drafts, destructive_hint=False, idempotent_hint=not tool.drafts, open_world_hint=False
    )
    return Listed(
        name=tool.name, title=tool.title, description=tool.description, input_schema=tool.schema, annotations=hints
    )
