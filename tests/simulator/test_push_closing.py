"""Monitors that push: what ends, changes and begins again while a peer is silent or not there."""

from __future__ import annotations

import gc
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from digirm_simulator import Clock, Simulator
from digirm_simulator.push import http
from tests.simulator.push_support import MONITORS, Receiver, monitor, point, receiving, status
from tests.simulator.support import NOW, Api
from tests.simulator.test_push import until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


class Silent:
    """A server that takes connections and never answers."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(20)
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"

    def take(self) -> socket.socket:
        taken, _ = self._socket.accept()
        taken.settimeout(20)
        return taken

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def silent() -> Iterator[Silent]:
    made = Silent()
    yield made
    made.close()


def has_ended(peer: socket.socket) -> bool:
    """Whether the other side ends a connection, before one of them loses its patience."""
    try:
        while peer.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def ends(call: Callable[[], object]) -> bool:
    """Whether something ends long before the patience with a peer does."""
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(20)
    return not thread.is_alive()


def patient(api: Api, url: str, **more: Any) -> int:
    return monitor(api, "DataPoint", type="http", url=url, connect_timeout=60_000, response_timeout=60_000, **more)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_silent_target_does_not_hold_up_the_end(simulator: Simulator, api: Api, silent: Silent, scheme: str) -> None:
    patient(api, f"{scheme}://{silent.address}/")
    point(api)
    with silent.take() as peer:
        assert ends(simulator.close)
        assert has_ended(peer)


def test_a_target_that_wants_another_protocol_has_not_taken_the_push(
    simulator: Simulator, api: Api, silent: Silent
) -> None:
    patient(api, f"http://{silent.address}/", headers={"Upgrade": "websocket"})
    point(api)
    with silent.take() as peer:
        assert b"websocket" not in peer.recv(65536)
        peer.sendall(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n")
        assert has_ended(peer)
    with silent.take() as peer:
        assert ends(simulator.close)
        assert has_ended(peer)


def test_the_end_of_a_monitor_ends_its_request(api: Api, silent: Silent) -> None:
    number = patient(api, f"http://{silent.address}/")
    point(api)
    with silent.take() as peer:
        assert api("DELETE", f"{MONITORS}/{number}").status == 204
        assert has_ended(peer)


def test_another_url_ends_the_request_to_the_old_one(api: Api, silent: Silent, receiver: Receiver) -> None:
    number = patient(api, f"http://{silent.address}/")
    point(api, "1")
    with silent.take() as peer:
        assert api("PUT", f"{MONITORS}/{number}", {"url": receiver.url}).status == 200
        assert has_ended(peer)
        assert json.loads(receiver.take().body)["Document"]["Msg"]["DataPoint"]["data"] == 1
    until(lambda: status(api, number) == "ACTIVE")


def test_another_change_lets_the_request_go_on(api: Api, silent: Silent) -> None:
    number = patient(api, f"http://{silent.address}/")
    point(api)
    with silent.take() as peer:
        assert api("PUT", f"{MONITORS}/{number}", {"description": "changed"}).status == 200
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        until(lambda: status(api, number) == "ACTIVE")


def test_a_change_does_not_wait_out_the_pause(
    api: Api, receiver: Receiver, silent: Silent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "_FIRST_PAUSE", 3600)
    number = patient(api, f"http://{silent.address}/")
    point(api, "1")
    silent.take().close()
    point(api, "2")
    assert api("PUT", f"{MONITORS}/{number}", {"url": receiver.url, "batch_size": 2}).status == 200
    found = json.loads(receiver.take().body)["Document"]["Msg"]
    assert [message["DataPoint"]["data"] for message in found] == [1, 2]


def test_a_day_of_standing_still_is_no_day_of_failing(
    tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        monkeypatch.context() as patch,
        Simulator(devices=0, data=tmp_path / "state", clock=Clock(NOW, speed=0)) as first,
    ):
        patch.setattr(http, "_FIRST_PAUSE", 3600)
        number = monitor(Api(first), "DataPoint", type="http", url=receiver.url, persistent=True)
        receiver.answers = [500]
        point(Api(first), "1")
        receiver.take()
    clock = Clock(NOW, speed=0)
    clock.advance(days=2)
    receiver.answers = [500]
    with Simulator(data=tmp_path / "state", clock=clock) as second:
        assert [receiver.take().body for _ in range(2)][1]
        until(lambda: status(Api(second), number) == "ACTIVE")


def test_a_batch_that_waits_for_a_day_is_not_late(simulator: Simulator, api: Api, receiver: Receiver) -> None:
    receiver.answers = [500]
    number = monitor(api, "DataPoint", type="http", url=receiver.url, batch_size=9, batch_duration=90_000)
    point(api)
    simulator.clock.advance(hours=25)
    assert receiver.take().body == receiver.take().body
    until(lambda: status(api, number) == "ACTIVE")


@pytest.mark.parametrize("sent", [b"", b"\0", b"\0\1\0\0\0\0"])
def test_closing_while_clients_connect_leaves_nothing_behind(sent: bytes) -> None:
    before = set(threading.enumerate())
    for _ in range(5):
        simulator = Simulator(devices=0, push_port=0)
        with socket.create_connection(("127.0.0.1", simulator.push_port), timeout=20) as peer:
            peer.sendall(sent)
            simulator.close()
            assert has_ended(peer)
        # What was not closed says so now.
        gc.collect()
    assert set(threading.enumerate()) <= before
