"""From a query's AST to the `condition` of a legacy resource such as `/ws/DeviceCore`.

The legacy API takes a scrubbed SQL expression over the names of its own columns. Which column stands for which field is
data: `[[legacy]]` entries of `overrides.toml`, which reach the tables of a language, or a mapping of the caller's.

`=`, `>`, `like` and `and` are recorded, `<`, `or` and brackets documented in Digi's public code; `<>`, `<=` and `>=`
are inferred, as the syntax is said to be SQL's, and so is `escape` behind a `like`. `not` becomes the opposite
operators, and is refused before a `like`, which has none. There is no known way to ask for an unset field. As in SQL, a
comparison with one, `<>` too, is taken to be false.

`Column` builds such conditions without a query, on the same tree.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import NoReturn, NotRequired, TypeAlias, TypedDict

from digirm_runtime.errors import TranslationError
from digirm_runtime.query import values
from digirm_runtime.query.ast import And, Condition, Expr, Not, Or, conditions
from digirm_runtime.query.builder import to_literal
from digirm_runtime.query.printer import print_text
from digirm_runtime.text import number_text, time_text


class LegacyColumn(TypedDict):
    """The legacy column of a query field.

    `compares` is `text` (the default), `number` or `timestamp`. `values` maps the values of an enumerated field to the
    column's. `escape` is the character that makes a wildcard of `like` plain, `ESCAPE` if it is not given; the
    empty text says that there is none.
    """

    column: str
    compares: NotRequired[str]
    values: NotRequired[Mapping[str, str | int]]
    escape: NotRequired[str]


#: What a column is compared with.
Compared: TypeAlias = str | int | float | datetime

#: How the columns of a mapping may be compared.
COMPARES = ("text", "number", "timestamp")
COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)*")

#: What makes a wildcard plain: `like '50!%' escape '!'`. The clause is SQL's; that the service takes it is inferred.
ESCAPE = "!"

_OPPOSITE = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
#: The wildcards of SQL and, because the store is said to be SQL Server, of its `like`.
_WILDCARDS = re.compile(r"[%_\[]")


def to_legacy(expr: Expr, mapping: Mapping[str, LegacyColumn], now: datetime | None = None) -> str:
    """Translate a query by a mapping of fields to legacy columns.

    Relative times become absolute ones, counted from `now` (an aware time; by default the present). Raises
    TranslationError for what the legacy condition has no known form for; ValueError for a `now` without a zone;
    TypeError for a `now` or a column of another type.
    """
    moment = values.aware(now)
    for field, column in mapping.items():
        if not isinstance(column, Mapping):
            raise TypeError(f"the legacy column of the field {field!r} is {column!r}, no dict with 'column' in it")
    kinds = {field: column.get("compares", "text") for field, column in mapping.items()}
    return _write(expr, lambda condition, negated: _condition(condition, negated, mapping, kinds, moment))


def _write(expr: Expr, leaf: Callable[[Condition, bool], str]) -> str:
    """The text of a tree, whose conditions `leaf` writes, as they are or negated."""
    parts: list[str] = []
    stack: list[tuple[Expr, bool] | str] = [(expr, False)]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            parts.append(entry)
            continue
        node, negated = _plain(*entry)
        if isinstance(node, Condition):
            parts.append(leaf(node, negated))
            continue
        conjunction = _is_and(node, negated)
        joint = " and " if conjunction else " or "
        for index in range(len(node.items) - 1, -1, -1):
            item = _plain(node.items[index], negated)
            enclosed = conjunction and not isinstance(item[0], Condition) and not _is_and(*item)
            stack += (")", item, "(") if enclosed else (item,)
            if index:
                stack.append(joint)
    return "".join(parts)


def _plain(node: Expr, negated: bool) -> tuple[Condition | And | Or, bool]:
    """A node without the `not`s before it, and whether it is negated."""
    while isinstance(node, Not):
        node, negated = node.item, not negated
    return node, negated


def _is_and(node: Expr, negated: bool) -> bool:
    """Whether a chain, once `not` is pushed into it, is joined by `and`."""
    return isinstance(node, And) != negated


def _condition(
    condition: Condition,
    negated: bool,
    mapping: Mapping[str, LegacyColumn],
    kinds: Mapping[str, str],
    now: datetime,
) -> str:
    known = mapping.get(condition.field)
    if known is None:
        raise TranslationError(f"no legacy column is known for the field {condition.field!r}", condition)
    column = known.get("column", "")
    if not COLUMN.fullmatch(column) or kinds[condition.field] not in COMPARES:
        raise TranslationError(f"{dict(known)!r} is no legacy column", condition)
    item = values.settle(condition, kinds, now)
    if item.operator == "empty":
        raise TranslationError("how a legacy condition asks for an unset field is not known", condition)
    enumerated = known.get("values", {})
    if enumerated and item.operator != "=":
        raise TranslationError("an enumerated legacy column is compared with = and <> only", condition)
    if item.operator in values.PATTERNS:
        if item.negated != negated:
            raise _no_opposite(condition)
        escape = known.get("escape", ESCAPE)
        return f"{column} like {_pattern(condition, item.operator, str(item.value), escape)}"
    operator = _OPPOSITE[item.operator] if item.negated != negated else item.operator
    return f"{column} {operator} {_value(item, enumerated)}"


def _value(item: values.Comparison, known: Mapping[str, str | int]) -> str:
    """What the column is compared with."""
    if known:
        wanted = item.condition.value.text.casefold()
        found = next((value for name, value in known.items() if name.casefold() == wanted), None)
        if found is None:
            names = ", ".join(known)
            raise TranslationError(f"no legacy value is known for this one, only for {names}", item.condition)
        return _text(item.condition, found) if isinstance(found, str) else number_text(found)
    if isinstance(item.value, str):
        return _text(item.condition, item.value)
    if item.kind == "timestamp" and isinstance(item.value, int):
        return print_text(time_text(values.from_milliseconds(item.value)))
    if isinstance(item.value, int | float):
        try:
            return number_text(item.value)
        except ValueError:
            pass
    raise TranslationError("this value cannot be written in a legacy condition", item.condition)


def _pattern(condition: Condition, operator: str, text: str, escape: str) -> str:
    """What stands behind `like`, for an operator of `values.PATTERNS`."""
    clause = ""
    if _WILDCARDS.search(text) or (escape and escape in text):
        if len(escape) != 1 or escape in "'%_[" or not escape.isprintable():
            raise TranslationError(
                "no escape is known that makes the wildcards %, _ and [ of a legacy 'like' plain", condition
            )
        text = _WILDCARDS.sub(lambda found: escape + found[0], text.replace(escape, escape * 2))
        clause = f" escape '{escape}'"
    return _text(condition, values.PATTERNS[operator].format(text), escape if clause else "") + clause


def _text(condition: Condition, text: str, allowed: str = "") -> str:
    """Text in quotes. What some databases read as an escape, or not at all, is refused."""
    if not text.isprintable() or ("\\" in text and allowed != "\\"):
        message = "whether a legacy condition takes backslashes and control characters as they are is not known"
        raise TranslationError(message, condition)
    return print_text(text)


def _no_opposite(condition: Condition) -> TranslationError:
    return TranslationError("a legacy 'like' has no opposite that is known", condition)


class _Name(str):
    """A column's name in a tree: what tells a legacy condition from one of a query."""

    __slots__ = ()


