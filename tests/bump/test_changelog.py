"""The section of a changelog that a new API version gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_codegen import changelog
from digirm_codegen.diff.findings import Finding
from digirm_codegen.diff.report import Report
from digirm_codegen.diff.surface import Lost

BREAKING = Finding("field-removed", "breaking", "the query field `name` is gone")
WARNING = Finding("orderby-lost", "warning", "the list can no longer be ordered by `id`")
INFO = Finding("path-added", "info", "the path `/ws/v1/x` is new")
NEW = "### API `1` → `2`\n\n- breaking: the query field `name` is gone\n"


def test_findings_by_level() -> None:
    assert changelog.section(
        "API `1` → `2`", Report("1", "2", (INFO, BREAKING, WARNING), dropped=("names: GET /ws/v1/`x`",))
    ) == (
        "### API `1` → `2`\n\n"
        "- breaking: the query field `name` is gone\n"
        "- warning: the list can no longer be ordered by `id`\n"
        "- info: the path `/ws/v1/x` is new\n"
        "- override that no longer applies: `names: GET /ws/v1/\\x60x\\x60`\n"
    )


def test_guesses_and_reasons_are_told_too() -> None:
    finding = Finding(
        "field-removed", "info", "`a` is gone", notes=("perhaps renamed to `b`", "info instead of breaking")
    )
    assert changelog.section("API", Report("1", "2", (finding,))).splitlines()[2] == (
        "- info: `a` is gone (perhaps renamed to `b`; info instead of breaking)"
    )


def test_a_version_without_findings() -> None:
    assert changelog.section("API", Report("1", "2", (), dropped=("names: x",))) == (
        "### API\n\n- The contract did not change.\n- override that no longer applies: `names: x`\n"
    )
    assert changelog.section("API", Report("1", "2", (), not_compared=("rooms",))) == (
        "### API\n\n- Nothing that was compared changed.\n- not compared, as unavailable both times: `rooms`\n"
    )


def test_names_that_end_without_a_finding() -> None:
    ended = Lost("method", "rm.halls", "was an alias, and is no longer kept")
    explained = Lost("method", "rm.rooms", "is gone", because="category-removed rooms")
    report = Report("1", "2", (), client=(ended, explained, Lost("changed", "rm.a", "returns more")))
    assert changelog.section("API", report) == (
        "### API\n\n- The contract did not change.\n- Python name: `rm.halls`: was an alias, and is no longer kept\n"
    )
    many = report._replace(client=(ended,) * 100)
    assert changelog.section("API", many).endswith(f"- Python name: {100 - changelog.MAX_ENTRIES} more\n")


def test_many_findings_are_counted() -> None:
    text = changelog.section("API", Report("1", "2", (*[INFO] * 1000, BREAKING)))
    assert text.splitlines()[2] == f"- breaking: {BREAKING.message}"
    assert len(text.splitlines()) == 2 + 1 + changelog.MAX_ENTRIES + 1
    assert text.endswith(f"- info: {1000 - changelog.MAX_ENTRIES} more; `digirm diff` shows all\n")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"# Changelog\n\n## [Unreleased]\n\n{NEW}"),
        ("# Changes\n", f"# Changes\n\n## [Unreleased]\n\n{NEW}"),
        ("# Changes", f"# Changes\n\n## [Unreleased]\n\n{NEW}"),
        (
            "# Changes\n\n## 1.0\n- first\n",
            f"# Changes\n\n## [Unreleased]\n\n{NEW}\n## 1.0\n- first\n",
        ),
        (
            "# C\n\n## [Unreleased]\n\n### Added\n- a\n\n## [1.0]\n- first\n",
            f"# C\n\n## [Unreleased]\n\n### Added\n- a\n\n{NEW}\n## [1.0]\n- first\n",
        ),
        ("# C\n\n## unreleased (soon)\n", f"# C\n\n## unreleased (soon)\n\n{NEW}"),
        (
            "# C\n\n## [Unreleased]\n\n### API `1` → `2`\n\n- old\n\n### Fixed\n- b\n",
            f"# C\n\n## [Unreleased]\n\n{NEW}\n### Fixed\n- b\n",
        ),
        (
            "# C\n\n## [Unreleased]\n- x\n\n## [1.0]\n\n### API `1` → `2`\n\n- old\n",
            f"# C\n\n## [Unreleased]\n- x\n\n{NEW}\n## [1.0]\n\n### API `1` → `2`\n\n- old\n",
        ),
    ],
)
def test_where_it_goes(before: str, after: str) -> None:
    assert changelog.insert(before, NEW) == after


LINKS = "[Unreleased]: https://example.org/a...b\n[1.0]: https://example.org/a\n"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f"# C\n\n## [Unreleased]\n- a\n\n{LINKS}", f"# C\n\n## [Unreleased]\n- a\n\n{NEW}\n{LINKS}"),
        (f"# C\n\n{LINKS}", f"# C\n\n## [Unreleased]\n\n{NEW}\n{LINKS}"),
        (
            f"## [Unreleased]\n\n### API `1` → `2`\n\n- old\n  of two lines\n\n{LINKS}",
            f"## [Unreleased]\n\n{NEW}\n{LINKS}",
        ),
        (
            "## [Unreleased]\n\n### API `1` → `2`\n\n- old\n\nBy hand.\n",
            f"## [Unreleased]\n\n{NEW}\nBy hand.\n",
        ),
        (
            "# C\n\n```md\n## [Unreleased]\n```\n\n## 1.0\n",
            f"# C\n\n```md\n## [Unreleased]\n```\n\n## [Unreleased]\n\n{NEW}\n## 1.0\n",
        ),
        (
            "~~~~\n## [Unreleased]\n~~~\n```\n~~~~\n## [Unreleased]\n",
            f"~~~~\n## [Unreleased]\n~~~\n```\n~~~~\n## [Unreleased]\n\n{NEW}",
        ),
        (
            "<!--\n## [Unreleased]\n-->\n<!-- x -->\n## Unreleased\n## 1.0\n",
            f"<!--\n## [Unreleased]\n-->\n<!-- x -->\n## Unreleased\n\n{NEW}\n## 1.0\n",
        ),
        (
            "# C\n\n## [Unreleased]\n\n```\n## 1.0\n### API `1` → `2`\n```\n",
            f"# C\n\n## [Unreleased]\n\n```\n## 1.0\n### API `1` → `2`\n```\n\n{NEW}",
        ),
        ("```a` is code\n## [Unreleased]\n", f"```a` is code\n## [Unreleased]\n\n{NEW}"),
        ("\ufeff## [Unreleased]\n", f"\ufeff## [Unreleased]\n\n{NEW}"),
        ("# C\n```\n## 1.0\n", f"# C\n\n## [Unreleased]\n\n{NEW}\n```\n## 1.0\n"),
        (
            "## [Unreleased]\n- a\n<!--\n[1.0]: https://example.org -->\n",
            f"## [Unreleased]\n- a\n<!--\n[1.0]: https://example.org -->\n\n{NEW}",
        ),
        ("\ufeff\n", f"# Changelog\n\n## [Unreleased]\n\n{NEW}"),
        ("## Unreleasedly\n", f"## [Unreleased]\n\n{NEW}\n## Unreleasedly\n"),
    ],
)
def test_what_is_no_heading_and_no_entry(before: str, after: str) -> None:
    assert changelog.insert(before, NEW) == after
    assert changelog.insert(after, NEW) == after


def test_entries_can_be_added() -> None:
    text = changelog.insert("## [Unreleased]\n", "### API `1` → `1`\n\n- info: a\n- info: b\n", add=True)
    once = changelog.insert(text + "\n## 1.0\n", "### API `1` → `1`\n\n- breaking: c\n- info: b\n", add=True)
    assert once == "## [Unreleased]\n\n### API `1` → `1`\n\n- info: a\n- breaking: c\n- info: b\n\n## 1.0\n"
    # What comes again is the last word: between it and now its opposite may have been said.
    again = changelog.insert(once, "### API `1` → `1`\n\n- info: a\n", add=True)
    assert again == "## [Unreleased]\n\n### API `1` → `1`\n\n- breaking: c\n- info: b\n- info: a\n\n## 1.0\n"
    assert changelog.insert(again, "### API `1` → `1`\n\n- info: a\n", add=True) == again


def test_new_lines_end_as_the_first_does() -> None:
    text = changelog.insert("# C\r\n\r\n## [Unreleased]\r\n- a\n", NEW)
    added = NEW.replace("\n", "\r\n")
    assert text == f"# C\r\n\r\n## [Unreleased]\r\n- a\n\r\n{added}"
    assert changelog.insert("# C\n## Unreleased\r\n", NEW) == f"# C\n## Unreleased\r\n\n{NEW}"


LINE = [
    *("# C", "## [Unreleased]", "## 1.0", "### Added", "### API `1` → `2`", "- a", "", "text", "  more"),
    *("```", "<!--", "-->", "[1.0]: https://example.org"),
]
LINES = st.lists(st.sampled_from(LINE), max_size=12)


@given(LINES)
def test_twice_is_once(lines: list[str]) -> None:
    once = changelog.insert("\n".join(lines), NEW)
    assert changelog.insert(once, NEW) == once


@given(st.lists(st.tuples(st.sampled_from(LINE), st.sampled_from(["\n", "\r\n"])), max_size=12))
def test_nothing_else_is_touched(lines: list[tuple[str, str]]) -> None:
    mine = [line + end for line, end in lines if not line.startswith("### API")]
    found = iter(changelog.insert("".join(mine), NEW).splitlines(keepends=True))
    assert all(line in found for line in mine if "".join(mine).strip()), "in this order, with these line ends"
