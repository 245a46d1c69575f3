"""A connection that breaks in process: what a handler raises reaches callers as over HTTP."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from digirm_runtime.errors import TransportError
from digirm_runtime.flow import Send
from digirm_runtime.handler import HandlerTransport
from digirm_runtime.wire import AsyncResponse, Request, Response


class Breaking:
    """A server whose connection breaks after some chunks, or before any answer; or whose answer comes late."""

    def __init__(self, status: int = 200, chunks: int | None = None, delay: float = 0.0) -> None:
        self.status = status
        self.chunks = chunks
        self.delay = delay
        self.closed = 0

    def handle(self, request: Request) -> Response:
        if self.chunks is None:
            raise ConnectionResetError(f"dropped without an answer to {request.url}")
        return Response(self.status, {}, Body(self, self.chunks))

    def close(self) -> None:
        pass


class Body:
    def __init__(self, server: Breaking, chunks: int) -> None:
        self.server = server
        self.left = chunks
        self.delay = server.delay

    def __iter__(self) -> Iterator[bytes]:
        for _ in range(self.left):
            yield b"part"
        raise ConnectionAbortedError("broken off")

    def close(self) -> None:
        self.server.closed += 1


def step(stream: bool = False) -> Send:
    return Send(Request("GET", "/ws/v1"), timeout=5.0, until=None, stream=stream)


def test_without_an_answer() -> None:
    transport = HandlerTransport(Breaking())
    for stream in (False, True):
        with pytest.raises(TransportError, match="dropped") as caught:
            transport.send(step(stream))
        assert caught.value.sent
        with pytest.raises(TransportError, match="dropped"):
            asyncio.run(transport.asend(step(stream)))


def test_within_the_answer() -> None:
    server = Breaking(chunks=2)
    transport = HandlerTransport(server)
    with pytest.raises(TransportError, match="broken off") as caught:
        transport.send(step())
    assert caught.value.body == b"partpart"
    with pytest.raises(TransportError, match="broken off"):
        asyncio.run(transport.asend(step()))
    assert server.closed == 2


def test_within_an_error_the_status_stands() -> None:
    answer = HandlerTransport(Breaking(503, 1)).send(step(stream=True))
    assert (answer.status, answer.read()) == (503, b"part")


def test_within_a_stream() -> None:
    server = Breaking(chunks=1)
    transport = HandlerTransport(server)
    chunks = transport.send(step(stream=True)).chunks()
    assert next(chunks) == b"part"
    with pytest.raises(TransportError, match="broken off"):
        next(chunks)

    found: list[bytes] = []

    async def read() -> None:
        answer = await transport.asend(step(stream=True))
        assert isinstance(answer, AsyncResponse)
        try:
            async for chunk in answer.achunks():
                found.append(chunk)  # noqa: PERF401 - it is kept until the break
        finally:
            await answer.aclose()

    with pytest.raises(TransportError, match="broken off"):
        asyncio.run(read())
    assert found == [b"part"]
    assert server.closed


def test_an_answer_that_is_later_than_the_call_waits() -> None:
    server = Breaking(chunks=1, delay=60.0)
    with pytest.raises(TransportError, match="timed out"):
        HandlerTransport(server).send(Send(Request("GET", "/ws/v1"), timeout=0.01, until=None, stream=False))
    assert server.closed == 1


@pytest.mark.parametrize("stream", [False, True])
def test_an_answer_that_is_later_than_the_deadline(stream: bool) -> None:
    def step() -> Send:
        return Send(Request("GET", "/ws/v1"), timeout=60.0, until=time.monotonic() + 0.02, stream=stream)

    server = Breaking(chunks=1, delay=60.0)
    transport = HandlerTransport(server)
    with pytest.raises(TransportError, match="timed out"):
        transport.send(step())
    with pytest.raises(TransportError, match="timed out"):
        asyncio.run(transport.asend(step()))
    assert server.closed == 2


class Late:
    """A server whose answers come late, but are whole."""

    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.answers: list[LateBody] = []

    def handle(self, request: Request) -> Response:
        assert request.method == "GET"
        self.answers.append(LateBody(self.delay))
        return Response(200, {}, self.answers[-1])

    def close(self) -> None:
        pass


class LateBody:
    def __init__(self, delay: float) -> None:
        self.delay = delay
        self.closed = False

    def __iter__(self) -> Iterator[bytes]:
        assert self.delay == 0.0, "who waits takes the delay"
        yield b"whole"

    def close(self) -> None:
        self.closed = True


@pytest.mark.parametrize("stream", [False, True])
def test_a_late_answer_comes(stream: bool) -> None:
    transport = HandlerTransport(Late(0.01))
    assert b"".join(transport.send(step(stream)).chunks()) == b"whole"

    async def read() -> bytes:
        answer = await transport.asend(step(stream))
        if isinstance(answer, AsyncResponse):
            return b"".join([chunk async for chunk in answer.achunks()])
        return answer.read()

    assert asyncio.run(read()) == b"whole"


def test_late_answers_keep_no_threads_and_can_be_cancelled() -> None:
    server = Late(3.0)
    transport = HandlerTransport(server)

    async def many() -> None:
        # More than an event loop has threads.
        calls = [asyncio.create_task(transport.asend(step())) for _ in range(100)]
        while len(server.answers) < len(calls):
            await asyncio.sleep(0)
        for call in calls:
            call.cancel()
        ended = await asyncio.gather(*calls, return_exceptions=True)
        assert {type(each) for each in ended} == {asyncio.CancelledError}

    asyncio.run(many())
    assert all(each.closed or each.delay for each in server.answers)
