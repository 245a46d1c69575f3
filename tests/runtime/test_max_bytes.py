"""`fetch(max_bytes=...)`: an answer that is too long is not read to its end, over HTTP and in process."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import ServerError, TooLarge
from digirm_runtime.options import Options
from tests.support.wire import Wire, WireServer, http

AUTH = ("user", "secret-word")
ONCE = Options(retries=0)
BODY = json.dumps(["x" * 996]).encode()
ENDLESS = Wire((b"HTTP/1.1 %d Words\r\ncontent-type: application/json\r\n\r\n", b" " * 100), "drip")
Fetch = Callable[..., Any]


@pytest.fixture(params=["blocking", "asyncio"])
def fetch(request: pytest.FixtureRequest) -> Fetch:
    def blocking(url: str, path: str, **kwargs: Any) -> Any:
        with Client(url, auth=AUTH) as client:
            return client.fetch("GET", path, **kwargs)

    def on_a_loop(url: str, path: str, **kwargs: Any) -> Any:
        async def main() -> Any:
            async with AsyncClient(url, auth=AUTH) as client:
                return await client.fetch("GET", path, **kwargs)

        return asyncio.run(main())

    return blocking if request.param == "blocking" else on_a_loop


@pytest.mark.parametrize("packed", [False, True])
def test_the_limit_is_that_of_what_is_unpacked(fetch: Fetch, packed: bool) -> None:
    wire = http(200, gzip.compress(BODY), ("content-encoding", "gzip")) if packed else http(200, BODY)
    with WireServer(lambda _: wire) as server:
        assert fetch(server.url, "/x", max_bytes=len(BODY)).data == ["x" * 996]
        with pytest.raises(TooLarge, match=rf"^GET /x: the answer is longer than {len(BODY) - 1} bytes$") as caught:
            fetch(server.url, "/x", max_bytes=len(BODY) - 1)
    # Another try would get the same.
    assert len(server.got) == 2
    assert (caught.value.attempts, caught.value.body) == (1, b"")


def test_an_answer_without_end(fetch: Fetch) -> None:
    endless = Wire((ENDLESS.pieces[0] % 200, ENDLESS.pieces[1]), "drip")
    with WireServer(lambda _: endless) as server:
        with pytest.raises(TooLarge):
            fetch(server.url, "/x", max_bytes=1000)
        assert server.wait_until_idle()
    assert not server.outlasted


def test_an_error_without_end_is_that_error(fetch: Fetch) -> None:
    endless = Wire((ENDLESS.pieces[0] % 500, ENDLESS.pieces[1]), "drip")
    with WireServer(lambda _: endless) as server, pytest.raises(ServerError) as caught:
        fetch(server.url, "/x", max_bytes=1000, options=ONCE)
    assert len(caught.value.body) < 100_000
    assert not server.outlasted


def test_in_process(fetch: Fetch) -> None:
    assert fetch("sim:", "/ws/v1/devices", max_bytes=10_000_000).status == 200
    with pytest.raises(TooLarge):
        fetch("sim:", "/ws/v1/devices", max_bytes=100)


@pytest.mark.parametrize(("most", "times"), [(None, 4), (1_000_000, 1)])
def test_what_is_nested_too_deep_is_damage_unless_there_is_a_limit(fetch: Fetch, most: int | None, times: int) -> None:
    with (
        WireServer(lambda _: http(200, b"[" * 100_000)) as server,
        pytest.raises(TooLarge, match="nested too deep to be read") as caught,
    ):
        fetch(server.url, "/x", max_bytes=most)
    assert len(server.got) == caught.value.attempts == times
