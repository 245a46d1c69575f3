"""Queries built from typed fields."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.errors import QueryError
from digirm_runtime.query import builder as b
from digirm_runtime.query.plan import Plan, plan
from tests.house.snippets import ROOT
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


CHECKERS = (("mypy", "--strict", "--config-file", "pyproject.toml"), ("pyright",))


def check_types(checker: tuple[str, ...], file: Path, source: str) -> str:
    """What a type checker says of a module."""
    file.write_text(source)
    command = [sys.executable, "-m", *checker, str(file)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


EXPR = "Condition | Not | And | Or"
#: An expression, and the type that each type checker reveals; None for one that it must refuse.
TYPED: list[tuple[str, str | None]] = [
    ("D.name == 'x'", EXPR),
    ("D.name != None", EXPR),
    ("D.name.contains('x')", EXPR),
    ("D.name.starts_with('x') & ~(D.connection_status == 'connected') | (D.last_update > ago(days=1))", EXPR),
    ("D.last_update <= datetime.now(UTC)", EXPR),
    ("D.last_update > timedelta(days=1)", EXPR),
    ("J.customer_id == 1034", EXPR),
    ("any_of(J.customer_id, [1, 2, None])", EXPR),
    ("any_of(D.name, (str(n) for n in range(3)))", EXPR),
    ("field('anything').op('~', 3)", EXPR),
    ("field('anything') >= 'x'", EXPR),
    ("raw('a = 1')", EXPR),
    ("raw('a = 1') & (D.name == 'x')", EXPR),
    ("ago(hours=3)", "Relative"),
    ("field('anything')", "AnyField"),
    ("D['name']", "AnyField"),
    ("check_query('devices/inventory', 'id = 1')", "Report"),
    ("check_query(None, D.name == 'x').query", f"{EXPR} | None"),
    ("check_query(None, 'a = 1').canonical", "str | None"),
    ("J.customer_id.contains('x')", None),
    # Python falls back on the text's own `==`, which gives a `bool`.
    ("check_query(None, J.customer_id == 'x')", None),
    ("(D.name == 3) & (D.name == 'x')", None),
    ("J.customer_id > empty", None),
    ("D.name.contains(3)", None),
    ("D.name.starts_wiht('x')", None),
    ("D.nmae == 'x'", None),
    ("D.last_update > 3", None),
    ("any_of(J.customer_id, ['x'])", None),
    ("(D.name == 'x') & 'y'", None),
    ("raw(3)", None),
]


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker[0])
def test_type_checkers_know_what_a_field_has(checker: tuple[str, ...], tmp_path: Path) -> None:
    head = (
        "from datetime import UTC, datetime, timedelta\n"
        "from typing import reveal_type\n"
        "from digirm import ago, any_of, check_query, field, fields, raw\n"
        "from digirm_runtime.query.builder import empty\n"
        "D, J = fields.devices.inventory, fields.automations.inventory\n"
    )
    said = check_types(checker, tmp_path / "typed.py", head + "".join(f"reveal_type({code})\n" for code, _ in TYPED))
    first = head.count("\n") + 1
    revealed = {
        int(line): re.sub(r"\b(?:\w+\.)+(?=\w)", "", kind)
        for line, kind in re.findall(r':(\d+):.*(?:Revealed type is|Type of ".*" is) "(.*?)"$', said, re.MULTILINE)
    }
    refused = {int(line) for line in re.findall(r":(\d+):.* ?error:", said)}
    for number, (code, kind) in enumerate(TYPED, first):
        assert (number in refused) == (kind is None), f"{code}\n{said}"
        if kind is not None:
            assert revealed[number] == kind, f"{code}\n{said}"


@pytest.mark.parametrize("checker", CHECKERS, ids=lambda checker: checker[0])
def test_type_checkers_refuse_equality_where_a_field_has_none(checker: tuple[str, ...], tmp_path: Path) -> None:
    source = Path(__file__).read_text("utf-8")
    classes = source[source.index("class Text1") : source.index("D = Inventory()")]
    lines = [
        ("expr(D.name == 'x')", True),
        ("expr(D.from_.op('~', 1))", True),
        ("expr(D.last_update == 'x')", False),
        ("expr(D.last_update != 'x')", False),
        ("D.name < 'x'", False),
        ("D.last_update.contains('x')", False),
        ("b.any_of(D.last_update, ['x'])", False),
    ]
    head = f"from digirm_runtime.query import builder as b\nfrom digirm_runtime.query.ast import Expr\n\n{classes}\n"
    head += "def expr(value: Expr) -> None: ...\n\nD = Inventory()\n"
    said = check_types(checker, tmp_path / "typed.py", head + "".join(f"{code}\n" for code, _ in lines))
    first = head.count("\n") + 1
    refused = {int(line) for line in re.findall(r":(\d+):.* ?error:", said) if int(line) >= first}
    assert refused == {first + n for n, (_, good) in enumerate(lines) if not good}, said


def test_a_list_that_no_proxy_takes_is_warned_of() -> None:
    few = [f"00000000-00000000-00042DFF-FF{number:06X}" for number in range(140)]
    b.any_of(D.name, few)
    with pytest.warns(UserWarning, match=r"any_of\(\) with 150 values .* ask for at most 14\d at once") as caught:
        built = b.any_of(D.name, [*few, *["x" * 40] * 10])
    assert caught[0].filename == __file__
    assert len(urlencode({"query": str(built)})) > b.MAX_ENCODED
    with pytest.warns(UserWarning, match="with 1 values takes 90"):
        b.any_of(D.name, ["日" * 1000])


def test_a_list_of_any_length_is_built() -> None:
    with pytest.warns(UserWarning, match="with 100000 values"):
        built = b.any_of(D.name, map(str, range(100_000)))
    assert str(built).endswith("or name = '99999'")
