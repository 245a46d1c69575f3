"""The later list of categories: what it adds, what it leaves out, and that the rest is that of 22.7."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from digirm_simulator import Clock, Simulator, contract_files
from tests.simulator.support import NOW, Api

CONFIGS = "/ws/v1/notification_configs/inventory"
ADDED = {"api_keys", "firmware", "notification_configs", "security_policies"}


@pytest.fixture
def later() -> Iterator[Api]:
    with closing(Simulator("docs-2023", devices=3, clock=Clock(NOW, speed=0))) as simulator:
        yield Api(simulator)


def test_categories(later: Api) -> None:
    base, new = contract_files.builtin("22.7"), contract_files.builtin("docs-2023")
    assert new.categories.keys() == (base.categories.keys() - {"network_interfaces"}) | ADDED
    assert {name: new.document(name) for name in base.categories if name in new.categories} == {
        name: document for name, document in base.documents().items() if name in new.categories
    }
    paths = [item["path"] for item in later.get("/ws/v1").body["list"]]
    assert paths == sorted(paths)
    assert len(paths) == 25
    assert later.get("/ws/v1/network_interfaces").status == 404


def test_nothing_is_surer_than_its_source() -> None:
    new = contract_files.builtin("docs-2023")
    for name in ADDED:
        for path in new.categories[name].paths:
            assert path.certainty != "recorded"
            for request in path.requests.values():
                assert request.certainty != "recorded"
                assert all(request.field_certainty(field) == "inferred" for field in request.query)
            if "web-apps" in path.source or "MCP" in path.source:
                assert path.certainty == "inferred"


def test_only_the_name_of_security_policies_is_known(later: Api) -> None:
    found = later.get("/ws/v1/security_policies").body
    assert [item["path"] for item in found["list"]] == ["/ws/v1/security_policies"]


def test_api_keys_are_listed(later: Api) -> None:
    path = "/ws/v1/api_keys/inventory"
    assert later.get(path).body["list"] == []
    key = {"id": "0f" * 16, "customer_id": 7493, "username": "sim", "description": "CI"}
    later.simulator.put(path, key)
    assert later.get(path, query="username = 'sim'").body["list"] == [key]
    assert later.get(f"{path}/{key['id']}").body == key
    assert later("POST", path, {}).status == 405


def test_notification_configs_have_the_documented_defaults(later: Api) -> None:
    made = later("POST", CONFIGS, {"name": "Send to team", "id": 7, "customer_id": 2})
    assert (made.status, made.body) == (
        201,
        {
            "alerts": [],
            "at_time": "00:00:00",
            "customer_id": 7493,
            "daily_summary": False,
            "each_alert": False,
            "enabled": False,
            "groups": [],
            "id": 1,
            "name": "Send to team",
            "recipients": [],
            "timezone": "UTC",
        },
    )
    changed = later("PUT", f"{CONFIGS}/1", {"enabled": True, "at_time": "11:00:00", "recipients": ["a@example.com"]})
    assert changed.body == {**made.body, "enabled": True, "at_time": "11:00:00", "recipients": ["a@example.com"]}
    assert later("PUT", f"{CONFIGS}/1", {"recipients": None}).body["recipients"] == []
    assert later.get(CONFIGS, query="enabled = true and name contains 'team'").body["count"] == 1
    assert later("DELETE", f"{CONFIGS}/1").status == 204
    again = later("POST", CONFIGS, {"name": "other"}).body
    assert again == {**made.body, "id": again["id"], "name": "other"}


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": None},
        {"name": " "},
        {"name": 7},
        {"enabled": "yes"},
        {"recipients": "a@example.com"},
        {"groups": [1]},
        {"at_time": "25:00:00"},
        {"at_time": "11:00"},
        {"timezone": 1},
    ],
)
def test_what_is_no_notification_config_is_refused(later: Api, wrong: dict[str, Any]) -> None:
    assert later("POST", CONFIGS, {"name": "x", **wrong}).status == 400
    later("POST", CONFIGS, {"name": "x"})
    [number] = [item["id"] for item in later.get(CONFIGS).body["list"]]
    assert later("PUT", f"{CONFIGS}/{number}", wrong).status == 400


def test_a_notification_config_needs_a_name(later: Api) -> None:
    assert later("POST", CONFIGS, {}).status == 400
