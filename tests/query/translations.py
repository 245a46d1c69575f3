"""What the tests of the translations share: documents, queries of them, and names and values that mean mischief."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or
from digirm_runtime.query.language import any_language
from digirm_runtime.query.tables import literals
from digirm_runtime.query.values import comparisons
from tests.simulator.oracle import TYPES

#: All but booleans, whose values are no values of the legacy service and of SQL's dialects alike.
KINDS = comparisons({name: kind for name, kind in TYPES.items() if kind != "Boolean"}, literals())
ORDER = ("=", "<>", "<", "<=", ">", ">=")
WORDS = ("contains", "startsWith", "endsWith")
OPERATORS = {"text": ORDER + WORDS, "group": ORDER + WORDS, "tags": ("=", "<>", *WORDS)}
FIELDS = {kind: [name for name, found in KINDS.items() if found == kind] for kind in set(KINDS.values())}

#: Few letters, so that values meet: LIKE's wildcards and escapes, quotes, letters whose case is not plain.
LETTERS = "aAbß%_!'\\/[ \u0130"
texts = st.one_of(st.text(LETTERS, max_size=4), st.sampled_from(["STRASSE", "straße", "Lab/a", "/Lab", "lab"]))
words = texts.filter(lambda text: text != "")
paths = words.map(lambda text: text.lstrip("/")).filter(bool)
numbers = st.one_of(st.integers(-3, 3), st.sampled_from([0.5, -1.5, 1 << 62, 4261412874]))
moments = st.builds(
    "2022-07-1{}T1{}:00:{}{}".format,
    st.integers(3, 6),
    st.integers(0, 9),
    st.sampled_from(["00", "00.5", "01.000", "59.999"]),
    st.sampled_from(["Z", "+00:00", "+05:30"]),
)
tags = st.lists(words.map(lambda text: text.replace(",", "")).filter(bool), max_size=3)

_STORED: dict[str, st.SearchStrategy[Any]] = {
    "text": texts,
    "group": paths,
    "number": numbers,
    "timestamp": moments,
    "tags": tags,
}
documents: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {}, optional={field: st.none() | _STORED[kind] for field, kind in KINDS.items()}
)
#: What JSON may hold, and no kind expects.
odd: st.SearchStrategy[Any] = st.one_of(
    st.sampled_from(["", [], {}, {"x": 1}, True, "0x2", "1.5", "soon", 1657800000000, [None], [""], [{}, 7], [[]]]),
    texts,
    numbers,
    st.lists(st.none() | numbers | texts | st.just({"x": 1}), max_size=3),
)
odd_documents: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries({}, optional=dict.fromkeys(KINDS, odd))

relative = st.builds("{}{}{}".format, st.sampled_from("+-"), st.integers(0, 60), st.sampled_from("dhms"))
_LITERALS: dict[str, st.SearchStrategy[Literal]] = {
    "text": texts.map(lambda text: Literal("text", text)),
    "group": texts.map(lambda text: Literal("text", text)),
    "tags": texts.map(lambda text: Literal("text", text.replace(",", ""))),
    "number": numbers.map(lambda number: Literal("number", str(number)))
    | st.integers(0, 255).map(lambda number: Literal("number", hex(number))),
    "timestamp": moments.map(lambda text: Literal("text", text))
    | relative.map(lambda text: Literal("relative", text)),
}  # fmt: skip


def _conditions(kind: str, field: str) -> st.SearchStrategy[Expr]:
    asked = st.builds(Condition, st.just(field), st.sampled_from(OPERATORS.get(kind, ORDER)), _LITERALS[kind])
    unset = st.builds(Condition, st.just(field), st.sampled_from(["=", "<>"]), st.just(Literal("empty", "empty")))
    return asked | asked | unset


conditions: st.SearchStrategy[Expr] = st.sampled_from(sorted(KINDS)).flatmap(
    lambda field: _conditions(KINDS[field], field)
)


def combined(leaves: st.SearchStrategy[Expr], max_leaves: int = 12) -> st.SearchStrategy[Expr]:
    """Expressions of `leaves`."""
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            inner.map(Not),
            st.lists(inner, min_size=2, max_size=4).map(And),
            st.lists(inner, min_size=2, max_size=4).map(Or),
        ),
        max_leaves=max_leaves,
    )


expressions = combined(conditions)

#: Names and values that would do something if they ever became code.
HOSTILE = [
    "__import__('os').abort()",
    "x') or (1=1",
    '"; raise SystemExit #',
    "a\"b'c`d]e[f\\",
    "\\",
    "{0}{x!r}%s%(p1)s?:p1$1@p1",
    "v0",
    "r",
    "? # v0",
    "None",
    "or 1",
    "--",
    "/* */",
    " ",
    "é\u0130ß",
    "\U0001f600",
]
#: What no column can be called, nor SQL text hold.
UNPRINTABLE = ["\0", "a\nb", "\ud800", "\u2028", "\x1b[0m", ""]


def parse(text: str) -> Expr:
    return any_language().parse(text)


def chain(count: int, *operators: str) -> Or:
    """`name <operator> '<number>' or ...`, the operators in turn."""
    return Or(Condition("name", operators[at % len(operators)], Literal("text", str(at))) for at in range(count))


def nested(depth: int) -> Expr:
    """Brackets, `and`, `or` and `not` in one another; holds for the name `a` where `depth` is a multiple of 6."""
    expr: Expr = Condition("name", "=", Literal("text", "a"))
    for level in range(depth):
        if level % 3 == 0:
            expr = Not(expr)
        else:
            expr = (And if level % 3 == 1 else Or)([Condition("name", "<>", Literal("text", "b")), expr])
    return expr
