"""The event log: what is written down, and how it is read."""

from __future__ import annotations

import csv
import io
import json
import uuid
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from digirm_simulator import Simulator
from digirm_simulator.behaviours import events
from digirm_simulator.clock import Clock
from tests.simulator.support import DEVICES, NOW, Answer, Api, device_id

EVENTS = "/ws/v1/events/inventory"
BULK = "/ws/v1/events/bulk"
STREAMS = "/ws/v1/streams/inventory"


@pytest.fixture
def clock() -> Clock:
    return Clock(NOW, speed=0)


@pytest.fixture
def still(clock: Clock) -> Iterator[Api]:
    """A simulator without devices, whose clock the test moves."""
    made = Simulator(devices=0, clock=clock)
    yield Api(made)
    made.close()


def made(api: Api, number: int) -> Answer:
    found = api("POST", STREAMS, {"id": f"s{number}"})
    assert found.status == 201
    return found


def details(found: Answer) -> list[str]:
    return [item["details"] for item in found.body["list"]]


def test_nothing_has_happened_at_first(still: Api) -> None:
    assert still.get(EVENTS).body == {"count": 0, "list": [], "size": 1000}
    assert still.get(BULK).body.startswith("count,customer_id,details,device_id,duration,")
    assert still.get(BULK).body.count("\n") == 1


def test_every_change_is_written_down_the_newest_first(still: Api, clock: Clock) -> None:
    made(still, 1)
    clock.advance(seconds=1)
    still("PUT", f"{STREAMS}/s1", {"units": "F"})
    still("DELETE", f"{STREAMS}/s1")
    found = still.get(EVENTS).body["list"]
    assert [item["modification_type"] for item in found] == ["DELETE", "UPDATE", "CREATE"]
    created = found[2]
    assert uuid.UUID(created.pop("id")).version == 4
    assert created == {
        "customer_id": 7493,
        "details": "/streams/inventory/s1 created",
        "duration": 0,
        "end_time": "2022-07-15T12:00:00.000Z",
        "facility": "STREAMS",
        "modification_type": "CREATE",
        "protocol": "HTTP",
        "source": "sim",
        "start_time": "2022-07-15T12:00:00.000Z",
    }
    assert found[0]["start_time"] == "2022-07-15T12:00:01.000Z"


def test_what_fails_is_no_event(still: Api) -> None:
    assert still("POST", STREAMS, {"id": ""}).status == 400
    assert still("DELETE", f"{STREAMS}/s1").status == 404
    assert still("POST", STREAMS, [{"id": "a"}, {"id": ""}]).status == 207
    assert details(still.get(EVENTS)) == ["/streams/inventory/a created"]


def test_data_points_are_no_events_but_their_deletion_is(still: Api) -> None:
    assert still("POST", "/ws/v1/streams/history", {"stream_id": "a", "value": "1"}).status == 201
    assert still("DELETE", "/ws/v1/streams/history/a").status == 204
    assert details(still.get(EVENTS)) == ["/streams/history/a deleted", "/streams/inventory/a created"]


