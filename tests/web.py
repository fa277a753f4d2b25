"""What the tests of the web share: the application over the example record, and somebody to ask it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from timeline.acts import Desk
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log
from timeline.outbound import PUBLIC, Gate
from timeline.settings import load
from timeline.tokens import Tokens
from timeline.web.app import create_app

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "seeds" / "harbour-quill"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)

PROGRAM = """
import sys
from timeline.core.terms import BUILTIN
from timeline.settings import load
from timeline.web.serve import serve
serve(load(dict(zip(sys.argv[2::2], sys.argv[3::2])), {}), BUILTIN, demo=sys.argv[1] == "demo")
"""


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def serving(folder: Path, *, demo: bool = True, **flags: str) -> Iterator[tuple[httpx2.Client, subprocess.Popen[str]]]:
    port = str(free_port())
    pairs = [text for pair in {"port": port, **flags}.items() for text in pair]
    command = [sys.executable, "-c", PROGRAM, "demo" if demo else "own", *pairs]
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.PIPE, text=True)
    base = f"http://127.0.0.1:{port}"
    with httpx2.Client(base_url=base, timeout=10) as client:
        try:
            _wait(client, process)
            yield client, process
        finally:
            process.kill()
            process.communicate()


def _wait(client: httpx2.Client, process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 20
    while process.poll() is None and time.monotonic() < deadline:
        try:
            client.get("/healthz")
        except httpx2.TransportError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"it did not start: {process.communicate()[1] if process.poll() is not None else 'no answer'}")


def seeded(log: Log, folder: Path = EXAMPLE) -> Log:
    Desk(log, BUILTIN, lambda: NOW).import_files(walk([folder]))
    return log


def application(log: Log, url: str, *, gate: Gate = PUBLIC, **flags: str | int) -> Starlette:
    settings = load({"database_url": url, "rate_limit": 0, **flags}, {})
    return create_app(settings, log, BUILTIN, lambda: NOW, gate=gate)


def client(app: Starlette, token: str | None = None) -> TestClient:
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    return TestClient(app, raise_server_exceptions=False, headers=headers, follow_redirects=False)


def token(log: Log, scope: str = "append", name: str = "ada") -> str:
    return Tokens(log, lambda: NOW).new(name, scope)


def announcement(percent: int = 19, **more: Any) -> dict[str, Any]:
    """An announcement that the example record takes."""
    quote = f"From March 2026 Quill House pays us {percent} percent of net sales."
    statement = {
        "term": "revenue-share/quill-to-harbour",
        "set": {"percent": percent},
        "effective": "2026-03-01",
        "quote": quote,
    }
    source = {"tier": "party", "publisher": "Harbour Signals", "text": quote}
    return {
        "title": f"Quill House pays {percent} percent",
        "announced": "2026-02-03",
        "sources": [source],
        "statements": [statement],
        **more,
    }
