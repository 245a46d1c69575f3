"""Files on a device: what `file_system` is told and answers.

The commands and their attributes are those of Digi's own Python library for the service; `truncate` ends the file
behind the bytes that were written.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Generator, Iterator
from datetime import UTC, datetime
from io import SEEK_END
from typing import IO, Any, NamedTuple, TypeAlias

from digirm_runtime.errors import TransportError
from digirm_runtime.sci.payload import StoredPayload
from digirm_runtime.sci.reply import Answer, Results, SCIError, device_error
from digirm_runtime.sci.request import Attributes, Command, command
from digirm_runtime.sci.targets import flat
from digirm_runtime.xmltext import Value

OPERATION = "file_system"
#: A file is read and written in pieces of so many bytes, a request each.
PIECE = 256 * 1024
#: What is told of a file in transfer: the bytes so far, and how many there are, None where nobody has said.
Progress: TypeAlias = Callable[[int, int | None], object]
#: No file on a device has so many bytes, and any device can count them.
_FAR = 2**31 - 1
_BLANKS = re.compile(r"\s+")


class DeviceFile(NamedTuple):
    """A file or folder on a device. What the device does not tell is None; a folder has no size and no hash."""

    path: str
    directory: bool = False
    size: int | None = None
    last_modified: datetime | None = None
    hash: str | None = None
    hash_type: str | None = None


def commands(device: str, told: dict[str, Any], attributes: Attributes) -> Command:
    """The call that gives one device commands of its file system. Raises ValueError for what is not one device."""
    only = flat(device)
    if len(only) != 1 or not isinstance(only[0], str):
        raise ValueError("files are those of one device")
    return command(OPERATION, only, {"commands": told}, **attributes)


def ls_command(path: str, hash: str) -> dict[str, Any]:
    """List a folder; `hash` is `any`, `none`, `md5` or `crc32`."""
    return {"ls": {"@path": _path(path), "@hash": hash}}


def get_command(path: str, offset: int | None, length: int | None) -> dict[str, Any]:
    """Read a file, or `length` bytes of it from `offset` on."""
    told: dict[str, Any] = {"@path": _path(path)}
    for name, value in (("offset", offset), ("length", length)):
        if value is not None:
            if value < 0:
                raise ValueError(f"{name} must not be negative")
            told[f"@{name}"] = value
    return {"get_file": told}


def put_command(path: str, data: bytes | StoredPayload, offset: int | None, *, truncate: bool) -> dict[str, Any]:
    """Write a file: bytes, or what lies in the account's files."""
    told: dict[str, Any] = {"@path": _path(path)}
    if offset is not None:
        if offset < 0:
            raise ValueError("offset must not be negative")
        told["@offset"] = offset
    told["@truncate"] = truncate
    if isinstance(data, StoredPayload):
        told["file"] = data.path
    else:
        told["data"] = b64encode(data).decode("ascii")
    return {"put_file": told}


def rm_command(path: str) -> dict[str, Any]:
    """Delete a file."""
    return {"rm": {"@path": _path(path)}}


def _path(path: str) -> str:
    if not path.strip():
        raise ValueError("the path of a file on a device must not be empty")
    return path


def done(answer: Answer, name: str) -> dict[str, Any]:
    """What the device answered to the command of this name. Raises SCIError for its error, or the service's."""
    if answer.refused is not None:
        raise answer.refused
    results = answer.results.raise_for_errors()
    if len(results) != 1:
        raise SCIError(f"{len(results)} devices have answered, not one", results=results)
    device, value, _ = results[0]
    told = value.get("commands")
    found = told.get(name) if isinstance(told, dict) else None
    for place in (found, told):
        if isinstance(place, dict) and "error" in place:
            raise _refused(device, value, device_error(place["error"]))
    if found is None:
        raise TransportError(f"device {device} did not answer {name}")
    return found if isinstance(found, dict) else {}


def _refused(device: str, value: dict[str, Value], error: Any) -> SCIError:
    from digirm_runtime.sci.reply import Result

    return SCIError(f"{device}: {error}", results=Results([Result(device, value, error)]))


def read_ls(answer: Answer) -> list[DeviceFile]:
    """The folders and then the files of a listing."""
    listing = done(answer, "ls")
    kind = listing.get("@hash")
    return [
        DeviceFile(
            entry["@path"],
            directory,
            None if directory else _number(entry.get("@size")),
            _time(entry.get("@last_modified")),
            None if directory else entry.get("@hash"),
            kind if not directory and "@hash" in entry else None,
        )
        for directory, name in ((True, "dir"), (False, "file"))
        for entry in _several(listing.get(name))
        if isinstance(entry, dict) and "@path" in entry
    ]


def _several(value: Any) -> list[Any]:
    return [] if value is None else value if isinstance(value, list) else [value]


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 20 else None


def _time(text: str | None) -> datetime | None:
    seconds = _number(text)
    # 9999-12-31 is the last day that a datetime has.
    return datetime.fromtimestamp(seconds, UTC) if seconds is not None and seconds < 253_402_300_800 else None


