"""Whole reports, as people read them."""

from __future__ import annotations

import pytest

from digirm_runtime.query.diagnostics import excerpt
from tests.query.query_api import example

LANGUAGE = example("reconstructed")
JUDGE = f"judged by devices/inventory, {LANGUAGE.info}"
OPERATORS = "<, <=, <>, =, >, >=, contains, endsWith, startsWith, within"


@pytest.mark.parametrize(
    ("query", "report"),
    [
        (
            "connection_status = 'connected' and nmae contains 'x'",
            """\
error Q201: 'devices/inventory' has no field 'nmae'
  connection_status = 'connected' and nmae contains 'x'
                                      ^^^^
  did you mean: name""",
        ),
        (
            "nmae == 'x' and (id != 3 or",
            f"""\
error Q201: 'devices/inventory' has no field 'nmae'
  nmae == 'x' and (id != 3 or
  ^^^^
  did you mean: name
error Q202: there is no operator '=='; known: {OPERATORS}
  nmae == 'x' and (id != 3 or
       ^^
  did you mean: =
error Q103: this bracket is never closed
  nmae == 'x' and (id != 3 or
                  ^
error Q202: there is no operator '!='; known: {OPERATORS}
  nmae == 'x' and (id != 3 or
                      ^^
  did you mean: <>
error Q105: a condition is missing at the end, after 'or'
  nmae == 'x' and (id != 3 or
                             ^""",
        ),
        (
            "name in ('a', 'b') and ip is not null",
            f"""\
error Q202: there is no operator 'in'; known: {OPERATORS}
  name in ('a', 'b') and ip is not null
       ^^
error Q202: there is no operator 'is'; unset values are found with 'empty'
  name in ('a', 'b') and ip is not null
                            ^^^^^^^^^^^
  did you mean: <> empty""",
        ),
        (
            "name = Daffy Duck and id = 1e5 or last_update > 1d",
            """\
error Q110: text and times stand in single quotes
  name = Daffy Duck and id = 1e5 or last_update > 1d
         ^^^^^^^^^^
  did you mean: 'Daffy Duck'
error Q110: '1e5' is no number; text stands in single quotes
  name = Daffy Duck and id = 1e5 or last_update > 1d
                             ^^^
error Q118: the relative time has no sign: sign, number and d, h, m or s, as in -1d
  name = Daffy Duck and id = 1e5 or last_update > 1d
                                                  ^^
  did you mean: -1d""",
        ),
        (
            "or () and )",
            """\
error Q105: a condition is missing before 'or'
  or () and )
  ^^
error Q105: a condition is missing before ')'
  or () and )
      ^
error Q104: this bracket closes nothing
  or () and )
            ^
error Q105: a condition is missing at the end, after ')'
  or () and )
             ^""",
        ),
        (
            "name\t=\t'日本' and\u00a0ip = '1'",
            """\
warning Q119: only blanks are known to be accepted between words, not tabs or line breaks
  name    =    '日本' and ip = '1'
      ^^^^
  did you mean: a blank
error Q125: this white space is no plain blank
  name    =    '日本' and ip = '1'
                         ^
  did you mean: a blank""",
        ),
    ],
)
def test_whole_report(query: str, report: str) -> None:
    assert str(LANGUAGE.check("devices/inventory", query)) == f"{report}\n{JUDGE}"


def test_other_parameters_show_their_own_text() -> None:
    report = LANGUAGE.check("devices/inventory", "id = 1", orderby="nmae desc", size=0)
    assert str(report) == (
        "error Q201: orderby: 'devices/inventory' has no field 'nmae'\n"
        "  nmae desc\n"
        "  ^^^^\n"
        "  did you mean: name\n"
        "error Q411: size: the size is a whole number from 1 on\n"
        "  0\n"
        "  ^\n"
        f"{JUDGE}"
    )


@pytest.mark.parametrize(
    ("text", "start", "end", "shown", "carets"),
    [
        ("ab", 1, 2, "ab", " ^"),
        ("ab", 2, 2, "ab", "  ^"),
        ("日本x", 2, 3, "日本x", "    ^"),
        ("日本x", 0, 1, "日本x", "^^"),
        ("e\u0301x", 2, 3, "e\u0301x", " ^"),
        ("\tx", 1, 2, "    x", "    ^"),
        ("\0\x1b[31mx", 7, 8, "\ufffd\ufffd[31mx", " " * 6 + "^"),
        ("one\ntwo three\nfour", 8, 13, "two three", "    ^^^^^"),
        ("a" * 150 + "X" + "b" * 150, 150, 151, "…" + "a" * 50 + "X" + "b" * 49 + "…", " " * 51 + "^"),
        ("x" * 500, 0, 500, "x" * 100 + "…", "^" * 100),
        ("n\n" + "a" * 60 + "X" * 90, 62, 152, "…" + "a" * 50 + "X" * 50 + "…", " " * 51 + "^" * 50),
    ],
)
def test_carets_stand_under_the_fault(text: str, start: int, end: int, shown: str, carets: str) -> None:
    if "\x1b" in text:
        start, end = text.index("x"), text.index("x") + 1
    assert excerpt(text, start, end) == (shown, carets)
