"""tests/data/queries.tsv against the committed client: never refuse what the service takes, and say why otherwise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from digirm import check_query
from tests.query.notation import unfold

ROOT = Path(__file__).parents[2]


class Row(NamedTuple):
    endpoint: str
    parameter: str
    text: str
    verdict: str
    codes: str
    source: str
    rule: str


ROWS = [
    Row(*line.split("\t"))
    for line in (ROOT / "tests/data/queries.tsv").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


def arguments(row: Row) -> dict[str, Any]:
    given = {"text" if row.parameter == "query" else row.parameter: unfold(row.text)}
    return {"endpoint": row.endpoint, "text": None, **given}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.rule}: {row.text[:40]}")
def test_verdict(row: Row) -> None:
    report = check_query(**arguments(row))
    assert [found.code for found in report.diagnostics] == row.codes.split(), str(report)
    assert ("error" if not report.ok else "warning" if report.diagnostics else "ok") == row.verdict, str(report)


def test_nothing_that_is_known_to_be_accepted_is_doubted() -> None:
    assert {row.source for row in ROWS} == {"documented", "recorded", "own"}
    for row in ROWS:
        if row.source != "own" and row.verdict != "ok":
            # What the service or its documents say is refused, or is not there.
            assert row.rule.split()[0] in {"equals", "like", "events", "a"}, row


def test_every_row_is_there_once() -> None:
    assert len({(row.endpoint, row.parameter, row.text) for row in ROWS}) == len(ROWS) >= 150


def test_every_open_question_of_the_language_page_has_a_row() -> None:
    page = (ROOT / "docs/query-language.md").read_text("utf-8")
    table = page[page.index("## What is open") : page.index("Always errors")]
    held = {code for row in ROWS for code in row.codes.split()}
    assert set(re.findall(r"Q\d{3}", table)) <= held
