"""What `--fix` mends, what it leaves alone, and its laws."""

from __future__ import annotations

import pytest
from hypothesis import example as case
from hypothesis import given, settings
from hypothesis import strategies as st

from digirm_runtime.query.fix import fix
from tests.query.query_api import example
from tests.query.test_properties import expressions

LIVE = example()
RECONSTRUCTED = example("reconstructed")


@pytest.mark.parametrize(
    ("text", "mended"),
    [
        ("""name != "x" && id == '3'""", "name <> 'x' and id = 3"),
        ("name LIKE '%x' or name like 'x%' or name ilike '%x%' or name like 'x'",
         "name endsWith 'x' or name startsWith 'x' or name contains 'x' or name contains 'x'"),
        ('name like "it\'s%"', "name startsWith 'it''s'"),
        ("name starts with 'a' and id greater than 5", "name startsWith 'a' and id > 5"),
        ("name is null or ip is not null or name isnull", "name = empty or ip <> empty or name = empty"),
        ("name is not 'x' or name = null", "name <> 'x' or name = empty"),
        ("name in ('a', 'b') and id = 1", "(name = 'a' or name = 'b') and id = 1"),
        ("name not in ('a', \"b\")", "not (name = 'a' or name = 'b')"),
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


def test_a_long_query_is_mended_and_a_hostile_one_given_up() -> None:
    chain = " or ".join(f"id == {number}" for number in range(500))
    assert fix(LIVE, "devices/inventory", chain).text == chain.replace("==", "=")
    hostile = "id == 1 or " * 2_000 + "id = 1"
    assert fix(LIVE, "devices/inventory", hostile).text == hostile


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
