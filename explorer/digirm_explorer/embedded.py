"""The simulator that the explorer starts where no service is named: on loopback, so that exported calls reach it."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from digirm_explorer.problems import Problem

if TYPE_CHECKING:
    from digirm_runtime.wire import Handler
    from digirm_simulator.server import Running

#: Any credentials will do; these say what they are.
USER, PASSWORD = "sim", "sim"


class Embedded:
    """A simulator in this process, over HTTP; made in a thread, as the page is there before it."""

    def __init__(self, url: str | None = None, specs: str | None = None, devices: int | None = None) -> None:
        """`url` is a `sim:` URL; without one, the simulator has the contract of `specs`, and so many `devices`."""
        self._wanted = url
        self._specs = specs
        self._devices = devices
        self._ready = threading.Event()
        self._lock = threading.Lock()
        self._closed = False
        self._error: str | None = None
        self._handler: Handler | None = None
        self._server: Running | None = None

    def start(self) -> None:
        """Make it and serve it. What keeps it from that is told by `url`; nothing is raised."""
        from digirm_simulator.server import Running

        try:
            with self._lock:
                if self._closed:
                    return
                self._handler = self._made()
                self._server = Running(self._handler)
                self._server.start()
        except (OSError, ValueError) as error:
            self._error = f"the simulator did not start: {error}"
        finally:
            self._ready.set()

    def url(self) -> str:
        """Its address; waits until it is there. Raises Problem where it did not start."""
        self._ready.wait()
        if self._server is None or self._error is not None:
            raise Problem("transport", self._error or "the simulator was stopped")
        return self._server.url

    def stop(self) -> None:
        """End it; one that is just being made ends as soon as it is there."""
        with self._lock:
            self._closed = True
            if self._server is not None:
                self._server.stop()
            if self._handler is not None:
                self._handler.close()
        self._ready.set()

    def _made(self) -> Handler:
        if self._wanted is not None:
            from digirm_simulator.inprocess import open_url

            return open_url(self._wanted)
        from digirm_simulator import Simulator

        devices = 100 if self._devices is None else self._devices
        # Nobody looks at the requests that it would keep.
        return Simulator(contract=self._specs, devices=devices, kept_requests=0)
