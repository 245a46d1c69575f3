"""Reports: figures that agree with what is stored."""

from __future__ import annotations

import csv
import io
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.support import DEVICES, NOW, Api, device_id

REPORTS = "/ws/v1/reports"
HISTORY = "/ws/v1/streams/history"
USAGE = "/ws/v1/reports/cellular_utilization"


def counted(api: Api, report: str, **params: str) -> dict[Any, int]:
    found = api.get(f"{REPORTS}/{report}", **params)
    assert found.status == 200, found.body
    assert found.body["count"] == len(found.body["list"])
    return {item["value"]: item["count"] for item in found.body["list"]}


def test_devices_by_status(api: Api) -> None:
    devices = api.get(DEVICES).body["list"]
    status = Counter(device["connection_status"] for device in devices)
    assert counted(api, "devices/connection_status") == status == counted(api, "connections")
    assert counted(api, "alerts") == Counter(device["alerts"] for device in devices if "alerts" in device)
    assert sum(counted(api, "devices/maintenance_window").values()) == len(devices)
    types = api.get(f"{REPORTS}/devices/vendor_id_and_type").body["list"]
    assert {(item["values"]["vendor_id"], item["values"]["type"]): item["count"] for item in types} == Counter(
        (device["vendor_id"], device["type"]) for device in devices if "vendor_id" in device
    )


def test_reports_of_a_group(api: Api) -> None:
    devices = [device for device in api.get(DEVICES).body["list"] if device.get("group") == "demoGroup"]
    status = Counter(device["connection_status"] for device in devices)
    assert counted(api, "devices/connection_status", query="group = 'demoGroup'") == status
    assert counted(api, "connections", group="demoGroup") == status
    assert counted(api, "connections", query="group = 'nowhere'") == {}
    for report in ("devices/connection_status", "alerts", "device_availability", "cellular_utilization"):
        assert api.get(f"{REPORTS}/{report}", query="group =").status == 400


def test_without_devices_nothing_is_counted(empty: Api) -> None:
    for report in ("devices/connection_status", "devices/maintenance_window", "alerts", "device_availability"):
        assert empty.get(f"{REPORTS}/{report}").body["list"] == []
    assert empty.get(USAGE).body["list"] == []
    assert empty.get(f"{USAGE}/summary").body["list"] == [{"devices": 0, "usage": 0}]
    assert empty.get(f"{REPORTS}/usage/data_details").body["list"] == []


def test_availability_comes_from_the_event_log() -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=0, clock=clock) as simulator:
        api = Api(simulator)
        always, half, never = (device_id(number) for number in range(3))
        simulator.devices.add(always)
        simulator.devices.add(half)
        simulator.devices.add(never, connection_status="disconnected")
        clock.advance(hours=1)
        simulator.devices.disconnect(half)
        clock.advance(hours=1)

        def found(**params: str) -> dict[str, float]:
            reply = api.get(f"{REPORTS}/device_availability", **params)
            assert reply.status == 200, reply.body
            return {item["device_id"]: item["availability"] for item in reply.body["list"]}

        start = (NOW).isoformat()
        whole = found(start_time=start)
        assert whole[half] == 50.0
        assert found(start_time="-1h")[half] == 0.0
        assert found(start_time=start, end_time=(NOW + timedelta(minutes=90)).isoformat())[half] == pytest.approx(66.67)
        simulator.devices.connect(half)
        clock.advance(hours=2)
        assert found(start_time=start)[half] == 75.0
        assert len(found(size="2")) == 2
        for bad in (
            {"start_time": "+1h"},
            {"start_time": "x"},
            {"size": "0"},
            {"start_time": "-1h", "end_time": "-2h"},
        ):
            assert api.get(f"{REPORTS}/device_availability", **bad).status == 400


def used(api: Api, device: str, sim: str, amount: int, at: str) -> None:
    key = f"{device}/carrier/{sim}/usage/1"
    sent = {"stream_id": key, "stream_type": "LONG", "value": amount, "timestamp": at}
    assert api("POST", HISTORY, sent).status == 201


