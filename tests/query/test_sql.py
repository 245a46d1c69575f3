"""SQL: it selects what the predicate selects, in SQLite; every dialect can read what is written for it."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from itertools import accumulate
from typing import Any, get_args

import pytest
import sqlglot
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from digirm_runtime.errors import TranslationError
from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not, Or
from digirm_runtime.query.predicate import predicate
from digirm_runtime.query.sql import Sql, Style, to_sql
from digirm_runtime.query.values import instant
from digirm_runtime.text import time_text
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
    parse,
)
from tests.simulator.support import NOW

DIALECTS = ["", "sqlite", "postgres", "mysql", "tsql", "duckdb", "bigquery", "snowflake", "oracle"]


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def selected(rows: Sequence[Mapping[str, Any]], condition: Sql, *, fold: bool = True) -> list[int]:
    """The places of the rows that SQLite selects. `fold`: its LOWER knows more than ASCII, as other databases' does."""
    names = sorted({name for row in rows for name in row} | set(KINDS))
    with closing(sqlite3.connect(":memory:")) as database:
        if fold:
            database.create_function("lower", 1, lambda text: text and str.casefold(text), deterministic=True)
        database.execute(f"CREATE TABLE t (place, {', '.join(map(quoted, names))})")
        marks = ", ".join("?" * (len(names) + 1))
        database.executemany(
            f"INSERT INTO t VALUES ({marks})",
            [(place, *(row.get(name) for name in names)) for place, row in enumerate(rows)],
        )
        # True or false, never NULL: what it does not select, its negation does.
        found = database.execute(f"SELECT place FROM t WHERE {condition.text}", condition.parameters).fetchall()
        others = database.execute(f"SELECT place FROM t WHERE NOT {condition.text}", condition.parameters).fetchall()
    assert sorted(found + others) == [(place,) for place in range(len(rows))]
    return [place for (place,) in found]


def stored(document: Mapping[str, Any], times: str) -> dict[str, Any]:
    """A document as columns hold it."""
    row = dict(document)
    for field, kind in KINDS.items():
        value = document.get(field)
        if kind == "tags" and value:
            row[field] = f",{','.join(value)},"
        elif kind == "tags":
            row[field] = None
        elif kind == "timestamp" and value:
            moment = instant(value)
            assert moment is not None
            row[field] = moment if times == "milliseconds" else time_text(datetime.fromtimestamp(moment / 1000, UTC))
    return row


@settings(max_examples=100, deadline=None)
@given(expressions, st.lists(documents, max_size=5), st.sampled_from(["milliseconds", "text"]))
def test_sqlite_selects_what_the_predicate_selects(expr: Expr, rows: list[dict[str, Any]], times: Any) -> None:
    condition = to_sql(expr, KINDS, NOW, dialect="sqlite", times=times)
    expected = predicate(expr, KINDS, NOW).select(rows)
    found = selected([stored(row, times) for row in rows], condition)
    assert [rows[place] for place in found] == expected


@settings(max_examples=30, deadline=None)
@given(combined(conditions, 6))
def test_every_dialect_can_be_read(expr: Expr) -> None:
    for dialect in DIALECTS:
        text, parameters = to_sql(expr, KINDS, NOW, dialect=dialect, style="named")
        parsed = sqlglot.parse_one(f"SELECT * FROM t WHERE {text}", dialect=dialect or None)
        marks = [mark.name for mark in parsed.find_all(exp.Placeholder)]
        assert isinstance(parameters, dict)
        assert sorted(marks) == sorted(parameters)
        # What stands in the text is ours: the empty text, and the escape of LIKE.
        assert {literal.this for literal in parsed.find_all(exp.Literal)} <= {"", "!", "0", "1"}
        assert {column.name for column in parsed.find_all(exp.Column)} <= set(KINDS)


