"""What must not be sent twice is not, and what may is."""

from collections.abc import Callable
from typing import Any

import pytest

from digirm import Options
from tests.support.breakage import BODIES, BREAKS, STATUSES, Fault, refused
from tests.support.collection import Broken
from tests.support.faces import Outcome, same
from tests.support.server import Got
from tests.support.wire import Wire, http

NEW = {"id": "00000000-00000000-0040FFFF-FF8001B0", "name": "größer"}
#: The server refused it before it did anything.
NOT_EXECUTED = {name: fault for name, fault in STATUSES.items() if name.startswith("429")}
#: Nobody knows whether it was executed.
PERHAPS = {name: fault for name, fault in (STATUSES | BREAKS).items() if name not in NOT_EXECUTED}


async def create(rm: Any) -> Any:
    return (await rm.devices.inventory.create(NEW)).items


async def raw(rm: Any) -> Any:
    return await rm.request("POST", "/ws/v1/devices/inventory", body=NEW)


async def insistent(rm: Any) -> Any:
    return (await rm.devices.inventory.create(NEW, options=Options(idempotent=True))).items


def broken(*steps: Fault | None) -> Callable[[], Callable[[Got], Wire]]:
    return lambda: Broken(lambda got: got.body, *steps)


def bodies(found: Outcome) -> list[bytes]:
    assert {got.method for got in found.got} <= {"POST"}
    return [got.body for got in found.got]


@pytest.mark.parametrize("body", [create, raw])
@pytest.mark.parametrize("name", PERHAPS)
def test_a_post_that_may_have_been_executed_is_sent_once(name: str, body: Any) -> None:
    found = same(body, broken(PERHAPS[name]))
    assert found.failure.attempts == 1
    assert len(bodies(found)) == 1


@pytest.mark.parametrize("name", BODIES)
def test_a_post_whose_answer_cannot_be_read_is_sent_once(name: str) -> None:
    assert len(bodies(same(create, broken(BODIES[name])))) == 1


@pytest.mark.parametrize("body", [create, raw])
@pytest.mark.parametrize("name", NOT_EXECUTED)
def test_a_post_that_was_throttled_is_repeated_as_it_was(name: str, body: Any) -> None:
    found = same(body, broken(*[NOT_EXECUTED[name]] * 2))
    assert found.result in (NEW, [NEW])
    assert len(bodies(found)) == 3
    assert len(set(bodies(found))) == 1


@pytest.mark.parametrize("body", [create, raw])
def test_a_post_that_could_not_connect_is_repeated(body: Any) -> None:
    found = same(body, broken(refused))
    assert found.result in (NEW, [NEW])
    assert len(bodies(found)) == 1
    assert [event[0] for event in found.events] == ["request", "retry", "request", "response"]


@pytest.mark.parametrize("name", PERHAPS)
def test_a_post_is_repeated_where_the_caller_says_that_it_may_be(name: str) -> None:
    found = same(insistent, broken(PERHAPS[name]))
    assert found.result == [NEW]
    assert len(set(bodies(found))) == 1
    assert len(bodies(found)) == 2


@pytest.mark.parametrize("status", [200, 201, 202, 207])
def test_success_is_not_repeated(status: int) -> None:
    found = same(create, broken(lambda page: http(status, page)))
    assert found.result == [NEW]
    assert len(found.got) == 1


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422, 501, 505])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
def test_what_will_not_change_is_not_repeated(method: str, status: int) -> None:
    async def body(rm: Any) -> Any:
        return await rm.request(method, "/ws/v1/x", body=None if method == "GET" else {})

    found = same(body, broken(lambda _: http(status, b'{"error_message": "no"}')))
    assert (found.failure.status, found.failure.attempts) == (status, 1)
    assert len(found.got) == 1
