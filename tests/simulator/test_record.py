from __future__ import annotations

import pytest

from digirm_runtime.wire import Request
from digirm_simulator import Simulator, record
from digirm_simulator.record import Requests
from tests.simulator.support import DEVICES, Api, device_id


def add(requests: Requests, path: str = "/ws/v1", body: bytes = b"", method: str = "GET") -> None:
    requests.add(Request(method, path, {}, body), path.partition("?")[0], 200)


def test_what_was_asked_can_be_looked_at(simulator: Simulator, api: Api) -> None:
    api.get(DEVICES, query="name = 'a b'", size=3, orderby="")
    api("POST", DEVICES, {"id": device_id(7)})
    api.get("/ws/v1/nonsense")
    first, second, third = simulator.requests
    assert (first.method, first.path, first.status) == ("GET", DEVICES, 200)
    assert first.params == {"query": "name = 'a b'", "size": "3", "orderby": ""}
    assert second.json == {"id": device_id(7)}
    assert third is simulator.requests.last is simulator.requests[-1]
    assert simulator.requests[:2] == [first, second]
    assert third.status == 404
    assert len(simulator.requests) == 3
    simulator.requests.clear()
    assert not simulator.requests
    with pytest.raises(IndexError, match="no request was answered"):
        _ = simulator.requests.last


def test_find(simulator: Simulator, api: Api) -> None:
    for size in (1, 2):
        api.get(DEVICES, size=size)
    api("DELETE", f"{DEVICES}/{device_id(1)}")
    find = simulator.requests.find
    assert len(find()) == 3
    assert [one.params for one in find("GET", DEVICES)] == [{"size": "1"}, {"size": "2"}]
    assert find(path=DEVICES, size="2") == [simulator.requests[1]]
    assert find(path="/ws/v1/devices/*") == list(simulator.requests)
    assert find("DELETE", "/ws/v1/*/inventory/*") == [simulator.requests[2]]
    assert find("DELETE", DEVICES) == find(size="3") == find(path="/ws/v1/devices/[i]nventory") == []


def test_no_credentials_are_kept(simulator: Simulator) -> None:
    secret = {"x-api-key-id": "k", "x-api-key-secret": "hidden", "cookie": "session=hidden", "accept": "x"}
    Api(simulator, secret)("PUT", f"{DEVICES}/x?install_code=hidden", {"password": "hidden"})
    one = simulator.requests.last
    assert one.headers == {"x-api-key-id": "k", "accept": "x"}
    assert repr(one) == f"<PUT {DEVICES}/x?install_code=*** 404>"
    assert "hidden" not in repr(simulator.requests)
    Api(simulator).get("/ws/v1")
    assert "authorization" not in simulator.requests.last.headers


def test_refused_requests_are_kept_too(simulator: Simulator) -> None:
    Api(simulator, {}).get("/ws/v1")
    assert simulator.requests.last.status == 401


def test_only_so_many_are_kept() -> None:
    requests = Requests()
    for number in range(record.MOST_REQUESTS + 5):
        add(requests, f"/{number}", b"x" if number % 2 else b"")
    assert len(requests) == record.MOST_REQUESTS
    assert (requests[0].path, requests.last.path) == ("/5", f"/{record.MOST_REQUESTS + 4}")
    assert requests._bodies == sum(len(one.body or b"") for one in requests)
    assert requests._heads == sum(one._size for one in requests)


def test_large_bodies_are_let_go_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    requests = Requests()
    add(requests)
    # Room for the heads of seven requests and 100 bytes.
    monkeypatch.setattr(record, "MOST_BYTES", 7 * requests._heads + 100)
    requests.clear()
    for size in (140, 60, 0, 1, 99, 400, 30):
        add(requests, body=b"1" * size)
    assert [None if one.body is None else len(one.body) for one in requests] == [None, None, 0, None, None, None, 30]
    with pytest.raises(ValueError, match="let go"):
        _ = requests[0].json
    requests.clear()
    add(requests, body=b"1" * 100)
    assert requests.last.json == int("1" * 100)


@pytest.mark.parametrize("where", ["path", "query", "headers", "method"])
def test_long_addresses_and_headers_are_not_kept_for_ever(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_BYTES", 100_000)
    requests = Requests()
    for number in range(50):
        long = str(number) + "a" * 9_000
        add(requests, body=b"small")
        requests.add(
            Request(
                long if where == "method" else "GET",
                {"path": f"/{long}", "query": f"/ws/v1?x={long}"}.get(where, "/ws/v1"),
                {"x-junk": long} if where == "headers" else {},
            ),
            f"/{long}" if where == "path" else "/ws/v1",
            200,
        )
    kept = sum(len(one.method) + len(one.path) + len(one._query) + len(str(one.headers)) for one in requests)
    assert 9_000 < kept < 100_000
    # Those that are kept are whole.
    assert {one.body for one in requests} == {b"small", b""}
    add(requests, "/" + "a" * 200_000)
    assert len(requests) == 1


def test_none_need_be_kept() -> None:
    with pytest.raises(ValueError, match="0 or more"):
        Requests(-1)
    with Simulator(devices=1, kept_requests=0) as simulator:
        assert Api(simulator).get(DEVICES).status == 200
        assert list(simulator.requests) == []
    with Simulator(devices=1, kept_requests=2) as simulator:
        assert [Api(simulator).get(DEVICES).status for _ in range(3)] == [200] * 3
        assert len(simulator.requests) == 2