QUERY = "status = 'On' and seen > -1d and (ip startsWith '10_' or not tag = empty) and id <> 7"
SEEN = datetime(2022, 7, 14, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("dialect", "text", "values"),
    [
        (
            "sqlite",
            '((NOT "status" IS NULL AND LOWER("status") = LOWER(?)) AND (NOT "seen" IS NULL AND "seen" > ?) AND '
            '((NOT "ip" IS NULL AND LOWER("ip") LIKE LOWER(?) ESCAPE \'!\') OR NOT ("tag" IS NULL)) AND '
            'NOT (NOT "id" IS NULL AND "id" = ?))',
            ("On", "2022-07-14T12:00:00.000Z", "10!_%", 7),
        ),
        (
            "tsql",
            "((NOT [status] IS NULL AND LOWER([status]) = LOWER(?)) AND (NOT [seen] IS NULL AND [seen] > ?) AND "
            "((NOT [ip] IS NULL AND LOWER([ip]) LIKE LOWER(?) ESCAPE '!') OR NOT ([tag] IS NULL)) AND "
            "NOT (NOT [id] IS NULL AND [id] = ?))",
            ("On", SEEN, "10!_%", 7),
        ),
        (
            "bigquery",
            "((NOT `status` IS NULL AND LOWER(`status`) = LOWER(%(p1)s)) AND (NOT `seen` IS NULL AND `seen` > %(p2)s)"
            " AND ((NOT `ip` IS NULL AND LOWER(`ip`) LIKE LOWER(%(p3)s)) OR NOT (`tag` IS NULL)) AND "
            "NOT (NOT `id` IS NULL AND `id` = %(p4)s))",
            {"p1": "On", "p2": SEEN, "p3": "10\\_%", "p4": 7},
        ),
    ],
)
def test_the_text(dialect: str, text: str, values: object) -> None:
    assert to_sql(parse(QUERY), now=NOW, dialect=dialect) == (text, values)


@pytest.mark.parametrize(
    ("dialect", "pattern"),
    [("postgres", "%!!!%!_[\\%"), ("tsql", "%!!!%!_![\\%"), ("clickhouse", "%!\\%\\_[\\\\%")],
)
def test_wildcards_are_escaped(dialect: str, pattern: str) -> None:
    query = Condition("name", "contains", Literal("text", "!%_[\\"))
    text, parameters = to_sql(query, dialect=dialect, style="qmark")
    assert parameters == (pattern,)
    assert ("ESCAPE '!'" in text) == (dialect != "clickhouse")


@pytest.mark.parametrize(
    ("style", "marks"),
    [
        ("qmark", ["?", "?"]),
        ("numeric", [":1", ":2"]),
        ("dollar", ["$1", "$2"]),
        ("named", [":p1", ":p2"]),
        ("at", ["@p1", "@p2"]),
        ("format", ["%s", "%s"]),
        ("pyformat", ["%(p1)s", "%(p2)s"]),
    ],
)
def test_styles_of_parameters(style: Style, marks: list[str]) -> None:
    query = And([Condition("a%s", "=", Literal("number", "1")), Condition("b", "=", Literal("number", "2"))])
    text, parameters = to_sql(query, style=style)
    name = '"a%%s"' if "format" in style else '"a%s"'
    assert text == f'((NOT {name} IS NULL AND {name} = {marks[0]}) AND (NOT "b" IS NULL AND "b" = {marks[1]}))'
    assert parameters == ({"p1": 1, "p2": 2} if style in ("named", "at", "pyformat") else (1, 2))


def test_every_style_is_known() -> None:
    assert len(get_args(Style)) == 7
    with pytest.raises(ValueError, match="qmark"):
        to_sql(parse("a = 1"), style="curly")  # type: ignore[arg-type]


@pytest.mark.parametrize("text", HOSTILE)
def test_names_and_values_are_never_sql(text: str) -> None:
    query = Or([Condition(text, "=", Literal("text", text)), Condition(text, "contains", Literal("text", text + "%"))])
    for dialect in DIALECTS:
        condition = to_sql(query, dialect=dialect, style="qmark")
        parsed = sqlglot.parse_one(f"SELECT * FROM t WHERE {condition.text}", dialect=dialect or None)
        # BigQuery's quotes hold a path: a dot in them still names nothing but parts of this name.
        names = {".".join(part.name for part in column.parts) for column in parsed.find_all(exp.Column)}
        assert names == {text}
        assert len(list(parsed.find_all(exp.Placeholder))) == 2
    rows = [{text: text.upper()}, {text: f"<{text}%>"}, {text: "x"}, {text: None}]
    assert selected(rows, to_sql(query, dialect="sqlite")) == [0, 1]


