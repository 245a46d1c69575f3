from __future__ import annotations

import json
from typing import Any

import pytest

from digirm_simulator import Simulator
from tests.simulator.support import DEVICES, Api

MONITORS = "/ws/v1/monitors/inventory"


def monitor(api: Api, *topics: str, **more: Any) -> int:
    found = api("POST", MONITORS, {"type": "polling", "persistent": True, "topics": list(topics), **more})
    assert found.status == 201, found.body
    return int(found.body["id"])


def events(api: Api, number: int, **params: str | int) -> list[dict[str, Any]]:
    found = api.get(f"/ws/v1/monitors/history/{number}", **params)
    assert found.status == 200, found.body
    listed: list[dict[str, Any]] = found.body["list"]
    return listed


def shapes(api: Api, number: int) -> list[tuple[str, str]]:
    return [(event["operation"], event["topic"]) for event in events(api, number)]


@pytest.fixture
def device(simulator: Simulator, api: Api) -> str:
    found = api.ids(query="connection_status = 'connected'")[0]
    simulator.devices.connect(found)
    return found


def test_definitions_have_defaults_and_keep_no_token(api: Api) -> None:
    sent = {"type": "http", "topics": ["devices"], "url": "https://example.com/", "auth_token": "s3cret"}
    made = api("POST", MONITORS, sent)
    assert (made.status, made.body) == (
        201,
        {
            "auth_token_set": True,
            "batch_duration": 10,
            "batch_size": 100,
            "compression": "none",
            "customer_id": 7493,
            "format": "json",
            "id": 1,
            "persistent": False,
            "status": "INACTIVE",
            "topics": ["devices"],
            "type": "http",
            "url": "https://example.com/",
        },
    )
    assert api("PUT", f"{MONITORS}/1", {"description": "d"}).body["auth_token_set"] is True
    assert api("PUT", f"{MONITORS}/1", {"auth_token": None}).body["auth_token_set"] is False
    assert "s3cret" not in json.dumps(api.get(MONITORS).body)
    assert api.get(MONITORS, query="status = 'inactive' and description startsWith 'D'").body["count"] == 1
    assert api("DELETE", f"{MONITORS}/1").status == 204
    assert api.get(f"{MONITORS}/1").status == 404


def test_what_the_service_keeps_cannot_be_set(api: Api) -> None:
    number = monitor(api, "devices", status="ACTIVE", last_sent="now", auth_token_set=True)
    found = api("PUT", f"{MONITORS}/{number}", {"status": None, "last_connect": "now", "auth_token_set": None}).body
    assert (found["status"], found["auth_token_set"]) == ("INACTIVE", False)
    assert not {"last_sent", "last_connect"} & found.keys()


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "udp"},
        {"type": ["tcp"]},
        {"format": "yaml"},
        {"schema_type": "mustache"},
        {"persistent": "yes"},
        {"batch_size": "many"},
        {"batch_size": True},
        {"connect_timeout": -1},
        {"topics": "devices"},
        {"topics": [1]},
        {"topics": ["not a topic!"]},
        {"topics": ["[group=a devices"]},
        {"topics": ["devices[X]"]},
        {"topics": ["devices"] * 101},
    ],
)
def test_what_is_no_monitor_is_refused(api: Api, wrong: dict[str, Any]) -> None:
    assert api("POST", MONITORS, {"type": "tcp", **wrong}).status == 400
    number = monitor(api, "devices")
    assert api("PUT", f"{MONITORS}/{number}", wrong).status == 400


def test_changes_of_devices_are_saved(simulator: Simulator, api: Api, device: str) -> None:
    number = monitor(api, "devices")
    simulator.devices.disconnect(device)
    simulator.clock.advance(seconds=1)
    api("PUT", f"{DEVICES}/{device}", {"name": "Renamed"})
    api("DELETE", f"{DEVICES}/{device}")
    ours = [event for event in events(api, number) if event["topic"].endswith(device)]
    assert [event["operation"] for event in ours] == ["UPDATE", "UPDATE", "DELETION"]
    first, second, _ = ours
    assert first["device"]["connection_status"] == "disconnected"
    assert (second["device"]["name"], second["timestamp"]) == ("Renamed", "2022-07-15T12:00:01.000Z")
    assert events(api, number, start_time="2022-07-15T12:00:01Z")[0] == second
    assert events(api, number, end_time="2022-07-15T12:00:01Z") == [first]


