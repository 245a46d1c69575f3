"""Entry point of `digirm`: finds the subcommand, runs it, and turns errors into a line and an exit code.

Beside the codes that the subcommands share (0 fine, 1 findings, 2 it could not run, 3 partial) there are those that
shells expect: 130 after Ctrl-C, 143 after SIGTERM, and 141 where the reader of the output has left
(`digirm check ... | head -1`). Output that cannot be written at all is a 2.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from digirm_cli.common import INTERRUPTED, READER_LEFT, TERMINATED, Interspersed, fail, let_go, warn

COMMANDS = (
    "bump",
    "check",
    "crawl",
    "delete",
    "diff",
    "explore",
    "export-spec",
    "generate",
    "get",
    "post",
    "put",
    "sci",
    "simulate",
    "whoami",
)


class _Version(argparse.Action):
    """Prints the version; looked up only then, because reading a distribution's metadata takes its time."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from importlib.metadata import version

        print(f"digirm {version('digirm')}")
        parser.exit()


class _Help(argparse.HelpFormatter):
    """Has a command and what it does on one line: argparse forgets that commands are indented."""

    def add_argument(self, action: argparse.Action) -> None:
        super().add_argument(action)
        if isinstance(action, argparse._SubParsersAction):
            self._action_max_length += self._indent_increment


def parser(only: str | None = None) -> argparse.ArgumentParser:
    """The command line of all subcommands, or of one: the others' modules are then not even read."""
    top = argparse.ArgumentParser(
        prog="digirm",
        formatter_class=_Help,
        description="Typed client, offline checks and simulator for a "
        "self-documenting web API such as Digi Remote Manager.",
    )
    top.add_argument("--version", action=_Version, nargs=0, help="print the version and exit")
    subparsers = top.add_subparsers(metavar="COMMAND", required=True, parser_class=Interspersed)
    for name in COMMANDS if only is None else (only,):
        import_module(f"digirm_cli.{name.replace('-', '_')}").register(subparsers)
    return top


def main(argv: Sequence[str] | None = None) -> int:
    """Run `digirm` with `argv` (default: the process's own) and return the exit code."""
    # A stream that the caller has closed is None here, whatever the type checker knows.
    closed: Any = None
    if sys.stderr is closed:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115 - for as long as the process lives
    if sys.stdout is closed:
        return fail("standard output is closed")
    try:
        try:
            return _run(sys.argv[1:] if argv is None else list(argv))
        finally:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
    except BrokenPipeError:
        let_go(sys.stdout)
        let_go(sys.stderr)
        return READER_LEFT
    except OSError as error:
        let_go(sys.stdout)
        return fail(f"cannot write the output: {error.strerror or error}")


def _run(arguments: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A name that the terminal's encoding lacks is shown escaped.
            stream.reconfigure(errors="backslashreplace")
    args = parser(arguments[0] if arguments and arguments[0] in COMMANDS else None).parse_args(arguments)
    from digirm_runtime.errors import APIError, RemoteManagerError, TransportError

    try:
        with warnings.catch_warnings(), _ending_by_signal():
            # The line of the program that a warning points at is nothing to the user of a command.
            warnings.showwarning = lambda message, *_: warn(str(message))
            code: int = args.run(args)
    except (APIError, TransportError) as error:
        return fail(" ".join(str(error).split()))
    except RemoteManagerError as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return INTERRUPTED
    except _Terminated:
        return TERMINATED
    return code


class _Terminated(BaseException):
    """SIGTERM as an exception, so that what was begun is undone as it is after Ctrl-C."""


@contextmanager
def _ending_by_signal() -> Iterator[None]:
    def end(*_: object) -> None:
        raise _Terminated

    try:
        former = signal.signal(signal.SIGTERM, end)
    except ValueError:  # not the main thread: signals are somebody else's business
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


if __name__ == "__main__":
    sys.exit(main())
