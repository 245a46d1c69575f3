"""The compiled predicate: its meaning is the one of an oracle that was written from the description alone."""

from __future__ import annotations

import math
import pickle
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.errors import RemoteManagerError, TranslationError
from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or
from digirm_runtime.query.predicate import predicate
from digirm_runtime.query.values import comparisons
from tests.query.translations import (
    HOSTILE,
    KINDS,
    UNPRINTABLE,
    chain,
    combined,
    conditions,
    documents,
    expressions,
    nested,
    odd_documents,
    parse,
)
from tests.simulator.oracle import matches
from tests.simulator.support import NOW


@settings(max_examples=100, deadline=None)
@given(expressions, st.lists(documents | odd_documents, max_size=6))
def test_it_means_what_the_description_says(expr: Expr, rows: list[dict[str, Any]]) -> None:
    compiled = predicate(expr, KINDS, NOW)
    expected = [row for row in rows if matches(expr, row)]
    assert compiled.select(rows) == expected
    assert [row for row in rows if compiled(row)] == expected
    assert list(filter(compiled.matches, rows)) == expected


class Text(str):
    """No `str` to the compiled source, which judges those in place."""


class Whole(int):
    pass


class Real(float):
    pass


def disguised(value: Any) -> Any:
    """An equal value of a type that the compiled source leaves to the function that defines the meaning."""
    kinds: dict[type, Any] = {str: Text, int: Whole, float: Real}
    return kinds[type(value)](value) if type(value) in kinds else value


