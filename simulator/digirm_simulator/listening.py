"""What servers of this project have in common: a socket that is bound first, and an end by a signal that is normal."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import uvicorn


class ServeError(OSError):
    """The address cannot be used; the text says why."""


def bind(host: str, port: int) -> socket.socket:
    """A socket that is bound to an address; port 0 takes a free one. Raises ServeError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, as asyncio sends small answers without delay only then.
    bound = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise ServeError(f"cannot serve on {host} port {port}: {error.strerror or error}") from None
    except OverflowError:
        bound.close()
        raise ServeError(f"there is no port {port}") from None
    except BaseException:
        bound.close()
        raise
    return bound


class Listening(uvicorn.Server):
    """A server whose end by a signal is a normal end."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Let Ctrl-C and SIGTERM end the server; uvicorn's own raises the signal again, which exits as a failure."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def leave(number: int, frame: FrameType | None) -> None:
            self.handle_exit(number, frame)

        former = {number: signal.signal(number, leave) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, action in former.items():
                signal.signal(number, action)
