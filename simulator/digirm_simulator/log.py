"""Log lines of a server, which never wait for those who read them."""

from __future__ import annotations

import os
import sys
import threading
from collections import deque
from contextlib import suppress

_MOST_LINES = 1000
#: Seconds in which lines are gathered, so that a busy server does not wake a thread for each.
_GATHERED = 0.05
#: Seconds to wait at the end for those who read what is logged.
_PATIENCE = 1.0


class Lines:
    """Lines for stderr, written by a thread of their own: where nobody reads them, they are lost and nobody waits."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque()
        self._some = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="digirm-simulator-log", daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        """Write a line, soon."""
        if len(self._lines) < _MOST_LINES:
            self._lines.append(line)
            if not self._some.is_set():
                self._some.set()

    def close(self) -> None:
        """Wait a moment for what is still to be written."""
        self._ended.set()
        self._some.set()
        self._thread.join(_PATIENCE)

    def _run(self) -> None:
        while self._lines or not self._ended.is_set():
            self._some.wait()
            self._ended.wait(_GATHERED)
            self._some.clear()
            _write("".join(f"{self._lines.popleft()}\n" for _ in range(len(self._lines))))


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
