"""From a query's AST to one English sentence for people who have never seen the language.

It says what `values.py` takes a condition to mean, as the predicate, SQL and the simulator do. Of long lists and long
texts it shows the beginning, and of a long query as much as fits. Up to there, and to spellings that mean the same
(`EMPTY`, `-01D`), queries whose canonical texts differ have different sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeGuard

from digirm_runtime.errors import QueryError
from digirm_runtime.query import values
from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or, conditions
from digirm_runtime.query.printer import print_text
from digirm_runtime.query.values import Comparison

if TYPE_CHECKING:
    from digirm_runtime.query.language import Language
    from digirm_runtime.query.report import Report

#: What is said where no condition is set.
EVERYTHING = "Everything: no condition is set."
#: No sentence is longer.
LONGEST = 3000
#: Items of a chain, and characters of a value, that are shown.
_ITEMS, _VALUE = 10, 60
#: What follows a sentence that would be longer.
_CUT = 100

_MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
#: The present, for meanings of which only the operator is asked.
_SOME_TIME = datetime(2000, 1, 1, tzinfo=UTC)

_NUMBER = {"=": "is", "<": "is less than", "<=": "is at most", ">": "is more than", ">=": "is at least"}
_TEXT = {
    "=": "is",
    "<": "sorts before",
    "<=": "is or sorts before",
    ">": "sorts after",
    ">=": "is or sorts after",
    "contains": "contains",
    "startswith": "starts with",
    "endswith": "ends with",
}
_ABSOLUTE = {"=": "is exactly", "<": "is before", "<=": "is at or before", ">": "is after", ">=": "is at or after"}
#: `{0}` is a span of time such as `1 day`.
_AGO = {
    "=": "exactly {0} ago (now - {0}{1})",
    "<": "more than {0} ago (before now - {0}{1})",
    "<=": "at least {0} ago (now - {0} or earlier{1})",
    ">": "less than {0} ago (after now - {0}{1})",
    ">=": "at most {0} ago (now - {0} or later{1})",
}
_AHEAD = {
    "=": "exactly {0} from now (now + {0}{1})",
    "<": "earlier than {0} from now (before now + {0}{1})",
    "<=": "no later than {0} from now (now + {0} or earlier{1})",
    ">": "more than {0} from now (after now + {0}{1})",
    ">=": "at least {0} from now (now + {0} or later{1})",
}
_UNITS = {"d": "day", "h": "hour", "m": "minute", "s": "second", "w": "week"}
_CORNERS = 4


class _Run(NamedTuple):
    """Items of an `or` that ask the same field for equality, one after the other: their number, and the first."""

    size: int
    shown: list[Condition]


_Unit: TypeAlias = "Expr | _Run"
_Kinds: TypeAlias = "Mapping[str, str] | None"


def explain(expr: Expr, kinds: _Kinds = None) -> str:
    """The sentence. `kinds` are those of `Language.kinds`; a field that they lack is read as its literal suggests."""
    parts = ["Everything where "]
    left = LONGEST - _CUT - len(parts[0])
    stack: list[_Unit | str] = [expr]
    top: _Unit | None = expr
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            text = node
        elif isinstance(node, Condition):
            text = _condition(node, kinds)
        elif isinstance(node, _Run):
            text = _run(node, kinds)
        elif isinstance(node, Not):
            text = "it is not true that "
            stack += (")", node.item, "(") if isinstance(node.item, And | Or) else (node.item,)
            # What stands in brackets needs no others.
            top = node.item
        else:
            text = ""
            stack += reversed(_chain(node, kinds, enclosed=node is top))
            top = None
        if len(text) > left:
            number = sum(1 for _ in conditions(expr))
            return f"{''.join(parts).rstrip(' (')} … (shortened: it has {number:,} conditions in all)."
        left -= len(text)
        parts.append(text)
    return "".join(parts) + "."


def explain_report(language: Language, report: Report) -> str | None:
    """The sentence on a query that was checked; None where it holds nothing that can be read."""
    if report.query is None:
        return None
    kinds: Mapping[str, str] = {}
    if report.endpoint is not None:
        # Of an unknown endpoint the literals say what there is to say.
        with suppress(QueryError):
            kinds = language.kinds(report.endpoint)
    return explain(report.query, kinds)


def _chain(node: And | Or, kinds: _Kinds, *, enclosed: bool) -> list[_Unit | str]:
    """The units and words of a chain in their order. `enclosed`: it stands alone, or in brackets already."""
    units, more = _units(node, kinds)
    if len(units) == 1 and not more:
        return [units[0]]
    flat = all(isinstance(unit, Condition) for unit in units)
    word = "and" if isinstance(node, And) else "or"
    joint = f" {word} " if flat else f", {word} "
    either = "either " if word == "or" and not (flat and enclosed) else ""
    found: list[_Unit | str] = [either]
    for unit in units:
        found += [joint, unit] if len(found) > 1 else [unit]
    if more:
        found += [joint, f"{more:,} more"]
    return found if flat or enclosed else ["(", *found, ")"]


def _units(node: And | Or, kinds: _Kinds) -> tuple[list[_Unit], int]:
    """The first units of a chain, and the number of items that are in none of them."""
    units: list[_Unit] = []
    index, items = 0, node.items
    while index < len(items) and len(units) < _ITEMS:
        start, first = index, items[index]
        index += 1
        if isinstance(node, Or) and isinstance(first, Condition) and _is_look_up(first, kinds):
            while index < len(items) and _is_alike(first, items[index]):
                index += 1
        run = items[start : min(index, start + _ITEMS)]
        units.append(first if index == start + 1 else _Run(index - start, [one for one in run if _is_leaf(one)]))
    return units, len(items) - index


def _is_leaf(expr: Expr) -> TypeGuard[Condition]:
    return isinstance(expr, Condition)


def _is_look_up(condition: Condition, kinds: _Kinds) -> bool:
    """Whether a condition asks for one value that stands for itself."""
    kind = (kinds or {}).get(condition.field, condition.value.kind)
    form = condition.value.kind
    return condition.operator == "=" and bool(condition.value.text) and kind == form and form in ("text", "number")


def _is_alike(first: Condition, other: Expr) -> bool:
    return (
        isinstance(other, Condition)
        and (other.field, other.operator, other.value.kind) == (first.field, first.operator, first.value.kind)
        and bool(other.value.text)
    )


def _run(run: _Run, kinds: _Kinds) -> str:
    head = f"{_printable(run.shown[0].field)} is "
    texts = [_condition(condition, kinds).removeprefix(head) for condition in run.shown]
    if run.size == 2:
        return f"{head}either {' or '.join(texts)}"
    last = f"{run.size - len(texts):,} others" if run.size > len(texts) else texts.pop()
    return f"{head}one of {', '.join(texts)} or {last}"


def _condition(condition: Condition, kinds: _Kinds) -> str:
    """A condition in words."""
    field, literal = _printable(condition.field), condition.value
    shown = _shown(literal)
    try:
        found = values.meaning(condition, kinds, _SOME_TIME)
    except values.LiteralError as problem:
        if literal.kind == "area":
            return f"{field} is {_printable(condition.operator)} the area {shown}{_corners(literal)}"
        why = _printable(str(problem))
        return f"{field} {_printable(condition.operator)} {shown} (of which no meaning is known: {why})"
    if found.operator == "empty":
        alike = condition.operator in ("=", "<>")
        told = f"{shown} is the same as none" if alike else f"{condition.operator} {shown} asks no more"
        told = "" if literal.kind == "empty" else f" ({told})"
        return f"{field} has {'a' if found.negated else 'no'} value{told}"
    return _SAID.get(found.kind, _as_text)(found, field, shown)


def _as_text(found: Comparison, field: str, shown: str) -> str:
    return f"{field} {_is(found, _TEXT)} {shown}{_taken(found, 'text')}{_or_none(found)}"


def _as_number(found: Comparison, field: str, shown: str) -> str:
    decimal = f" ({found.value})" if "x" in shown.lower() and len(shown) < _VALUE // 2 else ""
    return f"{field} {_is(found, _NUMBER)} {shown}{decimal}{_or_none(found)}"


def _as_group(found: Comparison, field: str, shown: str) -> str:
    shown += _taken(found, "text")
    if found.operator == "=":
        which = ("not exactly", "it may be one below it, or none") if found.negated else ("exactly", "not one below it")
        return f"{field} is {which[0]} {shown} ({which[1]})"
    if found.operator == "startswith":
        below = str(found.value).endswith("/")
        shown += f" ({'any group' if below else 'that group, all others that begin so, and any'} below it)"
    return f"{field} {_TEXT[found.operator]} {shown}"


def _as_tags(found: Comparison, field: str, shown: str) -> str:
    return f"{'none' if found.negated else 'one'} of {field} {_TEXT[found.operator]} {shown}{_taken(found, 'text')}"


def _as_time(found: Comparison, field: str, shown: str) -> str:
    literal, negation = found.condition.value, "not " if found.negated else ""
    if relative := values.RELATIVE.fullmatch(literal.text):
        sign, count, unit = relative.groups()
        count = count if len(count) <= _VALUE else f"{count[:_VALUE]}…"
        span = f"{count} {_UNITS[unit.lower()]}{'' if count == '1' else 's'}"
        written = "" if literal.kind == "relative" else f", written {shown}"
        said = (_AGO if sign == "-" else _AHEAD)[found.operator].format(span, written)
        return f"{field} is {negation}{said}{_or_none(found)}"
    assert isinstance(found.value, int)
    return f"{field} {_is(found, _ABSOLUTE)} {shown} ({_date(found.value)}){_or_none(found)}"


#: Kind → what says a comparison of it in words; all others are said as text is.
_SAID: dict[str, Callable[[Comparison, str, str], str]] = {
    "number": _as_number,
    "group": _as_group,
    "tags": _as_tags,
    "timestamp": _as_time,
}


def _is(found: Comparison, words: Mapping[str, str]) -> str:
    """The verb; only equality can be negated."""
    return words[found.operator].replace("is", "is not", 1) if found.negated else words[found.operator]


def _or_none(found: Comparison) -> str:
    return " (or has no value)" if found.negated else ""


def _taken(found: Comparison, form: str) -> str:
    """A note where a literal is read as another form than its own."""
    return "" if found.condition.value.kind in (form, found.kind) else f" (as {form})"


def _date(moment: int) -> str:
    when = values.from_milliseconds(moment)
    if values.milliseconds(when) != moment:
        return "beyond the calendar"
    part = f".{when.microsecond // 1000:03d}" if when.microsecond else ""
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}, {when:%H:%M:%S}{part} UTC"


def _corners(literal: Literal) -> str:
    # How an area is written is not documented; four numbers are what other services take for a box.
    many = literal.text.count(",") + 1 == _CORNERS
    return " (presumably its west, south, east and north edge)" if many else ""


def _shown(literal: Literal) -> str:
    """A literal as it is written, shortened; its whole length is said then."""
    text = literal.text
    short = text if len(text) <= _VALUE else f"{text[:_VALUE]}…"
    written = print_text(short) if literal.kind == "text" else short
    return _printable(written) + (f" ({len(text):,} characters)" if len(text) > _VALUE else "")


def _printable(text: str) -> str:
    """Text whose invisible characters can be seen."""
    return text if text.isprintable() else "".join(_visible(text))


def _visible(text: str) -> Iterable[str]:
    return (char if char.isprintable() else f"<U+{ord(char):04X}>" for char in text)
