from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from digirm_simulator import Simulator
from tests.simulator.support import DEVICES, Api, device_id

CONFIGS = "/ws/v1/configs/inventory"
HEALTH = "/ws/v1/health_configs/inventory"
VENDOR = 4261412874


def config(api: Api, *groups: str, **more: Any) -> Any:
    return api("POST", CONFIGS, {"name": "c", "type": "Digi EX50", "vendor_id": VENDOR, "groups": list(groups), **more})


def test_definitions(simulator: Simulator, api: Api) -> None:
    made = config(api, "Top", created="never")
    assert (made.status, made.body) == (
        201,
        {
            "created": "2022-07-15T12:00:00.000Z",
            "customer_id": 7493,
            "groups": ["Top"],
            "id": 1,
            "last_update": "2022-07-15T12:00:00.000Z",
            "name": "c",
            "type": "Digi EX50",
            "vendor_id": VENDOR,
        },
    )
    simulator.clock.advance(hours=1)
    changed = api("PUT", f"{CONFIGS}/1", {"enabled": True, "created": None})
    assert changed.body == {**made.body, "enabled": True, "last_update": "2022-07-15T13:00:00.000Z"}
    wrongs: tuple[Any, ...] = ({"enabled": 1}, {"groups": "Top"}, {"groups": [1]}, [])
    for wrong in wrongs:
        assert api("PUT", f"{CONFIGS}/1", wrong).status == 400


def test_a_group_has_one_enabled_config_for_a_type_and_vendor(api: Api) -> None:
    assert config(api, "Top", "Other", enabled=True).status == 201
    assert config(api, "/top", enabled=True).status == 400
    assert config(api, "Top").status == 201
    assert config(api, "Top", enabled=True, type="Digi IX14").status == 201
    assert config(api, "Top", enabled=True, vendor_id=1).status == 201
    assert config(api, "Top/Below", enabled=True).status == 201
    assert api("PUT", f"{CONFIGS}/2", {"enabled": True}).status == 400
    assert api("PUT", f"{CONFIGS}/1", {"enabled": True, "name": "same"}).status == 200
    api("PUT", f"{CONFIGS}/1", {"enabled": False})
    assert api("PUT", f"{CONFIGS}/2", {"enabled": True}).status == 200


def test_lists_by_group_and_query(api: Api) -> None:
    for name, groups in (("a", ["One"]), ("b", ["One", "Two"]), ("c", ["Two"])):
        config(api, *groups, name=name)

    def names(**params: str | int) -> list[str]:
        return [item["name"] for item in api.get(CONFIGS, **params).body["list"]]

    assert names() == ["a", "b", "c"]
    assert names(group="/one") == ["a", "b"]
    assert names(group="One", query="name <> 'a'") == ["b"]
    assert names(query="groups = 'Two'") == ["b", "c"]
    assert names(group="Three") == []
    page = api.get(CONFIGS, group="Two", size=1).body
    assert names(group="Two", size=1, cursor=page["cursor"]) == ["c"]


def test_settings_are_replaced_as_a_tree(api: Api) -> None:
    config(api, "Top")
    path = f"{CONFIGS}/1/settings"
    assert api.get(path).body == {}
    tree = {"system": {"name": "x", "ntp": [1, 2]}}
    assert api("PUT", path, tree).body == tree
    assert api("PUT", path, {"auth": {}}).status == 200
    assert api.get(path).body == {"auth": {}}
    assert api("PUT", path, [1]).status == 400
    assert api("DELETE", path).status == 204
    assert api.get(path).body == {}
    for method in ("GET", "PUT", "DELETE"):
        assert api(method, f"{CONFIGS}/9/settings", {}).status == 404


def test_settings_of_devices(simulator: Simulator, api: Api) -> None:
    first, second = api.ids(size=2)
    simulator.devices.update(first, name="First, of all")
    config(api, "Top")
    path = f"{CONFIGS}/1/settings/device"
    assert api("PUT", path, {"a": 1}, device_id=second).body == {"a": 1}
    assert api("PUT", path, {"b": 2}, device_name="First, of all").status == 200
    assert api.get(path, device_id=first.lower()).body == {"b": 2}
    assert api.get(f"{CONFIGS}/1/settings").body == {}
    assert {item["device_id"]: item["settings"] for item in api.get(path).body["list"]} == {
        first: {"b": 2},
        second: {"a": 1},
    }
    rows = {row["device_id"]: row for row in csv.DictReader(io.StringIO(api.get(f"{path}/bulk").body))}
    assert (rows[first]["device_name"], rows[first]["settings"]) == ("First, of all", '{"b":2}')
    assert api("POST", f"{path}/bulk", {}).status == 403
    assert api("PUT", path, {}).status == 400
    assert api.get(path, device_id=device_id(1)).status == 404
    assert api.get(path, device_name="nobody").status == 404
    simulator.devices.update(second, name="First, of all")
    assert api.get(path, device_name="first, of all").status == 400
    assert api("DELETE", path, device_id=first).status == 204
    assert [item["device_id"] for item in api.get(path).body["list"]] == [second]
    assert api("DELETE", path).status == 204
    assert api.get(path).body == {"count": 0, "list": []}


