"""Typed fields that build queries: `(D.name.contains("x") & (D.seen > ago(days=1))) | ~(D.id == 7)`.

A field has only the operators that the spec lists for it, so a type checker refuses the others. `=`, `<>`, `<`, `<=`,
`>` and `>=` are Python's own (`==` and `!=` for the first two); a word is a method (`startsWith` → `starts_with`);
other signs go through `op("~", value)`. Values never change a structure: text is quoted, quotes in it are doubled.

    str, Enum                  'text'                 bool                  true, false
    int, float                 number                 sequence of numbers   [area]
    datetime (with a zone)     'UTC, milliseconds'    None, empty           empty
    timedelta                  +1d, -90s: from now    ago(hours=36)         -36h

Generated code looks like this, one class for each distinct pair of type and operators, as `plan.plan()` says:

    from digirm_runtime.query import builder as _b

    class Text1(_b.Equal[_b.TextValue], _b.NotEqual[_b.TextValue]):
        __slots__ = ()
        contains = _b.word[_b.TextValue]("contains")
        starts_with = _b.word[_b.TextValue]("startsWith")

    class Inventory(_b.FieldSet):
        __slots__ = ()
        name = Text1("name")
        class_ = Text1("class")

    inventory = Inventory()

A class whose API spells equality `==` says `_equal = "=="` (likewise `_unequal = "!="`); one with signs that Python
lacks has the base `_b.Signs[_b.TextValue]` and says `_signs = ("~", "~=")`; one with no base derives from `_b.Field`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Generic, NoReturn, TypeAlias, TypeVar

from digirm_runtime.query.ast import Condition, Expr, Literal, Or
from digirm_runtime.text import number_text, time_text

if TYPE_CHECKING:
    from datetime import datetime, timedelta
    from enum import Enum


class Relative(Literal):
    """A time relative to now, as `ago()` makes it."""

    __slots__ = ()


class Empty(Literal):
    """The value `empty`: the empty string, null and unset."""

    __slots__ = ()


#: Stands for the empty string, null and unset: `D.name == empty`.
empty = Empty("empty", "empty")

TextValue: TypeAlias = "str | Enum"
NumberValue: TypeAlias = "int | float"
TimeValue: TypeAlias = "datetime | timedelta | Relative | str"
BooleanValue: TypeAlias = "bool"
AreaValue: TypeAlias = "Sequence[float]"
AnyValue: TypeAlias = "str | Enum | int | float | datetime | timedelta | Relative | Sequence[float]"

#: What would end a field's name in a query.
_ENDS_NAME = frozenset(" '\"()[]<>=,")

#: What `any_of()` may take of a URL. nginx and Apache refuse a request line above 8 KB (8192 and 8190 bytes) unless
#: told otherwise; the method, the path and other parameters need some of it.
MAX_ENCODED = 8_000

V = TypeVar("V", contravariant=True)
T = TypeVar("T")
F = TypeVar("F", bound="Field")


class Field:
    """A query field by its wire name, without any operator."""

    __slots__ = ("_wire",)

    def __init__(self, wire: str) -> None:
        self._wire = wire

    def _condition(self, operator: str, value: object) -> Condition:
        return Condition(self._wire, operator, to_literal(value))

    # Python would compare identities where a class has no `=` of its own.
    def __eq__(self, other: object) -> bool:
        raise TypeError(f"the field {self._wire!r} has no operator that means 'equal'")

    def __ne__(self, other: object) -> bool:
        raise TypeError(f"the field {self._wire!r} has no operator that means 'not equal'")

    def __hash__(self) -> int:
        return hash(self._wire)

    def __bool__(self) -> NoReturn:
        raise TypeError(f"the field {self._wire!r} has no truth value: compare it with something")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._wire!r})"


class Equal(Field, Generic[V]):
    """A field with `=`."""

    __slots__ = ()
    _equal = "="

    def __eq__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, value: V | Empty | None
    ) -> Expr:
        return self._condition(self._equal, value)

    __hash__ = Field.__hash__


class NotEqual(Field, Generic[V]):
    """A field with `<>`."""

    __slots__ = ()
    _unequal = "<>"

    def __ne__(  # type: ignore[override]  # pyright: ignore[reportIncompatibleMethodOverride]
        self, value: V | Empty | None
    ) -> Expr:
        return self._condition(self._unequal, value)


class Less(Field, Generic[V]):
    """A field with `<`."""

    __slots__ = ()

    def __lt__(self, value: V) -> Expr:
        return self._condition("<", value)


class LessEqual(Field, Generic[V]):
    """A field with `<=`."""

    __slots__ = ()

    def __le__(self, value: V) -> Expr:
        return self._condition("<=", value)


class Greater(Field, Generic[V]):
    """A field with `>`."""

    __slots__ = ()

    def __gt__(self, value: V) -> Expr:
        return self._condition(">", value)


class GreaterEqual(Field, Generic[V]):
    """A field with `>=`."""

    __slots__ = ()

    def __ge__(self, value: V) -> Expr:
        return self._condition(">=", value)


class Signs(Field, Generic[V]):
    """A field with signs for operators that Python has no syntax for: `_signs`."""

    __slots__ = ()
    _signs: tuple[str, ...] = ()

    def op(self, operator: str, value: V) -> Expr:
        """The condition with an operator by its sign. Raises ValueError for one that the field lacks."""
        if operator not in self._signs:
            raise ValueError(f"op() of the field {self._wire!r} takes {', '.join(self._signs)}, not {operator!r}")
        return self._condition(operator, value)


class word(Generic[V]):  # noqa: N801 - reads as a declaration in a class body
    """An operator that is a word, as a method of a field."""

    __slots__ = ("_operator",)

    def __init__(self, operator: str) -> None:
        self._operator = operator

    def __get__(self, instance: Field, owner: type[Field]) -> Callable[[V], Expr]:
        operator = self._operator

        def condition(value: V) -> Expr:
            return instance._condition(operator, value)

        return condition


class FieldSet:
    """The fields of one endpoint, as attributes; `fields["wire-name"]` by their wire names."""

    __slots__ = ()

    def __getitem__(self, wire: str) -> AnyField:
        if wire not in self:
            found = [value for value in vars(type(self)).values() if isinstance(value, _Gone) and value.wire == wire]
            if not found:
                raise KeyError(wire)
            found[0].warn()
        return AnyField(wire)

    def __iter__(self) -> Iterator[str]:
        return (value._wire for value in vars(type(self)).values() if isinstance(value, Field))

    def __contains__(self, wire: object) -> bool:
        return any(name == wire for name in self)

    if not TYPE_CHECKING:  # a type checker must go on refusing unknown names

        def __getattr__(self, name: str) -> NoReturn:
            from digirm_runtime.query.spelling import suggest

            known = [key for key, value in vars(type(self)).items() if isinstance(value, Field)]
            nearest = suggest(name, known)
            hint = f"; did you mean {nearest!r}?" if nearest else ""
            raise AttributeError(f"{type(self).__name__} has no field {name!r}{hint}", name=name, obj=self)


class AnyField(
    Equal[AnyValue],
    NotEqual[AnyValue],
    Less[AnyValue],
    LessEqual[AnyValue],
    Greater[AnyValue],
    GreaterEqual[AnyValue],
):
    """A field that nothing is known of: it has every operator."""

    __slots__ = ()

    def op(self, operator: str, value: AnyValue | Empty | None) -> Expr:
        """The condition with any operator, word or sign. Raises ValueError for what cannot be an operator."""
        from digirm_runtime.query.tables import is_operator

        if not is_operator(operator):
            raise ValueError(f"{operator!r} cannot be an operator")
        return self._condition(operator, value)


class _Gone(Generic[F]):
    """A descriptor: a field that only the version before had. Every use warns."""

    __slots__ = ("_field", "_message", "wire")

    def __init__(self, field: F, message: str) -> None:
        self._field = field
        self._message = message
        self.wire = field._wire

    def __get__(self, fields: FieldSet | None, owner: type[FieldSet]) -> F:
        if fields is not None:
            self.warn()
        return self._field

    def warn(self) -> None:
        """Warn at the line that uses the field."""
        import warnings

        warnings.warn(self._message, DeprecationWarning, stacklevel=3)


def gone(field: F, message: str) -> _Gone[F]:
    """A field that only the version before had, as an attribute of a FieldSet."""
    return _Gone(field, message)


def field(wire: str) -> AnyField:
    """A field by its wire name, for what a spec lacks. Raises ValueError for what cannot be a field's name."""
    if not is_field(wire):
        raise ValueError(f"{wire!r} cannot be a field's name")
    return AnyField(wire)