class Column:
    """A column of a legacy object, compared with what Python has: `Column("dpConnectionStatus") == 1`.

    Conditions combine with `&`, `|` and `~`, each in parentheses. Raises ValueError for what cannot be a column.
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        if not COLUMN.fullmatch(name):
            raise ValueError(f"{name!r} cannot be a column")
        self._name = _Name(name)

    def _condition(self, operator: str, value: object) -> Condition:
        literal = to_literal(value)
        if literal.kind not in ("text", "number"):
            raise TypeError(f"a column is compared with text, a number or a time, not with {value!r}")
        return Condition(self._name, operator, literal)

    def __eq__(self, value: object) -> Expr:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._condition("=", value)

    def __ne__(self, value: object) -> Expr:  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        return self._condition("<>", value)

    def __lt__(self, value: Compared) -> Expr:
        return self._condition("<", value)

    def __le__(self, value: Compared) -> Expr:
        return self._condition("<=", value)

    def __gt__(self, value: Compared) -> Expr:
        return self._condition(">", value)

    def __ge__(self, value: Compared) -> Expr:
        return self._condition(">=", value)

    def like(self, pattern: str) -> Expr:
        """`like` with a pattern of SQL: `%` is any text, `_` any character."""
        return self._condition("like", str(pattern))

    def startswith(self, text: str) -> Expr:
        """The text as it stands, then anything: wildcards in it are escaped."""
        return self._condition("startsWith", str(text))

    def endswith(self, text: str) -> Expr:
        """Anything, then the text as it stands."""
        return self._condition("endsWith", str(text))

    def contains(self, text: str) -> Expr:
        """The text as it stands with anything around it."""
        return self._condition("contains", str(text))

    def __hash__(self) -> int:
        return hash(self._name)

    def __bool__(self) -> NoReturn:
        raise TypeError(f"the column {self._name!r} has no truth value: compare it with something")

    def __repr__(self) -> str:
        return f"column({str(self._name)!r})"


def is_legacy(expr: Expr) -> bool:
    """Whether all conditions of a tree are about columns."""
    return all(isinstance(condition.field, _Name) for condition in conditions(expr))


def print_condition(expr: Expr) -> str:
    """The text of a tree that was built with `Column`.

    Raises TypeError for a tree about the fields of a query, and TranslationError as `to_legacy` does.
    """
    if not is_legacy(expr):
        raise TypeError(
            "this is a query's condition: make a legacy one of it with to_legacy(), or build it with column()"
        )
    return _write(expr, _compared)


def _compared(condition: Condition, negated: bool) -> str:
    """A condition as it was built: nothing is known of the column that could change its meaning."""
    text = condition.value.text
    if condition.operator in _OPPOSITE:
        operator = _OPPOSITE[condition.operator] if negated else condition.operator
        return f"{condition.field} {operator} {_text(condition, text) if condition.value.kind == 'text' else text}"
    if negated:
        raise _no_opposite(condition)
    if condition.operator == "like":
        return f"{condition.field} like {_text(condition, text)}"
    return f"{condition.field} like {_pattern(condition, condition.operator.lower(), text, ESCAPE)}"
