"""What `--fix` mends, what it leaves alone, and its laws."""

from __future__ import annotations

import pytest
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.query.ast import And, Condition, Expr, Literal, Not
from digirm_runtime.query.fix import fix
from digirm_runtime.query.language import Language
from digirm_runtime.query.printer import print_expr, print_text
from tests.query.query_api import a_field, a_spec, example
from tests.query.test_properties import expressions, scraps
from tests.query.translations import combined

LIVE = example()
RECONSTRUCTED = example("reconstructed")


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("""name != "x" && id == '3'""", "name <> 'x' and id = 3"),
        ("name LIKE '%x' or name like 'x%' or name ilike '%x%'",
         "name endsWith 'x' or name startsWith 'x' or name contains 'x'"),
        ('name like "it\'s%"', "name startsWith 'it''s'"),
        ("name starts with 'a' and id greater than 5", "name startsWith 'a' and id > 5"),
        ("name is null or ip is not null or name isnull", "name = empty or ip <> empty or name = empty"),
        ("name is not 'x' or name = null", "name <> 'x' or name = empty"),
        ("name in ('a', 'b') and id = 1", "(name = 'a' or name = 'b') and id = 1"),
        ("name not in ('a', \"b\")", "not (name = 'a' or name = 'b')"),
        ("name <> ('a', 'b')", "(name <> 'a' and name <> 'b')"),
        ("name != ('a' or 'b')", "(name <> 'a' and name <> 'b')"),
        ("name not <> ('a', 'b')", "not (name <> 'a' and name <> 'b')"),
        ("name not = ('a', 'b')", "not (name = 'a' or name = 'b')"),
        ("name contains ('a' or 'b')", "(name contains 'a' or name contains 'b')"),
        ("name not contains ('a' or 'b')", "not (name contains 'a' or name contains 'b')"),
        ("name not is null or not 5 < id", "not name = empty or not id > 5"),
        ("id <> (1, 2)", "(id <> 1 and id <> 2)"),
        ("id between 1 and 5 or id = 7", "(id >= 1 and id <= 5) or id = 7"),
        ("id not between 1 and 5", "not (id >= 1 and id <= 5)"),
        ("name does not contain 'x'", "not name contains 'x'"),
        ("name contains not 'x'", "not name contains 'x'"),
        ("name not like 'x%'", "not name startsWith 'x'"),
        ("name = ('a', 'b')", "(name = 'a' or name = 'b')"),
        ("name = 'a' or 'b' or 'c'", "name = 'a' or name = 'b' or name = 'c'"),
        ("!name = 'x' and !(id = 1)", "not name = 'x' and not (id = 1)"),
        ("5 < id and 10 >= id", "id > 5 and id <= 10"),
        ("id≥5 and id ≠ 7", "id>=5 and id <> 7"),
        ("id => 5 and id = < 7 and id ! = 6", "id >= 5 and id <= 7 and id <> 6"),
        ("name = Rochester and ip = 10.1.2.3", "name = 'Rochester' and ip = '10.1.2.3'"),
        ("name = it's", "name = 'it''s'"),
        ("name = /Lab", "name = '/Lab'"),
        ("name = x;", "name = 'x'"),
        ("ip = 10.1.2.3 ;", "ip = '10.1.2.3' "),
        ("last_update > now();", "last_update > -0s"),
        ("connection_status = connected", "connection_status = 'connected'"),
        ("name = 'O'Brien' and ip = 'D'Arcy'", "name = 'O''Brien' and ip = 'D''Arcy'"),
        ("name = \u201cx\u201d and ip = \u2018y\u2019 or name = `z`", "name = 'x' and ip = 'y' or name = 'z'"),
        ("`name` = 'x' and [ip] = 'y' and \"id\" = 1", "name = 'x' and ip = 'y' and id = 1"),
        ("NAME = 'x'", "name = 'x'"),
        ("last_update > -1 day or last_update > 2 hours ago", "last_update > -1d or last_update > -2h"),
        ("last_update > now() - 1d or last_update > -2weeks", "last_update > -1d or last_update > -14d"),
        ("last_update > '-1d' or last_update > -1D or last_update > -1w",
         "last_update > -1d or last_update > -1d or last_update > -7d"),
        ("last_update > '2024-01-31T12:00:00+02:00'", "last_update > '2024-01-31T10:00:00.000Z'"),
        ("geoposition within (1,2,3,4) or geoposition within [1 2 3 4]",
         "geoposition within [1, 2, 3, 4] or geoposition within [1, 2, 3, 4]"),
        ("id = +5 or id = .5", "id = 5 or id = 0.5"),
        ("id = 1and name = 10", "id = 1 and name = '10'"),
        ("name%20%3D%20'x'%20and%20id%20=%205", "name = 'x' and id = 5"),
        ("name+%3D+'a%2Bb'", "name = 'a+b'"),
        ("name\t=\n'x\ty'and(id=1)or\nnot(ip='y')", "name = 'x\ty' and (id=1) or not (ip='y')"),
        ("id = 1;", "id = 1"),
    ],
)  # fmt: skip
def test_what_is_certain_is_mended(text: str, mended: str) -> None:
    fixed = fix(LIVE, "devices/inventory", text)
    assert fixed.text == mended
    assert fixed.report.ok
    assert fixed.report.text == mended
    assert not fixed.report.diagnostics
    assert fixed.mended


