from __future__ import annotations

import json
from datetime import timedelta

import pytest

from digirm_runtime.text import time_text
from digirm_simulator import Clock, Simulator
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
        simulator = Simulator(devices=devices, seed=seed, clock=Clock(NOW, speed=0))
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


def test_times_of_the_fleet_fit_together(simulator: Simulator) -> None:
    kinds = set()
    for device in simulator.devices:
        told = [device.get(f"last_{name}", "") for name in ("connect", "disconnect", "update")]
        status = device["connection_status"]
        kinds.add((status, "ip" in device))
        if "ip" not in device:
            assert told == ["", "", ""]
        elif status == "connected":
            assert told[1] < told[0] <= told[2] <= time_text(NOW)
            assert told[2] > time_text(NOW - timedelta(minutes=30))
        else:
            assert told[0] < told[2] < told[1] <= time_text(NOW)
    assert kinds == {("connected", True), ("disconnected", True), ("disconnected", False)}


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


def test_flags_are_read(api: Api) -> None:
    assert api("POST", DEVICES, {"id": device_id(1)}, bundle_device="perhaps").status == 400
    assert api("POST", DEVICES, {"id": device_id(1)}, bundle_device="true").status == 201
    path = f"{DEVICES}/{device_id(1)}"
    assert api("PUT", path, {"name": "x"}, update_only="true", allow_swap="false").body["name"] == "x"
    for name in ("update_only", "allow_swap"):
        assert api("PUT", path, {"name": "y"}, **{name: "7"}).status == 400
    assert api.get(path).body["name"] == "x"


@pytest.mark.parametrize("code", ["", "  ", 7, ["MYPASSW0RD"]])
def test_an_install_code_that_is_none_is_a_400(api: Api, code: object) -> None:
    found = api("POST", DEVICES, {"id": device_id(1), "install_code": code})
    assert (found.status, "install_code" in found.body["error_message"]) == (400, True)


def test_the_group_of_a_device_that_fails_does_not_come_to_be(api: Api) -> None:
    taken = api.ids()[0]
    sent = [{"id": device_id(1), "group": "Good"}, {"id": taken, "group": "Bad"}]
    assert api("POST", DEVICES, sent).status == 207
    paths = [group["path"] for group in api.get("/ws/v1/groups/inventory").body["list"]]
    assert "/Good" in paths
    assert "/Bad" not in paths


@pytest.mark.parametrize("name", ["tag", "type", "address", "name"])
def test_delete_by_filter(api: Api, name: str) -> None:
    kept = api.ids()
    sent = [
        {"id": device_id(1), "tags": ["a", "b"], "address": "Main St", "name": "Gone"},
        {"id": device_id(2), "tags": ["a"], "address": "main st", "name": "gone"},
    ]
    api("POST", DEVICES, sent)
    value = {"tag": "a", "type": " ", "address": "Main St", "name": "Gone"}[name]
    expected = api.ids(**{name: value})
    assert api("DELETE", DEVICES, **{name: value}).status == 204
    assert not {*expected, device_id(1)} & set(api.ids()) or name == "type"
    assert set(kept) - set(expected) <= set(api.ids())


def test_what_hangs_below_a_device(api: Api) -> None:
    devices = api.get(DEVICES).body["list"]
    cellular = next(device for device in devices if "signal_percent" in device)
    metrics = api.get(cellular["metrics_uri"]).body
    shown = {item["name"]: item["value"] for item in metrics["list"]}
    assert metrics["count"] == len(shown)
    assert shown == {name: cellular[name] for name in shown}
    assert shown.keys() == {"health_status", "signal_percent", "signal_quality", "signal_strength"}
    assert {item["timestamp"] for item in metrics["list"]} == {cellular["last_update"]}
    management = {item["name"]: item for item in api.get(cellular["management_uri"]).body["list"]}
    assert management["connection_status"]["value"] == cellular["connection_status"]
    latest = max(cellular["last_connect"], cellular["last_disconnect"])
    assert management["connection_status"]["timestamp"] == latest
    for uri in (cellular["metrics_uri"], cellular["management_uri"]):
        for item in api.get(uri).body["list"]:
            assert api.get(f"{uri}/{item['name']}").body == item
        assert api.get(f"{uri}/nonsense").status == 404
    for name in ("channels", "management", "metrics"):
        assert api.get(f"/ws/v1/devices/{name}/{device_id(77)}").status == 404
        assert api.get(f"/ws/v1/devices/{name}/{device_id(77)}/signal_percent").status == 404


def test_the_channels_of_a_device_are_its_data_streams(api: Api) -> None:
    api("POST", DEVICES, {"id": device_id(1)})
    path = f"/ws/v1/devices/channels/{device_id(1)}"
    assert api.get(path).body == {"count": 0, "list": []}
    for name in ("pump/pressure", "metrics/signal"):
        assert api("POST", "/ws/v1/streams/inventory", {"id": f"{device_id(1)}/{name}", "type": "DOUBLE"}).status == 201
    [item] = api.get(path).body["list"]
    assert (item["device_id"], item["name"]) == (device_id(1), "pump/pressure")
    assert item["stream_id"] == f"{device_id(1)}/pump/pressure"
    assert api.get(f"{path}/pump%2Fpressure").body == item


