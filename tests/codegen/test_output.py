import json
from pathlib import Path

import pytest

from digirm_codegen.generate import generate
from digirm_runtime.errors import SpecError
from digirm_runtime.package import MANIFEST
from tests.codegen.support import GOLDEN, listing, path, request, tree_of, write_spec

SPECS = GOLDEN / "specs"
OURS = ["digirm_runtime", "digirm_codegen", "digirm_simulator", "digirm_explorer", "digirm_cli"]


@pytest.fixture
def made(tmp_path: Path) -> Path:
    generate(SPECS, tmp_path, "made")
    return tmp_path / "made"


def check(made: Path) -> tuple[str, ...]:
    return generate(SPECS, made.parent, "made", check=True).differences


def test_a_second_run_writes_nothing(made: Path) -> None:
    times = {file: file.stat().st_mtime_ns for file in made.rglob("*")}
    result = generate(SPECS, made.parent, "made")
    assert (result.written, result.removed) == ((), ())
    assert {file: file.stat().st_mtime_ns for file in made.rglob("*")} == times


def test_check_names_every_difference_and_writes_nothing(made: Path) -> None:
    assert check(made) == ()
    (made / "client.py").write_text("edited by hand\n")
    (made / "py.typed").unlink()
    (made / "mine.py").write_text("")
    before = tree_of(made)
    assert check(made) == ("differs: client.py", "missing: py.typed", "extra: mine.py")
    assert tree_of(made) == before


def test_a_manifest_that_agrees_with_a_hand_edit_is_caught_too(made: Path) -> None:
    text = (made / MANIFEST).read_text()
    (made / MANIFEST).write_text(text.replace("sha256:", "sha256:0", 1))
    assert check(made) == (f"differs: {MANIFEST}",)


def test_check_of_a_package_that_is_not_there(tmp_path: Path) -> None:
    differences = generate(SPECS, tmp_path, "made", check=True).differences
    assert "missing: client.py" in differences
    assert list(tmp_path.iterdir()) == []


def test_what_the_generator_no_longer_owns_is_removed(made: Path, tmp_path: Path) -> None:
    (made / "mine.py").write_text("")
    other = write_spec(tmp_path / "other", {"rooms": listing(path("/ws/v1/rooms", request("GET")))})
    result = generate(other, tmp_path, "made")
    assert {"api/parts.py", "models/parts.py", "fields/_parts.py"} <= set(result.removed)
    assert not (made / "api" / "parts.py").exists()
    assert (made / "api" / "rooms.py").exists()
    assert (made / "mine.py").exists()


def test_a_manifest_cannot_have_files_elsewhere_removed(made: Path) -> None:
    victim = made.parent / "victim.txt"
    victim.write_text("keep")
    manifest = json.loads((made / MANIFEST).read_text())
    hostile = ["../victim.txt", str(victim), "api/../../victim.txt", "..", "", ".", "c:\\victim", "a\0b"]
    manifest["files"] |= dict.fromkeys(hostile, "sha256:0")
    (made / MANIFEST).write_text(json.dumps(manifest))
    assert generate(SPECS, made.parent, "made").removed == ()
    assert victim.read_text() == "keep"


def test_nothing_is_written_through_a_link(made: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for file in (made / "api").iterdir():
        file.unlink()
    (made / "api").rmdir()
    (made / "api").symlink_to(elsewhere)
    with pytest.raises(SpecError, match="symbolic link"):
        generate(SPECS, made.parent, "made")
    assert list(elsewhere.iterdir()) == []
    linked = tmp_path / "linked"
    linked.symlink_to(elsewhere)
    with pytest.raises(SpecError, match="symbolic link"):
        generate(SPECS, tmp_path, "linked")


def test_a_linked_file_is_replaced_not_followed(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.py"
    target.write_text("keep")
    (made / "client.py").unlink()
    (made / "client.py").symlink_to(target)
    assert "differs: client.py" in check(made) or "missing: client.py" in check(made)
    generate(SPECS, made.parent, "made")
    assert target.read_text() == "keep"
    assert check(made) == ()


@pytest.mark.parametrize("manifest", [None, "{}", "[]", "not json", '{"format": 99, "files": {}}', '{"format": 1}'])
def test_a_folder_of_someone_else_is_refused(tmp_path: Path, manifest: str | None) -> None:
    folder = tmp_path / "made"
    folder.mkdir()
    (folder / "thesis.txt").write_text("years of work")
    if manifest is not None:
        (folder / MANIFEST).write_text(manifest)
    before = tree_of(folder)
    with pytest.raises(SpecError, match="holds no digirm package"):
        generate(SPECS, tmp_path, "made")
    assert tree_of(folder) == before


def test_a_file_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "made").write_text("")
    with pytest.raises(SpecError, match="is not a folder"):
        generate(SPECS, tmp_path, "made")
    (tmp_path / "out").write_text("")
    with pytest.raises(SpecError, match="cannot write"):
        generate(SPECS, tmp_path / "out", "made")


def test_check_of_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"cannot read .*: File name too long"):
        generate(SPECS, tmp_path, "made" * 100, check=True)


@pytest.mark.parametrize("name", ["", "a b", "1x", "class", "a.b", "../x", "json", "über", "x\n", *OURS])
def test_package_names_that_cannot_be(tmp_path: Path, name: str) -> None:
    with pytest.raises(SpecError):
        generate(SPECS, tmp_path, name)
    assert list(tmp_path.iterdir()) == []
