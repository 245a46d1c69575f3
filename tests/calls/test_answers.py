"""What a call prints of its answer, and the exit code of what went wrong."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.calls.conftest import Run, Stdout
from tests.support.server import Answer, Got, Server, cut_json, dropped, script, truncated

JSON = (("content-type", "application/json; charset=utf-8"),)
XML = (("content-type", "text/xml"),)
BYTES = (("content-type", "application/octet-stream"),)

pytestmark = pytest.mark.usefixtures("key")


def test_json_is_one_line_of_what_came(digirm: Run) -> None:
    body = '{ "a": 1.10, "b": [12345678901234567890123, "é"],\n "password": "p" }'.encode()
    with script(Answer(200, body, JSON)) as server:
        ran = digirm("get", "/ws/v1/devices/inventory/1", "--url", server.url)
    assert ran == (0, '{"a":1.10,"b":[12345678901234567890123,"é"],"password":"p"}\n', "")
    [got] = server.got
    assert (got.method, got.target) == ("GET", "/ws/v1/devices/inventory/1")
    assert got.headers["accept"] == "*/*"
    assert got.headers["x-api-key-id"] == "canary-id"


def test_json_on_a_terminal_is_laid_out_and_moves_no_cursor(digirm: Run) -> None:
    body = '{"a": [1.10], "b": "\u009b\u202e\x7f é", "c": "\\u001b[31m"}'.encode()
    terminal = Stdout(terminal=True)
    with script(Answer(200, body, JSON)) as server:
        assert digirm("get", "devices/inventory/1", "--url", server.url, stdout=terminal).code == 0
    shown = terminal.bytes.getvalue().decode()
    assert shown == ('{\n  "a": [\n    1.10\n  ],\n  "b": "\\u009b\\u202e\\u007f é",\n  "c": "\\u001b[31m"\n}\n')
    assert json.loads(shown) == json.loads(body)


@pytest.mark.parametrize("body", [b'{"a": "\\ud83d"}', b"\xef\xbb\xbf[1]", '{"a": [NaN]}'.encode("utf-16")])
def test_odd_json_is_json_all_the_same(body: bytes, digirm: Run) -> None:
    with script(Answer(200, body, JSON)) as server:
        ran = digirm("get", "devices/inventory/1", "--url", server.url)
    assert ran.code == 0
    assert str(json.loads(ran.out)) == str(json.loads(body))


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b"<list>\r\n<a>\xe9</a></list>", XML),
        (b'id,name\n"1","x"\n', (("content-type", "text/csv"),)),
        (bytes(range(256)) * 1000, BYTES),
        (b"", BYTES),
        (b'{"a":  1}', ()),
    ],
)
def test_what_is_not_json_comes_as_it_is(body: bytes, headers: Any, digirm: Run) -> None:
    out = Stdout(terminal=False)
    kind = headers or (("content-type", ""),)
    packed = (*kind, ("content-encoding", "gzip"))
    for answer in (Answer(200, body, kind), Answer(200, gzip.compress(body), packed)):
        with script(answer) as server:
            assert digirm("get", "/ws/FileData/x", "--url", server.url, stdout=out).code == 0
    assert out.bytes.getvalue() == body * 2


def test_text_on_a_terminal(digirm: Run) -> None:
    terminal = Stdout(terminal=True)
    with script(Answer(200, b"<a>\x1b[31m\r\n\ttab \xe9</a>", XML)) as server:
        assert digirm("get", "/ws/DeviceCore", "--url", server.url, stdout=terminal).code == 0
    assert terminal.bytes.getvalue() == "<a>\\x1b[31m\n\ttab é</a>\n".encode()


def test_bytes_are_nothing_for_a_terminal(digirm: Run, tmp_path: Path) -> None:
    file, terminal = tmp_path / "x", Stdout(terminal=True)
    with script(Answer(200, b"\x1b\x00", BYTES)) as server:
        ran = digirm("get", "/ws/FileData/x", "--url", server.url, stdout=terminal)
        assert ran.code == 2
        assert "2 bytes of application/octet-stream are nothing for a terminal: --out FILE" in ran.err
        assert digirm("get", "/ws/FileData/x", "--url", server.url, "--out", str(file), stdout=terminal).code == 0
    assert file.read_bytes() == b"\x1b\x00"
    assert terminal.bytes.getvalue() == b""


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (Answer(404, {"error_message": "no such\n\x1b[31m device"}), 1, "answered 404: no such \\x1b[31m device"),
        (Answer(401, {"error_message": "who is canary-secret?"}), 1, "answered 401: who is ***?"),
        (Answer(503, b"<html>", (("content-type", "text/html"),)), 1, "answered 503 after 4 attempts"),
        (dropped(), 2, "the connection broke"),
        (truncated({"a": 1}), 2, "the connection broke"),
        (cut_json({"a": 1}), 2, "ends early"),
        (Answer(200, b"", JSON), 2, "is empty"),
        (Answer(200, b"[" * 100_000, JSON), 2, "nested too deep"),
        (Answer(302, b"", (("location", "https://other.example"),)), 1, "answered 302"),
    ],
)
def test_what_went_wrong(answer: Answer, code: int, said: str, digirm: Run, tmp_path: Path) -> None:
    out = tmp_path / "kept"
    out.write_text("before")
    with script(answer) as server:
        ran = digirm("get", "devices/inventory/1", "--url", server.url)
        assert digirm("get", "devices/inventory/1", "--url", server.url, "--out", str(out)).code == code
    assert (ran.code, ran.out, ran.err.count("\n")) == (code, "", 1)
    assert said in ran.err
    assert out.read_text() == "before"
    assert list(tmp_path.iterdir()) == [out]


def test_a_broken_answer_is_asked_for_again_where_that_does_no_harm(digirm: Run) -> None:
    with script(cut_json({"a": 1}), Answer(503), Answer(200, {"a": 1})) as server:
        assert digirm("put", "devices/inventory/1", "a=1", "--url", server.url)[:2] == (0, '{"a":1}\n')
    assert len(server.got) == 3
    with script(cut_json({"a": 1})) as server:
        assert digirm("post", "devices/inventory", "a=1", "--url", server.url).code == 2
    assert len(server.got) == 1


def test_a_query_that_the_service_refuses_is_shown_with_carets(digirm: Run) -> None:
    ran = digirm("get", "devices/inventory", "query==name = ", "--no-check", "--url", "sim:")
    assert (ran.code, ran.out) == (1, "")
    assert "answered 400\n" in ran.err
    assert "^" in ran.err


def test_bodies(digirm: Run, noted: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "body.xml"
    file.write_bytes(b"<a/>\n\xff")
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\x00from stdin")))
    for argv in (
        ("post", "devices/inventory", 'name="quoted"', "n:=1.5", "tags:=[null]"),
        ("put", "/ws/FileData/~/x", "--body", str(file)),
        ("put", "/ws/FileData/~/x", "--body", str(file), "content-type:image/png", "Accept:text/plain"),
        ("post", "/ws/sci", "--body", "-"),
        ("post", "devices/inventory", "--body", "-"),
        ("post", "automations/runs/cancel/1"),
    ):
        assert digirm(*argv, "--no-check", "--url", noted.url).code == 0
    assert [(got.headers.get("content-type"), got.body) for got in noted.got] == [
        ("application/json", b'{"name":"\\"quoted\\"","n":1.5,"tags":[null]}'),
        ("application/xml", b"<a/>\n\xff"),
        ("image/png", b"<a/>\n\xff"),
        ("application/xml", b"\x00from stdin"),
        ("application/json", b""),
        (None, b""),
    ]
    assert noted.got[2].headers["accept"] == "text/plain"


def test_standard_input_that_is_closed() -> None:
    command = f'exec "{sys.executable}" -m digirm_cli.main post /ws/sci --body - --url sim: <&-'
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "digirm: cannot read standard input: it is closed\n"


def test_all_follows_the_cursor_as_lines(digirm: Run) -> None:
    def reply(got: Got) -> Answer:
        page = int(got.params.get("cursor", 0))
        items = [{"id": f"{page}", "name": "é\n\x1b", "half": "\ud83d"} if page else {"id": "0"}]
        return Answer(200, {"list": items, **({"cursor": str(page + 1)} if page < 3 else {})})

    with Server(reply) as server:
        ran = digirm("get", "devices/inventory", "size==1", "query==name = 'x'", "--all", "--url", server.url)
    assert (ran.code, ran.err) == (0, "")
    assert [json.loads(line)["id"] for line in ran.out.splitlines()] == ["0", "1", "2", "3"]
    assert [got.params.get("cursor") for got in server.got] == [None, "1", "2", "3"]
    assert {got.params["query"] for got in server.got} == {"name = 'x'"}


def test_all_that_breaks_in_the_middle_keeps_what_came(digirm: Run) -> None:
    with script(Answer(200, {"list": [{"id": 1}], "cursor": "a"}), Answer(403)) as server:
        ran = digirm("get", "devices/inventory", "--all", "--url", server.url)
    assert ran.code == 1
    assert ran.out == '{"id":1}\n'
    with script(Answer(200, {"items": []})) as server:
        ran = digirm("get", "devices/inventory", "--all", "--url", server.url)
    assert (ran.code, ran.out) == (2, "")
    assert "has no list under 'list'" in ran.err


def test_lines_on_a_terminal(digirm: Run) -> None:
    terminal = Stdout(terminal=True)
    with script(Answer(200, {"list": [{"a": "\u009bé"}]})) as server:
        assert digirm("get", "devices/inventory", "--all", "--url", server.url, stdout=terminal).code == 0
    assert terminal.bytes.getvalue() == '{"a":"\\u009bé"}\n'.encode()


def test_json_that_is_too_long_to_be_checked_passes_through(digirm: Run) -> None:
    body = b'{"list":[' + b"1, " * 3_000_000
    packed, out = (*JSON, ("content-encoding", "gzip")), Stdout(terminal=False)
    with script(Answer(200, gzip.compress(body, 1), packed)) as server:
        assert digirm("get", "devices/inventory", "--url", server.url, stdout=out).code == 0
        assert out.bytes.getvalue() == body
        terminal = Stdout(terminal=True)
        ran = digirm("get", "devices/inventory", "--url", server.url, stdout=terminal)
    assert (ran.code, terminal.bytes.getvalue()) == (2, b"")
    assert "more than 8 MiB are nothing for a terminal: --out FILE" in ran.err
    out = Stdout(terminal=False)
    with script(Answer(200, body, JSON, declared=len(body) + 1)) as server:
        ran = digirm("get", "devices/inventory", "--url", server.url, stdout=out)
    assert (ran.code, out.bytes.getvalue(), len(server.got)) == (2, body, 1)
    assert "the connection broke" in ran.err


def test_a_page_that_no_page_can_be(digirm: Run) -> None:
    packed = (*JSON, ("content-encoding", "gzip"))
    with script(Answer(200, gzip.compress(b'{"list":[' + b" " * (64 << 20), 1), packed)) as server:
        ran = digirm("get", "devices/inventory", "--all", "--url", server.url)
    assert (ran.code, ran.out, len(server.got)) == (2, "", 1)
    assert f"the answer is longer than {64 << 20} bytes" in ran.err


def test_rows_that_break_off_are_kept_and_said(digirm: Run) -> None:
    with script(Answer(200, b"id,name\n1,x\n", (("content-type", "text/csv"),), declared=100)) as server:
        ran = digirm("get", "devices/bulk", "--url", server.url)
    assert (ran.code, ran.out) == (2, "id,name\n1,x\n")
    assert "the connection broke" in ran.err


def test_the_service_in_process(digirm: Run, tmp_path: Path) -> None:
    out = tmp_path / "rows.csv"
    assert digirm("get", "devices/bulk", "fields==id,name", "--url", "sim:?devices=3", "--out", str(out)).code == 0
    assert len(out.read_text("utf-8").splitlines()) == 4
    ran = digirm("get", "devices/inventory", "size==2", "--all", "--url", "sim:?devices=5")
    assert len(ran.out.splitlines()) == 5
    ran = digirm("get", "devices/inventory", "size==2", "--url", "sim:?devices=5", "--specs", "specs/22.7")
    assert json.loads(ran.out)["count"] == 2


def test_the_older_api_answers_as_it_does(digirm: Run, tmp_path: Path) -> None:
    ran = digirm("get", "/ws/DeviceCore", "size==1", "--url", "sim:")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.lstrip().startswith("<?xml")
    assert ran.out.count("<DeviceCore>") == 1
    ran = digirm("get", "/ws/DeviceCore", "size==1", "Accept:application/json", "--url", "sim:")
    assert len(json.loads(ran.out)["items"]) == 1
    command = tmp_path / "command.xml"
    command.write_text(
        '<sci_request version="1.0"><send_message><targets><device id="all"/></targets>'
        '<rci_request version="1.1"><query_state/></rci_request></send_message></sci_request>'
    )
    ran = digirm("post", "/ws/sci", "--body", str(command), "--url", "sim:?devices=2")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.count("<device id=") == 2


def test_a_dry_run_shows_no_secrets(digirm: Run, noted: Server) -> None:
    ran = digirm(
        "post", "devices/inventory", "id=1", "install_code=hush", 'more:=[{"userPassword": "hush"}]', "X-One:1",
        "auth_token==hush", "--no-check", "--dry-run", "--url", noted.url,
    )  # fmt: skip
    assert ran.code == 0
    assert ran.out.splitlines() == [
        f"POST {noted.url}/ws/v1/devices/inventory?auth_token=***",
        "Accept: */*",
        "Content-Type: application/json",
        "X-One: 1",
        "x-api-key-id: ***",
        "x-api-key-secret: ***",
        "",
        '{"id": "1", "install_code": "***", "more": [{"userPassword": "***"}]}',
    ]
    assert not noted.got
