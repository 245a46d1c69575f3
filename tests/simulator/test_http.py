from __future__ import annotations

import argparse
import gzip
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path

import pytest

from digirm_cli import simulate
from digirm_runtime.wire import SIMULATOR_HEADER, Request, Response
from digirm_simulator import Simulator, contract_files, front, server
from tests.simulator.support import BASIC, DEVICES, Api, device_id

COMMAND = """
import argparse, sys
from digirm_cli import simulate
parser = argparse.ArgumentParser()
simulate.register(parser.add_subparsers(required=True))
args = parser.parse_args(sys.argv[1:])
sys.exit(args.run(args))
"""


@pytest.fixture
def url(simulator: Simulator) -> Iterator[str]:
    with server.running(simulator) as found:
        yield found


def fetch(url: str, method: str = "GET", body: bytes | None = None) -> tuple[int, bytes, Message]:
    request = urllib.request.Request(url, data=body, headers=BASIC, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, reply.read(), reply.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read(), error.headers


def test_http_answers_as_the_core_does(simulator: Simulator, url: str) -> None:
    api = Api(simulator)
    for path in ("/ws/v1", "/ws/v1/devices", DEVICES, "/ws/v1/nonsense", "/ws/v1/users/inventory/a%2Fb"):
        status, body, headers = fetch(url + path)
        assert (status, json.loads(body)) == api.get(path)[:2]
        assert headers[SIMULATOR_HEADER] == "simulator"
        assert headers["content-type"] == "application/json"
    query = urllib.parse.urlencode({"query": "name = 'Fred''s Device'", "fields": "id,name"})
    status, body, headers = fetch(f"{url}/ws/v1/devices/bulk?{query}")
    assert body.decode() == api.get(f"/ws/v1/devices/bulk?{query}").body
    assert headers["content-type"].startswith("text/csv")
    assert urllib.request.urlopen(urllib.request.Request(url + "/ws/v1", headers=BASIC, method="HEAD")).read() == b""


def test_write_over_http(url: str) -> None:
    status, body, _ = fetch(url + DEVICES, "POST", json.dumps({"id": device_id(1)}).encode())
    assert (status, json.loads(body)["count"]) == (201, 1)
    assert fetch(f"{url}{DEVICES}/{device_id(1)}", "DELETE")[:2] == (204, b"")
    assert fetch(f"{url}{DEVICES}/{device_id(1)}")[0] == 404


def test_a_query_for_many_devices_fits(url: str) -> None:
    query = " or ".join(f"id = '{device_id(number)}'" for number in range(2500))
    assert fetch(f"{url}{DEVICES}?{urllib.parse.urlencode({'query': query})}")[0] == 200


def test_many_at_once(simulator: Simulator, url: str) -> None:
    statuses: list[int] = []

    def work(start: int) -> None:
        for number in range(start, start + 5):
            statuses.append(fetch(url + DEVICES, "POST", json.dumps({"id": device_id(number)}).encode())[0])
            statuses.append(fetch(f"{url}{DEVICES}?query=name%20contains%20%27x%27")[0])

    threads = [threading.Thread(target=work, args=(at * 5,)) for at in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 30 + [201] * 30
    assert len(Api(simulator).ids()) == 70


def test_a_body_that_is_too_large_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "MAX_BODY", 1000)
    status, body, _ = fetch(url + DEVICES, "POST", b" " * 1001)
    assert (status, json.loads(body)["error_status"]) == (413, 413)
    assert fetch(url + DEVICES, "POST", b" " * 1000)[0] == 400


def unpacked(url: str, encoding: str) -> tuple[bytes, Message, bytes]:
    request = urllib.request.Request(url, headers=BASIC | {"accept-encoding": encoding})
    with urllib.request.urlopen(request, timeout=30) as reply:
        body: bytes = reply.read()
    packed = reply.headers["content-encoding"] == "gzip"
    return (gzip.decompress(body) if packed else body), reply.headers, body


@pytest.mark.parametrize("encoding", ["gzip", "deflate, GZIP;q=0.5", "br, x-gzip"])
@pytest.mark.parametrize("path", [DEVICES, "/ws/v1/devices/bulk", "/ws/v1/devices"])
def test_gzip_for_those_who_ask(url: str, path: str, encoding: str) -> None:
    plain, headers, _ = unpacked(url + path, "identity")
    assert headers["content-encoding"] is None
    text, headers, sent = unpacked(url + path, encoding)
    assert text == plain
    assert headers["content-encoding"] == "gzip"
    assert headers["vary"] == "accept-encoding"
    assert len(sent) < len(plain)


@pytest.mark.parametrize("encoding", ["", "identity", "gzip;q=0", "gzip; q=0.0", "gzipped", "br"])
def test_no_gzip_for_others_and_for_little(url: str, encoding: str) -> None:
    assert unpacked(url + DEVICES, encoding)[1]["content-encoding"] is None
    assert unpacked(url + DEVICES + "?size=1&query=name%20=%20%27none%27", "gzip")[1]["content-encoding"] is None


def test_head_says_what_get_would(url: str) -> None:
    for path in (DEVICES, "/ws/v1", "/ws/v1/devices"):
        status, body, headers = fetch(url + path, "HEAD")
        assert (status, body) == (200, b"")
        assert int(headers["content-length"]) == len(fetch(url + path)[1])
    assert fetch(url + "/ws/v1/nonsense", "HEAD")[:2] == (404, b"")


def test_head_makes_up_no_length(url: str) -> None:
    for encoding in ("identity", "gzip"):
        request = urllib.request.Request(
            f"{url}/ws/v1/devices/bulk", headers=BASIC | {"accept-encoding": encoding}, method="HEAD"
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            assert (reply.read(), reply.headers["content-length"]) == (b"", None)
    request = urllib.request.Request(url + DEVICES, headers=BASIC | {"accept-encoding": "gzip"}, method="HEAD")
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert (reply.headers["content-length"], reply.headers["vary"]) == (None, "accept-encoding")
    # What is too short to be compressed has the length that it has.
    few = f"{url}{DEVICES}?size=1&query=name%20=%20%27none%27"
    request = urllib.request.Request(few, headers=BASIC | {"accept-encoding": "gzip"}, method="HEAD")
    with urllib.request.urlopen(request, timeout=30) as reply:
        assert int(reply.headers["content-length"]) == len(fetch(few)[1])


def test_connections_are_kept(simulator: Simulator, url: str) -> None:
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(url).netloc, timeout=30)
    ports = set()
    for method, path, body in (
        ("GET", DEVICES, None),
        ("GET", "/ws/v1/devices/bulk", None),
        ("HEAD", DEVICES, None),
        ("POST", DEVICES, json.dumps({"id": device_id(1)})),
        ("DELETE", f"{DEVICES}/{device_id(1)}", None),
        ("GET", "/ws/v1/nonsense", None),
    ):
        connection.request(method, path, body, BASIC)
        connection.getresponse().read()
        assert connection.sock is not None
        ports.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(ports) == 1
    assert [one.status for one in simulator.requests] == [200, 200, 200, 201, 204, 404]


def test_pretty_and_suffix_and_case(url: str) -> None:
    plain = fetch(url + DEVICES + "?size=2")[1]
    request = urllib.request.Request(f"{url}{DEVICES}.json?size=2", headers=BASIC | {"X-Pretty": "true"})
    with urllib.request.urlopen(request, timeout=30) as reply:
        pretty = reply.read()
    assert pretty.count(b"\n") > 20
    expected = json.loads(plain)
    expected["next_uri"] = expected["next_uri"].replace("inventory?", "inventory.json?")
    shown = json.loads(pretty)
    for document in (expected, shown):
        # The place in the list is bound to the address, which is not the same.
        del document["cursor"]
        document["next_uri"] = document["next_uri"].partition("cursor=")[0]
    assert shown == expected
    first = expected["list"][0]["id"]
    assert json.loads(fetch(f"{url}{DEVICES}/{first}.json")[1]) == json.loads(fetch(f"{url}{DEVICES}/{first}")[1])
    for wrong in ("/ws/v1/Devices/Inventory", "/WS/v1", "/ws/v1/devices/inventory.xml", "/ws/v1/devices/inventory/"):
        assert fetch(url + wrong)[0] == 404


@pytest.mark.parametrize(
    ("path", "args"),
    [
        ("/ws/v1/streams/history/a/b.json", {"stream_id": "a/b"}),
        ("/ws/v1/devices/inventory/x.json.json", {"id": "x.json"}),
        ("/ws/v1/files/inventory/set/a/settings.json", {"fileset": "set", "path": "a/settings.json"}),
        ("/ws/v1/files/inventory.json", {}),
    ],
)
def test_the_suffix_is_no_part_of_what_is_named_but_of_a_file(path: str, args: dict[str, str]) -> None:
    found = contract_files.builtin("22.7").router.match(path)
    assert found is not None
    assert found.args == args


def test_a_slow_request_stops_no_other(simulator: Simulator) -> None:
    """While one request is being answered for as long as it likes, others are answered."""
    begun, end = threading.Event(), threading.Event()
    handle = simulator.handle

    class Slow:
        def handle(self, request: Request) -> Response:
            if "slow" in request.url:
                begun.set()
                assert end.wait(30)
            return handle(request)

        def close(self) -> None:
            """Nothing to close."""

    with server.running(Slow()) as slow:
        for _ in range(3):  # known by now to be fast
            assert fetch(f"{slow}/ws/v1?a=1")[0] == 200
        waiting = threading.Thread(target=fetch, args=(f"{slow}/ws/v1/slow",))
        waiting.start()
        assert begun.wait(30)
        assert fetch(f"{slow}/ws/v1?a=2")[0] == fetch(f"{slow}{DEVICES}")[0] == 200
        end.set()
        waiting.join()


def test_what_must_be_caught_up_with_stops_no_other(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that was fast so far, before which the fleet has days to live through."""
    monkeypatch.setattr(front, "_CHEAP", 60.0)
    begun, end, behind = threading.Event(), threading.Event(), threading.Event()
    ended: list[bool] = []
    handle = simulator.handle

    class Behind:
        def is_behind(self) -> bool:
            return behind.is_set()

        def handle(self, request: Request) -> Response:
            if behind.is_set() and "a=" in request.url:
                begun.set()
                ended.append(end.wait(10))
            return handle(request)

        def close(self) -> None:
            """Nothing to close."""

    with server.running(Behind()) as url:
        assert fetch(f"{url}/ws/v1?a=1")[0] == fetch(f"{url}/ws/v1?b=1")[0] == 200
        behind.set()
        waiting = threading.Thread(target=fetch, args=(f"{url}/ws/v1?a=1",))
        waiting.start()
        assert begun.wait(30)
        assert fetch(f"{url}/ws/v1?b=2")[0] == 200
        end.set()
        waiting.join()
    assert ended == [True]


def test_it_is_behind_until_the_fleet_has_lived(simulator: Simulator) -> None:
    assert simulator.is_behind()
    simulator.tick()
    assert not simulator.is_behind()
    simulator.clock.advance(hours=3)
    assert simulator.is_behind()
    assert Api(simulator).get(DEVICES).status == 200
    assert not simulator.is_behind()


def test_the_fleet_lives_while_nobody_asks(simulator: Simulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "_TICK", 0.01)
    lived = threading.Event()
    tick = simulator.tick

    class Living:
        handle = simulator.handle
        close = simulator.close

        def tick(self) -> None:
            tick()
            lived.set()

    with server.running(Living()):
        assert lived.wait(30)
    assert not simulator.is_behind()


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_a_stream_whose_reader_left_ends(encoding: str) -> None:
    closed = threading.Event()

    class Endless:
        def handle(self, request: Request) -> Response:
            def chunks() -> Iterator[bytes]:
                try:
                    while request.method == "GET":
                        yield os.urandom(100_000)
                finally:
                    closed.set()

            return Response(200, {"content-type": "text/csv"}, chunks())

        def close(self) -> None:
            """Nothing to close."""

    with server.running(Endless()) as url:
        address = urllib.parse.urlsplit(url)
        with socket.create_connection((address.hostname or "", address.port or 0), timeout=30) as reader:
            reader.sendall(f"GET /ws/v1 HTTP/1.1\r\nHost: x\r\nAccept-Encoding: {encoding}\r\n\r\n".encode())
            assert reader.recv(1000).startswith(b"HTTP/1.1 200")
            # Closing resets the connection.
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert closed.wait(30)


def test_a_server_of_ones_own() -> None:
    simulator = Simulator(devices=3)
    one = server.Running(simulator)
    with pytest.raises(RuntimeError, match="not started"):
        _ = one.url
    one.start()
    with pytest.raises(RuntimeError, match="runs already"):
        one.start()
    assert fetch(one.url + "/ws/v1")[0] == 200
    one.stop()
    one.stop()
    with pytest.raises(urllib.error.URLError):
        fetch(one.url + "/ws/v1")
    with Simulator(devices=3, port=0) as other:
        assert fetch(other.url + DEVICES)[0] == 200
    simulator.close()


def test_a_failure_shows_no_traceback(simulator: Simulator, url: str, caplog: pytest.LogCaptureFixture) -> None:
    simulator._store.close()
    status, body, _ = fetch(url + DEVICES)
    assert (status, json.loads(body).keys()) == (500, {"error_message", "error_status"})
    assert b"Traceback" not in body
    assert "ProgrammingError" in caplog.text


def test_a_port_in_use(simulator: Simulator, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    port = urllib.parse.urlsplit(url).port
    assert port is not None
    with pytest.raises(server.ServeError, match=f"port {port}"), server.running(simulator, port):
        pass
    assert command("--port", str(port)) == 2
    assert f"cannot serve on 127.0.0.1 port {port}" in capsys.readouterr().err


def command(*args: str) -> int:
    parser = argparse.ArgumentParser()
    simulate.register(parser.add_subparsers(required=True))
    parsed = parser.parse_args(["simulate", *args])
    result: int = parsed.run(parsed)
    return result


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (["--api-version", "9.9"], "no contract for API version '9.9'"),
        (["--contract", "."], "not a contract folder"),
        (["--data", "no/such/folder/file"], "cannot use"),
        (["--fault", "colour=red"], "--fault colour=red: 'colour' is no setting"),
        (["--fault", "times=2"], "--fault times=2: a fault needs one of"),
        (["--host", "192.0.2.1"], "cannot serve on 192.0.2.1"),
    ],
)
def test_what_cannot_begin_is_one_line_and_2(
    args: list[str], text: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.chdir(str(tmp_path))
    assert command(*args) == 2
    shown = capsys.readouterr()
    assert text in shown.err
    assert shown.err.count("\n") == (2 if "--host" in args else 1)
    assert shown.out == ""


@pytest.mark.parametrize(
    "args",
    [
        ["--port", "70000"],
        ["--port", "x"],
        ["--user", "nosecret"],
        ["--api-key", ":s"],
        ["--throttle", "0/1"],
        ["--throttle", "1"],
        ["--devices", "-1"],
        ["--read-only-user", "nosecret"],
        ["--concurrent", "0"],
        ["--speed", "-1"],
        ["--speed", "fast"],
        ["--start", "yesterday"],
        ["--start", "2021-02-18"],
    ],
)
def test_usage_errors(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        command(*args)
    assert end.value.code == 2
    assert "nosecret" not in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_command_serves_until_a_signal(number: signal.Signals) -> None:
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    options = [
        "simulate",
        "--port",
        "0",
        "--user",
        "fred:pw",
        "--api-key",
        "k:s",
        "--throttle",
        "3/3600",
        "--devices",
        "2",
        "--read-only-user",
        "reader:pw",
        "--start",
        "2021-02-18T21:01:39Z",
        "--speed",
        "0",
        "--concurrent",
        "4",
        "--fault",
        "path=/ws/v1/users,status=504,html",
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("Serving http://127.0.0.1:")
        address = urllib.parse.urlsplit(line.removeprefix("Serving ").strip())
        statuses = []
        for headers in (
            {"x-api-key-id": "k", "x-api-key-secret": "s"},
            BASIC,
            *[{"authorization": "Basic ZnJlZDpwdw=="}] * 3,
        ):
            connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)
            connection.request("GET", DEVICES + "?query=name%20=%20%27quiet%27", headers=headers)
            statuses.append(connection.getresponse().status)
            connection.close()
        assert statuses == [200, 401, 200, 200, 429]
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
    finally:
        process.kill()
        process.wait()
    assert (process.returncode, out) == (0, "")
    assert err.splitlines() == [f"GET {DEVICES} {status}" for status in statuses]


def started(stderr: int) -> tuple[subprocess.Popen[str], http.client.HTTPConnection]:
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "simulate", "--port", "0", "--devices", "2"],
        stdout=subprocess.PIPE,
        stderr=stderr,
        text=True,
    )
    assert process.stdout is not None
    address = urllib.parse.urlsplit(process.stdout.readline().removeprefix("Serving ").strip())
    return process, http.client.HTTPConnection(address.hostname or "", address.port, timeout=30)


@pytest.mark.parametrize("reader", ["asleep", "gone"])
def test_nobody_need_read_the_log(reader: str) -> None:
    reading, writing = os.pipe()
    process, connection = started(writing)
    os.close(writing)
    if reader == "gone":
        os.close(reading)
    try:
        for number in range(200):
            # Lines of 1000 characters, into a pipe that takes 64 KiB; some from the HTTP server, which logs nonsense.
            connection.request("GET", f"/ws/v1/{number}{'x' * 1000}", headers=BASIC)
            reply = connection.getresponse()
            assert (reply.status, bool(reply.read())) == (404, True)
        for _ in range(3):
            with socket.create_connection((connection.host, connection.port), timeout=30) as other:
                other.sendall(b"nonsense\r\n\r\n")
                assert other.recv(1000).startswith(b"HTTP/1.1 400")
        connection.close()
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.communicate()
        if reader == "asleep":
            os.close(reading)


def test_a_data_file_brings_its_own_fleet(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    # The port is taken, so that the command comes to its end by itself.
    port, file = str(urllib.parse.urlsplit(url).port), tmp_path / "state.db"
    for _ in range(2):
        assert command("--port", port, "--data", str(file), "--devices", "3") == 2
    shown = capsys.readouterr().err
    assert shown.count(f"the fleet comes from {file}") == 1
    assert command("--port", port, "--data", str(file)) == 2
    assert "the fleet comes from" not in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["h11", "uvicorn"])
def test_missing_packages_are_named_in_one_line(missing: str) -> None:
    # None in sys.modules is how Python itself says that a module is not to be had.
    code = f"import sys; sys.modules['{missing}'] = None\n{COMMAND}"
    ended = subprocess.run([sys.executable, "-c", code, "simulate"], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert "pip install 'digirm[simulator]'" in ended.stderr
    assert ended.stderr.count("\n") == 1
