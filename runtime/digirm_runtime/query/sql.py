"""From a query's AST to an SQL condition for any dialect of sqlglot (extra `sql`).

Values are always parameters, names always quoted identifiers. What a condition means is what `predicate.py` says, with
the database's own `LOWER` and order of text in the place of Python's. The condition is true or false, never NULL, so it
can be negated and combined with others. The columns are taken to hold

    text                text; NULL or '' where it is unset
    group               text without a leading slash, as the service shows it
    tags                text with a comma before, between and behind them, as the legacy API shows them: `,a,b,`
    number, boolean     numbers, truth values
    timestamp           what `times` says

sqlglot writes each condition; they are joined here, because its generator recurses and a query may nest 200 deep.
Chains become balanced trees, since databases limit how deep an expression is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias, get_args

from digirm_runtime.errors import TranslationError
from digirm_runtime.query import values
from digirm_runtime.query.ast import And, Condition, Expr, Node, Not, Or
from digirm_runtime.query.values import Comparison
from digirm_runtime.text import time_text

if TYPE_CHECKING:
    from sqlglot import exp

Parameter: TypeAlias = str | int | float | bool | datetime
Times: TypeAlias = Literal["aware", "naive", "text", "milliseconds"]
Style: TypeAlias = Literal["qmark", "numeric", "dollar", "named", "at", "format", "pyformat"]
Column: TypeAlias = "str | Sequence[str] | exp.Condition"

MISSING = "SQL needs sqlglot: pip install 'digirm[sql]'"

_MARKS: dict[str, str] = {
    "qmark": "?",
    "numeric": ":{0}",
    "dollar": "${0}",
    "named": ":p{0}",
    "at": "@p{0}",
    "format": "%s",
    "pyformat": "%(p{0})s",
}
_NAMED = ("named", "at", "pyformat")
#: What the usual driver of a dialect takes, where it is not `?`.
_STYLES = {
    "bigquery": "pyformat",
    "clickhouse": "pyformat",
    "mysql": "format",
    "oracle": "numeric",
    "postgres": "format",
    "redshift": "format",
    "snowflake": "format",
}
#: Dialects in which '' is NULL, whose LIKE has a backslash for an escape and knows no other, and whose LIKE has sets.
_NULL_TEXT = ("oracle", "exasol")
_BACKSLASH = ("bigquery", "clickhouse", "hive")
_BRACKETS = ("tsql", "fabric")
_TAG_PATTERNS = {"=": "%,{},%", "contains": "%{}%", "startswith": "%,{}%", "endswith": "%{},%"}
#: Items of a chain that stand side by side.
_WIDTH = 64
#: Stands for a parameter while sqlglot writes; no identifier can hold it.
_HOLE = "\0"


class Sql(NamedTuple):
    """A condition for a WHERE clause, and the values of its parameters: a dict by name for named styles."""

    text: str
    parameters: tuple[Parameter, ...] | dict[str, Parameter]


def to_sql(
    expr: Expr,
    kinds: Mapping[str, str] | None = None,
    now: datetime | None = None,
    *,
    dialect: str = "",
    columns: Mapping[str, Column] | None = None,
    style: Style | None = None,
    times: Times | None = None,
) -> Sql:
    """Translate a query.

    `kinds` and `now` are as in `predicate`. `columns` maps each field to its column: a name, a qualified name as a
    sequence, or an expression of sqlglot; without it a field is a column of its own name. `style` is how parameters are
    written: by default as the dialect's usual driver takes them. `times` is what columns of times hold, and parameters
    are then: `aware` or `naive` datetimes in UTC (default: aware), `text` as the service writes it (SQLite's default),
    or `milliseconds` since 1970.

    The text stands in brackets. Raises TranslationError for a condition without a translation, or of a field that is
    not in `columns`; ValueError for an unknown `dialect`, `style` or `times`, or a `now` without a zone; TypeError for
    a column or a `now` of another type; ImportError where sqlglot is not installed.
    """
    return _Writer(kinds, values.aware(now), dialect, columns, style, times).write(expr)


class _Chain(NamedTuple):
    """Items with a word between them."""

    word: str
    items: Sequence[Comparison | Node]

    def spread(self) -> list[Comparison | Node | str | _Chain]:
        """The items side by side, or as two halves in brackets where they are many."""
        if len(self.items) > _WIDTH:
            middle = len(self.items) // 2
            first, second = self._replace(items=self.items[:middle]), self._replace(items=self.items[middle:])
            return ["(", first, ")", self.word, "(", second, ")"]
        found: list[Comparison | Node | str | _Chain] = []
        for item in self.items:
            found += [self.word, item] if found else [item]
        return found


class _Writer:
    def __init__(
        self,
        kinds: Mapping[str, str] | None,
        now: datetime,
        dialect: str,
        columns: Mapping[str, Column] | None,
        style: Style | None,
        times: Times | None,
    ) -> None:
        try:
            from sqlglot.dialects.dialect import Dialect
        except ModuleNotFoundError as error:
            raise ImportError(MISSING, name=error.name) from None
        name = type(Dialect.get_or_raise(dialect)).__name__.lower()
        self.kinds = kinds
        self.now = now
        self.dialect = dialect
        self.columns = columns
        self.style = style or _STYLES.get(name, "qmark")
        if self.style not in _MARKS:
            raise ValueError(f"{style!r} is no style of parameters; there are {', '.join(_MARKS)}")
        self.times = times or ("text" if name == "sqlite" else "aware")
        if self.times not in get_args(Times):
            raise ValueError(f"{times!r} is no form of times; there are {', '.join(get_args(Times))}")
        self.blank_is_null = name in _NULL_TEXT
        self.escape = "\\" if name in _BACKSLASH else "!"
        self.escaped = [self.escape, "%", "_", *("[" if name in _BRACKETS else "")]
        self.shapes: dict[tuple[str, str, str], list[str]] = {}
        self.parts: list[str] = []
        self.parameters: list[Parameter] = []

    def write(self, expr: Expr) -> Sql:
        """The whole condition, from left to right; nothing recurses."""
        stack: list[Comparison | Node | str | _Chain] = [expr]
        while stack:
            node = stack.pop()
            if isinstance(node, str):
                self.parts.append(node)
            elif isinstance(node, Comparison):
                self.comparison(node)
            elif isinstance(node, Condition):
                self.comparison(values.settle(node, self.kinds, self.now))
            elif isinstance(node, Not):
                stack += self.negation(node)
            elif isinstance(node, And):
                stack += [")", _Chain(" AND ", node.items), "("]
            elif isinstance(node, Or):
                items = self.items(node)
                stack += [")", _Chain(" OR ", items), "("] if len(items) > 1 else items
            elif isinstance(node, _Chain):
                stack += reversed(node.spread())
        text = "".join(self.parts)
        if text.startswith("NOT "):
            text = f"({text})"  # what is put before it may be another NOT
        if self.style in _NAMED:
            return Sql(text, {f"p{number}": value for number, value in enumerate(self.parameters, 1)})
        return Sql(text, tuple(self.parameters))

    def negation(self, node: Not) -> list[Comparison | Expr | str]:
        """A negation, the item before the word; not every dialect has `NOT NOT`."""
        negated, item = True, node.item
        while isinstance(item, Not):
            negated, item = not negated, item.item
        if isinstance(item, Condition):
            settled = values.settle(item, self.kinds, self.now)
            return [settled._replace(negated=settled.negated != negated)]
        return [item, "NOT "] if negated else [item]

    def items(self, chain: Or) -> Sequence[Comparison | Node]:
        """The items of an `or`, those that ask one field for equality as one."""
        settle = values.settle
        return values.alternatives(
            settle(item, self.kinds, self.now) if isinstance(item, Condition) else item for item in chain.items
        )

    def comparison(self, item: Comparison) -> None:
        """Write one comparison: the text around its parameters is the same for all of its shape."""
        if item.kind == "tags" and isinstance(item.value, str) and "," in item.value:
            # No tag holds what stands between tags.
            self.parts.append("(1 = 1)" if item.negated else "(1 = 0)")
            return
        shape = item.field, item.kind, item.operator
        pieces = self.shapes.get(shape)
        if pieces is None:
            pieces = self.shapes[shape] = self.pieces(item)
        found = item.value if isinstance(item.value, tuple) else () if item.operator == "empty" else (item.value,)
        self.parts.append("NOT (" if item.negated else "(")
        self.parts.append(pieces[0])
        for number, value in enumerate(found):
            if number:
                self.parts.append(pieces[1])
            self.parameters.append(self.parameter(item, value))
            self.parts.append(_MARKS[self.style].format(len(self.parameters)))
        self.parts.append(pieces[-1] + ")" if found else ")")

    def parameter(self, item: Comparison, value: values.Value) -> Parameter:
        if isinstance(value, str):
            pattern = (_TAG_PATTERNS if item.kind == "tags" else values.PATTERNS).get(item.operator, "")
            if "\0" in value:
                # SQLite's LIKE reads a pattern up to it only, and would select more.
                raise TranslationError("databases cut text at a NUL, or hold none", item.condition)
            if not pattern:
                return value
            for char in self.escaped:
                value = value.replace(char, self.escape + char)
            return pattern.replace("{}", value)
        if isinstance(value, bool) or value is None:
            return bool(value)
        if item.kind != "timestamp":
            return values.bindable(value)
        if self.times == "milliseconds":
            return values.bindable_time(int(value))
        moment = values.from_milliseconds(int(value))
        if self.times == "text":
            return time_text(moment)
        return moment.replace(tzinfo=None) if self.times == "naive" else moment

    def pieces(self, item: Comparison) -> list[str]:
        """The SQL of a comparison, cut where its parameters stand; of several, with the text between two."""
        from sqlglot import ErrorLevel
        from sqlglot.errors import SqlglotError

        try:
            text: str = self.expression(item).sql(self.dialect or None, unsupported_level=ErrorLevel.RAISE)
        except SqlglotError as error:
            raise TranslationError(
                f"{self.dialect} has no SQL for the field {item.field!r}: {error}", item.condition
            ) from None
        if self.style in ("format", "pyformat"):
            text = text.replace("%", "%%")
        return text.split(_HOLE)

    def expression(self, item: Comparison) -> exp.Condition:
        """One comparison as sqlglot has it, with holes for parameters."""
        from sqlglot import exp

        column = self.column(item)
        textual = item.kind in values.TEXTS or (item.kind == "timestamp" and self.times == "text")
        blank = exp.Literal.string("") if textual and not self.blank_is_null else None
        if item.operator == "empty":
            unset: exp.Condition = exp.Is(this=column, expression=exp.Null())
            return (
                unset if blank is None else exp.Or(this=unset, expression=exp.EQ(this=column.copy(), expression=blank))
            )
        present: exp.Condition = exp.Not(this=exp.Is(this=column, expression=exp.Null()))
        if blank is not None and (item.operator in ("<", "<=") or item.kind == "tags"):
            present = exp.And(this=present, expression=exp.NEQ(this=column.copy(), expression=blank))
        left: exp.Condition = column.copy()
        right: exp.Condition = exp.Column(this=exp.Var(this=_HOLE))
        if item.kind in values.TEXTS:
            left, right = exp.Lower(this=left), exp.Lower(this=right)
        if item.operator == "in":
            test: exp.Condition = exp.In(this=left, expressions=[right, right.copy()])
        elif item.operator in values.PATTERNS or item.kind == "tags":
            test = exp.Like(this=left, expression=right)
            if self.escape == "!":
                test = exp.Escape(this=test, expression=exp.Literal.string("!"))
        else:
            signs: dict[str, Callable[..., exp.Condition]]
            signs = {"=": exp.EQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE}
            test = signs[item.operator](this=left, expression=right)
        return exp.And(this=present, expression=test)

    def column(self, item: Comparison) -> exp.Condition:
        """The column of a field, quoted.

        Raises TranslationError where it has none, or no name can be one; TypeError for what is no column at all.
        """
        from sqlglot import exp

        found: Column | None = item.field if self.columns is None else self.columns.get(item.field)
        if found is None:
            raise TranslationError(f"no column is given for the field {item.field!r}", item.condition)
        if isinstance(found, exp.Condition):
            return exp.Paren(this=found.copy()) if isinstance(found, exp.Binary | exp.Unary) else found.copy()
        names = [found] if isinstance(found, str) else list(found) if isinstance(found, Sequence) else [found]
        if not all(isinstance(name, str) for name in names):
            raise TypeError(
                f"the column of the field {item.field!r} is {found!r}, neither a name, nor a sequence of names, nor a"
                " condition of sqlglot"
            )
        for name in names:
            if not name or _HOLE in name or not name.isprintable():
                raise TranslationError(f"{name!r} cannot be the name of a column", item.condition)
        if not 1 <= len(names) <= 4:
            raise TranslationError(f"{names!r} cannot be the name of a column", item.condition)
        return exp.column(*(exp.to_identifier(name, quoted=True) for name in reversed(names)))