@pytest.mark.parametrize(
    "text",
    [
        # guesses
        "nmae = 'x'",
        "firmware-version = 'x'",
        "connection_status = 'conected'",
        "id = 1 name = 'x'",
        "id = 1, name = 'x'",
        "name 'x'",
        "id = 1 and name = 'x')",
        "(id = 1 or id = 2",
        "name = 'x' and",
        # another reading is possible
        "name = 'x order by id",
        "name = 'x and ip = 'y'",
        "name = x limit 5",
        "name = none",
        "name not contains not 'x'",
        "name not does not contain 'x'",
        "name not contains ('x', 'y')",
        "5 not < id",
        "5 is not id",
        "name contains ('x', 'y')",
        "id < (1, 2)",
        "name = x, and ip = 'y'",
        "name = x,y",
        "name = x\\",
        "name = ip",
        "name = IP",
        "'name' = ip",
        "'ip' = name",
        "!name = 'x' or 'y'",
        "id = '1' && name = 'x' or 'y'",
        "name = 'x' or 'y' or id != 3",
        "id < 5 or 7",
        "name like 'abc'",
        "name not like 'abc'",
        "name is <>null",
        "name like 'a_b%'",
        "name like '%a%b%'",
        "name like x%",
        "name like 'x*'",
        "name =~ '^x'",
        "name: 'x'",
        "name matches 'x'",
        "last_update > 1d",
        "last_update > -1M",
        "last_update > -1mo",
        "last_update > -1 M",
        "last_update > 1 M ago",
        "last_update > now-1M",
        "last_update > now-1dya",
        "last_update > +1 day ago",
        "last_update > '2024-01-31'",
        "last_update > '0001-01-01T00:00:00+02:00'",
        "last_update > 1549292520000",
        "not name = 'x' or 'y'",
        "name <> 'x' or 'y'",
        "name = 'x' or 'y' and id = 3",
        "'x' = name",
        "name = \u2018it\u2019s\u2019",
        "name = \"it''s\"",
        "name = 'x'y = 'z'",
        # mends that lead nowhere
        "id = ten",
        "enabled = yes",
        "last_update > today",
        "'nothing' = 'x'",
        "name == 'x' and nmae = 'y'",
        "name%20=%20'a%0Ab'",
        "name%20=%20'%FF'",
        "name%20=%20'a+b'",
        "name%3D'a+b'",
        "%20",
        "\u00a0",
    ],
)
def test_what_is_not_certain_is_left_alone(text: str) -> None:
    fixed = fix(LIVE, "devices/inventory", text)
    assert (fixed.text, fixed.mended) == (text, ())
    assert fixed.report.text == text