def test_what_sims_used(empty: Api) -> None:
    for number, (group, carrier) in enumerate((("a", "Tweety"), ("a", "Daffy"), ("b", "Daffy"))):
        empty.simulator.put(DEVICES, {"id": device_id(number), "group": group, "carrier": carrier})
        used(empty, device_id(number), "sim1", 10**number, "2022-07-14T00:00:00Z")
        used(empty, device_id(number), "sim2", 10**number, "2022-07-15T00:00:00Z")

    def totals(by: str | None = None, **params: str) -> dict[str, int]:
        grouping = {} if by is None else {"groupby": by}
        found = empty.get(USAGE, **grouping, **params).body
        return {item[by or "device_id"]: item["usage"] for item in found["list"]}

    assert totals() == {device_id(0): 2, device_id(1): 20, device_id(2): 200}
    assert totals("group") == {"a": 22, "b": 200}
    assert totals("carrier") == {"Tweety": 2, "Daffy": 220}
    assert totals("carrier", query="group = 'a'") == {"Tweety": 2, "Daffy": 20}
    assert totals(start_time="2022-07-15T00:00:00Z") == {device_id(0): 1, device_id(1): 10, device_id(2): 100}
    assert totals("group", end_time="2022-07-15T00:00:00Z") == {"a": 11, "b": 100}
    assert empty.get(f"{USAGE}/summary", query="group = 'a'").body["list"] == [{"devices": 2, "usage": 22}]
    assert empty.get(f"{USAGE}/bulk", groupby="group").body == "group,usage\na,22\nb,200\n"
    assert empty.get(f"{USAGE}/summary/bulk", fields="usage").body == "usage\n222\n"
    first = empty.get(USAGE, size=2).body
    second = empty.get(first["next_uri"]).body
    assert [item["usage"] for item in first["list"] + second["list"]] == [2, 20, 200]
    assert empty.get(USAGE, size=2, groupby="group", cursor=first["cursor"]).status == 400
    for path in (USAGE, f"{USAGE}/bulk", f"{USAGE}/summary", f"{USAGE}/summary/bulk"):
        assert empty.get(path, groupby="moon").status == 400
        assert empty.get(path, start_time="moon").status == 400


def test_sums_beyond_all_numbers(empty: Api) -> None:
    empty.simulator.put(DEVICES, {"id": device_id(0)})
    key = f"{device_id(0)}/carrier/1/usage/1"
    point = {"stream_id": key, "stream_type": "DOUBLE", "value": "1e308"}
    assert empty("POST", HISTORY, [point, point, point]).status == 201
    assert empty.get(USAGE).status == 200


def test_data_that_is_stored(api: Api) -> None:
    api("POST", "/ws/v1/files/inventory/a/x", bytes(1_500_000))
    (summary,) = api.get(f"{REPORTS}/usage/data_summary").body["list"]
    assert summary["web_service_data_usage_mb"] == 1.5
    details = api.get(f"{REPORTS}/usage/data_details").body["list"]
    by_device = [item["usage"] for item in details if "device_id" in item]
    assert summary["device_data_usage_mb"] * 1_000_000 == pytest.approx(sum(by_device))
    assert summary["total_data_usage_mb"] == pytest.approx(1.5 + sum(by_device) / 1_000_000)
    assert details[-1] == {"service_description": "WebService messaging", "usage": 1_500_000}


def test_reports_as_csv_have_their_header(empty: Api) -> None:
    assert list(csv.reader(io.StringIO(empty.get(f"{USAGE}/bulk").body))) == [["device_id", "usage"]]
    assert empty.get(f"{USAGE}/bulk", fields="who").status == 400


# Of these categories only the names, and for some a path, are public.


@pytest.mark.parametrize("category", ["metadata", "settings", "containers", "notifications"])
def test_categories_of_which_only_the_name_is_public(api: Api, category: str) -> None:
    found = api.get(f"/ws/v1/{category}").body
    assert [item["path"] for item in found["list"]] == [f"/ws/v1/{category}"]
    assert api("POST", f"/ws/v1/{category}", {}).status == 405
    assert api.get(f"/ws/v1/{category}/inventory").status == 404


def test_categories_of_which_a_path_is_known(api: Api) -> None:
    assert api.get("/ws/v1/network_interfaces/inventory").body["list"] == []
    assert api.get(f"/ws/v1/device_logs/inventory/{device_id(1)}", size=5).body["list"] == []
    assert api.get(f"/ws/v1/device_logs/inventory/{device_id(1)}", size=0).status == 400
