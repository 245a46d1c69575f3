from __future__ import annotations

import csv
import io
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digirm_simulator import Simulator, csvform
from digirm_simulator.behaviours.alerts import TYPES, first_rows
from tests.simulator.support import DEVICES, Api, device_id

ALERTS = "/ws/v1/alerts/inventory"
OFFLINE = "Device Offline"


def connected(api: Api) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api.get(DEVICES, query="connection_status = 'connected'").body["list"]
    return found


def states(api: Api, **params: str | int) -> list[tuple[str, str, str]]:
    found = api.get("/ws/v1/alerts/status", **params)
    assert found.status == 200, found.body
    return [(item["source"], item["status"], item["last_update"]) for item in found.body["list"]]


@pytest.fixture
def api(simulator: Simulator) -> Api:
    """As everywhere, without the definition that a simulator begins with."""
    made = Api(simulator)
    assert made("DELETE", f"{ALERTS}/1").status == 204
    return made


@pytest.fixture
def device(simulator: Simulator, api: Api) -> str:
    """A connected device whose connection changes only when a test says so."""
    found = connected(api)[0]["id"]
    simulator.devices.connect(found)
    return str(found)


def offline_alert(api: Api, device: str, **more: Any) -> dict[str, Any]:
    sent = {"name": "off", "type": OFFLINE, "scope": {"type": "Device", "value": device}, **more}
    made: dict[str, Any] = api("POST", ALERTS, sent).body["list"][0]
    return made


def test_one_is_answered_as_a_list_with_its_defaults(api: Api) -> None:
    sent = {"name": "a", "type": OFFLINE, "priority": "High", "scope": {"type": "Group", "value": "Marvel"}}
    found = api("POST", ALERTS, sent)
    assert (found.status, found.body) == (
        201,
        {"count": 1, "list": [{**sent, "customer_id": 7493, "enabled": True, "id": 2}]},
    )
    assert api.get(f"{ALERTS}/2").body == found.body["list"][0]


def fired(api: Api) -> dict[str, int]:
    """How many alerts each device says have fired, where any have."""
    devices = api.get(DEVICES).body["list"]
    return {device["id"]: device["alerts"] for device in devices if device.get("alerts")}


def test_a_simulator_begins_with_an_alert_and_where_it_has_fired(simulator: Simulator) -> None:
    api = Api(simulator)
    [alert] = api.get(ALERTS).body["list"]
    assert (alert["id"], alert["type"], alert["scope"]) == (1, OFFLINE, {"type": "Group", "value": "Production"})
    offline = api.get(DEVICES, query="connection_status = 'disconnected' and group startsWith 'Production'").body[
        "list"
    ]
    assert fired(api) == {device["id"]: 1 for device in offline if "last_disconnect" in device}
    for _ in range(3):
        assert fired(api) == {source: 1 for source, status, _ in states(api) if status == "fired"} != {}
        counts = {item["value"]: item["count"] for item in api.get("/ws/v1/reports/alerts").body["list"]}
        assert counts[1] == len(fired(api))
        simulator.clock.advance(hours=11)


def test_a_large_fleet_begins_with_the_alerts_of_its_first_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("digirm_simulator.behaviours.alerts.SEEDED", 30)
    with Simulator(devices=61, seed=3) as simulator:
        api = Api(simulator)
        assert 0 < len(fired(api)) == len(states(api))
        assert fired(api).keys() <= {device["id"] for device in api.get(DEVICES, size=30).body["list"]}


@pytest.mark.parametrize(
    "change", [{"enabled": False}, {"scope": {"type": "Device", "value": device_id(1)}}, {"fire": {"disabled": True}}]
)
def test_an_alert_that_is_changed_while_it_waits_does_not_fire(
    simulator: Simulator, api: Api, device: str, change: dict[str, Any]
) -> None:
    waits = {"fire": {"parameters": {"reconnectWindowDuration": "10"}}}
    alert = offline_alert(api, device, **waits)
    simulator.devices.disconnect(device)
    simulator.clock.advance(minutes=5)
    assert api("PUT", f"{ALERTS}/{alert['id']}", change).status == 200
    simulator.clock.advance(minutes=10)
    assert states(api) == []


