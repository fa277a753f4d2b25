"""HTTP beside the bare framework: what an answer costs the server, against a constant body of the same size.

Both are served by uvicorn in a process of its own. What is compared is the CPU time that the server spends on a
request, so that the client, which shares the machine, does not count.
"""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

REQUESTS = 6000
STATE = "/api/partnerships/openai-microsoft/state?as_of=2025-12-01"
FEED = "/feeds/all.atom"
_BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
body = b"x" * int(sys.argv[2])
async def answer(_):
    return Response(body, media_type="application/json")
config = uvicorn.Config(Starlette(routes=[Route("/", answer)]), port=int(sys.argv[1]), log_level="error",
                        http="httptools", loop="uvloop", access_log=False)
uvicorn.Server(config).run()
"""


def shares(folder: Path, seeds: Path) -> Iterator[tuple[str, float, float]]:
    """Name, requests per CPU second of ours, and of the bare framework, for a state answer and a feed's 304."""
    database = f"sqlite:///{folder / 'web.db'}"
    flags = {"TIMELINE_DATABASE_URL": database, "TIMELINE_FEEDS_DIR": str(folder / "feeds"), "TIMELINE_RATE_LIMIT": "0"}
    environment = os.environ | flags
    subprocess.run([sys.executable, "-m", "timeline", "import", str(seeds)], check=True, env=environment)
    subprocess.run([sys.executable, "-m", "timeline", "publish"], check=True, env=environment)
    port = _free_port()
    with _served([sys.executable, "-m", "timeline", "serve", "--port", str(port)], port, environment) as ours:
        state, feed = _ask(port, STATE)[1], _ask(port, FEED)
        answered = _rate(ours, port, STATE, {})
        known = _rate(ours, port, FEED, {"If-None-Match": feed[0]})
    for name, size, rate in (("a state answer", len(state), answered), ("a feed's 304", len(feed[1]), known)):
        port = _free_port()
        with _served([sys.executable, "-c", _BARE, str(port), str(size)], port, environment) as bare:
            yield name, rate, _rate(bare, port, "/", {})


@contextmanager
def _served(command: list[str], port: int, environment: dict[str, str]) -> Iterator[int]:
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.1)
            yield process.pid
        finally:
            process.terminate()


def _rate(pid: int, port: int, path: str, headers: dict[str, str]) -> float:
    """Requests for each second of CPU that the server spends, after a first round that warms it."""
    _settled(pid)
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for count in (REQUESTS // 5, REQUESTS):
        before = _cpu_seconds(pid)
        for _ in range(count):
            connection.request("GET", path, headers=headers)
            connection.getresponse().read()
        spent = _cpu_seconds(pid) - before
    connection.close()
    return REQUESTS / spent


def _settled(pid: int) -> None:
    """Wait until the server has nothing of its own to do, such as publishing after its start."""
    before = -1.0
    while (now := _cpu_seconds(pid)) > before:
        before = now
        time.sleep(1)


def _ask(port: int, path: str) -> tuple[str, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.headers.get("ETag", ""), body


def _cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
