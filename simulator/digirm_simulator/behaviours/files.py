"""File sets and their files. A path is a name and nothing else: files live in the database only."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from digirm_runtime.wire import SIMULATOR_HEADER, Response
from digirm_simulator import listing
from digirm_simulator.replies import Problem, dumps, empty_reply, json_reply
from digirm_simulator.values import time_text
from digirm_simulator.world import CUSTOMER_ID, Behaviour, Call, Change

TABLES: Final = {
    "files": "seq INTEGER PRIMARY KEY AUTOINCREMENT, fileset TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL,"
    " content BLOB NOT NULL, UNIQUE (fileset, name)",
}
MAX_BYTES = 64 << 20

_NAME = "/files/inventory"
_CONTENT_TYPE = "application/octet-stream"


def filesets(call: Call) -> Response:
    """The file sets: those that hold a file."""
    rows = call.world.store.sql("SELECT DISTINCT fileset FROM x_files ORDER BY fileset")
    return listing.computed(call, [{"customer_id": CUSTOMER_ID, "name": name} for (name,) in rows], "name")


def entries(call: Call) -> Response:
    """One page of the files of a file set, without their content."""
    rows = call.world.store.sql("SELECT body FROM x_files WHERE fileset = ? ORDER BY name", (call.args["fileset"],))
    if not rows:
        raise Problem(404, f"There is no file set '{call.args['fileset']}'")
    return listing.computed(call, [json.loads(body) for (body,) in rows], "name")


def download(call: Call) -> Response:
    """The content of a file."""
    rows = call.world.store.sql("SELECT content FROM x_files WHERE fileset = ? AND name = ?", _key(call))
    if not rows:
        raise _missing(call)
    content: bytes = rows[0][0]
    headers = {"content-type": _CONTENT_TYPE, "content-length": str(len(content)), SIMULATOR_HEADER: "simulator"}
    return Response(200, headers, content)


def upload(call: Call, content_type: str = _CONTENT_TYPE) -> Response:
    """Store a file, over one of the same name."""
    fileset, name = _key(call)
    if not name.strip() or not fileset.strip() or "\0" in fileset + name:
        raise Problem(400, "A file needs a name")
    if len(call.body) > MAX_BYTES:
        raise Problem(413, f"A file has at most {MAX_BYTES} bytes")
    before = _entry(call)
    now = time_text(call.now)
    entry = {
        "content_type": content_type,
        "crc32": f"{zlib.crc32(call.body):08x}",
        "created": before["created"] if before else now,
        "customer_id": CUSTOMER_ID,
        "fileset": fileset,
        "last_modified": now,
        "link": f"{call.world.contract.base_path}{_NAME}/{quote(fileset, safe='')}/{quote(name)}",
        "md5": hashlib.md5(call.body, usedforsecurity=False).hexdigest(),
        "name": name,
        "sha-512": hashlib.sha512(call.body).hexdigest(),
        "sha3-512": hashlib.sha3_512(call.body).hexdigest(),
        "size": len(call.body),
    }
    with call.world.store.transaction() as connection:
        connection.execute(
            "INSERT INTO x_files (fileset, name, body, content) VALUES (?, ?, ?, ?)"
            " ON CONFLICT (fileset, name) DO UPDATE SET body = excluded.body, content = excluded.content",
            (fileset, name, dumps(entry), call.body),
        )
        _tell(call, before, entry)
    return json_reply(entry)


def delete(call: Call) -> Response:
    """Delete a file."""
    before = _entry(call)
    if before is None:
        raise _missing(call)
    with call.world.store.transaction():
        call.world.store.sql("DELETE FROM x_files WHERE fileset = ? AND name = ?", _key(call))
        _tell(call, before, None)
    return empty_reply()


def _key(call: Call) -> tuple[str, str]:
    return call.args["fileset"], call.args["path"]


def _entry(call: Call) -> dict[str, Any] | None:
    rows = call.world.store.sql("SELECT body FROM x_files WHERE fileset = ? AND name = ?", _key(call))
    return json.loads(rows[0][0]) if rows else None


def _missing(call: Call) -> Problem:
    fileset, name = _key(call)
    return Problem(404, f"There is no file '{name}' in '{fileset}'")


def _tell(call: Call, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    kind = "create" if before is None else "delete" if after is None else "update"
    call.world.changed(Change(kind, _NAME, "/".join(_key(call)), before, after, call.now, call.user.name))


BEHAVIOURS: Mapping[str, Behaviour] = {
    "files.filesets": filesets,
    "files.list": entries,
    "files.download": download,
    "files.upload": upload,
    "files.delete": delete,
}