def test_each_documented_type_is_taken(api: Api) -> None:
    found = api("POST", ALERTS, [{"type": kind} for kind in TYPES])
    assert (found.status, found.body["count"]) == (201, len(TYPES))


def test_what_fails_is_reported_beside_what_does_not(api: Api) -> None:
    sent = [
        {"type": OFFLINE},
        {"type": "Device offline"},
        {"enabled": "yes"},
        {"scope": {"type": "Planet"}},
        {"type": OFFLINE, "fire": {"parameters": {"reconnectWindowDuration": "soon"}}},
        {"fire": []},
    ]
    found = api("POST", ALERTS, sent)
    good, *bad = found.body["list"]
    assert (found.status, good["id"]) == (207, 2)
    assert [item["error_context"] for item in bad] == sent[1:]
    assert {item["error_status"] for item in bad} == {400}
    assert api.get(ALERTS).body["count"] == 1


def test_put_changes_the_keys_sent(api: Api) -> None:
    made = offline_alert(api, device_id(1))
    changed = api("PUT", f"{ALERTS}/{made['id']}", {"enabled": False})
    assert (changed.status, changed.body) == (200, {**made, "enabled": False})
    assert api("PUT", f"{ALERTS}/{made['id']}", {"enabled": None}).body == made
    assert api("PUT", f"{ALERTS}/{made['id']}", {"type": "x"}).status == 400
    assert api("PUT", f"{ALERTS}/9", {"enabled": True}).status == 404


def test_an_offline_alert_fires_and_resets_with_its_device(simulator: Simulator, api: Api, device: str) -> None:
    before = simulator.devices[device].get("alerts", 0)
    offline_alert(api, device)
    assert states(api) == []
    simulator.devices.disconnect(device)
    assert states(api) == [(device, "fired", "2022-07-15T12:00:00.000Z")]
    assert simulator.devices[device]["alerts"] == before + 1
    simulator.clock.advance(minutes=2)
    simulator.devices.connect(device)
    assert states(api) == [(device, "reset", "2022-07-15T12:02:00.000Z")]
    assert simulator.devices[device]["alerts"] == before
    history = api.get("/ws/v1/alerts/history/2").body["list"]
    assert [(item["status"], item["timestamp"][14:19]) for item in history] == [("fired", "00:00"), ("reset", "02:00")]


@pytest.mark.parametrize("status", ["acknowledged", "reset"])
def test_one_that_was_acknowledged_is_reset_too_and_counts_once(
    simulator: Simulator, api: Api, device: str, status: str
) -> None:
    before = simulator.devices[device].get("alerts", 0)
    # One more that stays fired, so that a count that is lowered twice is seen.
    offline_alert(api, device, reset={"disabled": True})
    alert = offline_alert(api, device)
    path = f"/ws/AlarmStatus/{alert['id']}/{device}"
    code = {"acknowledged": 2, "reset": 0}[status]
    body = f"<AlarmStatus><almsStatus>{code}</almsStatus></AlarmStatus>"
    for counts in (before + 2, before + 2):
        simulator.devices.disconnect(device)
        assert simulator.devices[device]["alerts"] == counts
        assert api("PUT", path, body.encode()).status == 200
        assert dict(item[:2] for item in states(api, query=f"id = {alert['id']}")) == {device: status}
        assert simulator.devices[device]["alerts"] == before + 1
        simulator.devices.connect(device)
        assert dict(item[:2] for item in states(api, query=f"id = {alert['id']}")) == {device: "reset"}
        assert simulator.devices[device]["alerts"] == before + 1
    found = api.get(f"/ws/v1/alerts/history/{alert['id']}").body["list"]
    once = ["fired", status, "reset"] if status == "acknowledged" else ["fired", "reset"]
    assert [item["status"] for item in found] == once * 2


