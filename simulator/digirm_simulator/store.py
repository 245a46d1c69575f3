"""State in SQLite: per collection one table of JSON documents, with a column beside them for each queryable field."""

from __future__ import annotations

import json
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from digirm_simulator.contract import Field
from digirm_simulator.replies import dumps
from digirm_simulator.sql import Where, both
from digirm_simulator.values import Form, stored_form

# "digi" as SQLite's application id, so that no other program's database is taken for ours.
_APPLICATION_ID = 0x64696769
_LAYOUT = 1


class StoreError(ValueError):
    """A data file that cannot be used; the text says why."""


class DuplicateError(Exception):
    """An object with this key exists."""


class Order(NamedTuple):
    """One field of an ordering."""

    column: str
    descending: bool


class Row(NamedTuple):
    """A stored document as JSON text, and its position in the order that it was read in."""

    body: str
    position: tuple[Form, ...]


class Store:
    """A database, in memory or in a file. What a write has returned from is committed. Safe to use from threads."""

    def __init__(self, file: str | Path | None = None) -> None:
        self.lock = threading.RLock()
        try:
            self.connection = sqlite3.connect(":memory:" if file is None else file, check_same_thread=False)
        except sqlite3.Error as error:
            raise StoreError(f"cannot use {file} as data file: {error}") from None
        try:
            self.new = self._prepare()
        except (sqlite3.Error, StoreError) as error:
            self.connection.close()
            raise StoreError(f"cannot use {file} as data file: {error}") from None

    def _prepare(self) -> bool:
        application, layout = (
            self.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("application_id", "user_version")
        )
        tables = self.connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if (application, layout) == (_APPLICATION_ID, _LAYOUT):
            return False
        if tables or application:
            if application != _APPLICATION_ID:
                raise StoreError("it was not made by this simulator")
            raise StoreError("it was never finished, or is of a newer version")
        self.connection.execute("PRAGMA journal_mode=WAL")
        with self.connection:
            self.connection.execute("CREATE TABLE layout (name TEXT PRIMARY KEY, fields TEXT NOT NULL)")
            self.connection.execute(f"PRAGMA application_id={_APPLICATION_ID}")
        return True

    def finish(self) -> None:
        """Say that the first state is complete: until then, a data file is not taken."""
        with self.lock:
            self.connection.execute(f"PRAGMA user_version={_LAYOUT}")
            self.new = False

    def collection(self, name: str, key: str, fields: Mapping[str, Field]) -> Collection:
        """The collection `name`, made where it is not there yet. Raises StoreError where it has other fields."""
        described = json.dumps([key, *([field.name, field.type.compares] for field in fields.values())])
        table = Collection(self, name, key, fields)
        with self.lock, self.connection:
            found = self.connection.execute("SELECT fields FROM layout WHERE name = ?", (name,)).fetchone()
            if found is None:
                self.connection.execute("INSERT INTO layout VALUES (?, ?)", (name, described))
                columns = "".join(f", {column}" for column in table.columns.values())
                self.connection.execute(
                    f"CREATE TABLE {table.table} (seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,"
                    f" body TEXT NOT NULL{columns})"
                )
            elif found[0] != described:
                raise StoreError(f"the data file was made with another contract: {name} has other fields")
        return table

    def close(self) -> None:
        """Close the database; a second time does nothing."""
        with self.lock:
            self.connection.close()


