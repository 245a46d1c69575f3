"""`digirm check`, end to end."""

from __future__ import annotations

import errno
import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

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


class _Failing(io.RawIOBase):
    """A device that fails after its first bytes."""

    def __init__(self, content: bytes) -> None:
        self._content = content

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._content:
            raise OSError(errno.EIO, "it is on fire")
        count = len(self._content)
        buffer[:count], self._content = self._content, b""
        return count


def test_a_source_that_fails_in_the_middle(
    specs: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The output is not blamed."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(_Failing(b"id = 1\n"))))
    assert main(["check", "--specs", specs, "--files", "-"]) == 2
    assert capsys.readouterr().err == "digirm: cannot read standard input: it is on fire\n"


CONTROL = "name = '\x1b[31m\x07\x9b1m\u202e'"


@pytest.mark.parametrize("query", [CONTROL, f"{CONTROL} and", f"{CONTROL} and id == 1", f"{CONTROL} or nmae == 1"])
@pytest.mark.parametrize("way", ["text", "json", "github", "fix"])
def test_control_characters_never_reach_the_terminal(
    query: str, way: str, specs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither of a query nor of a file's name; what `--fix` prints is the file itself."""
    file = tmp_path / "a\x1bb.txt"
    file.write_text(query)
    command = ["check", "--specs", specs, "--endpoint", "devices/inventory", "--file", str(file), query]
    main([*command, "--fix"] if way == "fix" else [*command, "--format", way])
    out, err = capsys.readouterr()
    shown = err if way == "fix" else out + err
    assert all(char.isprintable() or char == "\n" for char in shown)


def test_a_byte_order_mark_is_kept(specs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for text in ("\ufeffid == 1\n", "\ufeff# Endpoint: devices/inventory\n\nid == 1\n"):
        file = tmp_path / "queries.txt"
        file.write_text(text, "utf-8")
        assert main(["check", "--specs", specs, "--fix", str(file), "--files"]) == 0
        out, err = capsys.readouterr()
        assert out == text.replace("==", "=")
        assert "1 query, 1 mended, 0 with errors" in err


def test_a_file_that_is_no_text(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "queries.txt"
    file.write_bytes(b"\xff\xfe\x00")
    assert main(["check", "--file", str(file)]) == 2
    assert capsys.readouterr().err == f"digirm: cannot read {file}: it is not UTF-8 text\n"


QUERIES = """\
# of devices

name != "x"\r
  # ENDPOINT: devices/inventory
nmae = 'x'
\tid = '10'
id = 1
# endpoint:
anything = 1"""


@pytest.fixture
def queries(tmp_path: Path) -> Path:
    file = tmp_path / "queries.txt"
    file.write_bytes(QUERIES.encode())
    return file


def test_a_line_says_what_the_lines_after_it_are_for(
    specs: str, queries: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    second = queries.with_name("more.txt")
    second.write_text("nothing = 1\n# endpoint: devices/inventroy\nid = 1\n")
    assert main(["check", "--specs", specs, "--files", str(queries), str(second), "--format", "json"]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(Path(row["file"]).name, row["line"], row["endpoint"], row["ok"]) for row in rows] == [
        ("queries.txt", 3, None, False),
        ("queries.txt", 5, "devices/inventory", False),
        ("queries.txt", 6, "devices/inventory", True),
        ("queries.txt", 7, "devices/inventory", True),
        ("queries.txt", 9, None, True),
        ("more.txt", 1, None, True),
        ("more.txt", 3, "devices/inventroy", False),
    ]


def test_an_annotation_stands_at_its_line_whatever_is_wrong(
    specs: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "queries.txt"
    file.write_text("# endpoint: devices/inventroy\nid = 1\n")
    assert main(["check", "--specs", specs, "--format", "github", "--file", str(file)]) == 1
    assert capsys.readouterr().out.startswith(f"::error title=Q204,file={file},line=2::the spec has no endpoint")


def test_the_mended_text_can_replace_the_file(specs: str, queries: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--specs", specs, "--fix", "--file", str(queries)]) == 1
    out, err = capsys.readouterr()
    assert out == QUERIES.replace('!= "x"', "<> 'x'").replace("\tid = '10'", " id = 10")
    assert f"{queries}:3: mended Q202: there is no operator '!='" in err
    assert f"{queries}:5: not mended\nerror Q201" in err
    assert err.splitlines()[-1].startswith("5 queries, 2 mended, 1 with errors; judged by spec 1.0 (reconstructed")
    queries.write_bytes(out.encode())
    assert main(["check", "--specs", specs, "--fix", "--file", str(queries)]) == 1
    again, err = capsys.readouterr()
    assert again == out
    assert "5 queries, 0 mended, 1 with errors" in err


def test_queries_of_the_command_line_are_mended(specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["check", "--specs", specs, "--endpoint", "devices/inventory", "--fix"]
    assert main([*command, "id == 1", "name = '日本'", "signal == 3"]) == 0
    out, err = capsys.readouterr()
    assert out == "id = 1\nname = '日本'\nsignal = 3\n"
    assert "left\nwarning Q201" in err
    assert main([*command, "id == 1 or id == 2"]) == 0
    assert capsys.readouterr().err.startswith("mended Q202: there is no operator '=='")
    assert main([*command, "!name = 'x' or 'y'"]) == 1
    assert "not mended: it is not certain what the value alone belongs to\nerror Q122" in capsys.readouterr().err
    assert main([*command, "signal == 3", "--strict"]) == 1
    assert capsys.readouterr().out == "signal == 3\n"
    assert main([*command, "nmae = 'x'", "--format", "json"]) == 1
    assert main([*command, "id == 1", "--format", "json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(row["ok"], row["fixed"]) for row in rows] == [(False, None), (False, "id = 1")]
    assert main([*command, "id == 1", "--format", "github"]) == 2
    assert capsys.readouterr().err.startswith("digirm: --fix prints queries, not annotations")


def test_bytes_that_are_no_text_are_given_back(specs: str) -> None:
    command = [sys.executable, "-m", "digirm_cli.main", "check", "--specs", specs, "--fix", b"name = '\xff'"]
    env = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, env=env)
    assert (done.returncode, done.stdout) == (1, b"name = '\xff'\n")
    done = subprocess.run([*command[:-1], "name == '日'"], cwd=ROOT, capture_output=True, check=False, env=env)
    assert (done.returncode, done.stdout.decode()) == (0, "name = '日'\n")


@pytest.mark.parametrize("name", ["folder", "locked", "a\0b"])
def test_a_file_that_cannot_be_read_is_said_before_anything_else(
    name: str, specs: str, queries: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    queries.with_name("folder").mkdir()
    bad = str(queries.with_name(name))
    assert main(["check", "--specs", specs, "--files", str(queries), bad]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("digirm: cannot read ")


def test_many_queries_are_read_one_by_one(specs: str) -> None:
    """Answers come while the input is still open."""
    command = [sys.executable, "-u", "-m", "digirm_cli.main", "check", "--specs", specs, "-", "--format", "json"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("id = 1\n" * 5_000)
        process.stdin.flush()
        assert json.loads(process.stdout.readline())["line"] == 1
        process.stdin.close()
        assert json.loads(process.stdout.read().splitlines()[-1])["line"] == 5_000
    assert process.returncode == 0


def test_progress_is_shown_on_a_terminal_that_shows_nothing_else(
    specs: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "queries.txt"
    file.write_text("id = 1\n" * 2_500)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert main(["check", "--specs", specs, "--file", str(file)]) == 0
    assert capsys.readouterr().err.startswith("\r1000 lines\r2000 lines\n2500 queries, 0 with errors")


class TestHook:
    @pytest.fixture
    def hook(self) -> dict[str, Any]:
        (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
        return dict(hook)

    def test_it_is_called_with_names_of_files(self, hook: dict[str, Any], queries: Path) -> None:
        """As pre-commit does: the entry, the user's arguments, the files that changed."""
        assert (hook["id"], hook["language"]) == ("digirm-check", "python")
        program, *entry = shlex.split(hook["entry"])
        assert program == "digirm"
        good = queries.with_name("good.txt")
        good.write_text("id = '1'\n")
        arguments = ["--endpoint", "devices/inventory"]
        assert main([*entry, *arguments, str(good)]) == 0
        assert main([*entry, *arguments, str(good), str(queries)]) == 1
        assert main([*entry, *arguments]) == 0

    def test_it_is_asked_for_files_of_queries(self, hook: dict[str, Any]) -> None:
        wanted = re.compile(hook["files"])
        assert all(map(wanted.search, ["queries/devices.txt", "ci/queries/a.txt", "all.rmquery"]))
        assert not any(map(wanted.search, ["README.txt", "queries/devices.py", "myqueries/a.md", "a.rmquery.bak"]))


def test_each_query_is_explained(specs: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["check", "--specs", specs, "--endpoint", "devices/inventory", "--explain"]
    assert main([*arguments, "last_update > -1d", "nmae = 'x\x1b'", "name ="]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert lines[1] == "    Everything where last_update is less than 1 day ago (after now - 1 day)."
    assert "    Everything where nmae is 'x<U+001B>'." in lines
    assert sum("Everything" in line for line in lines) == 2
    assert main([*arguments, "--format", "json", "name = empty", "name ="]) == 1
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["explanation"] for row in rows] == ["Everything where name has no value.", None]
    for more in (["--fix"], ["--format", "github"]):
        assert main([*arguments, *more, "name = 'x'"]) == 2
        assert "--explain goes with" in capsys.readouterr().err


def test_the_page_shows_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    page = (ROOT / "docs/query-language.md").read_text("utf-8")
    [(command, printed)] = re.findall(r"^```console\n\$ digirm (.*?)\n(.*?)^```$", page, re.M | re.S)
    assert main(shlex.split(command)) == 0
    assert capsys.readouterr().out == printed
