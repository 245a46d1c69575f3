from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_simulator import Account, Simulator, StoreError, contract, contract_files
from digirm_simulator.access import Accounts, User
from digirm_simulator.replies import Problem
from tests.simulator.support import DEVICES, Api, device_id


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


@pytest.mark.parametrize(
    ("configured", "headers", "status"),
    [
        ({"api_keys": {"k": "s"}}, KEY, 200),
        ({"api_keys": {"k": "s"}}, basic("any:thing"), 401),
        ({"users": {"fred": "pw"}}, basic("fred:pw"), 200),
        ({"users": {"fred": "pw"}}, KEY, 401),
    ],
)
def test_where_one_kind_is_configured_no_other_will_do(
    configured: dict[str, Any], headers: dict[str, str], status: int
) -> None:
    with Simulator(devices=0, **configured) as simulator:
        assert Api(simulator, headers).get("/ws/v1").status == status


READS = [("GET", DEVICES), ("HEAD", DEVICES), ("GET", "/ws/v1")]
WRITES = [
    ("POST", DEVICES),
    ("PUT", f"{DEVICES}/{device_id(1)}"),
    ("DELETE", f"{DEVICES}/{device_id(1)}"),
]


@pytest.mark.parametrize("headers", [basic("reader:pw"), {"x-api-key-id": "rk", "x-api-key-secret": "s"}])
def test_a_read_only_role_may_read_and_nothing_else(headers: dict[str, str]) -> None:
    reader = Account("pw", "Read only application")
    simulator = Simulator(
        users={"reader": reader, "writer": "pw"}, api_keys={"rk": Account("s", "Read-only user")}, devices=3
    )
    before = Api(simulator, headers).get(DEVICES).body
    assert [Api(simulator, headers)(*call).status for call in READS] == [200] * 3
    for method, path in WRITES:
        found = Api(simulator, headers)(method, path, {"id": device_id(1)})
        assert (found.status, found.body["error_status"]) == (403, 403)
        assert "role" in found.body["error_message"]
    assert Api(simulator, headers).get(DEVICES).body == before
    assert Api(simulator, basic("writer:pw"))("POST", DEVICES, {"id": device_id(1)}).status == 201
    simulator.close()


@pytest.mark.parametrize(
    ("role", "may_write"),
    [
        ("Administrator", True),
        ("Application", True),
        ("Read only application", False),
        ("READ-ONLY USER", False),
        ("Custom read only user", False),
        ("Custom read-only user", False),
        ("User", True),
    ],
)
def test_roles(role: str, may_write: bool) -> None:
    assert User("fred", role).may_write is may_write


def test_passwords_are_not_shown() -> None:
    assert "hidden" not in repr(Account("hidden"))


@given(st.dictionaries(st.sampled_from(["authorization", "x-api-key-id", "x-api-key-secret"]), st.text(max_size=20)))
def test_no_header_is_taken_for_credentials_that_are_not_known(headers: dict[str, str]) -> None:
    with pytest.raises(Problem, match="redentials") as refused:
        Accounts({"a": "b" * 30}, {"c": "d" * 30}).check(headers)
    assert refused.value.status == 401


def test_a_data_file_keeps_the_state(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    first = Simulator(devices=5, data=file)
    Api(first)("POST", DEVICES, {"id": device_id(1), "name": "kept"})
    before = Api(first).get(DEVICES).body
    with pytest.raises(StoreError, match="locked"):
        Simulator(data=file)
    first.close()
    second = Simulator(devices=50, seed=9, data=file)
    assert Api(second).get(DEVICES).body == before
    assert Api(second).get(DEVICES, query="name = 'kept'").body["count"] == 1
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
    for category in contract_files.builtin("22.7").categories.values():
        paths = [path._replace(key=path.key and "name") for path in category.paths]
        categories.append(category._replace(paths=tuple(paths)))
    other = contract.Contract("22.7", categories)
    with pytest.raises(StoreError, match="made with another contract"):
        Simulator(contract=other, data=tmp_path / "state.db")
