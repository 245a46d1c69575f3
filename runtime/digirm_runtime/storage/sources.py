"""What can be uploaded: files, bytes, and open files, each read anew for every try."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from errno import EINVAL
from io import SEEK_END, TextIOBase
from typing import TYPE_CHECKING, BinaryIO, TypeAlias

if TYPE_CHECKING:
    from os import PathLike

    from digirm_runtime.wire import Source

#: Called with the bytes that have passed, and how many there are in all, None where nobody has said.
Progress: TypeAlias = "Callable[[int, int | None], object]"
#: A path, the bytes themselves, or an open binary file, of which what follows its position is taken.
Local: TypeAlias = "str | PathLike[str] | bytes | bytearray | memoryview | BinaryIO"

#: Bytes that are read and sent at once: few enough for a progress bar that moves, many enough to cost no time.
CHUNK = 64 * 1024


class _Source:
    """What sources share: their size, and who is told what has left."""

    def __init__(self, size: int, progress: Progress | None) -> None:
        self.size = size
        self._progress = progress

    def passed(self, done: int) -> None:
        """Tell `progress` that so many bytes of this try have left."""
        if self._progress is not None:
            self._progress(done, self.size)


class FileSource(_Source):
    """A file. Raises OSError where there is none, or something that is no regular file."""

    def __init__(self, path: str | PathLike[str], progress: Progress | None = None) -> None:
        found = os.stat(path)  # noqa: PTH116 - a path may be of any kind
        if not stat.S_ISREG(found.st_mode):
            raise OSError(EINVAL, "only a regular file can be uploaded", os.fspath(path))
        super().__init__(found.st_size, progress)
        self._path = path

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in pieces. Raises OSError."""
        with open(self._path, "rb", buffering=0) as file:  # noqa: PTH123
            while chunk := file.read(CHUNK):
                yield chunk


class BytesSource(_Source):
    """Bytes that are there already."""

    def __init__(self, content: bytes | bytearray | memoryview, progress: Progress | None = None) -> None:
        self._content = memoryview(content).cast("B")
        super().__init__(self._content.nbytes, progress)

    def chunks(self) -> Iterator[bytes]:
        """They in pieces."""
        for start in range(0, self.size, CHUNK):
            yield bytes(self._content[start : start + CHUNK])


class OpenSource(_Source):
    """What follows the position of an open binary file; the file is left open.

    Raises TypeError for a file of text, ValueError for one that cannot be read from the same place again.
    """

    def __init__(self, file: BinaryIO, progress: Progress | None = None) -> None:
        if isinstance(file, TextIOBase):
            raise TypeError("the file is open for text; open it with mode 'rb'")
        try:
            self._start = file.tell()
            end = file.seek(0, SEEK_END)
            file.seek(self._start)
        except (OSError, ValueError, AttributeError):
            raise ValueError(
                "a file to upload must be one that can be read twice, as a try may have to be repeated: "
                "pass its bytes, or save it first"
            ) from None
        super().__init__(max(0, end - self._start), progress)
        self._file = file

    def chunks(self) -> Iterator[bytes]:
        """Its bytes in pieces. Raises OSError."""
        self._file.seek(self._start)
        while chunk := self._file.read(CHUNK):
            yield chunk


def source(local: Local, progress: Progress | None) -> Source:
    """What is read for an upload. Raises TypeError, ValueError or OSError for what cannot be uploaded."""
    if isinstance(local, str | os.PathLike):
        return FileSource(local, progress)
    if isinstance(local, bytes | bytearray | memoryview):
        return BytesSource(local, progress)
    if hasattr(local, "read"):
        return OpenSource(local, progress)
    raise TypeError(f"what is uploaded is a path, bytes or an open file, not {type(local).__name__}")