@pytest.mark.parametrize("name", UNPRINTABLE)
def test_no_column_has_such_a_name(name: str) -> None:
    with pytest.raises(TranslationError, match="cannot be the name of a column"):
        to_sql(Condition(name, "=", Literal("text", "x")))
    if name != "\0":
        # As a value it is one like any other.
        assert to_sql(Condition("a", "=", Literal("text", f"x{name}"))).parameters == (f"x{name}",)


@pytest.mark.parametrize("sign", ["=", "<>", ">", "contains", "startsWith", "endsWith"])
def test_text_with_a_nul_is_refused(sign: str) -> None:
    """SQLite's LIKE would stop at it."""
    for kind in ("text", "group", "tags") if sign != ">" else ("text", "group"):
        query = Or([parse("a = 1"), Condition("n", sign, Literal("text", "a\0b"))])
        with pytest.raises(TranslationError, match="NUL") as caught:
            to_sql(query, {"n": kind}, dialect="sqlite")
        assert caught.value.condition == query.items[1]
    many = Or(Condition("n", "=", Literal("text", text)) for text in ("a", "b\0", "c"))
    with pytest.raises(TranslationError, match="NUL"):
        to_sql(many)


def test_columns() -> None:
    query = parse("name = 'x' and not size > 2 and seen = empty")
    columns = {
        "name": ("d", "Device Name"),
        "size": exp.column("a") + exp.column("b"),
        "seen": exp.func("JSON_VALUE", exp.column("body"), exp.Literal.string("$.seen")),
    }
    assert to_sql(query, dialect="postgres", columns=columns).text == (
        '((NOT "d"."Device Name" IS NULL AND LOWER("d"."Device Name") = LOWER(%s)) AND '
        "NOT (NOT (a + b) IS NULL AND (a + b) > %s) AND (JSON_VALUE(body, '$.seen') IS NULL))"
    )
    with pytest.raises(TranslationError, match="no column is given") as caught:
        to_sql(query, columns={"name": "n", "size": "s"})
    assert str(caught.value.condition) == "seen = empty"
    for wrong in ((), ("a", "b", "c", "d", "e"), ("a", "")):
        with pytest.raises(TranslationError, match="cannot be the name"):
            to_sql(parse("name = 'x'"), columns={"name": wrong})
    others: list[Any] = [5, b"name", ("d", 5), exp.Select()]
    for other in others:
        with pytest.raises(TypeError, match="the column of the field 'name' is"):
            to_sql(parse("name = 'x'"), columns={"name": other})


def test_times() -> None:
    query, far = parse("n > -1d"), parse("n < +99999999999d")
    for dialect, expected in (("sqlite", "2022-07-14T12:00:00.000Z"), ("duckdb", SEEN)):
        assert to_sql(query, now=NOW, dialect=dialect).parameters == (expected,)
    assert to_sql(query, now=NOW, times="naive").parameters == (SEEN.replace(tzinfo=None),)
    assert to_sql(query, now=NOW, times="milliseconds").parameters == (1657800000000,)
    assert to_sql(far, now=NOW, times="text").parameters == ("9999-12-31T23:59:59.999Z",)
    assert to_sql(far, now=NOW, times="milliseconds").parameters == (8640001657800000000,)
    farther = parse("n < -99999999999999999999d")
    assert to_sql(farther, now=NOW, times="milliseconds").parameters == (-(1 << 63),)
    assert to_sql(farther, now=NOW).parameters == (datetime.min.replace(tzinfo=UTC),)
    with pytest.raises(ValueError, match="time zone"):
        to_sql(query, now=datetime(2022, 7, 15))
    for wrong in ("2022-07-15", date(2022, 7, 15)):
        with pytest.raises(TypeError, match="now is a datetime"):
            to_sql(query, now=wrong)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="aware, naive, text, milliseconds"):
        to_sql(query, times="local")  # type: ignore[arg-type]


def test_numbers_fit_into_64_bits() -> None:
    for text, value in (("9223372036854775807", (1 << 63) - 1), ("0x" + "f" * 20, float(0xFFFFF << 60))):
        assert to_sql(parse(f"n = {text}")).parameters == (pytest.approx(value),)
    for sign in ("", "-"):
        for digits in ("9" * 400, "0x" + "f" * 5000, "9" * 400 + ".5"):
            (number,) = to_sql(parse(f"n = {sign}{digits}")).parameters
            assert isinstance(number, float)
            assert number == float(f"{sign}{sys.float_info.max}")