def test_a_warning_that_remains_is_reported() -> None:
    fixed = fix(RECONSTRUCTED, "devices/inventory", "signal == 5")
    assert fixed.text == "signal = 5"
    assert [found.code for found in fixed.report.diagnostics] == ["Q201"]
    assert not fix(RECONSTRUCTED, "devices/inventory", "signal == 5", strict=True).mended


def test_without_an_endpoint_the_syntax_is_mended() -> None:
    assert fix(LIVE, None, "anything == 'x'").text == "anything = 'x'"
    # which of the two is the field cannot be told
    for endpoint in (None, "nothing/like/it"):
        text = "'connected' = connection_status"
        assert fix(RECONSTRUCTED, endpoint, text).text == text


def test_a_field_in_another_case_is_mended_where_one_is_meant() -> None:
    language = Language.from_spec(a_spec(a_field("name"), a_field("Tag"), a_field("tag"), provenance="reconstructed"))
    assert fix(language, "devices/inventory", "NAME = 'x'").text == "name = 'x'"
    assert fix(language, "devices/inventory", "TAG = 'x'").text == "TAG = 'x'"


def test_an_area_is_meant_only_where_one_is_taken() -> None:
    for text in ("id < (1, 2)", "name startsWith (1, 2)", "name = [1 2]"):
        assert "[1, 2]'" not in fix(RECONSTRUCTED, "devices/inventory", text).text
        assert fix(LIVE, "devices/inventory", text).text == text


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        (" or ".join(f"id == {number}" for number in range(10_000)), None),
        (" or ".join(f"name != 'x' && (id == '{number}' || id between 1 and 5)" for number in range(150)),
         " or ".join(f"name <> 'x' and (id = {number} or (id >= 1 and id <= 5))" for number in range(150))),
        (f"!({' or '.join(f'id == {number}' for number in range(150))});", None),
    ],
)  # fmt: skip
def test_a_long_query_is_mended(text: str, mended: str | None) -> None:
    mended = mended or text.replace("==", "=").replace("!", "not ").replace(";", "")
    fixed = fix(LIVE, "devices/inventory", text)
    assert fixed.text == mended
    assert not fixed.report.diagnostics
    signs = [found for found in fixed.mended if found.code == "Q202" and "'=='" in found.message]
    assert len(signs) == text.count("==")
    assert fix(LIVE, "devices/inventory", mended).text == mended


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("id == 1) or " * 200 + "id = 1", "not all of them can be mended"),
        ("id == 1 " * 200, "not all of them can be mended"),
        ("id == 1 or " * 200 + "nmae = 1", "not all of them can be mended"),
        ("id == 1; or " * 200 + "id = 1", "not all of them can be mended"),
        ("name == 'x' and nmae = 'y'", "it would still have the error Q201: 'devices/inventory' has no field 'nmae'"),
        ("!name = 'x' or 'y'", "it is not certain what the value alone belongs to"),
        ("last_update > today", "mended, it would have the fault Q304: something else may be meant"),
        ("nmae = 'x'", ""),
    ],
)
def test_why_mending_is_given_up_is_said(text: str, why: str) -> None:
    fixed = fix(LIVE, "devices/inventory", text)
    assert (fixed.text, fixed.mended, fixed.report) == (text, (), fixed.given)
    assert fixed.why.endswith(why)
    assert bool(fixed.why) == bool(why)


def _negations(expr: Expr) -> int:
    """How many `not`s and `<>`s an expression on one field holds; of several values the `<>` counts once."""
    nots, unequal, stack = 0, False, [expr]
    while stack:
        node = stack.pop()
        if isinstance(node, Condition):
            unequal = unequal or node.operator == "<>"
        elif isinstance(node, Not):
            nots += 1
            stack.append(node.item)
        else:
            stack += node.items
    return nots + unequal


