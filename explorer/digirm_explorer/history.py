"""The calls that were made, with their answers, in a file of the user's. Secrets are masked before anything is kept."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from digirm_explorer.history_file import PATIENCE, connect, damaged
from digirm_explorer.linking import MOST_TEXT, without_secrets
from digirm_runtime.masking import Masker
from digirm_runtime.secrets import MASK

#: So many calls are kept, and so many bytes of them; the oldest go first.
MOST_CALLS = 1000
MOST_BYTES = 64 << 20
#: So many calls a search gives at most.
_MOST_FOUND = 1000
_LARGEST = 2**63 - 1
_ENTRY = "id, at, url, method, target, status, milliseconds, size, pages, error"
_SEARCHED = "target, method, url, status, error, json_extract(request, '$.body'), body"
_DETAIL = f"{_ENTRY}, request, masked_request, masked_answer, headers, media_type, kind, body AS text, shortened"


class HistoryError(Exception):
    """The history cannot be kept or read; the text says why. Its file stays as it is."""


def default_file() -> Path:
    """Where the history is kept: the folder of the user's states, as the system has it."""
    if sys.platform == "win32":
        folder = os.environ.get("LOCALAPPDATA")
        return (Path(folder) if folder else Path.home() / "AppData" / "Local") / "digirm" / "explorer.sqlite"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "digirm" / "explorer.sqlite"
    state = os.environ.get("XDG_STATE_HOME", "")
    # What is no absolute path is to be ignored, says the XDG specification.
    folder = Path(state) if state.startswith("/") else Path.home() / ".local" / "state"
    return folder / "digirm" / "explorer.sqlite"


def record(
    request: Mapping[str, Any],
    *,
    url: str,
    method: str,
    target: str,
    status: int | None = None,
    milliseconds: float = 0,
    size: int = 0,
    headers: Iterable[tuple[str, str]] = (),
    media_type: str = "",
    kind: str = "empty",
    text: str | None = None,
    shortened: bool = False,
    error: str | None = None,
    secrets: Iterable[str] = (),
) -> dict[str, Any]:
    """A call as it is kept, without secrets, which takes tenths of a second for a megabyte that is full of them.

    `request` is the composed request, `target` what was asked of the service at `url`, `text` the answer's body,
    None for a binary one, and `shortened` says that it is only the beginning. `secrets` are values that must not be
    kept wherever they stand, such as the credentials; so are those that the request has under secret names.
    """
    masker = Masker(secrets)
    kept = without_secrets(masker, request)
    if masker.full:
        # Not all of its secrets can be looked for in what the service says.
        headers, text = (), None if text is None else MASK
        error = None if error is None else MASK
    target, url = MASK if masker.full else masker.url(target), masker.url(url)
    error = None if error is None else masker.text(error)
    masked_request, masker.masked = masker.masked, masker.full
    answer = masker.headers(headers)
    body, is_cut = (None, False) if text is None else _body(masker, text)
    values = {
        "at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "url": _plain(url),
        "method": _plain(method),
        "target": _plain(target),
        "status": status,
        "milliseconds": milliseconds,
        "size": size,
        "pages": 1,
        "error": None if error is None else _plain(error),
        "request": json.dumps(kept),
        "masked_request": masked_request,
        "masked_answer": masker.masked,
        "headers": json.dumps(answer),
        "media_type": _plain(media_type),
        "kind": kind,
        "body": body,
        "shortened": shortened or is_cut,
    }
    values["bytes"] = sum(len(value.encode()) for value in values.values() if isinstance(value, str))
    return values