def test_settings_go_with_their_config(api: Api) -> None:
    config(api, "Top")
    api("PUT", f"{CONFIGS}/1/settings", {"a": 1})
    assert api("DELETE", f"{CONFIGS}/1").status == 204
    simulator = api.simulator
    simulator.put(CONFIGS, {"id": 1})
    assert api.get(f"{CONFIGS}/1/settings").body == {}


def test_compliance_is_what_the_devices_say(simulator: Simulator, api: Api) -> None:
    kind: dict[str, Any] = {"type": "Digi EX50", "vendor_id": VENDOR}
    for compliant, group in (("yes", "Top"), ("yes", "Top/Below"), ("no", "Top"), (None, "Top"), ("yes", "Elsewhere")):
        device = simulator.devices.add(group=group, compliant=compliant, **kind)
    simulator.devices.add(group="Top", compliant="yes", type="Digi IX14", vendor_id=VENDOR)
    config(api, "Top", enabled=True, name="on")
    config(api, "Elsewhere", name="off")
    found = api.get("/ws/v1/configs/compliance").body["list"]
    assert [(item["name"], item["compliant"], item["noncompliant"], item["unknown"]) for item in found] == [
        ("on", 2, 1, 1),
        ("off", 0, 0, 0),
    ]
    assert api.get("/ws/v1/configs/compliance", group="Elsewhere", query="name = 'on'").body["count"] == 0
    assert api.get("/ws/v1/configs/compliance", query="nmae = 'on'").status == 400
    one = api.get(f"/ws/v1/configs/compliance/{device['id']}").body
    assert (one["compliant"], one["configs"], one["device_id"]) == ("yes", [], device["id"])
    simulator.devices.update(device["id"], group="Top")
    assert api.get(f"/ws/v1/configs/compliance/{device['id']}").body["configs"] == [1]
    assert api.get(f"/ws/v1/configs/compliance/{device_id(1)}").status == 404
    assert api.get(f"{DEVICES}/{device['id']}").status == 200


def test_health_configs_are_made_changed_and_replaced(simulator: Simulator, api: Api) -> None:
    key = "FE00000A/DIGI TX64"
    path = f"{HEALTH}/{key.replace(' ', '%20')}"
    made = api("PUT", path, {"enabled": True, "rules": [{"categories": ["cellular"]}]})
    expected = {
        "customer_id": 7493,
        "enabled": True,
        "id": key,
        "last_modified": "2022-07-15T12:00:00.000Z",
        "rules": [{"categories": ["cellular"]}],
    }
    assert (made.status, made.body) == (200, expected)
    simulator.clock.advance(minutes=1)
    changed = {**expected, "enabled": False, "last_modified": "2022-07-15T12:01:00.000Z"}
    assert api("PUT", path, {"enabled": False}).body == changed
    assert api.get(HEALTH).body["list"] == [changed]
    replaced = {name: value for name, value in changed.items() if name != "rules"} | {"enabled": True}
    assert api("PUT", path, {"enabled": True}, replace="Yes").body == replaced
    assert api.get(path).body == replaced
    assert api("DELETE", path).status == 204
    assert api.get(path).status == 404


@pytest.mark.parametrize(
    ("name", "body", "params"),
    [
        ("nonsense", {}, {}),
        ("fe00000a/DIGI", {}, {}),
        ("FE00000A/DIGI", [], {}),
        ("FE00000A/DIGI", {"id": "other"}, {}),
        ("FE00000A/DIGI", {"enabled": "on"}, {}),
        ("FE00000A/DIGI", {"rules": {}}, {}),
        ("FE00000A/DIGI", {"rules": [1]}, {}),
        ("FE00000A/DIGI", {}, {"replace": "maybe"}),
    ],
)
def test_what_is_no_health_config_is_refused(api: Api, name: str, body: Any, params: dict[str, str]) -> None:
    assert api("PUT", f"{HEALTH}/{name}", body, **params).status == 400
    assert api.get(HEALTH).body["count"] == 0