class Collection:
    """The stored objects of one inventory. `columns` maps a query field to its column."""

    def __init__(self, store: Store, name: str, key: str, fields: Mapping[str, Field]) -> None:
        self.store = store
        self.name = name
        self.key = key
        self.fields = fields
        self.table = '"' + name.replace('"', '""') + '"'
        self.columns = columns_of(fields)
        self._compares = {name: field.type.compares for name, field in fields.items()}

    def insert(self, documents: Iterable[Mapping[str, Any]]) -> None:
        """Add objects, all or none. Raises DuplicateError where one exists."""
        marks = ", ".join("?" * (2 + len(self.columns)))
        names = "".join(f", {column}" for column in self.columns.values())
        with self.store.lock, self.store.connection as connection:
            try:
                connection.executemany(
                    f"INSERT INTO {self.table} (id, body{names}) VALUES ({marks})",  # noqa: S608
                    (self._row(document) for document in documents),
                )
            except sqlite3.IntegrityError:
                raise DuplicateError from None

    def replace(self, document: Mapping[str, Any]) -> None:
        """Write an object that exists over its former state; its place in the order stays."""
        key, *rest = self._row(document)
        names = "".join(f", {column} = ?" for column in self.columns.values())
        with self.store.lock, self.store.connection as connection:
            connection.execute(f"UPDATE {self.table} SET body = ?{names} WHERE id = ?", (*rest, key))  # noqa: S608

    def _row(self, document: Mapping[str, Any]) -> tuple[Form, ...]:
        values = map(document.get, self._compares)
        forms = [
            None if value is None else stored_form(compares, value)
            for value, compares in zip(values, self._compares.values(), strict=True)
        ]
        return (str(document[self.key]), dumps(document), *forms)

    def get(self, key: str) -> dict[str, Any] | None:
        """The object with this key."""
        found = self._select(f"SELECT body FROM {self.table} WHERE id = ?", (key,))  # noqa: S608
        return json.loads(found[0][0]) if found else None

    def delete(self, key: str) -> bool:
        """Remove an object; whether there was one."""
        with self.store.lock, self.store.connection as connection:
            return connection.execute(f"DELETE FROM {self.table} WHERE id = ?", (key,)).rowcount > 0  # noqa: S608

    def delete_where(self, condition: Where) -> int:
        """Remove every object that meets the condition; how many."""
        with self.store.lock, self.store.connection as connection:
            sql = f"{condition.cte(self.table)}DELETE FROM {self.table} WHERE {condition.sql}"  # noqa: S608
            return connection.execute(sql, condition.bound()).rowcount

    def next_number(self) -> int:
        """A number that no object has had as key."""
        highest = f"SELECT coalesce(max(CAST(id AS INTEGER)), 0) FROM {self.table}"  # noqa: S608
        created = "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = ?"
        return 1 + max(int(self._select(highest, ())[0][0]), int(self._select(created, (self.name,))[0][0]))

    def page(self, condition: Where, order: Sequence[Order], after: Sequence[Form] | None, size: int) -> list[Row]:
        """At most `size` objects that meet `condition`, in `order` and then in the order of their creation.

        `after` is the position of the last object of the page before. Unset values come first.
        """
        full = [*order, Order("seq", False)]
        if after is not None:
            condition = both(condition, _beyond(full, after))
        ordering = ", ".join(f"{item.column} {'DESC' if item.descending else 'ASC'}" for item in full)
        columns = ", ".join(item.column for item in full)
        source = f"{self.table} WHERE {condition.sql}"
        sql = f"{condition.cte(self.table)}SELECT body, {columns} FROM {source} ORDER BY {ordering} LIMIT ?"  # noqa: S608
        return [Row(body, tuple(position)) for body, *position in self._select(sql, (*condition.bound(), size))]

    def tally(self, keys: Sequence[str], condition: Where) -> list[tuple[Any, ...]]:
        """How many objects share each combination of values of these JSON keys: rows of values and a count."""
        parts = ", ".join("json_extract(body, ?)" for _ in keys)
        positions = ", ".join(str(number) for number in range(1, len(keys) + 1))
        source = f"{self.table} WHERE {condition.sql} GROUP BY {positions} ORDER BY {positions}"
        sql = f"{condition.cte(self.table)}SELECT {parts}, count(*) FROM {source}"  # noqa: S608
        cut = sum(len(part.values) for part in condition.parts)
        bound = condition.bound()
        return self._select(sql, (*bound[:cut], *(f"$.{name}" for name in keys), *bound[cut:]))

    def _select(self, sql: str, values: Sequence[Form]) -> list[tuple[Any, ...]]:
        with self.store.lock:
            return self.store.connection.execute(sql, values).fetchall()


def columns_of(fields: Iterable[str]) -> dict[str, str]:
    """The column of each field: numbered, so that no field's name ever reaches SQL."""
    return {field: f"f{number}" for number, field in enumerate(fields)}


def _beyond(order: Sequence[Order], position: Sequence[Form]) -> Where:
    """The rows behind `position`: SQLite sorts NULL before every value."""
    (column, descending), value = order[0], position[0]
    if value is None:
        further = Where("0", ()) if descending else Where(f"({column} IS NOT NULL)", ())
    elif descending:
        further = Where(f"({column} IS NULL OR {column} < ?)", (value,))
    else:
        further = Where(f"({column} > ?)", (value,))
    if len(order) == 1:
        return further
    rest = _beyond(order[1:], position[1:])
    return Where(f"({further.sql} OR ({column} IS ? AND {rest.sql}))", (*further.values, value, *rest.values))
