"""From a query's AST to a parameterised SQL condition.

No text of a query ever becomes SQL: fields are looked up, values are bound.

`digirm_runtime.query.values` settles what a condition means, here as in every other translation. Logic has two values:
a comparison with an unset field is false, `<>` is the negation of `=`, and `not` negates whatever it stands before, so
`name <> 'x'` holds for a device without a name. The service documents none of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from digirm_runtime.query.ast import And, Condition, Expr, Not, Or
from digirm_runtime.query.values import Comparison, alternatives, meaning
from digirm_simulator.contract import Field
from digirm_simulator.values import Form, LiteralError, bound_form

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

    def expr(self, expr: Expr | Comparison) -> Where:
        if isinstance(expr, Comparison):
            return _comparison(expr, self.columns[expr.field])
        if isinstance(expr, Condition):
            return self.expr(self.settled(expr))
        if isinstance(expr, Not):
            inner = self.expr(expr.item)
            return self.node(f"(NOT {inner.sql})", inner)
        if isinstance(expr, And):
            return self.join("AND", [self.expr(item) for item in expr.items])
        return self.join("OR", [self.expr(item) for item in self.items(expr)])

    def items(self, chain: Or) -> Sequence[Expr | Comparison]:
        """The items of an `or`, those that ask one field for equality as one."""
        return alternatives(self.settled(item) if isinstance(item, Condition) else item for item in chain.items)

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

    def settled(self, item: Condition) -> Comparison:
        """What a condition of a field that is known, with an operator that it lists, means."""
        field = self.fields.get(item.field)
        if field is None:
            raise LiteralError(f"Unknown field '{item.field}' in query")
        if item.operator.lower() not in map(str.lower, field.operators):
            raise LiteralError(f"Field '{item.field}' does not support the operator '{item.operator}'")
        compares = field.type.compares
        try:
            if compares == "area" and item.value.kind != "empty":
                raise LiteralError("areas are not simulated")
            return meaning(item, {item.field: compares}, self.now)
        except LiteralError as problem:
            raise LiteralError(f"Field '{item.field}': {problem}") from None


def _comparison(item: Comparison, column: str) -> Where:
    """A test that is 0 or 1, never NULL."""
    if item.operator == "empty":
        return Where(f"({column} IS {'NOT ' if item.negated else ''}NULL)")
    wanted = item.value if isinstance(item.value, tuple) else (item.value,)
    forms = tuple(bound_form(item.kind, value) for value in wanted)
    if item.kind == "tags":
        sql = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE {_test(item.operator, 'value', forms)})"  # noqa: S608
    else:
        sql = f"({column} IS NOT NULL AND {_test(item.operator, column, forms)})"
    return Where(f"(NOT {sql})" if item.negated else sql, forms)


def _test(operator: str, stored: str, forms: Sequence[Form]) -> str:
    """The test of a value that is set, named `stored`."""
    if operator == "in":
        return f"{stored} IN ({', '.join('?' * len(forms))})"
    if operator == "contains":
        return f"instr({stored}, ?) > 0"
    if operator in ("startswith", "endswith"):
        length = len(str(forms[0]))
        return f"substr({stored}, {f'1, {length}' if operator == 'startswith' else -length}) = ?"
    return f"{stored} {operator} ?"
