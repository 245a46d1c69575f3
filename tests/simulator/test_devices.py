from __future__ import annotations

import json

import pytest

from digirm_simulator import Simulator
from tests.simulator.support import DEVICES, NOW, Api, device_id
from tests.support.recordings import recorded


def test_post_answers_as_recorded(api: Api) -> None:
    expected = recorded("devices-inventory.post.json")
    found = api("POST", DEVICES, expected["sent"])
    body = expected["body"]
    body["list"][0]["customer_id"] = found.body["list"][0]["customer_id"]  # the account's own number
    assert (found.status, found.body) == (201, body)
    again = api.get(f"{DEVICES}/{body['list'][0]['id']}")
    assert (again.status, again.body) == (200, body["list"][0])


def test_secrets_never_come_back(api: Api) -> None:
    sent = [{"id": device_id(1), "install_code": "MYPASSW0RD"}, {"id": "no", "password": "MYPASSW0RD"}]
    found = api("POST", DEVICES, sent)
    assert found.status == 207
    assert "MYPASSW0RD" not in json.dumps(found.body) + json.dumps(api.get(DEVICES).body)
    assert "MYPASSW0RD" not in api.get("/ws/v1/devices/bulk").body


def test_mixed_post_reports_each_item(api: Api) -> None:
    sent = [{"id": device_id(1)}, {"id": "nonsense"}, {"id": device_id(1)}, {"id": device_id(2), "nmae": "x"}, 7]
    found = api("POST", DEVICES, sent)
    assert (found.status, found.body["count"]) == (207, 5)
    good, *bad = found.body["list"]
    assert good["id"] == device_id(1)
    assert [item["error_status"] for item in bad] == [400] * 4
    assert [item["error_context"] for item in bad] == sent[1:]
    assert "Unknown field 'nmae'" in bad[2]["error_message"]
    assert device_id(2) not in api.ids()


@pytest.mark.parametrize(
    "sent", [{"name": "no id"}, {"id": 7}, [], [{"id": "x"}], 1, "text", {"id": device_id(1), "tags": 1}]
)
def test_a_single_bad_post_is_a_400(api: Api, sent: object) -> None:
    before = api.ids()
    found = api("POST", DEVICES, sent)
    assert (found.status, found.body["error_status"]) == (400, 400)
    assert api.ids() == before


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"id": "\\ud800"}', b'{"id": "\\u0000"}', b"[" * 100_000, b"[NaN]"]
)
def test_a_body_that_is_no_json_is_a_400(api: Api, body: bytes) -> None:
    assert api("POST", DEVICES, body).status == 400


@pytest.mark.parametrize("depth", [150, 985, 1500])
def test_a_body_that_is_nested_too_deep_is_a_400(api: Api, depth: int) -> None:
    deep = b"[" * depth + b"]" * depth
    for path in (DEVICES, "/ws/v1/monitors/inventory"):
        for body in (b'{"id": "x", "type": %b}', b'[{"id": "x", "capabilities": %b}, 1]'):
            assert api("POST", path, body % deep).status == 400
    assert api("PUT", f"{DEVICES}/{api.ids()[0]}", b'{"notes": %b}' % deep).status == 400


def test_put_changes_the_keys_sent_and_no_other(api: Api) -> None:
    [first, *_] = api.get(DEVICES).body["list"]
    path = f"{DEVICES}/{first['id']}"
    changed = api("PUT", path, {"name": "Renamed", "description": None, "mac": "ignored", "add_tags": ["new"]})
    assert changed.status == 200
    expected = {**first, "name": "Renamed", "tags": [*first.get("tags", ()), "new"]}
    expected.pop("description", None)
    assert api.get(path).body == changed.body == expected
    assert api("PUT", path, {"remove_tags": expected["tags"]}).body.get("tags") is None
    assert api("PUT", path, first).body == {k: v for k, v in first.items() if k != "tags"} | (
        {"tags": first["tags"]} if "tags" in first else {}
    )
    assert api.ids(query="name = 'renamed'") == []


def test_put_refuses(api: Api) -> None:
    path = f"{DEVICES}/{api.ids()[0]}"
    assert api("PUT", path, {"id": device_id(9)}).status == 400
    assert api("PUT", path, {"nmae": "x"}).status == 400
    assert api("PUT", path, {"tags": "x"}).status == 400
    assert api("PUT", path, [1]).status == 400
    assert api("PUT", f"{DEVICES}/{device_id(9)}", {"name": "x"}).status == 404