def test_it_waits_as_long_as_it_says(simulator: Simulator, api: Api, device: str) -> None:
    offline_alert(api, device, fire={"parameters": {"reconnectWindowDuration": "5"}})
    simulator.devices.disconnect(device)
    simulator.clock.advance(minutes=4)
    simulator.devices.connect(device)
    simulator.clock.advance(minutes=10)
    assert states(api) == []
    simulator.devices.disconnect(device)
    simulator.clock.advance(minutes=4, seconds=59)
    assert states(api) == []
    simulator.clock.advance(minutes=20)
    assert states(api) == [(device, "fired", "2022-07-15T12:19:00.000Z")]


def test_what_was_due_fires_before_it_resets(simulator: Simulator, api: Api, device: str) -> None:
    offline_alert(api, device, fire={"parameters": {"reconnectWindowDuration": "5"}})
    simulator.devices.disconnect(device)
    simulator.clock.advance(minutes=30)
    simulator.devices.connect(device)
    history = api.get(f"/ws/v1/alerts/history/2_{device}").body["list"]
    assert [item["timestamp"] for item in history] == ["2022-07-15T12:05:00.000Z", "2022-07-15T12:30:00.000Z"]


@pytest.mark.parametrize(
    ("more", "fires"),
    [
        ({}, True),
        ({"scope": {"type": "Group", "value": "Top"}}, True),
        ({"scope": {"type": "Group", "value": "/top/below"}}, True),
        ({"scope": {"type": "Group", "value": "Top/Bel"}}, False),
        ({"scope": {"type": "Global"}}, True),
        ({"scope": {"type": "Device", "value": device_id(1)}}, False),
        ({"scope": {"type": "Resource", "value": "x"}}, False),
        ({"enabled": False}, False),
        ({"fire": {"disabled": True}}, False),
        ({"type": "XBeeNode Offline"}, False),
    ],
)
def test_scope_and_switches_decide(
    simulator: Simulator, api: Api, device: str, more: dict[str, Any], fires: bool
) -> None:
    simulator.devices.update(device, group="Top/Below")
    offline_alert(api, device, **more)
    simulator.devices.disconnect(device)
    assert bool(states(api)) is fires


def test_a_disabled_reset_leaves_it_fired(simulator: Simulator, api: Api, device: str) -> None:
    offline_alert(api, device, reset={"disabled": True})
    simulator.devices.disconnect(device)
    simulator.devices.connect(device)
    assert [status for _, status, _ in states(api)] == ["fired"]


def test_the_fleet_fires_them_by_itself(simulator: Simulator, api: Api) -> None:
    api("POST", ALERTS, {"type": OFFLINE, "name": "any"})
    simulator.clock.advance(hours=24)
    found = api.get("/ws/v1/alerts/summary").body["list"]
    assert {item["status"] for item in found} >= {"fired"}
    for item in found:
        device = api.get(f"{DEVICES}/{item['source']}").body
        assert (item["status"] == "fired") is (device["connection_status"] == "disconnected")


def test_summary_and_status_take_queries_orders_and_cursors(simulator: Simulator, api: Api) -> None:
    chosen = [device["id"] for device in connected(api)[:5]]
    offline_alert(api, device_id(1), scope={"type": "Global"}, description="five of them")
    for device in chosen:
        simulator.devices.disconnect(device)
    simulator.devices.connect(chosen[0])
    for path in ("/ws/v1/alerts/status", "/ws/v1/alerts/summary"):
        assert api.get(path, query="status = 'fired' and name = 'off'").body["count"] == 4
        assert api.get(path, query=f"source = '{chosen[0]}'").body["list"][0]["status"] == "reset"
        first = api.get(path, size=3, orderby="source desc").body
        rest = api.get(path, size=3, orderby="source desc", cursor=first["cursor"]).body
        assert [item["source"] for item in first["list"] + rest["list"]] == sorted(chosen, reverse=True)
    assert api.get("/ws/v1/alerts/status", query="id = 1").body["list"] == []


