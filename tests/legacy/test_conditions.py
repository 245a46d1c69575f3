"""Legacy conditions as they are built: precedence, quotes, wildcards, and what is refused."""

from __future__ import annotations

import pickle
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.errors import TranslationError
from digirm_runtime.legacy import Column, column, print_condition
from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or
from digirm_runtime.query.builder import field
from tests.query.translations import HOSTILE

name_, status, dotted = column("dpName"), column("dpConnectionStatus"), column("a.b_1")


class Status(Enum):
    CONNECTED = 1


@pytest.mark.parametrize(
    ("built", "expected"),
    [
        (status == 1, "dpConnectionStatus = 1"),
        (status != Status.CONNECTED, "dpConnectionStatus <> 1"),
        (status == "1", "dpConnectionStatus = '1'"),
        (status < -1.5, "dpConnectionStatus < -1.5"),
        (dotted >= "x", "a.b_1 >= 'x'"),
        (name_ == "", "dpName = ''"),
        (name_ <= "it's 'so'", "dpName <= 'it''s ''so'''"),
        (name_ > datetime(2021, 2, 17, 16, 15, 1, 410000, tzinfo=UTC), "dpName > '2021-02-17T16:15:01.410Z'"),
        (name_.like("10.20.1.%"), "dpName like '10.20.1.%'"),
        (name_.like("a_'b"), "dpName like 'a_''b'"),
        (name_.startswith("10.2"), "dpName like '10.2%'"),
        (name_.contains("50% [x]"), "dpName like '%50!% ![x]%' escape '!'"),
        (name_.endswith("a_b!"), "dpName like '%a!_b!!' escape '!'"),
        ((name_ == 1) & (status == 2) | (dotted == 3), "dpName = 1 and dpConnectionStatus = 2 or a.b_1 = 3"),
        ((name_ == 1) & ((status == 2) | (dotted == 3)), "dpName = 1 and (dpConnectionStatus = 2 or a.b_1 = 3)"),
        (~((name_ == 1) & (status < 2)), "dpName <> 1 or dpConnectionStatus >= 2"),
        (~((name_ == 1) | (status < 2)) & (dotted != 3), "dpName <> 1 and dpConnectionStatus >= 2 and a.b_1 <> 3"),
        ((dotted == 0) & ~((name_ != 1) & (status > 2)), "a.b_1 = 0 and (dpName = 1 or dpConnectionStatus <= 2)"),
        (~~(name_ == 1), "dpName = 1"),
    ],
)
def test_the_text(built: Expr, expected: str) -> None:
    assert print_condition(built) == expected
    assert print_condition(pickle.loads(pickle.dumps(built))) == expected


def test_the_documented_one() -> None:
    """doc-remotemanager.digi.com/pages/discovering-apis prints it."""
    built = (column("dpConnectionStatus") == 1) & column("dpGlobalIP").like("10.20.1.%")
    built &= column("dpLastUpdateTime") > datetime(2021, 2, 17, 21, 15, 1, 410000, tzinfo=UTC)
    assert print_condition(built) == (
        "dpConnectionStatus = 1 and dpGlobalIP like '10.20.1.%' and dpLastUpdateTime > '2021-02-17T21:15:01.410Z'"
    )


def test_what_has_no_form_is_refused() -> None:
    for name in ("", "a b", "1a", "a'", "a.", "a = 1 or b", "a\n", "ä"):
        with pytest.raises(ValueError, match="cannot be a column"):
            column(name)
    for value in (None, True, timedelta(1), [1, 2]):
        with pytest.raises(TypeError, match="text, a number or a time"):
            print(name_ == value)
    with pytest.raises(ValueError, match="zone"):
        print(name_ > datetime(2021, 2, 17))
    for text in ("a\\", "\0", "a\n"):
        for built in (name_ == text, name_.like(text), name_.startswith(text)):
            with pytest.raises(TranslationError, match="backslashes and control characters"):
                print_condition(built)
    for built in (~name_.like("x%"), ~name_.startswith("x"), ~((name_ == 1) & name_.contains("x"))):
        with pytest.raises(TranslationError, match="no opposite that is known"):
            print_condition(built)
    with pytest.raises(TypeError, match="no truth value"):
        bool(name_)


def test_a_query_is_no_condition() -> None:
    for built in (field("name") == "x", (name_ == 1) & (field("name") == "x")):
        with pytest.raises(TypeError, match=r"to_legacy\(\)"):
            print_condition(built)
    assert repr(name_) == "column('dpName')"
    assert {name_: 1, status: 2}[name_] == 1


