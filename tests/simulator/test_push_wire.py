"""Monitors that push over HTTP: requests as they are sent, and what counts as an answer."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, suppress

import pytest

from tests.push.server import PEM, tls_server
from tests.simulator.push_support import monitor, point, status
from tests.simulator.support import Api
from tests.simulator.test_push import until

OK = b"HTTP/1.1 200 OK\r\n\r\n"


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        made.settimeout(20)
        yield made


def pushing(api: Api, server: socket.socket, path: str = "/", scheme: str = "http", **more: object) -> int:
    """The number of a new monitor that has an event for the server."""
    url = f"{scheme}://127.0.0.1:{server.getsockname()[1]}{path}"
    number = monitor(api, "DataPoint", type="http", url=url, connect_timeout=60_000, response_timeout=60_000, **more)
    point(api)
    return number


def taken(server: socket.socket) -> socket.socket:
    peer, _ = server.accept()
    peer.settimeout(20)
    return peer


def request(peer: socket.socket) -> bytes:
    """A whole request, with the length that it says."""
    read = b""
    while b"\r\n\r\n" not in read:
        read += peer.recv(65536)
    head, _, body = read.partition(b"\r\n\r\n")
    [length] = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < length:
        body += peer.recv(65536)
    assert len(body) == length
    return head


@pytest.mark.parametrize("answer", [b"", b"\r\n", b"no HTTP\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n", b"x" * 100_000])
def test_what_is_no_answer_is_no_200(api: Api, server: socket.socket, answer: bytes) -> None:
    number = pushing(api, server)
    with taken(server) as peer:
        # It may have gone once it has seen enough.
        with suppress(ConnectionError):
            peer.sendall(answer)
            peer.shutdown(socket.SHUT_WR)
        with taken(server) as again:
            again.sendall(OK)
            until(lambda: status(api, number) == "ACTIVE")


def test_an_answer_may_be_announced(api: Api, server: socket.socket) -> None:
    number = pushing(api, server)
    with taken(server) as peer:
        peer.sendall(b"HTTP/1.1 100 Continue\r\nX: 1\r\n\r\n" + OK)
        until(lambda: status(api, number) == "ACTIVE")


def test_headers_of_a_monitor_do_not_change_what_the_request_is(api: Api, server: socket.socket) -> None:
    own = {"Content-Length": "0", "CONNECTION": "keep-alive", "Content-Type": "a/b", "Host": "own", "X": "\u00e9"}
    pushing(api, server, "/a?b=%20#c", headers=own, auth_token="a:b", method="POST")
    with taken(server) as peer:
        first, *lines = request(peer).split(b"\r\n")
    assert first == b"POST /a?b=%20 HTTP/1.1"
    found = dict(line.split(b": ") for line in lines)
    assert int(found.pop(b"content-length")) > 0
    assert found == {
        b"authorization": b"Basic YTpi",
        b"connection": b"close",
        b"content-type": b"application/json",
        b"host": b"own",
        b"x": b"\xe9",
    }


def test_tls(api: Api, server: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(PEM))
    number = pushing(api, server, scheme="https")
    with closing(tls_server().wrap_socket(taken(server), server_side=True)) as peer:
        request(peer)
        peer.sendall(OK)
        until(lambda: status(api, number) == "ACTIVE")


def test_who_cannot_be_trusted_gets_nothing(api: Api, server: socket.socket) -> None:
    pushing(api, server, scheme="https")
    with pytest.raises(ssl.SSLError), taken(server) as peer:
        tls_server().wrap_socket(peer, server_side=True)
