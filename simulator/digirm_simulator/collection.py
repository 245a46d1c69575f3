"""Stored objects: a table of JSON documents, with a column beside them for each field that queries know."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import Any, NamedTuple

from digirm_simulator.contract import Field
from digirm_simulator.indices import Indices
from digirm_simulator.indices import Order as Order
from digirm_simulator.replies import dumps
from digirm_simulator.sql import ALL, Where, both, quoted
from digirm_simulator.store import Store, StoreError
from digirm_simulator.values import Form, stored_form

_BLOCK = 500
# Numbers of as many digits and more are left out of the count: they no longer fit 64 bits, or soon will not.
_DIGITS = 18


class DuplicateError(Exception):
    """An object with this key exists."""


class Row(NamedTuple):
    """A stored document as JSON text in UTF-8, and its position in the order that it was read in."""

    body: bytes
    position: tuple[Form, ...]


def open_collection(
    store: Store,
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
    table = Collection(store, name, key, fields, indexed, covering)
    with store.lock:
        found = store.sql("SELECT fields FROM layout WHERE name = ?", (name,))
        if found and found[0][0] != described:
            raise StoreError(f"the data file was made with another contract: {name} has other fields")
        with store.transaction() if not found or not store.new else nullcontext():
            if not found:
                store.sql("INSERT INTO layout VALUES (?, ?)", (name, described))
                table.make()
            if not store.new:
                table.make_indices()
        store.at_finish.append(table.make_indices)
    return table


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
        self._walk = f"SELECT CAST(body AS BLOB), seq FROM {self.table} WHERE seq > ? ORDER BY seq LIMIT ?"  # noqa: S608
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
                ids = f"SELECT id FROM {self.table} WHERE length(id) < {_DIGITS}"  # noqa: S608
                highest = f"SELECT coalesce(max(CAST(id AS INTEGER)), 0) FROM ({ids})"  # noqa: S608
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
        if condition is ALL and not order:
            # Most lists are walked so, and what is below takes longer than to read ten devices.
            rows = self.store.sql(self._walk, (0 if after is None else after[0], size))
            return [Row(row[0], row[1:]) for row in rows]
        full = full_order(order)
        columns = ", ".join(("CAST(body AS BLOB)", *(item.column for item in full)))
        rows = self._read(columns, condition, full, after, size)
        return [Row(row[0], row[1:]) for row in rows]

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
    """Whether two JSON values may have different forms: to Python 1 and True are equal, and so are 0.0 and -0.0."""
    return one is not other and (type(one) is not type(other) or isinstance(one, list | dict | float) or one != other)


def full_order(order: Sequence[Order]) -> list[Order]:
    """An order in which no two objects are equal: those that were follow the order of creation, in its direction."""
    if order and order[-1].column == "seq":
        return list(order)
    return [*order, Order("seq", bool(order) and order[-1].descending)]


def columns_of(fields: Iterable[str]) -> dict[str, str]:
    """The column of each field: numbered, so that no field's name ever reaches SQL."""
    return {field: f"f{number}" for number, field in enumerate(fields)}
