"""Files on a device: what `file_system` is told and answers.

The commands and their attributes are those of Digi's own Python library for the service; `truncate` ends the file
behind the bytes that were written.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
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
#: What is told of a file in transfer: the bytes so far.
Progress: TypeAlias = Callable[[int], object]
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
    """Reads a file piece by piece: `due` gives the next call, `read` the bytes of its answer."""

    def __init__(self, device: str, path: str, piece: int, attributes: Attributes) -> None:
        if piece < 1:
            raise ValueError("a piece has at least one byte")
        self._device, self._path, self._piece, self._attributes = device, path, piece, attributes
        self._offset = 0
        self._more = True

    def due(self) -> Command | None:
        """The next call; None behind the end of the file."""
        if not self._more:
            return None
        return commands(self._device, get_command(self._path, self._offset, self._piece), self._attributes)

    def read(self, answer: Answer) -> bytes:
        """The bytes of a piece; fewer than were asked for are the last."""
        data = read_get(answer)
        if len(data) > self._piece and self._offset:
            raise TransportError(
                f"the device sent {len(data)} bytes of {self._path}, where {self._piece} were asked for"
            )
        # A device that does not know pieces sends the whole.
        self._more = len(data) == self._piece
        self._offset += len(data)
        return data


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