def test_ascii_case_is_folded_by_sqlite_itself() -> None:
    rows = [{"name": "ABC"}, {"name": "xbcx"}, {"name": ""}, {}]
    assert selected(rows, to_sql(parse("name contains 'BC'"), dialect="sqlite"), fold=False) == [0, 1]


def test_tags() -> None:
    kinds = {"tags": "tags"}
    rows = [{"tags": ",a,Bc,"}, {"tags": ",100%,"}, {"tags": ""}, {"tags": None}]
    for text, expected in (
        ("tags = 'bc'", [0]),
        ("tags contains 'C'", [0]),
        ("tags startsWith 'b'", [0]),
        ("tags endsWith 'c'", [0]),
        ("tags endsWith 'b'", []),
        ("tags = '1__%'", []),
        ("tags contains '%'", [1]),
        ("tags = 'a,bc'", []),
        ("tags <> 'a,bc'", [0, 1, 2, 3]),
        ("tags = empty", [2, 3]),
        ("not (not tags = 'a')", [0]),
        ("tags = ''", [2, 3]),
        ("tags <> ''", [0, 1]),
        ("tags contains ''", [0, 1]),
        ("tags startsWith ''", [0, 1]),
        ("not tags endsWith ''", [2, 3]),
        ("tags = 'x' or tags = '100%'", [1]),
        ("tags = 'bc' or tags = 'x' or tags = '100%'", [0, 1]),
    ):
        assert selected(rows, to_sql(parse(text), kinds, dialect="sqlite")) == expected, text


def test_long_chains_and_deep_nesting() -> None:
    rows = [{"name": "6"}, {"name": "a49b"}, {"name": "x"}, {}]
    condition = to_sql(chain(100_000, "contains", "<>"))
    assert condition.text.count("?") == len(condition.parameters) == 100_000
    condition = to_sql(chain(5_000, "=", "contains", "startsWith"), dialect="sqlite")
    assert selected(rows, condition) == [0, 1]
    deepest = current = 0
    for char in condition.text:
        current += (char == "(") - (char == ")")
        deepest = max(deepest, current)
    assert deepest < 20
    assert to_sql(nested(30_000)).text.count("?") == 20_001
    assert selected([{"name": "a"}, {"name": "b"}], to_sql(nested(12), dialect="sqlite")) == [0]


def test_equalities_become_one_look_up() -> None:
    query = parse("id = 1 or name = 'a' or id = 2 or name <> 'b' or id = 1")
    assert to_sql(query) == (
        '((NOT "id" IS NULL AND "id" IN (?, ?)) OR (NOT "name" IS NULL AND LOWER("name") = LOWER(?)) OR '
        'NOT (NOT "name" IS NULL AND LOWER("name") = LOWER(?)))',
        (1, 2, "a", "b"),
    )


def test_the_text_stands_in_brackets() -> None:
    """So that NOT, AND and OR may stand before it."""
    for query in ("a = 1", "a <> 1", "not a = 1", "not (a = 1 or b = 1)", "not (not a = 1 and b = 1)", "a = 1 or b = 1",
                  "a = empty", "a <> empty", "not (a = 1 or b = 1) and not c = 1", "a = 1 or a = 2"):  # fmt: skip
        text = to_sql(parse(query)).text
        depths = list(accumulate((char == "(") - (char == ")") for char in text))
        assert depths.index(0) == len(text) - 1, text


def test_what_has_no_sql_is_refused() -> None:
    for text in ("place within [1,2,3,4]", "n resembles 'x'"):
        with pytest.raises(TranslationError):
            to_sql(Not(parse(text)))
    # Not every dialect has NOT NOT.
    for text in ("not not a = 1", "not a <> 1", "not not not a <> 1", "not (not (a = 1 or b = 1))"):
        assert "NOT NOT" not in f"NOT {to_sql(parse(text)).text}"
    with pytest.raises(ValueError, match="nonesuch"):
        to_sql(parse("a = 1"), dialect="nonesuch")


def test_without_sqlglot_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.partition(".")[0] == "sqlglot"]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r"digirm\[sql\]"):
        to_sql(parse("a = 1"))
