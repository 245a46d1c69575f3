"""Changes to files are made all together or not at all, whatever fails on the way."""

from __future__ import annotations

import os
import stat
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_codegen import files
from digirm_codegen.files import Changes

PATHS = st.sampled_from(["a", "b", "sub/a", "sub/b", "sub/deep/a", "other/a"])
TREES = st.dictionaries(PATHS, st.binary(max_size=3))
STEPS = st.lists(st.tuples(PATHS, st.none() | st.binary(max_size=3)), max_size=8, unique_by=lambda step: step[0])


def state(folder: Path) -> dict[str, bytes | None]:
    """Every file's content and, as None, every folder."""
    return {
        file.relative_to(folder).as_posix(): None if file.is_dir() else file.read_bytes() for file in folder.rglob("*")
    }


def fill(folder: Path, tree: dict[str, bytes]) -> None:
    for path, data in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(data)


def collected(root: Path, steps: list[tuple[str, bytes | None]]) -> Changes:
    changes = Changes()
    for path, data in steps:
        if data is None:
            changes.remove(root, path)
        else:
            changes.write(root, path, data)
    return changes


@given(TREES, STEPS)
def test_all_of_it_is_done(tree: dict[str, bytes], steps: list[tuple[str, bytes | None]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        fill(root, tree)
        collected(root, steps).apply()
        wanted = {path: data for path, data in {**tree, **dict(steps)}.items() if data is not None}
        found = state(root)
        assert {path: data for path, data in found.items() if data is not None} == wanted
        assert not [path for path in found if files.STAGING in path]


@given(TREES, STEPS, st.data())
def test_or_nothing_of_it(tree: dict[str, bytes], steps: list[tuple[str, bytes | None]], data: st.DataObject) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "root"
        fill(root, {**tree, "file": b""})
        before = state(root)
        # Where a file is in the way of a folder, nothing can be written.
        place = data.draw(st.integers(0, len(steps)))
        with pytest.raises(OSError, match="Not a directory"):
            collected(root, [*steps[:place], ("file/below", b"x"), *steps[place:]]).apply()
        assert state(root) == before


def test_folders_that_were_made_are_unmade(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    changes = collected(tmp_path / "new" / "root", [("sub/a", b"")])
    changes.write(tmp_path, "file/below", b"")
    with pytest.raises(OSError, match="Not a directory"):
        changes.apply()
    assert state(tmp_path) == {"file": b""}


@pytest.mark.parametrize("kind", [KeyboardInterrupt, MemoryError])
def test_an_interrupt_undoes_what_was_done(
    kind: type[BaseException], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(tmp_path, {"a": b"1", "b": b"2"})
    real = Path.replace

    def interrupted(self: Path, target: Path) -> Path:
        if Path(target).name == "b" and self.name.startswith("new"):
            raise kind
        return real(self, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", interrupted)
        with pytest.raises(kind):
            collected(tmp_path, [("a", b"new"), ("c", b"new"), ("b", b"new")]).apply()
    assert state(tmp_path) == {"a": b"1", "b": b"2"}


def test_links_are_replaced_and_come_back(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(b"theirs")
    (tmp_path / "link").symlink_to("target")
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="Not a directory"):
        collected(tmp_path, [("link", b"new"), ("file/below", b"")]).apply()
    assert (tmp_path / "link").readlink() == Path("target")
    collected(tmp_path, [("link", b"new")]).apply()
    assert not (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_bytes() == b"theirs"


def test_file_systems_without_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refused)
    fill(tmp_path, {"a": b"1", "file": b""})
    with pytest.raises(OSError, match="Not a directory"):
        collected(tmp_path, [("a", b"new"), ("file/below", b"")]).apply()
    assert state(tmp_path) == {"a": b"1", "file": b""}


def test_permissions_stay(tmp_path: Path) -> None:
    fill(tmp_path, {"private": b"1"})
    (tmp_path / "private").chmod(0o600)
    collected(tmp_path, [("private", b"2"), ("new", b"")]).apply()
    assert stat.S_IMODE((tmp_path / "private").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o644


def test_a_new_file_has_what_the_umask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        collected(tmp_path, [("new", b"")]).apply()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o600


def test_dangling_links_come_back_and_go(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("nowhere")
    (tmp_path / "file").touch()
    for data in (b"new", None):
        with pytest.raises(OSError, match="Not a directory"):
            collected(tmp_path, [("link", data), ("file/below", b"")]).apply()
        assert (tmp_path / "link").readlink() == Path("nowhere")
    collected(tmp_path, [("link", None)]).apply()
    assert not (tmp_path / "link").is_symlink()


def test_what_a_kill_left_behind_is_swept_up_later(tmp_path: Path) -> None:
    for name, age in (("old", 2 * files._OLD), ("new", 0)):
        folder = tmp_path / f"{files.STAGING}{name}"
        folder.mkdir()
        (folder / "new0").touch()
        os.utime(folder, (time.time() - age,) * 2)
    collected(tmp_path, [("a", b"")]).apply()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{files.STAGING}new", "a"]


def test_what_is_empty_then_goes_but_not_the_root(tmp_path: Path) -> None:
    fill(tmp_path, {"sub/deep/a": b"", "sub/b": b""})
    collected(tmp_path, [("sub/deep/a", None)]).apply()
    assert state(tmp_path) == {"sub": None, "sub/b": b""}
    collected(tmp_path, [("sub/b", None), ("not/there", None)]).apply()
    assert state(tmp_path) == {}
