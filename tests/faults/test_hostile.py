"""Answers that mean harm: without an end, with impossible statuses and headers, with waits of a year."""

from typing import Any

import pytest

from digirm import APIError, Options, RemoteManagerError, ServerError, Throttled, TransportError
from tests.support.collection import Broken
from tests.support.faces import Outcome, outcome, same
from tests.support.wire import Wire, WireServer, chunked, http

OK = b'{"list": [], "count": 0}'
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n"

ENDLESS = {
    "nothing": Wire((), "hold"),
    "half a status line": Wire((b"HTTP/1.1 2",), "hold"),
    "headers and no body": http(200, declared=9, then="hold"),
    "half a body": http(200, OK[:9], declared=99, then="hold"),
    "blanks": Wire((HEAD + b"content-length: 1000000000\r\n\r\n", b" "), "drip"),
    "chunks": Wire((HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n"), "drip"),
    "a body until the end": Wire((HEAD + b"\r\n", b" "), "drip"),
    "an error's body": Wire((b"HTTP/1.1 503 No\r\ncontent-length: 1000000000\r\n\r\n", b" "), "drip"),
}


async def ask(rm: Any) -> Any:
    return await rm.devices.inventory.get("x")


async def once(rm: Any) -> Any:
    return await rm.devices.inventory.get("x", options=Options(retries=0))


def answered(wire: Wire, body: Any = ask) -> Outcome:
    return same(body, lambda: lambda _: wire)


@pytest.mark.parametrize("name", ENDLESS)
def test_a_deadline_ends_what_does_not(name: str) -> None:
    async def body(rm: Any) -> Any:
        return await rm.devices.inventory.get("x", options=Options(deadline=0.5, retries=0))

    found = answered(ENDLESS[name], body)
    assert isinstance(found.failure, RemoteManagerError)
    assert len(found.got) == 1


@pytest.mark.parametrize(
    "wire",
    [
        Wire((HEAD, b"x-a: b\r\n"), "drip"),
        Wire((b"HTTP/1.1 200 ", b"O"), "drip"),
        Wire((b"HTTP/1.1 103 Early Hints\r\n\r\n",), "drip"),
    ],
)
def test_a_deadline_ends_headers_without_an_end_on_an_event_loop(wire: Wire) -> None:
    async def body(rm: Any) -> Any:
        return await rm.devices.inventory.get("x", options=Options(deadline=0.15, retries=0))

    with WireServer(lambda _: wire) as server:
        found = outcome("asyncio", body, server)
    assert isinstance(found.failure, TransportError)


@pytest.mark.parametrize("wait", ["99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT", "86400"])
@pytest.mark.parametrize("status", [429, 503])
def test_nobody_waits_for_a_year(status: int, wait: str) -> None:
    found = answered(http(status, b"", ("retry-after", wait)))
    assert isinstance(found.failure, Throttled if status == 429 else ServerError)
    assert found.failure.retry_after == 3600.0
    assert len(found.got) == 1


@pytest.mark.parametrize("wait", ["nan", "-5", "", "x" * 1000, "Fri, 99 Foo 2020", "0, 1", "\xff", "0x1"])
def test_a_wait_that_is_none_is_not_obeyed(wait: str) -> None:
    found = same(ask, lambda: Broken(lambda _: OK, lambda _: http(503, b"", ("retry-after", wait))))
    assert found.error is None
    assert len(found.got) == 2


@pytest.mark.parametrize("status", [205, 206, 226, 299])
def test_any_success_is_one(status: int) -> None:
    assert answered(http(status, OK)).result == {"list": [], "count": 0}


@pytest.mark.parametrize("status", [300, 304, 399, 418, 451, 499, 511, 599, 600, 700, 999])
def test_any_other_status_is_an_error(status: int) -> None:
    found = answered(http(status, b"" if status == 304 else b"no"))
    assert isinstance(found.failure, ServerError if status >= 500 else APIError)
    assert found.failure.status == status
    assert len(found.got) == 1


@pytest.mark.parametrize("status", ["101", "000", "20", "2000", "-200", "abc", "", "2e2"])
def test_a_status_that_is_none_is_an_error(status: str) -> None:
    found = answered(http(status, OK, then="close"), once)
    assert isinstance(found.failure, RemoteManagerError)


@pytest.mark.parametrize(
    "header",
    [
        ("x-null", "a\0b"),
        ("bad name", "x"),
        ("", "x"),
        ("x-large", "x" * 300_000),
        ("content-length", "1" * 5_000),
        ("content-length", "٣"),
        ("transfer-encoding", "gzip"),
        ("transfer-encoding", "chunked, chunked"),
    ],
)
def test_headers_that_cannot_be_are_an_error(header: tuple[str, str]) -> None:
    name, value = header
    line = f"{name}: {value}\r\n".encode()
    found = answered(Wire((HEAD + line + b"\r\n" + OK,), "close"), once)
    assert isinstance(found.failure, TransportError)


def test_odd_headers_do_no_harm() -> None:
    headers = [
        ("x-bytes", "\xff\xfe"),
        ("x-empty", ""),
        ("set-cookie", "a=b; Domain=.com"),
        ("x-twice", "1"),
        ("x-twice", "2"),
    ]
    found = answered(http(200, OK, *headers))
    assert found.result == {"list": [], "count": 0}


def test_cookies_are_not_kept() -> None:
    async def body(rm: Any) -> Any:
        for _ in range(2):
            await rm.request("GET", "/ws/v1/x")

    found = answered(http(200, OK, ("set-cookie", "JSESSIONID=of-another-user; Path=/")), body)
    assert found.error is None
    assert all("cookie" not in got.headers for got in found.got)


def test_a_body_behind_an_answer_that_has_none_is_not_the_next_answer() -> None:
    async def body(rm: Any) -> Any:
        await rm.request("DELETE", "/ws/v1/x")
        return await rm.request("GET", "/ws/v1/x")

    found = same(body, lambda: Broken(lambda _: OK, lambda _: http("204", b'{"forged": true}')))
    assert found.result == {"list": [], "count": 0}


def test_an_answer_that_grows_when_unpacked_is_read_in_pieces() -> None:
    import gzip

    bomb = gzip.compress(b" " * 20_000_000 + OK)
    headers = [("content-encoding", "gzip"), ("transfer-encoding", "chunked")]
    found = answered(http(200, chunked(bomb), *headers))
    assert found.result == {"list": [], "count": 0}
