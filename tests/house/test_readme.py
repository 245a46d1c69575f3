"""What the README and the docs show works as shown, and type-checks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from digirm_cli.main import main
from tests.house.snippets import ROOT, blocks, commands

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
SNIPPETS = [source for page in PAGES for source in blocks(page, "python")]


def test_there_are_snippets() -> None:
    assert len(blocks(README, "python")) >= 3
    assert len(SNIPPETS) >= 6
    assert len(commands(README)) >= 4


@pytest.mark.parametrize("source", SNIPPETS, ids=lambda source: source.splitlines()[0])
def test_snippet_runs(source: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("checker", [("mypy", "--strict", "--config-file", "pyproject.toml"), ("pyright",)])
def test_snippets_type_check(checker: tuple[str, ...], tmp_path: Path) -> None:
    files = []
    for number, source in enumerate(SNIPPETS):
        files.append(tmp_path / f"snippet{number}.py")
        files[-1].write_text(source, "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", *checker, *files],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_run(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in commands(page):
        assert command.words[0] == "digirm"
        assert main(command.words[1:]) == command.code, command.line + "\n" + "".join(capsys.readouterr())


def test_links_lead_somewhere() -> None:
    for file in [README, *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", file.read_text("utf-8")):
            if not target.startswith("https:"):
                assert (file.parent / target).exists(), f"{file.name}: {target}"