@pytest.mark.parametrize(
    ("topics", "seen"),
    [
        (["devices"], True),
        (["DeviceCore"], True),
        (["[group=Elsewhere,Top]devices"], True),
        (["[group=Elsewhere]devices"], False),
        (["devices[U]"], True),
        (["devices[C,D]"], False),
        (["DeviceCore/DEVICE/x"], True),
        (["DeviceCore/*"], True),
        (["DeviceCore/00000000"], False),
        (["DataPoint", "jobs"], False),
        ([], False),
    ],
)
def test_topics_narrow_what_is_saved(
    simulator: Simulator, api: Api, device: str, topics: list[str], seen: bool
) -> None:
    simulator.devices.update(device, group="Top/Below")
    number = monitor(api, *(topic.replace("DEVICE", device) for topic in topics))
    simulator.devices.disconnect(device)
    assert bool(events(api, number)) is seen


def test_an_event_is_saved_once_per_monitor(simulator: Simulator, api: Api, device: str) -> None:
    number, other = monitor(api, "devices", "DeviceCore", "devices[U]"), monitor(api, "devices")
    simulator.devices.disconnect(device)
    assert shapes(api, number) == shapes(api, other) == [("UPDATE", f"devices/{device}")]


def test_jobs_and_alerts_are_saved(simulator: Simulator, api: Api, device: str) -> None:
    assert api("DELETE", "/ws/v1/alerts/inventory/1").status == 204
    number = monitor(api, "jobs", "alert_status", "Alarm")
    api("POST", "/ws/v1/alerts/inventory", {"type": "Device Offline", "scope": {"type": "Device", "value": device}})
    api("POST", "/ws/v1/firmware_updates/inventory", {"targets": {"devices": [device]}, "version": "1"})
    simulator.devices.disconnect(device)
    simulator.clock.advance(minutes=10)
    api.get("/ws/v1/jobs/inventory")
    assert shapes(api, number) == [
        ("INSERTION", "7493/Alarm/2"),
        ("INSERTION", "jobs/1"),
        ("INSERTION", f"alert_status/2_{device}"),
        ("UPDATE", "jobs/1"),
    ]
    assert events(api, number)[2]["alert_status"]["status"] == "fired"


def test_only_persistent_monitors_save_and_a_change_of_topics_keeps_what_is_saved(
    simulator: Simulator, api: Api, device: str
) -> None:
    number, forgetful = monitor(api, "devices"), monitor(api, "devices", persistent=False)
    simulator.devices.disconnect(device)
    api("PUT", f"{MONITORS}/{number}", {"topics": ["jobs"]})
    simulator.devices.connect(device)
    assert len(events(api, number)) == 1
    assert events(api, forgetful) == []
    api("PUT", f"{MONITORS}/{number}", {"persistent": False, "topics": ["devices"]})
    simulator.devices.disconnect(device)
    assert len(events(api, number)) == 1


def test_history_pages(simulator: Simulator, api: Api, device: str) -> None:
    number = monitor(api, f"devices/{device}")
    for at in range(5):
        simulator.devices.update(device, name=str(at))
    path = f"/ws/v1/monitors/history/{number}"
    first = api.get(path, size=3).body
    rest = api.get(path, size=3, cursor=first["cursor"]).body
    assert [event["device"]["name"] for event in first["list"] + rest["list"]] == list("01234")
    assert api.get(path, size=2, cursor=first["cursor"]).status == 400
    assert api.get(path, schema="{{#each}}").status == 403
    assert api.get("/ws/v1/monitors/history/99").status == 404


def test_no_more_is_kept_than_said(simulator: Simulator, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digirm_simulator.behaviours.monitors.KEPT", 5)
    numbers = [monitor(api, "devices[C]") for _ in range(3)]
    added = [simulator.devices.add(connection_status="disconnected")["id"] for _ in range(8)]
    for number in numbers:
        assert [event["topic"] for event in events(api, number)] == [f"devices/{device}" for device in added[-5:]]


def test_what_is_saved_goes_with_its_monitor(simulator: Simulator, api: Api, device: str) -> None:
    gone, number = monitor(api, "devices"), monitor(api, "devices")
    simulator.devices.disconnect(device)
    assert api("DELETE", f"{MONITORS}/{gone}").status == 204
    assert (len(events(api, number)), len(events(api, monitor(api, "devices")))) == (1, 0)