def test_delete(api: Api) -> None:
    first, second, *rest = api.ids()
    gone = api("DELETE", f"{DEVICES}/{first}")
    assert (gone.status, gone.body) == (204, "")
    assert api("DELETE", f"{DEVICES}/{first}").status == 404
    assert api.get(f"{DEVICES}/{first}").status == 404
    assert api("DELETE", DEVICES).status == 400
    assert api.ids() == [second, *rest]
    name = api.get(f"{DEVICES}/{second}").body["name"]
    assert api("DELETE", DEVICES, name=name).status == 204
    assert api.ids() == rest


def test_new_groups_can_be_listed(api: Api) -> None:
    api("POST", DEVICES, {"id": device_id(1), "group": "/Alpha/Beta"})
    assert api.get(f"{DEVICES}/{device_id(1)}").body["group"] == "Alpha/Beta"
    found = api.get("/ws/v1/groups/inventory", query="path startsWith '/alpha'").body["list"]
    assert [item["path"] for item in found] == ["/Alpha", "/Alpha/Beta"]
    assert api.get(f"/ws/v1/groups/inventory/{found[0]['id']}").body == found[0]


def test_the_fleet_is_the_same_for_the_same_seed() -> None:
    def fleet(devices: int, seed: int) -> list[object]:
        simulator = Simulator(devices=devices, seed=seed, clock=lambda: NOW)
        found: list[object] = Api(simulator).get(DEVICES).body["list"]
        simulator.close()
        return found

    assert fleet(50, 3) == fleet(50, 3)
    assert fleet(50, 3)[:10] == fleet(10, 3)
    assert fleet(10, 3) != fleet(10, 4)
    assert fleet(0, 3) == []


def test_the_fleet_looks_like_the_recorded_devices(api: Api) -> None:
    device = recorded("devices-bulk.json")["device"]
    first = api.get(DEVICES).body["list"][0]
    assert device.keys() - first.keys() <= {"tags"}
    for item in api.get(DEVICES).body["list"]:
        digits = item["id"].replace("-", "")[16:]
        assert item["mac"].replace(":", "") == digits[:6] + digits[10:]
        assert None not in item.values()
        assert list(item) == sorted(item)
    assert len(set(api.ids())) == 40


def test_the_documented_queries_find_something(api: Api) -> None:
    query = "connection_status = 'connected' and last_update > -1d and ip startswith '10.20.1.'"
    found = api.get(DEVICES, query=query)
    assert found.body["count"] >= 2
    assert all(item["ip"].startswith("10.20.1.") for item in found.body["list"])
    assert len(api.ids(query="name = 'Fred''s Device'")) == 1
    both = api.ids(query="group = 'demoGroup'") + api.ids(query="not group = '/demoGroup'")
    assert sorted(both) == sorted(api.ids())


def test_filters_beside_query(api: Api) -> None:
    assert api.ids(group="Production", child_groups="true") == api.ids(
        query="group = 'Production' or group startsWith 'Production/'"
    )
    assert api.ids(group="Production") == api.ids(query="group = 'Production'")
    assert api.ids(tag="critical", type="Digi EX50") == api.ids(query="tags = 'critical' and type = 'Digi EX50'")
    assert api.get(DEVICES, group="x", child_groups="perhaps").status == 400


def test_reports_count_devices(api: Api) -> None:
    found = api.get("/ws/v1/reports/devices/connection_status", query="group = 'Production'").body
    connected = api.ids(query="group = 'Production' and connection_status = 'connected'")
    assert {item["value"]: item["count"] for item in found["list"]}["connected"] == len(connected)
    types = api.get("/ws/v1/reports/devices/vendor_id_and_type").body["list"]
    assert sum(item["count"] for item in types) == len(api.ids(query="vendor_id <> empty"))
    assert all(item["values"].keys() == {"type", "vendor_id"} for item in types)


def test_what_hangs_below_a_device(api: Api) -> None:
    device = api.get(DEVICES).body["list"][0]
    for name in ("channels", "management", "metrics"):
        assert api.get(device[f"{name}_uri"]).body == {"count": 0, "list": []}
        assert api.get(f"/ws/v1/devices/{name}/{device_id(77)}").status == 404
