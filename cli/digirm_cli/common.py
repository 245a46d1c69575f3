"""What the subcommands share: exit codes, and words for standard error."""

from __future__ import annotations

import argparse
import errno
import os
import sys
from typing import Any, BinaryIO, TextIO

FINE = 0
FINDINGS = 1
UNUSABLE = 2
PARTIAL = 3
INTERRUPTED = 130
READER_LEFT = 141
TERMINATED = 143

URL_HELP = "the service, or sim: for the embedded simulator (default: $DIGIRM_URL, else https://remotemanager.digi.com)"


class Interspersed(argparse.ArgumentParser):
    """Takes positional arguments before, between and behind options, which argparse by itself does not."""

    _within = False

    def parse_known_args(self, *args: Any, **settings: Any) -> Any:
        """The arguments, and what is none."""
        # Of a parser with subcommands, what is behind one is that one's own.
        if self._within or self._subparsers is not None:
            return super().parse_known_args(*args, **settings)
        self._within = True
        try:
            return self.parse_known_intermixed_args(*args, **settings)
        finally:
            self._within = False


def named(text: str) -> str:
    """An argument that must not be empty, as it is where a script's variable is not set."""
    if not text.strip():
        raise argparse.ArgumentTypeError("must not be empty")
    return text


def stdin() -> BinaryIO:
    """Standard input, as bytes. Raises OSError where the process was started without one."""
    closed: object = None  # what the interpreter makes of a stream that was closed when the process began
    if sys.stdin is closed:
        raise OSError(errno.EBADF, "it is closed")
    return sys.stdin.buffer


def unread(file: str, error: OSError | ValueError) -> str:
    """Why a file, `-` for standard input, could not be read."""
    name = "standard input" if file == "-" else file
    return f"cannot read {name}: {getattr(error, 'strerror', None) or error}"


def plain(text: str) -> str:
    """Text for a terminal: what a server put into it cannot move the cursor or colour anything."""
    from digirm_runtime.text import printable

    return "\n".join(map(printable, text.split("\n")))


def warn(message: str) -> None:
    """Print `message` to standard error."""
    try:
        print(f"digirm: {plain(message)}", file=sys.stderr)
    except OSError:
        let_go(sys.stderr)  # nobody is left to be told


def let_go(stream: TextIO) -> None:
    """Point a standard stream that cannot be written at nothing, so that the interpreter's last flush is quiet too."""
    try:
        number = stream.fileno()
    except OSError:
        return
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, number)
    os.close(nothing)


def fail(message: str) -> int:
    """Say why the command could not run, and return the exit code for that."""
    warn(message)
    return UNUSABLE
