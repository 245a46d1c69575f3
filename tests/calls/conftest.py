"""What the tests of single calls share: the command run in this process, and a server that notes what arrives."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from typing import NamedTuple, Protocol

import pytest

from digirm_cli.main import main
from digirm_runtime import flow
from tests.support.server import Answer, Got, Server

KEY = {"DIGIRM_API_KEY_ID": "canary-id", "DIGIRM_API_KEY_SECRET": "canary-secret"}
USER = {"DIGIRM_USERNAME": "canary-user", "DIGIRM_PASSWORD": "canary pass'word\"$(id)"}


class Ran(NamedTuple):
    """One run of the command: its exit code, and what it printed, in which no credentials stand."""

    code: int
    out: str
    err: str


class Stdout(io.TextIOWrapper):
    """A standard output that keeps bytes, and says whether it is a terminal."""

    def __init__(self, *, terminal: bool) -> None:
        self.bytes = io.BytesIO()
        self._terminal = terminal
        super().__init__(self.bytes, encoding="utf-8", newline="\n")

    def isatty(self) -> bool:
        return self._terminal


class Run(Protocol):
    def __call__(self, *argv: str, stdout: Stdout | None = None) -> Ran:
        """Run the command; with `stdout` its output goes there."""


@pytest.fixture
def digirm(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setattr(flow, "FIRST_DELAY", 0.005)

    def run(*argv: str, stdout: Stdout | None = None) -> Ran:
        with monkeypatch.context() as here:
            if stdout is not None:
                here.setattr(sys, "stdout", stdout)
            try:
                code = main(argv)
            except SystemExit as end:  # usage
                code = int(end.code or 0)
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        for word in ("canary", "Y2FuYXJ5"):  # the second is the first in Base64
            assert word not in out + err
        return Ran(code, out, err)

    return run


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The credentials of these tests, as a key in the environment."""
    for name, value in KEY.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def noted() -> Iterator[Server]:
    """A server that takes everything and notes it."""

    def reply(_: Got) -> Answer:
        return Answer(200, {"list": [{"id": "1"}], "count": 1})

    with Server(reply) as server:
        yield server
