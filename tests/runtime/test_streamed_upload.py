"""A body that is read while it is sent: its length is said before, each try reads it anew, and its faults are told."""

from __future__ import annotations

import asyncio
import socket
import threading
import tracemalloc
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import APIError, AuthError, TransportError
from digirm_runtime.handler import HandlerTransport
from digirm_runtime.options import Options
from digirm_runtime.wire import Request, Response, Source
from tests.support.server import Answer, Got, Server, dropped, script

PATH = "/ws/v1/files/inventory/set/name"
AUTH = ("user", "secret-word")
PIECE = bytes(range(256)) * 64


class Pieces:
    """A source of so many pieces; `size` may lie, and reading fails before the piece `fails_at`."""

    def __init__(self, count: int, *, size: int | None = None, fails_at: int | None = None) -> None:
        self.count = count
        self.size = count * len(PIECE) if size is None else size
        self.fails_at = fails_at
        self.told: list[int] = []
        self.threads: set[int] = set()
        self.reads = 0

    def chunks(self) -> Iterator[bytes]:
        self.reads += 1
        for number in range(self.count):
            self.threads.add(threading.get_ident())
            if number == self.fails_at:
                raise OSError("the disk is gone")
            yield PIECE

    def passed(self, done: int) -> None:
        self.told.append(done)


Send = Callable[..., Any]


@pytest.fixture(params=["blocking", "asyncio"])
def send(request: pytest.FixtureRequest) -> Send:
    def blocking(url: str, body: Source, settings: dict[str, Any] | None = None, **options: Any) -> Any:
        with Client(url, **{"auth": AUTH, "throttle": None, **(settings or {})}) as rm:
            try:
                return rm.request("PUT", PATH, body=body, options=Options(**options))
            except OSError:
                # What a fault of this side leaves behind does not disturb the next call.
                rm.request("PUT", PATH, body=b"next")
                raise

    def on_a_loop(url: str, body: Source, settings: dict[str, Any] | None = None, **options: Any) -> Any:
        async def main() -> Any:
            async with AsyncClient(url, **{"auth": AUTH, "throttle": None, **(settings or {})}) as rm:
                try:
                    return await rm.request("PUT", PATH, body=body, options=Options(**options))
                except OSError:
                    await rm.request("PUT", PATH, body=b"next")
                    raise

        return asyncio.run(main())

    return blocking if request.param == "blocking" else on_a_loop


def test_goes_with_its_length_and_without_chunks(send: Send) -> None:
    body = Pieces(5)
    with script(Answer(body={"done": True})) as server:
        assert send(server.url, body) == {"done": True}
    [got] = server.got
    assert got.body == PIECE * 5
    assert got.headers["content-length"] == str(body.size)
    assert got.headers["content-type"] == "application/octet-stream"
    assert "transfer-encoding" not in got.headers
    assert body.told == [len(PIECE) * number for number in range(1, 6)]


def test_an_empty_one(send: Send) -> None:
    with script(Answer(body={})) as server:
        send(server.url, Pieces(0))
    assert server.got[0].body == b""
    assert server.got[0].headers["content-length"] == "0"


def test_a_headers_cache_keeps_no_length(send: Send) -> None:
    with script(Answer(body={})) as server:
        for count in (3, 1, 2):
            send(server.url, Pieces(count))
    assert [len(got.body) for got in server.got] == [count * len(PIECE) for count in (3, 1, 2)]


def test_is_read_anew_for_each_try(send: Send) -> None:
    body = Pieces(2)
    with script(Answer(503), dropped(), Answer(body={"done": True})) as server:
        assert send(server.url, body) == {"done": True}
    assert [got.body for got in server.got] == [PIECE * 2] * 3
    assert body.reads == 3
    assert body.told == [len(PIECE), 2 * len(PIECE)] * 3


