"""Places for a bump."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import chdir
from pathlib import Path

import pytest

from digirm_codegen.generate import generate
from tests.bump.support import FIRST, OVERRIDES, bump


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in."""
    monkeypatch.setenv("DIGIRM_USERNAME", "user")
    monkeypatch.setenv("DIGIRM_PASSWORD", "hunter2")
    (tmp_path / "place").mkdir()
    with chdir(tmp_path / "place"):
        yield Path("place").absolute().parent


@pytest.fixture
def taken(place: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder with the first version, and hand knowledge."""
    assert bump("1", FIRST) == 0
    Path("specs/1/overrides.toml").write_text(OVERRIDES)
    generate("specs/1", "src", "acme_rm")
    capsys.readouterr()
    return place
