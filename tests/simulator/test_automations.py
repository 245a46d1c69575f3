from __future__ import annotations

from typing import Any

import pytest

from digirm_simulator import Simulator
from tests.simulator.support import Api, device_id

AUTOMATIONS = "/ws/v1/automations/inventory"
RUNS = "/ws/v1/automations/runs"
STEPS = [{"type": "reboot"}, {"type": "cli", "command": "show version"}]


@pytest.fixture
def online(api: Api) -> str:
    return api.ids(query="connection_status = 'connected'")[0]


@pytest.fixture
def offline(api: Api) -> str:
    return api.ids(query="connection_status = 'disconnected'")[0]


def run(api: Api, *devices: str, **which: Any) -> Any:
    return api("POST", "/ws/v1/automations/run", {**(which or {"id": 1}), "targets": {"devices": list(devices)}})


def test_definitions(api: Api) -> None:
    made = api("POST", AUTOMATIONS, {"name": "script", "steps": STEPS})
    assert (made.status, made.body) == (201, {"customer_id": 7493, "id": 3, "name": "script", "steps": STEPS})
    found = api.get(AUTOMATIONS, query="customer_id = 7493 and id > 2 and name contains 'script'")
    assert found.body["list"] == [made.body]
    assert api("PUT", f"{AUTOMATIONS}/3", {"name": "other"}).body["name"] == "other"
    wrongs: tuple[Any, ...] = ({"name": 1}, {"steps": {}}, {"steps": ["reboot"]})
    for wrong in wrongs:
        assert api("PUT", f"{AUTOMATIONS}/3", wrong).status == 400
    assert api("DELETE", f"{AUTOMATIONS}/3").status == 204
    assert api("DELETE", f"{AUTOMATIONS}/3").status == 404


def test_a_run_progresses(simulator: Simulator, api: Api, online: str) -> None:
    made = run(api, online, name="Nightly scan")
    assert (made.status, made.body["status"], made.body["automation_id"]) == (201, "active", 2)
    assert api.get(f"{RUNS}/inventory/1").body == made.body
    assert api.get(f"{RUNS}/status/1/{online}").body == {
        "device_id": online,
        "start_time": "2022-07-15T12:00:00.000Z",
        "status": "active",
    }
    simulator.clock.advance(minutes=5)
    ended = api.get(f"{RUNS}/inventory/1").body
    assert ended["status"] == "successful"
    status = api.get(f"{RUNS}/status/1/{online}").body
    assert (status["status"], status["end_time"]) == ("successful", ended["end_time"])
    assert (
        api.get("/ws/v1/jobs/inventory", query="job_type = 'automation'").body["list"][0]["id"] == made.body["job_id"]
    )


def test_a_run_fails_where_a_device_is_not_connected(simulator: Simulator, api: Api, online: str, offline: str) -> None:
    run(api, online, offline, online)
    simulator.clock.advance(minutes=5)
    assert api.get(f"{RUNS}/inventory", query="status = 'failed' and start_time > -1h").body["count"] == 1
    found = {item["device_id"]: item for item in api.get(f"{RUNS}/status/1").body["list"]}
    assert {key: item["status"] for key, item in found.items()} == {online: "successful", offline: "failed"}
    assert found[offline]["error_message"] == "Device Not Connected"


def test_results_are_those_of_the_steps_when_it_was_run(
    simulator: Simulator, api: Api, online: str, offline: str
) -> None:
    api("PUT", f"{AUTOMATIONS}/1", {"steps": STEPS})
    run(api, online, offline)
    api("PUT", f"{AUTOMATIONS}/1", {"steps": []})
    assert api.get(f"{RUNS}/results/1/{online}").body["results"] == []
    simulator.clock.advance(minutes=5)
    assert api.get(f"{RUNS}/results/1/{online}").body["results"] == [{**step, "status": "successful"} for step in STEPS]
    assert api.get(f"{RUNS}/results/1/{offline}").body["results"] == [{**STEPS[0], "status": "failed"}]
    for path in ("results", "status"):
        assert api.get(f"{RUNS}/{path}/1/{device_id(1)}").status == 404
        assert api.get(f"{RUNS}/{path}/2/{online}").status == 404


def test_cancel(simulator: Simulator, api: Api, online: str) -> None:
    run(api, online)
    found = api("POST", f"{RUNS}/cancel/1")
    assert (found.status, found.body["status"]) == (200, "canceled")
    simulator.clock.advance(minutes=5)
    assert api.get(f"{RUNS}/status/1").body["list"][0]["status"] == "canceled"
    assert api("POST", f"{RUNS}/cancel/1").status == 400
    assert api("POST", f"{RUNS}/cancel/2").status == 404
    again = run(api, online).body
    api("PUT", f"/ws/v1/jobs/cancel/{again['job_id']}")
    assert api.get(f"{RUNS}/inventory/{again['id']}").body["status"] == "canceled"


@pytest.mark.parametrize(
    ("which", "message"),
    [
        ({}, "'id' or 'name'"),
        ({"id": 9}, "no automation with id"),
        ({"name": "nobody"}, "no automation with name"),
        ({"id": True}, "'id' or 'name'"),
        ({"id": 1, "targets": {}}, "targets.devices"),
        ({"id": 1, "targets": {"devices": [device_id(1)]}}, "no device"),
    ],
)
def test_what_cannot_be_run_is_refused(api: Api, online: str, which: dict[str, Any], message: str) -> None:
    found = api("POST", "/ws/v1/automations/run", {"targets": {"devices": [online]}, **which})
    assert found.status == 400
    assert message in found.body["error_message"]
    assert api.get("/ws/v1/jobs/inventory").body["count"] == api.get(f"{RUNS}/inventory").body["count"] == 0


def test_deleting_an_automation_takes_what_belongs_to_it_where_told(api: Api, online: str) -> None:
    schedules = "/ws/v1/automations/schedules/inventory"
    for number in (1, 2):
        api.simulator.put(schedules, {"id": number, "automation_id": number})
        run(api, online, id=number)
    assert api("DELETE", f"{AUTOMATIONS}/1", delete_runs="maybe").status == 400
    assert api("DELETE", f"{AUTOMATIONS}/9", delete_runs="true").status == 404
    assert api("DELETE", f"{AUTOMATIONS}/1", delete_runs="true", delete_schedules="true").status == 204
    assert [item["automation_id"] for item in api.get(f"{RUNS}/inventory").body["list"]] == [2]
    assert [item["id"] for item in api.get(schedules).body["list"]] == [2]
    assert api.get("/ws/v1/jobs/1").body["job_status"] == "canceled"
    assert api("DELETE", f"{AUTOMATIONS}/2").status == 204
    assert api.get(f"{RUNS}/inventory").body["count"] == api.get(schedules).body["count"] == 1


def test_deleting_a_run(api: Api, online: str) -> None:
    run(api, online)
    assert api("DELETE", f"{RUNS}/inventory/1").status == 204
    assert api.get(f"{RUNS}/status/1").status == 404
    again = run(api, online).body["id"]
    assert again > 1
    assert [item["device_id"] for item in api.get(f"{RUNS}/status/{again}").body["list"]] == [online]


def test_schedules_can_be_changed_and_removed(api: Api) -> None:
    path = "/ws/v1/automations/schedules/inventory"
    api.simulator.put(path, {"id": 5, "name": "nightly"})
    assert api("PUT", f"{path}/5", {"name": "weekly"}).body == {"id": 5, "name": "weekly"}
    assert api("DELETE", f"{path}/5").status == 204
    assert api.get(path).body["list"] == []
