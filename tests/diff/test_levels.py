"""Levels set by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

from digirm_codegen.diff.findings import Finding
from digirm_codegen.diff.levels import Entry, apply, load
from digirm_runtime.errors import SpecError
from tests.house.snippets import ROOT, blocks

GONE = Finding(
    "field-removed", "breaking", "it is gone", "parts", "/ws/v1/parts/{id}/[x]", "GET", "dp_name", notes=("a guess",)
)


def entry(**more: str) -> Entry:
    return Entry(**{"id": "field-removed", "level": "info", "reason": "known", **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("more", "fits"),
    [
        ({}, True),
        ({"id": "field-added"}, False),
        ({"category": "parts"}, True),
        ({"category": "part"}, False),
        ({"category": "part?"}, False),
        ({"category": "p*s"}, True),
        ({"path": "/ws/v1/parts/{id}/[x]"}, True),
        ({"path": "/ws/v1/*/[x]"}, True),
        ({"path": "/ws/v1/*/x"}, False),
        ({"method": "get"}, True),
        ({"method": "POST"}, False),
        ({"name": "dp_*", "category": "parts"}, True),
        ({"name": "dp_*", "category": "bins"}, False),
        ({"name": "DP_*"}, False),
        ({"name": ""}, False),
    ],
)
def test_what_an_entry_fits(more: dict[str, str], fits: bool) -> None:
    [finding], unused = apply([GONE], (entry(**more),))
    assert (finding.level, len(unused)) == (("info", 0) if fits else ("breaking", 1))
    assert finding.notes == ("a guess", *(["info instead of breaking: `known`"] if fits else []))


def test_the_later_entry_wins() -> None:
    entries = (entry(), entry(level="warning", reason="rather so", name="dp_*"), entry(level="info", name="other"))
    [finding], unused = apply([GONE], entries)
    assert (finding.level, finding.notes[-1]) == ("warning", "warning instead of breaking: `rather so`")
    assert [str(one) for one in unused] == ["field-removed name=`other`"]


def test_an_entry_that_changes_nothing_says_nothing() -> None:
    assert apply([GONE], (entry(level="breaking"),)) == ((GONE,), ())


def test_the_documented_file_can_be_read(tmp_path: Path) -> None:
    [shown] = blocks(ROOT / "docs" / "diff.md", "toml")
    file = tmp_path / "levels.toml"
    file.write_text(shown)
    [found] = load(file)
    assert (found.id, found.category, found.name, found.level) == ("field-removed", "devices", "dp_*", "info")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "required field `format`"),
        ("format = 2", "not a file of levels of format 1"),
        ("format = 1\nother = 1", "unknown field `other`"),
        ("format = 1\n[[level]]\nid = 'x'\nlevel = 'info'\nreason = 'r'", "no finding is called `x`"),
        ("format = 1\n[[level]]\nid = 'path-added'\nlevel = 'info'", "required field `reason`"),
        ("format = 1\n[[level]]\nid = 'path-added'\nlevel = 'info'\nreason = ' '", "path-added has no reason"),
        ("format = 1\n[[level]]\nid = 'path-added'\nlevel = 'fatal'\nreason = 'r'", "Invalid enum value 'fatal'"),
        ("format = 1\n[[level]]\nid = 'path-added'\nlevel = 'info'\nreason = 'r'\nx = 1", "unknown field `x`"),
        ("format = ", "Invalid value"),
        ("\x00", "Invalid"),
        ("x = " + "[" * 5000, "levels.toml"),
    ],
)
def test_a_faulty_file_is_said(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "levels.toml"
    file.write_text(text)
    with pytest.raises(SpecError) as caught:
        load(file)
    assert message in str(caught.value)
    assert "levels.toml" in str(caught.value)


def test_a_file_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    (tmp_path / "latin").write_bytes(b"\xff\xfe")
    (tmp_path / "huge").write_bytes(b"#" * (2**20 + 1))
    for name in ("missing", ".", "latin", "huge"):
        with pytest.raises(SpecError):
            load(tmp_path / name)