_NOT = st.sampled_from(["", "", "not ", "!", "NOT "])
_MIDDLE = st.sampled_from(["", "", "not ", "is ", "is not ", "does not "])
_SIGN = st.sampled_from(
    [
        "=",
        "==",
        "<>",
        "!=",
        "ne ",
        "contains ",
        "contain ",
        "like ",
        "in ",
        "between ",
        "is ",
        "isnull ",
        "notnull ",
        "<",
        "",
    ]
)
_VALUE = st.sampled_from(
    ["'x'", '"x"', "x", "('x')", "('x', 'y')", "('x' or 'y')", "'x' and 'y'", "'%x'", "null", "empty", "5", "name", ""]
)


@settings(max_examples=300)
@given(_NOT, st.sampled_from(["name ", "'name' ", "5 ", "NAME "]), _MIDDLE, _SIGN, _NOT, _VALUE)
@case("", "name ", "not ", "contains ", "not ", "'x'")
@case("", "name ", "not ", "contains ", "", "('x' or 'y')")
@case("", "name ", "is not ", "in ", "", "('x', 'y')")
@case("", "name ", "not ", "is ", "", "null")
@case("!", "name ", "does not ", "contain ", "", "'x'")
@case("", "5 ", "is not ", "", "", "name")
def test_no_negation_is_lost_nor_added(
    before: str, field: str, middle: str, sign: str, behind: str, value: str
) -> None:
    text = f"{before}{field}{middle}{sign}{behind}{value}"
    words = [before, middle, sign, behind]
    wanted = sum(
        word.strip().lower() in ("not", "!", "is not", "does not", "<>", "!=", "ne", "notnull") for word in words
    )
    for language in (LIVE, RECONSTRUCTED):
        fixed = fix(language, "devices/inventory", text)
        if fixed.mended:
            assert fixed.report.query is not None
            assert _negations(fixed.report.query) == wanted


def test_spans_of_what_was_mended_lie_in_the_text_that_had_them() -> None:
    fixed = fix(LIVE, "devices/inventory", """id == "10" """)
    assert [(found.code, found.start, found.end) for found in fixed.mended] == [
        ("Q202", 3, 5),
        ("Q111", 6, 10),
        ("Q302", 5, 9),
    ]


SLIPS = [
    (" = ", " == "), (" = ", "="), (" = ", " eq "), (" <> ", " != "), (" <> ", "<>"), (" and ", " && "),
    (" and ", " AND\t"), (" or ", " || "), (" or ", "\nor "), ("not ", "!"), ("'", '"'), ("'", "\u2018"),
    ("contains", "like"), (" >= ", " => "), ("(", " ( "), ("-", " -"), ("d", "days"), ("empty", "null"),
    (" ", "\u00a0"), (" ", "  "), ("true", "TRUE"), ("id", "ID"),
]  # fmt: skip


@settings(max_examples=60)
@given(expressions, st.lists(st.sampled_from(SLIPS), max_size=4), st.sampled_from([None, "devices/inventory"]))
@case(LIVE.parse("not (id = 1 or name = 'x')"), [(" = ", " == "), ("'", '"')], "devices/inventory")
def test_what_is_mended_is_right_and_mends_to_itself(expr: object, slips: list[tuple[str, str]], where: str) -> None:
    text = str(expr)
    for right, wrong in slips:
        text = text.replace(right, wrong)
    for language in (LIVE, RECONSTRUCTED):
        fixed = fix(language, where, text)
        if fixed.mended:
            assert language.check(where, fixed.text).ok
        else:
            assert fixed.text == text
        again = fix(language, where, fixed.text)
        assert (again.text, again.mended) == (fixed.text, ())


@settings(max_examples=100)
@given(scraps)
@case("id == 1 or (" * 300)
@case("'O'Brien' or name == x or " * 120)
@case("id between 1 and 5 or name == x and " * 120)
def test_no_text_breaks_it(text: str) -> None:
    for language, where in ((LIVE, "devices/inventory"), (RECONSTRUCTED, None)):
        fixed = fix(language, where, text)
        assert fixed.report.ok or fixed.text == text
        assert fix(language, where, fixed.text).text == fixed.text


@settings(max_examples=40)
@given(expressions)
def test_a_good_query_is_not_touched_but_for_its_values(expr: object) -> None:
    fixed = fix(LIVE, None, str(expr))
    assert (fixed.text, fixed.mended) == (str(expr), ())


