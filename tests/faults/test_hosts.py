"""Credentials go to the host that they are for, whatever a server answers."""

import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from digirm import APIError, ApiKey
from tests.support.collection import Broken, Collection
from tests.support.faces import same
from tests.support.leaks import AUTH, KEY_ID, SECRET, check_error
from tests.support.server import Got
from tests.support.wire import Wire, WireServer, document, http

AUTHS = [AUTH, ApiKey(KEY_ID, SECRET)]


@pytest.fixture
def other() -> Iterator[WireServer]:
    """A host that is not the service's."""
    with WireServer(lambda _: document({"list": []})) as server:
        yield server


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("status", [300, 301, 302, 303, 305, 307, 308])
def test_a_redirect_is_an_error_and_not_followed(other: WireServer, status: int, auth: Any) -> None:
    port = other.url.rpartition(":")[2]
    places = [f"{other.url}/ws/v1/x", f"//127.0.0.1:{port}/", f"http://localhost:{port}/", "/ws/v1/y", "", "http://["]

    async def body(rm: Any) -> Any:
        for number in range(len(places)):
            with pytest.raises(APIError) as caught:
                await rm.request(("GET", "POST", "DELETE")[number % 3], "/ws/v1/x", params={"a": "b"})
            assert type(caught.value) is APIError
            assert caught.value.status == status
            check_error(caught.value)

    def make() -> Callable[[Got], Wire]:
        left = iter(places)
        return lambda _: http(status, b"", ("location", next(left)))

    found = same(body, make, auth=auth)
    assert found.error is None
    assert [got.target for got in found.got] == ["/ws/v1/x?a=b"] * len(places)
    assert not other.got


@pytest.mark.parametrize("auth", AUTHS)
@pytest.mark.parametrize("style", ["both", "next_uri"])
def test_a_next_page_on_another_host_is_asked_of_this_one(other: WireServer, style: str, auth: Any) -> None:
    async def body(rm: Any) -> Any:
        return [device["id"] async for device in rm.devices.inventory.list(size=2)]

    hosts = [other.url, other.url.replace("http://", "http://x:y@"), other.url.replace("http:", ""), "https://[::1]:1"]
    for host in hosts:
        things = Collection(range(5), style=style, host=host)
        found = same(body, partial(Broken, things.page), auth=auth)
        assert found.result == [str(key) for key in range(5)]
        assert {got.path for got in found.got} == {"/ws/v1/devices/inventory"}
    assert not other.got


def test_a_next_page_of_another_path_is_asked_of_this_one() -> None:
    async def body(rm: Any) -> Any:
        return [item["id"] async for item in rm.devices.inventory.list(size=1)]

    pages = [{"list": [{"id": "a"}], "next_uri": "/ws/v1/users/inventory?size=1&cursor=b"}, {"list": []}]
    found = same(body, lambda: Broken(lambda got: json.dumps(pages["cursor" in got.params]).encode()))
    assert found.result == ["a"]
    assert [got.target for got in found.got] == [
        "/ws/v1/devices/inventory?size=1",
        "/ws/v1/devices/inventory?size=1&cursor=b",
    ]
