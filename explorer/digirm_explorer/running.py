"""The explorer's own server: bound first, told of next, and the rest made while the browser opens."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from digirm_explorer.app import Explorer
from digirm_explorer.security import Access
from digirm_explorer.service import Service
from digirm_simulator import listening

if TYPE_CHECKING:
    from pathlib import Path

    from digirm_explorer.embedded import Embedded

HOST = "127.0.0.1"
#: Seconds in which the page is given the whole processor, from the moment on that it can be asked for.
_HEAD_START = 0.5
#: Seconds that connections have to end when the explorer does.
_PATIENCE = 0.5


class StartError(Exception):
    """The explorer cannot start; the text says why, and what to do."""


def bind(port: int) -> socket.socket:
    """A socket on loopback; port 0 takes a free one. Raises StartError."""
    try:
        bound = listening.bind(HOST, port)
        # Whoever else wants this port learns it now, and browsers are kept waiting instead of refused.
        bound.listen(100)
    except OSError as error:
        raise StartError(f"{error}; --port 0 takes a free one") from None
    return bound


class Running:
    """An explorer on a socket. `url` or `embedded` says what is explored."""

    def __init__(
        self,
        bound: socket.socket,
        *,
        url: str | None = None,
        embedded: Embedded | None = None,
        specs: str | None = None,
        history: Path | None = None,
        announce: Callable[[str], None] = lambda _: None,
    ) -> None:
        """`announce` gets each link after the first. Raises SpecError, HistoryError for what cannot be used."""
        from digirm_explorer.history import History
        from digirm_explorer.knowledge import Knowledge

        knowledge = Knowledge(specs)
        if specs is not None:
            # What was named is read at once: nobody is shown a link to a page that would know nothing.
            _ = knowledge.language
        self._bound = bound
        self._embedded = embedded
        self.explorer = Explorer(knowledge, Service(knowledge, url, embedded), History(history))
        self.access = Access(bound.getsockname()[1], announce)
        self._server = _Server(self)

    def run(self, ready: Callable[[], None] = lambda: None) -> None:
        """Serve until Ctrl-C, SIGTERM or `stop`; `ready` is called once the page can be asked for."""
        self._server.is_ready = ready
        try:
            with self._bound:
                self._server.run(sockets=[self._bound])
        finally:
            if self._embedded is not None:
                self._embedded.stop()

    def stop(self) -> None:
        """End `run`, from any thread."""
        self._server.should_exit = True

    def prepare(self) -> None:
        """Make what the page will ask for, once it is there."""
        self.explorer.visited.wait(_HEAD_START)
        if self._embedded is not None:
            self._embedded.start()
        self.explorer.warm()

    def hush(self) -> None:
        """End the calls that are under way, and what waits for the simulator."""
        if self._embedded is not None:
            self._embedded.give_up()
        self.explorer.stop()


class _Server(listening.Listening):
    """A server that takes the explorer with it."""

    def __init__(self, running: Running) -> None:
        super().__init__(
            uvicorn.Config(
                running.explorer.application(running.access),
                http="h11",
                ws="none",
                loop="asyncio",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=2,
            )
        )
        self._running = running
        self.is_ready: Callable[[], None] = lambda: None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        threading.Thread(target=self._running.prepare, name="digirm-explorer", daemon=True).start()
        self.is_ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._running.hush()
        # Who sends or reads no further is not waited for: cancelled by uvicorn, it would be told of as a failure.
        leave = asyncio.get_running_loop().call_later(_PATIENCE, self._hang_up)
        await super().shutdown(sockets)
        leave.cancel()
        await self._running.explorer.aclose()

    def _hang_up(self) -> None:
        for connection in self.server_state.connections:
            connection.transport.abort()


@contextmanager
def logged(say: Callable[[str], None]) -> Iterator[None]:
    """What is logged while this lasts, as lines; without it, Python's last resort would write them."""
    handler = _Lines(say)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            place = error.__traceback__
            while place is not None and place.tb_next is not None:
                place = place.tb_next
            where = f" ({place.tb_frame.f_code.co_filename}:{place.tb_lineno})" if place is not None else ""
            text += f": {type(error).__name__}: {error}{where}"
        self._say(text)