@settings(max_examples=60)
@given(expressions, st.sampled_from([("=", " == "), (" and ", " && "), (" or ", " || "), ("not ", "!"), (" ", "\t")]))
def test_a_slip_of_the_syntax_is_mended_to_what_was_meant(expr: object, slip: tuple[str, str]) -> None:
    """Outside of text, where the slip may be meant."""
    right, wrong = slip
    pieces = str(expr).split("'")
    pieces[::2] = [piece.replace(f" {right} " if right == "=" else right, wrong) for piece in pieces[::2]]
    text = "'".join(pieces)
    fixed = fix(LIVE, None, text)
    if fixed.report.ok:
        assert LIVE.parse(fixed.text) == expr


_PLAIN = st.text("abcXYZ 0-9'", min_size=1)
_CONDITIONS = st.one_of(
    st.builds(Condition, st.sampled_from(["name", "ip"]), st.sampled_from(["=", "<>", "contains", "startsWith"]),
              st.builds(Literal, st.just("text"), _PLAIN)),
    st.builds(Condition, st.just("id"), st.sampled_from(["=", "<>", "<", ">="]),
              st.builds(Literal, st.just("number"), st.integers(0, 999).map(str))),
    st.builds(Condition, st.just("last_update"), st.sampled_from(["<", ">"]),
              st.builds(Literal, st.just("relative"), st.from_regex(r"-[1-9][dhms]", fullmatch=True))),
    st.builds(Condition, st.just("ip"), st.sampled_from(["=", "<>"]), st.just(Literal("empty", "empty"))),
)  # fmt: skip
_QUERIES = combined(_CONDITIONS, 8)
_WRONG = {"=": ["==", "eq", "is"], "<>": ["!=", "ne", "is not"], "<": ["lt"], ">=": ["=>", "gte"], ">": ["gt"],
          "contains": ["contain", "includes"], "startsWith": ["starts with", "begins with"]}  # fmt: skip


def _slip(condition: Condition, data: st.DataObject) -> str:
    """A condition as somebody may have written it instead."""
    name, sign, value = condition.field, condition.operator, condition.value
    spelled = data.draw(st.sampled_from([sign, *_WRONG[sign]]))
    if value.kind == "text":
        double = "'" not in value.text and data.draw(st.booleans())
        written = f'"{value.text}"' if double else print_text(value.text)
        if sign == "=" and data.draw(st.booleans()):
            return f"{name} in ({written})"
        if sign == "contains" and data.draw(st.booleans()):
            return f"{name} like {print_text(f'%{value.text}%')}"
    elif value.kind == "relative":
        written = data.draw(st.sampled_from([value.text, f"{value.text[:-1]} {value.text[-1]}", f"'{value.text}'"]))
    else:
        written = "null" if value.kind == "empty" else value.text
        if value.kind == "number" and data.draw(st.booleans()):
            flipped = {"<": ">", ">=": "<="}.get(sign, sign)
            return f"{value.text} {flipped} {name}"
    return f"{name} {spelled} {written}"


def _written(expr: Expr, data: st.DataObject) -> str:
    """A query with slips whose mends are certain, with brackets round everything."""
    if isinstance(expr, Condition):
        return _slip(expr, data)
    if isinstance(expr, Not):
        return data.draw(st.sampled_from(["not ", "!"])) + f"({_written(expr.item, data)})"
    joints = ["and", "&&", "AND"] if isinstance(expr, And) else ["or", "||", "OR"]
    first, *rest = (f"({_written(item, data)})" for item in expr.items)
    return first + "".join(f" {data.draw(st.sampled_from(joints))} {item}" for item in rest)


@settings(max_examples=100)
@given(_QUERIES, st.data())
def test_certain_slips_are_mended_to_what_was_meant(expr: Expr, data: st.DataObject) -> None:
    text = _written(expr, data)
    fixed = fix(LIVE, "devices/inventory", text)
    assert fixed.report.query is not None, (text, fixed.why)
    assert print_expr(fixed.report.query) == print_expr(expr), text
