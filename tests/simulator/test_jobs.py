from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from digirm_simulator import Clock, Simulator
from tests.simulator.support import DEVICES, NOW, Api

JOBS = "/ws/v1/jobs/inventory"


def start(api: Api, count: int = 1) -> None:
    """Start jobs: an update of a connected device each."""
    for device in api.ids(query="connection_status = 'connected'")[:count]:
        sent = {"targets": {"devices": [device]}, "version": "23.1"}
        assert api("POST", "/ws/v1/firmware_updates/inventory", sent).status == 201


def listed(api: Api, **params: str | int) -> list[tuple[int, str]]:
    found = api.get(JOBS, **params)
    assert found.status == 200, found.body
    return [(job["id"], job["job_status"]) for job in found.body["list"]]


def test_jobs_end_by_the_clock(simulator: Simulator, api: Api) -> None:
    start(api)
    [job] = api.get(JOBS).body["list"]
    assert {key: job[key] for key in ("job_status", "job_type", "job_submit_time", "username")} == {
        "job_status": "in_progress",
        "job_type": "firmware_update",
        "job_submit_time": "2022-07-15T12:00:00.000Z",
        "username": "sim",
    }
    simulator.clock.advance(hours=1)
    assert listed(api) == [(1, "complete")]
    done = api.get("/ws/v1/jobs/1").body
    assert done == api.get(f"{JOBS}/1").body
    assert (done["successful_count"], done["device_count"]) == (1, 1)
    assert job["job_submit_time"] < done["job_complete_time"] < "2022-07-15T13"


def test_the_newest_come_first_and_queries_select(simulator: Simulator, api: Api) -> None:
    start(api, 2)
    simulator.clock.advance(hours=2)
    start(api, 1)
    last = listed(api, size=1)[0][0]
    assert last > 2
    assert listed(api) == [(last, "in_progress"), (2, "complete"), (1, "complete")]
    assert listed(api, orderby="id") == [(1, "complete"), (2, "complete"), (last, "in_progress")]
    assert listed(api, query="job_status = 'complete' and username = 'sim'", size=1) == [(2, "complete")]
    assert listed(api, query="job_submit_time > -1h") == [(last, "in_progress")]
    assert listed(api, query="job_type = 'automation'") == []
    rows = api.get("/ws/v1/jobs/bulk", fields="id,job_status").body
    assert rows == f"id,job_status\n{last},in_progress\n2,complete\n1,complete\n"


def test_cancel_one(simulator: Simulator, api: Api) -> None:
    start(api)
    found = api("PUT", "/ws/v1/jobs/cancel/1")
    assert (found.status, found.body["job_status"], found.body["canceled_count"]) == (200, "canceled", 1)
    simulator.clock.advance(hours=1)
    assert listed(api) == [(1, "canceled")]
    assert api("PUT", "/ws/v1/jobs/cancel/1").status == 400
    assert api("PUT", "/ws/v1/jobs/cancel/2").status == 404


@pytest.mark.parametrize(
    ("method", "path", "status"), [("PUT", f"{JOBS}/cancel", 200), ("DELETE", "/ws/v1/jobs/cancel", 204)]
)
def test_cancel_by_query(api: Api, method: str, path: str, status: int) -> None:
    start(api, 3)
    for params in ({}, {"query": ""}, {"query": " "}):
        assert api(method, path, **params).status == 400
    assert api(method, path, query="nonsense = 1").status == 400
    assert {state for _, state in listed(api)} == {"in_progress"}
    found = api(method, path, query="username = 'sim' and id < 3")
    assert found.status == status
    if status == 200:
        assert [(job["id"], job["job_status"]) for job in found.body["list"]] == [(1, "canceled"), (2, "canceled")]
    assert listed(api) == [(3, "in_progress"), (2, "canceled"), (1, "canceled")]
    again = api(method, path, query="id < 3")
    assert again.status == status
    assert not again.body or again.body == {"count": 0, "list": []}


def test_delete_cancels_what_is_open(simulator: Simulator, api: Api) -> None:
    start(api)
    [device] = [item["device_id"] for item in api.get("/ws/v1/firmware_updates/inventory").body["list"]]
    assert api("DELETE", f"{JOBS}/1").status == 204
    assert api("DELETE", f"{JOBS}/1").status == 404
    assert api.get("/ws/v1/jobs/1").status == 404
    simulator.clock.advance(hours=1)
    assert api.get(f"/ws/v1/firmware_updates/inventory/{device}").body["status"] == "canceled"


def test_xml(api: Api) -> None:
    start(api, 2)
    api.simulator.put(JOBS, {"id": 9, "description": "a < b & \x01 c", "no name": 1})
    found = api.get(f"{JOBS}.xml")
    assert found.headers["content-type"] == "application/xml"
    root = ElementTree.fromstring(found.body)
    assert root.attrib == {"count": "3"}
    assert [job.findtext("id") for job in root] == ["9", "2", "1"]
    assert root[0].findtext("description") == "a < b &  c"
    assert [element.tag for element in root[0]] == ["description", "id"]
    assert root[1].findtext("job_status") == "in_progress"


def test_one_long_step_of_the_clock_is_as_many_short_ones() -> None:
    def state(*steps: int) -> Any:
        simulator = Simulator(devices=20, seed=4, clock=Clock(NOW, speed=0))
        api = Api(simulator)
        devices = api.ids()
        targets = {"targets": {"devices": devices}}
        api("POST", "/ws/v1/firmware_updates/inventory", {**targets, "version": "23.1"})
        api("POST", "/ws/v1/automations/run", {**targets, "name": "Nightly scan"})
        for seconds in steps:
            simulator.clock.advance(seconds=seconds)
            api.get(JOBS)
        found = [
            api.get(path).body["list"]
            for path in (JOBS, "/ws/v1/firmware_updates/inventory", "/ws/v1/automations/runs/status/1")
        ]
        found.append({device["id"]: device.get("firmware_version") for device in api.get(DEVICES).body["list"]})
        simulator.close()
        return found

    assert state(400) == state(*[40] * 10) == state(255, 145)
    assert state(255) == state(*[51] * 5)


def test_jobs_go_on_after_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "state.db"
    simulator = Simulator(devices=20, seed=1, data=file, clock=Clock(NOW, speed=0))
    start(Api(simulator))
    simulator.close()
    simulator = Simulator(data=file, clock=Clock(NOW + timedelta(minutes=10), speed=0))
    assert listed(Api(simulator)) == [(1, "complete")]
    [update] = Api(simulator).get("/ws/v1/firmware_updates/inventory").body["list"]
    assert update["end_time"] == "2022-07-15T12:05:42.000Z"
    simulator.close()