def is_field(wire: str) -> bool:
    """Whether a query can name a field so."""
    return bool(wire) and wire.isprintable() and _ENDS_NAME.isdisjoint(wire)


def raw(text: str) -> Expr:
    """A query as text, to be combined with others; its operators may be any words or signs.

    Raises QueryError where brackets, quotes or connectives do not fit: the text cannot change what surrounds it.
    """
    from digirm_runtime.query.language import any_language

    return any_language().parse(text)


def any_of(field: Equal[T], values: Iterable[T | Empty | None]) -> Expr:
    """`field = a or field = b or ...`. Raises ValueError where there is no value: no query selects nothing.

    Warns (UserWarning) where the text, encoded for a URL, is longer than MAX_ENCODED: ask in batches then.
    """
    conditions: list[Expr] = [field == value for value in values]
    if not conditions:
        raise ValueError("any_of() needs one value or more")
    expr = conditions[0] if len(conditions) == 1 else Or(conditions)
    length = _encoded_length(str(expr))
    if length > MAX_ENCODED:
        import warnings

        warnings.warn(
            f"any_of() with {len(conditions)} values takes {length} bytes of a URL; many proxies refuse a request line "
            f"of 8 KB: ask for at most {max(1, len(conditions) * MAX_ENCODED // length)} at once",
            stacklevel=2,
        )
    return expr


