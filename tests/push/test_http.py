"""The ASGI application that monitors push to, over uvicorn on loopback."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import zlib
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
import uvicorn

from digirm_runtime.push import Batch, HttpReceiver
from digirm_runtime.push.tcp import Handler
from tests.push.server import payload, point

ONE = payload([point(1)])
TOKEN = "user:secret"
BASIC = {"authorization": "Basic " + b64encode(TOKEN.encode()).decode()}


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


@contextmanager
def serving(receiver: HttpReceiver) -> Iterator[httpx.Client]:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        server = _Server(uvicorn.Config(receiver, log_config=None, lifespan="on", ws="none", http="h11"))
        thread = threading.Thread(target=server.run, args=([bound],), daemon=True)
        thread.start()
        assert server.ready.wait(20)
        try:
            with httpx.Client(base_url=f"http://127.0.0.1:{bound.getsockname()[1]}") as client:
                yield client
        finally:
            server.should_exit = True
            thread.join(20)


class Box:
    """A handler that keeps what it was given."""

    def __init__(self) -> None:
        self.seen: list[Batch] = []
        self.main: set[str] = set()

    def __call__(self, batch: Batch) -> None:
        self.main.add(threading.current_thread().name)
        self.seen.append(batch)

    async def awaited(self, batch: Batch) -> None:
        self(batch)


@pytest.mark.parametrize("method", ["PUT", "POST"])
@pytest.mark.parametrize("way", ["blocking", "awaited"])
def test_a_batch_is_taken(method: str, way: str) -> None:
    box = Box()
    handler: Handler = box if way == "blocking" else box.awaited
    with serving(HttpReceiver(handler, auth=TOKEN)) as client:
        answer = client.request(method, "/any/path", content=ONE, headers=BASIC)
    assert (answer.status_code, answer.content) == (200, b"")
    [[event]] = box.seen
    assert event.data["data"] == 1
    assert event.operation == "INSERTION"


@pytest.mark.parametrize(
    "body",
    [
        ONE,
        gzip.compress(ONE),
        zlib.compress(ONE),
        b'<Document><Msg topic="a"><DataPoint><data>1</data></DataPoint></Msg></Document>',
    ],
)
def test_forms_of_a_body(body: bytes) -> None:
    box = Box()
    with serving(HttpReceiver(box, auth=None)) as client:
        assert client.put("/", content=body).status_code == 200
        # The same in pieces of unknown number.
        assert client.put("/", content=iter([body[:10], body[10:]])).status_code == 200
    assert [str(event.data["data"]) for batch in box.seen for event in batch] == ["1", "1"]


@pytest.mark.parametrize(
    ("auth", "header", "status"),
    [
        (TOKEN, BASIC["authorization"], 200),
        (TOKEN, f"Bearer {TOKEN}", 200),
        (TOKEN, TOKEN, 200),
        (TOKEN, "", 401),
        (TOKEN, "Basic " + b64encode(b"user:other").decode(), 401),
        (("user", "secret"), BASIC["authorization"], 200),
        (("user", "secret"), f"Bearer {TOKEN}", 401),
        (None, "", 200),
    ],
)
def test_credentials(auth: str | tuple[str, str] | None, header: str, status: int) -> None:
    box = Box()
    with serving(HttpReceiver(box, auth=auth)) as client:
        answer = client.put("/", content=ONE, headers={"authorization": header} if header else {})
    assert answer.status_code == status
    assert len(box.seen) == (status == 200)
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{broken", 400, "begins as JSON and is none"),
        (b"<Document><Msg>", 400, "no XML that is taken"),
        (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', 400, "no XML that is taken"),
        (zlib.compress(ONE)[:-1], 400, "ends early"),
        (b"\x1f\x8bnothing", 400, "cannot be unpacked"),
        (zlib.compress(bytes(3000)), 413, "more than 2000 bytes"),
        (b"x" * 1001, 413, "Too long"),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "text/XML; charset=utf-8", "application/problem+json"])
def test_refused(body: bytes, status: int, said: str, kind: str) -> None:
    box = Box()
    headers = {"content-type": kind}
    with serving(HttpReceiver(box, auth=None, max_bytes=1000, max_body=2000)) as client:
        answer = client.put("/", content=body, headers=headers)
        assert (answer.status_code, said in answer.text) == (status, True)
        answer = client.put("/", content=iter([body]), headers=headers)
        assert (answer.status_code, said in answer.text) == (status, True)
        assert client.put("/", content=ONE).status_code == 200
    assert len(box.seen) == 1


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b'{"list":[' + b"[]," * 1_000_000 + b"1]}", "application/json", "more than 2,000,000 values"),
        (b"<Msg>" + b"<a/>" * 500_000 + b"</Msg>", "text/xml", "more than 500,000 elements"),
    ],
)
def test_what_holds_too_much_is_too_long(body: bytes, kind: str, said: str) -> None:
    box = Box()
    with serving(HttpReceiver(box, auth=None)) as client:
        answer = client.put("/", content=gzip.compress(body), headers={"content-type": kind})
    assert (answer.status_code, said in answer.text, box.seen) == (413, True, [])


@pytest.mark.parametrize(
    "body", ["x", "x^2 is ä square", "x marks it", "x\x01", "xyz", "[alarm] device a", "<b>hello</b> x"]
)
def test_text_of_a_template_is_a_batch_whatever_it_looks_like(body: str) -> None:
    box = Box()
    with serving(HttpReceiver(box, auth=None)) as client:
        for headers in ({}, {"content-type": "text/plain"}):
            assert client.put("/", content=body.encode(), headers=headers).status_code == 200
    assert [[event.raw.decode() for event in batch] for batch in box.seen] == [[body], [body]]
    assert {event.kind for batch in box.seen for event in batch} == {"unknown"}


def test_other_methods() -> None:
    with serving(HttpReceiver(Box(), auth=None)) as client:
        answer = client.get("/")
    assert (answer.status_code, answer.headers["allow"]) == (405, "PUT, POST")


def test_a_handler_that_raises_has_not_received(caplog: pytest.LogCaptureFixture) -> None:
    def handler(_: Batch) -> None:
        raise LookupError("a secret of the handler")

    with serving(HttpReceiver(handler, auth=None)) as client:
        answer = client.put("/", content=ONE)
    assert (answer.status_code, answer.text) == (500, "The batch was not taken.")
    assert "a secret of the handler" in caplog.text


def test_one_batch_at_a_time() -> None:
    at_once: list[int] = []
    lock = threading.Lock()

    def handler(_: Batch) -> None:
        assert lock.acquire(blocking=False)
        at_once.append(1)
        lock.release()

    with serving(HttpReceiver(handler, auth=None)) as client:
        threads = [threading.Thread(target=client.put, args=("/",), kwargs={"content": ONE}) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(at_once) == 8


def test_a_request_that_is_cancelled_does_not_let_the_next_batch_in_before_its_handler_is_done() -> None:
    begun, go_on = threading.Event(), threading.Event()
    running: list[int] = []
    at_once: list[int] = []

    def handler(_: Batch) -> None:
        running.append(1)
        at_once.append(len(running))
        begun.set()
        assert go_on.wait(20)
        running.pop()

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": ONE}

    async def send(_: object) -> None:
        pass

    async def main() -> None:
        receiver = HttpReceiver(handler, auth=None)
        scope = {"type": "http", "method": "PUT", "headers": []}
        first = asyncio.create_task(receiver(scope, receive, send))
        assert await asyncio.to_thread(begun.wait, 20)
        second = asyncio.create_task(receiver(scope, receive, send))
        for _ in range(9):  # once is not all
            first.cancel()
            await asyncio.sleep(0)
        assert not first.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await first
        await second

    asyncio.run(main())
    assert at_once == [1, 1]


def test_a_client_that_leaves_early() -> None:
    box = Box()
    with serving(HttpReceiver(box, auth=None)) as client:
        with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as half:
            half.sendall(b"PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{")
        assert client.put("/", content=ONE).status_code == 200
    assert len(box.seen) == 1


@pytest.mark.parametrize("auth", ["", "  ", ("", "")])
def test_no_credentials_are_not_taken_for_some(auth: str | tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="the token is empty"):
        HttpReceiver(Box(), auth=auth)
