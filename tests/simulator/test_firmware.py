from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.support import DEVICES, NOW, Api, device_id

UPDATES = "/ws/v1/firmware_updates"
MODEL = "/ws/v1/firmware/inventory/FE080003/ConnectCore 6"


def update(api: Api, *devices: str, **what: Any) -> Any:
    return api("POST", f"{UPDATES}/inventory", {"targets": {"devices": list(devices)}, **(what or {"version": "23.1"})})


@pytest.fixture
def online(api: Api) -> str:
    return api.ids(query="connection_status = 'connected'")[0]


@pytest.fixture
def offline(simulator: Simulator, api: Api) -> str:
    found = api.ids(query="connection_status = 'disconnected'")[0]
    simulator.devices.disconnect(found)
    return found


def test_an_update_becomes_successful(simulator: Simulator, api: Api, online: str) -> None:
    made = update(api, online)
    active = {
        "customer_id": 7493,
        "device_id": online,
        "id": 1,
        "start_time": "2022-07-15T12:00:00.000Z",
        "status": "active",
        "version": "23.1",
    }
    assert (made.status, made.body) == (201, {"count": 1, "list": [active]})
    assert api.get(f"{UPDATES}/inventory/{online}").body == active
    assert api.get(f"{UPDATES}/inventory", query="status = 'active'").body["list"] == [active]
    simulator.clock.advance(minutes=10)
    ended = {**active, "end_time": "2022-07-15T12:05:42.000Z", "status": "successful"}
    assert api.get(f"{UPDATES}/inventory/{online}").body == ended
    assert api.get(f"{DEVICES}/{online}").body["firmware_version"] == "23.1"


def test_an_unreachable_device_fails_as_recorded(simulator: Simulator, api: Api, offline: str) -> None:
    before = api.get(f"{DEVICES}/{offline}").body.get("firmware_version")
    update(api, offline, version="17.4.1.7")
    simulator.clock.advance(minutes=10)
    assert api.get(f"{UPDATES}/inventory/{offline}").body == {
        "customer_id": 7493,
        "device_id": offline,
        "end_time": "2022-07-15T12:04:13.950Z",
        "error_message": "Device Not Connected",
        "id": 1,
        "start_time": "2022-07-15T12:00:00.000Z",
        "status": "failed",
        "version": "17.4.1.7",
    }
    assert api.get(f"{DEVICES}/{offline}").body.get("firmware_version") == before


def test_progress_is_reported_as_recorded(simulator: Simulator, api: Api, online: str) -> None:
    update(api, online)
    simulator.clock.advance(seconds=19)
    assert api.get(f"{UPDATES}/progress/{online}").body == {
        "customer_id": 7493,
        "device_id": online,
        "id": 1,
        "progress": [
            {"message": "Getting Target Info", "status": 0, "time": "2022-07-15T12:00:00.000Z"},
            {"message": "Sending Download Request", "status": 0, "time": "2022-07-15T12:00:01.000Z"},
            {
                "message": "Sending Data: 23552 out of 461657 bytes sent",
                "status": 5,
                "time": "2022-07-15T12:00:02.000Z",
            },
            {
                "message": "Sending Data: 47104 out of 461657 bytes sent",
                "status": 10,
                "time": "2022-07-15T12:00:19.000Z",
            },
        ],
    }
    simulator.clock.advance(hours=1)
    whole = api.get(f"{UPDATES}/progress/{online}").body["progress"]
    assert whole[-1]["message"] == "Sending Data: 461657 out of 461657 bytes sent"
    assert [item["status"] for item in whole[2:]] == list(range(5, 101, 5))
    assert whole[-1]["time"] <= api.get(f"{UPDATES}/inventory/{online}").body["end_time"]


def test_progress_of_a_failure_ends_with_its_reason(simulator: Simulator, api: Api, offline: str) -> None:
    update(api, offline)
    assert len(api.get(f"{UPDATES}/progress/{offline}").body["progress"]) == 1
    simulator.clock.advance(hours=1)
    progress = api.get(f"{UPDATES}/progress/{offline}").body["progress"]
    assert [item["message"] for item in progress] == ["Getting Target Info", "Device Not Connected"]


def test_how_an_update_will_end_is_not_told_before(simulator: Simulator, api: Api, offline: str) -> None:
    update(api, offline)
    shown = [api.get(f"{UPDATES}/inventory/{offline}").body, api.get("/ws/v1/jobs/inventory").body["list"][0]]
    assert "fail" not in str(shown).lower()
    assert "Not Connected" not in str(shown)
    simulator.clock.advance(hours=1)
    assert api.get(f"{UPDATES}/inventory/{offline}").body["error_message"] == "Device Not Connected"


