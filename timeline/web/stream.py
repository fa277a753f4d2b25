"""The log as it grows, by Server-Sent Events: resumable by position, bounded in number, over when the server stops."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import suppress

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import StreamingResponse

from timeline.answers import Answers
from timeline.core.errors import TimelineError
from timeline.core.questions import position
from timeline.web import api
from timeline.web.operations import ENCODER, Operation, Parameter, parameters

MOST_STREAMS = 200
ADDRESS = Operation(
    "GET",
    "/api/changes/stream",
    "stream",
    "New events of the log as Server-Sent Events (event: recorded, the position as id), without end",
    None,
    None,
    (Parameter("after", "The position to begin after. Default: what is recorded from now on.", api.POSITION),),
    (Parameter("Last-Event-ID", "The position of the last event you had; wins over after.", api.POSITION),),
    media_type="text/event-stream",
    otherwise=("400", "401", "429", "503"),
)
_BATCH = 100
_log = logging.getLogger("timeline.web")


class Stream:
    """Sends the log to whoever listens.

    What this process records is sent at once, and so is what others record while that is heard of. Else, and while
    anybody listens, the database is asked.

    Args:
        hears: Whether `grown` is called for what other processes record, too.
        every: Seconds between two questions.
        heartbeat: Seconds of silence before a comment is sent, so that proxies keep the connection.
    """

    def __init__(
        self,
        answers: Answers,
        hears: Callable[[], bool] = lambda: False,
        *,
        every: float = 0.5,
        heartbeat: float = 15,
    ) -> None:
        self.listeners = 0
        self._answers = answers
        self._hears = hears
        self._every = every
        self._heartbeat = heartbeat
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: set[asyncio.Event] = set()

    async def answer(self, request: Request) -> StreamingResponse:
        """Answer a listener: events after its last one, else after `after`, else from now on."""
        given = parameters(request, ["after"])
        last = request.headers.get("last-event-id")
        if last is not None:
            after = position(last, field="Last-Event-ID")
        elif "after" in given:
            after = position(given["after"], field="after")
        else:
            after = await run_in_threadpool(self._answers.log.last_seq)
        if self.listeners >= MOST_STREAMS or self._closed:
            raise TimelineError(
                "too_many_streams",
                "As many listeners as there may be are connected, or the service is stopping.",
                "Connect again in some seconds, or ask /api/log from time to time.",
            )
        if request.method == "HEAD":
            return StreamingResponse(iter(()), media_type="text/event-stream")
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        self._loop = asyncio.get_running_loop()
        return StreamingResponse(self._events(after), headers=headers, media_type="text/event-stream")

    def grown(self) -> None:
        """Tell the listeners that there is more; from any thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop may be closed already, and then nobody listens
                self._loop.call_soon_threadsafe(self._wake)

    def close(self) -> None:
        """End every stream, now and from now on; from any thread."""
        self._closed = True
        self.grown()

    def _wake(self) -> None:
        for waiting in self._waiting:
            waiting.set()

    async def _events(self, after: int) -> AsyncIterator[bytes]:
        woken = asyncio.Event()
        self._waiting.add(woken)
        self.listeners += 1
        try:
            yield b"retry: 2000\n\n"
            time = asyncio.get_running_loop().time
            spoke_at = time()
            while not self._closed:
                woken.clear()
                if await run_in_threadpool(self._answers.log.last_seq) > after:
                    page = await run_in_threadpool(self._answers.events, after, _BATCH)
                    for event in page["events"]:
                        after, spoke_at = event["seq"], time()
                        yield b"id: %d\nevent: recorded\ndata: %b\n\n" % (after, ENCODER.encode(event))
                    continue
                pause = max(0.0, spoke_at + self._heartbeat - time())
                with suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), pause if self._hears() else min(pause, self._every))
                if time() >= spoke_at + self._heartbeat:
                    spoke_at = time()
                    yield b": still here\n\n"
        except TimelineError as error:
            _log.warning("a stream ended: %s", error.detail)
        finally:
            self.listeners -= 1
            self._waiting.discard(woken)