# The tiny reader of what is written: or, and, brackets, comparisons.

_WORD = re.compile(r"\s*('(?:[^']|'')*'|[()]|<>|<=|>=|[=<>]|[\w.+-]+)")


def read(text: str) -> Any:
    """name_ condition as nested tuples."""
    words = iter([*_WORD.findall(text), ""])
    assert "".join(_WORD.findall(text)) == re.sub(r"('(?:[^']|'')*')|\s+", lambda found: found[1] or "", text)
    tree, rest = _joined(next(words), words, ("or", "and"))
    assert rest == ""
    return tree


def _joined(word: str, words: Iterator[str], joints: Sequence[str]) -> tuple[Any, str]:
    items: list[Any] = []
    item: Any
    while True:
        if len(joints) > 1:
            item, after = _joined(word, words, joints[1:])
        elif word == "(":
            item, after = _joined(next(words), words, ("or", "and"))
            assert after == ")"
            after = next(words)
        else:
            sign, value, after = next(words), next(words), next(words)
            item = (word, sign, value)
            if after == "escape":
                item, after = (*item, next(words)), next(words)
        items.append(item)
        if after != joints[0]:
            # What is joined alike is one chain.
            flat = [part for one in items for part in (one[1] if one[0] == joints[0] else [one])]
            return (flat[0] if len(flat) == 1 else (joints[0], flat)), after
        word = next(words)


def meant(expr: Expr, *, negated: bool = False) -> Any:
    """The tree that a reader has to find, by the rules of negation."""
    if isinstance(expr, Not):
        return meant(expr.item, negated=not negated)
    if isinstance(expr, And | Or):
        joint = "and" if isinstance(expr, And) != negated else "or"
        items = [meant(item, negated=negated) for item in expr.items]
        return joint, [part for one in items for part in (one[1] if one[0] == joint else [one])]
    opposite = {"=": "<>", "<>": "=", "<": ">=", ">=": "<", ">": "<=", "<=": ">"}
    text = expr.value.text
    quoted = "'" + text.replace("'", "''") + "'" if expr.value.kind == "text" else text
    if expr.operator == "like":
        return expr.field, "like", quoted
    return expr.field, opposite[expr.operator] if negated else expr.operator, quoted


leaves: st.SearchStrategy[Expr] = st.builds(
    lambda name, sign, value: Condition(name._name, sign, value),
    st.sampled_from([name_, status, dotted]),
    st.sampled_from(["=", "<>", "<", "<=", ">", ">="]),
    st.text("aB'() =%_", max_size=6).map(lambda text: Literal("text", text))
    | st.integers(-3, 3).map(lambda number: Literal("number", str(number))),
)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(And)
        | st.lists(inner, min_size=2, max_size=3).map(Or)
        | inner.map(Not)
    ),
    max_leaves=10,
)


@given(trees)
def test_what_is_written_reads_as_it_was_built(expr: Expr) -> None:
    assert read(print_condition(expr)) == meant(expr)


def unescaped(pattern: str, escape: str) -> str:
    """What a pattern matches literally, its outer wildcards taken away."""
    return re.sub(re.escape(escape) + "(.)", r"\1", pattern, flags=re.DOTALL)


@given(st.one_of(st.text(), st.text("%_[!]'ab"), st.sampled_from(HOSTILE)))
def test_no_value_changes_the_structure(value: str) -> None:
    built = And([name_ == value, name_.contains(value), status == 1])
    try:
        tree = read(print_condition(built))
    except TranslationError:
        assert "\\" in value or not value.isprintable()
        return
    joint, (equal, like, last) = tree
    quoted = "'" + value.replace("'", "''") + "'"
    assert (joint, equal, last) == ("and", ("dpName", "=", quoted), ("dpConnectionStatus", "=", "1"))
    pattern = like[2][1:-1].replace("''", "'")
    assert pattern[0] == pattern[-1] == "%"
    if len(like) == 4:
        assert like[3] == "'!'"
        assert unescaped(pattern[1:-1], "!") == value
        assert not re.search(r"[%_\[]", re.sub("!.", "", pattern[1:-1]))
    else:
        assert pattern[1:-1] == value
        assert not re.search(r"[%_\[]", value)


def test_long_trees() -> None:
    assert print_condition(Or([Column("a") == n for n in range(20_000)])).count(" or ") == 19_999
    deep: Expr = name_ == 1
    for n in range(2_000):
        deep = ~(deep & (status == n)) if n % 2 else deep | (status == n)
    assert print_condition(deep).count("dpConnectionStatus") == 2_000
