"""Monitors that push over TCP: who may connect, what they get, and what is sent again."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_runtime.push.framing import ConnectionRequest, PushError
from digirm_simulator import Clock, Simulator
from digirm_simulator.push.tcp import Inbox
from tests.simulator.push_support import MONITORS, Peer, frame, monitor, point, status
from tests.simulator.support import DEVICES, NOW, Api


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=0, clock=Clock(NOW, speed=0), push_port=0)
    yield made
    made.close()


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another thread does."""
    pause = threading.Event()
    for _ in range(2000):
        if is_so():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come to pass")


def test_a_data_point_as_the_official_library_prints_one(simulator: Simulator, api: Api) -> None:
    with Peer(simulator, monitor(api, "DataPoint")) as peer:
        assert peer.status == 200
        point(api, "0.5", "test")
        received = peer.take()
    [message] = received.messages
    message["DataPoint"].pop("id")
    assert (received.block, received.events, received.compression) == (1, 1, 0)
    assert message == {
        "DataPoint": {
            "cstId": 7493,
            "data": 0.5,
            "description": "",
            "quality": 0,
            "serverTimestamp": 1657886400000,
            "streamId": "test",
            "streamUnits": "",
            "timestamp": 1657886400000,
        },
        "group": "*",
        "operation": "INSERTION",
        "timestamp": "2022-07-15T12:00:00.000Z",
        "topic": "7493/DataPoint/test",
    }


def test_the_monitor_tells_what_becomes_of_it(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "DataPoint")
    assert status(api, number) == "INACTIVE"
    with Peer(simulator, number) as peer:
        assert status(api, number) == "ACTIVE"
        point(api)
        peer.take()
        until(lambda: "last_sent" in api.get(f"{MONITORS}/{number}").body)
    until(lambda: status(api, number) == "INACTIVE")
    found = api.get(f"{MONITORS}/{number}").body
    assert found["last_connect"] == found["last_sent"] == "2022-07-15T12:00:00.000Z"
    assert len(found["last_sent_uuid"]) == 36


def test_compression_and_xml(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "devices", "DataPoint", format="xml", compression="zlib", batch_size=2)
    with Peer(simulator, number) as peer:
        device = api("POST", DEVICES, {"id": "00000000-00000000-00409DFF-FF000001", "name": "a <b> \x01"})
        assert device.status == 201
        point(api)
        received = peer.take()
    assert (received.events, received.compression) == (2, 1)
    root = ElementTree.fromstring(received.payload)
    assert root.tag == "Document"
    assert [message.get("operation") for message in root.findall("Msg")] == ["INSERTION", "INSERTION"]
    assert root.findtext("Msg/device/name") == "a <b> ?"
    assert root.findtext("Msg/DataPoint/data") == "1.5"


def test_batches_are_full_or_old(simulator: Simulator, api: Api) -> None:
    with Peer(simulator, monitor(api, "DataPoint", batch_size=3, batch_duration=10)) as peer:
        for value in "1234":
            point(api, value)
        assert peer.take().values == [1, 2, 3]
        simulator.clock.advance(seconds=10)
        assert peer.take().values == [4]


def test_several_blocks_are_under_way_and_what_is_not_acknowledged_comes_again(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "DataPoint", persistent=True)
    with Peer(simulator, number) as peer:
        for value in "123":
            point(api, value)
        first, second, third = peer.read(), peer.read(), peer.read()
        assert [first.block, second.block, third.block] == [1, 2, 3]
        peer.acknowledge(third)
        # With the length that the documentation gives it, and Digi's library does not.
        peer.send(struct.pack(">HIHH", 4, 4, first.block, 200))
        until(lambda: "last_sent" in api.get(f"{MONITORS}/{number}").body)
    until(lambda: status(api, number) == "SUSPENDED")
    point(api, "4")
    with Peer(simulator, number) as peer:
        assert [peer.take().values for _ in range(3)] == [[2], [3], [4]]
        assert api.get(f"/ws/v1/monitors/history/{number}").body["count"] == 4


def test_no_more_than_a_window_is_under_way(simulator: Simulator, api: Api) -> None:
    with Peer(simulator, monitor(api, "DataPoint")) as peer:
        for value in range(20):
            point(api, str(value))
        flying = [peer.read() for _ in range(16)]
        assert not peer.has_more()
        peer.acknowledge(flying[0])
        assert peer.read().block == 17


def test_a_block_that_is_refused_ends_the_connection_and_comes_again(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "DataPoint", persistent=True)
    with Peer(simulator, number) as peer:
        point(api, "7")
        peer.acknowledge(peer.read(), 500)
        assert peer.is_closed()
    with Peer(simulator, number) as peer:
        assert peer.take().values == [7]


