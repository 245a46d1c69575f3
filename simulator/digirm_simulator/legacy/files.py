"""FileData and FileDataCore: files as a tree of folders.

The first part of a path is v1's file set, the rest the file's name there; `/db/` may stand before both, and does where
a path is shown. The file set `~` is the account's home, shown as `/db/<account>/`. Folders are where files are.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import quote

from digirm_runtime.wire import SIMULATOR_HEADER, Response
from digirm_runtime.xmltext import Value
from digirm_simulator.behaviours import files as v1
from digirm_simulator.legacy import columns
from digirm_simulator.legacy.forms import result_reply
from digirm_simulator.legacy.listing import Table, as_call, page
from digirm_simulator.other import Asked
from digirm_simulator.paging import Params
from digirm_simulator.replies import Problem
from digirm_simulator.world import CUSTOMER_ID, HOME, World
from digirm_simulator.xmlobjects import items_of, texts_of

_FILE = "/files/inventory/{fileset}/{path}"
_HOME = "~"
# Of more bytes one asks for fewer files.
_MOST_EMBEDDED = 64 << 20
_CONTENT_TYPE = "application/octet-stream"
_WRITTEN = ("fdArchive", "fdContentType", "fdData", "fdType")


def _stored(path: str) -> str:
    """A path as it is shown: what begins at home, from the root."""
    return HOME + path[2:] if path.startswith("~/") else HOME if path == "~" else path


_COLUMNS: Final = tuple(
    column._replace(clean=_stored) if column.name == "fdPath" else column for column in columns.FILE_DATA
)


def read(asked: Asked) -> Response:
    """A page of files and folders; of a path, the content of the file, or what is in the folder."""
    found = _located(asked) if len(asked.path) > 1 else None
    if found is None:
        return _page(asked, list(_entries(asked.world)))
    fileset, name = found
    if name and (reply := _content(asked, fileset, name)):
        return reply
    folder = shown_folder(fileset, f"{name}/" if name else "")
    entries = [entry for entry in _entries(asked.world) if entry["path"] == folder]
    if not entries:
        raise Problem(404, f"There is no file '{'/'.join(asked.path[1:])}'")
    return _page(asked, entries)


def write(asked: Asked) -> Response:
    """Store a file over one of the same name: the content of a FileData, or else the body as it is."""
    found = _located(asked) if len(asked.path) > 1 else None
    if found is None or not found[1]:
        raise Problem(400, "The path must name a file, such as ~/folder/name")
    fileset, name = found
    content, kind = asked.body, _CONTENT_TYPE
    if _is_file_data(asked.body):
        content, kind = _sent(items_of(asked.body, "FileData")[0][0])
    before = _count(asked.world, fileset, name)
    v1.upload(as_call(asked, _FILE, {"fileset": fileset, "path": name}, body=content), kind)
    location = f"FileData/{quote(fileset, safe='~')}/{quote(name)}"
    return result_reply(asked, [("location", location)], 200 if before else 201, {"location": f"/ws/{location}"})


def delete(asked: Asked) -> Response:
    """Delete the file in the path, or all files of a folder and below; never a whole file set."""
    found = _located(asked) if len(asked.path) > 1 else None
    if found is None or not found[1]:
        raise Problem(400, "The path must name a file or a folder, such as ~/folder")
    fileset, name = found
    rows = asked.world.store.sql("SELECT name FROM x_files WHERE fileset = ?", (fileset,))
    names = [other for (other,) in rows if other == name or other.startswith(f"{name}/")]
    for other in names:
        v1.delete(as_call(asked, _FILE, {"fileset": fileset, "path": other}))
    if not names:
        raise Problem(404, f"There is no file '{'/'.join(asked.path[1:])}'")
    return result_reply(asked, [("message", f"{len(names)} items deleted")])


def _page(asked: Asked, entries: list[dict[str, Any]]) -> Response:
    def embed(documents: list[dict[str, Any]]) -> None:
        if not _is_embedded(asked):
            return
        files = [document for document in documents if document["type"] == "file"]
        if sum(document["size"] for document in files) > _MOST_EMBEDDED:
            raise Problem(400, f"So many files have more than {_MOST_EMBEDDED} bytes: ask for fewer with 'size'")
        for document in files:
            rows = asked.world.store.sql(
                "SELECT content FROM x_files WHERE fileset = ? AND name = ?", (document["fileset"], document["whole"])
            )
            document[columns.DATA] = base64.b64encode(rows[0][0]).decode()

    return page(asked, Table.computed(entries), _COLUMNS, embed)


def _is_embedded(asked: Asked) -> bool:
    return asked.path[0] == "FileData" and Params.flag(asked.params, "embed")


def _content(asked: Asked, fileset: str, name: str) -> Response | None:
    rows = asked.world.store.sql(
        "SELECT content, json_extract(body, '$.content_type') FROM x_files WHERE fileset = ? AND name = ?",
        (fileset, name),
    )
    if not rows:
        return None
    content, kind = rows[0]
    return Response(200, {"content-type": kind or _CONTENT_TYPE, SIMULATOR_HEADER: "simulator"}, content)


def _entries(world: World) -> Iterator[dict[str, Any]]:
    """The files, and the folders that they are in: each folder has the time of its first file."""
    folders: set[str] = set()
    for fileset, name, body in world.store.sql("SELECT fileset, name, body FROM x_files ORDER BY fileset, name"):
        entry = json.loads(body)
        folder, _, own = name.rpartition("/")
        parts = folder.split("/") if folder else []
        for depth in range(len(parts)):
            above = shown_folder(fileset, "".join(f"{part}/" for part in parts[:depth]))
            if f"{above}{parts[depth]}" not in folders:
                folders.add(f"{above}{parts[depth]}")
                yield {
                    "content_type": "application/xml",
                    "created": entry["created"],
                    "customer_id": CUSTOMER_ID,
                    "last_modified": entry["created"],
                    "name": parts[depth],
                    "path": above,
                    "size": 0,
                    "type": "directory",
                }
        yield {
            **entry,
            "name": own,
            "path": shown_folder(fileset, f"{folder}/" if folder else ""),
            "type": "file",
            "whole": name,
        }


def shown_folder(fileset: str, folder: str = "") -> str:
    """How the older API shows a folder of a file set, which ends with a slash, or the whole of it."""
    return f"{HOME}{folder}" if fileset == _HOME else f"/db/{fileset}/{folder}"


def _located(asked: Asked) -> tuple[str, str]:
    """The file set and the name that a path means; an empty name is the whole file set."""
    whole = "/" + "/".join(asked.path[1:])
    if f"{whole}/".startswith(HOME):
        return _HOME, whole[len(HOME) :]
    fileset, _, name = whole.removeprefix("/db/").removeprefix("/").partition("/")
    return fileset, name


def _count(world: World, fileset: str, name: str) -> int:
    return int(world.store.sql("SELECT count(*) FROM x_files WHERE fileset = ? AND name = ?", (fileset, name))[0][0])


def _is_file_data(body: bytes) -> bool:
    """Whether a body is a FileData, and not a file of its own: seen by how it begins."""
    start = body[:1000].lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith(b"<?xml"):
        start = start.partition(b"?>")[2].lstrip()
    return start.startswith((b"<FileData>", b"<FileData ", b"<FileData/", b"<!DOCTYPE FileData"))


def _sent(item: Any) -> tuple[bytes, str]:
    """Content and type of a FileData. Raises Problem 400."""
    known: dict[str, Value] = {name: value for name, value in item.items() if name in _WRITTEN}
    texts = texts_of(known, _WRITTEN)
    if texts.get("fdType", "file").strip() != "file":
        raise Problem(400, "Not simulated: folders without files")
    kind = texts.get("fdContentType", "").strip() or _CONTENT_TYPE
    if not kind.isascii() or not kind.isprintable():
        raise Problem(400, "<fdContentType> is no media type")
    try:
        return base64.b64decode("".join(texts.get("fdData", "").split()), validate=True), kind
    except (binascii.Error, ValueError):
        raise Problem(400, "<fdData> must be Base64") from None


OBJECTS: Final = {
    "FileData": {"GET": read, "PUT": write, "POST": write, "DELETE": delete},
    "FileDataCore": {"GET": lambda asked: _page(asked, list(_entries(asked.world)))},
}
