"""How this service is set up: defaults, one TOML file, environment, flags; each value knows where it came from."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from timeline.core.dates import coarse
from timeline.core.errors import TimelineError, did_you_mean

CONFIG_NAME = "timeline.toml"
ENVIRONMENT_PREFIX = "TIMELINE_"

_DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")
_DURATION = re.compile(r"(\d{1,6})([smhd])", re.ASCII)
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PASSWORD = re.compile(r"(://[^:/@]*:).+(?=@)|([?&]password=)[^&]+", re.IGNORECASE)
_DNS_NAME = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*"
_TAGGING_ENTITY = re.compile(rf"(?:[a-z0-9._-]+@)?{_DNS_NAME},(\d{{4}}(?:-\d{{2}}(?:-\d{{2}})?)?)", re.ASCII)


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked. Its text form never shows a database address, which may hold a password.

    Attributes:
        read_database_url: A replica to ask questions of, or None for the one that is written to.
        feeds_dir: Relative to the working folder unless absolute.
        base_url: Without a slash at its end.
        tag_authority: What follows `tag:` in the id of a feed (RFC 4151), as `example.org,2026`.
        head_entries: Entries in a feed's head, and in each of its archive pages.
        origins: For each setting where it came from: `default`, the file's name, `TIMELINE_PORT` or `--port`.
    """

    database_url: str = field(repr=False)
    read_database_url: str | None = field(repr=False)
    feeds_dir: Path
    base_url: str
    tag_authority: str
    host: str
    port: int
    publish_every: timedelta
    head_entries: int
    origins: Mapping[str, str] = field(repr=False)

    def shown(self) -> list[tuple[str, str, str]]:
        """Name, value as it would be written, and origin of each setting; passwords masked."""
        return [(name, _written(getattr(self, name)), self.origins[name]) for name in _PARSERS]


def load(flags: Mapping[str, str | int | None], environ: Mapping[str, str], *, config: Path | None = None) -> Settings:
    """Return the settings: flags over environment over file over defaults.

    Args:
        flags: Setting names (`port`) with what the command line gave; None where it gave nothing.
        environ: The environment. `TIMELINE_DATABASE_URL_FILE` names a file that holds the address.
        config: The file that `--config` names; without it `timeline.toml` in the working folder, if it is there.

    Raises:
        TimelineError: `invalid_configuration`, naming the setting and where it was set.
    """
    found = {name: (value, "default") for name, value in _DEFAULTS.items()}
    found |= _from_file(config) | _from_environment(environ) | _from_flags(flags)
    values = {name: _PARSERS[name](name, *found[name]) for name in _PARSERS if name in found}
    # An address nobody gave follows the port somebody gave: links that lead nowhere help no reader.
    values.setdefault("base_url", f"http://127.0.0.1:{values['port']}")
    values.setdefault("read_database_url", None)
    return Settings(**values, origins={name: found.get(name, ("", "default"))[1] for name in _PARSERS})


def masked(url: str) -> str:
    """Return a database address with its password, if it has one, as three stars; all up to the last @ counts."""
    return _PASSWORD.sub(lambda match: f"{match[1] or match[2]}***", url)


