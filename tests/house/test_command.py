"""The `digirm` command as a whole."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

import pytest

from digirm_cli import check
from digirm_cli.common import TERMINATED
from digirm_cli.main import COMMANDS, main
from digirm_runtime.errors import APIError, SpecError

DIGIRM = Path(sys.executable).with_name("digirm")


def exits(*argv: str) -> int | str | None:
    with pytest.raises(SystemExit) as caught:
        main(argv)
    return caught.value.code


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert exits("--help") == 0
    shown = capsys.readouterr().out
    assert all(f"\n    {name}  " in shown for name in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert exits(command, "--help") == 0
    assert capsys.readouterr().out.startswith(f"usage: digirm {command} ")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    from importlib.metadata import version

    assert exits("--version") == 0
    assert capsys.readouterr().out == f"digirm {version('digirm')}\n"


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["--nonsense"], ["check", "--nonsense"]])
def test_wrong_usage(argv: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert exits(*argv) == 2
    assert capsys.readouterr().err.startswith("usage: digirm ")


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (SpecError("the folder\x1b[31m is odd"), 2, "digirm: the folder\\x1b[31m is odd\n"),
        (
            APIError("GET /x answered 418: short\nand stout", status=418, method="GET", url="/x"),
            2,
            "digirm: GET /x answered 418: short and stout\n",
        ),
        (KeyboardInterrupt(), 130, ""),
    ],
)
def test_errors_become_a_line_and_a_code(
    raised: BaseException, code: int, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def run(_: argparse.Namespace) -> int:
        raise raised

    monkeypatch.setattr(check, "run", run)
    assert main(["check", "id = 1"]) == code
    assert capsys.readouterr().err == said


def in_shell(script: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """What `sh` makes of `script`, in which `"$@"` is `digirm` with `argv`."""
    command = ["sh", "-c", script, "sh", str(DIGIRM), *argv]
    # Unbuffered, argparse is the one that meets the fault, and it says nothing.
    env = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=env)


@pytest.mark.parametrize("streams", ["", "2>&1"])
def test_a_reader_that_leaves_is_no_fault(streams: str, tmp_path: Path) -> None:
    # The reader has gone before the first line is written: it ends once the other side of the fifo has begun.
    script = f'mkfifo gone; : <gone & exec 3>gone; wait; "$@" >&3 {streams}'
    done = in_shell(f"cd {tmp_path}; {script}", "crawl", "sim:", "--out", "specs", "--api-version", "22.7")
    assert (done.returncode, done.stdout, done.stderr) == (141, "", "")
    assert (tmp_path / "specs" / "index.json").exists()


@pytest.mark.parametrize("argv", [("check", "id = 1"), ("check", "id == 1"), ("--version",), ("--help",)])
def test_output_that_cannot_be_written_is_said(argv: tuple[str, ...]) -> None:
    done = in_shell('"$@" >/dev/full', *argv)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "digirm: cannot write the output: No space left on device"
    assert "Traceback" not in done.stderr
    assert "Exception" not in done.stderr


def test_a_closed_standard_output_is_said() -> None:
    done = in_shell('"$@" >&-', "check", "id = 1")
    assert (done.returncode, done.stderr) == (2, "digirm: standard output is closed\n")


@pytest.mark.parametrize("streams", ["2>&-", "2>/dev/full"])
@pytest.mark.parametrize(("argv", "code"), [(("check",), 2), (("check", "--nonsense"), 2)])
def test_without_standard_error_the_code_tells(streams: str, argv: tuple[str, ...], code: int) -> None:
    done = in_shell(f'"$@" {streams}', *argv)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", "")


def test_a_closed_standard_error_does_not_reach_the_output() -> None:
    done = in_shell('"$@" 2>&-', "check", "--format", "json", "id = 1")
    assert done.returncode == 0
    assert done.stdout.count("\n") == 1


def test_an_in_process_server_that_is_not_installed_is_said(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "class Without:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name == 'digirm_simulator':\n"
        "            raise ModuleNotFoundError(f'No module named {name!r}', name=name)\n"
        "sys.meta_path.insert(0, Without())\n"
        "from digirm_cli.main import main\n"
        "sys.exit(main(sys.argv[1:]))\n"
    )
    for argv in (["crawl", "sim:", "--out", str(tmp_path), "--api-version", "22.7"], ["simulate"]):
        done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.count("\n") == 1
        assert "pip install 'digirm[simulator]'" in done.stderr


def test_check_needs_neither_the_network_nor_the_generator() -> None:
    code = (
        "import sys; from digirm_cli.main import main; "
        "code = main(['check', '--endpoint', 'devices/inventory', \"name = 'x'\"]); "
        "heavy = {'httpx', 'asyncio', 'jinja2', 'digirm_codegen', 'digirm_simulator', 'datamodel_code_generator'}; "
        "print(code, sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "0 []"


def test_sigterm_ends_as_ctrl_c_does() -> None:
    command = [sys.executable, "-u", "-m", "digirm_cli.main", "check", "-"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b"id = 1\n" * 10_000)
        process.stdin.flush()
        assert process.stdout.readline()
        process.terminate()
        _, said = process.communicate(timeout=30)
    assert (process.returncode, said) == (TERMINATED, b"")
