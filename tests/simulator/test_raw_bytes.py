"""What no HTTP library would send, over a raw socket: an answer of 4xx or a closed connection, and a living server."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from digirm_simulator import Simulator, front, server
from tests.simulator.support import BASIC, DEVICES

AUTH = f"Authorization: {BASIC['authorization']}\r\n".encode()
GET = b"GET /ws/v1 HTTP/1.1\r\nHost: x\r\n" + AUTH
POST = f"POST {DEVICES} HTTP/1.1\r\nHost: x\r\n".encode() + AUTH


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    simulator = Simulator(devices=5)
    with server.running(simulator) as url:
        split = urlsplit(url)
        assert split.hostname is not None
        assert split.port is not None
        yield split.hostname, split.port
    simulator.close()


#: Where the server rightly waits for more, until the client leaves.
UNFINISHED = ("nothing but line ends", "a body cut short")


def send(address: tuple[str, int], data: bytes, *, leave: bool = False) -> bytes:
    """What is answered until the server closes; with `leave` the sending side is closed when all is sent."""
    with socket.create_connection(address, timeout=30) as connection:
        parts = []
        try:
            connection.sendall(data)
            if leave:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                parts.append(part)
        except (ConnectionResetError, BrokenPipeError):
            pass  # closed while more was under way
        return b"".join(parts)


def target(text: bytes) -> bytes:
    return b"GET " + text + b" HTTP/1.1\r\nHost: x\r\n" + AUTH + b"Connection: close\r\n\r\n"


HOSTILE = {
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,
    "nothing but line ends": b"\r\n" * 5000,
    "half a percent-escape": target(b"/ws/v1/devices/inventory/%"),
    "a percent-escape that is none": target(b"/ws/v1/devices/inventory/%zz"),
    "no UTF-8 in the path": target(b"/ws/v1/devices/inventory/%ff%fe"),
    "no UTF-8 in the query": target(b"/ws/v1/devices/inventory?query=%ff"),
    "half a surrogate pair": target(b"/ws/v1/devices/inventory?query=%ed%a0%80"),
    "zero bytes": target(b"/ws/v1/devices/inventory/%00?query=%00"),
    "raw bytes in the target": target(b"/ws/v1/\xff\x00"),
    "a path that climbs": target(b"/ws/v1/../../etc/passwd"),
    "a path that climbs in escapes": target(b"/ws/v1/%2e%2e%2f%2e%2e%2fetc%2fpasswd"),
    "an empty path": target(b"//"),
    "a target of another kind": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n" + AUTH + b"Connection: close\r\n\r\n",
    "a URL that cannot be split": target(b"http://[::1/ws/v1/devices"),
    "a method that is none": b"G\x00T /ws/v1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "an unknown method": b"BREW /ws/v1/devices HTTP/1.1\r\nHost: x\r\n" + AUTH + b"Connection: close\r\n\r\n",
    "an unknown version": b"GET /ws/v1 HTTP/9.9\r\nHost: x\r\nConnection: close\r\n\r\n",
    "no host": b"GET /ws/v1 HTTP/1.1\r\n\r\n",
    "a header without a colon": GET + b"nonsense\r\n\r\n",
    "a header with a zero byte": GET + b"X: a\x00b\r\n\r\n",
    "a query of a megabyte": target(b"/ws/v1/devices/inventory?query=" + b"%3D" * 349_525),
    "a query just below a megabyte": target(b"/ws/v1/devices/inventory?query=" + b"a" * 1_000_000),
    "many parameters": target(b"/ws/v1/devices/inventory?" + b"a=1&" * 50_000),
    "one header of two megabytes": GET + b"X: " + b"a" * 2_000_000 + b"\r\n\r\n",
    "two megabytes of headers": GET + b"X: a\r\n" * 350_000 + b"\r\n",
    "a length that is none": POST + b"Content-Length: ten\r\n\r\n{}",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n{}",
    "two lengths": POST + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}",
    "a length of a terabyte": POST + b"Content-Length: 1099511627776\r\nConnection: close\r\n\r\n{}",
    "chunks that are none": POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n",
    "a chunk of a negative size": POST + b"Transfer-Encoding: chunked\r\n\r\n-5\r\n{}\r\n0\r\n\r\n",
    "a chunk longer than it says": POST + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{}{}{}\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: gzip\r\n\r\n{}",
    "a body cut short": POST + b"Content-Length: 100\r\n\r\n{}",
    "a body that is no text": POST + b"Content-Length: 4\r\nConnection: close\r\n\r\n\xff\xfe\x00\x01",
    "deep JSON": POST + b"Content-Length: 200000\r\nConnection: close\r\n\r\n" + b"[" * 200_000,
    "credentials that are none": b"GET /ws/v1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    b"Authorization: Basic \xff\xfe\r\n\r\n",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_and_the_next_request_is_answered(
    address: tuple[str, int], name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        answered = send(address, HOSTILE[name], leave=name in UNFINISHED)
    if answered:
        assert answered.startswith(b"HTTP/1.1 4"), answered[:300]
    assert b"Traceback" not in answered
    assert "Traceback" not in caplog.text
    assert send(address, GET + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("sent", [b"", b"GET", b"GET /ws/v1 HTTP/1.1\r\nHo", POST + b"Content-Length: 9\r\n\r\n"])
def test_clients_that_say_no_more_keep_nobody_waiting(address: tuple[str, int], sent: bytes) -> None:
    silent = [socket.create_connection(address) for _ in range(50)]
    for each in silent:
        each.sendall(sent)
    assert send(address, GET + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")
    for each in silent:
        each.close()


def test_requests_in_one_piece_are_answered_in_their_order(address: tuple[str, int]) -> None:
    one = GET + b"\r\n"
    two = f"GET {DEVICES}?size=1 HTTP/1.1\r\nHost: x\r\n".encode() + AUTH + b"Connection: close\r\n\r\n"
    answered = send(address, one + one + two)
    assert answered.count(b"HTTP/1.1 200 ") == 3
    assert answered.rindex(b'"size":1') > answered.rindex(b'"path"')


def test_what_is_too_large_is_not_kept(address: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(front, "MAX_BODY", 1000)
    chunks = b"3e8\r\n" + b" " * 1000 + b"\r\n"
    for body in (chunks * 2 + b"0\r\n\r\n", chunks * 50):
        answered = send(address, POST + b"Transfer-Encoding: chunked\r\n\r\n" + body)
        assert answered.startswith(b"HTTP/1.1 413 ") or not answered
    announced = POST + b"Content-Length: 2000\r\n\r\n" + b" " * 2000
    assert send(address, announced).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(("more", "status"), [(0, 400), (1, 413)])
def test_a_body_of_64_megabytes(address: tuple[str, int], more: int, status: int) -> None:
    body = b"[" * (64 * 1024 * 1024 + more)
    head = POST + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
    assert send(address, head + body).startswith(f"HTTP/1.1 {status} ".encode())
    assert send(address, GET + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("length", [99_999_999_999, front.MAX_BODY + 1])
def test_one_who_asks_before_sending_too_much_is_told_so(address: tuple[str, int], length: int) -> None:
    asked = POST + f"Expect: 100-continue\r\nContent-Length: {length}\r\n\r\n".encode()
    assert send(address, asked).startswith(b"HTTP/1.1 413 ")


def test_one_who_asks_before_sending_may_send(address: tuple[str, int]) -> None:
    asked = POST + b"Expect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"
    assert send(address, asked).startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 ")


def test_the_state_is_as_it_was(address: tuple[str, int]) -> None:
    """Nothing of all this was taken for a device."""
    asked = f"GET {DEVICES} HTTP/1.1\r\nHost: x\r\n".encode() + AUTH + b"Connection: close\r\n\r\n"
    assert b'{"count":5,' in send(address, asked)
