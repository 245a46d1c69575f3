"""`digirm sci` against the simulator: what it prints where, and its exit codes."""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from digirm import Client
from digirm_cli.main import main
from digirm_simulator import Clock, Simulator
from tests.support.recordings import recorded
from tests.support.server import Answer, script

NOBODY = "00000000-00000000-112233FF-FF445566"
XML = (("content-type", "application/xml"),)


@pytest.fixture
def clock() -> Clock:
    return Clock(speed=0)


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    with Simulator(devices=12, clock=clock, port=0) as running:
        yield running


@pytest.fixture
def fleet(simulator: Simulator) -> dict[str, list[str]]:
    """The ids of devices by whether they are connected."""
    with Client(simulator.url, auth=("a", "b")) as rm:
        found: dict[str, list[str]] = {"connected": [], "disconnected": []}
        for device in rm.devices.inventory.list():
            found[device["connection_status"]].append(device["id"])
    return found


class Run:
    """One run of the command: its exit code, and what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], *argv: str) -> None:
        try:
            self.code: Any = main(["sci", *argv])
        except SystemExit as end:  # argparse
            self.code = end.code
        self.out, self.err = capsys.readouterr()
        assert "Traceback" not in self.err

    @property
    def json(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def sci(capsys: pytest.CaptureFixture[str], simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("DIGIRM_URL", simulator.url)
    monkeypatch.setenv("DIGIRM_USERNAME", "canary-user")
    monkeypatch.setenv("DIGIRM_PASSWORD", "canary-password")
    return lambda *argv: Run(capsys, *argv)


def test_the_time_of_one_device(sci: Any, fleet: dict[str, list[str]], simulator: Simulator) -> None:
    device = fleet["connected"][0]
    simulator.devices[device].on("get_time", "Time: Wed Sep 13 07:58:17 2023\n")
    ran = sci("get-time", device)
    assert (ran.code, ran.out, ran.err) == (0, "Time: Wed Sep 13 07:58:17 2023\n", "")


def test_the_time_of_all_with_errors_apart(sci: Any, fleet: dict[str, list[str]]) -> None:
    ran = sci("get-time", "all")
    assert ran.code == 1
    assert sorted(line.partition(": ")[0] for line in ran.out.splitlines()) == sorted(fleet["connected"])
    assert sorted(ran.err.splitlines()) == sorted(f"{id}: 2001 Device Not Connected" for id in fleet["disconnected"])


def test_for_programs(sci: Any, fleet: dict[str, list[str]]) -> None:
    ran = sci("get-time", "all", "--format", "json")
    assert len(ran.json) == 12
    by_id = {one["device_id"]: one for one in ran.json}
    assert by_id[fleet["disconnected"][0]]["error"] == {"id": 2001, "message": "Device Not Connected"}
    fine = by_id[fleet["connected"][0]]
    assert fine["error"] is None
    assert fine["text"].startswith("Time: ")
    assert fine["value"]["requests"]["device_request"]["@status"] == "0"


def test_a_command_line(sci: Any, fleet: dict[str, list[str]], simulator: Simulator) -> None:
    device = fleet["connected"][0]
    ran = sci("cli", device, "show system")
    assert (ran.code, "Model" in ran.out, ran.err) == (0, True, "")
    simulator.devices[device].on("cli", "a\r\n\tb\x9b2J\n")
    assert sci("cli", device, "x").out == "a\n        b\\x9b2J\n"


def test_reboot_of_many_must_be_meant(sci: Any, fleet: dict[str, list[str]], simulator: Simulator) -> None:
    for target in ("all", "tag:x", "group:x"):
        before = len(simulator.requests)
        ran = sci("reboot", target)
        assert (ran.code, "--yes" in ran.err) == (2, True)
        assert sci("request", target, "--operation", "disconnect").code == 2
        assert len(simulator.requests) == before
    ran = sci("reboot", *fleet["connected"][:2])
    assert (ran.code, ran.out) == (0, "".join(f"{id}: done\n" for id in fleet["connected"][:2]))
    assert sci("reboot", "all", "--yes").code == 1


def test_any_request(sci: Any, fleet: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device, file = fleet["connected"][0], tmp_path / "payload.xml"
    payload = '<?xml version="1.0"?><rci_request version="1.1"><query_state/></rci_request>'
    file.write_text(payload)
    ran = sci("request", device, "--operation", "send_message", "--payload", str(file))
    assert (ran.code, "rci_reply/query_state" in ran.out) == (0, True)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(payload.encode())))
    again = sci("request", device, "--operation", "send_message", "--payload", "-", "--sync-timeout", "60")
    assert again.out == ran.out
    offline = fleet["disconnected"][0]
    ran = sci("request", offline, "--operation", "send_message", "--payload", str(file), "--cache", "only")
    assert (ran.code, ran.err) == (0, "")


def test_nobody(sci: Any) -> None:
    ran = sci("get-time", NOBODY)
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        f"{NOBODY}: 303 Invalid target. Device not found.",
        "digirm: Invalid SCI request. No valid targets found.",
    ]


@pytest.mark.parametrize(
    "argv",
    [
        ("get-time", "nonsense"),
        ("get-time", ""),
        ("get-time", "tag:"),
        ("cli", NOBODY, " "),
        ("request", NOBODY, "--operation", "a b"),
        ("request", NOBODY, "--operation", "reboot", "--payload", "/nowhere/at/all"),
        ("request", NOBODY, "--operation", "reboot", "--payload", "."),
        ("get-time", NOBODY, "--sync-timeout", "0"),
        ("get-time", NOBODY, "--cache", "maybe"),
        ("get-time", NOBODY, "--url", "nothing:"),
        ("get-time", NOBODY, "--url", ""),
        ("job", "x"),
        ("job", "0"),
        ("jobs", "--limit", "-1"),
        ("file", "ls", "all", "/"),
        ("file", "get", NOBODY, "/folder/"),
        ("file", "put", NOBODY, "/a", "/nowhere/at/all"),
        ("file", "put", NOBODY, "/a", "."),
        (),
        ("file",),
    ],
)
def test_what_cannot_run(sci: Any, argv: tuple[str, ...], simulator: Simulator) -> None:
    ran = sci(*argv)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.strip()
    assert len(simulator.requests) == 0


def test_a_payload_that_is_none(sci: Any, tmp_path: Path) -> None:
    for content in (b"<a>", b"\xff", b"text", b"<targets/>", b"<!DOCTYPE a><a/>"):
        (tmp_path / "bad").write_bytes(content)
        ran = sci("request", NOBODY, "--operation", "reboot", "--payload", str(tmp_path / "bad"))
        assert (ran.code, "payload" in ran.err) == (2, True)


def test_an_operation_that_the_service_refuses(sci: Any) -> None:
    ran = sci("request", NOBODY, "--operation", "no_such_operation")
    assert (ran.code, ran.out) == (1, "")
    assert "400" in ran.err


def test_jobs(sci: Any, fleet: dict[str, list[str]], clock: Clock) -> None:
    device = fleet["connected"][0]
    began = sci("get-time", device, NOBODY, "--async")
    assert (began.code, began.err) == (0, "")
    number = began.out.strip()
    running = sci("job", number)
    assert (running.code, running.out, running.err) == (3, "", f"digirm: job {number} is in_progress\n")
    clock.advance(minutes=1)
    ran = sci("job", number, "--wait")
    assert ran.code == 1
    assert ran.out.startswith(f"{device}: Time: ")
    assert ran.err.startswith(f"{NOBODY}: 303")
    assert sci("jobs").out.split()[0] == number
    assert sci("jobs", "--limit", "1", "--format", "json").json[0]["jobId"] == number
    assert sci("job", number, "--delete").code == 1
    gone = sci("job", number)
    assert (gone.code, "404" in gone.err) == (1, True)
    assert sci("jobs").out == ""


def test_a_job_that_goes_on(sci: Any) -> None:
    text: str = recorded("sci-replies.json")["async_in_progress"]
    with script(Answer(202, text.encode(), (("content-type", "application/xml"),))) as server:
        ran = sci("job", "7", "--url", server.url)
        assert (ran.code, ran.out, ran.err) == (3, "", "digirm: job 7 is in_progress\n")


def test_files(sci: Any, fleet: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    device = fleet["connected"][0]
    source = tmp_path / "source"
    source.write_bytes(b"content\n" * 10)
    monkeypatch.chdir(tmp_path)
    assert sci("file", "put", device, "/a/b.txt", str(source)).code == 0
    listed = sci("file", "ls", device, "/a")
    assert (listed.code, "80" in listed.out, listed.out.endswith("/a/b.txt\n")) == (0, True, True)
    assert sci("file", "ls", device, "/").out.endswith("/a/\n")
    assert sci("file", "ls", device, "/a", "--format", "json").json[0]["size"] == 80
    ran = sci("file", "get", device, "/a/b.txt")
    assert (ran.code, ran.out, ran.err) == (0, "", "")
    assert (tmp_path / "b.txt").read_bytes() == source.read_bytes()
    assert sci("file", "get", device, "/a/b.txt", "-").out == "content\n" * 10
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"from a pipe")))
    assert sci("file", "put", device, "/a/c.txt", "-").code == 0
    assert sci("file", "get", device, "/a/c.txt", str(tmp_path / "c")).code == 0
    assert (tmp_path / "c").read_bytes() == b"from a pipe"
    assert sci("file", "get", device, "/a/c.txt", str(tmp_path)).code == 2
    assert sci("file", "rm", device, "/a/b.txt").code == 0
    for what in ("get", "ls", "rm"):
        ran = sci("file", what, device, "/a/b.txt")
        assert (ran.code, ran.out, ran.err) == (1, "", f"{device}: 1 No such file or directory\n")
    ran = sci("file", "ls", fleet["disconnected"][0], "/")
    assert (ran.code, ran.err) == (1, f"{fleet['disconnected'][0]}: 2001 Device Not Connected\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_on_a_terminal(
    sci: Any, fleet: dict[str, list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device, source = fleet["connected"][0], tmp_path / "source"
    source.write_bytes(os.urandom(300 * 1024))
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    assert sci("file", "put", device, "/a", str(source)).code == 0
    shown = terminal.getvalue().split("\r")
    assert shown[1] == "262,144 of 307,200 bytes #################..."
    assert shown[2] == "307,200 of 307,200 bytes ####################\n"
    terminal.truncate(0)
    assert sci("file", "get", device, "/a", str(tmp_path / "got")).code == 0
    assert terminal.getvalue().endswith("\r307,200 of 307,200 bytes ####################\n")
    assert (tmp_path / "got").read_bytes() == source.read_bytes()


def test_without_standard_input(sci: Any, simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)  # as the interpreter has it after `<&-`
    for argv in (("file", "put", NOBODY, "/a", "-"), ("request", NOBODY, "--operation", "reboot", "--payload", "-")):
        ran = sci(*argv)
        assert (ran.code, ran.out) == (2, "")
        assert ran.err == "digirm: cannot read standard input: it is closed\n"
    assert len(simulator.requests) == 0


def test_what_a_server_says_cannot_move_the_cursor_or_begin_a_line(sci: Any) -> None:
    bad = "a&#10;b&#x9b;2J\u202e"
    shown = "a\\nb\\x9b2J\\u202e"
    for text, where in (
        (f'<reboot><device id="{bad}"/></reboot>', "out"),
        (f'<reboot><device id="{bad}"><error id="1">{bad}</error></device></reboot>', "err"),
        (f"<status>{bad}</status>", "err"),
    ):
        with script(Answer(200, f"<sci_reply>{text}</sci_reply>".encode(), XML)) as server:
            ran = sci("reboot", NOBODY, NOBODY.replace("1", "2"), "--url", server.url)
        said = getattr(ran, where)
        assert len(said.splitlines()) == 1
        assert said.isascii()
        assert "x9b2J" in said
    with script(Answer(200, f'<sci_reply><reboot><device id="{bad}"/></reboot></sci_reply>'.encode(), XML)) as server:
        assert sci("reboot", "all", "--yes", "--url", server.url).out == f"{shown}: done\n"
    rows = f"<result><Job><jobId>{bad}</jobId></Job></result>"
    with script(Answer(200, rows.encode(), XML)) as server:
        assert sci("jobs", "--url", server.url).out == f"{shown}  -  -  -\n"
    commands = f'<commands><ls><file path="/{bad}"/></ls></commands>'
    reply = f'<sci_reply><file_system><device id="{NOBODY}">{commands}</device></file_system></sci_reply>'
    with script(Answer(200, reply.encode(), XML)) as server:
        assert sci("file", "ls", NOBODY, "/", "--url", server.url).out.endswith(f"  /{shown}\n")


def test_a_job_that_only_the_header_names(sci: Any) -> None:
    with script(Answer(202, b"", (*XML, ("location", "/ws/sci/77")))) as server:
        ran = sci("reboot", NOBODY, "--async", "--url", server.url)
        assert (ran.code, ran.out) == (0, "77\n")
    with script(Answer(202, b"", (*XML, ("location", "/ws/sci/77")))) as server:
        ran = sci("reboot", NOBODY, "--url", server.url)
        assert (ran.code, ran.out, "made job 77" in ran.err) == (1, "", True)


def test_no_service(sci: Any) -> None:
    ran = sci("get-time", NOBODY, "--url", "http://127.0.0.1:1")
    assert (ran.code, ran.out) == (2, "")
    assert "canary-password" not in ran.err


def test_a_name_stays_a_name(sci: Any, simulator: Simulator) -> None:
    assert sci("get-time", 'tag:x"/><device id="all').out == ""
    [sent] = [request.body for request in simulator.requests]
    assert b'<device tag="x&quot;/&gt;&lt;device id=&quot;all"/>' in sent
