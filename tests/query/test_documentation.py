"""docs/diagnostics.md: each code is there, its failing example has exactly that fault, its mended one none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from digirm_runtime.query.diagnostics import Report
from tests.query.query_api import example

ROOT = Path(__file__).parents[2]
ROWS = re.findall(
    r"^\| (Q\d{3}) \| ([^|]+) \|[^|]+\| (.+) \| ?(.*?) ?\|$", (ROOT / "docs/diagnostics.md").read_text(), re.M
)
CELL = re.compile(r"(?:(\w+): )?`([^`]+)`")
LANGUAGE = example()


def check(cell: str) -> Report | None:
    found = CELL.fullmatch(cell)
    if found is None:
        return None
    given: dict[str, Any] = {"endpoint": "devices/inventory", "text": None, found[1] or "text": found[2]}
    return LANGUAGE.check(**given)


@pytest.mark.parametrize(("code", "severity", "fails", "mended"), ROWS, ids=[row[0] for row in ROWS])
def test_examples(code: str, severity: str, fails: str, mended: str) -> None:
    report = check(fails)
    if report is None:
        assert fails.startswith("*")
        return
    assert [diagnostic.code for diagnostic in report.diagnostics] == [code], str(report)
    expected = {"warning": "warning", "error": "error", "see Verdicts": "error"}.get(severity, "error")
    assert report.diagnostics[0].severity == expected
    better = check(mended)
    assert better is not None
    assert not better.diagnostics, str(better)
    suggestion = report.diagnostics[0].suggestion
    if suggestion is not None:
        diagnostic = report.diagnostics[0]
        text = report.texts[diagnostic.parameter]
        assert text[: diagnostic.start] + suggestion + text[diagnostic.end :] == better.texts.get(
            diagnostic.parameter, better.endpoint
        )


def test_every_code_is_documented() -> None:
    source = ROOT / "runtime/digirm_runtime/query"
    used = {code for file in source.glob("*.py") for code in re.findall(r'"(Q\d{3})"', file.read_text("utf-8"))}
    assert sorted(used) == [row[0] for row in ROWS]


def test_the_snippet_of_the_language_page_runs(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/query-language.md").read_text("utf-8")
    (snippet,) = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    exec(compile(snippet, "docs/query-language.md", "exec"), {})
    assert capsys.readouterr().out == "(id = 'a' or id = 'b') and firmware_version >= '22' and not_in_the_spec = 1\n"
