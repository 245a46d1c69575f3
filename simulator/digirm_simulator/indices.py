"""Which index a query is read by.

SQLite would choose by guesses: the state keeps no statistics, as they would have to follow every write. So conditions
are written such that no index fits them, and the index is chosen here: where a clause of the query is met by few rows,
which is found out by looking, those rows; else an index that gives the rows in the order that is asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from sys import float_info
from typing import NamedTuple

from digirm_runtime.query.values import Comparison
from digirm_simulator.sql import ALL, Clause, Where, forms, quoted, test
from digirm_simulator.values import Form, after_prefix

#: So many rows are found, tested and sorted in some milliseconds.
FEW = 10_000
#: SQLite joins at most 500 SELECTs.
_MAX_CHOICE = 100
_RANGES = frozenset({"<", "<=", ">", ">="})
_BOUNDING = _RANGES | {"=", "startswith", "empty"}
_USABLE = _BOUNDING | {"in"}
# They are bound twice then, and SQLite binds at most 32,766.
_MOST_VALUES = 2500
# A text index holds parts of three characters; so many characters of what is searched leave few rows to be tested.
_MIN_NEEDLE = 3
_MAX_NEEDLE = 60


class Order(NamedTuple):
    """One field of an ordering."""

    column: str
    descending: bool


class Reading(NamedTuple):
    """How to read a table: SQLite's hint, and a condition that the index named in it can be searched by."""

    hint: str
    term: Where


class Indices:
    """The indices of one table.

    `indexed` are the fields that have one, the most selective first; each carries the `covering` fields too.
    `searched` are those whose parts are found by the text index `text_index`, where there is one.
    """

    def __init__(
        self,
        name: str,
        columns: Mapping[str, str],
        indexed: Sequence[str],
        covering: Sequence[str],
        searched: Sequence[str] = (),
    ) -> None:
        self.name = name
        self.table = quoted(name)
        self.text_index = quoted(f"{name} text")
        self.searched = {field: columns[field] for field in searched}
        self._columns = columns
        self._rank = {field: rank for rank, field in enumerate(indexed)}
        self._names = {columns[field]: quoted(f"{name} {columns[field]}") for field in indexed}
        self._carried = [columns[field] for field in covering]

    def definitions(self) -> dict[str, str]:
        """The statement that makes each index, by the index's name."""
        return {
            f"{self.name} {column}": f"CREATE INDEX {index} ON {self.table} "
            f"({', '.join([column, 'seq', *(other for other in self._carried if other != column)])})"
            for column, index in self._names.items()
        }

    def text_definitions(self) -> list[str]:
        """The statements that make the text index, fill it, and keep it as the table is."""
        if not self.searched:
            return []
        columns = ", ".join(self.searched.values())
        added, gone, changed = (quoted(f"{self.name} {event}") for event in ("added", "gone", "changed"))

        def row(alias: str) -> str:
            # The tokenizer would stop at a NUL; none is ever stored.
            return ", ".join(f"{alias}{column}" for column in ("seq", *self.searched.values()))

        add = f"INSERT INTO {self.text_index} (rowid, {columns})"
        new = f"{add} VALUES ({row('new.')});"
        drop = f"{add.replace('(', f'({self.text_index}, ', 1)} VALUES ('delete', {row('old.')});"
        return [
            f"CREATE VIRTUAL TABLE {self.text_index} USING fts5({columns}, content='', "
            "tokenize='trigram case_sensitive 1')",
            f"{add} SELECT {row('')} FROM {self.table}",  # noqa: S608 - names and numbered columns only
            f"CREATE TRIGGER {added} AFTER INSERT ON {self.table} BEGIN {new} END",
            f"CREATE TRIGGER {gone} AFTER DELETE ON {self.table} BEGIN {drop} END",
            f"CREATE TRIGGER {changed} AFTER UPDATE OF {columns} ON {self.table} BEGIN {drop} {new} END",
        ]

    def natural_order(self, condition: Where) -> list[Order]:
        """The order that costs nothing where none is asked for; empty: that of creation."""
        driver = self._driver(condition)
        if driver is None or driver.operator != "startswith":
            return []
        return [Order(self._columns[driver.field], False)]

    def reading(self, condition: Where, order: Sequence[Order], few: Callable[[Where], bool]) -> Reading:
        """How to read what meets `condition` in `order`, which has `seq` at its end.

        `few` tells whether a SELECT gives few rows.
        """
        driver = self._driver(condition)
        column, best, term = None, len(self._rank), ALL
        if order[0].column in self._names and len(order) == 2:
            # Only with a condition of its own is the index of the order worth more than others.
            column = order[0].column
            best = min([best, *(self._rank[item.field] for item in self._about(condition, column))])
        elif driver is not None and driver.operator != "startswith":
            column = self._columns[driver.field]
            term = _term(driver, column)
            best = self._rank[driver.field] if order[0].column == "seq" else best
        for rank, rows in sorted(self._sources(condition.clauses), key=lambda found: found[0]):
            if rank < best and few(rows):
                return Reading("NOT INDEXED", Where(f"seq IN ({rows.sql})", rows.values))
        return Reading("NOT INDEXED" if column is None else f"INDEXED BY {self._names[column]}", term)

    def pieces(self, condition: Where, order: Sequence[Order], after: Sequence[Form] | None) -> list[Where]:
        """What is left to read behind the position `after` in `order`, in pieces that follow each other.

        SQLite sorts NULL before every value, and a piece has either, so that an index can be searched for its start.
        """
        column, down = order[0]
        if len(order) == 1:
            return [ALL if after is None else Where(f"{column} {'<' if down else '>'} ?", (after[0],))]
        if len(order) > 2:
            return [ALL if after is None else _beyond(order, after)]
        about = self._about(condition, column)
        held = [_bounds(item) for item in about if item.operator != "empty"]
        unset = [] if held else [Where(f"{column} IS NULL")]
        if not about and after is None:
            return [ALL]
        bounds = list(dict.fromkeys(bound for pair in held for bound in pair))
        rest: list[Where] = []
        if len(held) == len(about):
            rest = [_within(column, bounds)]
        if after is None:
            return [*rest, *unset] if down else [*unset, *rest]
        value, seq = after
        sign = "<" if down else ">"
        same = Where(f"{column} IS ? AND seq {sign} ?", (value, seq))
        if value is None:
            return [same] if down else [same, *rest]
        if rest:
            # The nearer of two bounds alone: SQLite starts at the first that it finds.
            kept = [bound for bound in bounds if bound[0].startswith(">" if down else "<")]
            rest = [_within(column, [(sign, value), *kept])]
        return [same, *rest, *unset] if down else [same, *rest]

    def _about(self, condition: Where, column: str) -> list[Comparison]:
        """The first comparison that every row meets, of those which bound this column and its index."""
        if column not in self._names:
            return []
        found = [clause[0] for clause in condition.clauses if len(clause) == 1]
        return [
            item
            for item in found
            if item.field in self._rank and self._columns[item.field] == column and item.operator in _BOUNDING
        ][:1]

    def _driver(self, condition: Where) -> Comparison | None:
        """The comparison of the most selective field whose index gives rows in an order: those of one value come in
        that of creation, those that begin with a text in that of their values.
        """
        found = [
            clause[0]
            for clause in condition.clauses
            if len(clause) == 1 and clause[0].field in self._rank and clause[0].operator in ("=", "empty", "startswith")
        ]
        return min(found, key=lambda item: self._rank[item.field], default=None)

    def _sources(self, clauses: Sequence[Clause]) -> list[tuple[float, Where]]:
        """For each clause that indices answer alone: its rank, and a SELECT of its rows."""
        found: list[tuple[float, Where]] = []
        for clause in clauses:
            selects = [self._select(item) for item in clause] if len(clause) <= _MAX_CHOICE else [None]
            usable = [select for select in selects if select is not None]
            values = tuple(value for _, rows in usable for value in rows.values)
            if len(usable) == len(selects) and len(values) <= _MOST_VALUES:
                rank = max(rank for rank, _ in usable)
                found.append((rank, Where(" UNION ALL ".join(rows.sql for _, rows in usable), values)))
        return found

    def _select(self, item: Comparison) -> tuple[float, Where] | None:
        """The rank of a comparison, and a SELECT of the rows that it holds for."""
        if item.operator == "contains" and item.field in self.searched:
            needle = str(forms(item)[0])
            if len(needle) < _MIN_NEEDLE or "\0" in needle:
                return None
            quoted = needle[:_MAX_NEEDLE].replace('"', '""')
            match = f'{self.searched[item.field]} : "{quoted}"'
            # Behind the first field alone: looking is cheap.
            return 0.5, Where(f"SELECT rowid FROM {self.text_index} WHERE {self.text_index} MATCH ?", (match,))  # noqa: S608
        if item.field not in self._rank or item.operator not in _USABLE:
            return None
        column = self._columns[item.field]
        term = _term(item, column)
        sql = f"SELECT seq FROM {self.table} INDEXED BY {self._names[column]} WHERE {term.sql}"  # noqa: S608
        return self._rank[item.field], Where(sql, term.values)


