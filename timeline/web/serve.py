"""Serving: migrate, start the API, the pages and the scheduler in one process, and say where."""

from __future__ import annotations

import errno
import logging
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from timeline import publishing, search
from timeline.acts import Desk
from timeline.core.errors import TimelineError
from timeline.core.terms import Kinds
from timeline.documents import walk
from timeline.listening import Listener
from timeline.log import Log, utc_now
from timeline.publishing import websub
from timeline.publishing.courier import Courier
from timeline.scheduler import Scheduler, leadership
from timeline.settings import Settings
from timeline.web.agents import PLACE
from timeline.web.app import create_app

GRACE_SECONDS = 3
"""How long a request under way may take once the service was told to stop."""


def serve(settings: Settings, kinds: Kinds, *, demo: bool) -> None:
    """Serve until a signal says stop.

    Args:
        demo: Serve the example record, in a folder that is gone afterwards; yours is not touched.

    Raises:
        TimelineError: `invalid_configuration` when the address is taken or cannot be used; what `Log.migrate` raises.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    with ExitStack() as stack:
        listening = stack.enter_context(_listening(settings))
        if demo:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="timeline-demo-")))
            settings = replace(settings, database_url=f"sqlite:///{folder / 'demo.db'}", read_database_url=None)
            settings = replace(settings, feeds_dir=folder / "feeds")
        log = Log.open(settings.database_url, read_url=settings.read_database_url)
        stack.callback(log.close)
        log.migrate()
        if demo:
            Desk(log, kinds, utc_now).import_files(walk([example()]))
        courier = Courier(log, publishing.site_of(settings), utc_now)
        stack.callback(courier.close)
        scheduler = _scheduler(settings, log, kinds, courier)
        listener = Listener(log, settings.database_url)
        app = create_app(
            settings,
            log,
            kinds,
            utc_now,
            scheduler_status=scheduler.status,
            recorded=scheduler.poke,
            hears=listener.listens,
            leads=scheduler.leads,
        )
        listener.start(app.state.stream.grown)
        stack.callback(listener.stop)
        scheduler.start()
        stack.callback(scheduler.stop)
        _say(settings, demo=demo)
        _Server(app).run(sockets=[listening])


def example() -> Path:
    """The folder of the example record: in the working tree when the package lies in one, else in the package."""
    package = Path(__file__).resolve().parent.parent
    return next(each for each in (package.parent / "seeds" / "harbour-quill", package / "_example") if each.is_dir())


class _Server(uvicorn.Server):
    """A server that ends the streams when it is told to stop: an open one would hold it up."""

    def __init__(self, app: Starlette) -> None:
        config = uvicorn.Config(
            app,
            http="httptools" if sys.platform != "win32" else "auto",
            loop="uvloop" if sys.platform != "win32" else "auto",
            ws="none",
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)
        self._app = app

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        self._app.state.stream.close()
        super().handle_exit(sig, frame)


def _scheduler(settings: Settings, log: Log, kinds: Kinds, courier: Courier) -> Scheduler:
    def publish() -> None:
        publishing.publish(log, kinds, settings, publishing.settled_day(utc_now()))
        search.catch_up(log)

    def tell_hub() -> object:
        assert settings.hub_url is not None  # called only then
        return websub.deliver(log, settings.hub_url, utc_now())

    return Scheduler(
        publish,
        log.primary.last_seq,
        leadership(settings.database_url),
        utc_now,
        every=settings.publish_every,
        deliver=[courier.round, *([tell_hub] if settings.hub_url is not None else [])],
    )


@contextmanager
def _listening(settings: Settings) -> Iterator[socket.socket]:
    """The socket, bound before anything else is begun: two services on one port would be noticed too late."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((settings.host, settings.port))
            listening.listen(2048)
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "is taken by another program" if taken else f"cannot be used: {error.strerror or error}"
            raise TimelineError(
                "invalid_configuration",
                f"Port {settings.port} of {settings.host} {why}.",
                "Choose another with --port, or stop what uses it." if taken else "Check TIMELINE_HOST and --port.",
                field="port",
            ) from error
        yield listening


def _say(settings: Settings, *, demo: bool) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    here = f"http://{host}:{settings.port}"
    lines = [f"Timeline{' (the example record; nothing is kept)' if demo else ''} is at {here}/"]
    lines += [f"  API    {here}/openapi.json", f"  feeds  {here}/subscribe"]
    lines += [f"  agents {here}{PLACE}"] if settings.agents == "on" else []
    lines += ["  Ctrl-C stops it."]
    print("\n".join(lines), file=sys.stderr, flush=True)  # talk, for a person


__all__ = ["GRACE_SECONDS", "example", "serve"]