unusual = st.one_of(
    st.text(),
    st.floats(),
    st.integers(),
    st.sampled_from([0.5, "1.5", "0x10", "1e2", "TRUE", "2022-07-14", "1 << 3", True, 1 << 5000, "9" * 5000]),
)
weird: st.SearchStrategy[Any] = st.recursive(
    st.one_of(st.none(), st.booleans(), unusual, st.binary(max_size=3), st.builds(object)),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(combined(conditions, 4), unusual)
def test_the_fast_way_and_the_definition_agree(expr: Expr, value: Any) -> None:
    compiled = predicate(expr, KINDS, NOW)
    assert compiled(dict.fromkeys(KINDS, value)) == compiled(dict.fromkeys(KINDS, disguised(value)))


@settings(max_examples=100, deadline=None)
@given(combined(conditions, 4), weird)
def test_no_value_breaks_it(expr: Expr, value: Any) -> None:
    row = dict.fromkeys(KINDS, value)
    for kinds in (KINDS, None):
        found = predicate(expr, kinds, NOW)(row)
        assert found is True or found is False
        assert predicate(Not(expr), kinds, NOW)(row) is not found


@pytest.mark.parametrize("text", [*HOSTILE, *filter(None, UNPRINTABLE)])
def test_names_and_values_are_never_code(text: str) -> None:
    for sign in ("=", "contains", "startsWith", "endsWith", ">="):
        condition = Condition(text, sign, Literal("text", text))
        assert predicate(condition)({text: text.upper()})
        assert not predicate(condition)({})
        assert predicate(Or([condition, Condition("x", "=", Literal("text", text))]))({text: text})
    many = Or(Condition(text, "=", Literal("text", each)) for each in HOSTILE)
    assert predicate(many)({text: HOSTILE[-1]})


@pytest.mark.parametrize(
    ("text", "row", "found"),
    [
        ("n = 'ABC'", {"n": "abc"}, True),
        ("n = 10", {"n": 10}, True),
        ("n = 0x10", {"n": "16"}, True),
        ("n > 9", {"n": "10.5"}, True),
        ("n > 9", {"n": True}, False),
        ("n < 9", {"n": math.nan}, False),
        ("n <> 9", {"n": math.nan}, True),
        ("n = '10'", {"n": 10}, True),
        ("n contains 'ru'", {"n": True}, True),
        ("n = true", {"n": True}, True),
        ("n = true", {"n": "True"}, True),
        ("n <> true", {"n": False}, True),
        ("n > -1d", {"n": "2022-07-15T11:00:00+00:00"}, True),
        ("n > -1d", {"n": "2022-07-14T12:00:00.0004Z"}, False),
        ("n >= -1d", {"n": "2022-07-14T12:00:00.0004Z"}, True),
        ("n > -1d", {"n": 1657885200000}, True),
        ("n > -1d", {"n": "yesterday"}, False),
        ("n > -1d", {"n": "2022-07-15"}, True),
        ("n > -99999999999999999999d", {"n": "2022-07-15"}, True),
        ("n < +99999999999999999999w", {"n": "0001-01-01"}, True),
        ("n = empty", {}, True),
        ("n = empty", {"n": None}, True),
        ("n = empty", {"n": ""}, True),
        ("n = empty", {"n": []}, True),
        ("n = empty", {"n": {"a": 1}}, False),
        ("n = empty", {"n": 0}, False),
        ("n <> empty", {"n": " "}, True),
        ("n <> 'x'", {}, True),
        ("not n = 'x'", {}, True),
        ("n = ''", {}, True),
        ("n contains ''", {}, False),
        ("n >= ''", {}, False),
        ("n < ''", {"n": "a"}, False),
        ("n = 'a'", {"n": ["b", "A"]}, True),
        ("n contains 'x'", {"n": ["b", 7, None]}, False),
        ("n startswith 'b'", {"n": ["B", 7, {}]}, True),
        ("n EndsWith 'c'", {"n": "ABC"}, True),
        ("n = empty", {"n": ["", None]}, False),
        ("n <> empty", {"n": ["", "a"]}, True),
        ("n = ''", {"n": {"x": 1}}, True),
        ("n < 'b'", {"n": ["", None, "x"]}, False),
    ],
)
def test_without_kinds_the_literal_says_how_a_field_is_compared(text: str, row: dict[str, Any], found: bool) -> None:
    compiled = predicate(parse(text), now=NOW)
    assert compiled(row) is found
    assert len(compiled.select([row])) == found


def test_kinds_come_from_types() -> None:
    tables = {
        "types": {"A": ["text"], "B": ["timestamp", "relative"], "C": ["number", "area"], "D": ["text", "empty"]},
        "compares": {"D": "tags"},
    }
    types = {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"}
    assert comparisons(types, tables) == {"a": "text", "b": "timestamp", "d": "tags"}
    query = parse("seen = '2022-07-15'")
    assert not predicate(query)({"seen": "2022-07-15T00:00:00.000Z"})
    assert predicate(query, {"seen": "timestamp"})({"seen": "2022-07-15T00:00:00.000Z"})


@pytest.mark.parametrize("kind", ["text", "group", "tags"])
def test_the_empty_text_asks_for_an_unset_field(kind: str) -> None:
    unset: list[dict[str, Any]] = [{}, {"n": None}, {"n": ""}, {"n": []}, {"n": [""]}, {"n": {"x": 1}}]
    filled: list[dict[str, Any]] = [{"n": "a"}, {"n": ["a"]}, {"n": ["", "b"]}]
    for text, expected in (
        ("n = ''", unset),
        ("n = empty", unset),
        ("n <> ''", filled),
        ("n contains ''", filled),
        ("n startsWith ''", filled),
        ("n endsWith ''", filled),
        ("not n contains ''", unset),
    ):
        assert predicate(parse(text), {"n": kind}).select([*unset, *filled]) == expected, text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("n = '/lab/a'", True),
        ("n > '//laa'", True),
        ("n startsWith '/lab'", True),
        ("n contains 'b/a'", True),
        ("n contains '/lab'", False),
        ("n endsWith '/a'", True),
        ("n endsWith '/lab/a'", False),
    ],
)
def test_slashes_before_a_group_count_inside_and_at_the_end(text: str, found: bool) -> None:
    for stored in ("Lab/A", "/Lab/A", ["x", "Lab/A"]):
        assert predicate(parse(text), {"n": "group"})({"n": stored}) is found


def test_equalities_of_one_field_in_an_or() -> None:
    one, other = "'2022-07-14'", "'2022-07-15'"
    for kind, first, second, stored in (
        ("tags", "'a'", "'b'", ["x", "B"]),
        ("group", "'/a'", "'/b'", "/B"),
        ("number", "1", "0x2", "2.0"),
        ("timestamp", one, other, "2022-07-15T00:00:00.0004Z"),
        ("boolean", "'true'", "'false'", "FALSE"),
    ):
        compiled = predicate(parse(f"n = {first} or n = {second} or m = 1"), {"n": kind})
        assert compiled({"n": stored})
        assert not compiled({"n": "x"})


