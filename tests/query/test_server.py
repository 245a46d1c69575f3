"""What the service says of a query becomes a report like those made offline."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.query import server
from digirm_runtime.query.language import Language
from digirm_runtime.query.report import Report
from tests.query.query_api import example

ENDPOINT = "devices/inventory"
LANGUAGE = example()
#: Printed in the bug report of github.com/flinntech/drm-mcp-tester, entry FUNC-002.
RECORDED = "Invalid input 'q', expected 'n/N' (line 1, pos 7):\ntype equals 'EX50'\n      ^"


def refused(text: str, pos: int, words: str = "Invalid input") -> str:
    return f"{words} (line 1, pos {pos}):\n{text}\n{' ' * (pos - 1)}^\n"


def read(message: str, text: str, language: Language | None = LANGUAGE) -> Report:
    report = server.read(message, text, ENDPOINT, language)
    assert report is not None
    assert not report.ok
    return report


def test_the_recorded_answer_is_the_fault_that_is_found_offline() -> None:
    text = "type equals 'EX50'"
    first = read(RECORDED, text).diagnostics[0]
    (offline,) = (found for found in LANGUAGE.check(ENDPOINT, text).diagnostics if found.code == "Q202")
    assert first == offline._replace(message=f"{offline.message} (the service: Invalid input 'q', expected 'n/N')")
    assert first.suggestion == "="


@pytest.mark.parametrize("language", [None, Language("no such folder")])
def test_without_a_language_the_words_of_the_service_stand_under_the_text(language: Language | None) -> None:
    assert str(read(RECORDED, "type equals 'EX50'", language)).splitlines() == [
        "error Q501: the service: Invalid input 'q', expected 'n/N'",
        "  type equals 'EX50'",
        "        ^",
        "judged by devices/inventory, the service",
    ]


def test_the_same_words_are_not_said_twice() -> None:
    (offline,) = LANGUAGE.check(ENDPOINT, "nmae = 'x'").diagnostics
    assert read(refused("nmae = 'x'", 1, offline.message), "nmae = 'x'").diagnostics == (offline,)


def test_what_digirm_does_not_know_is_said_by_the_service() -> None:
    report = read(refused("id = 0x1F", 7, "Invalid input 'x', expected EOI"), "id = 0x1F")
    assert str(report).splitlines() == [
        "error Q501: the service: Invalid input 'x', expected EOI",
        "  id = 0x1F",
        "        ^",
        f"judged by devices/inventory, the service; explained by {LANGUAGE.info}",
    ]
    assert report.canonical == "id = 0x1F"


def test_a_warning_at_the_place_becomes_an_error() -> None:
    text = "name = 'x' and last_update > -1w"
    (warning,) = LANGUAGE.check(ENDPOINT, text).diagnostics
    (error,) = read(refused(text, text.index("1w") + 2), text).diagnostics
    assert (warning.severity, error.severity) == ("warning", "error")
    assert (error.code, error.suggestion, error.start, error.end) == ("Q305", "-7d", warning.start, warning.end)


def test_the_end_of_the_text() -> None:
    text = "name = 'x' and"
    (found,) = read(refused(text, len(text) + 1, "Unexpected end of input, expected WS or '('"), text).diagnostics
    assert found.code == "Q105"
    assert found.message.endswith("(the service: Unexpected end of input, expected WS or '(')")
    (found,) = read("Unexpected end of input, expected ')' (line 1, pos 7)", "id = 1").diagnostics
    assert (found.code, found.start, found.end) == ("Q501", 6, 6)


def test_errors_elsewhere_follow() -> None:
    report = read(refused("(id = 1", 8, "Unexpected end of input, expected ')'"), "(id = 1")
    assert [found.code for found in report.diagnostics] == ["Q501", "Q103"]


def test_a_template_that_is_not_known_is_no_fault_of_the_query() -> None:
    report = server.read(refused("id = 0x1F", 7), "id = 0x1F", "/ws/v1/elsewhere", LANGUAGE)
    assert report is not None
    assert [found.code for found in report.diagnostics] == ["Q501"]


@pytest.mark.parametrize(
    ("text", "line", "pos", "start"),
    [("id = 1\nand id = ?", 2, 10, 16), ("name = '\U0001f600' ?", 1, 13, 11), ("a\r\nb", 2, 1, 3), ("", 1, 1, 0)],
)
def test_lines_and_columns_are_those_of_java(text: str, line: int, pos: int, start: int) -> None:
    report = server.read(f"Invalid input (line {line}, pos {pos})", text)
    assert report is not None
    assert report.diagnostics[0].start == start


@pytest.mark.parametrize(
    "message",
    [
        "",
        "Invalid input 'q'",
        "Invalid input (line 1, pos 0)",
        "Invalid input (line 1, pos 8)",
        "Invalid input (line 0, pos 1)",
        "Invalid input (line 2, pos 1)",
        f"Invalid input (line 1, pos {'9' * 5000})",
        "Invalid input (line 1, pos \u0661)",
        "Invalid input (line 1, pos 2):\nanother = 'query'\n ^",
        "x" * 1_000_000 + "(line 1, pos 1)",
    ],
)
def test_a_message_without_a_place_in_the_text_is_no_report(message: str) -> None:
    assert server.read(message, "id = 1", ENDPOINT, LANGUAGE) is None


def test_what_the_service_says_cannot_move_the_cursor_nor_fill_the_screen() -> None:
    report = read("\x1b[31mred\n\x00" + "x" * 5000 + " (line 1, pos 1)", "id = 1")
    assert len(str(report)) < 1000
    assert str(report).replace("\n", "").isprintable()
    assert report.diagnostics[0].message.isprintable()


def test_the_report_can_be_pickled() -> None:
    report = read(RECORDED, "type equals 'EX50'")
    again = pickle.loads(pickle.dumps(report))
    assert (str(again), again.to_dict()) == (str(report), report.to_dict())


@given(st.text(max_size=30), st.integers(1, 3), st.integers(1, 40), st.text(max_size=20))
def test_any_place_is_inside_the_text_or_none(text: str, line: int, pos: int, words: str) -> None:
    report = server.read(f"{words} (line {line}, pos {pos})", text, ENDPOINT, LANGUAGE)
    if report is not None:
        assert all(0 <= found.start <= found.end <= len(text) for found in report.diagnostics)
        assert str(report)
