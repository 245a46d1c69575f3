"""Requests that are not waited for."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest

from digirm_simulator import Clock, Simulator, server
from digirm_simulator.sci import jobs
from tests.simulator.sci_support import DEVICE, device_request, request, send
from tests.simulator.support import BASIC, NOW, Api
from tests.simulator.test_push import until


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=0, clock=Clock(NOW, speed=0))
    made.devices.add(DEVICE)
    yield made
    made.close()


def start(api: Api, operation: str = "query_firmware_targets", payload: str = "", **more: str) -> str:
    found = send(api, operation, payload, synchronous="false", **more)
    assert found.status == 202
    return found.headers["location"]


def fetch(url: str) -> str:
    with urllib.request.urlopen(urllib.request.Request(url, headers=BASIC), timeout=20) as reply:
        return str(reply.read().decode())


def finished(api: Api, path: str) -> str:
    """A job that is complete: while another thread does its tasks, it is asked for again."""
    while "in_progress" in (found := str(api.get(path).body)):
        pass
    return found


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
        "jobTargets": f'<device id="{DEVICE}" />',
        "jobDescription": "reboot",
        "jobStatus": "2",
        "jobTargetCount": "1",
    }
    assert {name: job.findtext(name) for name in expected} == expected
    rest = ElementTree.fromstring(api.get("/ws/sci", start=2).body)
    assert [job.findtext("jobId") for job in rest.findall("Job")] == ["3"]


@pytest.mark.parametrize("wrong", [{"size": "x"}, {"size": 0}, {"size": 1001}, {"start": "-1"}, {"start": 1 << 31}])
def test_pages_that_no_list_has(api: Api, wrong: dict[str, str | int]) -> None:
    found = api.get("/ws/sci", **wrong)
    assert found.status == 400
    assert found.body.startswith('<sci_reply version="1.0"><error>Parameter')


def test_a_job_is_listed_with_what_was_sent(api: Api) -> None:
    start(api, "send_message", '<rci_request xmlns:x="urn:x"><x:b/><a>&lt;x</a><x:b/></rci_request>')
    start(api, "send_message", '<rci_request xml:lang="de"><reboot/></rci_request>')
    start(api, "reboot")
    found = ElementTree.fromstring(api.get("/ws/sci").body).findall("Job")
    first, second = (ElementTree.fromstring(job.findtext("jobRequestPayload") or "") for job in found[:2])
    assert [part.tag for part in first] == ["{urn:x}b", "a", "{urn:x}b"]
    assert first.findtext("a") == "<x"
    assert second.attrib == {"{http://www.w3.org/XML/1998/namespace}lang": "de"}
    assert [job.findtext("jobTargets") for job in found] == [f'<device id="{DEVICE}" />'] * 3
    assert found[2].findtext("jobRequestPayload") == ""


@pytest.mark.parametrize("declared", ["ISO-8859-1", "windows-1252", "UTF-8"])
def test_a_job_is_listed_in_the_characters_that_it_was_read_in(simulator: Simulator, declared: str) -> None:
    api = Api(simulator, {**BASIC, "accept": "application/json"})
    sent = request("cli", "<cli>Größe</cli>", synchronous="false").decode()
    text = f'<?xml version="1.0" encoding="{declared}"?>{sent}'
    assert api("POST", "/ws/sci", b"\xef\xbb\xbf" + text.encode()).status == 202
    assert api("POST", "/ws/sci", text.encode(declared)).status == 202
    assert [job["jobRequestPayload"] for job in api.get("/ws/sci").body["items"]] == ["<cli>Größe</cli>"] * 2


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


@pytest.mark.parametrize("written", [str.upper, str.lower])
def test_what_waits_is_for_a_device_however_its_id_was_written(
    simulator: Simulator, api: Api, written: Callable[[str], str]
) -> None:
    simulator.devices.disconnect(DEVICE)
    path = start(api, allowOffline="true", target=f'<device id="{written(DEVICE)}"/>')
    simulator.clock.advance(minutes=5)
    assert "in_progress" in api.get(path).body
    simulator.devices.connect(DEVICE)
    found = api.get(path).body
    assert f'<device id="{written(DEVICE)}"><targets>' in found


def test_what_waits_for_a_device_goes_on_however_that_is_connected(simulator: Simulator, api: Api) -> None:
    simulator.devices.disconnect(DEVICE)
    path = start(api, allowOffline="true")
    simulator.clock.advance(minutes=5)
    simulator.devices.update(DEVICE, name="x")
    assert "in_progress" in api.get(path).body
    simulator.devices.update(DEVICE, connection_status="connected")
    assert "<targets>" in api.get(path).body


def test_what_waits_for_a_device_ends_with_it(simulator: Simulator, api: Api) -> None:
    simulator.devices.disconnect(DEVICE)
    path = start(api, allowOffline="true")
    simulator.clock.advance(minutes=5)
    assert "in_progress" in api.get(path).body
    simulator.devices.remove(DEVICE)
    assert '<error id="303">' in api.get(path).body


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


def test_a_task_that_is_broken_off_begins_again(simulator: Simulator, api: Api) -> None:
    interrupts: list[BaseException] = [KeyboardInterrupt()]

    def is_interrupted_once(_: object) -> str:
        if interrupts:
            raise interrupts.pop()
        return "done"

    simulator.devices[DEVICE].on("get_time", is_interrupted_once)
    path = start(api, "data_service", device_request("get_time"))
    simulator.clock.advance(seconds=5)
    with pytest.raises(KeyboardInterrupt):
        simulator.tick()
    assert ">done<" in api.get(path).body


def stops(_: object) -> str:
    pytest.fail("no such <call>")


def exits(_: object) -> str:
    raise SystemExit(3)


@pytest.mark.parametrize(
    ("script", "raised", "told"),
    [
        (stops, pytest.fail.Exception, "Failed: no such &lt;call&gt;"),
        (exits, SystemExit, "SystemExit: 3"),
    ],
)
def test_a_script_that_ends_a_test_is_told_of_once(
    simulator: Simulator, api: Api, script: Callable[[object], str], raised: type[BaseException], told: str
) -> None:
    simulator.devices[DEVICE].on("get_time", script)
    path = start(api, "data_service", device_request("get_time"))
    after = start(api)
    simulator.clock.advance(seconds=5)
    with pytest.raises(raised):
        api.get("/ws/v1/devices/inventory")
    assert api.get("/ws/v1/devices/inventory").status == 200
    assert f'<error id="2000"><desc>The simulated device failed: {told}</desc></error>' in api.get(path).body
    assert "<targets>" in api.get(after).body


@pytest.mark.parametrize("script", [stops, exits])
@pytest.mark.parametrize("is_asked", [True, False])
def test_a_script_that_ends_a_test_does_not_end_the_server(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    script: Callable[[object], str],
    is_asked: bool,
) -> None:
    # Either it is the first request that comes upon the script, or the server while nobody asks.
    monkeypatch.setattr(server, "_TICK", 3600 if is_asked else 0.01)
    with Simulator(devices=0, clock=Clock(NOW, speed=0), port=0) as simulator:
        simulator.devices.add(DEVICE).on("get_time", script)
        for _ in range(2):
            caplog.clear()
            path = start(Api(simulator), "data_service", device_request("get_time"))
            simulator.clock.advance(seconds=5)
            if is_asked:
                with pytest.raises(urllib.error.HTTPError) as refused:
                    fetch(simulator.url + path)
                refused.value.close()
                assert refused.value.code == 500
            else:
                until(lambda: "broke off" in caplog.text)
            assert '<error id="2000">' in fetch(simulator.url + path)


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


def test_many_scripts_of_one_job_may_ask_the_simulator(simulator: Simulator, api: Api) -> None:
    for _ in range(150):
        simulator.devices.add()
    for device in simulator.devices:
        device.on("get_time", lambda request: api.get(f"/ws/v1/devices/inventory/{request.device['id']}").body["id"])
    path = start(api, "data_service", device_request("get_time"), target='<device id="all"/>')
    simulator.clock.advance(seconds=5)
    found = ElementTree.fromstring(api.get(path).body)
    assert found.findtext("status") == "complete"
    answered = {device.get("id"): device.findtext("requests/device_request") for device in found.iter("device")}
    assert answered == {device["id"]: device["id"] for device in simulator.devices}


def test_many_scripts_of_one_job_may_ask_the_server_that_they_are_run_by() -> None:
    with Simulator(devices=0, clock=Clock(NOW, speed=0), port=0) as simulator:
        url = simulator.url
        for _ in range(40):
            simulator.devices.add().on("get_time", lambda _: str("list" in fetch(f"{url}/ws/v1/groups/inventory")))
        path = start(Api(simulator), "data_service", device_request("get_time"), target='<device id="all"/>')
        simulator.clock.advance(seconds=5)
        assert finished(Api(simulator), path).count(">True<") == 40


def test_a_script_may_ask_the_server_that_it_is_run_by() -> None:
    with Simulator(devices=0, clock=Clock(NOW, speed=0), port=0) as simulator:
        url = simulator.url
        simulator.devices.add(DEVICE).on("get_time", lambda _: str(DEVICE in fetch(f"{url}/ws/v1/devices/inventory")))
        path = start(Api(simulator), "data_service", device_request("get_time"))
        # Cheap requests of a kind that was seen before are answered without a thread of their own.
        assert "in_progress" in fetch(url + path)
        assert "in_progress" in fetch(url + path)
        simulator.clock.advance(seconds=5)
        assert ">True<" in finished(Api(simulator), path)
