from __future__ import annotations

import base64
import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from digirm_simulator import Simulator, StoreError, contract
from tests.simulator.support import DEVICES, NOW, Api, device_id


def basic(text: str) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(text.encode()).decode()}


NONE = [
    {},
    basic(""),
    basic("a"),
    basic(":b"),
    basic("a:"),
    {"authorization": "Basic ä"},
    {"authorization": "Bearer x"},
]
KEY = {"x-api-key-id": "k", "x-api-key-secret": "s"}


@pytest.mark.parametrize("headers", [*NONE, {"x-api-key-id": "k"}, {"x-api-key-secret": "s"}])
def test_some_credentials_there_must_be(simulator: Simulator, headers: dict[str, str]) -> None:
    found = Api(simulator, headers).get("/ws/v1")
    assert (found.status, found.body["error_status"]) == (401, 401)
    assert "basic" in found.headers["www-authenticate"].lower()


@pytest.mark.parametrize("headers", [basic("any:thing"), {"x-api-key-id": "k", "x-api-key-secret": "s"}])
def test_any_will_do_where_none_are_configured(simulator: Simulator, headers: dict[str, str]) -> None:
    assert Api(simulator, headers).get("/ws/v1").status == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (basic("fred:se:cret"), 200),
        (basic("fred:secret"), 401),
        (basic("wilma:se:cret"), 401),
        (basic("k:s"), 401),
        (KEY, 200),
        ({**KEY, "x-api-key-secret": "t"}, 401),
        ({"x-api-key-id": "fred", "x-api-key-secret": "se:cret"}, 401),
        ({"x-api-key-id": "k"}, 401),
    ],
)
def test_configured_credentials(headers: dict[str, str], status: int) -> None:
    simulator = Simulator(users={"fred": "se:cret"}, api_keys={"k": "s"}, devices=0)
    found = Api(simulator, headers).get("/ws/v1/users/inventory")
    assert found.status == status
    if status == 200:
        assert [item["username"] for item in found.body["list"]] == ["fred"]
    simulator.close()


def test_throttle_is_a_sliding_window() -> None:
    times = [NOW]
    simulator = Simulator(devices=0, throttle=[(3, 10), (4, 60)], clock=lambda: times[0])
    api = Api(simulator)

    def ask(seconds: float) -> int:
        times[0] = NOW + timedelta(seconds=seconds)
        return api.get("/ws/v1").status

    assert [ask(at) for at in (0, 1, 2, 3, 9.9)] == [200, 200, 200, 429, 429]
    assert [ask(at) for at in (10, 11, 59.9, 60, 60.5, 61)] == [200, 429, 429, 200, 429, 200]
    refused = api.get("/ws/v1")
    assert refused.body["error_status"] == 429
    assert "error_message" in refused.body
    simulator.close()


@pytest.mark.parametrize("window", [(0, 1), (1, 0), (-1, 5)])
def test_a_throttle_that_means_nothing_is_refused(window: tuple[int, float]) -> None:
    with pytest.raises(ValueError, match="throttle"):
        Simulator(throttle=[window])


def test_a_data_file_keeps_the_state(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    first = Simulator(devices=5, data=file)
    Api(first)("POST", DEVICES, {"id": device_id(1), "name": "kept"})
    before = Api(first).get(DEVICES).body
    # Not closed: what was answered is committed.
    second = Simulator(devices=50, seed=9, data=file)
    assert Api(second).get(DEVICES).body == before
    assert Api(second).get(DEVICES, query="name = 'kept'").body["count"] == 1
    first.close()
    second.close()


def test_data_files_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot use"):
        Simulator(data=tmp_path / "no" / "folder")
    (tmp_path / "text").write_text("not a database, but long enough to be looked at\n" * 50)
    with pytest.raises(StoreError, match="cannot use"):
        Simulator(data=tmp_path / "text")
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE mine (x)")
    other.commit()
    other.close()
    with pytest.raises(StoreError, match="not made by this simulator"):
        Simulator(data=tmp_path / "other.db")
    unfinished = sqlite3.connect(tmp_path / "half.db")
    unfinished.execute(f"PRAGMA application_id={0x64696769}")
    unfinished.close()
    with pytest.raises(StoreError, match="never finished"):
        Simulator(data=tmp_path / "half.db")


def test_a_data_file_of_another_contract_is_refused(tmp_path: Path) -> None:
    Simulator(devices=1, data=tmp_path / "state.db").close()
    categories = []
    for category in contract.builtin("22.7").categories.values():
        paths = [path._replace(key=path.key and "name") for path in category.paths]
        categories.append(category._replace(paths=tuple(paths)))
    other = contract.Contract("22.7", categories)
    with pytest.raises(StoreError, match="made with another contract"):
        Simulator(contract=other, data=tmp_path / "state.db")
