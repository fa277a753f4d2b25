"""How this service is set up: defaults, one TOML file, environment, flags; each value knows where it came from."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from timeline.core.errors import did_you_mean
from timeline.settings.values import DEFAULTS, PARSERS, SECRET, invalid, masked, written

CONFIG_NAME = "timeline.toml"
ENVIRONMENT_PREFIX = "TIMELINE_"


@dataclass(frozen=True, slots=True)
class Settings:
    """Every setting, checked. Its text form never shows a database address, which may hold a password.

    Attributes:
        read_database_url: A replica to ask questions of, or None for the one that is written to.
        feeds_dir: Relative to the working folder unless absolute.
        base_url: Without a slash at its end.
        tag_authority: What follows `tag:` in the id of a feed (RFC 4151), as `example.org,2026`.
        head_entries: Entries in a feed's head, and in each of its archive pages.
        reads: `public`, or `token` when every question needs one.
        rate_limit: Requests a minute of one client; a write counts as ten. 0 for no limit.
        hub_url: The WebSub hub that is told of changes, or None: then none is named in the feeds.
        calendar_alarms: Days before each key date on which calendars recall it, unless the reader says otherwise.
        keep_texts: `full`, or `quotes` when a draft that has ended keeps of its source only what is quoted.
        agents: `on` when assistants are answered at /mcp, else `off`.
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
    reads: str
    rate_limit: int
    hub_url: str | None
    calendar_alarms: tuple[int, ...]
    keep_texts: str
    agents: str
    origins: Mapping[str, str] = field(repr=False)

    def shown(self) -> list[tuple[str, str, str]]:
        """Name, value as it would be written, and origin of each setting; passwords masked."""
        return [(name, written(getattr(self, name)), self.origins[name]) for name in PARSERS]


def load(flags: Mapping[str, str | int | None], environ: Mapping[str, str], *, config: Path | None = None) -> Settings:
    """Return the settings: flags over environment over file over defaults.

    Args:
        flags: Setting names (`port`) with what the command line gave; None where it gave nothing.
        environ: The environment. `TIMELINE_DATABASE_URL_FILE` names a file that holds the address.
        config: The file that `--config` names; without it `timeline.toml` in the working folder, if it is there.

    Raises:
        TimelineError: `invalid_configuration`, naming the setting and where it was set.
    """
    found = {name: (value, "default") for name, value in DEFAULTS.items()}
    found |= _from_file(config) | _from_environment(environ) | _from_flags(flags)
    values = {name: PARSERS[name](name, *found[name]) for name in PARSERS if name in found}
    # An address nobody gave follows the port somebody gave: links that lead nowhere help no reader.
    values.setdefault("base_url", f"http://127.0.0.1:{values['port']}")
    values.setdefault("read_database_url", None)
    values.setdefault("hub_url", None)
    return Settings(**values, origins={name: found.get(name, ("", "default"))[1] for name in PARSERS})


def _from_file(config: Path | None) -> dict[str, tuple[str, str]]:
    path = config or Path(CONFIG_NAME)
    if config is None and not path.exists():
        return {}
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise invalid(f"{path} cannot be read: {error.strerror}.", "Name a file that can.") from error
    except UnicodeDecodeError as error:
        raise invalid(f"{path} is not UTF-8 (byte {error.start}).", "Save it as UTF-8.") from error
    except tomllib.TOMLDecodeError as error:
        raise invalid(f"{path} is not TOML: {error}.", "Write one setting a line, as: port = 8000") from error
    found = {}
    for name, value in table.items():
        _known(name, tuple(PARSERS), path.name)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise invalid(f"{name} in {path.name} is neither text nor a whole number.", "As: port = 8000", name)
        _no_secret(name, str(value), path.name)
        found[name] = (str(value), path.name)
    return found


def _from_environment(environ: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    names = {f"{ENVIRONMENT_PREFIX}{name.upper()}": name for name in PARSERS}
    files = {f"{variable}_FILE": name for variable, name in names.items() if name in SECRET}
    found = {}
    for variable in sorted(environ):
        if not variable.startswith(ENVIRONMENT_PREFIX):
            continue
        _known(variable, (*names, *files), "the environment")
        if variable in names:
            found[names[variable]] = (environ[variable], variable)
        elif variable.removesuffix("_FILE") in environ:
            raise invalid(f"Both {variable} and {variable.removesuffix('_FILE')} are set.", "Unset one of them.")
        else:
            try:
                found[files[variable]] = (Path(environ[variable]).read_text("utf-8").strip(), variable)
            except (OSError, UnicodeDecodeError) as error:
                raise invalid(f"{variable} names {environ[variable]}, which cannot be read.", "Name a file.") from error
    return found


def _from_flags(flags: Mapping[str, str | int | None]) -> dict[str, tuple[str, str]]:
    found = {}
    for name, value in flags.items():
        if value is None:
            continue
        flag = f"--{name.replace('_', '-')}"
        _known(name, tuple(PARSERS), "the flags")
        _no_secret(name, str(value), flag)
        found[name] = (str(value), flag)
    return found


def _known(name: str, known: tuple[str, ...], place: str) -> None:
    if name not in known:
        raise invalid(f"There is no setting {name} ({place}).", did_you_mean(name, known), name)


def _no_secret(name: str, value: str, place: str) -> None:
    if name in SECRET and masked(value) != value:
        variable = f"{ENVIRONMENT_PREFIX}{name.upper()}"
        raise invalid(
            f"{name} in {place} holds a password, where others can read it.",
            f"Set {variable}, or {variable}_FILE to the name of a file that holds the address.",
            name,
        )