def read_get(answer: Answer) -> bytes:
    """The bytes of a file. Raises TransportError for what is no Base64."""
    text = done(answer, "get_file").get("data", "")
    try:
        return b64decode(_BLANKS.sub("", text if isinstance(text, str) else "?"), validate=True)
    except ValueError:
        raise TransportError("the device's answer holds no file that can be read") from None


class Getting:
    """Reads a file piece by piece: `due` gives the next call, `read` the bytes of its answer.

    The first call asks for the size, which is `total` then; `done` counts the bytes that were read. Nothing but that
    size, or a piece without bytes, is the end: a device may give less than it is asked for. What a device lists of a
    file whose content is made when it is read is too much; there an empty piece is the end as well, but not behind a
    full one, where the file has become shorter.
    """

    def __init__(self, device: str, path: str, piece: int, attributes: Attributes) -> None:
        if piece < 1:
            raise ValueError("a piece has at least one byte")
        self._device, self._path, self._piece, self._attributes = device, path, piece, attributes
        self.done = 0
        self.total: int | None = None  # where the device says it
        self._data = b""
        self._steps = self._begin()
        self._told: dict[str, Any] | None = next(self._steps)

    def due(self) -> Command | None:
        """The next call; None behind the end of the file."""
        return None if self._told is None else commands(self._device, self._told, self._attributes)

    def read(self, answer: Answer) -> bytes:
        """The bytes of a piece, b"" where the answer is something else.

        Raises TransportError where what the device gives cannot be the file, SCIError for its errors.
        """
        self._data = b""
        try:
            self._told = self._steps.send(answer)
        except StopIteration:
            self._told = None
        return self._data

    def _begin(self) -> Generator[dict[str, Any], Answer, None]:
        """What the device is told, one command for each answer."""
        self.total = _size((yield ls_command(self._path, "none")), self._path)
        first, knows_offset, full = b"", False, False
        while self.total is None or self.done < self.total:
            asked = self._piece if self.total is None else min(self._piece, self.total - self.done)
            data = read_get((yield get_command(self._path, self.done, asked)))
            if not data and not (full and self.total):
                return
            if not data or asked < len(data) < (self.total or 0):
                raise self._fault(f"{self.done + len(data)} of {self.total} bytes")
            if not self.done:
                first = data
                if len(data) > asked:
                    # A device that does not know pieces sends the whole.
                    self.total = len(data)
            elif len(data) > asked:
                raise self._fault(f"{len(data)} bytes where {asked} were asked for")
            elif not knows_offset:
                if first.startswith(data):
                    yield from self._beyond()
                knows_offset = True
            full = full or len(data) == asked
            self.done += len(data)
            self._data = data

    def _beyond(self) -> Generator[dict[str, Any], Answer, None]:
        """Ask for what lies behind any end: a device that has bytes there gives the beginning again and again."""
        try:
            data = read_get((yield get_command(self._path, max(_FAR, 2 * (self.total or 0)), 1)))
        except SCIError:
            return  # nothing to be read there
        if data:
            raise self._fault("its beginning again: it does not know pieces; get_file reads it in one request")

    def _fault(self, what: str) -> TransportError:
        return TransportError(f"the device sent of {self._path} {what}")


def _size(answer: Answer, path: str) -> int | None:
    """The size of a file by its listing; None where the device says none, or refuses to list anything.

    A size of 0 is none: so are files listed whose content is made when they are read. Raises SCIError where the service
    refuses the request.
    """
    answer.accepted()
    try:
        listing = read_ls(answer)
    except (SCIError, TransportError):
        return None
    sizes = [file.size for file in listing if not file.directory and file.path.strip("/") == path.strip("/")]
    return sizes[0] or None if len(sizes) == 1 else None


def putting(
    device: str, path: str, file: IO[bytes], piece: int, attributes: Attributes
) -> Iterator[tuple[Command, int]]:
    """The calls that write a file, piece by piece, each with the bytes that are written by then.

    Each cuts the file behind its piece: whenever it ends, the device has a beginning of the new file and nothing else.
    """
    if piece < 1:
        raise ValueError("a piece has at least one byte")
    offset = 0
    while (data := _full(file, piece)) or not offset:
        told = put_command(path, data, offset, truncate=True)
        offset += len(data)
        yield commands(device, told, attributes), offset
        if len(data) < piece:
            return


def _full(file: IO[bytes], size: int) -> bytes:
    """So many bytes, where the file has them: a pipe gives fewer at a time."""
    parts: list[bytes] = []
    while size and (part := file.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def left(file: IO[bytes]) -> int | None:
    """How many bytes an open file still has; None for a pipe, or what has no more of a file than `read`.

    Raises what `seek` does where it goes to the end and not back: what is read from there on would be nothing.
    """
    try:
        here = file.tell()
        end = file.seek(0, SEEK_END)
    except (OSError, AttributeError, TypeError, ValueError):
        return None
    file.seek(here)
    return max(0, end - here)
