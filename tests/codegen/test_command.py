import sys
from pathlib import Path

import pytest

from digirm_cli.main import main
from tests.codegen.support import GOLDEN, listing, path, request, write_spec


def run(*arguments: str | Path) -> int:
    return main(["generate", *map(str, arguments)])


def test_generate_check_edit_check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ("--specs", GOLDEN / "specs", "--out", tmp_path, "--package", "parts_rm")
    assert run(*arguments, "--check") == 1
    assert "missing: client.py" in capsys.readouterr().out
    assert run(*arguments) == 0
    assert "15 files written, 0 removed, 0 unchanged" in capsys.readouterr().out
    assert run(*arguments, "--check") == 0
    assert capsys.readouterr().out == ""
    (tmp_path / "parts_rm" / "client.py").write_text("")
    assert run(*arguments, "--check") == 1
    assert capsys.readouterr().out == "differs: client.py\n"


def test_what_was_skipped_is_one_line_each_and_no_failure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = listing(path("/ws/v1/parts/---", request("GET")), path("/ws/v1/parts/..", request("GET")))
    assert run("--specs", write_spec(tmp_path / "specs", {"parts": parts}), "--out", tmp_path, "--package", "made") == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert all(line.startswith("digirm: skipped: ") for line in lines)
    assert (tmp_path / "made" / "client.py").exists()


@pytest.mark.parametrize("specs", ["nothing", "empty", "damaged", "edited", "stale"])
def test_a_spec_that_cannot_be_used(tmp_path: Path, capsys: pytest.CaptureFixture[str], specs: str) -> None:
    folder = tmp_path / specs
    if specs != "nothing":
        folder.mkdir()
    if specs == "damaged":
        (folder / "index.json").write_text("{")
    if specs in ("edited", "stale"):
        write_spec(folder, {"parts": listing(path("/ws/v1/parts/all", request("GET")))})
    if specs == "edited":
        (folder / "parts.json").write_text("{}")
    if specs == "stale":
        (folder / "overrides.toml").write_text(
            '[names]\n"GET /ws/v1/gone" = { name = "gone.get", source = "a", reason = "b" }\n'
        )
    assert run("--specs", folder, "--out", tmp_path / "out") == 2
    error = capsys.readouterr().err
    assert "Traceback" not in error
    assert error.startswith("digirm: ")
    assert not (tmp_path / "out").exists()


def test_without_the_extra_it_says_what_to_install(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "datamodel_code_generator", None)
    assert run("--specs", GOLDEN / "specs", "--out", tmp_path / "out") == 2
    assert "pip install 'digirm[codegen]'" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
