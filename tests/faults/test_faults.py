"""Every fault on every page: a walk survives it, with the same requests from both faces."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from digirm import APIError, Options, RemoteManagerError, ServerError, Throttled, TransportError
from tests.support.breakage import BODIES, BREAKS, FAULTS, FORMS, STATUSES, Fault
from tests.support.collection import Broken, Collection
from tests.support.faces import Outcome, same
from tests.support.server import Got
from tests.support.wire import Wire, WireServer, http

KEYS = range(6)
NAMES = [str(key) for key in KEYS]
#: Six things in pages of two: a first page, one in the middle, a last full one, and the empty one behind it.
CURSORS = [None, "after:1", "after:3", "after:5"]


async def walk(rm: Any) -> list[str]:
    return [device["id"] async for device in rm.devices.inventory.list(size=2)]


async def ahead(rm: Any) -> list[str]:
    return [device["id"] async for device in rm.devices.inventory.list(size=2, prefetch=True)]


def broken(*steps: Fault | None) -> Callable[[], Callable[[Got], Wire]]:
    return lambda: Broken(Collection(KEYS).page, *steps)


def cursors(outcome: Outcome) -> list[str | None]:
    return [got.params.get("cursor") for got in outcome.got]


@pytest.mark.parametrize("body", [walk, ahead])
@pytest.mark.parametrize("name", FAULTS)
def test_a_walk_survives_any_fault_on_any_page(name: str, body: Any) -> None:
    found = same(body, broken(*[FAULTS[name], None] * 4))
    assert found.result == NAMES
    # Each retry is of its page; what was refused never arrived.
    tries = 1 if name == "refused" else 2
    assert cursors(found) == [cursor for cursor in CURSORS for _ in range(tries)]
    assert {(got.method, got.path, got.params["size"]) for got in found.got} == {
        ("GET", "/ws/v1/devices/inventory", "2")
    }


@pytest.mark.parametrize("name", FORMS)
def test_good_answers_in_unusual_forms(name: str) -> None:
    found = same(walk, broken(*[FORMS[name]] * len(CURSORS)))
    assert found.result == NAMES
    assert cursors(found) == CURSORS


def test_three_faults_on_every_page_are_survived() -> None:
    kinds = [fault for name, fault in FAULTS.items() if name != "refused"]
    steps: list[Fault | None] = []
    for page in range(4):
        steps += [*kinds[page * 3 : page * 3 + 3], None]
    found = same(walk, broken(*steps))
    assert found.result == NAMES
    assert cursors(found) == [cursor for cursor in CURSORS for _ in range(4)]


def test_ten_refusals_by_a_throttle_are_survived() -> None:
    found = same(walk, broken(None, *[STATUSES["429"]] * 10))
    assert found.result == NAMES
    assert len(found.got) == 4 + 10
    failure = same(walk, broken(None, *[STATUSES["429"]] * 11)).failure
    assert (type(failure), failure.attempts) == (Throttled, 11)


@pytest.mark.parametrize("name", [name for name in FAULTS if not name.startswith("429") and name != "refused"])
def test_four_faults_on_a_page_end_the_walk_and_say_where(name: str) -> None:
    page = 2

    async def body(rm: Any) -> Any:
        names, listing = [], rm.devices.inventory.list(size=2)
        try:
            async for device in listing:
                names.append(device["id"])  # noqa: PERF401 - what came before the error counts
        except RemoteManagerError as error:
            rest = [device["id"] async for device in rm.devices.inventory.list(cursor=listing.cursor)]
            return names, type(error), vars(error), rest
        raise AssertionError("the walk did not end")

    found = same(body, broken(*[None] * page, *[FAULTS[name]] * 4))
    names, kind, error, rest = found.result
    # Nothing of the pages before is lost, and the rest can be had.
    assert names == NAMES[: 2 * page]
    assert rest == NAMES[2 * page :]
    assert issubclass(kind, APIError if name in STATUSES else TransportError)
    assert (error["method"], error["url"], error["attempts"]) == ("GET", found.got[page].target, 4)


@pytest.mark.parametrize("name", [name for name in FAULTS if name != "refused"])
def test_a_fault_that_is_not_retried_is_told(name: str) -> None:
    page = Collection(KEYS).page

    async def body(rm: Any) -> Any:
        return await rm.devices.inventory.list(options=Options(retries=0)).first()

    found = same(body, broken(*[FAULTS[name]] * 2))
    error = found.failure
    assert len(found.got) == 1
    assert (error.method, error.attempts, error.url) == ("GET", 1, found.got[0].target)
    if name in STATUSES:
        assert isinstance(error, APIError)
        assert error.status == int(name[:3])
        assert isinstance(error, Throttled if error.status == 429 else ServerError)
        assert error.retry_after == (0.0 if name.endswith(("seconds", "date", "503 retry-after")) else None)
    else:
        assert isinstance(error, TransportError)
        assert error.sent
    if name in BODIES and "gzip" not in name and "deflate" not in name and name != "empty":
        answer = FAULTS[name](page(found.got[0])).pieces[0]
        assert error.body == answer.partition(b"\r\n\r\n")[2]


def test_an_error_status_tells_the_server_s_words_and_keeps_the_body() -> None:
    async def body(rm: Any) -> Any:
        return await rm.request("GET", "/ws/v1/x", options=Options(retries=0))

    page = Collection().page
    for name, words in {"429": "too fast", "500": "oops", "500 that closes": "Internal Server Error"}.items():
        error = same(body, partial(Broken, page, STATUSES[name])).failure
        assert error.error_message == words
        assert words in str(error)
    html = same(body, lambda: Broken(page, STATUSES["504 HTML"])).failure
    assert html.error_message is None
    assert html.body.startswith(b"<!DOCTYPE")
    assert "<" not in str(html)


@pytest.mark.parametrize("name", [*STATUSES, *BREAKS])
@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_methods_that_may_be_repeated_are(method: str, name: str) -> None:
    async def body(rm: Any) -> Any:
        if method == "DELETE":
            return await rm.devices.inventory.delete("x")
        return await rm.devices.inventory.update("x", {"name": "n"})

    found = same(body, broken(FAULTS[name]))
    assert [got.method for got in found.got] == [method] * 2
    assert found.got[0].body == found.got[1].body
    assert found.error is None


def test_a_server_that_is_silent_for_too_long_is_asked_again() -> None:
    async def body(rm: Any) -> Any:
        return [device["id"] async for device in rm.devices.inventory.list(size=2, options=Options(timeout=1.0))]

    silent: list[Fault] = [
        lambda _: Wire((), "hold"),
        lambda page: http(200, page[:5], declared=len(page), then="hold"),
    ]
    for fault in silent:
        found = same(body, broken(None, fault))
        assert found.result == NAMES
        assert cursors(found)[:3] == [None, "after:1", "after:1"]


def test_a_connection_that_the_server_closed_meanwhile_is_not_used_again() -> None:
    async def body(rm: Any) -> Any:
        for _ in range(3):
            await rm.request("POST", "/ws/v1/x", body={})
            # The server's end has come to this side when its socket is closed.
            servers[-1].wait_until_idle()

    servers: list[WireServer] = []

    def make() -> Callable[[Got], Wire]:
        reply = Broken(lambda _: b"{}", *[lambda page: http(200, page, then="close")] * 3)
        attach = reply.attach

        def keep(server: WireServer) -> None:
            servers.append(server)
            attach(server)

        reply.attach = keep  # type: ignore[method-assign]
        return reply

    found = same(body, make)
    assert found.error is None
    assert len(found.got) == 3
