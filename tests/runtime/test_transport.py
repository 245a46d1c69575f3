"""Connections: they come back whatever a call meets, belong to one process and one event loop, and tell no secrets."""

import asyncio
import gc
import gzip
import subprocess
import sys
import types
import warnings
import weakref
from collections.abc import Coroutine, Generator, Iterator
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import RemoteManagerError, TransportError
from digirm_runtime.flow import Send, backoff
from digirm_runtime.gzipped import DAMAGED, Gzip
from digirm_runtime.hooks import Hooks
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import Options
from digirm_runtime.pools import MOST_CANCELLED, Pools
from digirm_runtime.proxies import proxy_for
from digirm_runtime.rows import AsyncRows, Rows
from digirm_runtime.transport import HttpTransport
from digirm_runtime.wire import Request
from tests.support.server import Got
from tests.support.wire import Wire, WireServer, document, http

AUTH = ("user", "word-that-is-secret")
CSV = Operation[Any](Endpoint("GET", "/bulk", "csv"))
ONCE = Options(retries=0)


def page(got: Got) -> Wire:
    return document({"path": got.target})


def endless(_: Got) -> Wire:
    return http(200, b"a\n1\n", ("content-type", "text/csv"), declared=10**6, then="hold")


@contextmanager
def collected() -> Iterator[None]:
    """Connections of closed event loops are closed by the collector, which warns of each."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        yield
        gc.collect()


@types.coroutine
def cancelled_at(number: int, call: Coroutine[Any, Any, Any]) -> Generator[Any, Any, bool]:
    """Run a call; where it waits for the `number`th time its task is cancelled. Whether it came to that."""
    steps = call.__await__()
    task = asyncio.current_task()
    assert task is not None
    try:
        waits = next(steps)
        for turn in count(1):
            if turn == number:
                task.cancel()
            try:
                yield waits
            except asyncio.CancelledError as error:
                waits = steps.throw(error)
            else:
                waits = next(steps)
    except (StopIteration, asyncio.CancelledError):
        pass
    return task.uncancel() == 0 if task.cancelling() else False


def test_cancelled_calls_use_up_no_connections() -> None:
    quick = Options(timeout=5, retries=0)

    async def main(server: WireServer) -> None:
        async with AsyncClient(server.url, auth=AUTH, throttle=None) as client:
            for _ in range(60):
                for number in count(1):
                    if not await cancelled_at(number, client.request("GET", "/x", options=quick)):
                        break
            assert await client.request("GET", "/y", options=quick) == {"path": "/y"}
            assert server._open <= 2 * MOST_CANCELLED
        assert await asyncio.to_thread(server.wait_until_idle)

    with WireServer(page) as server:
        asyncio.run(main(server))


class Kept:
    """A transport that knows whether it is open."""

    def __init__(self) -> None:
        self.open = True

    async def aclose(self) -> None:
        self.open = False


def test_a_pool_is_replaced_after_some_cancelled_calls_and_closed_after_its_last_one() -> None:
    async def main() -> None:
        pools = Pools(Kept, renews=True)
        lasting = pools.lease()
        for _ in range(MOST_CANCELLED):
            lease = pools.lease()
            assert lease.pool is lasting.pool
            lease.failed(asyncio.CancelledError())
            lease.end()
            lease.end()
        after = pools.lease()
        assert after.pool is not lasting.pool
        await asyncio.sleep(0)
        assert lasting.pool.transport.open
        lasting.end()
        await asyncio.sleep(0)
        assert not lasting.pool.transport.open
        await pools.aclose()
        assert not after.pool.transport.open
        after.end()

    asyncio.run(main())


@pytest.mark.parametrize("error", [ValueError(), GeneratorExit()])
def test_calls_that_fail_by_themselves_keep_their_pool(error: BaseException) -> None:
    async def main() -> None:
        pools = Pools(Kept, renews=True)
        first = pools.lease().pool
        for _ in range(3 * MOST_CANCELLED):
            lease = pools.lease()
            lease.failed(error)
            lease.end()
        assert pools.lease().pool is first

    asyncio.run(main())


def test_closing_closes_pools_that_are_replaced_but_in_use() -> None:
    async def main() -> None:
        pools = Pools(Kept, renews=True)
        lease = pools.lease()
        for _ in range(MOST_CANCELLED):
            lease.failed(asyncio.CancelledError())
        assert pools.lease().pool is not lease.pool
        await pools.aclose()
        assert not lease.pool.transport.open
        lease.end()

    asyncio.run(main())


def test_event_loops_that_are_closed_are_let_go() -> None:
    loops = []

    async def main(client: AsyncClient) -> None:
        loops.append(weakref.ref(asyncio.get_running_loop()))
        assert await client.request("GET", "/x")

    with WireServer(page) as server, collected():
        client = AsyncClient(server.url, auth=AUTH, throttle=None)
        for _ in range(5):
            asyncio.run(main(client))
        gc.collect()
        assert [loop() is None for loop in loops] == [True, True, True, True, False]
        del client
        gc.collect()
        assert server.wait_until_idle()


FORKS = """
import os, sys
from digirm_runtime.client import Client

client = Client(sys.argv[1], auth=("user", "word"), throttle=None)
assert client.request("GET", "/before")
child = os.fork()
paths = [f"/{'parent' if child else 'child'}{number}" for number in range(20)]
good = all(client.request("GET", path) == {"path": path} for path in paths)
if child:
    good = good and os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
