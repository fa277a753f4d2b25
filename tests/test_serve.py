"""Laws of serving: one command gives everything, says where, follows the log live, and stops when told to."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.web import announcement, serving
from timeline.core.errors import TimelineError
from timeline.core.terms import BUILTIN
from timeline.log import Log, utc_now
from timeline.settings import load
from timeline.tokens import Tokens
from timeline.web.serve import serve

P = "/api/partnerships/harbour-quill"


def stopped(process: subprocess.Popen[str]) -> float:
    """Seconds from the signal to the end."""
    begun = time.monotonic()
    process.send_signal(signal.SIGTERM)
    process.wait(10)
    return time.monotonic() - begun


def events(lines: Iterator[str], count: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < count:
        line = next(lines)
        if line.startswith("data: "):
            found.append(json.loads(line.removeprefix("data: ")))
    return found


def test_the_demo_answers_publishes_and_keeps_nothing(tmp_path: Path) -> None:
    with serving(tmp_path) as (client, process):
        state = client.get(f"{P}/state?as_of=2022-01-20").json()
        deadline = time.monotonic() + 10
        while (feeds := client.get("/api/status").json()["feeds"])["published_seq"] != 15:
            assert time.monotonic() < deadline, feeds
            time.sleep(0.05)
        stopped(process)
        said = process.stderr.read() if process.stderr else ""

    assert state["view"] == "historical"
    assert feeds["leads"]
    assert re.search(r"Timeline \(the example record; nothing is kept\) is at http://127.0.0.1:\d+/\n", said)
    assert list(tmp_path.iterdir()) == []


def test_listeners_hear_what_is_recorded_and_resume_where_they_were(tmp_path: Path) -> None:
    """Also what another process records; and an open stream does not hold up the end."""
    url = f"sqlite:///{tmp_path / 'record.db'}"
    log = Log.open(url)
    log.migrate()
    secret = Tokens(log, utc_now).new("ada", "append")
    flags = {"database_url": url, "feeds_dir": str(tmp_path / "feeds")}
    opening = {"name": "Harbour – Quill", "parties": {"harbour": "H", "quill": "Q"}}
    said = announcement()
    said["statements"][0]["direction"] = "quill -> harbour"
    with serving(tmp_path, demo=False, **flags) as (client, process):
        headers = {"Authorization": f"Bearer {secret}"}
        with client.stream("GET", "/api/changes/stream") as stream:
            lines = stream.iter_lines()
            assert client.post(f"{P}/announcements", json=opening, headers=headers).status_code == 201
            assert client.post(f"{P}/announcements", json=said, headers=headers).status_code == 201
            live = events(lines, 2)
            with client.stream("GET", "/api/changes/stream", headers={"Last-Event-ID": "1"}) as resumed:
                again = events(resumed.iter_lines(), 1)
            took = stopped(process)
        feed = tmp_path / "feeds" / "all.atom"
    log.close()

    assert [each["seq"] for each in live] == [1, 2]
    assert again == live[1:]
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert took < 5
    assert feed.exists()


def test_a_port_in_use_is_said_in_one_line(tmp_path: Path) -> None:
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        settings = load({"port": port, "database_url": f"sqlite:///{tmp_path / 'x.db'}"}, {})
        with pytest.raises(TimelineError) as caught:
            serve(settings, BUILTIN, demo=False)

    assert caught.value.detail == f"Port {port} of 127.0.0.1 is taken by another program."
    assert not (tmp_path / "x.db").exists()


def test_a_host_that_is_not_here_is_said_in_one_line(tmp_path: Path) -> None:
    settings = load({"host": "192.0.2.1", "port": 1234, "database_url": f"sqlite:///{tmp_path / 'x.db'}"}, {})
    with pytest.raises(TimelineError) as caught:
        serve(settings, BUILTIN, demo=False)
    assert caught.value.code == "invalid_configuration"