# A write of each kind that the contract has, in an order in which each finds what it needs; `$1` is a device.
WRITES: list[tuple[str, str, Any]] = [
    ("PUT", "account/current/security", {"password_minimum_length": 13}),
    ("DELETE", "account/current/security", None),
    ("PUT", "alerts/inventory/1", {"priority": "Low"}),
    ("POST", "alerts/inventory", {"type": "Device Offline"}),
    ("DELETE", "alerts/inventory/2", None),
    ("POST", "automations/inventory", {"name": "a"}),
    ("PUT", "automations/inventory/3", {"name": "b"}),
    ("POST", "automations/run", {"id": 3, "targets": {"devices": ["$1"]}}),
    ("POST", "automations/runs/cancel/1", None),
    ("DELETE", "automations/runs/inventory/1", None),
    ("DELETE", "automations/inventory/3", None),
    ("PUT", "automations/schedules/inventory/1", {"name": "s"}),
    ("DELETE", "automations/schedules/inventory/1", None),
    ("POST", "configs/inventory", {"name": "c"}),
    ("PUT", "configs/inventory/1", {"name": "d"}),
    ("PUT", "configs/inventory/1/settings", {"a": 1}),
    ("DELETE", "configs/inventory/1/settings", None),
    ("PUT", "configs/inventory/1/settings/device?device_id=$1", {"a": 1}),
    ("DELETE", "configs/inventory/1/settings/device", None),
    ("DELETE", "configs/inventory/1", None),
    ("POST", "devices/bulk", b"id\n" + device_id(1).encode()),
    ("POST", "devices/inventory", {"id": device_id(2), "name": "mine"}),
    ("PUT", f"devices/inventory/{device_id(1)}", {"name": "yours"}),
    ("DELETE", f"devices/inventory/{device_id(1)}", None),
    ("DELETE", "devices/inventory?name=mine", None),
    ("POST", "files/inventory/~/f", b"x"),
    ("DELETE", "files/inventory/~/f", None),
    ("POST", "firmware_updates/inventory", {"version": "1", "targets": {"devices": ["$1"]}}),
    ("POST", "firmware_updates/cancel/$1", None),
    ("DELETE", "firmware_updates/history/$1", None),
    ("PUT", "health_configs/inventory/FE00000A/TX64", {"enabled": True}),
    ("DELETE", "health_configs/inventory/FE00000A/TX64", None),
    ("POST", "automations/run", {"id": 1, "targets": {"devices": ["$1"]}}),
    ("PUT", "jobs/cancel/3", None),
    ("POST", "automations/run", {"id": 1, "targets": {"devices": ["$1"]}}),
    ("PUT", "jobs/inventory/cancel?query=id%3D4", None),
    ("POST", "automations/run", {"id": 1, "targets": {"devices": ["$1"]}}),
    ("DELETE", "jobs/cancel?query=id%3D5", None),
    ("DELETE", "jobs/inventory/5", None),
    ("POST", "monitors/inventory", {"type": "polling"}),
    ("PUT", "monitors/inventory/1", {"description": "m"}),
    ("DELETE", "monitors/inventory/1", None),
    ("POST", "streams/inventory", {"id": "s"}),
    ("PUT", "streams/inventory/s", {"units": "F"}),
    ("POST", "streams/history", {"stream_id": "s", "value": "1"}),
    ("DELETE", "streams/history/s", None),
    ("DELETE", "streams/inventory/s", None),
    ("POST", "subaccounts/inventory", {"company_name": "ABC"}),
    ("PUT", "subaccounts/inventory/7494", {"notes": "n"}),
    ("DELETE", "subaccounts/inventory/7494", None),
    ("POST", "users/inventory", {"username": "u"}),
    ("PUT", "users/inventory/u", {"email": "u@example.com"}),
    ("DELETE", "users/inventory/u", None),
    ("POST", "users/change_password/1?validate_only=true", {"password": "Correct-Horse-7"}),
]
# As the statement of `events.list` says: data points, and what changes nothing.
NO_EVENT = {("POST", "/ws/v1/streams/history"), ("POST", "/ws/v1/users/change_password/{uuid}")}
REFUSED = {
    ("POST", "/ws/v1/configs/inventory/{id}/settings/device/bulk"),
    ("POST", "/ws/v1/users/forgot_password/{username:.+}"),
    ("POST", "/ws/v1/users/forgot_username/{email_address:.+}"),
}


def test_every_write_of_the_contract_is_an_event(api: Api) -> None:
    contract = api.simulator.contract
    device = api.ids(query="connection_status = 'connected'")[0]
    api.simulator.put("/ws/v1/automations/schedules/inventory", {"id": 1, "name": "nightly"})
    seen = set()
    for method, path, body in WRITES:
        url = "/ws/v1/" + path.replace("$1", device)
        sent = body if isinstance(body, bytes) else json.dumps(body).replace("$1", device).encode()
        before = api.get(EVENTS).body["count"]
        found = api(method, url, sent)
        assert 200 <= found.status < 300, (method, url, found.body)
        match = contract.router.match(url.partition("?")[0])
        assert match is not None
        seen.add((method, match.path.template))
        added = api.get(EVENTS).body["count"] - before
        assert (added == 0) is ((method, match.path.template) in NO_EVENT), (method, url)
    writes = {(method, template) for template, method in contract.does if method != "GET"}
    assert seen == writes - REFUSED


