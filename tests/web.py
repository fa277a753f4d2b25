"""What the tests of the web share: the application over the example record, and somebody to ask it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.testclient import TestClient

from timeline.acts import Desk
from timeline.core.terms import BUILTIN
from timeline.documents import walk
from timeline.log import Log
from timeline.settings import load
from timeline.tokens import Tokens
from timeline.web.app import create_app

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "seeds" / "harbour-quill"
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def seeded(log: Log, folder: Path = EXAMPLE) -> Log:
    Desk(log, BUILTIN, lambda: NOW).import_files(walk([folder]))
    return log


def application(log: Log, url: str, **flags: str | int) -> Starlette:
    settings = load({"database_url": url, "rate_limit": 0, **flags}, {})
    return create_app(settings, log, BUILTIN, lambda: NOW)


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
