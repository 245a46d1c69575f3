"""Every behaviour says how it is known, and the documentation shows it as it is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from digirm_simulator import behaviours, fidelity
from digirm_simulator import contract_files as contracts
from digirm_simulator.contract import CERTAINTIES
from tests.house.snippets import ROOT

PAGE = ROOT / "docs" / "simulator.md"
#: How the sources end that name a request, but not what it does.
ONLY_NAMED = tuple(
    f"({what})"
    for what in ("the path", "the path alone", "the method", "the parameters", "path and method", "path and parameters")
)


def row(name: str) -> list[str]:
    """The cells of a behaviour on the page."""
    (found,) = [line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| `{name}` |")]
    return found.split(" | ")


def test_every_behaviour_in_use_is_described_and_none_besides() -> None:
    described = {name for name in contracts.statements() if not name.startswith("protocol.")}
    assert described == set(fidelity.uses())
    assert described == set(behaviours.behaviours())


def test_every_statement_says_how_it_is_known() -> None:
    for name, statement in contracts.statements().items():
        assert statement.certainty in CERTAINTIES, name
        assert statement.text.strip(), name
        assert statement.source.strip(), name
        assert statement.year is None or 2000 < statement.year < 2100, name


def test_no_row_is_surer_than_any_request_that_it_is_about() -> None:
    """What a path takes can be documented without its effect; what it does cannot be without the path."""
    weakest: dict[str, dict[str, str]] = {}
    for version in contracts.versions():
        contract = contracts.builtin(version)
        for (template, method), name in contract.does.items():
            sure = {contract.paths[template].requests[method].certainty, contracts.statements()[name].certainty}
            requests = weakest.setdefault(name, {})
            wire = f"{method} {template}"
            requests[wire] = max(sure | {requests.get(wire, "recorded")}, key=CERTAINTIES.index)
    for name, requests in weakest.items():
        counted = Counter(requests.values())
        shown = row(name)[3]
        if len(counted) == 1:
            assert shown == next(iter(counted)), name
        else:
            parts = (part.split() for part in shown.split(", "))
            assert {level: int(number) for number, level in parts} == counted, name


def test_the_totals_agree_with_the_rows() -> None:
    text = PAGE.read_text("utf-8")
    for version in contracts.versions():
        counted = Counter(fidelity.answers(version).values())
        assert sum(counted.values()) == sum(len(path.requests) for path in contracts.builtin(version).paths.values())
        assert f"| {version}: what they do | {' | '.join(str(counted[level]) for level in CERTAINTIES)} |" in text


def test_what_is_only_said_of_a_path_is_not_said_of_its_effect() -> None:
    """A source that names a path, its method or its parameters says nothing of what the request does."""
    for name, statement in contracts.statements().items():
        if statement.source.partition(" ;")[0].endswith(ONLY_NAMED):
            assert statement.certainty == "inferred", name


def test_the_page_is_current() -> None:
    assert fidelity.main([str(PAGE), "--check"]) == 0


def test_the_page_shows_every_behaviour_and_every_disagreement() -> None:
    text = PAGE.read_text("utf-8")
    for name, statement in contracts.statements().items():
        assert row(name)[2] == statement.text
        assert name in fidelity.uses() or row(name)[3] == statement.certainty
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