def test_settings_and_security_say_what_changed(still: Api) -> None:
    device = still.simulator.devices.add()["id"]
    still("POST", "/ws/v1/configs/inventory", {"name": "c"})
    for path, params in (("settings", {}), ("settings/device", {"device_id": device})):
        url = f"/ws/v1/configs/inventory/1/{path}"
        for method in ("PUT", "PUT", "DELETE", "DELETE"):
            still(method, url, {"a": 1}, **params)
    for method in ("PUT", "DELETE", "DELETE"):
        still(method, "/ws/v1/account/current/security", {"password_minimum_length": 20})
    found = still.get(EVENTS, size=8).body["list"][::-1]
    assert [(item["facility"], item["details"], item.get("device_id")) for item in found] == [
        ("CONFIGS", "/configs/settings/1 created", None),
        ("CONFIGS", "/configs/settings/1 changed", None),
        ("CONFIGS", "/configs/settings/1 deleted", None),
        ("CONFIGS", f"/configs/settings/1/{device} created", device),
        ("CONFIGS", f"/configs/settings/1/{device} changed", device),
        ("CONFIGS", f"/configs/settings/1/{device} deleted", device),
        ("ACCOUNT", "/account/current/security changed", None),
        ("ACCOUNT", "/account/current/security deleted", None),
    ]


def test_the_fleet_connects_and_disconnects(clock: Clock) -> None:
    with Simulator(devices=30, seed=1, clock=clock) as simulator:
        api = Api(simulator)
        clock.advance(days=2)
        found = api.get(EVENTS, query="facility = 'connection'").body["list"]
        assert {item["details"] for item in found} == {"connected", "disconnected"}
        assert all(item["protocol"] == "EDP" and item["device_id"] == item["source"] for item in found)
        assert [item["start_time"] for item in found] == sorted((item["start_time"] for item in found), reverse=True)
        device = found[0]["device_id"]
        mine = api.get(EVENTS, query=f"device_id = '{device}'").body["list"]
        assert mine == [item for item in found if item["device_id"] == device]
        # Connections come and go in turn.
        assert all(one["details"] != other["details"] for one, other in pairwise(mine))


def test_a_devices_events(still: Api) -> None:
    assert still("POST", DEVICES, {"id": device_id(1)}).status == 201
    (event,) = still.get(EVENTS, query=f"device_id = '{device_id(1)}' and facility = 'DEVICES'").body["list"]
    assert event["modification_type"] == "CREATE"
    nested = "facility = 'x'"
    for _ in range(31):
        nested = f"not ({nested} or facility = 'y')"
    assert still.get(EVENTS, query=nested).body["count"] >= 1
    assert still.get(EVENTS, query="name = 'x'").status == 400
    assert still.get(EVENTS, query="facility").status == 400
    assert still.get(EVENTS, orderby="facility").status == 200  # no parameter of events: ignored


def test_times_and_pages(still: Api, clock: Clock) -> None:
    for number in range(7):
        made(still, number)
        clock.advance(hours=1)
    span = {"start_time": "2022-07-15T13:00:00Z", "end_time": "2022-07-15T18:00:00Z"}
    first = still.get(EVENTS, size=2, **span).body
    assert first["start_time"] == "2022-07-15T13:00:00.000Z"
    found = first["list"]
    made(still, 99)
    while "next_uri" in first:
        first = still.get(first["next_uri"]).body
        found += first["list"]
    assert [item["details"].split()[0][-1] for item in found] == ["5", "4", "3", "2", "1"]
    assert still.get(EVENTS, start_time="-1h").body["count"] == 2
    assert still.get(EVENTS, end_time="-6h").body["count"] == 1
    bad: list[dict[str, Any]] = [{"start_time": "x"}, {"end_time": "-1y"}, {"size": 1001}, {"cursor": "x"}]
    for params in bad:
        assert still.get(EVENTS, **params).status == 400
        assert still.get(BULK, **params).status == 400


def test_events_as_csv(still: Api) -> None:
    for number in range(501):
        made(still, number)
    rows = list(csv.DictReader(io.StringIO(still.get(BULK).body)))
    assert [row["details"] for row in rows] == details(still.get(EVENTS))
    assert still.get(BULK, fields="facility,modification_type", size=1).body == (
        "facility,modification_type\nSTREAMS,CREATE\n"
    )
    assert still.get(BULK, fields="facility,who").status == 400
    assert still.get(BULK, query="facility = 'x'", fields="id").body == "id\n"


def test_the_oldest_events_go(still: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "KEPT", 5)
    for number in range(8):
        made(still, number)
    assert [text.split()[0][-1] for text in details(still.get(EVENTS))] == ["7", "6", "5", "4", "3"]


def test_the_same_seed_gives_the_same_events() -> None:
    def log(seed: int) -> Any:
        clock = Clock(NOW, speed=0)
        with Simulator(devices=20, seed=seed, clock=clock) as simulator:
            clock.advance(days=1)
            return Api(simulator).get(EVENTS).body["list"]

    assert log(3) == log(3)
    assert log(3) != log(4)
