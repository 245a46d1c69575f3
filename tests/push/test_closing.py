"""Ending a loop over a TCP monitor from outside: it ends soon, and what was dealt with is acknowledged."""

from __future__ import annotations

import socket
import ssl
import threading
from typing import Any

import pytest

import digirm_runtime.push.session as sessions
from digirm_runtime.client import Client
from digirm_runtime.push import Receiver
from digirm_runtime.push.framing import Frame, PublishMessageReceived
from tests.push.server import PEM, Peer, Server, message, point, serving, tls_server
from tests.support.server import Answer, script

AUTH = ("user", "password")


def close_when(event: threading.Event, receiver: Receiver) -> None:
    def run() -> None:
        event.wait(20)
        receiver.close()

    threading.Thread(target=run, daemon=True).start()


def test_closing_ends_a_loop_that_waits() -> None:
    waiting = threading.Event()

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.publish(1, point(1))
        assert peer.acknowledged() == 1
        waiting.set()
        assert peer.left() == []

    with serving(script) as server, Client("http://127.0.0.1", auth=AUTH) as rm:
        receiver = rm.push.receive(7, port=server.port)
        close_when(waiting, receiver)
        assert [event.data["data"] for event in receiver] == [1]
        # It can be used again.
        receiver.close()


def closed_in_the_loop(server: Server, **how: Any) -> list[int | None]:
    """The blocks of the batches that come; with the third the receiver is closed."""
    with Client("http://127.0.0.1", auth=AUTH) as rm:
        receiver = rm.push.receive(7, port=server.port, reconnect=False, **how)
        blocks = []
        for batch in receiver.batches():
            blocks.append(batch.block)
            if batch.block == 3:
                receiver.close()
        return blocks


@pytest.mark.parametrize("tls", [False, True])
def test_what_was_dealt_with_before_closing_is_acknowledged(tls: bool) -> None:
    left: list[Frame] = []

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.send(b"".join(message(block, [point(block)]).encode() for block in (1, 2, 3, 4)))
        left.extend(peer.left())

    with serving(script, tls=tls_server() if tls else None) as server:
        context = ssl.create_default_context(cafile=PEM) if tls else False
        assert closed_in_the_loop(server, tls=context) == [1, 2, 3]
    assert left == [PublishMessageReceived(block) for block in (1, 2, 3)]


def test_closing_ends_a_loop_that_does_not_connect_again() -> None:
    waiting = threading.Event()

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.publish(1, point(1))
        assert peer.acknowledged() == 1
        waiting.set()
        assert peer.left() == []

    with serving(script) as server, Client("http://127.0.0.1", auth=AUTH) as rm:
        receiver = rm.push.receive(7, port=server.port, reconnect=False)
        close_when(waiting, receiver)
        assert [event.data["data"] for event in receiver] == [1]


def test_closing_ends_a_handshake() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Client("https://127.0.0.1", auth=AUTH) as rm:
        receiver = rm.push.receive(7, port=listener.getsockname()[1], reconnect=False)

        def close() -> None:
            connected, _ = listener.accept()
            with connected:
                assert connected.recv(1) == b"\x16"  # of a handshake, which has begun
                receiver.close()
                # Until then the peer says nothing, and does not leave.
                in_time.append(ended.wait(5))

        in_time: list[bool] = []
        ended = threading.Event()
        thread = threading.Thread(target=close)
        thread.start()
        assert list(receiver) == []
        ended.set()
        thread.join()
    assert in_time == [True]


def test_closing_ends_what_was_recorded() -> None:
    first = Answer(body={"list": [point(1), point(2)], "count": 2, "size": 2, "cursor": "next"})
    with script(first, Answer(500)) as server, Client(server.url, auth=AUTH) as rm:
        receiver = rm.push.receive(7, port=1, since="-1h", reconnect=False)
        batches = receiver.batches()
        assert len(next(batches)) == 2
        receiver.close()
        assert list(batches) == []


def test_closing_ends_a_loop_that_would_connect_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FIRST_DELAY", 1000.0)

    def script(peer: Peer) -> None:
        peer.welcome()
        threading.Thread(target=receiver.close, daemon=True).start()

    with Client("http://127.0.0.1", auth=AUTH) as rm, serving(script) as server:
        receiver = rm.push.receive(7, port=server.port)
        assert list(receiver) == []


def test_closing_ends_a_loop_that_waits_behind_tls() -> None:
    waiting = threading.Event()

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.publish(1, point(1))
        assert peer.acknowledged() == 1
        waiting.set()
        assert peer.left() == []

    with serving(script, tls=tls_server()) as server, Client("http://127.0.0.1", auth=AUTH) as rm:
        receiver = rm.push.receive(7, port=server.port, tls=ssl.create_default_context(cafile=PEM))
        close_when(waiting, receiver)
        assert [event.data["data"] for event in receiver] == [1]
