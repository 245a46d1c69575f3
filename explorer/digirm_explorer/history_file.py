"""The file of the history: made so that only its user reads it, and opened only where it is one."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from pathlib import Path
from urllib.parse import unquote_plus

#: Marks the file as digirm's; `file` shows it.
APPLICATION = 0x6469_6749
VERSION = 1
#: Seconds that a change waits for another one's: answers wait for what is remembered of them.
PATIENCE = 1.0
# It is longer when the file is opened.
_PATIENCE = 10.0
_TABLE = """
CREATE TABLE calls (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    bytes INTEGER NOT NULL,
    at TEXT NOT NULL,
    url TEXT NOT NULL,
    method TEXT NOT NULL,
    target TEXT NOT NULL,
    status INTEGER,
    milliseconds REAL NOT NULL,
    size INTEGER NOT NULL,
    pages INTEGER NOT NULL,
    error TEXT,
    masked_request INTEGER NOT NULL,
    masked_answer INTEGER NOT NULL,
    shortened INTEGER NOT NULL,
    media_type TEXT NOT NULL,
    kind TEXT NOT NULL,
    headers TEXT NOT NULL,
    request TEXT NOT NULL,
    body TEXT
)
"""


def connect(file: Path | None) -> sqlite3.Connection:
    """The database in a file, which is made where there is none; None: in memory.

    Raises sqlite3.Error, OSError, and ValueError for a file of another program or of a later digirm.
    """
    if file is not None:
        _make(file)
    database = sqlite3.connect(
        ":memory:" if file is None else file, timeout=_PATIENCE, isolation_level=None, check_same_thread=False
    )
    try:
        _open(database, file)
    except BaseException:
        database.close()
        raise
    return database


def damaged(file: Path | None, error: Exception) -> str:
    """What to tell of an error of the history."""
    where = "the history" if file is None else f"the history {file}"
    if isinstance(error, OSError):
        return f"{where} cannot be used: {error.strerror or error}"
    if isinstance(error, sqlite3.OperationalError | ValueError | OverflowError):
        return f"{where} cannot be used: {error}"
    return f"{where} cannot be used ({error}): move it away, or choose another file"


def _make(file: Path) -> None:
    if not file.parent.exists():
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    # The files that SQLite makes beside it have its mode.
    try:
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        # A device or a pipe is neither to be opened nor to get another mode.
        if not file.is_file():
            raise ValueError("it is no file of data: choose another one") from None


def _open(database: sqlite3.Connection, file: Path | None) -> None:
    database.row_factory = sqlite3.Row
    # Looked at before anything is written: the file may be another program's.
    is_new = _is_new(database)
    if file is not None:
        file.chmod(0o600)
    _share(database)
    database.execute("PRAGMA synchronous = NORMAL")
    database.execute("PRAGMA secure_delete = ON")
    database.create_function("has", -1, _has, deterministic=True)
    if is_new:
        database.execute("BEGIN IMMEDIATE")
        # Another process may have been faster.
        if _is_new(database):
            database.execute(_TABLE)
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute(f"PRAGMA user_version = {VERSION}")
        database.execute("COMMIT")
    database.execute(f"PRAGMA busy_timeout = {PATIENCE * 1000:.0f}")


def _is_new(database: sqlite3.Connection) -> bool:
    """Whether nothing is in the file yet. Raises ValueError for what is no history, or a later one."""
    [application], [version] = (
        database.execute(f"PRAGMA {name}").fetchone() for name in ("application_id", "user_version")
    )
    [tables] = database.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == APPLICATION and version == VERSION:
        return False
    if application == APPLICATION:
        raise ValueError("it was made by another version of digirm: choose another file")
    if application or version or tables:
        raise ValueError("the file is another program's: choose another one")
    return True


def _share(database: sqlite3.Connection) -> None:
    """Let readers and a writer go on beside each other."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            database.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            # SQLite does not wait by itself while another process does the same.
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
        else:
            return


def _has(words: str, target: str, *texts: object) -> bool:
    """Whether each of the words (JSON, case-folded) stands in the target as it is read, or in one of the texts."""
    folded = [str(text).casefold() for text in (target, unquote_plus(target), *texts) if text is not None]
    return all(any(word in text for text in folded) for word in json.loads(words))
