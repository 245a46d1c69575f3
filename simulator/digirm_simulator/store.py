"""State in SQLite: per collection one table of JSON documents, with a column beside them for each queryable field."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from digirm_simulator.contract import Field
from digirm_simulator.indices import FEW, Indices
from digirm_simulator.indices import Order as Order
from digirm_simulator.replies import dumps
from digirm_simulator.sql import ALL, Where, both, quoted
from digirm_simulator.values import Form, stored_form

# "digi" as SQLite's application id, so that no other program's database is taken for ours.
_APPLICATION_ID = 0x64696769
_LAYOUT = 2
# Kilobytes of pages that a connection holds at most, and bytes of a file that it reads as memory.
_CACHE = 65_536
_MAPPED = 1 << 34
_BLOCK = 500
# Numbers of as many digits no longer fit 64 bits.
_DIGITS = 19
# Seconds to wait for another process that uses the file.
_PATIENCE = 0.5


class StoreError(ValueError):
    """A data file that cannot be used; the text says why."""


class DuplicateError(Exception):
    """An object with this key exists."""


class Row(NamedTuple):
    """A stored document as JSON text in UTF-8, and its position in the order that it was read in."""

    body: bytes
    position: tuple[Form, ...]


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
        self._collections: list[Collection] = []
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
                for collection in self._collections:
                    collection.make_indices()
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

    def collection(
        self,
        name: str,
        key: str,
        fields: Mapping[str, Field],
        *,
        indexed: Sequence[str] = (),
        covering: Sequence[str] = (),
    ) -> Collection:
        """The collection `name`, made where it is not there yet. Raises StoreError where it has other fields.

        `indexed` are the fields that get an index, the most selective first, `covering` those that each index carries;
        those of text are searched by parts where the store has `trigram`.
        """
        described = json.dumps([key, *([field.name, field.type.compares] for field in fields.values())])
        table = Collection(self, name, key, fields, indexed, covering)
        with self.lock:
            found = self.sql("SELECT fields FROM layout WHERE name = ?", (name,))
            if found and found[0][0] != described:
                raise StoreError(f"the data file was made with another contract: {name} has other fields")
            with self.transaction() if not found or not self.new else nullcontext():
                if not found:
                    self.sql("INSERT INTO layout VALUES (?, ?)", (name, described))
                    table.make()
                if not self.new:
                    table.make_indices()
            self._collections.append(table)
        return table

    def close(self) -> None:
        """Close the database; a second time does nothing."""
        with self.lock:
            self.connection.close()


class Collection:
    """The stored objects of one inventory. `columns` maps a query field to its column."""

    def __init__(
        self,
        store: Store,
        name: str,
        key: str,
        fields: Mapping[str, Field],
        indexed: Sequence[str] = (),
        covering: Sequence[str] = (),
    ) -> None:
        self.store = store
        self.name = name
        self.key = key
        self.fields = fields
        self.table = quoted(name)
        self.columns = columns_of(fields)
        self._places = {name: (at, field.type.compares) for at, (name, field) in enumerate(fields.items(), 2)}
        self._highest: int | None = None
        known = [name for name in indexed if name in fields]
        searched = [name for name in known if store.trigram and fields[name].type.compares in ("text", "group")]
        carried = [name for name in covering if name in fields]
        self._indices = Indices(name, self.columns, known, carried, searched)

    def make(self) -> None:
        """Make the table. What is queried stands before the body, so that a scan does not read that."""
        columns = "".join(f", {column}" for column in self.columns.values())
        self.store.sql(
            f"CREATE TABLE {self.table} (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE{columns},"
            " body TEXT NOT NULL)"
        )

    def make_indices(self) -> None:
        """Make the indices that are not there yet. It is quicker after the first rows than before them."""
        there = {name for (name,) in self.store.sql("SELECT name FROM sqlite_master WHERE tbl_name = ?", (self.name,))}
        for name, statement in self._indices.definitions().items():
            if name not in there:
                self.store.sql(statement)
        if not self.store.sql("SELECT 1 FROM sqlite_master WHERE name = ?", (f"{self.name} text",)):
            for statement in self._indices.text_definitions():
                self.store.sql(statement)

    def insert(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Add objects, all or none. Raises DuplicateError where one exists."""
        marks = ", ".join("?" * (2 + len(self.columns)))
        names = "".join(f", {column}" for column in self.columns.values())
        with self.store.transaction() as connection:
            try:
                connection.executemany(
                    f"INSERT INTO {self.table} (id, body{names}) VALUES ({marks})",  # noqa: S608
                    map(self._row, documents),
                )
            except sqlite3.IntegrityError:
                raise DuplicateError from None

    def replace(self, document: Mapping[str, Any], before: Mapping[str, Any] | None = None) -> None:
        """Write an object that exists over its former state; its place in the order stays.

        With that state, only the columns that differ are written, and the indices over them.
        """
        if before is None:
            changed = list(self._places)
        else:
            changed = [name for name in self._places if _differs(document.get(name), before.get(name))]
        columns = "".join(f", {self.columns[name]} = ?" for name in changed)
        forms = (self._form(name, document.get(name)) for name in changed)
        key = str(document[self.key])
        self.store.sql(f"UPDATE {self.table} SET body = ?{columns} WHERE id = ?", (dumps(document), *forms, key))  # noqa: S608

    def _form(self, name: str, value: Any) -> Form:
        """What the column of a field holds for a value."""
        compares = self._places[name][1]
        if compares == "text" and type(value) is str:
            # Nearly every value is a text: it is not worth a call.
            return value.casefold() or None
        return None if value is None else stored_form(compares, value)

    def _row(self, document: Mapping[str, Any]) -> list[Form]:
        row: list[Form] = [None] * (2 + len(self._places))
        key = str(document[self.key])
        row[:2] = key, dumps(document)
        if self._highest is not None and key.isdecimal() and len(key) < _DIGITS:
            self._highest = max(self._highest, int(key))
        for name, value in document.items():
            if name in self._places:
                row[self._places[name][0]] = self._form(name, value)
        return row

    def get(self, key: str) -> dict[str, Any] | None:
        """The object with this key."""
        found = self.store.sql(f"SELECT body FROM {self.table} WHERE id = ?", (key,))  # noqa: S608
        return json.loads(found[0][0]) if found else None

    def delete(self, key: str) -> bool:
        """Remove an object; whether there was one."""
        return bool(self.store.sql(f"DELETE FROM {self.table} WHERE id = ? RETURNING 1", (key,)))  # noqa: S608

    def keys(self, condition: Where = ALL) -> list[str]:
        """The keys of the objects that meet the condition, in the order of their creation."""
        return [str(key) for (key,) in self._read("id", condition, [Order("seq", False)])]

    def documents(self, condition: Where = ALL) -> Iterator[dict[str, Any]]:
        """The objects that meet the condition, in the order of their creation, read block by block."""
        after: tuple[Form, ...] | None = None
        while rows := self.page(condition, [Order("seq", False)], after, _BLOCK):
            for row in rows:
                yield json.loads(row.body)
            after = rows[-1].position

    def count(self, condition: Where = ALL) -> int:
        """How many objects meet the condition."""
        reading = self._indices.reading(condition, [Order("seq", False)], self._few)
        sql = f"SELECT count(*) FROM {self.table} {reading.hint} WHERE {both(condition, reading.term).sql}"  # noqa: S608
        return int(self.store.sql(condition.cte(self.table) + sql, both(condition, reading.term).bound())[0][0])

    def next_number(self) -> int:
        """A number that no object has had as key."""
        with self.store.lock:
            if self._highest is None:
                highest = f"SELECT coalesce(max(CAST(id AS INTEGER)), 0) FROM {self.table}"  # noqa: S608
                created = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?"
                found = (self.store.sql(highest), self.store.sql(created, (self.name,)))
                self._highest = max(int(rows[0][0]) for rows in found)
            return self._highest + 1

    def natural_order(self, condition: Where) -> list[Order]:
        """The order to read in where none is asked for; empty: that of creation.

        It is that of the index which finds the objects: the service documents no order.
        """
        return self._indices.natural_order(condition)

    def page(self, condition: Where, order: Sequence[Order], after: Sequence[Form] | None, size: int) -> list[Row]:
        """At most `size` objects that meet `condition`, in `order` and then in the order of their creation.

        `after` is the position of the last object of the page before. Unset values come first; what is equal follows
        the direction.
        """
        full = full_order(order)
        columns = ", ".join(("CAST(body AS BLOB)", *(item.column for item in full)))
        rows = self._read(columns, condition, full, after, size)
        return [Row(body, tuple(position)) for body, *position in rows]

    def _read(
        self,
        columns: str,
        condition: Where,
        order: Sequence[Order],
        after: Sequence[Form] | None = None,
        size: int = -1,
    ) -> list[tuple[Any, ...]]:
        """At most `size` rows (all where it is -1) behind a position."""
        ordering = ", ".join(f"{item.column} {'DESC' if item.descending else 'ASC'}" for item in order)
        found: list[tuple[Any, ...]] = []
        with self.store.lock:
            reading = self._indices.reading(condition, order, self._few)
            head = f"{condition.cte(self.table)}SELECT {columns} FROM {self.table} {reading.hint} WHERE"  # noqa: S608
            for piece in self._indices.pieces(condition, order, after):
                whole = both(both(condition, reading.term), piece)
                left = size - len(found) if size >= 0 else -1
                sql = f"{head} {whole.sql} ORDER BY {ordering} LIMIT ?"
                found += self.store.sql(sql, (*whole.bound(), left))
                if len(found) == size:
                    break
        return found

    def _few(self, rows: Where) -> bool:
        sql = f"SELECT count(*) FROM (SELECT 1 FROM ({rows.sql}) LIMIT ?)"  # noqa: S608
        return int(self.store.sql(sql, (*rows.values, self.store.few + 1))[0][0]) <= self.store.few

    def tally(self, keys: Sequence[str], condition: Where) -> list[tuple[Any, ...]]:
        """How many objects share each combination of values of these JSON keys: rows of values and a count."""
        parts = ", ".join("json_extract(body, ?)" for _ in keys)
        positions = ", ".join(str(number) for number in range(1, len(keys) + 1))
        source = f"{self.table} WHERE {condition.sql} GROUP BY {positions} ORDER BY {positions}"
        sql = f"{condition.cte(self.table)}SELECT {parts}, count(*) FROM {source}"  # noqa: S608
        cut = sum(len(part.values) for part in condition.parts)
        bound = condition.bound()
        return self.store.sql(sql, (*bound[:cut], *(f"$.{name}" for name in keys), *bound[cut:]))


def _differs(one: Any, other: Any) -> bool:
    """Whether two JSON values may have different forms; to Python 1 and True are equal, and so are lists of them."""
    return one is not other and (type(one) is not type(other) or isinstance(one, list | dict) or one != other)


def full_order(order: Sequence[Order]) -> list[Order]:
    """An order in which no two objects are equal: those that were follow the order of creation, in its direction."""
    if order and order[-1].column == "seq":
        return list(order)
    return [*order, Order("seq", bool(order) and order[-1].descending)]


def _connect(file: str | Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        file, timeout=_PATIENCE, check_same_thread=False, isolation_level=None, cached_statements=512
    )
    try:
        connection.execute(f"PRAGMA mmap_size={_MAPPED}")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def columns_of(fields: Iterable[str]) -> dict[str, str]:
    """The column of each field: numbered, so that no field's name ever reaches SQL."""
    return {field: f"f{number}" for number, field in enumerate(fields)}
