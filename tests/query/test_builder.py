"""Queries built from typed fields."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.errors import QueryError
from digirm_runtime.query import builder as b
from digirm_runtime.query.plan import Plan, plan
from tests.query.query_api import example

LANGUAGE = example()


class Text1(b.Equal[b.TextValue], b.NotEqual[b.TextValue]):
    __slots__ = ()
    contains = b.word[b.TextValue]("contains")
    starts_with = b.word[b.TextValue]("startsWith")


class Time1(b.Less[b.TimeValue], b.LessEqual[b.TimeValue], b.Greater[b.TimeValue], b.GreaterEqual[b.TimeValue]):
    __slots__ = ()


class Signed(b.Equal[b.NumberValue], b.Signs[b.NumberValue]):
    __slots__ = ()
    _equal = "=="
    _signs = ("~", "~=")


class Inventory(b.FieldSet):
    __slots__ = ()
    name = Text1("name")
    last_update = Time1("last_update")
    from_ = Signed("from")


D = Inventory()


class Status(Enum):
    CONNECTED = "connected"


@pytest.mark.parametrize(
    ("expr", "text"),
    [
        (D.name == "x", "name = 'x'"),
        (D.name != "it's", "name <> 'it''s'"),
        (D.name.starts_with("a") & ~D.name.contains("b"), "name startsWith 'a' and not name contains 'b'"),
        ((D.name == "a") | (D.name == "b") & (D.from_ == 1), "name = 'a' or name = 'b' and from == 1"),
        (((D.name == "a") | (D.name == "b")) & (D.from_ == 1), "(name = 'a' or name = 'b') and from == 1"),
        (~((D.name == "a") | ~(D.name == "b")), "not (name = 'a' or not name = 'b')"),
        (D.name == b.empty, "name = empty"),
        (D.name == None, "name = empty"),  # noqa: E711
        (D.name == Status.CONNECTED, "name = 'connected'"),
        (D.last_update > b.ago(days=1), "last_update > -1d"),
        (D.last_update >= b.ago(days=1, hours=12), "last_update >= -36h"),
        (D.last_update < timedelta(weeks=1), "last_update < +7d"),
        (D.last_update <= -timedelta(seconds=90), "last_update <= -90s"),
        (D.last_update > datetime(2019, 2, 4, 15, 2, tzinfo=UTC), "last_update > '2019-02-04T15:02:00.000Z'"),
        (
            D.last_update > datetime(2019, 1, 1, tzinfo=timezone(timedelta(hours=2))),
            "last_update > '2018-12-31T22:00:00.000Z'",
        ),
        (D.from_.op("~=", 5), "from ~= 5"),
        (b.field("any-thing.at_all") >= 0.00000001, "any-thing.at_all >= 0.00000001"),
        (b.field("enabled") == True, "enabled = true"),  # noqa: E712
        (b.field("place").op("within", [-122.5, 37, 1, 2]), "place within [-122.5,37,1,2]"),
        (b.any_of(D.name, ["a", None, "b'"]), "name = 'a' or name = empty or name = 'b'''"),
        (b.any_of(D.name, iter("a")), "name = 'a'"),
        (b.raw("a ~ 1 or b sounds 'x'") & (D.name == "y"), "(a ~ 1 or b sounds 'x') and name = 'y'"),
        (D["last_update"] == "x", "last_update = 'x'"),
    ],
)
def test_what_is_built(expr: Any, text: str) -> None:
    assert str(expr) == text


@pytest.mark.parametrize(
    "build",
    [
        lambda: bool(D.name == "x"),
        lambda: (D.name == "x") and (D.name == "y"),
        lambda: 1 < (b.field("x") > 2) < 3,
        lambda: bool(D.name),
        lambda: D.last_update == "x",
        lambda: D.last_update != "x",
        lambda: D.name == object(),
        lambda: D.name == b"x",
        lambda: D.name == [],
        lambda: (D.name == "x") & "name = 'y'",
    ],
)
def test_what_has_no_meaning_is_refused(build: Any) -> None:
    with pytest.raises(TypeError):
        build()


@pytest.mark.parametrize(
    "build",
    [
        lambda: D.last_update > datetime(2024, 1, 1),
        lambda: D.last_update > timedelta(milliseconds=5),
        lambda: b.field("x") == float("nan"),
        lambda: b.field("x") == float("inf"),
        lambda: b.field("x = 1 or y"),
        lambda: b.field("x\ny"),
        lambda: b.field(""),
        lambda: b.field("x").op("= 1 or x =", 1),
        lambda: D.from_.op("=~", 1),
        lambda: b.any_of(D.name, []),
    ],
)
def test_values_that_cannot_be_written_are_refused(build: Any) -> None:
    with pytest.raises(ValueError, match=r"."):
        build()


@pytest.mark.parametrize("text", ["a = 1) or (b = 2", "a = 'x", "", "a = 1 and", "and a = 1"])
def test_raw_text_cannot_change_what_surrounds_it(text: str) -> None:
    with pytest.raises(QueryError):
        b.raw(text)


def test_an_unknown_field_is_refused_with_a_suggestion() -> None:
    with pytest.raises(AttributeError, match="did you mean 'name'"):
        _ = D.nmae  # type: ignore[attr-defined]
    with pytest.raises(KeyError):
        D["nmae"]
    assert list(D) == ["name", "last_update", "from"]


@given(st.integers(0, 10**9))
def test_a_relative_time_means_what_was_asked(seconds: int) -> None:
    text = b.ago(seconds=seconds).text
    assert int(text[1:-1]) * {"d": 86400, "h": 3600, "m": 60, "s": 1}[text[-1]] == seconds
    assert LANGUAGE.check("devices/inventory", b.field("last_update") > b.ago(seconds=seconds)).ok


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_exactly(value: float) -> None:
    expr = b.field("id") == value
    assert LANGUAGE.parse(str(expr)) == expr
    assert float(expr.value.text) == value


def test_a_built_query_is_judged_like_text() -> None:
    report = LANGUAGE.check("devices/inventory", (b.field("id") > 1) & (b.field("nmae") == "x"))
    assert [(d.code, d.start, d.suggestion) for d in report.diagnostics] == [("Q201", 11, "name")]


def test_the_plan_of_a_class() -> None:
    tables = LANGUAGE.tables
    assert plan("Text", ["=", "contains", "startsWith"], tables) == Plan(
        bases=(("Equal", "TextValue"),),
        spellings=(),
        words=(("contains", "contains", "TextValue"), ("starts_with", "startsWith", "TextValue")),
        signs=(),
    )
    assert plan("Timestamp", [">", "=="], tables) == Plan(
        (("Greater", "TimeValue"), ("Equal", "TimeValue")), (("_equal", "=="),), (), ()
    )
    assert plan("Geoposition", ["within"], tables).words == (("within", "within", "AreaValue"),)
    assert plan("Unheard Of", ["=", "=="], tables) == Plan(
        (("Equal", "AnyValue"), ("Signs", "AnyValue")), (), (), ("==",)
    )
    odd = plan("Text", ["in", "op", "isLike", "is_like"], tables).words
    assert [name for name, _, _ in odd] == ["in_", "op_", "is_like_" + odd[2][0][8:], "is_like"]


def test_type_checkers_refuse_what_a_field_lacks(tmp_path: Path) -> None:
    source = Path(__file__).read_text("utf-8")
    classes = source[source.index("class Text1") : source.index("D = Inventory()")]
    lines = [
        ("D.name.contains('x') & (D.last_update > b.ago(days=1)) | ~(D.name == 'y')", True),
        ("b.any_of(D.name, ['x'])", True),
        ("D.name == None", True),
        ("D.last_update.contains('x')", False),
        ("D.name < 'x'", False),
        ("D.name.contains(3)", False),
        ("D.last_update > 3", False),
        ("D.nmae", False),
        ("expr(D.last_update == 'x')", False),
        ("expr(D.name == 'x')", True),
        ("b.any_of(D.last_update, ['x'])", False),
    ]
    head = f"from digirm_runtime.query import builder as b\nfrom digirm_runtime.query.ast import Expr\n\n{classes}\n"
    head += "def expr(value: Expr) -> None: ...\n\nD = Inventory()\n"
    file = tmp_path / "typed.py"
    file.write_text(head + "\n".join(line for line, _ in lines) + "\n")
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--config-file=", str(file)]
    root = Path(b.__file__).parents[2]
    done = subprocess.run(
        [*command, f"--cache-dir={tmp_path / 'cache'}"],
        capture_output=True,
        text=True,
        check=False,
        env={"MYPYPATH": str(root), "PATH": ""},
    )
    first = head.count("\n") + 1
    refused = {int(line.split(":")[1]) for line in done.stdout.splitlines() if ": error:" in line}
    assert refused == {first + n for n, (_, good) in enumerate(lines) if not good}, done.stdout + done.stderr
