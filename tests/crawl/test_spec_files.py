"""The folder that a crawl writes: what it holds, what it replaces, and what it leaves alone."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_codegen.spec_files import (
    Capture,
    Difference,
    Unavailable,
    compare,
    ensure_writable,
    guard,
    keep,
    render,
    write,
)
from digirm_runtime import spec
from digirm_runtime.errors import SpecError
from tests.crawl.dialect import category, nested

FORBIDDEN = Unavailable(403, "forbidden")


def capture(*names: str, unavailable: dict[str, Unavailable] | None = None, **changes: Any) -> Capture:
    made = Capture(
        api_version="1",
        base_path="/ws/v1",
        provenance="live",
        documents={name: spec.normalise(category(name)) for name in names},
        unavailable=unavailable or {},
    )
    return msgspec.structs.replace(made, **changes)


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_what_is_written_can_be_loaded(tmp_path: Path) -> None:
    files = render(capture("b", "a", unavailable={"z": FORBIDDEN}))
    assert write(tmp_path / "new" / "folder", files) == [
        Difference("a.json", "added"),
        Difference("b.json", "added"),
        Difference("index.json", "added"),
    ]
    loaded = spec.load(tmp_path / "new" / "folder")
    assert [c.name for c in loaded.categories] == ["a", "b"]
    assert loaded.unavailable == {"z": (403, "forbidden")}
    assert loaded.fingerprint == json.loads(files["index.json"])["fingerprint"]


def test_a_vanished_category_is_removed_and_strangers_stay(tmp_path: Path) -> None:
    write(tmp_path, render(capture("a", "b")))
    (tmp_path / "overrides.toml").write_text("# by hand\n")
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "b.json").write_text("{}")
    (tmp_path / "notes.json").write_text("{}")
    expected = [Difference("b.json", "removed"), Difference("index.json", "changed")]
    files = render(capture("a"))
    assert compare(tmp_path, files) == expected
    assert write(tmp_path, files) == expected
    assert sorted(contents(tmp_path)) == ["a.json", "index.json", "notes.json", "overrides.toml", "schemas/b.json"]
    assert write(tmp_path, files) == []


def test_an_edited_file_differs(tmp_path: Path) -> None:
    files = render(capture("a"))
    write(tmp_path, files)
    (tmp_path / "a.json").write_bytes(files["a.json"] + b"\n")
    assert compare(tmp_path, files) == [Difference("a.json", "changed")]


def test_a_failed_write_changes_nothing(tmp_path: Path) -> None:
    write(tmp_path, render(capture("a", "b")))
    (tmp_path / "mine").touch()
    before = contents(tmp_path)
    with pytest.raises(SpecError, match="cannot write"):
        # Behind files that are replaced and removed comes one that cannot be: a file is in the way of its folder.
        write(tmp_path, {"a.json": b"new", "mine/x": b"", "index.json": b"new"})
    assert contents(tmp_path) == before


def test_what_was_available_is_kept(tmp_path: Path) -> None:
    old = capture("a", "b", extras={"b": {"title": "Bees"}})
    write(tmp_path, render(old))
    kept, names = keep(capture("a", unavailable={"b": FORBIDDEN, "c": FORBIDDEN}), tmp_path)
    assert names == ["b"]
    assert kept.documents == old.documents
    assert kept.extras == old.extras
    assert kept.unavailable == {"c": FORBIDDEN}
    guard(kept, tmp_path)


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ({"api_version": "2"}, "holds api_version '1', not '2'; use --force"),
        ({"base_path": "/x"}, "holds base_path '/ws/v1', not '/x'; use --force"),
        ({"provenance": "reconstructed"}, "is a live spec; a reconstructed one replaces it with --force only"),
    ],
)
def test_specs_are_not_mixed(tmp_path: Path, new: dict[str, Any], message: str) -> None:
    write(tmp_path, render(capture("a", "b")))
    other = capture("a", unavailable={"b": FORBIDDEN}, **new)
    assert keep(other, tmp_path) == (other, [])
    with pytest.raises(SpecError, match=message):
        guard(other, tmp_path)


def test_a_live_crawl_replaces_a_reconstructed_spec_only_whole(tmp_path: Path) -> None:
    write(tmp_path, render(capture("a", "b", provenance="reconstructed")))
    guard(capture("a", "b"), tmp_path)
    with pytest.raises(SpecError, match=r"has what is unavailable now \(b\); --force leaves it out"):
        guard(capture("a", unavailable={"b": FORBIDDEN}), tmp_path)


@pytest.mark.parametrize("text", ["{}", "[]", "not json", '{"format": 99}', ""])
def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(SpecError, match=r"index\.json is not"):
        write(tmp_path, render(capture("a")))
    assert contents(tmp_path) == {"index.json": text.encode()}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside.json"
    outside.write_text("precious")
    folder = tmp_path / "specs"
    folder.mkdir()
    (folder / "a.json").symlink_to(outside)
    write(folder, render(capture("a")))
    assert outside.read_text() == "precious"
    assert not (folder / "a.json").is_symlink()


NAMES = st.text(min_size=1, max_size=100).filter(lambda name: name.encode("utf-8", "ignore").decode() == name)


@given(st.lists(NAMES, max_size=5, unique_by=str))
def test_no_category_name_leaves_the_folder(names: list[str]) -> None:
    files = render(capture(*names))
    assert len(files) == len(names) + 1
    assert all("/" not in file and "\\" not in file and not file.startswith(".") for file in files)
    # Not even where the file system does not tell upper from lower case.
    assert len({file.lower() for file in files}) == len(files)


def test_a_name_that_no_file_system_takes(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"cannot write .*: File name too long"):
        ensure_writable(tmp_path / ("x" * 300))


def test_a_document_that_is_gone_cannot_be_kept(tmp_path: Path) -> None:
    write(tmp_path, render(capture("a", "b")))
    (tmp_path / "b.json").unlink()
    new = capture("a", unavailable={"b": FORBIDDEN})
    assert keep(new, tmp_path) == (new, [])


def test_an_edited_document_is_not_kept(tmp_path: Path) -> None:
    write(tmp_path, render(capture("a", "b")))
    (tmp_path / "b.json").write_text('{"list": []}')
    with pytest.raises(SpecError, match=r"b\.json was edited, and b is unavailable now; --force leaves it out"):
        keep(capture("a", unavailable={"b": FORBIDDEN}), tmp_path)


@pytest.mark.parametrize(
    "changes",
    [
        {"api_version": None},
        {"base_path": 1},
        {"provenance": []},
        {"categories": None},
        {"categories": ["a"]},
        {"categories": {"a": None}},
        {"categories": {"a": {"path": 1}}},
        {"unavailable": [1]},
        {"unavailable": "text"},
        {"unavailable": None},
        {"unavailable": {"b": None}},
        {"unavailable": {"b": {"status": 403}}},
        {"unavailable": {"b": {"status": "403", "kind": "forbidden"}}},
    ],
)
def test_a_malformed_index_is_said(tmp_path: Path, changes: dict[str, Any]) -> None:
    write(tmp_path, render(capture("a")))
    index = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps(index | changes))
    with pytest.raises(SpecError, match=r"index\.json"):
        spec.load(tmp_path)


@pytest.mark.parametrize("text", ['{"list": [NaN]}', '{"list": [1e999]}'])
def test_a_document_that_no_crawl_wrote_is_said(tmp_path: Path, text: str) -> None:
    write(tmp_path, render(capture("a", "b")))
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(SpecError, match=r"b\.json does not match the fingerprint in index\.json"):
        spec.load(tmp_path)
    with pytest.raises(SpecError, match=r"b\.json was edited"):
        keep(capture("a", unavailable={"b": FORBIDDEN}), tmp_path)


def test_a_document_that_is_nested_too_deep_is_said(tmp_path: Path) -> None:
    write(tmp_path, render(capture("a")))
    for depth in range(850, 1000, 10):  # around what can be read, and cannot be written
        (tmp_path / "a.json").write_text("[" * depth + "]" * depth)
        with pytest.raises(SpecError, match=r"a\.json (is not JSON|does not match the fingerprint)"):
            spec.load(tmp_path)
    with pytest.raises(SpecError, match="the document of 'a' cannot be written as JSON"):
        spec.from_documents({"a": nested(2000)}, api_version="1", base_path="/x", provenance="live")


def test_schemas_that_cannot_be_read_are_not_taken_for_none(tmp_path: Path) -> None:
    write(tmp_path, render(capture("a")))
    (tmp_path / "schemas").write_text("in the way")
    with pytest.raises(SpecError, match=r"cannot read .*schemas: Not a directory"):
        spec.load(tmp_path)
    (tmp_path / "schemas").unlink()
    (tmp_path / "schemas").symlink_to("schemas")
    with pytest.raises(SpecError, match=r"cannot read .*schemas: Too many levels of symbolic links"):
        spec.load(tmp_path)
