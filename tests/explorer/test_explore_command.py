"""`digirm explore` as a process, and what keeps it from starting."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import digirm_simulator
from digirm_cli.main import main
from digirm_explorer import page
from digirm_explorer.embedded import Embedded
from digirm_explorer.problems import Problem
from tests.explorer.local import bundle, explorer

CONTRACT = Path(digirm_simulator.__file__).parent / "contract" / "22.7"
#: The command, with the page of these tests in the place of the one that npm builds.
PROGRAM = """
import sys
from pathlib import Path
from digirm_explorer import page
page.STATIC = Path(sys.argv.pop(1))
from digirm_cli.main import main
sys.exit(main())
"""


@pytest.fixture(autouse=True)
def static(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "static"
    folder.mkdir()
    bundle(folder, monkeypatch)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return folder


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@contextmanager
def half_sent(port: int, cookie: str) -> Iterator[None]:
    """A request whose body does not come; the explorer waits for it already."""
    origin = f"http://127.0.0.1:{port}"
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        head = f"POST /api/judge HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\norigin: {origin}\r\ncookie: {cookie}\r\n"
        connection.sendall(f"{head}content-length: 10\r\nexpect: 100-continue\r\n\r\n".encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 100")
        yield


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_it_is_told_to_end(static: Path, tmp_path: Path, number: signal.Signals) -> None:
    command = [sys.executable, "-c", PROGRAM, str(static), "explore", "--port", "0", "--devices", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said.startswith("Open http://127.0.0.1:")
        link = urlsplit(said.split()[1])
        connection = HTTPConnection("127.0.0.1", link.port or 0, timeout=60)
        connection.request("GET", f"{link.path}?{link.query}")
        response = connection.getresponse()
        response.read()
        cookie = (response.headers["set-cookie"] or "").partition(";")[0]
        connection.request("GET", "/api/session", headers={"cookie": cookie})
        session = json.loads(connection.getresponse().read())
        assert session["history"] == str(tmp_path / "state" / "digirm" / "explorer.sqlite")
        connection.close()
        with half_sent(link.port or 0, cookie):
            process.send_signal(number)
            process.wait(60)
        out, errors = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == ""
    [line] = errors.splitlines()
    assert line.startswith("digirm: another browser is let in by http://127.0.0.1:")
    assert link.query not in line


def test_what_the_first_page_does_not_need_is_not_imported_for_it() -> None:
    heavy = ("httpx", "lark", "digirm", "digirm_codegen", "digirm_simulator.app", "digirm_runtime.spec", "sqlglot")
    program = f"""
import sys
from digirm_explorer.running import Running, bind
from digirm_explorer.embedded import Embedded
running = Running(bind(0), embedded=Embedded())
running._bound.close()
print([name for name in {heavy!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"


def test_it_opens_the_browser_when_told_to(static: Path, tmp_path: Path) -> None:
    opened, browser = tmp_path / "opened", tmp_path / "browser"
    os.mkfifo(opened)
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o700)
    command = [sys.executable, "-c", PROGRAM, str(static), "explore", "--port", "0", "--no-history", "--open"]
    environ = {**os.environ, "BROWSER": str(browser)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environ) as process:
        link = opened.read_text()  # waits for the browser
        process.terminate()
        out, _ = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, f"Open {link}")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["explore", *arguments]) == 2
    out, errors = capsys.readouterr()
    assert out == ""
    [line] = errors.splitlines()
    return line


def test_a_port_that_is_taken(capsys: pytest.CaptureFixture[str], taken: int) -> None:
    line = refused(capsys, "--no-history", "--port", str(taken))
    assert f"port {taken}" in line
    assert "--port 0" in line


def test_a_fresh_clone_is_told_what_to_run(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "STATIC", tmp_path / "none")
    line = refused(capsys)
    assert "make web" in line
    assert "npm ci && npm run build" in line


def test_without_the_extra_it_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("digirm_explorer.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr("digirm_explorer.page")
    monkeypatch.setitem(sys.modules, "starlette.requests", None)
    assert "pip install 'digirm[explorer]'" in refused(capsys)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("",), "the URL is empty"),
        (("remotemanager.digi.com",), "does not begin with http"),
        (("ftp://127.0.0.1",), "does not begin with http"),
        (("http://",), "not the URL of a service"),
        (("http://user:hunter2@127.0.0.1",), "credentials in a URL"),
        (("http://127.0.0.1:x",), "not valid"),
        (("http://127.0.0.1", "--devices", "5"), "--devices is for the simulator"),
        (("sim:?bogus=1",), "'bogus' is no option"),
        (("sim:99.9",), "no API version '99.9'"),
        (("SIM:",), "not a sim: URL"),
        (("--specs", "/nowhere"), "cannot read /nowhere"),
        (("--history", "/proc/none/here"), "--no-history"),
    ],
)
def test_arguments_that_cannot_be_used(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], words: str
) -> None:
    line = refused(capsys, "--port", "0", *arguments)
    assert words in line
    assert "hunter2" not in line


def test_specs_that_cannot_be_read(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text("{")
    line = refused(capsys, "--port", "0", "--no-history", "--specs", str(tmp_path))
    assert "index.json is not JSON" in line


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A contract whose reader waits for one of its files to be written."""
    folder = tmp_path / "slow"
    folder.mkdir()
    for file in CONTRACT.iterdir():
        (folder / file.name).symlink_to(file)
    (folder / "account.json").unlink()
    os.mkfifo(folder / "account.json")
    return folder


def test_it_ends_while_its_simulator_is_being_made(slow: Path) -> None:
    with ThreadPoolExecutor(1) as threads:
        with explorer(embedded=Embedded(specs=str(slow))) as browser:
            answer = threads.submit(browser.ask, "/api/session")
            pen = os.open(slow / "account.json", os.O_WRONLY)  # waits for the reader
            assert browser.running.explorer.visited.wait(60)
        error = answer.result().json["error"]
        os.close(pen)
    assert (error["kind"], error["message"]) == ("transport", "the simulator was stopped")


def test_a_simulator_that_was_stopped_meanwhile_is_not_served(slow: Path) -> None:
    before, embedded = simulators(), Embedded(specs=str(slow), devices=1)
    thread = threading.Thread(target=embedded.start)
    thread.start()
    with (slow / "account.json").open("wb") as pen:
        embedded.stop()
        pen.write((CONTRACT / "account.json").read_bytes())
    thread.join(60)
    with pytest.raises(Problem, match="was stopped"):
        embedded.url()
    assert simulators() == before


def test_each_who_waits_for_a_simulator_that_failed_is_told() -> None:
    embedded = Embedded("sim:?bogus=1")
    embedded.start()
    told: list[Problem] = []
    for _ in range(2):
        with pytest.raises(Problem, match="did not start") as raised:
            embedded.url()
        told.append(raised.value)
    assert told[0] is not told[1]


def test_a_simulator_that_was_stopped_before_is_not_started() -> None:
    before, embedded = simulators(), Embedded(devices=1)
    embedded.stop()
    embedded.start()
    with pytest.raises(Problem, match="was stopped"):
        embedded.url()
    assert simulators() == before


def simulators() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "digirm-simulator"]


def test_a_history_that_is_none(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("my own words\n" * 100)
    line = refused(capsys, "--port", "0", "--history", str(tmp_path / "mine.txt"))
    assert "mine.txt" in line
    assert (tmp_path / "mine.txt").read_text().startswith("my own words")