def _encoded_length(text: str) -> int:
    if len(text) * 12 <= MAX_ENCODED:  # a character takes four bytes at most, and each byte three characters
        return len(text)
    from urllib.parse import quote_plus

    return len(quote_plus(text, errors="replace"))


def ago(*, weeks: int = 0, days: int = 0, hours: int = 0, minutes: int = 0, seconds: int = 0) -> Relative:
    """A time before now, in the largest unit that holds it exactly: `ago(days=1, hours=12)` → `-36h`."""
    return _relative(-((((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds))


def to_literal(value: object) -> Literal:
    """The literal that a Python value is written as.

    Raises ValueError for a time without a zone, fractions of a second in a span and numbers that are not finite;
    TypeError for what no literal can hold.
    """
    if isinstance(value, Literal):
        return value
    if isinstance(value, bool):
        return Literal("boolean", "true" if value else "false")
    if value is None:
        return empty
    value = getattr(value, "value", value) if _is_enum(value) else value
    if isinstance(value, str):
        return Literal("text", str(value))
    if isinstance(value, int | float):
        return Literal("number", number_text(value))
    from datetime import datetime, timedelta

    if isinstance(value, datetime):
        return Literal("text", time_text(value))
    if isinstance(value, timedelta):
        if value.microseconds:
            raise ValueError(f"{value!r} is no whole number of seconds")
        return _relative(value.days * 86400 + value.seconds)
    if isinstance(value, Sequence) and value and not isinstance(value, bytes | bytearray | memoryview):
        numbers: Sequence[Any] = value
        if all(isinstance(item, int | float) and not isinstance(item, bool) for item in numbers):
            return Literal("area", f"[{','.join(map(number_text, numbers))}]")
    raise TypeError(f"{type(value).__name__} cannot be written in a query")


def _is_enum(value: object) -> bool:
    from enum import Enum

    return isinstance(value, Enum)


def _relative(seconds: int) -> Relative:
    sign, rest = ("-", -seconds) if seconds <= 0 else ("+", seconds)
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if rest and rest % length == 0:
            return Relative("relative", f"{sign}{rest // length}{unit}")
    return Relative("relative", f"{sign}{rest}s")
