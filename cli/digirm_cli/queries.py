"""Where `digirm check` takes its queries from: the command line, files and standard input, a line at a time."""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, TextIO

from digirm_cli.common import stdin
from digirm_runtime.query.listed import named_endpoint

_BYTE_ORDER_MARK = "\ufeff"


class UnreadableError(Exception):
    """A source of queries that cannot be read; the text says which, and why."""


class Line(NamedTuple):
    """A line as its source has it: `query` is None for an empty one and a comment, `number` 0 on the command line.

    `begin` is what stands before the text: the byte order mark of a file that has one.
    """

    query: str | None
    endpoint: str | None
    end: str = "\n"
    other: str = ""
    file: str = ""
    number: int = 0
    begin: str = ""

    @property
    def where(self) -> str:
        """The place, for a message."""
        return f"{self.file}:{self.number}: " if self.number else ""


def ensure_readable(files: Iterable[str]) -> None:
    """Raise UnreadableError for what is certain not to be read, before anything is printed; nothing is opened."""
    for file in files:
        if file == "-":
            continue
        try:
            if stat.S_ISDIR(Path(file).stat().st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if not os.access(file, os.R_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        except (OSError, ValueError) as error:
            raise UnreadableError(f"cannot read {file}: {getattr(error, 'strerror', error)}") from None


def from_arguments(queries: Iterable[str], endpoint: str | None) -> Iterator[Line]:
    """Queries of the command line; `-` is standard input."""
    for query in queries:
        if query == "-":
            yield from from_files(["-"], endpoint)
        else:
            yield Line(query, endpoint)


def from_files(files: Iterable[str], endpoint: str | None) -> Iterator[Line]:
    """The lines of files, of which each begins with `endpoint` and may name another. Raises UnreadableError."""
    for file in files:
        name, current = "<stdin>" if file == "-" else file, endpoint
        try:
            with _opened(file) as stream:
                for number, line in enumerate(stream, 1):
                    text = line.removesuffix("\n").removesuffix("\r")
                    end = line[len(text) :]
                    begin = _BYTE_ORDER_MARK if number == 1 and text.startswith(_BYTE_ORDER_MARK) else ""
                    text = text[len(begin) :]
                    bare = text.strip()
                    if bare and bare[0] != "#":
                        yield Line(text, current, end, "", name, number, begin)
                        continue
                    if (told := named_endpoint(bare)) is not None:
                        current = told or endpoint
                    yield Line(None, current, end, text, name, number, begin)
        except UnicodeDecodeError:
            raise UnreadableError(f"cannot read {_called(file)}: it is not UTF-8 text") from None
        except OSError as error:  # also in the middle of a file
            raise UnreadableError(f"cannot read {_called(file)}: {error.strerror or error}") from None


@contextmanager
def _opened(file: str) -> Iterator[TextIO]:
    """A file's lines. Lines end with a line feed only: a query may hold what else is taken for a line's end."""
    # Bytes, because the terminal's encoding says nothing of a file's.
    source: BinaryIO = stdin() if file == "-" else Path(file).open("rb")  # noqa: SIM115 - closed below
    stream = io.TextIOWrapper(source, encoding="utf-8", newline="\n")
    try:
        yield stream
    finally:
        stream.detach() if file == "-" else stream.close()


def _called(file: str) -> str:
    return "standard input" if file == "-" else file
