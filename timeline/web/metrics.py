"""What a monitor reads at /metrics: counts and gauges in the text format of Prometheus (version 0.0.4)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from threading import Lock

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_PARTS = ("api", "feeds", "static", "p", "a")


class Metrics:
    """Counts what was answered; safe to share between threads."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: Counter[str] = Counter()
        self._lock = Lock()

    def answered(self, method: str, path: str, status: int, seconds: float) -> None:
        """Count one request, by the first part of its path: few labels, whoever asks for what."""
        first = path.split("/", 2)[1] if path.startswith("/") else ""
        part = first if first in _PARTS else "other"
        with self._lock:
            self._requests[method if method in ("GET", "HEAD", "POST") else "other", part, status] += 1
            self._seconds[part] += seconds  # type: ignore[assignment]  # a Counter adds fractions as well

    def text(self, gauges: Mapping[str, tuple[str, float]]) -> str:
        """The exposition.

        Args:
            gauges: What else is known now, by name: what it means, and its value.
        """
        with self._lock:
            requests, seconds = sorted(self._requests.items()), sorted(self._seconds.items())
        lines = ["# HELP timeline_requests_total Requests answered.", "# TYPE timeline_requests_total counter"]
        for (method, part, status), count in requests:
            lines.append(f'timeline_requests_total{{method="{method}",part="{part}",status="{status}"}} {count}')
        lines += [
            "# HELP timeline_request_seconds_total Time spent on them.",
            "# TYPE timeline_request_seconds_total counter",
        ]
        lines += [f'timeline_request_seconds_total{{part="{part}"}} {spent:.6f}' for part, spent in seconds]
        for name, (meaning, value) in gauges.items():
            lines += [
                f"# HELP timeline_{name} {meaning}",
                f"# TYPE timeline_{name} gauge",
                f"timeline_{name} {value:g}",
            ]
        return "\n".join(lines) + "\n"
