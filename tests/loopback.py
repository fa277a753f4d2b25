"""A real server on the loopback that notes what it answered."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from tests.web import free_port

Answers = list[tuple[str, str, int]]
"""Method, path and status, in the order answered."""


@contextmanager
def served(app: Any, port: int | None = None) -> Iterator[tuple[str, Answers]]:
    """The address of an ASGI application, and what it has answered so far."""
    answers: Answers = []

    async def noting(scope: Any, receive: Any, send: Any) -> None:
        async def sent(message: Any) -> None:
            if message["type"] == "http.response.start":
                answers.append((scope["method"], scope["path"], message["status"]))
            await send(message)

        await app(scope, receive, sent if scope["type"] == "http" else send)

    port = port or free_port()
    server = uvicorn.Server(uvicorn.Config(noting, port=port, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{port}", answers
    finally:
        server.should_exit = True
        thread.join()
