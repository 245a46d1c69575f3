from __future__ import annotations

import pytest

from digirm_runtime.wire import Request
from digirm_simulator import Simulator, record
from digirm_simulator.record import Requests
from tests.simulator.support import DEVICES, Api, device_id


def add(requests: Requests, path: str = "/ws/v1", body: bytes = b"", method: str = "GET") -> None:
    requests.add(Request(method, path, {}, body), path.partition("?")[0], 200)


def test_what_was_asked_can_be_looked_at(simulator: Simulator, api: Api) -> None:
    api.get(DEVICES, query="name = 'a b'", size=3)
    api("POST", DEVICES, {"id": device_id(7)})
    api.get("/ws/v1/nonsense")
    first, second, third = simulator.requests
    assert (first.method, first.path, first.status) == ("GET", DEVICES, 200)
    assert first.params == {"query": "name = 'a b'", "size": "3"}
    assert second.json == {"id": device_id(7)}
    assert third is simulator.requests.last is simulator.requests[-1]
    assert simulator.requests[:2] == [first, second]
    assert third.status == 404
    assert len(simulator.requests) == 3
    simulator.requests.clear()
    assert not simulator.requests
    with pytest.raises(IndexError):
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
    secret = {"x-api-key-id": "k", "x-api-key-secret": "hidden", "accept": "x"}
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
    assert requests._bytes == sum(len(one.body or b"") for one in requests)


def test_large_bodies_are_let_go_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "MOST_BODIES", 100)
    requests = Requests()
    for size in (40, 60, 0, 1, 99, 200, 30):
        add(requests, body=b"1" * size)
    assert [None if one.body is None else len(one.body) for one in requests] == [None, None, 0, None, None, None, 30]
    with pytest.raises(ValueError, match="let go"):
        _ = requests[0].json
    requests.clear()
    add(requests, body=b"1" * 100)
    assert requests.last.json == int("1" * 100)
