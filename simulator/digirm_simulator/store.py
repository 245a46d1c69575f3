"""The database that holds the state: transactions, private tables, images, and what survives the process."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from digirm_simulator.indices import FEW
from digirm_simulator.sql import quoted
from digirm_simulator.values import Form

# "digi" as SQLite's application id, so that no other program's database is taken for ours.
_APPLICATION_ID = 0x64696769
_LAYOUT = 2
# Kilobytes of pages that a connection holds at most, and bytes of a file that it reads as memory.
_CACHE = 65_536
_MAPPED = 1 << 34
# Seconds to wait for another process that uses the file.
_PATIENCE = 0.5


class StoreError(ValueError):
    """A data file that cannot be used; the text says why."""


class Image(NamedTuple):
    """The whole state of a store, to begin others with."""

    data: bytes
    trigram: bool


class Store:
    """A database, in memory or in a file. What a write has returned from is committed. Safe to use from threads."""

    def __init__(self, file: str | Path | None = None, *, trigram: bool = False) -> None:
        self.lock = threading.RLock()
        self.trigram = trigram
        #: So many rows are few enough to be looked up one by one, and sorted.
        self.few = FEW
        self._depth = 0
        #: What is left to do when the first state is complete.
        self.at_finish: list[Callable[[], None]] = []
        self._file = file is not None
        try:
            self.connection = _connect(":memory:" if file is None else file)
        except sqlite3.Error as error:
            raise StoreError(f"cannot use {file} as data file: {error}") from None
        try:
            self.new = self._prepare()
        except (sqlite3.Error, StoreError) as error:
            self.connection.close()
            raise StoreError(f"cannot use {file} as data file: {error}") from None

    @classmethod
    def of(cls, image: Image) -> Store:
        """A store in memory that begins with the state of another."""
        made = cls(trigram=image.trigram)
        source = sqlite3.connect(":memory:")
        try:
            # Used as it is, it could not grow beyond the gigabyte that SQLite allows such a database.
            source.deserialize(image.data)
            source.backup(made.connection)
        finally:
            source.close()
        made.new = False
        return made

    def image(self) -> Image:
        """The state as it is now."""
        with self.lock:
            return Image(self.connection.serialize(), self.trigram)

    def _prepare(self) -> bool:
        application, layout = (
            self.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        tables = self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (application, layout) == (_APPLICATION_ID, _LAYOUT):
            self._settle()
            return False
        if tables or application:
            if application != _APPLICATION_ID:
                raise StoreError("it was not made by this simulator")
            raise StoreError("it was never finished, or is of another version")
        # Nothing can be lost before there is a first state.
        self.connection.execute("PRAGMA journal_mode=MEMORY")
        self.connection.execute("PRAGMA synchronous=OFF")
        self.connection.execute(f"PRAGMA cache_size=-{4 * _CACHE}")
        with self.transaction():
            self.connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
            self.connection.execute("CREATE TABLE layout (name TEXT PRIMARY KEY, fields TEXT NOT NULL)")
        return True

    def _settle(self) -> None:
        """From now on what is committed is kept, whatever happens to this process."""
        if self._file:
            # One process at a time: what a simulator knows of its state would not be true for two.
            self.connection.execute("PRAGMA locking_mode=EXCLUSIVE")
            self.connection.execute("PRAGMA journal_mode=WAL")
            self.connection.execute("PRAGMA synchronous=NORMAL")
            self.connection.execute(f"PRAGMA cache_size=-{_CACHE}")
            with self.transaction():
                self.connection.execute("PRAGMA user_version")

    def finish(self) -> None:
        """Say that the first state is complete: until then, a data file is not taken."""
        with self.lock:
            with self.transaction():
                for work in self.at_finish:
                    work()
            self._settle()
            self.connection.execute(f"PRAGMA user_version={_LAYOUT}")
            self.new = False

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """All that is written in it is kept, or, where an exception leaves it, nothing.

        It holds the lock. One inside another undoes its own part only; the outermost commits.
        """
        with self.lock:
            name = f"level{self._depth}"
            self.connection.execute(f"SAVEPOINT {name}" if self._depth else "BEGIN IMMEDIATE")
            self._depth += 1
            try:
                yield self.connection
            except BaseException:
                self._leave(f"ROLLBACK TO {name}" if self._depth > 1 else "ROLLBACK")
                raise
            else:
                self._leave(f"RELEASE {name}" if self._depth > 1 else "COMMIT")

    def _leave(self, statement: str) -> None:
        self._depth -= 1
        # SQLite ends a transaction itself where the disk is full and the like.
        if self.connection.in_transaction:
            self.connection.execute(statement)

    def sql(self, text: str, values: Sequence[Form] = ()) -> list[tuple[Any, ...]]:
        """Run one statement of ours with its values bound; its rows. A write is kept at once outside a transaction."""
        with self.lock:
            return self.connection.execute(text, values).fetchall()

    def private(self, name: str, columns: str) -> str:
        """The quoted name of the table `x_<name>`, made with these column definitions where it is not there yet."""
        table = quoted(f"x_{name}")
        self.sql(f"CREATE TABLE IF NOT EXISTS {table} ({columns})")
        return table

    def remembered(self, name: str, value: str) -> str:
        """What the state remembers under a name: `value` from now on where there is nothing yet."""
        with self.lock:
            self.sql("INSERT OR IGNORE INTO layout VALUES (?, ?)", (name, value))
            found: str = self.sql("SELECT fields FROM layout WHERE name = ?", (name,))[0][0]
        return found

    def close(self) -> None:
        """Close the database; a second time does nothing."""
        with self.lock:
            self.connection.close()


def _connect(file: str | Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        file, timeout=_PATIENCE, check_same_thread=False, isolation_level=None, cached_statements=512
    )
    try:
        # SQLite's own `lower` knows ASCII only.
        connection.create_function("casefold", 1, _casefold, deterministic=True)
        connection.execute(f"PRAGMA mmap_size={_MAPPED}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _casefold(value: object) -> str | None:
    """How texts are stored in columns; for SQL over what has none."""
    return None if value is None else str(value).casefold()
