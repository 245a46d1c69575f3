from __future__ import annotations

import re
import sys
from pathlib import Path
from types import FrameType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_simulator import parse_error
from tests.simulator.support import DEVICES, Api

#: Printed in a bug report (github.com/flinntech/drm-mcp-tester, entry FUNC-002) as the service's answer.
QUERY = "type equals 'EX50'"
RECORDED = "Invalid input 'q', expected 'n/N' (line 1, pos 7):\ntype equals 'EX50'\n      ^"
OPERATORS = ("=", "contains", "startsWith", "endsWith", "<>", "<", "<=", ">", ">=")
CORPUS = Path(__file__).parents[1] / "data" / "queries.tsv"


def test_the_recorded_answer_to_the_letter(api: Api) -> None:
    assert parse_error.text(QUERY, OPERATORS) == RECORDED
    for path in (DEVICES, "/ws/v1/devices/bulk"):
        found = api.get(path, query=QUERY)
        assert (found.status, found.body) == (400, {"error_message": RECORDED, "error_status": 400})


@pytest.mark.parametrize(
    ("query", "message", "place"),
    [
        ("type", "Unexpected end of input, expected a..z, A..Z, '_', 0..9, ' ', '<', '>', '=', *", "(line 1, pos 5)"),
        ("name = 'x", "Unexpected end of input, expected '''", "(line 1, pos 10)"),
        ("name eq 'x'", "Invalid input 'q', expected 'n/N'", "(line 1, pos 7)"),
        ("name startsWit 'x'", "Invalid input ' ', expected 'h/H'", "(line 1, pos 15)"),
        ("id = 1 an id = 2", "Invalid input ' ', expected 'd/D'", "(line 1, pos 10)"),
        ("id = 1 and", "Unexpected end of input, expected ' '", "(line 1, pos 11)"),
        ("id = 1)", "Invalid input ')', expected 0..9, '.', ' ' or EOI", "(line 1, pos 7)"),
        ("(id = 1", "Unexpected end of input, expected 0..9, '.', ' ' or ')'", "(line 1, pos 8)"),
        ("id = 0x", "Unexpected end of input, expected 0..9, a..f or A..F", "(line 1, pos 8)"),
        ("name contains5", "Invalid input '5', expected ' ' or '''", "(line 1, pos 14)"),
        ("name = 'x'\n and id ~ 1", "Invalid input '~', expected ' ', '<', '>', '=', *", "(line 2, pos 9)"),
        # Whatever stands between them, a second `not` is tried as one before it is tried as a name.
        ("not not ", "Unexpected end of input, expected ' ', a..z, A..Z, '_', '<', *", "(line 1, pos 9)"),
        ("not  not 1", "Invalid input '1', expected ' ', a..z, A..Z, '_', '<', *", "(line 1, pos 10)"),
        ("not\tNOT\t", "Unexpected end of input, expected ' ', a..z, A..Z, '_', '<', *", "(line 1, pos 9)"),
        # The place counts UTF-16 units, as Java does.
        ("name = '\U0001f600' ~", "Invalid input '~', expected ' ', 'a/A', 'o/O' or EOI", "(line 1, pos 13)"),
    ],
)
def test_other_faults_name_what_was_tried_at_the_furthest_place(query: str, message: str, place: str) -> None:
    text = parse_error.text(query, OPERATORS)
    assert text is not None
    first, line, caret = text.split("\n")
    assert re.fullmatch(re.escape(f"{message} {place}:").replace(r"\*", ".*"), first), first
    assert line in query.split("\n")
    assert caret.endswith("^")
    assert len(caret) == int(place.partition("pos ")[2][:-1])


@pytest.mark.parametrize(
    "query",
    [
        "not = 1",
        "not contains 'x'",
        "not name = 'x'",
        "not (name = 'x' or not not id <> -1.5)",
        "a=0x1F",
        "x > -1d",
        "  ( ( a = 'it''s' ) )  ",
        "a<>EMPTY and b=true or c within [-1, 2.5,3,4]",
        "or = 1 or and = 2 and not = 3",
    ],
)
def test_what_is_right_has_no_message(query: str) -> None:
    assert parse_error.text(query, (*OPERATORS, "within", "outside")) is None


def test_every_query_of_the_corpus_that_is_fine_is_fine_here() -> None:
    operators = (*OPERATORS, "within", "outside")
    refused = []
    for line in CORPUS.read_text(encoding="utf-8").splitlines():
        # In braces the corpus writes what is repeated many times.
        if line.startswith("#") or not line or "{" in line:
            continue
        _, parameter, text, verdict, *_ = line.split("\t")
        if parameter == "query" and verdict == "ok" and text.strip() and parse_error.text(text, operators):
            refused.append(text)
    assert refused == []


@given(st.text(alphabet="abnotdr=<>'()[]0123456789.+- xX\nwhE\U0001f600\u00e9", max_size=40))
def test_any_text_is_fine_or_has_a_place_in_it(query: str) -> None:
    text = parse_error.text(query, OPERATORS)
    if text is None:
        return
    found = re.match(r".*\(line (\d+), pos (\d+)\):\n([^\n]*)\n( *)\^\Z", text, re.DOTALL)
    assert found is not None
    line = query.split("\n")[int(found[1]) - 1]
    assert found[3] == line
    assert len(found[4]) == int(found[2]) - 1 <= len(line.encode("utf-16-le")) // 2


@pytest.mark.parametrize("query", ["(" * 90_000, "not " * 20_000, "a='x' and " * 9_000, "x" * 200_000, "'" * 90_000])
def test_long_queries_are_not_sent_back(query: str) -> None:
    text = parse_error.text(query, OPERATORS)
    assert text is None or len(text) < 200


def steps(query: str) -> int:
    """How many functions are called to find what is wrong with a query."""
    called = 0

    def count(_frame: FrameType, event: str, _argument: object) -> None:
        nonlocal called
        called += event == "call"

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        parse_error.text(query, OPERATORS)
    finally:
        sys.setprofile(before)
    return called


@pytest.mark.parametrize(
    ("piece", "most"),
    [
        ("not ", 6),
        ("NOT\t", 6),
        ("not (", 12),
        ("(", 7),
        ("not not = 1 and ", 100),
        ("a = 'x' and ", 50),
        ("not a = 'x' or ", 90),
        ("x", 1),
        ("'", 1),
    ],
)
def test_it_takes_linear_time(piece: str, most: int) -> None:
    short, long = steps(piece * 300), steps(piece * 600)
    assert long <= 2.1 * short
    assert long <= most * 600


def test_what_is_too_long_is_not_walked_over() -> None:
    longest = "~".ljust(100_000)
    assert parse_error.text(longest, OPERATORS) is not None
    assert parse_error.text(f"{longest} ", OPERATORS) is None
    assert steps("not " * 25_001) < 100