def _from_file(config: Path | None) -> dict[str, tuple[str, str]]:
    path = config or Path(CONFIG_NAME)
    if config is None and not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise _invalid(f"{path} cannot be read: {error.strerror}.", "Name a file that can.") from error
    except UnicodeDecodeError as error:
        raise _invalid(f"{path} is not UTF-8 (byte {error.start}).", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise _invalid(f"{path} is not TOML: {error}.", "Write one setting a line, as: port = 8000") from error
    found = {}
    for name, value in table.items():
        _known(name, tuple(_PARSERS), path.name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _invalid(f"{name} in {path.name} is neither text nor a whole number.", "As: port = 8000", name)
        _no_secret(name, str(value), path.name)
        found[name] = (str(value), path.name)
    return found


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = {f"{ENVIRONMENT_PREFIX}{name.upper()}": name for name in _PARSERS}
    files = {f"{variable}_FILE": name for variable, name in names.items() if name in _SECRET}
    found = {}
    for variable in sorted(environ):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        _known(variable, (*names, *files), "the environment")
        if variable in names:
            found[names[variable]] = (environ[variable], variable)
        elif variable.removesuffix("_FILE") in environ:
            raise _invalid(f"Both {variable} and {variable.removesuffix('_FILE')} are set.", "Unset one of them.")
        else:
            try:
                found[files[variable]] = (Path(environ[variable]).read_text("utf-8").strip(), variable)
            except (OSError, UnicodeDecodeError) as error:
                raise _invalid(
                    f"{variable} names {environ[variable]}, which cannot be read.", "Name a file."
                ) from error
    return found


def _from_flags(flags: Mapping[str, str | int | None]) -> dict[str, tuple[str, str]]:
    found = {}
    for name, value in flags.items():
        if value is None:
            continue
        flag = f"--{name.replace('_', '-')}"
        _known(name, tuple(_PARSERS), "the flags")
        _no_secret(name, str(value), flag)
        found[name] = (str(value), flag)
    return found


def _known(name: str, known: tuple[str, ...], place: str) -> None:
    if name not in known:
        raise _invalid(f"There is no setting {name} ({place}).", did_you_mean(name, known), name)


def _no_secret(name: str, value: str, place: str) -> None:
    if name in _SECRET and masked(value) != value:
        variable = f"{ENVIRONMENT_PREFIX}{name.upper()}"
        raise _invalid(
            f"{name} in {place} holds a password, where others can read it.",
            f"Set {variable}, or {variable}_FILE to the name of a file that holds the address.",
            name,
        )


def _database_url(name: str, text: str, origin: str) -> str:
    scheme, divider, rest = text.partition("://")
    if scheme not in _DATABASES or not divider or not rest:
        raise _wrong(name, masked(text), origin, "sqlite:///timeline.db or postgresql+psycopg://user@host/name")
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


def _tag_authority(name: str, text: str, origin: str) -> str:
    match = _TAGGING_ENTITY.fullmatch(text)
    if match is None:
        raise _wrong(name, text, origin, "example.org,2026: a lower-case name that you own and a day you owned it on")
    coarse(match[1], field=name)
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


def _duration(name: str, text: str, origin: str) -> timedelta:
    match = _DURATION.fullmatch(text)
    if match is None or int(match[1]) == 0:
        raise _wrong(name, text, origin, "90s, 15m, 1h or 1d; at least 1s")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def _wrong(name: str, text: str, origin: str, example: str) -> TimelineError:
    shown = f"“{text}”" if text else "empty"
    return _invalid(f"{name} ({origin}) is {shown}.", f"Write it as {example}.", name)


def _invalid(detail: str, remedy: str, name: str | None = None) -> TimelineError:
    return TimelineError("invalid_configuration", detail, remedy, field=name)


def _written(value: Any) -> str:
    if isinstance(value, timedelta):
        seconds = int(value.total_seconds())
        size, unit = next(pair for pair in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")) if seconds % pair[0] == 0)
        return f"{seconds // size}{unit}"
    return masked(str(value)) if value is not None else ""


_PARSERS: dict[str, Callable[[str, str, str], Any]] = {
    "database_url": _database_url,
    "read_database_url": _database_url,
    "feeds_dir": _path,
    "base_url": _base_url,
    "tag_authority": _tag_authority,
    "host": _text,
    "port": _between(1, 65535),
    "publish_every": _duration,
    "head_entries": _between(20, 200),
}
_SECRET = ("database_url", "read_database_url")
_DEFAULTS = {
    "database_url": "sqlite:///timeline.db",
    "feeds_dir": "feeds",
    "tag_authority": "timeline.invalid,2026",
    "host": "127.0.0.1",
    "port": "8000",
    "publish_every": "15m",
    "head_entries": "50",
}