def test_states_follow_their_definition_and_their_device(simulator: Simulator, api: Api, device: str) -> None:
    made = offline_alert(api, device)
    simulator.devices.disconnect(device)
    fired = simulator.devices[device]["alerts"]
    simulator.devices.update(device, name="Renamed", group="Elsewhere")
    api("PUT", f"{ALERTS}/{made['id']}", {"name": "still off", "description": None})
    [state] = api.get("/ws/v1/alerts/status", query="group = 'elsewhere' and name = 'still off'").body["list"]
    assert (state["device_name"], state["status"]) == ("Renamed", "fired")
    assert api("DELETE", f"{ALERTS}/{made['id']}").status == 204
    assert states(api) == []
    assert simulator.devices[device]["alerts"] == fired - 1
    assert api.get("/ws/v1/alerts/history/2").status == 404


def test_states_go_with_their_device(simulator: Simulator, api: Api, device: str) -> None:
    offline_alert(api, device)
    simulator.devices.disconnect(device)
    simulator.devices.remove(device)
    assert states(api) == []


def test_history_pages_in_both_orders_and_by_time(simulator: Simulator, api: Api, device: str) -> None:
    offline_alert(api, device)
    for _ in range(3):
        simulator.devices.disconnect(device)
        simulator.clock.advance(minutes=1)
        simulator.devices.connect(device)
        simulator.clock.advance(minutes=1)
    path = f"/ws/v1/alerts/history/2_{device}"
    times = [item["timestamp"] for item in api.get(path).body["list"]]
    assert times == sorted(times)
    assert len(times) == 6
    assert [item["timestamp"] for item in api.get(path, order="desc").body["list"]] == times[::-1]
    page = api.get(path, size=4).body
    assert [item["timestamp"] for item in page["list"]] == times[:4]
    assert [item["timestamp"] for item in api.get(path, size=4, cursor=page["cursor"]).body["list"]] == times[4:]
    part = api.get(path, start_time=times[1], end_time=times[3]).body["list"]
    assert [item["timestamp"] for item in part] == times[1:3]
    assert api.get(path, order="up").status == 400
    assert api.get(path, start_time="soon").status == 400
    assert api.get(f"/ws/v1/alerts/history/2_{device_id(1)}").body["list"] == []


def test_what_is_due_fires_once_whoever_asks_first(simulator: Simulator, api: Api, device: str) -> None:
    offline_alert(api, device, fire={"parameters": {"reconnectWindowDuration": 1}})
    fired = simulator.devices[device]["alerts"]
    simulator.devices.disconnect(device)
    simulator.clock.advance(minutes=1)
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: states(api), range(16)))
    assert found == [[(device, "fired", "2022-07-15T12:01:00.000Z")]] * 16
    assert api.get("/ws/v1/alerts/history/2").body["count"] == 1
    assert simulator.devices[device]["alerts"] == fired + 1


def test_csv_of_states(simulator: Simulator, api: Api, device: str) -> None:
    offline_alert(api, device, name='off, "really"\nand line two')
    simulator.devices.disconnect(device)
    for name in ("summary", "status"):
        [row] = csv.DictReader(io.StringIO(api.get(f"/ws/v1/alerts/bulk/{name}").body))
        assert (row["source"], row["name"], row["status"]) == (device, 'off, "really"\nand line two', "fired")
        assert api.get(f"/ws/v1/alerts/bulk/{name}", fields="status,id").body == "status,id\nfired,2\n"
        assert api.get(f"/ws/v1/alerts/bulk/{name}", query="status = 'reset'", fields="id").body == "id\n"
        assert api.get(f"/ws/v1/alerts/bulk/{name}", fields="nonsense").status == 400
    assert api.get("/ws/v1/alerts/bulk", fields="id,type").body == f'id,type\n2,"{OFFLINE}"\n'


CELLS = st.text(st.sampled_from('a,"\n\r 1'), max_size=5)


@given(st.lists(st.tuples(CELLS, CELLS), max_size=8), st.integers(1, 10), st.integers(1, 4))
def test_csv_is_cut_between_rows(rows: list[tuple[str, str]], count: int, size: int) -> None:
    lines = [csvform.line(row) for row in rows]
    chunks = [b"".join(lines[at : at + size]) for at in range(0, len(lines), size)]
    assert b"".join(first_rows(chunks, count)) == b"".join(lines[:count])