def test_other_spellings_of_equality() -> None:
    same, other = (Condition("n", sign, Literal("number", "1")) for sign in ("==", "!="))
    assert predicate(And([same, Not(other)]))({"n": 1})


@pytest.mark.parametrize(
    ("text", "kinds", "reason"),
    [
        ("place within [1,2,3,4]", {}, "area"),
        ("place = [1,2]", {"place": "text"}, "area"),
        ("place = 'x'", {"place": "area"}, "area"),
        ("n resembles 'x'", {}, "'resembles'"),
        ("n contains 1", {}, "contains"),
        ("n > true", {}, "boolean"),
        ("n < 'x'", {"n": "tags"}, "tags"),
        ("n > empty", {}, "empty"),
        ("n = 'x'", {"n": "number"}, "not a number"),
        ("n > 'soon'", {"n": "timestamp"}, "not a time"),
        ("n = 'perhaps'", {"n": "boolean"}, "neither true nor false"),
        ("n = 1", {"n": "roman"}, "'roman'"),
        ("n = " + "9" * 5000, {}, "not a number"),
    ],
)
def test_what_has_no_meaning_is_refused(text: str, kinds: dict[str, str], reason: str) -> None:
    query = And([parse("a = 1"), parse(text)])
    with pytest.raises(TranslationError, match=reason) as caught:
        predicate(query, kinds)
    assert caught.value.condition == query.items[1]
    assert str(query.items[1])[:20] in str(caught.value)
    assert len(str(caught.value)) < 400
    assert isinstance(caught.value, RemoteManagerError)
    assert isinstance(caught.value, ValueError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.condition) == (str(caught.value), caught.value.condition)


def test_now_is_the_moment_of_compiling() -> None:
    query = parse("n > -1h")
    before = datetime.now(UTC)
    compiled = predicate(query)
    assert before <= compiled.now <= datetime.now(UTC)
    assert compiled({"n": compiled.now.isoformat()})
    assert not compiled({"n": (compiled.now - timedelta(hours=2)).isoformat()})
    with pytest.raises(ValueError, match="time zone"):
        predicate(query, now=datetime(2022, 7, 15))
    for wrong in ("2022-07-15", date(2022, 7, 15)):
        with pytest.raises(TypeError, match="now is a datetime"):
            predicate(query, now=wrong)  # type: ignore[arg-type]


def test_long_chains_and_deep_nesting() -> None:
    rows = [{"name": "a6b"}, {"name": "29999"}, {"name": "x"}, {}]
    assert predicate(chain(30_000, "=")).select(rows) == rows[1:2]
    assert predicate(chain(30_000, "contains", "startsWith", "endsWith")).select(rows) == rows[:2]
    assert predicate(Not(chain(2_000, "<>"))).select(rows) == []
    assert predicate(nested(402))({"name": "a"})
    bushy: Expr = Condition("name", "=", Literal("text", "a"))
    for level in range(100):
        bushy = (And if level % 2 else Or)([*[Condition("name", "<>", Literal("text", str(level)))] * 120, bushy])
    assert predicate(bushy)({"name": "a"})
    inner: Expr = Condition("name", "=", Literal("text", "a"))
    for _ in range(30_000):
        inner = Not(inner)
    assert predicate(inner)({"name": "a"})
    with pytest.raises(TranslationError, match="too deep"):
        predicate(nested(30_000))


def test_a_shape_is_compiled_once() -> None:
    texts = ("a = 'x' and b > 1", "c = 'y' and d > 2")
    first, second = (predicate(parse(text)) for text in texts)
    assert first.matches.__code__ is second.matches.__code__  # type: ignore[attr-defined]
    assert second({"c": "Y", "d": 3})
    assert not second({"a": "x", "b": 2})
    assert repr(first) == "<Predicate: a = 'x' and b > 1>"


def test_only_so_many_shapes_are_kept() -> None:
    query = parse("a = 'x' and b > 1")
    first = predicate(query).matches
    for signs in product(("=", "contains", "<", ">"), repeat=4):
        predicate(And(Condition("a", sign, Literal("text", "x")) for sign in signs))
    assert predicate(query).matches.__code__ is not first.__code__
