"""The simulator that the explorer starts where no service is named: on loopback, so that exported calls reach it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING

from digirm_explorer.problems import Problem

if TYPE_CHECKING:
    from digirm_runtime.wire import Handler
    from digirm_simulator.server import Running


@contextmanager
def _anew() -> Iterator[None]:
    """A problem of its own for each who is told: one for all would grow with the traces of all."""
    try:
        yield
    except Problem as error:
        raise Problem(error.kind, error.message) from None


class Embedded:
    """A simulator in this process, over HTTP; made in a thread, as the page is there before it."""

    def __init__(self, url: str | None = None, specs: str | None = None, devices: int | None = None) -> None:
        """`url` is a `sim:` URL; without one, the simulator has the contract of `specs`, and so many `devices`."""
        self._wanted = url
        self._specs = specs
        self._devices = devices
        self._url: Future[str] = Future()
        # Whoever waits for it and leaves does not take it from the others.
        self._url.set_running_or_notify_cancel()
        self._lock = threading.Lock()
        self._handler: Handler | None = None
        self._server: Running | None = None

    def start(self) -> None:
        """Make it and serve it. What keeps it from that is told by `url`."""
        from digirm_simulator.server import Running

        if self._url.done():
            return
        try:
            handler = self._made()
        except BaseException as error:
            known = isinstance(error, OSError | ValueError)
            self._tell(f"the simulator did not start: {error if known else type(error).__name__}")
            if known:
                return
            raise
        server = Running(handler)
        try:
            server.start()
            with self._lock:
                if not self._url.done():
                    self._handler, self._server = handler, server
                    self._url.set_result(server.url)
                    return
        except OSError as error:
            self._tell(f"the simulator did not start: {error}")
        server.stop()
        handler.close()

    def url(self) -> str:
        """Its address; waits until it is there. Raises Problem where it did not start."""
        with _anew():
            return self._url.result()

    async def started(self) -> str:
        """`url` for event loops."""
        with _anew():
            return await asyncio.wrap_future(self._url)

    def give_up(self) -> None:
        """Let nobody wait for it any longer; does not wait itself for one that is just being made."""
        self._tell("the simulator was stopped")

    def stop(self) -> None:
        """End it; one that is just being made ends as soon as it is there."""
        self.give_up()
        if self._server is not None:
            self._server.stop()
        if self._handler is not None:
            self._handler.close()

    def _tell(self, why: str) -> None:
        with self._lock:
            if not self._url.done():
                self._url.set_exception(Problem("transport", why))

    def _made(self) -> Handler:
        if self._wanted is not None:
            from digirm_simulator.inprocess import open_url

            return open_url(self._wanted)
        from digirm_simulator import Simulator

        devices = 100 if self._devices is None else self._devices
        # Nobody looks at the requests that it would keep.
        return Simulator(contract=self._specs, devices=devices, kept_requests=0)
