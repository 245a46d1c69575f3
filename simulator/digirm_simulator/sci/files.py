"""`file_system`: the files of a device. A path is a name and nothing else: files live in the database only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping

from digirm_runtime.xmlbuild import Part
from digirm_runtime.xmltext import Value
from digirm_simulator.sci import stored, xml
from digirm_simulator.sci.request import attribute, text_of
from digirm_simulator.sci.scripts import DeviceError
from digirm_simulator.values import milliseconds
from digirm_simulator.world import World

MAX_BYTES = 4 << 20
MAX_FILES = 500
_NO_ROOM = 3
_HASHES: Mapping[str, Callable[[bytes], str]] = {
    "md5": lambda content: hashlib.md5(content, usedforsecurity=False).hexdigest(),
    "crc32": lambda content: f"{zlib.crc32(content):08x}",
}


def answer(world: World, device: str, name: str, payload: Value) -> str:
    """The element that answers one command, with an error inside where it failed."""
    try:
        return _COMMANDS[name](world, device, payload)
    except DeviceError as error:
        return xml.wrap(name, {}, error.xml())


def _ls(world: World, device: str, payload: Value) -> str:
    path = _path(payload)
    wanted = attribute(payload, "hash") or "any"
    kind = "md5" if wanted == "any" else wanted
    if kind not in (*_HASHES, "none"):
        raise DeviceError("'hash' is one of any, crc32, md5, none", 2)
    below = f"{path}/" if path else ""
    rows = world.store.sql(
        "SELECT path, modified, content FROM x_device_files"
        " WHERE device = ?1 AND (path = ?2 OR substr(path, 1, ?3) = ?4) ORDER BY path",
        (device, path, len(below), below),
    )
    if not rows and path:
        raise _no_file()
    directories: dict[str, int] = {}
    files: list[Part] = []
    for name, modified, content in rows:
        first, inside, _ = name[len(below) :].partition("/")
        if inside and name != path:
            directories[below + first] = max(modified, directories.get(below + first, 0))
            continue
        digest = {} if kind == "none" else {"@hash": _HASHES[kind](content)}
        files.append({"@path": f"/{name}", "@last_modified": modified, "@size": len(content), **digest})
    folders: list[Part] = [{"@path": f"/{name}", "@last_modified": at} for name, at in directories.items()]
    return xml.wrap("ls", {"hash": kind}, xml.inner({"dir": folders, "file": files}))


def _get(world: World, device: str, payload: Value) -> str:
    content = _content(world, device, _path(payload))
    if content is None:
        raise _no_file()
    start = _number(payload, "offset") or 0
    length = _number(payload, "length")
    piece = content[start:] if length is None else content[start : start + length]
    return xml.wrap("get_file", {}, xml.inner({"data": base64.b64encode(piece).decode()}))


def _put(world: World, device: str, payload: Value) -> str:
    path, sent = _path(payload), _sent(world, payload)
    if not path:
        raise DeviceError("A file needs a name", 2)
    with world.store.transaction() as connection:
        before = _content(world, device, path)
        start = _number(payload, "offset") or 0
        if start + len(sent) > MAX_BYTES:
            raise DeviceError(f"The device has no room: a file has at most {MAX_BYTES} bytes", _NO_ROOM)
        kept = b"" if before is None else before
        rest = b"" if (attribute(payload, "truncate") or "").lower() == "true" else kept[start + len(sent) :]
        if attribute(payload, "offset") is None:
            # Without a place to write at, the file is what was sent.
            rest = b""
        content = kept[:start].ljust(start, b"\0") + sent + rest
        [(count,)] = world.store.sql("SELECT count(*) FROM x_device_files WHERE device = ?", (device,))
        if before is None and count >= MAX_FILES:
            raise DeviceError(f"The device has no room: it keeps at most {MAX_FILES} files", _NO_ROOM)
        now = milliseconds(world.now()) // 1000
        row = (device, path, now, content)
        connection.execute("INSERT OR REPLACE INTO x_device_files VALUES (?, ?, ?, ?)", row)
    return xml.wrap("put_file", {}, "")


def _rm(world: World, device: str, payload: Value) -> str:
    gone = world.store.sql(
        "DELETE FROM x_device_files WHERE device = ? AND path = ? RETURNING path", (device, _path(payload))
    )
    if not gone:
        raise _no_file()
    return xml.wrap("rm", {}, "")


def _sent(world: World, payload: Value) -> bytes:
    parts = payload if isinstance(payload, dict) else {}
    if "file" in parts:
        found = stored.file(world, text_of(parts["file"]))
        if found is None:
            raise DeviceError("There is no such file on the server", 1)
        return found
    try:
        return base64.b64decode("".join(text_of(parts.get("data")).split()), validate=True)
    except (binascii.Error, ValueError):
        raise DeviceError("'data' must be Base64", 2) from None


def _content(world: World, device: str, path: str) -> bytes | None:
    rows = world.store.sql("SELECT content FROM x_device_files WHERE device = ? AND path = ?", (device, path))
    return rows[0][0] if rows else None


def _no_file() -> DeviceError:
    """The error of a device that has no such file, as the official library expects it."""
    return DeviceError("No such file or directory", 1)


def _path(payload: Value) -> str:
    path = attribute(payload, "path")
    if path is None:
        raise DeviceError("'path' is required", 2)
    return "/".join(part for part in path.split("/") if part not in ("", "."))


def _number(payload: Value, name: str) -> int | None:
    text = attribute(payload, name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 12):
        raise DeviceError(f"'{name}' must be a whole number", 2)
    return int(text)


_COMMANDS: Mapping[str, Callable[[World, str, Value], str]] = {"get_file": _get, "ls": _ls, "put_file": _put, "rm": _rm}