def test_a_device_has_one_active_update(simulator: Simulator, api: Api, online: str, offline: str) -> None:
    update(api, online)
    assert update(api, online).status == 400
    mixed = update(api, online, offline)
    assert mixed.status == 207
    assert mixed.body["list"][0] == {
        "error_context": {"device_id": online},
        "error_message": "An update of this device is active",
        "error_status": 400,
    }
    assert (mixed.body["list"][1]["device_id"], mixed.body["list"][1]["id"]) == (offline, 2)
    simulator.clock.advance(hours=1)
    assert update(api, online, file="~/image.bin").body["list"][0]["file"] == "~/image.bin"


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {},
        {"version": "1"},
        {"targets": [], "version": "1"},
        {"targets": {"devices": []}, "version": "1"},
        {"targets": {"devices": [1]}, "version": "1"},
        {"targets": {"devices": [device_id(1)]}, "version": "1"},
        {"targets": {"devices": ["ONLINE"]}},
        {"targets": {"devices": ["ONLINE"]}, "version": 7},
        {"targets": {"devices": ["ONLINE"]}, "version": ""},
        {"targets": {"devices": ["ONLINE"]}, "version": "1", "file": "2"},
    ],
)
def test_what_is_no_update_is_refused(api: Api, online: str, body: Any) -> None:
    if isinstance(body, dict) and body.get("targets") == {"devices": ["ONLINE"]}:
        body = {**body, "targets": {"devices": [online]}}
    found = api("POST", f"{UPDATES}/inventory", body)
    assert (found.status, found.body["error_status"]) == (400, 400)
    assert api.get("/ws/v1/jobs/inventory").body["count"] == 0


def test_cancel_one_device_of_a_job(simulator: Simulator, api: Api, online: str, offline: str) -> None:
    update(api, online, offline)
    simulator.clock.advance(seconds=30)
    found = api("POST", f"{UPDATES}/cancel/{online}")
    assert (found.status, found.body["status"], found.body["end_time"][14:19]) == (200, "canceled", "00:30")
    assert api("POST", f"{UPDATES}/cancel/{online}").status == 400
    assert api("POST", f"{UPDATES}/cancel/{device_id(1)}").status == 404
    assert len(api.get(f"{UPDATES}/progress/{online}").body["progress"]) == 4
    simulator.clock.advance(hours=1)
    assert api.get(f"{UPDATES}/inventory/{offline}").body["status"] == "failed"
    assert api.get("/ws/v1/jobs/1").body["job_status"] == "canceled"
    assert api.get(f"{DEVICES}/{online}").body["firmware_version"] != "23.1"


def test_history(simulator: Simulator, api: Api, online: str) -> None:
    for version in ("23.1", "23.2", "23.3"):
        update(api, online, version=version)
        simulator.clock.advance(hours=1)
    path = f"{UPDATES}/history/{online}"
    assert [item["version"] for item in api.get(path).body["list"]] == ["23.3", "23.2", "23.1"]
    page = api.get(path, size=2).body
    assert [item["version"] for item in api.get(path, size=2, cursor=page["cursor"]).body["list"]] == ["23.1"]
    assert api.get(f"{UPDATES}/inventory").body["count"] == 1
    update(api, online, version="23.4")
    assert api("DELETE", path).status == 204
    assert [item["version"] for item in api.get(path).body["list"]] == ["23.4"]
    simulator.clock.advance(hours=1)
    assert api("DELETE", path).status == 204
    assert api.get(path).body["list"] == []
    assert api.get(f"{UPDATES}/inventory/{online}").status == 404
    assert api.get(f"{UPDATES}/history/{device_id(1)}").status == 404


@pytest.fixture
def later() -> Iterator[Api]:
    with closing(Simulator("docs-2023", devices=3, clock=Clock(NOW, speed=0))) as simulator:
        yield Api(simulator)


def test_firmware_is_kept_by_version(later: Api) -> None:
    image = bytes(range(256))
    path = MODEL.replace(" ", "%20")
    made = later("POST", path, image, firmware_version="1.0", production="true", filename="image.bin")
    assert (made.status, made.body) == (
        200,
        {
            "customer_id": 7493,
            "deprecated": False,
            "file_size": 256,
            "filename": "image.bin",
            "firmware_version": "1.0",
            "id": 1,
            "production": True,
            "sha3_512": hashlib.sha3_512(image).hexdigest(),
            "sha_512": hashlib.sha512(image).hexdigest(),
            "type": "ConnectCore 6",
            "update_time": "2022-07-15T12:00:00.000Z",
            "vendor_id": 0xFE080003,
        },
    )
    assert later("POST", path, image, firmware_version="1.0").status == 400
    assert later("POST", path, b"", firmware_version="1.1").status == 400
    assert later("POST", path, image).status == 400
    assert later("POST", path, image, firmware_version="1.1").status == 200
    assert [item["firmware_version"] for item in later.get(path).body["list"]] == ["1.0", "1.1"]
    found = later.get("/ws/v1/firmware/inventory", query="vendor_id = 0xFE080003 and production = true")
    assert found.body["list"] == [made.body]
    assert later.get("/ws/v1/firmware/inventory/FE080003/Other").body["list"] == []
    assert later.get("/ws/v1/firmware/inventory/0xFE/Other").status == 400
    assert later("DELETE", path).status == 400
    assert later("DELETE", path, firmware_version="1.0").status == 204
    assert later("DELETE", path, firmware_version="1.0").status == 404
