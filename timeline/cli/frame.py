"""What all commands share: the group, the settings, JSON or tables, and how trouble is told."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

import click
import msgspec
from rich.console import Console

from timeline.answers import Answers
from timeline.core.errors import Category, TimelineError
from timeline.core.sheet import Citation
from timeline.core.terms import BUILTIN, Kinds, read_kinds
from timeline.exports import Exports
from timeline.formats.sheets import cited_in_markdown
from timeline.log import Log, utc_now
from timeline.search import catch_up
from timeline.settings import Settings, load

P = ParamSpec("P")
R = TypeVar("R")
Json = dict[str, Any]
ENCODER = msgspec.json.Encoder(decimal_format="number")
KINDS_NAME = "kinds.toml"
_UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


def _console(*, stderr: bool = False) -> Console:
    """Where text is shown as it is: a quote may hold [the company] or :key:, which are no markup and no pictures."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


@dataclass(slots=True)
class Frame:
    """One run of the command."""

    config: Path | None
    flags: dict[str, str | int | None]
    as_json: bool = False
    out: Console = field(default_factory=_console)
    talk: Console = field(default_factory=partial(_console, stderr=True))

    def settings(self, **flags: str | int | None) -> Settings:
        return load(self.flags | flags, os.environ, config=self.config)

    def kinds(self) -> Kinds:
        """The kinds that come with Timeline, and those of `kinds.toml` in the working folder."""
        own = Path(KINDS_NAME)
        if not own.is_file():
            return BUILTIN
        try:
            return read_kinds(own.read_text("utf-8"), known=BUILTIN)
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise TimelineError(
                "invalid_configuration",
                f"{KINDS_NAME} cannot be used: {error}.",
                "Compare it with the kinds that come with Timeline: text, lists and tables as there, in UTF-8.",
            ) from error

    @contextmanager
    def log(self, *, migrate: bool = False) -> Iterator[Log]:
        """The log that the settings name; a command that writes brings its tables up to date first.

        Afterwards what it wrote is indexed. If that cannot be done the command has not failed: the next search does it.
        """
        settings = self.settings()
        log = Log.open(settings.database_url, read_url=settings.read_database_url)
        try:
            if migrate:
                log.migrate()
            else:
                log.check_schema()
            yield log
            if migrate:
                with suppress(TimelineError):
                    catch_up(log)
        finally:
            log.close()

    @contextmanager
    def answers(self) -> Iterator[Answers]:
        with self.log() as log:
            yield Answers(log, self.kinds(), utc_now)

    @contextmanager
    def exports(self) -> Iterator[Exports]:
        with self.answers() as answers:
            yield Exports(answers, self.settings().base_url)

    def cite(self, citation: Citation) -> None:
        """The citation on stdout: as text, as Markdown and as a link."""
        body = {
            "text": citation.text,
            "markdown": cited_in_markdown(citation),
            "link": citation.link(),
            "record": citation.record,
            "sha256": citation.sha256,
        }
        if self.as_json:
            click.echo(msgspec.json.format(ENCODER.encode(body), indent=2))
        else:
            click.echo("\n\n".join(str(body[name]) for name in ("text", "markdown", "link")))

    def show(self, body: Any, table: Callable[[Console, Any], None]) -> None:
        """The answer on stdout: as JSON when asked for, else as a table."""
        if self.as_json:
            click.echo(msgspec.json.format(ENCODER.encode(body), indent=2))
        else:
            table(self.out, body)


pass_frame = click.make_pass_decorator(Frame)


