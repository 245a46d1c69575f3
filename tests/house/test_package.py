"""What is shipped: the wheel holds every file of every package, and the repository nothing of one machine."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email import message_from_bytes
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from digirm_runtime.base import VERSION
from tests.house.snippets import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
PACKAGES = [ROOT / path for path in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]


def tracked() -> list[Path]:
    """Files of the repository: committed, or neither committed nor ignored."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    return [ROOT / name for name in names if name and (ROOT / name).is_file()]


#: What the page is made of, as `make web` leaves it: the repository holds none of it.
BUNDLE = {
    "index.html": "<!doctype html>",
    "assets/index-1a2b3c.js": "export {};",
    "assets/index-4d5e6f.css": ":root {}",
}
STATIC = "digirm_explorer/static/"
SPECS = "digirm_explorer/specs/"


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone, as it were, with what is not committed yet: no page is built in it."""
    folder = tmp_path_factory.mktemp("checkout")
    parts = {Path(path).parts[0] for path in PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]}
    parts |= {"specs", "pyproject.toml", ".gitignore", "README.md", "LICENSE"}
    for file in tracked():
        place = file.relative_to(ROOT)
        if place.parts[0] in parts:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, folder / place)
    return folder


def built(checkout: Path, folder: Path) -> zipfile.ZipFile:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=checkout, capture_output=True, check=True)
    (file,) = folder.glob("*.whl")
    return zipfile.ZipFile(file)


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    return built(checkout, tmp_path_factory.mktemp("wheel"))


def test_wheel_holds_every_file_of_every_package(wheel: zipfile.ZipFile) -> None:
    wanted = {
        str(file.relative_to(package.parent)) for file in tracked() for package in PACKAGES if package in file.parents
    }
    held = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {name for name in held if not name.startswith(SPECS)} == wanted
    assert {f"{package.name}/py.typed" for package in PACKAGES} <= held
    assert any(name.startswith("digirm_codegen/templates/") for name in held)
    assert any(name.startswith("digirm_simulator/contract/22.7/") for name in held)
    assert {"digirm/query/grammar.lark", "digirm/query/tables.json", "digirm_runtime/query/literals.json"} <= held


def test_wheel_holds_the_specs_that_the_explorer_shows(wheel: zipfile.ZipFile) -> None:
    specs = ROOT / "specs"
    wanted = {f"{SPECS}{file.relative_to(specs)}" for file in tracked() if specs in file.parents}
    assert {name for name in wheel.namelist() if name.startswith(SPECS)} == wanted
    for name in wanted:
        assert wheel.read(name) == (specs / name.removeprefix(SPECS)).read_bytes()


def test_wheel_holds_the_page_where_it_was_made(checkout: Path, tmp_path: Path) -> None:
    static = checkout / "explorer" / STATIC
    for name, text in BUNDLE.items():
        (static / name).parent.mkdir(parents=True, exist_ok=True)
        (static / name).write_text(text, "utf-8")
    try:
        made = built(checkout, tmp_path)
    finally:
        shutil.rmtree(static)
    assert {name.removeprefix(STATIC) for name in made.namelist() if name.startswith(STATIC)} == BUNDLE.keys()
    assert all(made.read(STATIC + name).decode() == text for name, text in BUNDLE.items())


def test_without_the_page_the_command_says_how_to_make_it(wheel: zipfile.ZipFile, tmp_path: Path) -> None:
    assert not any(name.startswith(STATIC) for name in wheel.namelist())
    wheel.extractall(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "digirm_cli.main", "explore", "--port", "0"],
        cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert "npm ci" in done.stderr
    assert "npm run build" in done.stderr
    assert "Traceback" not in done.stderr


def test_wheel_metadata(wheel: zipfile.ZipFile) -> None:
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = message_from_bytes(wheel.read(name))
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Requires-Python"] == ">=3.11"
    assert set(metadata.get_all("Provides-Extra", [])) >= {
        "all",
        "codegen",
        "simulator",
        "explorer",
        "sql",
        "bench",
        "dev",
    }
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt"))
    assert "digirm = digirm_cli.main:main" in wheel.read(name).decode()


def pins() -> dict[str, str]:
    lines = [line for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines() if not line.startswith("#")]
    assert lines == sorted(lines, key=str.lower)
    return dict(line.split("==") for line in lines)


def test_constraints_are_plain_pins() -> None:
    for name, version in pins().items():
        assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", name)
        assert re.fullmatch(r"[0-9][A-Za-z0-9.!+]*", version)


def test_constraints_pin_everything_that_is_needed() -> None:
    pinned = {canonicalize_name(name) for name in pins()}
    installed = {canonicalize_name(d.metadata["Name"]) for d in distributions()}
    needed: set[str] = set()
    todo = [("digirm", frozenset({"dev", "all", "codegen", "explorer", "simulator", "sql", "bench"}))]
    while todo:
        name, extras = todo.pop()
        for text in distribution(name).requires or ():
            requirement = Requirement(text)
            marker = requirement.marker
            wanted = marker is None or any(marker.evaluate({"extra": extra}) for extra in (*extras, ""))
            dependency = canonicalize_name(requirement.name)
            if wanted and dependency != "digirm" and dependency not in needed:
                needed.add(dependency)
                if dependency in installed:
                    todo.append((dependency, frozenset(requirement.extras)))
                else:  # a peer of the benchmarks, which only `make bench` installs
                    assert marker is not None
                    assert marker.evaluate({"extra": "bench"})
                    assert not marker.evaluate({"extra": "dev"})
    assert needed <= pinned


# In pieces, so that this file does not hold what it looks for.
FORBIDDEN = re.compile(
    "|".join(
        (
            r"/(?:root|home/[a-z]+)/",
            r"(?<![\w.])/wor" + "k/",
            "index" + r"-url",
            "py" + r"pi\.org",
            "python" + "hosted",
            "npm" + r"js\.",
            "find" + "-links",
        )
    )
)


def test_nothing_of_one_machine_or_registry_is_in_the_repository() -> None:
    found = []
    for file in tracked():
        text = file.read_bytes().decode("utf-8", "replace")
        found += [f"{file.relative_to(ROOT)}: {match[0]}" for match in FORBIDDEN.finditer(text)]
    assert found == []


def fake_python(folder: Path, version: str, *, new_enough: bool) -> Path:
    """An interpreter that says it is `version` and has no venv."""
    script = folder / "python"
    old = "" if new_enough else "*version_info*) exit 1;;"
    script.write_text(
        f'#!/bin/sh\ncase "$2" in\n*print*) echo {version};;\n*ensurepip*) exit 1;;\n{old}\nesac\n', "utf-8"
    )
    script.chmod(0o755)
    return script


def make_venv(python: Path | str) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(ROOT / "scripts" / "venv.sh")]
    env = {"PATH": "/usr/bin:/bin", "PYTHON": str(python)}
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False)


def test_an_old_python_is_named(tmp_path: Path) -> None:
    python = fake_python(tmp_path, "3.9", new_enough=False)
    done = make_venv(python)
    assert done.returncode == 2
    assert f"digirm needs Python 3.11 or newer; {python} is 3.9" in done.stderr


def test_a_missing_python_is_named() -> None:
    done = make_venv("no-such-python")
    assert done.returncode == 2
    assert "none was found under no-such-python" in done.stderr


def test_a_missing_venv_is_named(tmp_path: Path) -> None:
    done = make_venv(fake_python(tmp_path, "3.11", new_enough=True))
    assert done.returncode == 2
    assert "has no venv" in done.stderr
    assert "python3-venv" in done.stderr


def test_one_version_everywhere() -> None:
    assert PROJECT["project"]["version"] == VERSION
