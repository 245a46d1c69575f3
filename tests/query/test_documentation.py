"""docs/diagnostics.md: each code is there, its failing example has exactly that fault, its mended one none."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from digirm_runtime.query import server
from digirm_runtime.query.fix import CERTAIN, SPACING, fix
from digirm_runtime.query.language import Language
from digirm_runtime.query.report import Report
from digirm_runtime.spec import from_documents
from tests.query.notation import unfold
from tests.query.query_api import EXAMPLE, OVERRIDES, PATH, document

ROOT = Path(__file__).parents[2]
ROW = r"^\| (Q\d{3}) \| ([^|]+) \|[^|]+\| (.+) \| (.+) \| ([^|]+) \|$"
ROWS = re.findall(ROW, (ROOT / "docs/diagnostics.md").read_text("utf-8"), re.MULTILINE)
CELL = re.compile(r"(?:(\w+): )?`([^`]+)`")


def _language() -> Language:
    params = ("query", "orderby", "size", "cursor", "fields")
    listing = [
        *document(PATH, *EXAMPLE, params=params)["list"],
        *document("/ws/v1/devices/summary", *EXAMPLE, params=("query",))["list"],
    ]
    return Language.from_spec(
        from_documents(
            {"devices": {"list": listing}},
            api_version="1.0",
            base_path="/ws/v1",
            provenance="live",
            overrides=OVERRIDES,
        )
    )


LANGUAGE = _language()


def arguments(cell: str) -> dict[str, Any]:
    assert re.sub(CELL, "", cell).strip(", ") == "", cell
    given = {name or "text": unfold(text) for name, text in CELL.findall(cell)}
    return {"endpoint": "devices/inventory", "text": None, **given}


def check(cell: str) -> Report:
    given = arguments(cell)
    if "answer" not in given:
        return LANGUAGE.check(**given)
    report = server.read(given["answer"], given["text"], given["endpoint"], LANGUAGE)
    assert report is not None
    return report


@pytest.mark.parametrize(("code", "severity", "fails", "mended", "fixed"), ROWS, ids=[row[0] for row in ROWS])
def test_examples(code: str, severity: str, fails: str, mended: str, fixed: str) -> None:
    report, better = check(fails), check(mended)
    codes = [diagnostic.code for diagnostic in report.diagnostics]
    assert codes == [code] or (code == "Q124" and codes.count(code) == 1), str(report)
    diagnostic = report.diagnostics[codes.index(code)]
    assert diagnostic.severity == {"warning": "warning", "error": "error", "see Verdicts": "error"}.get(
        severity, "error"
    )
    assert not better.diagnostics, str(better)
    text = report.texts[diagnostic.parameter]
    if diagnostic.suggestion is not None:
        suggested = text[: diagnostic.start] + diagnostic.suggestion + text[diagnostic.end :]
        assert suggested == better.texts.get(diagnostic.parameter, better.endpoint)
    given = arguments(fails)
    if given["text"] is not None:
        expected = arguments(mended)["text"] if fixed.startswith("yes") else given["text"]
        assert fix(LANGUAGE, given["endpoint"], given["text"]).text == expected
    assert ("yes" in fixed) == (code in CERTAIN or code in SPACING)


def test_every_code_is_documented() -> None:
    source = ROOT / "runtime/digirm_runtime/query"
    used = {code for file in source.glob("*.py") for code in re.findall(r'"(Q\d{3})"', file.read_text("utf-8"))}
    assert sorted(used) == [row[0] for row in ROWS]


def test_the_snippets_of_the_language_page_run(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/query-language.md").read_text("utf-8")
    snippets = re.findall(r"^```python\n(.*?)^```$", page, re.M | re.S)
    assert len(snippets) == 2
    for snippet in snippets:
        exec(compile(snippet, "docs/query-language.md", "exec"), {})
    assert capsys.readouterr().out == "(id = 'a' or id = 'b') and firmware_version >= '22' and not_in_the_spec = 1\n"
