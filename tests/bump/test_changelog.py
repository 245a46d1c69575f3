"""The section of a changelog that a new API version gets."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_codegen import changelog
from digirm_codegen.diff.findings import Finding

BREAKING = Finding("field-removed", "breaking", "the query field `name` is gone")
WARNING = Finding("orderby-lost", "warning", "the list can no longer be ordered by `id`")
INFO = Finding("path-added", "info", "the path `/ws/v1/x` is new")
NEW = "### API `1` → `2`\n\n- breaking: the query field `name` is gone\n"


def test_findings_by_level() -> None:
    assert changelog.section("API `1` → `2`", [INFO, BREAKING, WARNING], ["names: GET /ws/v1/`x`"]) == (
        "### API `1` → `2`\n\n"
        "- breaking: the query field `name` is gone\n"
        "- warning: the list can no longer be ordered by `id`\n"
        "- info: the path `/ws/v1/x` is new\n"
        "- override that no longer applies: `names: GET /ws/v1/\\x60x\\x60`\n"
    )


def test_many_findings_are_counted() -> None:
    text = changelog.section("API", [INFO] * 1000 + [BREAKING])
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


def test_line_ends_stay() -> None:
    text = changelog.insert("# C\r\n\r\n## [Unreleased]\r\n- a\r\n", NEW)
    assert text == f"# C\n\n## [Unreleased]\n- a\n\n{NEW}".replace("\n", "\r\n")


LINES = st.lists(
    st.sampled_from(["# C", "## [Unreleased]", "## 1.0", "### Added", "### API `1` → `2`", "- a", "", "text"]),
    max_size=12,
)


@given(LINES)
def test_twice_is_once(lines: list[str]) -> None:
    once = changelog.insert("\n".join(lines), NEW)
    assert changelog.insert(once, NEW) == once


@given(LINES)
def test_nothing_else_is_lost(lines: list[str]) -> None:
    mine = [line for line in lines if not line.startswith("### API")]
    found = changelog.insert("\n".join(mine), NEW).splitlines()
    added = {"", "# Changelog", "## [Unreleased]", *NEW.splitlines()}
    assert [line for line in found if line not in added] == [line for line in mine if line not in added]
    assert found.count("## [Unreleased]") == max(1, mine.count("## [Unreleased]"))