class Group(click.Group):
    """A group that tells expected trouble in one line (or as a problem document) and leaves with its exit code."""

    as_json = False

    def main(self, args: Sequence[str] | None = None, *rest: Any, **kwargs: Any) -> Any:
        """Run a command and leave by `SystemExit`, with the exit code of what went wrong or 0."""
        kwargs["standalone_mode"] = False
        words = list(sys.argv[1:] if args is None else args)
        self.as_json = "--json" in words
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")  # a terminal that cannot show a dash still shows the rest
        try:
            code = self._run(words, *rest, **kwargs)
            if isinstance(sys.stdout, io.TextIOWrapper):
                sys.stdout.flush()
        except OSError as error:
            if error.errno not in _UNWRITABLE:
                raise
            _muffle()
            self.as_json = False
            why = f"The answer cannot be written: {error.strerror}."
            self._tell(TimelineError("storage_failed", why, "Make room there, or write it elsewhere."))
            code = Category.UNAVAILABLE.exit_code
        sys.exit(code)

    def _run(self, words: list[str], *rest: Any, **kwargs: Any) -> int:
        """Run a command; the exit code of what went wrong or 0."""
        try:
            _check_readable(words)
            code = super().main(words, *rest, **kwargs)
        except TimelineError as error:
            self._tell(error)
            return error.category.exit_code
        except click.UsageError as error:
            remedy = f"Try {error.ctx.command_path} --help." if error.ctx else "Try timeline --help."
            self._tell(TimelineError("unknown_parameter", error.format_message(), remedy))
            return Category.USAGE.exit_code
        except click.ClickException as error:
            error.show()
            return 1
        except (click.Abort, KeyboardInterrupt):
            click.echo("interrupted; what was acknowledged is kept", err=True)
            return 1
        return code if isinstance(code, int) else 0

    def _tell(self, error: TimelineError) -> None:
        if self.as_json:
            click.echo(msgspec.json.format(ENCODER.encode(error.problem()), indent=2))
        click.echo(one_line(error), err=True)


def _check_readable(words: list[str]) -> None:
    """Refuse a word that is no text, unless it is a file's name: no name on record is like that."""
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            if not Path(word).exists():
                shown = os.fsencode(word).decode("utf-8", "backslashreplace")
                raise TimelineError(
                    "invalid_value",
                    f"“{shown}” is not UTF-8, and no file is called so.",
                    "Type it again, in a terminal that is set to UTF-8.",
                ) from None


def _muffle() -> None:
    """Let what is still in the buffer of standard output go nowhere, so that leaving does not fail on it again."""
    with suppress(OSError), Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def one_line(error: TimelineError) -> str:
    """The refusal in one line: where, what, and what to do."""
    file, line = error.more.get("file"), error.more.get("line")
    where = "" if file is None or str(file) in error.detail else f"{file}:{line}: " if line else f"{file}: "
    at = f"{error.field}: " if error.field and file else ""
    return " ".join(f"timeline: {where}{at}{error.detail} {error.remedy} [{error.code}]".split())


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="timeline")
@click.option("--config", type=click.Path(path_type=Path), help="Settings file instead of ./timeline.toml.")
@click.option("--database-url", help="Where the record is kept, such as sqlite:///timeline.db.")
@click.pass_context
def cli(context: click.Context, config: Path | None, database_url: str | None) -> None:
    """The record of partnerships: what was in force on a day, in whose words, and what was known then."""
    context.obj = Frame(config, {"database_url": database_url})


def json_option(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command `--json`."""

    @click.option("--json", "as_json", is_flag=True, help="The answer as JSON, the same as over HTTP.")
    @wraps(command)
    def with_json(*args: P.args, **kwargs: P.kwargs) -> R:
        click.get_current_context().obj.as_json = kwargs.pop("as_json")
        return command(*args, **kwargs)

    return with_json


def cite_option(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command `--cite`."""
    return click.option("--cite", is_flag=True, help="The permanent citation of the answer instead of the answer.")(
        command
    )


_KNOWN_SEQ = click.option("--known-seq", metavar="N", help="As known after position N of the log.")
_ANNOUNCED_BY = click.option("--announced-by", metavar="T", help="Count only what had been announced by then.")
_KNOWN_AT = click.option(
    "--known-at", metavar="T", help="As known to this record then: 2026-11-22T04:30:00Z, or a day."
)


def knowledge_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command the clocks of knowledge."""
    return _KNOWN_AT(_ANNOUNCED_BY(_KNOWN_SEQ(command)))


def record_options(command: Callable[P, R]) -> Callable[P, R]:
    """Give a command those of them that the record alone answers."""
    return _KNOWN_AT(_KNOWN_SEQ(command))


def given(values: Mapping[str, str | None]) -> dict[str, str]:
    """The parameters that were given."""
    return {name: value for name, value in values.items() if value is not None}