def test_types_are_those_of_the_devices(api: Api) -> None:
    found = api.get("/ws/v1/devices/types").body
    expected = {(device["vendor_id"], device["type"]) for device in api.get(DEVICES).body["list"] if "ip" in device}
    assert {(item["vendor_id"], item["type"]) for item in found["list"]} == expected
    assert found["count"] == len(expected)


def test_devices_of_a_configuration(api: Api) -> None:
    sent = {"name": "c", "groups": ["/Production"], "type": "Digi EX50", "vendor_id": 4261412874, "enabled": False}
    made = api("POST", "/ws/v1/configs/inventory", sent)
    assert made.status == 201, made.body
    path = f"{DEVICES}/config/{made.body['id']}"
    for number in range(3):
        key = device_id(number)
        device = {"id": key, "group": "Production", "type": "Digi EX50", "vendor_id": 4261412874, "name": f"n{number}"}
        api.simulator.put(DEVICES, device)
    api.simulator.put(DEVICES, {"id": device_id(3), "group": "Production/Region1", "type": "Digi EX50"})
    expected = api.ids(query="group = 'Production' and type = 'Digi EX50' and vendor_id = 4261412874")
    found = api.get(path)
    assert sorted(item["id"] for item in found.body["list"]) == sorted(expected)
    assert {device_id(0), device_id(1), device_id(2)} <= set(expected)
    first = api.get(path, size=1, query="name startsWith 'n'", orderby="name desc").body
    assert [item["id"] for item in first["list"]] == [device_id(2)]
    after = api.get(path, size=1, query="name startsWith 'n'", orderby="name desc", cursor=first["cursor"]).body
    assert [item["id"] for item in after["list"]] == [device_id(1)]
    assert api.get(f"{DEVICES}/config/777").status == 404


BULK = "/ws/v1/devices/bulk"


def test_upload_provisions_a_device_per_row(api: Api) -> None:
    body = (
        "id,name,group,tags,install_code,geoposition\r\n"
        f'{device_id(1)},"Fred\'s, 1st",Alpha/Beta,"a, b",MYPASSW0RD,"44.5, -92.25"\r\n'
        f"{device_id(2).lower()},,,,,\r\n"
    )
    found = api("POST", BULK, body.encode())
    assert (found.status, found.body["count"]) == (201, 2)
    first, second = found.body["list"]
    assert (first["name"], first["group"], first["tags"]) == ("Fred's, 1st", "Alpha/Beta", ["a", "b"])
    assert first["geoposition"] == {"coordinates": [-92.25, 44.5], "type": "Point"}
    assert (second["id"], "name" in second) == (device_id(2), False)
    assert "MYPASSW0RD" not in json.dumps(found.body)
    assert api.get(f"{DEVICES}/{device_id(1)}").body == first
    assert [g["path"] for g in api.get("/ws/v1/groups/inventory", query="path startsWith '/Alpha'").body["list"]] == [
        "/Alpha",
        "/Alpha/Beta",
    ]


def test_upload_reports_each_row(api: Api) -> None:
    body = f"\ufeffid,name,password\n{device_id(1)},one,x\n{device_id(1)},two,SECRET\nnonsense,three,SECRET\n"
    found = api("POST", BULK, body.encode())
    assert (found.status, found.body["count"]) == (207, 3)
    good, *bad = found.body["list"]
    assert good["name"] == "one"
    assert [item["error_status"] for item in bad] == [400, 400]
    assert [item["error_context"] for item in bad] == [
        {"id": device_id(1), "name": "two"},
        {"id": "nonsense", "name": "three"},
    ]
    assert api("POST", BULK, f"id,name\n{device_id(1)},again\n".encode(), update="true").status == 200
    assert api.get(f"{DEVICES}/{device_id(1)}").body["name"] == "again"
    both = f"id,name\n{device_id(1)},again\n{device_id(2)},new\n".encode()
    assert api("POST", BULK, both, update="true").status == 201


def test_what_a_bulk_get_answers_can_be_sent_back(api: Api) -> None:
    before = api.get(DEVICES).body["list"]
    text = api.get(BULK).body
    found = api("POST", BULK, text.encode(), update="true")
    assert found.status == 200
    assert api.get(DEVICES).body["list"] == before == found.body["list"]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "\n\n",
        "id",
        "name\nx",
        "id,nmae\nx,y",
        "id,id\nx,y",
        "id,name\nx",
        'id\n"x',
        "id\n\0",
        "id,geoposition\nx,here",
        'id,geoposition\nx,"nan, 1"',
        "id\n" + "x\n" * 10_001,
        "id,name\nx," + "y" * 200_000,
    ],
)
def test_an_upload_that_is_no_such_file_is_a_400(api: Api, body: str) -> None:
    before = api.get(DEVICES).body
    found = api("POST", BULK, body.encode())
    assert (found.status, found.body["error_status"]) == (400, 400)
    assert api.get(DEVICES).body == before
    assert api("POST", BULK, b"id\n\xff").status == 400
    assert api("POST", BULK, f"id\n{device_id(1)}".encode(), update="perhaps").status == 400