def test_is_read_in_threads_on_an_event_loop() -> None:
    body = Pieces(3)

    async def main(url: str) -> None:
        async with AsyncClient(url, auth=AUTH, throttle=None) as rm:
            await rm.request("PUT", PATH, body=body)

    with script(Answer(body={})) as server:
        asyncio.run(main(server.url))
    assert threading.get_ident() not in body.threads


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pieces(20, fails_at=3), "the disk is gone"),
        (lambda: Pieces(20, fails_at=0), "the disk is gone"),
        (lambda: Pieces(2, size=10), "has more than the 10 bytes"),
        (lambda: Pieces(1, size=100_000), "has 16384 bytes, not the 100000"),
    ],
)
def test_what_cannot_be_read_is_said_and_not_tried_again(send: Send, make: Callable[[], Pieces], message: str) -> None:
    body = make()
    with script(Answer(body={})) as server, pytest.raises(OSError, match=message):
        send(server.url, body)
    assert body.reads == 1
    # What was cut short is no request to a server; the call behind it is.
    assert [got.body for got in server.got if got.body == b"next"] == [b"next"]
    assert all(len(got.body) < body.size for got in server.got)


@pytest.mark.parametrize(
    "error",
    [
        OSError("full"),
        ConnectionResetError("not this connection"),
        UnicodeEncodeError("ascii", "█", 0, 1, "a progress bar"),
        RuntimeError("stop"),
        EOFError("packed"),
        KeyError("other"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_a_source_or_its_callback_raises_comes_as_it_is(send: Send, error: Exception) -> None:
    """And is not taken for a fault of the connection, of its host or of an answer."""

    class Stopping(Pieces):
        def passed(self, done: int) -> None:
            assert done
            raise error

    class Broken(Pieces):
        def chunks(self) -> Iterator[bytes]:
            yield from super().chunks()
            raise error

    for body in (Stopping(20), Broken(1, size=10**6)):
        with script(Answer(body={})) as server, pytest.raises(type(error)) as caught:
            send(server.url, body)
        assert caught.value is error
        assert body.reads == 1


@pytest.mark.parametrize("scheme", ["digest", "whole"])
def test_an_authentication_that_asks_twice(send: Send, scheme: str) -> None:
    class Whole(httpx.Auth):
        requires_request_body = True

        def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
            request.headers["x-length"] = str(len(request.content))
            response = yield request
            if response.status_code == 401:
                yield request

    body = Pieces(3)
    challenge = Answer(401, b"", (("www-authenticate", 'Digest realm="r", nonce="n", qop="auth"'),))
    auth = httpx.DigestAuth(*AUTH) if scheme == "digest" else Whole()
    with script(challenge, Answer(body={"done": True})) as server:
        assert send(server.url, body, {"auth": auth}) == {"done": True}
    assert [got.body for got in server.got] == [PIECE * 3] * 2
    if scheme == "digest":
        assert "authorization" in server.got[1].headers


@contextmanager
def early(answer: bytes, *, drains: bool) -> Iterator[str]:
    """A server that answers when it has seen the head of a request; then it reads on, or closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, suppress(OSError):
                    seen = b""
                    while b"\r\n\r\n" not in seen:
                        seen += connection.recv(1000)
                    connection.sendall(answer)
                    if drains:
                        connection.shutdown(socket.SHUT_WR)
                        while connection.recv(1 << 16):
                            pass

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize(("status", "error"), [(413, APIError), (401, AuthError)])
def test_an_answer_before_the_end_of_the_body(send: Send, status: int, error: type[APIError]) -> None:
    said = b'{"error_message":"no"}'
    head = f"HTTP/1.1 {status} No\r\nconnection: close\r\ncontent-length: {len(said)}\r\n\r\n".encode()
    with early(head + said, drains=True) as url, pytest.raises(error) as caught:
        send(url, Pieces(300))
    assert caught.value.status == status
    assert caught.value.error_message == "no"


def test_a_server_that_closes_at_once(send: Send) -> None:
    head = b"HTTP/1.1 413 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    # Whether its answer can still be seen is up to the system; an error it is in any case.
    with early(head, drains=False) as url, pytest.raises((APIError, TransportError), match=r"413|refuses a body"):
        send(url, Pieces(300), retries=0)


def test_the_deadline_ends_it(send: Send) -> None:
    over = threading.Event()

    class Slow(Pieces):
        def chunks(self) -> Iterator[bytes]:
            yield PIECE
            over.wait(0.2)
            yield from super().chunks()

    body = Slow(1000)
    body.size += len(PIECE)
    with early(b"", drains=True) as url, pytest.raises(TransportError, match="deadline"):
        send(url, body, deadline=0.1)
    assert body.reads <= 1  # on a busy machine the deadline may come first


def test_a_cancelled_one_lets_its_thread_end() -> None:
    began, goes_on = threading.Event(), threading.Event()
    inside: list[str] = []

    class Blocking(Pieces):
        def chunks(self) -> Iterator[bytes]:
            inside.append("in")
            try:
                yield PIECE
                began.set()
                assert goes_on.wait(10)
                yield PIECE
            finally:
                inside.append("out")

    async def main(url: str) -> None:
        async with AsyncClient(url, auth=AUTH, throttle=None) as rm:
            task = asyncio.create_task(rm.request("PUT", PATH, body=Blocking(2)))
            await asyncio.to_thread(began.wait)
            task.cancel()
            goes_on.set()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert await rm.request("PUT", PATH, body=b"next") == {}

    with script(Answer(body={})) as server:
        asyncio.run(main(server.url))
    assert inside == ["in", "out"]


def test_memory_stays_flat(send: Send) -> None:
    """A server of sockets that keeps nothing, so that what is measured is the client."""
    listener = socket.create_server(("127.0.0.1", 0))
    body = Pieces(400)
    received = []

    def take() -> None:
        connection, _ = listener.accept()
        buffer = bytearray(1 << 16)
        with connection:
            count = connection.recv_into(buffer)
            seen = bytes(buffer[:count])
            while b"\r\n\r\n" not in seen:
                count = connection.recv_into(buffer)
                seen += buffer[:count]
            size = len(seen.partition(b"\r\n\r\n")[2])
            while size < body.size:
                size += connection.recv_into(buffer)
            received.append(size)
            connection.sendall(b"HTTP/1.1 204 No\r\nconnection: close\r\n\r\n")

    with script(Answer(body={})) as server:
        send(server.url, Pieces(1))  # imports what is imported at first use
    thread = threading.Thread(target=take)
    thread.start()
    with listener:
        tracemalloc.start()
        try:
            send(f"http://127.0.0.1:{listener.getsockname()[1]}", body)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        thread.join()
    assert received == [body.size]
    assert peak < body.size // 3


class Echo:
    """A server in this process that answers what it was sent."""

    def __init__(self) -> None:
        self.got: list[Request] = []

    def handle(self, request: Request) -> Response:
        self.got.append(request)
        return Response(200, {"content-type": "application/json"}, b'{"done":true}')

    def close(self) -> None:
        pass


@pytest.mark.parametrize("awaited", [False, True])
def test_a_server_in_this_process_gets_bytes(awaited: bool) -> None:
    from digirm_runtime.flow import Send as Step

    server = Echo()
    transport = HandlerTransport(server)

    def answer(body: Source) -> Response:
        step = Step(Request("PUT", PATH, {"a": "b"}, body), timeout=5.0, until=None, stream=False)
        return asyncio.run(transport.asend(step)) if awaited else transport.send(step)

    body = Pieces(3)
    assert answer(body).status == 200
    [got] = server.got
    assert (got.method, got.url, got.headers, got.body) == ("PUT", PATH, {"a": "b"}, PIECE * 3)
    assert body.told == [len(PIECE) * number for number in (1, 2, 3)]
    for wrong in (Pieces(3, fails_at=1), Pieces(3, size=1), Pieces(3, size=10**6)):
        with pytest.raises(OSError, match=r"disk is gone|announced"):
            answer(wrong)
    assert len(server.got) == 1


def test_a_request_reads_its_body() -> None:
    assert Request("PUT", PATH, {}, Pieces(2)).read() == PIECE * 2
    assert Request("PUT", PATH, {}, b"abc").read() == b"abc"
    assert isinstance(Pieces(1), Source)
    assert not isinstance(b"abc", Source)


def test_other_bodies_are_sent_as_before(send: Send) -> None:
    def reply(got: Got) -> Answer:
        return Answer(body={"size": len(got.body)})

    with Server(reply) as server:
        assert send(server.url, b"abc") == {"size": 3}
