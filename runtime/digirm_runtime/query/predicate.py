"""From a query's AST to a compiled Python predicate over dicts such as the service's JSON.

The service documents only part of this; the rest is chosen, and the same in SQL and in the simulator:

- Text is compared without regard to case, `contains`, `startsWith` and `endsWith` included.
- `empty` is a field that is missing, None, `''` or `[]`, or holds what does not fit how it is compared. `= ''` asks for
  the same, of tags too.
- A comparison with an unset field is false, `<>` is the negation of `=`, and `not` negates whatever it stands before:
  `name <> 'x'` and `not name = 'x'` both hold for a device without a name.
- Of a list one item has to meet the condition.
- Relative times count from `now`, by default the moment of compiling.

A query becomes Python source of ours in which names and values are variables; nothing of the query is pasted into it.
Compiled source is kept by its shape, so that the same query with other values is not compiled again.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from types import CodeType
from typing import Any, NamedTuple, TypeAlias, TypeVar

from digirm_runtime.errors import TranslationError
from digirm_runtime.query import values
from digirm_runtime.query.ast import And, Condition, Expr, Not
from digirm_runtime.query.values import Comparison

Row: TypeAlias = Mapping[str, Any]
R = TypeVar("R", bound=Row)
Test: TypeAlias = Callable[[Any], bool]

#: Conditions in one function, levels of brackets in its source, and functions that call each other.
_SIZE, _DEPTH, _CALLS = 100, 20, 450

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "in": lambda stored, wanted: stored in wanted,
    "contains": operator.contains,
    "startswith": str.startswith,
    "endswith": str.endswith,
}
_READ: dict[str, Callable[[Any], Any]] = {
    "text": values.plain,
    "tags": values.plain,
    "group": lambda stored: None if (text := values.plain(stored)) is None else text.lstrip("/"),
    "number": values.number,
    "timestamp": values.instant,
    "boolean": values.boolean,
}

# Source for the usual type of a stored value: `?` stands for a variable, `#` for the folded text. An unset text is '',
# which no value that is left equals, is part of, or comes before it.
_TEXT = {
    "=": "# == ?",
    "in": "# in ?",
    "<": "'' < # < ?",
    "<=": "'' < # <= ?",
    ">": "# > ?",
    ">=": "# >= ?",
    "contains": "? in #",
    "startswith": "#.startswith(?)",
    "endswith": "#.endswith(?)",
    "empty": "not #",
}
_FOLDED = {"text": "a.casefold()", "group": "a.casefold().lstrip('/')", "any": "a"}
_NUMBER = {"=": "a == ?", "in": "a in ?", "<": "a < ?", "<=": "a <= ?", ">": "a > ?", ">=": "a >= ?"}
_TIME = {"=": "? <= m < ?", "<": "m < ?", "<=": "m < ?", ">": "m >= ?", ">=": "m >= ?"}


class Predicate:
    """A compiled query: call it with a dict, or let `select` go through many."""

    __slots__ = ("_select", "matches", "now", "query")

    def __init__(self, query: Expr, now: datetime, matches: Test, select: Callable[[Iterable[Any]], list[Any]]) -> None:
        #: The query it was made from, and the moment that relative times count from.
        self.query = query
        self.now = now
        #: The plain function behind `predicate(row)`: a little faster, for `filter` and the like.
        self.matches = matches
        self._select = select

    def __call__(self, row: Row) -> bool:
        """Whether the query selects a row."""
        return self.matches(row)

    def select(self, rows: Iterable[R]) -> list[R]:
        """The rows that the query selects, in their order."""
        return self._select(rows)

    def __repr__(self) -> str:
        return f"<Predicate: {self.query}>"


def predicate(expr: Expr, kinds: Mapping[str, str] | None = None, now: datetime | None = None) -> Predicate:
    """Compile a query.

    `kinds` says how each field is compared (`values.comparisons` makes it from an endpoint's fields); a field that it
    lacks is compared as its literal suggests. `now` is an aware time. Raises TranslationError for what has no meaning
    that is known, such as areas, and where functions would nest too deep to be called; ValueError for a `now` without
    a zone, TypeError for one that is no datetime.
    """
    moment = values.aware(now)
    piece = _whole(expr, partial(values.settle, kinds=kinds, now=moment))
    return Predicate(expr, moment, piece.function(), piece.function("rows: [r for r in rows if ", "]"))


class _Piece(NamedTuple):
    """Source of an expression over the row `r`, and what its `?` stand for, in order."""

    source: str
    bound: Sequence[object]
    size: int = 1
    depth: int = 1
    calls: int = 0

    def function(self, before: str = "r: ", after: str = "") -> Any:
        """The source as a function."""
        names = {f"v{number}": value for number, value in enumerate(self.bound)}
        return eval(_code(f"lambda {before}{self.source}{after}"), {"when": values.when, **names})  # noqa: S307

    def called(self) -> _Piece:
        """A piece that calls this one as a function of its own."""
        return self if self.source == _CALL else _call(self.function(), self.calls)


_CALL = "?(r)"


def _call(function: Test, calls: int) -> _Piece:
    if calls >= _CALLS:
        raise TranslationError("the query is nested too deep")
    return _Piece(_CALL, [function], calls=calls + 1)


@lru_cache(maxsize=64)
def _code(source: str) -> CodeType:
    first, *rest = source.split("?")
    named = first + "".join(f"v{number}{part}" for number, part in enumerate(rest))
    return compile(named, "<query>", "eval")


def _whole(expr: Expr, settle: Callable[[Condition], Comparison]) -> _Piece:
    """The piece of an expression, made from the leaves up; nothing recurses."""
    done: list[Comparison | _Piece] = []
    stack: list[tuple[Expr, bool]] = [(expr, False)]
    while stack:
        node, ready = stack.pop()
        if isinstance(node, Condition):
            done.append(settle(node))
        elif not ready:
            stack.append((node, True))
            stack.extend((item, False) for item in ([node.item] if isinstance(node, Not) else reversed(node.items)))
        elif isinstance(node, Not):
            done.append(_negation(done.pop()))
        else:
            items = done[-len(node.items) :]
            del done[-len(node.items) :]
            done.append(_conjunction(items) if isinstance(node, And) else _disjunction(items))
    return _piece(done[0])


def _negation(item: Comparison | _Piece) -> Comparison | _Piece:
    if isinstance(item, Comparison):
        return item._replace(negated=not item.negated)
    item = item.called() if item.depth >= _DEPTH else item
    return item._replace(source=f"(not {item.source})", depth=item.depth + 1)


def _conjunction(items: Sequence[Comparison | _Piece]) -> _Piece:
    return _chain(" and ", _every, [_piece(item) for item in items])


def _disjunction(items: Sequence[Comparison | _Piece]) -> _Piece:
    return _chain(" or ", _some, [_piece(item) for item in values.alternatives(items)])


def _chain(word: str, join: Callable[[Sequence[Test]], Test], pieces: Sequence[_Piece]) -> _Piece:
    """Pieces in one expression, or as functions that a loop calls where that would be too long."""
    if sum(piece.size for piece in pieces) <= _SIZE and all(piece.depth < _DEPTH for piece in pieces):
        return _joined(word, pieces)
    blocks: list[list[_Piece]] = [[]]
    size = 0
    # In the order of their sources, so that most blocks have the same: compiling is what takes the time.
    for piece in sorted(pieces, key=lambda piece: piece.source):
        alone = piece.source == _CALL or piece.depth >= _DEPTH
        if blocks[-1] and (alone or size + piece.size > _SIZE):
            blocks.append([])
            size = 0
        blocks[-1].append(piece)
        size += _SIZE if alone else piece.size
    calls = [(block[0] if len(block) == 1 else _joined(word, block)).called() for block in blocks]
    if len(calls) == 1:
        return calls[0]
    tests: list[Any] = [call.bound[0] for call in calls]
    return _call(join(tests), max(call.calls for call in calls))


def _joined(word: str, pieces: Sequence[_Piece]) -> _Piece:
    if len(pieces) == 1:
        return pieces[0]
    return _Piece(
        f"({word.join(piece.source for piece in pieces)})",
        [value for piece in pieces for value in piece.bound],
        sum(piece.size for piece in pieces),
        1 + max(piece.depth for piece in pieces),
        max(piece.calls for piece in pieces),
    )


def _every(tests: Sequence[Test]) -> Test:
    def every(row: Any) -> bool:
        for test in tests:  # noqa: SIM110 - half the time of all()
            if not test(row):
                return False
        return True

    return every


def _some(tests: Sequence[Test]) -> Test:
    def some(row: Any) -> bool:
        for test in tests:  # noqa: SIM110 - half the time of any()
            if test(row):
                return True
        return False

    return some


def _piece(item: Comparison | _Piece) -> _Piece:
    """The source of a condition: the usual type of value is judged in place, all others by the function."""
    if isinstance(item, _Piece):
        return item
    usual, bound = _usual(item)
    rest = f"a is {'None or' if item.operator == 'empty' else 'not None and'} ?(a)"
    source = f"({usual} else {rest})" if usual else f"((a := r.get(?)) {rest[2:]})"
    source = source if not item.negated else f"(not {source})"
    return _Piece(source, (*bound, item.field, _test(item)))


def _usual(item: Comparison) -> tuple[str, list[object]]:
    """Source that judges a value of the kind's usual type, up to the `else`; empty where there is none."""
    kind, wanted = item.kind, _wanted(item)
    if kind in _FOLDED:
        source = _TEXT[item.operator].replace("#", _FOLDED[kind])
        return f"{source} if type(a := r.get(?)) is str", [] if wanted is None else [wanted]
    if item.operator == "empty":
        return "", []
    if kind == "number":
        return f"{_NUMBER[item.operator]} if (t := type(a := r.get(?))) is int or t is float", [wanted]
    if kind == "boolean":
        return "a is ? if type(a := r.get(?)) is bool", [wanted]
    if kind == "timestamp" and isinstance(wanted, int):
        bounds = _bounds(item.operator, wanted)
        if all(values.FIRST < bound < values.LAST for bound in bounds):
            source = f"(m := when(a)) is not None and {_TIME[item.operator]}"
            return f"{source} if type(a := r.get(?)) is str", [*bounds]
    return "", []


def _wanted(item: Comparison) -> object:
    """What stored values are compared with, text without regard to case."""
    if isinstance(item.value, tuple):
        return frozenset(map(_folded, item.value))
    return _folded(item.value)


def _folded(value: values.Value) -> values.Value:
    return value.casefold() if isinstance(value, str) else value


def _bounds(sign: str, moment: int) -> list[datetime]:
    """Times to compare with so that what is finer than a millisecond does not count."""
    first, behind = values.from_milliseconds(moment), values.from_milliseconds(moment + 1)
    return [first, behind] if sign == "=" else [first if sign in ("<", ">=") else behind]


def _test(item: Comparison) -> Test:
    """What a condition means, for a stored value of any type. Never raises."""
    if item.operator == "empty":
        return partial(_unset, item.kind)
    judge = _text_meets if item.kind in values.TEXTS else _meets
    return partial(judge, _READ[item.kind], _COMPARE[item.operator], _wanted(item))


def _meets(read: Callable[[Any], Any], compare: Callable[[Any, Any], bool], wanted: object, stored: Any) -> bool:
    form = read(stored)
    return form is not None and compare(form, wanted)


def _text_meets(read: Callable[[Any], Any], compare: Callable[[Any, Any], bool], wanted: object, stored: Any) -> bool:
    if isinstance(stored, list | tuple):
        return any((form := read(item)) and compare(form, wanted) for item in stored)
    form = read(stored)
    return bool(form) and compare(form, wanted)


def _unset(kind: str, stored: Any) -> bool:
    if kind not in _READ:
        return stored is None or (isinstance(stored, str | list | tuple) and not stored)
    if kind not in values.TEXTS:
        return _READ[kind](stored) is None
    return not any(map(_READ[kind], stored if isinstance(stored, list | tuple) else (stored,)))
