"""Whole reports, as people read them."""

from __future__ import annotations

from unicodedata import combining, east_asian_width

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.query.diagnostics import excerpt
from digirm_runtime.query.fix import fix
from digirm_runtime.query.spacing import MAX_FAULTS
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
            """\
error Q202: there is no operator 'in'; write one condition for each value, joined by 'or'
  name in ('a', 'b') and ip is not null
  ^^^^^^^^^^^^^^^^^^
  did you mean: (name = 'a' or name = 'b')
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


def columns(text: str) -> int:
    """What a terminal needs for a text."""
    return sum(0 if combining(char) else 2 if east_asian_width(char) in "WF" else 1 for char in text)


@given(
    st.text(st.sampled_from("ax 日本\uff21é\u0301\t\n\0\xa0\u200b'\x1b"), max_size=140),
    st.sampled_from(["x", "日本", "\t", "e\u0301", "\uff21"]),
    st.text(st.sampled_from("ax 日\t\n"), max_size=140),
)
def test_carets_stand_under_whatever_is_marked(before: str, marked: str, after: str) -> None:
    text = before + marked + after
    shown, carets = excerpt(text, len(before), len(before) + len(marked))
    start = len(carets) - len(carets.lstrip(" "))
    assert set(carets[start:]) == {"^"}
    assert all(char.isprintable() for char in shown)
    # Cut the shown line at the columns of the carets: what is marked lies between them.
    left = next(n for n in range(len(shown) + 1) if columns(shown[:n]) >= start)
    while left < len(shown) and combining(shown[left]):
        left += 1
    held = shown[left:]
    assert held.startswith("    " if marked == "\t" else marked)
    assert len(carets) - start == (4 if marked == "\t" else columns(marked))


HOSTILE = [
    "(", "'", "' ", "[", '"', '"x" ', "and ", "not ", "not x ", "a=", "x", "1", "x.", "a = 1 b = 2 ", "x like ",
    "x in (", "x in (1,", "x between 1 and ", "name does not contain ", "! ", "= ", "%20", "x > now() ", "x > -1 day ",
    "\xa0", " ", "\t\n", "\u201cx ", "x' and ", "a='x'y ", "a='x' or 'y' ", "[1,", "a within [1,", ", ", "() ",
    "\ud800x", "id≥5 ", "a == 1 or ", "name='Fred's' and ", "id\t= 1 or\t", "a=b && ", "a=b c=d ", "日", "e\u0301",
    "\0",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE, ids=ascii)
def test_long_hostile_text_is_explained(piece: str) -> None:
    text = piece * (30_000 // len(piece))
    report = LANGUAGE.check("devices/inventory", text)
    assert len(report.diagnostics) <= 3 * MAX_FAULTS
    assert all(0 <= found.start <= found.end <= len(text) for found in report.diagnostics)
    assert len(str(report)) < 400 * 3 * MAX_FAULTS


@pytest.mark.parametrize("piece", ["a == 1 or ", "NAME = 'x' or ", "id\t= '1' or\t", "%20", "! "], ids=ascii)
def test_long_hostile_text_is_mended_or_given_up(piece: str) -> None:
    text = piece * (10_000 // len(piece))
    assert fix(LANGUAGE, "devices/inventory", text).text == text