sys.exit(0 if good else 1)
"""


def test_a_forked_process_has_connections_of_its_own() -> None:
    # In a process of its own: this one has threads, and a pipe to the other test processes, that no child may have.
    with WireServer(page) as server:
        subprocess.run([sys.executable, "-W", "error", "-c", FORKS, server.url], check=True, timeout=60)
        assert len(server.got) == 41


def test_a_hook_that_raises_closes_the_stream() -> None:
    def raises(_: object) -> None:
        raise LookupError

    hooks = Hooks(on_response=raises)

    async def main(server: WireServer) -> None:
        async with AsyncClient(server.url, auth=AUTH, hooks=hooks) as client:
            with pytest.raises(LookupError):
                await anext(aiter(AsyncRows(client, CSV)))
            assert await asyncio.to_thread(server.wait_until_idle)

    with WireServer(endless) as server:
        with Client(server.url, auth=AUTH, hooks=hooks) as client:
            with pytest.raises(LookupError):
                next(iter(Rows(client, CSV)))
            assert server.wait_until_idle()
        asyncio.run(main(server))


def test_a_stream_of_which_nothing_was_read_gives_back_its_connection() -> None:
    async def main(server: WireServer) -> None:
        async with AsyncClient(server.url, auth=AUTH) as client:
            response = await client._stream(CSV)
            await response.aclose()
            assert [chunk async for chunk in response.achunks()] == []
            assert await asyncio.to_thread(server.wait_until_idle)

    with WireServer(endless) as server:
        with Client(server.url, auth=AUTH) as client:
            response = client._stream(CSV)
            response.close()
            assert list(response.chunks()) == []
            assert server.wait_until_idle()
        asyncio.run(main(server))


def unpacked(packed: bytes, size: int) -> bytes:
    gzipped = Gzip()
    out = b"".join(piece for at in range(0, len(packed), size) for piece in gzipped.feed(packed[at : at + size]))
    gzipped.end()
    return out


@pytest.mark.parametrize("length", [2**20 - 1, 2**20, 2**20 + 1, 2**21, 2**21 + 5])
def test_gzip_around_the_size_of_a_piece(length: int) -> None:
    body = b"x" * length
    for packed in (gzip.compress(body), gzip.compress(body) + gzip.compress(b"more"), gzip.compress(b"") * 2):
        assert unpacked(packed, len(packed)) == gzip.decompress(packed)
        assert unpacked(packed, 7) == gzip.decompress(packed)
        with pytest.raises(DAMAGED):
            unpacked(packed[:-1], len(packed))


@given(st.lists(st.binary(max_size=50), min_size=1, max_size=4), st.integers(1, 60))
@example([b""], 1)
def test_gzip_in_any_pieces(members: list[bytes], size: int) -> None:
    assert unpacked(b"".join(map(gzip.compress, members)), size) == b"".join(members)


@pytest.mark.parametrize("answer", [b"SSH-2.0-{}\r\n\r\n", b"HTTP/1.1 {}\r\n\r\n", b"HTTP/1.1 200 OK\r\n{}\r\n\r\n"])
def test_what_is_no_http_is_not_quoted(answer: bytes) -> None:
    wire = Wire((answer.replace(b"{}", AUTH[1].encode()),), "close")

    async def main(url: str) -> None:
        async with AsyncClient(url, auth=AUTH) as client:
            await client.request("GET", "/x", options=ONCE)

    def blocking(url: str) -> None:
        with Client(url, auth=AUTH) as client:
            client.request("GET", "/x", options=ONCE)

    for call in (blocking, lambda url: asyncio.run(main(url))):
        with (
            WireServer(lambda _: wire) as server,
            pytest.raises(TransportError, match=r"^GET /x: the answer is no HTTP$"),
        ):
            call(server.url)


@pytest.mark.parametrize(
    "proxy", ["http://user:se/cret@proxy:3128", "http://user:se#cret@proxy:1", "http://[::1", "socks5://u:secret@h:1"]
)
def test_a_proxy_that_is_none_is_told_without_its_address(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("no_proxy", "")
    with pytest.raises(RemoteManagerError, match="proxy") as caught:
        Client("http://service.invalid", auth=AUTH).request("GET", "/x", options=ONCE)
    assert "cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("origin", "excepted", "direct"),
    [
        ("http://[::1]:8080", "::1", True),
        ("http://[::1]", "::1", True),
        ("http://[::1]:8080", "[::1]", True),
        ("http://[::2]:8080", "::1", False),
        ("http://a.example.com:8080", "example.com", True),
        ("http://a.example.com:8080", "a.example.com:8080", True),
        ("http://a.example.com:8080", "a.example.com:81", False),
    ],
)
def test_hosts_without_a_proxy(origin: str, excepted: str, direct: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://proxy:3128")
    monkeypatch.setenv("no_proxy", excepted)
    assert proxy_for(origin) == (None if direct else "http://proxy:3128")


@pytest.mark.parametrize("origin", ["http://" + "a" * 70_000, "http://a\nb"])
def test_an_origin_that_is_none(origin: str) -> None:
    with pytest.raises(ValueError, match="address of the service"):
        HttpTransport(origin)


def test_a_url_that_cannot_be_sent_is_not_tried() -> None:
    with WireServer(page) as server:
        request = Request("GET", server.url + "/" + "x" * 70_000)
        with pytest.raises(ValueError, match="too long"):
            HttpTransport(server.url).send(Send(request, 1.0, None, False))
        assert not server.got


def test_waits_between_tries_have_a_bound() -> None:
    assert all(0 < backoff(times) <= 10 for times in (0, 10, 1023, 1024, 10**6))


def test_a_blocking_call_needs_no_asyncio() -> None:
    code = (
        "import sys; from digirm_runtime.client import Client; "
        "Client(sys.argv[1], auth=('a', 'b')).request('GET', '/x'); assert 'asyncio' not in sys.modules"
    )
    with WireServer(page) as server:
        subprocess.run([sys.executable, "-c", code, server.url], check=True)
