"""The `condition` of the older API: a scrubbed SQL expression, as a parameterised condition of the store.

Printed are `=`, `<`, `>`, `like`, `and`, `or`, brackets and quoted numbers; that the rest is SQL's is inferred: `<>`,
`<=`, `>=`, `not`, `escape`, and that a comparison with an unset column is neither true nor false. Columns are found
whatever their case: the documentation asks for `dpGlobalIP` and answers `dpGlobalIp`. The case of text says nothing.

No text of a condition ever becomes SQL: columns are looked up, values are bound.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from digirm_runtime.query.values import instant, number
from digirm_simulator.replies import Problem
from digirm_simulator.sql import Where
from digirm_simulator.values import Form, bound_form

_TOKEN = re.compile(
    r"\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>[+-]?[0-9]+(?:\.[0-9]+)?(?![\w.]))|(?P<name>[A-Za-z_][\w.]*)"
    r"|(?P<sign><=|>=|<>|!=|[=<>()])|(?P<end>\Z))",
    re.ASCII,
)
_SIGNS: Mapping[str, Callable[[float, float], bool]] = {
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}
_WORDS = frozenset({"and", "or", "not", "like", "escape"})
_MAX_LENGTH = 16_000
# SQLite's parser overflows near 40 nested brackets, its limit for the depth of an expression is 1000.
_MAX_NESTING = 16
_MAX_COMPARISONS = 400
# What SQLite's LIKE takes grows with each of them.
_MAX_PATTERN = 500
_MAX_WILDCARDS = 6


class Operand(NamedTuple):
    """What a condition compares: the SQL of a column, which holds what `digirm_simulator.values` stores of its kind.

    `codes` are the numbers that stand for the values of a column of names; `clean` makes a literal what is stored.
    """

    kind: str
    sql: str
    codes: Mapping[str, int] | None = None
    clean: Callable[[str], str] | None = None


class _Token(NamedTuple):
    kind: str
    text: str
    start: int


def compiled(text: str | None, columns: Mapping[str, Operand | None]) -> Where:
    """The SQL of a condition; what every row meets for none.

    `columns` has lower-case names; None is a column that cannot be asked for. Raises Problem 400.
    """
    if text is None or not text.strip():
        return Where("1")
    if len(text) > _MAX_LENGTH:
        raise Problem(400, f"A condition has at most {_MAX_LENGTH} characters")
    return _Reader(text, columns).whole()


class _Reader:
    def __init__(self, text: str, columns: Mapping[str, Operand | None]) -> None:
        self._tokens = _tokens(text)
        self._columns = columns
        self._next = next(self._tokens)
        self._values: list[Form] = []
        self._comparisons = 0
        self._depth = 0

    def whole(self) -> Where:
        sql = self._chain("or")
        if self._next.kind != "end":
            raise self._unexpected("the end")
        return Where(sql, tuple(self._values))

    def _chain(self, word: str) -> str:
        def item() -> str:
            return self._chain("and") if word == "or" else self._unary()

        items = [item()]
        while self._is(word):
            self._take()
            items.append(item())
        return items[0] if len(items) == 1 else f"({f' {word.upper()} '.join(items)})"

    def _unary(self) -> str:
        if not (self._is("not") or self._is("(")):
            return self._comparison()
        self._depth += 1
        if self._depth > _MAX_NESTING:
            raise Problem(400, f"A condition is nested at most {_MAX_NESTING} deep")
        if self._take().text == "(":
            found = self._chain("or")
            if not self._is(")"):
                raise self._unexpected("a ')'")
            self._take()
        else:
            found = f"(NOT {self._unary()})"
        self._depth -= 1
        return found

    def _comparison(self) -> str:
        self._comparisons += 1
        if self._comparisons > _MAX_COMPARISONS:
            raise Problem(400, f"A condition has at most {_MAX_COMPARISONS} comparisons")
        if self._next.kind != "name" or self._next.text.lower() in _WORDS:
            raise self._unexpected("a column")
        name = self._take()
        if name.text.lower() not in self._columns:
            raise Problem(400, f"Unknown column '{name.text[:60]}' in condition (position {name.start + 1})")
        operand = self._columns[name.text.lower()]
        if operand is None:
            raise Problem(400, f"Not simulated: column '{name.text}' in a condition")
        if self._is("like"):
            self._take()
            return self._like(operand, name.text)
        negated = self._is("not")
        if negated:
            self._take()
            if not self._is("like"):
                raise self._unexpected("'like'")
            self._take()
            return f"(NOT {self._like(operand, name.text)})"
        if self._next.kind != "sign" or self._next.text in "()":
            raise self._unexpected("an operator")
        sign = self._take().text.replace("!=", "<>")
        if self._next.kind not in ("text", "number"):
            raise self._unexpected("a value")
        return self._compare(operand, sign, name.text, _literal(self._take()))

    def _compare(self, operand: Operand, sign: str, name: str, literal: str) -> str:
        if operand.codes is not None:
            wanted = number(literal.strip())
            if wanted is None:
                raise Problem(400, f"Column '{name}' is compared with numbers")
            fitting = [value for value, code in operand.codes.items() if _SIGNS[sign](code, wanted)]
            self._values += fitting
            return f"(+{operand.sql} IN ({', '.join('?' * len(fitting))}))"
        self._values.append(_form(operand, name, literal))
        return f"(+{operand.sql} {sign} ?)"

    def _like(self, operand: Operand, name: str) -> str:
        if operand.kind != "text" or operand.codes is not None:
            raise Problem(400, f"Column '{name}' is no text, and has no 'like'")
        if self._next.kind != "text":
            raise self._unexpected("a text")
        pattern = _literal(self._take())
        pattern = str(_form(operand, name, pattern))
        if len(pattern) > _MAX_PATTERN or pattern.count("%") > _MAX_WILDCARDS:
            raise Problem(400, f"A pattern has at most {_MAX_PATTERN} characters and {_MAX_WILDCARDS} '%'")
        self._values.append(pattern)
        if not self._is("escape"):
            return f"(+{operand.sql} LIKE ?)"
        self._take()
        escape = _literal(self._take()) if self._next.kind == "text" else ""
        if len(escape.casefold()) != 1 or escape == "\0":
            raise Problem(400, "An 'escape' is one character")
        self._values.append(escape.casefold())
        return f"(+{operand.sql} LIKE ? ESCAPE ?)"

    def _is(self, text: str) -> bool:
        return self._next.kind in ("name", "sign") and self._next.text.lower() == text

    def _take(self) -> _Token:
        token = self._next
        self._next = next(self._tokens)
        return token

    def _unexpected(self, wanted: str) -> Problem:
        found = f"'{self._next.text[:60]}'" if self._next.kind != "end" else "its end"
        return Problem(400, f"Invalid condition: expected {wanted}, not {found} (position {self._next.start + 1})")


def _tokens(text: str) -> Iterator[_Token]:
    at = 0
    while True:
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise Problem(400, f"Invalid condition: {text[at : at + 20]!r} cannot be read (position {at + 1})")
        kind = found.lastgroup or "end"
        yield _Token(kind, found[kind], found.start(kind))
        at = found.end()


def _literal(token: _Token) -> str:
    return token.text[1:-1].replace("''", "'") if token.kind == "text" else token.text


def _form(operand: Operand, name: str, literal: str) -> Form:
    """What a literal is bound as. Raises Problem 400 for one that the column is not compared with."""
    if "\0" in literal:
        raise Problem(400, "A condition must not hold a NUL")
    if operand.kind == "text":
        return (operand.clean(literal) if operand.clean else literal).casefold()
    found = number(literal.strip()) if operand.kind == "number" else instant(literal.strip())
    if found is None:
        what = "numbers" if operand.kind == "number" else "times, such as '2021-02-17T21:15:01.410Z'"
        raise Problem(400, f"Column '{name}' is compared with {what}")
    return bound_form(operand.kind, found)
