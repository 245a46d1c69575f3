"""Log lines of a server, which never wait for those who read them."""

from __future__ import annotations

import os
import sys
import threading
from contextlib import suppress
from queue import Empty, Full, Queue

_MOST_LINES = 1000
#: Seconds in which lines are gathered, so that a busy server does not wake a thread for each.
_GATHERED = 0.05
#: Seconds to wait at the end for those who read what is logged.
_PATIENCE = 1.0


class Lines:
    """Lines for stderr, written by a thread of their own: where nobody reads them, they are lost and nobody waits."""

    def __init__(self) -> None:
        self._queue: Queue[str] = Queue(_MOST_LINES)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="digirm-simulator-log", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Write a line, soon."""
        with suppress(Full):
            self._queue.put_nowait(line)

    def close(self) -> None:
        """Wait a moment for what is still to be written."""
        self._ended.set()
        self.say("")
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while not (self._ended.is_set() and self._queue.empty()):
            lines = [self._queue.get()]
            self._ended.wait(_GATHERED)
            with suppress(Empty):
                while True:
                    lines.append(self._queue.get_nowait())
            _write("".join(f"{line}\n" for line in lines if line))


def _write(text: str) -> None:
    # Whoever reads it may be gone, and there may be no stderr at all.
    with suppress(OSError, ValueError, AttributeError):
        try:
            number = sys.stderr.fileno()
        except OSError:
            sys.stderr.write(text)
        else:
            # Not through sys.stderr: the end of the process would wait for a thread that is stuck within it.
            os.write(number, text.encode(errors="backslashreplace"))
