"""`digirm export-spec`: files, folders, `--check`, and what it refuses."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from digirm_cli.main import main
from digirm_codegen.exports import FORMATS, export
from digirm_codegen.exports.markdown import INDEX, MARKER
from tests.codegen.support import GOLDEN, ROOT, listing, path, request, tree_of, write_spec
from tests.exports.support import SPECS, loaded, whole

SMALL = str(GOLDEN / "specs")


def run(*arguments: str, specs: str = SMALL) -> int:
    return main(["export-spec", "--specs", specs, *arguments])


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_goes_to_stdout(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", name, specs=str(SPECS)) == 0
    assert capsys.readouterr().out == whole(name).text


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_written_and_compared(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "new" if FORMATS[name].folder else tmp_path / "out"
    arguments = ("--format", name, "--out", str(out))
    assert run(*arguments, "--check") == 1
    assert f"missing: {out.as_posix()}" in capsys.readouterr().out
    assert not out.exists()
    assert run(*arguments) == 0
    assert run(*arguments, "--check") == 0
    before = tree_of(tmp_path)
    assert run(*arguments) == 0
    assert tree_of(tmp_path) == before
    file = out / "parts.md" if FORMATS[name].folder else out
    file.write_bytes(file.read_bytes() + b"x")
    assert run(*arguments, "--check") == 1
    assert capsys.readouterr().out == f"differs: {file.as_posix()}\n"
    assert run(*arguments) == 0
    assert tree_of(tmp_path) == before


@pytest.mark.parametrize("name", FORMATS)
def test_the_same_spec_gives_the_same_bytes(name: str) -> None:
    for folder in (False, True):
        assert export(loaded(), name, folder=folder) == export(loaded(), name, folder=folder)


def test_the_committed_pages_are_those_of_the_specs() -> None:
    assert run("--format", "markdown", "--out", str(ROOT / "docs" / "reference"), "--check", specs=str(SPECS)) == 0


def test_pages_of_categories_that_are_gone_are_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pages"
    assert run("--format", "markdown", "--out", str(out), specs=str(SPECS)) == 0
    (out / "mine.md").write_text("# Mine\n")
    (out / "notes.txt").write_text(MARKER)
    assert run("--format", "markdown", "--out", str(out), "--check") == 1
    said = capsys.readouterr().out.splitlines()
    assert f"extra: {(out / 'devices.md').as_posix()}" in said
    assert not any("mine" in line or "notes" in line for line in said)
    assert run("--format", "markdown", "--out", str(out)) == 0
    assert sorted(file.name for file in out.iterdir()) == [INDEX, "mine.md", "notes.txt", "parts.md"]


def test_a_link_to_a_page_that_is_gone_stays(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, kept = tmp_path / "pages", tmp_path / "kept.md"
    assert run("--format", "markdown", "--out", str(out)) == 0
    kept.write_text(MARKER)
    (out / "old.md").symlink_to(kept)
    (out / "older.md").write_text(MARKER)
    assert run("--format", "markdown", "--out", str(out), "--check") == 1
    assert capsys.readouterr().out == f"extra: {(out / 'older.md').as_posix()}\n"
    assert run("--format", "markdown", "--out", str(out)) == 0
    assert (out / "old.md").is_symlink()
    assert not (out / "older.md").exists()


@pytest.mark.parametrize("mask", [0o022, 0o077, 0o002])
@pytest.mark.parametrize("name", FORMATS)
def test_new_files_have_the_mode_that_the_umask_leaves_and_old_ones_their_own(
    name: str, mask: int, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    file = out / "parts.md" if FORMATS[name].folder else out
    before = os.umask(mask)
    try:
        assert run("--format", name, "--out", str(out)) == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o666 & ~mask
        file.write_bytes(file.read_bytes() + b"x")
        file.chmod(0o640)
        assert run("--format", name, "--out", str(out)) == 0
        assert stat.S_IMODE(file.stat().st_mode) == 0o640
    finally:
        os.umask(before)


@pytest.mark.parametrize("is_link", [False, True])
def test_a_page_that_is_not_ours_is_not_replaced(
    is_link: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out, other = tmp_path / "pages", tmp_path / "other.md"
    out.mkdir()
    other.write_text(MARKER if is_link else "# Mine\n")
    if is_link:
        (out / "parts.md").symlink_to(other)
    else:
        other.replace(out / "parts.md")
    before = tree_of(tmp_path)
    assert run("--format", "markdown", "--out", str(out)) == 2
    assert "parts.md was not made by export-spec" in capsys.readouterr().err
    assert tree_of(tmp_path) == before


def test_a_category_with_the_name_of_the_index(tmp_path: Path) -> None:
    documents = {name: listing(path(f"/ws/v1/{name}", request("GET"))) for name in ("readme", "README", "con")}
    specs = write_spec(tmp_path / "specs", documents)
    out = tmp_path / "pages"
    assert run("--format", "markdown", "--out", str(out), specs=str(specs)) == 0
    names = [file.name.lower() for file in out.iterdir()]
    assert len(names) == len(set(names)) == 4
    assert "con.md" not in names
    assert run("--format", "markdown", "--out", str(out), "--check", specs=str(specs)) == 0


def test_a_check_needs_something_to_compare_with(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--format", "http", "--check") == 2
    assert "--check needs --out" in capsys.readouterr().err


@pytest.mark.parametrize("name", FORMATS)
def test_an_output_that_cannot_be_used(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # A file where a folder should be, and the other way round.
    wrong = tmp_path / "wrong"
    if FORMATS[name].folder:
        wrong.write_text("x")
    else:
        wrong.mkdir()
    for more in ((), ("--check",)):
        assert run("--format", name, "--out", str(wrong), *more) == 2
        said = capsys.readouterr().err
        assert said.startswith("digirm: cannot ")
        assert "Traceback" not in said


def test_unavailable_categories_are_named(tmp_path: Path) -> None:
    folder = write_spec(tmp_path / "specs", {"parts": listing(path("/ws/v1/parts", request("GET")))})
    index = json.loads((folder / "index.json").read_text())
    index["unavailable"] = {"secrets": {"status": 403, "kind": "forbidden"}}
    (folder / "index.json").write_text(json.dumps(index))
    for name in FORMATS:
        out = tmp_path / f"{name}.out"
        assert run("--format", name, "--out", str(out), specs=str(folder)) == 0
        written = (out / INDEX if out.is_dir() else out).read_text()
        assert "secrets" in written
    info = json.loads((tmp_path / "openapi.out").read_text())["info"]
    assert info["x-unavailable"] == {"secrets": {"status": 403, "kind": "forbidden"}}