class History:
    """The history in `file`, which several processes may share; None keeps it in memory.

    All methods may be called from several threads, and raise HistoryError where the file cannot be used; so does making
    one, for a file that is damaged or is another program's. Such a file is never written.
    """

    def __init__(self, file: Path | None, *, most_calls: int = MOST_CALLS, most_bytes: int = MOST_BYTES) -> None:
        self.file = file
        self._most = most_calls, most_bytes
        self._lock = threading.Lock()
        with self._errors():
            self._database = connect(file)

    def keep(self, values: Mapping[str, Any]) -> int:
        """Keep what `record` made of a call; its number."""
        names = ", ".join(values)
        with self._changing(PATIENCE) as database:
            marks = ", ".join("?" * len(values))
            done = database.execute(f"INSERT INTO calls ({names}) VALUES ({marks})", (*values.values(),))  # noqa: S608
            self._trim(database)
        return int(done.lastrowid or 0)

    def follow(self, id: int, *, milliseconds: float = 0, size: int = 0) -> None:
        """Count a further page of a call, with its time and size; nothing where the call is forgotten."""
        change = "pages = pages + 1, milliseconds = milliseconds + ?, size = size + ?"
        with self._changing(PATIENCE) as database:
            database.execute(f"UPDATE calls SET {change} WHERE id = ?", (milliseconds, size, id))  # noqa: S608

    def search(self, text: str = "", before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
        """The calls that have every word of `text` in their address, status, error or bodies; the latest first.

        At most `limit` of them, and only those whose number is below `before`.
        """
        words = json.dumps(text.casefold().split()[:20])
        where = "" if words == "[]" else f" AND has(?, {_SEARCHED})"
        values = (_LARGEST if before is None else min(before, _LARGEST), *([words] if where else []))
        sql = f"SELECT {_ENTRY} FROM calls WHERE id < ?{where} ORDER BY id DESC LIMIT ?"  # noqa: S608
        with self._using() as database:
            rows = database.execute(sql, (*values, max(0, min(limit, _MOST_FOUND)))).fetchall()
        return [dict(row) for row in rows]

    def get(self, id: int) -> dict[str, Any] | None:
        """A call with its request and answer; None where it is forgotten."""
        with self._using() as database:
            row = database.execute(f"SELECT {_DETAIL} FROM calls WHERE id = ?", (min(id, _LARGEST),)).fetchone()  # noqa: S608
            if row is None:
                return None
            found = dict(row)
            found |= {name: json.loads(found[name]) for name in ("request", "headers")}
        return found | {name: bool(found[name]) for name in ("masked_request", "masked_answer", "shortened")}

    def forget(self, id: int) -> bool:
        """Forget a call; whether there was one."""
        with self._changing() as database:
            found = database.execute("DELETE FROM calls WHERE id = ?", (min(id, _LARGEST),)).rowcount > 0
        self._empty()
        return found

    def clear(self) -> None:
        """Forget all calls, and make the file small."""
        with self._changing() as database:
            database.execute("DELETE FROM calls")
        self._empty("VACUUM")
        self._empty()

    def close(self) -> None:
        """Close the file; a second time does nothing."""
        with self._lock:
            self._database.close()

    def _empty(self, what: str = "PRAGMA wal_checkpoint(TRUNCATE)") -> None:
        """Have what was forgotten leave the file, and the log beside it, which holds it until then."""
        with self._using() as database, suppress(sqlite3.OperationalError):
            # Another process may be reading: it is done the next time.
            database.execute(what)

    def _trim(self, database: sqlite3.Connection) -> None:
        # The call just made stays, however large it is.
        database.execute(
            "DELETE FROM calls WHERE id <= (SELECT max(id) FROM (SELECT id, row_number() OVER newest AS number,"
            " sum(bytes) OVER newest AS total FROM calls WINDOW newest AS (ORDER BY id DESC))"
            " WHERE number > 1 AND (number > ? OR total > ?))",
            self._most,
        )

    @contextmanager
    def _using(self, patience: float = -1) -> Iterator[sqlite3.Connection]:
        if not self._lock.acquire(timeout=patience):
            raise HistoryError(damaged(self.file, TimeoutError("it is busy")))
        try:
            with self._errors():
                yield self._database
        finally:
            self._lock.release()

    @contextmanager
    def _changing(self, patience: float = -1) -> Iterator[sqlite3.Connection]:
        with self._using(patience) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield database
                database.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError, ValueError, OverflowError) as error:
            raise HistoryError(damaged(self.file, error)) from None


def _body(masker: Masker, text: str) -> tuple[str, bool]:
    """What is kept of a body; whether it is only the beginning."""
    # A secret that is cut off is masked as a whole one, so a long text can be cut before.
    kept = _plain(masker.text(text[:MOST_TEXT]))
    return kept[:MOST_TEXT], len(text) > MOST_TEXT or len(kept) > MOST_TEXT


def _plain(text: str) -> str:
    """Text that a database can hold."""
    return text.encode("utf-8", "replace").decode()
