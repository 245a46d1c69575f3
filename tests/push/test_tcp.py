"""Receiving from real sockets on loopback, blocking and on asyncio."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable
from contextlib import aclosing, closing
from itertools import islice
from typing import Any

import pytest

import digirm_runtime.push.session as sessions
from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.push import Batch, Event, PushError
from digirm_runtime.push.framing import ConnectionRequest, Frame, PublishMessageReceived
from tests.push.server import PEM, Peer, Server, message, point, serving, tls_server

AUTH = ("user", "a secret: with ä")


@pytest.fixture(autouse=True)
def short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "FIRST_DELAY", 0.001)


@pytest.fixture(params=["blocking", "asyncio"])
def take(request: pytest.FixtureRequest) -> Callable[..., list[Event]]:
    """Receives so many events with either client; the connection is closed behind the last."""

    def blocking(server: Server, count: int, **how: Any) -> list[Event]:
        with (
            Client("http://127.0.0.1", auth=AUTH) as rm,
            closing(iter(rm.push.receive(7, port=server.port, **how))) as events,
        ):
            return list(islice(events, count))

    async def collect(server: Server, count: int, **how: Any) -> list[Event]:
        async with AsyncClient("http://127.0.0.1", auth=AUTH) as rm:
            found: list[Event] = []
            async with aclosing(aiter(rm.push.receive(7, port=server.port, **how))) as events:
                async for event in events:
                    found.append(event)
                    if len(found) == count:
                        break
            return found

    if request.param == "blocking":
        return blocking
    return lambda *args, **how: asyncio.run(collect(*args, **how))


def numbers(events: list[Event]) -> list[int]:
    return [event.data["data"] for event in events]


@pytest.mark.parametrize("compress", [False, True])
def test_events_come_in_order_and_each_batch_is_acknowledged_after_it(
    take: Callable[..., list[Event]], compress: bool
) -> None:
    asked: list[ConnectionRequest] = []

    def script(peer: Peer) -> None:
        asked.append(peer.welcome())
        peer.publish(5, point(1), point(2), compress=compress)
        assert peer.acknowledged() == 5
        peer.publish(6, point(3), compress=compress)
        # The loop was left with this batch.
        assert peer.left() == []

    with serving(script) as server:
        assert numbers(take(server, 3)) == [1, 2, 3]
    assert asked == [ConnectionRequest(*AUTH, 7)]


def test_leaving_acknowledges_what_was_dealt_with_before(take: Callable[..., list[Event]]) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        peer.send(b"".join(message(block, [point(block)]).encode() for block in (1, 2, 3)))
        assert [peer.acknowledged(), peer.acknowledged()] == [1, 2]
        assert peer.left() == []

    with serving(script) as server:
        assert numbers(take(server, 3)) == [1, 2, 3]


def test_a_connection_that_breaks_is_made_again_and_what_was_not_acknowledged_comes_again(
    take: Callable[..., list[Event]],
) -> None:
    def first(peer: Peer) -> None:
        peer.welcome()
        peer.publish(1, point(1))
        peer.acknowledged()
        peer.send(message(2, [point(2)]).encode()[:-3])

    def second(peer: Peer) -> None:
        peer.welcome()

    def third(peer: Peer) -> None:
        peer.welcome(503)
        peer.left()

    def fourth(peer: Peer) -> None:
        peer.welcome()
        peer.publish(2, point(2))
        assert peer.acknowledged() == 2
        peer.publish(3, point(3))
        peer.left()

    with serving(first, second, third, fourth) as server:
        assert numbers(take(server, 3)) == [1, 2, 3]


def test_messages_before_bytes_of_another_protocol_are_handed_out_and_acknowledged(
    take: Callable[..., list[Event]],
) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        # Nothing follows, and the peer does not leave.
        peer.send(message(1, [point(1)]).encode() + b"HTTP/1.1 502 Bad Gateway")
        assert peer.left() == [PublishMessageReceived(1)]

    with serving(script) as server, pytest.raises(PushError, match="does not speak the protocol"):
        take(server, 2)


@pytest.mark.parametrize("status", [400, 403])
def test_a_refusal_is_told(take: Callable[..., list[Event]], status: int) -> None:
    def script(peer: Peer) -> None:
        peer.welcome(status)
        peer.left()

    with serving(script) as server, pytest.raises(PushError, match=f"refused the connection with {status}") as raised:
        take(server, 1)
    assert raised.value.status == status
    assert AUTH[1] not in str(raised.value)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not speak the protocol"),
        (bytes.fromhex("0003 ffffffff"), "says that it has 4294967295 bytes"),
        (message(1, [point(1)])._replace(payload=b"no", compression=1).encode(), "cannot be unpacked"),
    ],
)
def test_bytes_of_another_protocol_close_the_connection(
    take: Callable[..., list[Event]], sent: bytes, said: str
) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        peer.send(sent)
        assert peer.left() == []

    with serving(script) as server, pytest.raises(PushError, match=said):
        take(server, 1)


def test_a_slow_peer_is_left(take: Callable[..., list[Event]]) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        peer.send(message(1, [point(1)]).encode()[:-1])
        peer.left()

    with serving(script) as server, pytest.raises(PushError, match="takes too long"):
        take(server, 1, timeout=0.2, reconnect=False)


def test_a_silent_peer_is_left_before_it_has_answered(take: Callable[..., list[Event]]) -> None:
    def script(peer: Peer) -> None:
        peer.next(ConnectionRequest)
        peer.left()

    with serving(script) as server, pytest.raises(PushError, match="takes too long"):
        take(server, 1, timeout=0.2, reconnect=False)


def test_nobody_there(take: Callable[..., list[Event]]) -> None:
    with serving() as server:
        server.close()
        with pytest.raises(PushError, match=rf"monitor 7 at 127.0.0.1:{server.port}: .*[Rr]efused"):
            take(server, 1, reconnect=False)


def test_a_payload_nobody_can_read_is_handed_out(take: Callable[..., list[Event]]) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        peer.send(message(1, [])._replace(payload=b"{broken").encode())
        peer.acknowledged()
        peer.publish(2, point(2))
        peer.left()

    with serving(script) as server:
        first, second = take(server, 2)
    assert (first.kind, first.raw) == ("unknown", b"{broken")
    assert second.data["data"] == 2


def test_a_message_of_many_pieces(take: Callable[..., list[Event]]) -> None:
    events = [point(number) for number in range(20_000)]

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.publish(1, *events)
        peer.left()

    with serving(script) as server:
        assert numbers(take(server, 20_000)) == list(range(20_000))


def test_a_longer_message_than_is_taken(take: Callable[..., list[Event]]) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        peer.publish(1, *map(point, range(100)))
        peer.left()

    with serving(script) as server, pytest.raises(PushError, match="says that it has"):
        take(server, 1, max_message=1000)


def test_a_longer_payload_than_is_taken(take: Callable[..., list[Event]]) -> None:
    def script(peer: Peer) -> None:
        peer.welcome()
        peer.publish(1, *map(point, range(100)), compress=True)
        assert peer.left() == []

    with serving(script) as server, pytest.raises(PushError, match="more than 1000 bytes"):
        take(server, 1, max_body=1000)


def two_batches(peer: Peer) -> None:
    peer.welcome()
    peer.publish(1, point(1))
    assert peer.acknowledged() == 1
    peer.publish(2, point(2))
    assert peer.left() == []


def test_a_handler_that_raises_has_not_received() -> None:
    seen: list[Batch] = []

    def handler(batch: Batch) -> None:
        seen.append(batch)
        if len(seen) == 2:
            raise LookupError("full")

    with (
        serving(two_batches) as server,
        Client("http://127.0.0.1", auth=AUTH) as rm,
        pytest.raises(LookupError, match="full"),
    ):
        rm.push.run(7, handler, port=server.port)
    assert [batch.block for batch in seen] == [1, 2]


class Store:
    """A handler that is an object."""

    def __init__(self) -> None:
        self.seen: list[Batch] = []
        self.threads: set[bool] = set()

    async def __call__(self, batch: Batch) -> None:
        await asyncio.sleep(0)
        self.blocking(batch)

    def blocking(self, batch: Batch) -> None:
        self.threads.add(threading.current_thread() is threading.main_thread())
        self.seen.append(batch)
        if len(self.seen) == 2:
            raise LookupError("full")

    def later(self, batch: Batch) -> Any:
        return self(batch)


@pytest.mark.parametrize(("way", "on_loop"), [("__call__", True), ("", True), ("blocking", False), ("later", True)])
def test_handlers_on_a_loop(way: str, on_loop: bool) -> None:
    store = Store()

    async def receive(port: int) -> None:
        async with AsyncClient("http://127.0.0.1", auth=AUTH) as rm:
            await rm.push.run(7, getattr(store, way) if way else store, port=port)

    with serving(two_batches) as server, pytest.raises(LookupError, match="full"):
        asyncio.run(receive(server.port))
    assert store.threads == {on_loop}
    assert [batch.block for batch in store.seen] == [1, 2]


def test_nothing_is_read_ahead_of_a_busy_handler() -> None:
    taken: list[int] = []
    busy = threading.Event()

    def script(peer: Peer) -> None:
        peer.welcome()
        frame = message(1, [point(1), "x" * 100_000]).encode()
        peer._socket.settimeout(0.5)
        try:
            for _ in range(1000):
                peer.send(frame)
                taken.append(len(frame))
        except TimeoutError:
            pass
        busy.set()

    def handler(_: Batch) -> None:
        assert busy.wait(20)
        raise LookupError

    with serving(script) as server, Client("http://127.0.0.1", auth=AUTH) as rm, pytest.raises(LookupError):
        rm.push.run(7, handler, port=server.port)
    # What the system keeps for both ends, of a hundred megabytes.
    assert sum(taken) < 30_000_000


def test_a_task_that_is_cancelled_leaves() -> None:
    async def receive(port: int, ready: asyncio.Event) -> None:
        async with AsyncClient("http://127.0.0.1", auth=AUTH) as rm:
            async for _ in rm.push.receive(7, port=port):
                ready.set()

    async def main(port: int) -> None:
        ready = asyncio.Event()
        task = asyncio.create_task(receive(port, ready))
        await ready.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.publish(1, point(1))
        peer.left()

    with serving(script) as server:
        asyncio.run(main(server.port))


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize(
    ("behind", "raises", "acknowledged"),
    [
        (b"", False, [1, 2]),
        (message(3, [point(3)]).encode(), False, [1, 2]),
        (message(3, [])._replace(payload=b"no", compression=1).encode(), False, [1, 2]),
        (b"", True, [1]),
    ],
    ids=["returns", "more is here", "and cannot be unpacked", "raises"],
)
def test_a_blocking_handler_whose_task_is_cancelled_has_received_where_it_returns(
    behind: bytes, raises: bool, acknowledged: list[int], tls: bool
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    left: list[Frame] = []

    def handler(batch: Batch) -> None:
        if batch.block == 1:
            return
        begun.set()
        assert go_on.wait(20)
        if raises:
            raise LookupError("full")

    def script(peer: Peer) -> None:
        peer.welcome()
        peer.send(b"".join(message(block, [point(block)]).encode() for block in (1, 2)) + behind)
        left.extend(peer.left())

    async def main(port: int) -> None:
        context = ssl.create_default_context(cafile=PEM) if tls else False
        async with AsyncClient("http://127.0.0.1", auth=AUTH) as rm:
            task = asyncio.create_task(rm.push.run(7, handler, port=port, tls=context))
            assert await asyncio.to_thread(begun.wait, 20)
            task.cancel("enough")
            await asyncio.sleep(0)
            go_on.set()
            with pytest.raises(asyncio.CancelledError, match="enough"):
                await task

    with serving(script, tls=tls_server() if tls else None) as server:
        asyncio.run(main(server.port))
    assert left == [PublishMessageReceived(block) for block in acknowledged]


def test_tls(take: Callable[..., list[Event]]) -> None:
    def script(peer: Peer) -> None:
        assert peer.welcome().password == AUTH[1]
        peer.publish(1, *map(point, range(5000)))
        assert peer.acknowledged() == 1
        peer.publish(2, point(5000))
        peer.left()

    with serving(script, tls=tls_server()) as server:
        assert numbers(take(server, 5001, tls=ssl.create_default_context(cafile=PEM))) == list(range(5001))


def test_a_certificate_nobody_vouches_for_is_refused_once_and_for_all(take: Callable[..., list[Event]]) -> None:
    listening = Server([lambda _: None], tls_server())
    with pytest.raises(PushError, match=r"the certificate is not trusted: self.signed certificate"):
        take(listening, 1, tls=True)
    listening.close()
