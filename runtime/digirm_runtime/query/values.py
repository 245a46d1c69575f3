"""What literals and stored values mean: the one definition that every translation of a query and the simulator share.

A field is compared in one of seven ways, its *kind*: `text`, `group`, `tags`, `number`, `timestamp`, `boolean`, `area`.
Text, groups and tags are compared without regard to case; leading slashes of a group say nothing; of several tags one
has to meet the condition. Times are compared to the millisecond. A value that does not fit its kind counts as unset, a
list where none of its items fits.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from sys import float_info
from typing import Any, NamedTuple, TypeAlias, TypeVar, cast

from digirm_runtime.errors import TranslationError
from digirm_runtime.query.ast import Condition, Literal

#: What a literal is compared as: text, a number, milliseconds since 1970, a truth value; None for `empty`.
Value: TypeAlias = "str | int | float | bool | None"
T = TypeVar("T")

TEXTS = frozenset({"text", "group", "tags"})
_ORDER = frozenset({"=", "<", "<=", ">", ">="})
#: The patterns of SQL's LIKE; `{}` is the text, its wildcards escaped.
PATTERNS = {"contains": "%{}%", "startswith": "{}%", "endswith": "%{}"}
_WORDS = frozenset(PATTERNS)
_OPERATORS: dict[str, frozenset[str]] = {
    "text": _ORDER | _WORDS,
    "group": _ORDER | _WORDS,
    "tags": _WORDS | {"="},
    "number": _ORDER,
    "timestamp": _ORDER,
    "boolean": frozenset({"="}),
    "area": frozenset(),
}
KINDS = tuple(_OPERATORS)
_SPELLINGS = {"==": "=", "<>": "=", "!=": "="}
#: Literal form -> kind, where the two have different names.
_FORMS = {"relative": "timestamp", "empty": "any"}

_NUMBER = re.compile(r"[+-]?(?:(0[xX][0-9a-fA-F]+)|[0-9]+(\.[0-9]*)?([eE][+-]?[0-9]+)?)")
#: A relative time: its sign, its count without leading zeros, its unit in any case.
RELATIVE = re.compile(r"([+-])0*([0-9]+)([dhmsw])", re.IGNORECASE)
_UNITS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "w": 7 * 86_400_000}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_INT64 = 1 << 63
FIRST = datetime.min.replace(tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)


class LiteralError(ValueError):
    """A condition, mostly its literal, that says nothing of its field; the text says why."""


class Comparison(NamedTuple):
    """A condition whose meaning is settled: the same for every translation.

    `operator` is one of `= in < <= > >= contains startswith endswith empty`; `empty` holds for an unset field, and `in`
    has several values. `kind` is `any` where `empty` is asked of a field of which nothing is known. `negated` is set
    for `<>`.
    """

    condition: Condition
    kind: str
    operator: str
    value: Value | tuple[Value, ...]
    negated: bool

    @property
    def field(self) -> str:
        """The field's name."""
        return self.condition.field


def comparisons(types: Mapping[str, str], tables: Mapping[str, Any]) -> dict[str, str]:
    """Field → kind, from field → type name by the tables of a language.

    A type's literal forms decide, where `tables["compares"]` names no kind for it. A field whose type takes literals of
    several kinds, or any, is left out: there the literal decides.
    """
    named: Mapping[str, str] = tables["compares"]
    forms: Mapping[str, list[str]] = tables["types"]
    kinds: dict[str, str | None] = {}
    for name in set(types.values()):
        found = {_FORMS.get(form, form) for form in forms.get(name, ())} - {"any"}
        kinds[name] = named.get(name) or (found.pop() if len(found) == 1 else None)
    return {field: kind for field, name in types.items() if (kind := kinds[name]) is not None}


def settle(condition: Condition, kinds: Mapping[str, str] | None, now: datetime) -> Comparison:
    """What a condition means, as `meaning` has it. Raises TranslationError, which holds the condition, for none."""
    try:
        return meaning(condition, kinds, now)
    except LiteralError as problem:
        raise TranslationError(str(problem), condition) from None


def meaning(condition: Condition, kinds: Mapping[str, str] | None, now: datetime) -> Comparison:
    """What a condition means. A field that `kinds` lacks is compared as its literal suggests.

    Raises LiteralError for an operator or a literal that the field's kind does not have.
    """
    literal = condition.value
    wanted = condition.operator.lower()
    operator, negated = _SPELLINGS.get(wanted, wanted), wanted in ("<>", "!=")
    known = (kinds or {}).get(condition.field)
    kind = known or _FORMS.get(literal.kind, literal.kind)
    if kind not in _OPERATORS and (known or kind != "any"):
        raise LiteralError(f"{kind!r} is no way to compare a field; there are {', '.join(KINDS)}")
    if literal.kind == "empty":
        # A spec can let `empty` go with other operators; what it would mean with them is not known.
        if operator != "=":
            raise LiteralError("'empty' goes with = and <> only")
        return Comparison(condition, kind, "empty", None, negated)
    if literal.kind == "area" or kind == "area":
        raise LiteralError("what an area means is not documented, so it is not translated")
    if operator not in _OPERATORS[kind]:
        has = ", ".join(sorted(_OPERATORS[kind]))
        raise LiteralError(f"a field compared as {kind} has no {condition.operator!r}, only {has}")
    value = literal_value(kind, literal, operator, now)
    if value == "":
        # The empty string is stored as unset. Every other field ends with it, and comes after it.
        if operator == "=":
            return Comparison(condition, kind, "empty", None, negated)
        if operator in _WORDS or operator == ">=":
            return Comparison(condition, kind, "empty", None, True)
    return Comparison(condition, kind, operator, value, negated)