def test_others_get_what_happens_while_they_are_connected(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "DataPoint")
    point(api, "1")
    with Peer(simulator, number) as peer:
        point(api, "2")
        assert peer.read().values == [2]
    until(lambda: status(api, number) == "INACTIVE")
    point(api, "3")
    with Peer(simulator, number) as peer:
        point(api, "4")
        assert peer.take().values == [4]
        point(api, "5")
        assert peer.take().values == [5]


def test_who_connects_later_takes_the_place(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "DataPoint")
    with Peer(simulator, number) as first, Peer(simulator, number) as second:
        assert first.is_closed()
        point(api, "1")
        assert second.take().values == [1]
        assert status(api, number) == "ACTIVE"


def test_a_change_of_a_monitor_counts_at_once_and_its_end_ends_the_connection(simulator: Simulator, api: Api) -> None:
    number = monitor(api, "DataPoint")
    with Peer(simulator, number) as peer:
        assert api("PUT", f"{MONITORS}/{number}", {"topics": ["DataPoint/x"], "compression": "zlib"}).status == 200
        point(api, "1")
        point(api, "2", "x/y")
        received = peer.take()
        assert (received.compression, received.values) == (1, [2])
        assert api("DELETE", f"{MONITORS}/{number}").status == 204
        assert peer.is_closed()


