"""The self-check of a generated package: every kind of damage is found, and said in one line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from digirm_codegen.generate import generate
from digirm_runtime.package import MANIFEST
from tests.codegen.support import GOLDEN


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    generate(GOLDEN / "specs", folder, "acme_rm")
    return folder / "acme_rm"


@pytest.fixture
def package(made: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(made, tmp_path / "acme_rm"))


def check(folder: Path, *more: str) -> tuple[int, list[str], str]:
    command = [sys.executable, "-B", "-m", "digirm_runtime.selfcheck", str(folder), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, cwd=folder.parent.parent)
    return done.returncode, done.stdout.splitlines(), done.stderr


def test_a_good_package(package: Path) -> None:
    assert check(package) == (0, [], "")


def edit(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


def tables(text: str) -> str:
    # Its checksum is that of a package which a generator wrote so.
    rest = edit('"contains",', '"contans",')(text.partition("\n")[2])
    return f'{{"tables_crc32":"{zlib.crc32(rest.encode()):08x}",\n{rest}'


@pytest.mark.parametrize(
    ("file", "change", "found"),
    [
        ("client.py", lambda text: text + "\n", "client.py is not what was generated"),
        ("py.typed", None, "py.typed is missing"),
        (
            "models/parts.py",
            lambda _: "raise LookupError('x')",
            "acme_rm.models.parts cannot be imported: LookupError: x",
        ),
        ("models/parts.py", edit("TypedDict):", "TypedDict):\n    odd: Nowhere"), "name 'Nowhere' is not defined"),
        ("api/parts.py", edit("    def ", "    def odd("), "acme_rm.api.parts cannot be imported: SyntaxError"),
        ("client.py", edit('"parts": "parts"', '"parts": "elsewhere"'), "rm.elsewhere: AttributeError"),
        ("query/tables.json", lambda text: text + " ", "the query language cannot be used"),
        ("query/tables.json", tables, "no condition with 'name' and 'contans' is understood"),
    ],
)
def test_damage(package: Path, file: str, change: Callable[[str], str] | None, found: str) -> None:
    if change is None:
        (package / file).unlink()
    else:
        (package / file).write_text(change((package / file).read_text()))
    code, lines, err = check(package)
    assert (code, err) == (1, "")
    assert any(found in line for line in lines), lines
    assert all(line.isprintable() for line in lines)


def test_a_manifest_that_is_none(package: Path) -> None:
    (package / MANIFEST).write_text("[]")
    assert check(package) == (1, [f"{MANIFEST} is missing or damaged"], "")


def test_a_manifest_that_is_wrong(package: Path) -> None:
    document = json.loads((package / MANIFEST).read_bytes())
    document["files"]["gone.py"] = "sha256:0"
    (package / MANIFEST).write_text(json.dumps(document))
    assert check(package) == (1, ["gone.py is missing"], "")


def test_another_package_of_that_name(package: Path, tmp_path: Path) -> None:
    # One that was imported before, as a startup file of the environment may do.
    other = tmp_path / "other"
    shutil.copytree(package, other / "acme_rm")
    code = f"""
import sys
sys.path.insert(0, {str(other)!r})
import acme_rm
from digirm_runtime import selfcheck
sys.exit(selfcheck.main([{str(package)!r}]))
"""
    done = subprocess.run([sys.executable, "-B", "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stderr) == (1, "")
    assert "leads to another package" in done.stdout


def test_what_is_no_package(tmp_path: Path) -> None:
    code, lines, err = check(tmp_path)
    assert (code, lines) == (2, [])
    assert err == f"selfcheck: there is no generated package in {tmp_path}\n"


def test_it_wants_one_folder(tmp_path: Path) -> None:
    code, lines, err = check(tmp_path, "more")
    assert (code, lines, err.partition(":")[0]) == (2, [], "usage")
