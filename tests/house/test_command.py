"""The `digirm` command as a whole."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import pytest

from digirm_cli import check
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


def test_a_reader_that_leaves_is_no_fault() -> None:
    with subprocess.Popen(
        [DIGIRM, "check", *["id = 1"] * 5000], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as command:
        assert command.stdout is not None
        assert command.stderr is not None
        command.stdout.close()
        assert command.stderr.read() == b""


def test_check_needs_neither_the_network_nor_the_generator() -> None:
    code = (
        "import sys; from digirm_cli.main import main; "
        "code = main(['check', '--endpoint', 'devices/inventory', \"name = 'x'\"]); "
        "heavy = {'httpx', 'asyncio', 'jinja2', 'digirm_codegen', 'digirm_simulator', 'datamodel_code_generator'}; "
        "print(code, sorted(heavy & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1] == "0 []"
