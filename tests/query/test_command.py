"""`digirm check`, end to end."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from digirm_cli.common import READER_LEFT
from digirm_cli.main import main
from digirm_runtime.spec import FORMAT, canonical, fingerprint
from tests.query.query_api import EXAMPLE, document

ROOT = Path(__file__).parents[2]
GOOD = "connection_status = 'connected' and last_update > -1d and ip startswith '10.20.1.'"


@pytest.fixture
def specs(tmp_path: Path) -> str:
    """A spec folder with one endpoint, `devices/inventory`."""
    devices = document("/ws/v1/devices/inventory", *EXAMPLE, params=("query",))
    index = {
        "format": FORMAT,
        "api_version": "1.0",
        "base_path": "/ws/v1",
        "provenance": "reconstructed",
        "categories": {"devices": {"path": "/ws/v1/devices", "fingerprint": fingerprint(devices)}},
    }
    (tmp_path / "index.json").write_bytes(canonical(index))
    (tmp_path / "devices.json").write_bytes(canonical(devices))
    return str(tmp_path)


def test_a_good_query_is_one_line(specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--specs", specs, "--endpoint", "devices/inventory", GOOD]) == 0
    out, err = capsys.readouterr()
    assert out == "ok  connection_status = 'connected' and last_update > -1d and ip startsWith '10.20.1.'\n"
    assert err.startswith("1 query, 0 with errors; judged by spec 1.0 (reconstructed, sha256:")


def test_a_fault_is_shown_with_carets(specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    query = f"{GOOD} and nmae contains 'x'"
    assert main(["check", "--specs", specs, "--endpoint", "devices/inventory", query]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "error Q201: 'devices/inventory' has no field 'nmae'"
    shown, carets = lines[1], lines[2]
    assert shown[carets.index("^") : carets.rindex("^") + 1] == "nmae"
    assert lines[3] == "  did you mean: name"
    assert lines[4].startswith("judged by devices/inventory, spec 1.0 (reconstructed, ")


def test_the_installed_client_judges_by_default() -> None:
    """As a user runs it, and with nothing but the base dependencies."""
    code = (
        "import sys\nfrom digirm_cli.main import main\ncode = main()\n"
        "extras = {'httpx', 'starlette', 'digirm_simulator', 'digirm_codegen', 'datamodel_code_generator', 'sqlglot'}\n"
        "print(sorted(extras & set(sys.modules)))\nsys.exit(code)"
    )
    command = [sys.executable, "-c", code, "check", "--endpoint", "devices/inventory"]
    good = subprocess.run([*command, GOOD], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (good.returncode, good.stdout.splitlines()[-1]) == (0, "[]"), good.stderr
    assert good.stdout.startswith("ok  connection_status = 'connected'")
    bad = subprocess.run([*command, "nmae contains 'x'"], capture_output=True, text=True, check=False, cwd=ROOT)
    assert bad.returncode == 1
    assert bad.stdout.splitlines()[1:4] == ["  nmae contains 'x'", "  ^^^^", "  did you mean: name"]


def test_the_summary_comes_last_through_a_pipe_too(specs: str) -> None:
    command = [sys.executable, "-m", "digirm_cli.main", "check", "--specs", specs, "id = 1"]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=True, cwd=ROOT)
    first, second = done.stdout.splitlines()
    assert first == "ok  id = 1"
    assert second.startswith("1 query, 0 with errors")


def test_warnings_alone_are_fine_unless_strict(specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["check", "--specs", specs, "--endpoint", "devices/inventory", "signal = 1"]
    assert main(command) == 0
    assert capsys.readouterr().out.splitlines()[:2] == [
        "ok  signal = 1",
        "warning Q201: 'devices/inventory' has no field 'signal' that the spec knows of",
    ]
    assert main([*command, "--strict"]) == 1


def test_without_an_endpoint_only_syntax_counts(specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--specs", specs, "anything = 1"]) == 0
    assert main(["check", "--specs", specs, "anything == 1"]) == 1
    assert "judged by syntax only" in capsys.readouterr().out


def test_queries_from_files_and_standard_input(
    specs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "queries.txt"
    file.write_bytes("# devices\r\n\r\nid = 1\r\nname = '\u2028 #'\r\n".encode())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"id = 2\nid == 3\n")))
    assert main(["check", "--specs", specs, "--file", str(file), "-", "--format", "json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["query"], row["line"], row["ok"]) for row in rows] == [
        ("id = 2", 1, True),
        ("id == 3", 2, False),
        ("id = 1", 3, True),
        ("name = '\u2028 #'", 4, True),
    ]
    assert rows[1] | {"diagnostics": []} == {
        "query": "id == 3",
        "endpoint": None,
        "ok": False,
        "diagnostics": [],
        "canonical": None,
        "file": "<stdin>",
        "line": 2,
    }
    assert rows[1]["diagnostics"][0]["code"] == "Q202"


def test_annotations_cannot_be_broken_out_of(specs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "a,b.txt"
    file.write_text("id = 1\nnmae = '%0A'\n")
    assert main(
        ["check", "--specs", specs, "--endpoint", "devices/inventory", "--format", "github", "--file", str(file)]
    )
    assert main(["check", "--specs", specs, "--format", "github", "x\n::error::forged = 1"])
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("::error title=Q", "::warning title=Q")) for line in lines)
    assert "a%2Cb.txt,line=2,col=1,endColumn=4::'devices/inventory' has no field 'nmae'" in lines[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no query given"),
        (["--file", "no/such/file"], "cannot read no/such/file: No such file or directory"),
        (["--specs", "no/such/folder", "id = 1"], "cannot read no/such/folder/index.json"),
    ],
)
def test_what_keeps_it_from_running(arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert message in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize("queries", ["id = 1\n", "id = 1\n" * 5_000, "id == 1\n"])
def test_a_reader_that_leaves_is_no_finding(specs: str, tmp_path: Path, queries: str) -> None:
    file = tmp_path / "queries.txt"
    file.write_text(queries)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "digirm_cli.main", "check", "--specs", specs, "--file", str(file)]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode == READER_LEFT
    assert "Traceback" not in done.stderr


def test_standard_input_that_is_closed(specs: str) -> None:
    command = f'exec "{sys.executable}" -m digirm_cli.main check --specs "{specs}" - <&-'
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "digirm: cannot read standard input: it is closed\n"


def test_a_file_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "queries.txt"
    file.write_bytes(b"\xff\xfe\x00")
    assert main(["check", "--file", str(file)]) == 2
    assert capsys.readouterr().err == "digirm: the queries are not UTF-8 text\n"
