"""The simulator as crawl input: in process and over HTTP, and the specs that the repository ships."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from digirm_cli.main import main
from digirm_runtime import spec
from digirm_simulator import Simulator
from digirm_simulator.server import running
from tests.house.snippets import ROOT


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.glob("*.json")}


def test_in_process_and_over_http_it_is_what_the_repository_ships(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DIGIRM_USERNAME", "user")
    monkeypatch.setenv("DIGIRM_PASSWORD", "password")
    assert main(["crawl", "sim:22.7", "--out", str(tmp_path / "sim"), "--api-version", "22.7"]) == 0
    with closing(Simulator("22.7")) as simulator, running(simulator) as url:
        assert main(["crawl", url, "--out", str(tmp_path / "http"), "--api-version", "22.7"]) == 0
    assert contents(tmp_path / "sim") == contents(tmp_path / "http") == contents(ROOT / "specs" / "22.7")
    loaded = spec.load(tmp_path / "sim")
    assert loaded.provenance == "reconstructed"
    assert loaded.problems == ()
    assert len(loaded.categories) == 22


def test_progress_on_a_terminal(tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "digirm_cli.main",
        "crawl",
        "sim:",
        "--out",
        str(tmp_path),
        "--api-version",
        "22.7",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=theirs) as crawl:
        os.close(theirs)
        shown = b""
        while b"22 of 22 categories" not in shown:
            shown += os.read(ours, 4096)
        # The line is rewritten in place.
        assert b"\r1 of 22 categories\r2 of 22 categories" in shown
    os.close(ours)
    assert crawl.returncode == 0
