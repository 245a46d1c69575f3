"""Requests that are not waited for."""

from __future__ import annotations

import urllib.request
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from digirm_simulator import Clock, Simulator
from digirm_simulator.sci import jobs
from tests.simulator.sci_support import DEVICE, device_request, send
from tests.simulator.support import BASIC, NOW, Api


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=0, clock=Clock(NOW, speed=0))
    made.devices.add(DEVICE)
    yield made
    made.close()


def start(api: Api, operation: str = "query_firmware_targets", payload: str = "", **attributes: str) -> str:
    found = send(api, operation, payload, synchronous="false", **attributes)
    assert found.status == 202
    return found.headers["location"]


def test_progress_follows_the_clock(simulator: Simulator, api: Api) -> None:
    for _ in range(20):
        simulator.devices.add()
    path = start(api, target='<device id="all"/>')
    simulator.clock.advance(seconds=1)
    assert "in_progress" in api.get(path).body
    simulator.clock.advance(seconds=2)
    assert api.get(path).body.count("<targets>") == 21


def test_jobs_are_listed(simulator: Simulator, api: Api) -> None:
    for operation in ("reboot", "query_firmware_targets", "disconnect"):
        start(api, operation)
    simulator.clock.advance(seconds=5)
    found = ElementTree.fromstring(api.get("/ws/sci", size=2).body)
    assert [found.findtext(name) for name in ("resultTotalRows", "resultSize", "remainingSize")] == ["3", "2", "1"]
    job = found.findall("Job")[0]
    expected = {
        "jobId": "1",
        "cstId": "7493",
        "usrId": "sim",
        "jobSyncMode": "1",
        "jobReplyMode": "0",
        "jobTargets": f'<device id="{DEVICE}"/>',
        "jobDescription": "reboot",
        "jobStatus": "2",
        "jobTargetCount": "1",
    }
    assert {name: job.findtext(name) for name in expected} == expected
    rest = ElementTree.fromstring(api.get("/ws/sci", start=2).body)
    assert [job.findtext("jobId") for job in rest.findall("Job")] == ["3"]
    assert api.get("/ws/sci", size="x").status == 400


def test_what_is_deleted_does_not_happen(simulator: Simulator, api: Api) -> None:
    path = start(api, "reboot")
    assert api("DELETE", path).status == 200
    assert api.get(path).status == api("DELETE", path).status == 404
    simulator.clock.advance(seconds=5)
    assert simulator.devices[DEVICE]["connection_status"] == "connected"


def test_a_job_waits_for_a_device_that_is_not_connected_where_it_may(simulator: Simulator, api: Api) -> None:
    simulator.devices.disconnect(DEVICE)
    path, impatient = start(api, allowOffline="true"), start(api)
    simulator.clock.advance(minutes=5)
    assert "in_progress" in api.get(path).body
    assert "2001" in api.get(impatient).body
    simulator.devices.connect(DEVICE)
    assert "<targets>" in api.get(path).body


def test_jobs_survive_a_restart(tmp_path: Path) -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=0, data=tmp_path / "state", clock=clock) as first:
        first.devices.add(DEVICE)
        path = start(Api(first))
    with Simulator(data=tmp_path / "state", clock=clock) as second:
        assert "in_progress" in Api(second).get(path).body
        clock.advance(seconds=5)
        assert "complete" in Api(second).get(path).body
    with Simulator(data=tmp_path / "state", clock=clock) as third:
        assert "complete" in Api(third).get(path).body


def test_a_task_that_was_begun_when_the_process_ended_begins_again(tmp_path: Path) -> None:
    clock = Clock(NOW, speed=0)
    with Simulator(devices=0, data=tmp_path / "state", clock=clock) as first:

        def ends_the_process(_: object) -> str:
            raise KeyboardInterrupt

        first.devices.add(DEVICE).on("get_time", ends_the_process)
        path = start(Api(first), "data_service", device_request("get_time"))
        clock.advance(seconds=5)
        with pytest.raises(KeyboardInterrupt):
            first.tick()
    with Simulator(data=tmp_path / "state", clock=clock) as second:
        assert "Time: " in Api(second).get(path).body


def test_a_payload_that_is_gone_fails_the_task(simulator: Simulator, api: Api) -> None:
    api("POST", "/ws/v1/files/inventory/~/a.xml", b"<rci_request><query_state/></rci_request>")
    path = start(api, "send_message", "<file>/~/a.xml</file>")
    api("DELETE", "/ws/v1/files/inventory/~/a.xml")
    simulator.clock.advance(seconds=5)
    assert "There is no file" in api.get(path).body


def test_only_so_many_jobs_are_kept(simulator: Simulator, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "KEPT", 2)
    for _ in range(4):
        start(api)
    simulator.clock.advance(seconds=5)
    start(api)
    found = ElementTree.fromstring(api.get("/ws/sci").body)
    assert [job.findtext("jobId") for job in found.findall("Job")] == ["4", "5"]


def test_whoever_asks_while_a_script_runs_gets_an_answer(simulator: Simulator, api: Api) -> None:
    asked: list[str] = []

    def looks_at_itself(_: object) -> str:
        asked.append(api.get(path).body)
        asked.append(api.get("/ws/v1/devices/inventory").body["list"][0]["id"])
        return "done"

    simulator.devices[DEVICE].on("get_time", looks_at_itself)
    path = start(api, "data_service", device_request("get_time"))
    simulator.clock.advance(seconds=5)
    assert ">done<" in api.get(path).body
    assert "in_progress" in asked[0]
    assert asked[1] == DEVICE


def test_a_script_may_ask_the_server_that_it_is_run_by() -> None:
    def get(url: str) -> str:
        with urllib.request.urlopen(urllib.request.Request(url, headers=BASIC), timeout=20) as reply:
            return str(reply.read().decode())

    with Simulator(devices=0, clock=Clock(NOW, speed=0), port=0) as simulator:
        url = simulator.url
        simulator.devices.add(DEVICE).on("get_time", lambda _: str(DEVICE in get(f"{url}/ws/v1/devices/inventory")))
        path = start(Api(simulator), "data_service", device_request("get_time"))
        # Cheap requests of a kind that was seen before are answered without a thread of their own.
        assert "in_progress" in get(url + path)
        assert "in_progress" in get(url + path)
        simulator.clock.advance(seconds=5)
        assert ">True<" in get(url + path)
