"""What the README and the docs show works as shown, and type-checks."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from functools import cache
from io import StringIO
from pathlib import Path
from typing import TypeAlias

import pytest

from digirm_cli.main import main
from digirm_simulator import Simulator
from tests.house.snippets import ROOT, blocks, commands

README = ROOT / "README.md"
PAGES = [README, *sorted((ROOT / "docs").glob("*.md"))]
SNIPPETS = [(page, source) for page in PAGES for source in blocks(page, "python")]


def _shown(value: Path | str) -> str:
    return value.name if isinstance(value, Path) else value.splitlines()[0]


Prepare: TypeAlias = "Callable[[Path], Path]"


@pytest.fixture(scope="module")
def prepare(tmp_path_factory: pytest.TempPathFactory) -> Prepare:
    """A folder in which the commands of a page have run, for what follows them; it begins with the specs."""

    @cache
    def folder(page: Path) -> Path:
        place = tmp_path_factory.mktemp(page.stem)
        shutil.copytree(ROOT / "specs", place / "specs")
        with chdir(place):
            for command in commands(page):
                said = StringIO()
                assert command.words[0] == "digirm"
                with redirect_stdout(said), redirect_stderr(said):
                    code = main(command.words[1:])
                assert code == command.code, f"{command.line}\n{said.getvalue()}"
        return place

    return folder


def test_there_are_snippets() -> None:
    assert len(blocks(README, "python")) >= 3
    assert len(SNIPPETS) >= 6
    assert len(commands(README)) >= 4


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_run(page: Path, prepare: Prepare) -> None:
    prepare(page)


@pytest.mark.parametrize(("page", "source"), SNIPPETS, ids=_shown)
def test_snippet_runs(page: Path, source: str, prepare: Prepare) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", source], cwd=prepare(page), capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_snippets_type_check(checker: str, prepare: Prepare, tmp_path: Path) -> None:
    files, places = [], []
    for number, (page, source) in enumerate(SNIPPETS):
        places.append(str(prepare(page)))
        files.append(prepare(page) / f"snippet{number}.py")
        files[-1].write_text(source, "utf-8")
    # What the commands of a page made is imported by its snippets.
    venv = Path(sys.prefix)
    settings = {
        "include": [os.path.relpath(file, tmp_path) for file in files],
        "extraPaths": places,
        "venvPath": str(venv.parent),
        "venv": venv.name,
    }
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    arguments = {
        "mypy": ["--strict", "--config-file", "pyproject.toml", *map(str, files)],
        "pyright": ["--project", str(tmp_path)],
    }
    done = subprocess.run(
        [sys.executable, "-m", checker, *arguments[checker]],
        cwd=ROOT, env={**os.environ, "MYPYPATH": os.pathsep.join(dict.fromkeys(places))},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_links_lead_somewhere() -> None:
    for file in [README, *ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]:
        for target in re.findall(r"\]\(([^)#]+)", file.read_text("utf-8")):
            if not target.startswith("https:"):
                assert (file.parent / target).exists(), f"{file.name}: {target}"


def test_what_is_shown_to_ask_the_simulator_with_works(tmp_path: Path) -> None:
    [shown] = [block for block in blocks(ROOT / "docs" / "simulator.md", "sh") if "curl" in block]
    kept = {name: value for name, value in os.environ.items() if not name.startswith("DIGIRM_")}
    programs = os.pathsep.join((str(Path(sys.executable).parent), kept["PATH"]))
    # HTTPie sends what it finds on a standard input that is no terminal.
    main_end, terminal = os.openpty()
    try:
        with Simulator(devices=10, port=0) as simulator:
            port = simulator.url.rpartition(":")[2]
            done = subprocess.run(
                ["sh", "-e", "-c", shown.replace(":8080", f":{port}")], stdin=terminal,
                cwd=tmp_path, env={**kept, "PATH": programs, "HOME": str(tmp_path)},
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            statuses = {one.status for one in simulator.requests}
    finally:
        os.close(main_end)
        os.close(terminal)
    assert done.returncode == 0, done.stdout + done.stderr
    assert statuses == {200}
    assert (tmp_path / "my-specs" / "index.json").is_file()
