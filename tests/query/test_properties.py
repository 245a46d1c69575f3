"""Laws: what is printed is read back the same, and no text whatever breaks the checker."""

from __future__ import annotations

from hypothesis import example as case
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.query.ast import And, Condition, Expr, Literal
from digirm_runtime.query.builder import any_of, field, raw
from digirm_runtime.query.printer import print_expr
from tests.query.query_api import example
from tests.query.translations import combined

LANGUAGE = example("reconstructed")
OPERATORS: list[str] = LANGUAGE.tables["operators"]
FIELDS = list(LANGUAGE.tables["fields"][0])

numbers = st.one_of(
    st.integers().map(str),
    st.integers(min_value=0).map(hex),
    st.decimals(allow_nan=False, allow_infinity=False, places=3).map(lambda number: format(number, "f")),
)
literals = st.one_of(
    st.builds(Literal, st.just("text"), st.text()),
    st.builds(Literal, st.just("number"), numbers),
    st.builds(Literal, st.just("relative"), st.from_regex(r"[+-][0-9]{1,9}[dhms]", fullmatch=True)),
    st.builds(Literal, st.just("empty"), st.sampled_from(["empty", "EMPTY"])),
    st.builds(Literal, st.just("boolean"), st.sampled_from(["true", "False"])),
    st.builds(Literal, st.just("area"), st.lists(numbers.filter(lambda n: "x" not in n), min_size=1).map(
        lambda items: f"[{', '.join(items)}]"
    )),
)  # fmt: skip
names = st.one_of(
    st.sampled_from([*FIELDS, "orname", "and_y", "nothing", "empty", "contains", "true", "a.b-c"]),
    st.from_regex(r"[a-z_][a-z0-9_]{0,9}", fullmatch=True).filter(lambda name: name not in ("and", "or", "not")),
)
conditions = st.builds(Condition, names, st.sampled_from(OPERATORS), literals)
expressions = combined(conditions, 20)
WORDS = (
    "' '' 'x' \" ( ) and or not is in null empty [ ] [1,2] -1d 1d 12 0x && != \\ , \0 日本 é \u2018 \u2019 \t \n \xa0"
)
pieces = st.sampled_from([*FIELDS, *OPERATORS, *WORDS.split(" ")])
scraps = st.lists(st.tuples(pieces, st.sampled_from(["", " "])).map("".join), max_size=15).map("".join)


@given(expressions)
def test_what_is_printed_is_read_back(expr: Expr) -> None:
    text = print_expr(expr)
    again = LANGUAGE.parse(text)
    assert again == expr
    assert hash(again) == hash(expr)
    assert print_expr(again) == text
    assert raw(text) == expr


@given(st.one_of(scraps, st.text(st.characters())))
@case("a = 'x'and 'y'")
@case("not")
@case("a is not null b in (1")
def test_no_text_breaks_the_checker(text: str) -> None:
    for strict in (False, True):
        report = LANGUAGE.check("devices/inventory", text, orderby=text, fields=text, strict=strict)
        for diagnostic in report.diagnostics:
            assert 0 <= diagnostic.start <= diagnostic.end <= len(report.texts[diagnostic.parameter])
            assert diagnostic.message
        assert str(report).encode("utf-8").endswith(b")")
        if report.query is None:
            assert not LANGUAGE.check(None, text).ok or not text.strip(" \t\r\n\f\v")
        else:
            assert report.canonical is not None
            assert LANGUAGE.parse(report.canonical) == report.query


@given(expressions, st.data())
def test_mutated_queries_are_judged(expr: Expr, data: st.DataObject) -> None:
    text = print_expr(expr)
    start = data.draw(st.integers(0, len(text)))
    mutated = text[:start] + data.draw(pieces) + text[start + data.draw(st.integers(0, 3)) :]
    report = LANGUAGE.check("devices/inventory", mutated)
    assert all(0 <= d.start <= d.end <= len(mutated) for d in report.diagnostics)
    assert report.query is not None or not report.ok or not mutated.strip()


@given(st.lists(st.text(), min_size=1), st.text())
def test_no_value_changes_the_structure(values: list[str], last: str) -> None:
    built = any_of(field("name"), values) & ~field("ip").op("contains", last)
    parsed = LANGUAGE.parse(str(built))
    assert parsed == built
    assert isinstance(parsed, And)
    assert len(parsed.items) == 2
