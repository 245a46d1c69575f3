"""The simulator over HTTP, served by uvicorn."""

from __future__ import annotations

import asyncio
import gc
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from digirm_runtime.wire import Handler
from digirm_simulator.front import TRANSPORT, Front
from digirm_simulator.listening import Listening, bind
from digirm_simulator.listening import ServeError as ServeError
from digirm_simulator.log import Lines

_LOG = logging.getLogger(__name__)
#: Seconds between two looks at what the fleet did meanwhile.
_TICK = 1.0


def application(handler: Handler, *, log: bool = False) -> Front:
    """An ASGI application in front of a handler. With `log`, one line per request goes to stderr."""
    return Front(handler, Lines() if log else None)


class _Protocol(H11Protocol):
    """A connection that tells the application its transport, so that a fault can end it."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.app_state = {**self.app_state, TRANSPORT: transport}
        super().connection_made(transport)


class _Warnings(logging.Handler):
    """What is logged, as lines."""

    def __init__(self, lines: Lines) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.say(self.format(record))


class _Server(Listening):
    """A server that tells when it is ready, and lets the fleet live."""

    def __init__(self, front: Front, tick: Callable[[], None] | None = None) -> None:
        settings: dict[str, Any] = {"http": _Protocol, "ws": "none", "lifespan": "off"}
        super().__init__(
            uvicorn.Config(
                front,
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=2,
                # A query that names many devices makes a long request line.
                h11_max_incomplete_event_size=1024 * 1024,
                **settings,
            )
        )
        self._front = front
        self._tick = tick
        self._ticker: asyncio.Task[None] | None = None
        self.ready = threading.Event()
        self.announce: str | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._tick is not None:
            self._ticker = asyncio.create_task(self._live(self._tick))
        if self.announce:
            print(self.announce, flush=True)
        self.ready.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._ticker is not None:
            self._ticker.cancel()
        await super().shutdown(sockets)
        self._front.close()

    async def _live(self, tick: Callable[[], None]) -> None:
        while True:
            await asyncio.sleep(_TICK)
            try:
                await self._front.in_thread(tick)
            except Exception:
                _LOG.exception("the fleet cannot go on")
                return
            except (asyncio.CancelledError, KeyboardInterrupt):
                raise
            except BaseException:
                # A device's script: its `sys.exit()` would end the loop, and all requests with it.
                _LOG.exception("the script of a device broke off")


def serve(handler: Handler, host: str = "127.0.0.1", port: int = 8080) -> None:
    """Serve until Ctrl-C or SIGTERM; `Serving http://...` goes to stdout once it is ready. Port 0 takes a free one.

    A handler with a method `tick` has it called each second, also while nobody asks.
    Raises ServeError where the address cannot be used.
    """
    bound = bind(host, port)
    lines = Lines()
    server = _Server(Front(handler, lines), getattr(handler, "tick", None))
    server.announce = f"Serving {_url(bound)}"
    warnings = _Warnings(lines)
    root = logging.getLogger()
    if not root.handlers:
        # In place of Python's last resort, which would wait for those who read stderr.
        root.addHandler(warnings)
    # What is there at the start stays: to look through it again and again takes a twentieth of a busy server's time.
    gc.collect()
    gc.freeze()
    try:
        with bound:
            server.run(sockets=[bound])
    finally:
        gc.unfreeze()
        root.removeHandler(warnings)


class Running:
    """A server in a thread of this process, on loopback; port 0 takes a free one.

    A handler with a method `tick` has it called each second, also while nobody asks.
    """

    def __init__(self, handler: Handler, port: int = 0) -> None:
        self._handler = handler
        self._port = port
        self._url = ""
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Its address. Raises RuntimeError before it was started."""
        if not self._url:
            raise RuntimeError("the server was not started")
        return self._url

    def start(self) -> None:
        """Serve; returns when requests are answered. Raises ServeError where the port cannot be used."""
        if self._thread is not None:
            raise RuntimeError("the server runs already")
        bound = bind("127.0.0.1", self._port)
        server = self._server = _Server(application(self._handler), getattr(self._handler, "tick", None))

        def run() -> None:
            with bound:
                server.run(sockets=[bound])

        self._url = _url(bound)
        self._thread = threading.Thread(target=run, name="digirm-simulator", daemon=True)
        self._thread.start()
        if not server.ready.wait(30):
            self.stop()
            raise ServeError("the server did not start")

    def stop(self) -> None:
        """Stop serving; a second time does nothing."""
        server, thread = self._server, self._thread
        self._server = self._thread = None
        if server is not None and thread is not None:
            server.should_exit = True
            thread.join()


@contextmanager
def running(handler: Handler, port: int = 0) -> Iterator[str]:
    """`Running` for as long as the context lasts; gives the URL."""
    server = Running(handler, port)
    server.start()
    try:
        yield server.url
    finally:
        server.stop()


def _url(bound: socket.socket) -> str:
    host, port = bound.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
