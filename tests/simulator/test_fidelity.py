"""Every behaviour says how it is known, and the documentation shows it as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from digirm_simulator import behaviours, fidelity
from digirm_simulator import contract_files as contracts
from tests.house.snippets import ROOT

PAGE = ROOT / "docs" / "simulator.md"


def test_every_behaviour_in_use_is_described_and_none_besides() -> None:
    described = {name for name in contracts.statements() if not name.startswith("protocol.")}
    assert described == set(fidelity.uses())
    assert described == set(behaviours.behaviours())


def test_every_statement_says_how_it_is_known() -> None:
    for name, statement in contracts.statements().items():
        assert statement.certainty in contracts.CERTAINTIES, name
        assert statement.text.strip(), name
        assert statement.source.strip(), name
        assert statement.year is None or 2000 < statement.year < 2100, name


def test_no_behaviour_is_surer_than_the_requests_that_it_answers() -> None:
    """What a path takes can be documented without its effect; what it does cannot be without the path."""
    levels = contracts.CERTAINTIES
    surest: dict[str, int] = {}
    for version in contracts.versions():
        contract = contracts.builtin(version)
        for (template, method), name in contract.does.items():
            level = levels.index(contract.paths[template].requests[method].certainty)
            surest[name] = min(level, surest.get(name, len(levels)))
    unsure = {name for name, level in surest.items() if levels[level] == "inferred"}
    assert {name for name in unsure if contracts.statements()[name].certainty != "inferred"} == set()


def test_the_page_is_current() -> None:
    assert fidelity.main([str(PAGE), "--check"]) == 0


def test_the_page_shows_every_behaviour_and_every_disagreement() -> None:
    text = PAGE.read_text("utf-8")
    for name, statement in contracts.statements().items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert row.split(" | ")[3] == statement.certainty
    assert all(one.reason in text for one in fidelity.disagreements())


def test_check_write_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    markers = "".join(f"<!-- {name} -->\nof another day\n<!-- /{name} -->\n" for name in fidelity.tables())
    page.write_text(f"before\n{markers}after\n")
    assert fidelity.main([str(page), "--check"]) == 1
    assert "out of date" in capsys.readouterr().out
    assert fidelity.main([str(page)]) == 0
    assert fidelity.main([str(page), "--check"]) == 0
    text = page.read_text("utf-8")
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "of another day" not in text


@pytest.mark.parametrize("text", [None, "", "<!-- fidelity -->\n", "<!-- /fidelity --><!-- fidelity -->\n"])
def test_a_page_that_cannot_be_written(text: str | None, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "page.md"
    if text is not None:
        page.write_text(text)
    assert fidelity.main([str(page)]) == 2
    assert capsys.readouterr().err.startswith("fidelity: ")
    assert text is None or page.read_text() == text