def _term(item: Comparison, column: str) -> Where:
    """A comparison as an index can be searched by."""
    if item.operator == "empty":
        return Where(f"{column} IS NULL")
    return test(item.operator, column, forms(item))


def _bounds(item: Comparison) -> list[tuple[str, Form]]:
    """A comparison as limits: signs and values."""
    wanted = forms(item)[0]
    if item.operator == "=":
        return [(">=", wanted), ("<=", wanted)]
    if item.operator != "startswith":
        return [(item.operator, wanted)]
    behind = after_prefix(str(wanted))
    return [(">=", wanted)] if behind is None else [(">=", wanted), ("<", behind)]


def _within(column: str, bounds: Sequence[tuple[str, Form]]) -> Where:
    """Values that are set, and within the bounds."""
    if not any(sign.startswith(">") for sign, _ in bounds):
        # No stored number is less, and every text is greater.
        bounds = [(">=", -float_info.max), *bounds]
    return Where(" AND ".join(f"{column} {sign} ?" for sign, _ in bounds), tuple(value for _, value in bounds))


def _beyond(order: Sequence[Order], position: Sequence[Form]) -> Where:
    """The rows behind `position` in an order of several fields."""
    (column, descending), value = order[0], position[0]
    if value is None:
        further = Where("0") if descending else Where(f"({column} IS NOT NULL)")
    elif descending:
        further = Where(f"({column} IS NULL OR {column} < ?)", (value,))
    else:
        further = Where(f"({column} > ?)", (value,))
    if len(order) == 1:
        return further
    rest = _beyond(order[1:], position[1:])
    return Where(f"({further.sql} OR ({column} IS ? AND {rest.sql}))", (*further.values, value, *rest.values))
