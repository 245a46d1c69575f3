"""From a query's AST to a parameterised SQL condition.

No text of a query ever becomes SQL: fields are looked up, values are bound.

`digirm_runtime.query.values` settles what a condition means, here as in every other translation. Logic has two values:
a comparison with an unset field is false, `<>` is the negation of `=`, and `not` negates whatever it stands before, so
`name <> 'x'` holds for a device without a name. The service documents none of this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple, TypeAlias

from digirm_runtime.query.ast import And, Condition, Expr, Not, Or
from digirm_runtime.query.values import Comparison, alternatives, meaning
from digirm_simulator.contract import Field
from digirm_simulator.values import Form, LiteralError, after_prefix, bound_form

# SQLite's parser overflows near 40 nested brackets. What is nested deeper becomes a named part of its own.
_MAX_DEPTH = 10

#: Comparisons of which at least one holds for every row that meets the condition which has the clause.
Clause: TypeAlias = tuple[Comparison, ...]


class Where(NamedTuple):
    """A condition: its SQL, the values that it binds in order, and the named parts that it refers to by number.

    `clauses` are what it implies, for those who look for an index. No column in `sql` stands bare, so that SQLite does
    not choose an index for it.
    """

    sql: str
    values: tuple[Form, ...] = ()
    parts: tuple[Where, ...] = ()
    depth: int = 1
    clauses: tuple[Clause, ...] = ()

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


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def where(expr: Expr, fields: Mapping[str, Field], columns: Mapping[str, str], now: datetime) -> Where:
    """The SQL condition of `expr`. Raises LiteralError for a field, operator or value that `fields` does not have."""
    compiler = _Compiler(fields, columns, now)
    return compiler.expr(expr)._replace(parts=tuple(compiler.parts))


def both(condition: Where, plain: Where) -> Where:
    """Both conditions; the second has no parts."""
    if plain.sql == ALL.sql:
        return condition
    return condition._replace(sql=f"({condition.sql} AND {plain.sql})", values=condition.values + plain.values)


def settled(item: Condition, fields: Mapping[str, Field], now: datetime) -> Comparison:
    """What a condition means. Raises LiteralError for a field, operator or value that `fields` does not have."""
    field = fields.get(item.field)
    if field is None:
        raise LiteralError(f"Unknown field '{item.field}' in query")
    if item.operator.lower() not in map(str.lower, field.operators):
        raise LiteralError(f"Field '{item.field}' does not support the operator '{item.operator}'")
    compares = field.type.compares
    try:
        if compares == "area" and item.value.kind != "empty":
            raise LiteralError("areas are not simulated")
        return meaning(item, {item.field: compares}, now)
    except LiteralError as problem:
        raise LiteralError(f"Field '{item.field}': {problem}") from None


def forms(item: Comparison) -> tuple[Form, ...]:
    """What a comparison compares stored forms with."""
    wanted = item.value if isinstance(item.value, tuple) else (item.value,)
    return tuple(bound_form(item.kind, value) for value in wanted)


def test(operator: str, stored: str, wanted: Sequence[Form]) -> Where:
    """The test of `stored`, which is set. `startswith` is a range, as an index has it."""
    if operator == "in":
        return Where(f"{stored} IN ({', '.join('?' * len(wanted))})", tuple(wanted))
    if operator == "contains":
        return Where(f"instr({stored}, ?) > 0", tuple(wanted))
    if operator == "startswith":
        first = str(wanted[0])
        behind = after_prefix(first)
        if behind is None:
            return Where(f"{stored} >= ?", (first,))
        return Where(f"{stored} >= ? AND {stored} < ?", (first, behind))
    if operator == "endswith":
        return Where(f"substr({stored}, {-len(str(wanted[0]))}) = ?", tuple(wanted))
    return Where(f"{stored} {operator} ?", tuple(wanted))


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
            return self.expr(settled(expr, self.fields, self.now))
        if isinstance(expr, Not):
            inner = self.expr(expr.item)
            return self.node(f"(NOT {inner.sql})", inner)
        if isinstance(expr, And):
            found = [self.expr(item) for item in expr.items]
            return self.join("AND", found)._replace(clauses=tuple(clause for item in found for clause in item.clauses))
        items = self.items(expr)
        found = [self.expr(item) for item in items]
        # A choice between single comparisons is a clause; one of anything else says nothing about a row.
        choice = tuple(item for item in items if isinstance(item, Comparison) and not item.negated)
        return self.join("OR", found)._replace(clauses=(choice,) if len(choice) == len(items) else ())

    def items(self, chain: Or) -> Sequence[Expr | Comparison]:
        """The items of an `or`, those that ask one field for equality as one."""
        return alternatives(
            settled(item, self.fields, self.now) if isinstance(item, Condition) else item for item in chain.items
        )

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


def _comparison(item: Comparison, column: str) -> Where:
    """A test that is 0 or 1, never NULL. The plus keeps SQLite from using an index for it."""
    clauses = () if item.negated else ((item,),)
    if item.operator == "empty":
        return Where(f"(+{column} IS {'NOT ' if item.negated else ''}NULL)", clauses=clauses)
    if item.kind == "tags":
        inner = test(item.operator, "value", forms(item))
        sql = f"EXISTS (SELECT 1 FROM json_each({column}) WHERE {inner.sql})"  # noqa: S608 - as above
    else:
        inner = test(item.operator, f"+{column}", forms(item))
        sql = f"(+{column} IS NOT NULL AND {inner.sql})"
    return Where(f"(NOT {sql})" if item.negated else sql, inner.values, clauses=clauses)