def alternatives(items: Iterable[Comparison | T]) -> list[Comparison | T]:
    """The items of an `or`, where those that ask one field for equality become one look-up.

    Programs that ask for a list of objects send one `id = ...` for each.
    """
    groups: dict[object, list[Comparison]] = {}
    found: list[list[Comparison] | T] = []
    for item in items:
        if not isinstance(item, Comparison):
            found.append(item)
            continue
        look_up = item.operator == "=" and not item.negated and item.kind in ("text", "group", "number")
        group = groups.setdefault((item.field, item.kind) if look_up else len(found), [])
        if not group:
            found.append(group)
        group.append(item)
    return [_look_up(item) if isinstance(item, list) else item for item in found]


def _look_up(group: list[Comparison]) -> Comparison:
    first, *others = group
    if not others:
        return first
    return first._replace(operator="in", value=tuple(dict.fromkeys(cast("Value", item.value) for item in group)))


def literal_value(kind: str, literal: Literal, operator: str, now: datetime) -> Value:
    """What a Comparison's operator compares a field with. Raises LiteralError where the kind has no such value."""
    text = literal.text
    if kind == "number":
        found = number(text) if literal.kind in ("number", "text") else None
        if found is None:
            raise LiteralError(f"{text[:60]!r} is not a number")
        return found
    if kind == "timestamp":
        moment = literal_time(literal, now)
        if moment is None:
            raise LiteralError(f"{text[:60]!r} is not a time")
        return moment
    if kind == "boolean":
        truth = boolean(text)
        if truth is None:
            raise LiteralError(f"{text[:60]!r} is neither true nor false")
        return truth
    # The service takes `/Marvel` for the group that it shows as `Marvel`.
    return text.lstrip("/") if kind == "group" and operator not in ("contains", "endswith") else text


def literal_time(literal: Literal, now: datetime) -> int | None:
    """Milliseconds since 1970 of a relative or absolute time, or of a number of them; None for what is none."""
    if relative := RELATIVE.fullmatch(literal.text):
        sign, count, unit = relative.groups()
        # So many digits are beyond any time already, and Python converts only some thousand.
        distance = int(count[:20]) * _UNITS[unit.lower()]
        return milliseconds(now) + (distance if sign == "+" else -distance)
    if literal.kind == "number":
        return _whole(number(literal.text))
    return _moment(literal.text)


def number(value: object) -> int | float | None:
    """A stored number, or one as text: decimal, negative, `0x`, with an exponent; None for what is none."""
    if isinstance(value, str):
        found = _NUMBER.fullmatch(value)
        if found is None:
            return None
        hexadecimal, fraction, exponent = found.groups()
        try:
            return int(value, 16) if hexadecimal else float(value) if fraction or exponent else int(value)
        except ValueError:  # more digits than Python converts
            return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return value


def instant(value: object) -> int | None:
    """A stored time as milliseconds since 1970: ISO 8601 text, or such a number; None for what is none."""
    return _moment(value) if isinstance(value, str) else _whole(number(value))


def when(text: str) -> datetime | None:
    """The moment of an ISO 8601 text, in UTC where it names no zone; None for what is none."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _moment(text: str) -> int | None:
    """Milliseconds since 1970 of an ISO 8601 text; None for what is none."""
    moment = when(text)
    return None if moment is None else milliseconds(moment)


def milliseconds(moment: datetime) -> int:
    """An aware time as milliseconds since 1970."""
    return (moment - _EPOCH) // _MILLISECOND


def from_milliseconds(value: int) -> datetime:
    """The UTC time of milliseconds since 1970; beyond Python's calendar its first or last moment."""
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError:
        return FIRST if value < 0 else LAST


def boolean(value: object) -> bool | None:
    """A stored truth value, or one as text; None for what is none."""
    if isinstance(value, str):
        return {"true": True, "false": False}.get(value.lower())
    return value if isinstance(value, bool) else None


def plain(value: object) -> str | None:
    """A stored value as text without regard to case; None for one that is no single value."""
    if isinstance(value, str):
        return value.casefold()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        try:
            return str(value)
        except ValueError:  # more digits than Python converts
            return None
    return None


def bindable(value: int | float) -> int | float:
    """A number that 64 bits hold: beyond them, one as far from every stored one."""
    if isinstance(value, int) and -_INT64 <= value < _INT64:
        return value
    try:
        return max(-float_info.max, min(float(value), float_info.max))
    except OverflowError:
        return float_info.max if value > 0 else -float_info.max


def bindable_time(moment: int) -> int:
    """Milliseconds within 64 bits: beyond them is as far from every stored time as their end."""
    return max(-_INT64, min(moment, _INT64 - 1))


def aware(now: datetime | None) -> datetime:
    """The moment that relative times count from: the present where none is given.

    Raises TypeError for what is no datetime, ValueError for one without a zone.
    """
    if now is None:
        return datetime.now(UTC)
    if not isinstance(now, datetime):
        raise TypeError(f"now is a datetime such as datetime.now(UTC), not {now!r}")
    if now.utcoffset() is None:
        raise ValueError(f"{now!r} has no time zone; use datetime.now(UTC) or .astimezone()")
    return now


def _whole(value: int | float | None) -> int | None:
    if value is None or value in (float("inf"), -float("inf")):
        return None
    return int(value // 1)