def test_who_may_connect() -> None:
    with Simulator(devices=0, users={"fred": "secret"}, push_port=0) as simulator:
        owner = Api(simulator, {"authorization": "Basic ZnJlZDpzZWNyZXQ="})
        number, other = monitor(owner, "DataPoint"), monitor(owner, "DataPoint", type="polling")
        expected = {
            ("fred", "secret", number): 200,
            ("fred", "wrong", number): 403,
            ("", "", number): 403,
            ("fred", "secret", 99): 400,
            ("fred", "secret", other): 400,
        }
        for (user, password, asked), answer in expected.items():
            with Peer(simulator, asked, user, password) as peer:
                assert peer.status == answer
                assert answer == 200 or peer.is_closed()


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        frame(b"", 3),
        struct.pack(">HI", 1, 0xFFFFFFFF),
        frame(b""),
        frame(struct.pack(">HH", 1, 60_000) + b"sim"),
        frame(struct.pack(">HH", 1, 1) + b"\xff" + struct.pack(">H", 0) + struct.pack(">I", 1)),
        frame(struct.pack(">HHH", 2, 0, 0) + struct.pack(">I", 1)),
        frame(struct.pack(">HHH", 1, 0, 0) + struct.pack(">I", 1) + b"more"),
    ],
)
def test_what_is_no_request_to_connect(simulator: Simulator, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", simulator.push_port), timeout=20) as peer:
        peer.sendall(sent)
        assert peer.recv(10) == struct.pack(">HIHH", 2, 4, 400, 1)
        with contextlib.suppress(ConnectionResetError):
            assert peer.recv(1) == b""


@pytest.mark.parametrize("sent", [struct.pack(">HHH", 3, 1, 200), b"\0\4\0", b""])
def test_what_is_no_acknowledgement(simulator: Simulator, api: Api, sent: bytes) -> None:
    number = monitor(api, "DataPoint", persistent=True)
    with Peer(simulator, number) as peer:
        point(api, "1")
        peer.read()
        peer.send(sent)
    until(lambda: status(api, number) == "SUSPENDED")
    with Peer(simulator, number) as peer:
        assert peer.take().values == [1]


def test_what_was_not_kept_is_not_told(simulator: Simulator, api: Api) -> None:
    with Peer(simulator, monitor(api, "DataPoint")) as peer:
        bad = [{"stream_id": "a", "value": "1"}, {"stream_id": "a", "value": "2", "stream_type": "NONE"}]
        assert api("POST", "/ws/v1/streams/history", bad).status == 207
        assert peer.take().messages[0]["DataPoint"]["data"] == "1"


def test_files_streams_and_groups(simulator: Simulator, api: Api) -> None:
    device = simulator.devices.add(group="Top")["id"]
    topics = (
        "FileData[C,U]",
        "FileDataCore/~/big",
        "DataStream[C]",
        f"[group=Top]DataPoint/{device}/*/x",
        "DeviceCore[D]",
    )
    with Peer(simulator, monitor(api, *topics)) as peer:
        api("POST", "/ws/v1/files/inventory/~/a/b.txt", b"hello")
        [told] = peer.take().messages
        assert told["topic"] == "7493/FileData/~/a/b.txt"
        assert told["FileData"]["fdData"] == "aGVsbG8="
        assert told["FileData"]["id"] == {"fdName": "b.txt", "fdPath": "/db/CUS0007493_Example_Company/a/"}
        api("DELETE", "/ws/v1/files/inventory/~/a/b.txt")
        api("POST", "/ws/v1/files/inventory/~/big", b"x" * 130_000)
        assert "fdData" not in peer.take().messages[0]["FileDataCore"]
        point(api, "1", f"{device}/a/y")
        assert peer.take().messages[0]["DataStream"]["streamId"] == f"{device}/a/y"
        point(api, "2", f"{device}/a/x")
        assert peer.take().messages[0]["DataStream"]["dataType"] == "DOUBLE"
        assert peer.take().values == [2]
        simulator.devices.remove(device)
        [told] = peer.take().messages
        assert (told["operation"], told["DeviceCore"]["devConnectwareId"]) == ("DELETION", device)


def test_a_file_goes_on_after_a_crash(tmp_path: Path) -> None:
    clock = Clock(NOW, speed=0)
    first = Simulator(devices=0, data=tmp_path / "state", clock=clock, push_port=0)
    api = Api(first)
    number, other = monitor(api, "DataPoint", persistent=True), monitor(api, "DataPoint")
    with Peer(first, number) as peer, Peer(first, other):
        point(api, "1")
        peer.read()
        # What a process that is killed leaves: the state as it is while somebody is connected.
        with first._store.lock:
            (tmp_path / "copy").write_bytes(first._store.connection.serialize())
    first.close()
    with Simulator(data=tmp_path / "copy", clock=clock, push_port=0) as second:
        api = Api(second)
        assert [status(api, number), status(api, other)] == ["SUSPENDED", "INACTIVE"]
        point(api, "2")
        with Peer(second, number) as peer, Peer(second, other) as late:
            assert [peer.take().values, peer.take().values] == [[1], [2]]
            point(api, "3")
            assert late.take().values == [3]


def test_nothing_runs_while_nothing_is_pushed() -> None:
    before = set(threading.enumerate())
    with Simulator(devices=1) as simulator:
        api = Api(simulator)
        monitor(api, "DataPoint", persistent=True)
        point(api)
        assert set(threading.enumerate()) <= before
        with pytest.raises(RuntimeError, match="push_port"):
            _ = simulator.push_port
    with Simulator(devices=1, push_port=0) as simulator, pytest.raises(OSError, match="cannot push on port"):
        Simulator(devices=1, push_port=simulator.push_port)
    with pytest.raises(OSError, match="cannot push on port 99999"):
        Simulator(devices=0, push_port=99999)
    assert set(threading.enumerate()) <= before


@given(st.one_of(st.binary(max_size=60), st.binary(max_size=60).map(frame)))
def test_whatever_connects_is_read_or_refused(data: bytes) -> None:
    async def read() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(data)
        reader.feed_eof()
        with contextlib.suppress(PushError, EOFError):
            found = await Inbox(reader).next(ConnectionRequest)
            pair = b"".join(struct.pack(">H", len(text)) + text for text in map(str.encode, found[:2]))
            assert data.startswith(frame(struct.pack(">H", found.version) + pair + struct.pack(">I", found.monitor)))

    asyncio.run(read())


def test_a_peer_that_takes_nothing_does_not_hold_up_the_end(simulator: Simulator, api: Api) -> None:
    with Peer(simulator, monitor(api, "FileData")) as peer:
        for number in range(80):
            api("POST", f"/ws/v1/files/inventory/~/{number}", b"x" * 100_000)
        peer.read()
        simulator.close()


def test_the_command_says_where_monitors_push(simulator: Simulator) -> None:
    command = [sys.executable, "-m", "digirm_cli.main", "simulate", "--port", "0", "--devices", "0", "--push-port"]
    with subprocess.Popen([*command, "0"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            assert process.stdout.readline().startswith("Serving http://127.0.0.1:")
            said = process.stderr.readline()
            port = int(said.removeprefix("digirm: TCP monitors push on 127.0.0.1 port "))
            with socket.create_connection(("127.0.0.1", port), timeout=20) as peer:
                peer.sendall(frame(b""))
                assert peer.recv(10) == struct.pack(">HIHH", 2, 4, 400, 1)
        finally:
            process.terminate()
    taken = subprocess.run([*command, str(simulator.push_port)], capture_output=True, text=True, timeout=60)
    assert (taken.returncode, taken.stdout) == (2, "")
    assert taken.stderr.startswith(f"digirm: cannot push on port {simulator.push_port}: ")
