"""From a query's AST to a parameterised SQL condition.

No text of a query ever becomes SQL: fields are looked up, values are bound.

Logic has two values. A comparison with an unset field is false, `<>` is the negation of `=`, and `not` negates whatever
it stands before, so `name <> 'x'` holds for a device without a name. The service documents none of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from digirm_runtime.query.ast import And, Condition, Expr, Not, Or
from digirm_simulator.contract import Field
from digirm_simulator.values import Form, LiteralError, literal_form

# SQLite's parser overflows near 40 nested brackets. What is nested deeper becomes a named part of its own.
_MAX_DEPTH = 10


class Where(NamedTuple):
    """A condition, the values that it binds in order, and the named parts that it refers to as `seq IN part<n>`."""

    sql: str
    values: tuple[Form, ...] = ()
    parts: tuple[Where, ...] = ()
    depth: int = 1

    def cte(self, table: str) -> str:
        """The WITH clause for the parts, each as the rows of `table` that meet it."""
        named = (
            f"part{n} AS (SELECT seq FROM {table} WHERE {part.sql})"  # noqa: S608 - sql holds columns and marks only
            for n, part in enumerate(self.parts)
        )
        return f"WITH {', '.join(named)} " if self.parts else ""

    def bound(self) -> tuple[Form, ...]:
        """All values in the order in which the statement binds them: those of the parts first."""
        return tuple(value for part in self.parts for value in part.values) + self.values


#: The condition that every row meets.
ALL = Where("1")

_ORDER = frozenset({"<", "<=", ">", ">="})


def where(expr: Expr, fields: Mapping[str, Field], columns: Mapping[str, str], now: datetime) -> Where:
    """The SQL condition of `expr`. Raises LiteralError for a field, operator or value that `fields` does not have."""
    compiler = _Compiler(fields, columns, now)
    return compiler.expr(expr)._replace(parts=tuple(compiler.parts))


def both(condition: Where, plain: Where) -> Where:
    """Both conditions; the second has no parts."""
    return condition._replace(sql=f"({condition.sql} AND {plain.sql})", values=condition.values + plain.values)


class _Compiler:
    def __init__(self, fields: Mapping[str, Field], columns: Mapping[str, str], now: datetime) -> None:
        self.fields = fields
        self.columns = columns
        self.now = now
        self.parts: list[Where] = []

    def expr(self, expr: Expr) -> Where:
        if isinstance(expr, Condition):
            return self.condition(expr)
        if isinstance(expr, Not):
            inner = self.expr(expr.item)
            return self.node(f"(NOT {inner.sql})", inner)
        if isinstance(expr, And):
            return self.join("AND", [self.expr(item) for item in expr.items])
        return self.join("OR", self.alternatives(expr))

    def alternatives(self, expr: Or) -> list[Where]:
        """The items of an `or`; those that ask one field for equality become one look-up.

        Programs that ask for a list of devices send one `id = ...` for each.
        """
        found: list[Where] = []
        equal: dict[str, list[Form]] = {}
        for item in expr.items:
            made = self.expr(item)
            if isinstance(item, Condition) and made.sql == _equal(self.columns[item.field]):
                equal.setdefault(self.columns[item.field], []).extend(made.values)
            else:
                found.append(made)
        for column, values in equal.items():
            marks = ", ".join("?" * len(values))
            found.append(Where(f"({column} IS NOT NULL AND {column} IN ({marks}))", tuple(values)))
        return found

    def join(self, word: str, items: Sequence[Where]) -> Where:
        """`items` joined as a balanced tree: SQLite limits the depth of an expression, not its size."""
        if len(items) == 1:
            return items[0]
        middle = len(items) // 2
        left, right = self.join(word, items[:middle]), self.join(word, items[middle:])
        return self.node(f"({left.sql} {word} {right.sql})", left, right)

    def node(self, sql: str, *inner: Where) -> Where:
        found = Where(
            sql, tuple(value for item in inner for value in item.values), (), 1 + max(item.depth for item in inner)
        )
        if found.depth < _MAX_DEPTH:
            return found
        self.parts.append(found)
        return Where(f"(seq IN part{len(self.parts) - 1})")

    def condition(self, item: Condition) -> Where:
        field = self.fields.get(item.field)
        if field is None:
            raise LiteralError(f"Unknown field '{item.field}' in query")
        operator = next((known for known in field.operators if known.lower() == item.operator.lower()), None)
        if operator is None:
            raise LiteralError(f"Field '{item.field}' does not support the operator '{item.operator}'")
        column = self.columns[item.field]
        if item.value.kind == "empty":
            if operator not in ("=", "<>"):
                raise LiteralError(f"'empty' cannot be used with the operator '{operator}'")
            return Where(f"({column} IS NULL)" if operator == "=" else f"({column} IS NOT NULL)")
        try:
            value = literal_form(field.type.compares, item.value, operator, self.now)
        except LiteralError as problem:
            raise LiteralError(f"Field '{item.field}': {problem}") from None
        if operator == "<>":
            same = _test(field, "=", column, value)
            return same._replace(sql=f"(NOT {same.sql})")
        return _test(field, operator, column, value)


def _equal(column: str) -> str:
    return f"({column} IS NOT NULL AND {column} = ?)"


def _test(field: Field, operator: str, column: str, value: Form) -> Where:
    """A test that is 0 or 1, never NULL."""
    if field.type.compares == "tags":
        test = {"=": "value = ?", "contains": "instr(value, ?) > 0"}.get(operator)
        if test is not None:
            return Where(f"EXISTS (SELECT 1 FROM json_each({column}) WHERE {test})", (value,))  # noqa: S608
    elif value == "" and operator == "=":
        # `= ''` asks for the empty string, and an empty string is stored as unset.
        return Where(f"({column} IS NULL)")
    elif operator == "=":
        return Where(_equal(column), (value,))
    elif operator in _ORDER:
        return Where(f"({column} IS NOT NULL AND {column} {operator} ?)", (value,))
    elif isinstance(value, str) and operator in ("contains", "startsWith", "endsWith"):
        if value == "":
            return Where(f"({column} IS NOT NULL)")
        if operator == "contains":
            return Where(f"({column} IS NOT NULL AND instr({column}, ?) > 0)", (value,))
        part = f"substr({column}, 1, {len(value)})" if operator == "startsWith" else f"substr({column}, -{len(value)})"
        return Where(f"({column} IS NOT NULL AND {part} = ?)", (value,))
    raise LiteralError(f"The operator '{operator}' of field '{field.name}' is not simulated")
