"""What each setting may be: how its text is read, how it is shown, and what it is when nobody says."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from timeline.core.calendar import read_alarms
from timeline.core.dates import coarse
from timeline.core.errors import TimelineError

_DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")
_DURATION = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PASSWORD = re.compile(r"(://[^:/@]*:).+(?=@)|([?&]password=)[^&]+", re.IGNORECASE)
_DNS_NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_TAGGING_ENTITY = re.compile(rf"(?:[a-z0-9._-]+@)?{_DNS_NAME},(\d{{4}}(?:-\d{{2}}(?:-\d{{2}})?)?)", re.ASCII)


def masked(url: str) -> str:
    """Return a database address with its password, if it has one, as three stars; all up to the last @ counts."""
    return _PASSWORD.sub(lambda match: f"{match[1] or match[2]}***", url)


def invalid(detail: str, remedy: str, name: str | None = None) -> TimelineError:
    """The refusal of the setting `name`, or of a place that settings come from."""
    return TimelineError("invalid_configuration", detail, remedy, field=name)


def written(value: Any) -> str:
    """The value as it would be written in a file, its password masked; nothing for None."""
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        size, unit = next(pair for pair in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")) if seconds % pair[0] == 0)
        return f"{seconds // size}{unit}"
    if isinstance(value, tuple):
        return ",".join(f"{days}d" for days in value) or "none"
    return masked(str(value)) if value is not None else ""


def _database_url(name: str, text: str, origin: str) -> str:
    scheme, divider, rest = text.partition("://")
    if scheme not in _DATABASES or not divider or not rest:
        # What is no address cannot be masked, and may hold a password all the same.
        shown = masked(text) if divider else "no address"
        raise _wrong(name, shown, origin, "sqlite:///timeline.db or postgresql+psycopg://user@host/name")
    return text


def _base_url(name: str, text: str, origin: str) -> str:
    try:
        parts = urlsplit(text)
        fit = bool(parts.hostname) and (parts.port is None or parts.port > 0) and "@" not in parts.netloc
    except ValueError:
        fit = False
    if not fit or not re.fullmatch(r"https?://[!-~]+", text) or re.search(r"[?#]", text):
        raise _wrong(name, masked(text), origin, "https://timeline.example.org")
    return text.rstrip("/")


def _hub_url(name: str, text: str, origin: str) -> str:
    try:
        fit = bool(urlsplit(text).hostname) and "@" not in text
    except ValueError:
        fit = False
    if not fit or not re.fullmatch(r"https?://[!-~]+", text) or "#" in text:
        raise _wrong(name, masked(text), origin, "https://hub.example.org/")
    return text


def _tag_authority(name: str, text: str, origin: str) -> str:
    match = _TAGGING_ENTITY.fullmatch(text)
    if match is None:
        raise _wrong(name, text, origin, "example.org,2026: a lower-case name that you own and a day you owned it on")
    try:
        coarse(match[1])
    except TimelineError as error:
        raise _wrong(name, text, origin, "example.org,2026-01-31: the calendar has no such day") from error
    return text


def _text(name: str, text: str, origin: str) -> str:
    if not re.fullmatch(r"[!-~]+", text):
        raise _wrong(name, text, origin, "127.0.0.1")
    return text


def _path(name: str, text: str, origin: str) -> Path:
    if not text.strip() or "\0" in text:
        raise _wrong(name, text, origin, "feeds")
    return Path(text)


def _between(low: int, high: int) -> Callable[[str, str, str], int]:
    def parse(name: str, text: str, origin: str) -> int:
        if not re.fullmatch(r"\d{1,6}", text, re.ASCII) or not low <= int(text) <= high:
            raise _wrong(name, text, origin, f"a whole number from {low} to {high}")
        return int(text)

    return parse


def _one_of(*choices: str) -> Callable[[str, str, str], str]:
    def parse(name: str, text: str, origin: str) -> str:
        if text not in choices:
            raise _wrong(name, text, origin, " or ".join(choices))
        return text

    return parse


def _duration(name: str, text: str, origin: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise _wrong(name, text, origin, "90s, 15m, 1h or 1d; at least 1s")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _alarms(name: str, text: str, origin: str) -> tuple[int, ...]:
    try:
        return read_alarms(text)
    except TimelineError as error:
        raise _wrong(name, text, origin, "30d,7d, days before each key date; or none") from error


def _wrong(name: str, text: str, origin: str, example: str) -> TimelineError:
    shown = f"“{text}”" if text else "empty"
    return invalid(f"{name} ({origin}) is {shown}.", f"Write it as {example}.", name)


PARSERS: dict[str, Callable[[str, str, str], Any]] = {
    "database_url": _database_url,
    "read_database_url": _database_url,
    "feeds_dir": _path,
    "base_url": _base_url,
    "tag_authority": _tag_authority,
    "host": _text,
    "port": _between(1, 65535),
    "publish_every": _duration,
    "head_entries": _between(20, 200),
    "reads": _one_of("public", "token"),
    "rate_limit": _between(0, 999_999),
    "hub_url": _hub_url,
    "calendar_alarms": _alarms,
    "keep_texts": _one_of("full", "quotes"),
    "agents": _one_of("off", "on"),
}
SECRET = ("database_url", "read_database_url")
DEFAULTS = {
    "database_url": "sqlite:///timeline.db",
    "feeds_dir": "feeds",
    "tag_authority": "timeline.invalid,2026",
    "host": "127.0.0.1",
    "port": "8000",
    "publish_every": "15m",
    "head_entries": "50",
    "reads": "public",
    "rate_limit": "3000",
    "calendar_alarms": "none",
    "keep_texts": "full",
    "agents": "off",
}
