"""Commands and jobs against the simulator over a real port, with devices that say what the test lets them say."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digirm import AsyncClient, Client
from digirm_runtime.errors import BadRequest, NotFound
from digirm_runtime.sci import ALL, Result, SCIError, StoredPayload, Tag
from digirm_simulator import Clock, Simulator

AUTH = ("a", "b")
NOBODY = "00000000-00000000-112233FF-FF445566"
QUERY = {"rci_request": {"@version": "1.1", "query_state": None}}


@pytest.fixture
def clock() -> Clock:
    return Clock(speed=0)


@pytest.fixture
def simulator(clock: Clock) -> Iterator[Simulator]:
    with Simulator(devices=12, clock=clock, port=0) as running:
        yield running


@pytest.fixture
def rm(simulator: Simulator) -> Iterator[Client]:
    with Client(simulator.url, auth=AUTH) as client:
        yield client


def ids(rm: Client, status: str) -> list[str]:
    return [device["id"] for device in rm.devices.inventory.list(query=f"connection_status = '{status}'")]


def test_each_device_answers_for_itself(rm: Client, simulator: Simulator) -> None:
    on, off = ids(rm, "connected"), ids(rm, "disconnected")
    simulator.devices[on[0]].on("get_time", lambda request: f"Time of {request.device['id']}")
    results = rm.sci.get_time(ALL)
    assert {result.device_id for result in results} == {*on, *off}
    assert set(results.errors) == set(off)
    assert {str(error) for error in results.errors.values()} == {"2001 Device Not Connected"}
    [one] = rm.sci.get_time([on[0]]).raise_for_errors()
    assert one.text == f"Time of {on[0]}"
    assert [result.device_id for result in rm.sci.stream("reboot", on[:2])] == on[:2]


def test_targets(rm: Client) -> None:
    tagged = rm.devices.inventory.list(query="tags <> empty").first()
    assert tagged is not None
    tag = tagged["tags"][0]
    expected = {device["id"] for device in rm.devices.inventory.list() if tag in device.get("tags", ())}
    assert {result.device_id for result in rm.sci.get_time(Tag(tag))} == expected
    with pytest.raises(SCIError, match="No valid targets") as caught:
        rm.sci.get_time(Tag("no such tag"))
    assert len(caught.value.results) == 0
    with pytest.raises(SCIError, match="No valid targets") as caught:
        rm.sci.get_time(NOBODY)
    assert [str(error) for error in caught.value.results.errors.values()] == ["303 Invalid target. Device not found."]


def test_the_cache_answers_for_a_device_that_is_away(rm: Client) -> None:
    [away, *_] = ids(rm, "disconnected")
    assert rm.sci.send_message(away, QUERY).errors
    [result] = rm.sci.send_message(away, QUERY, cache="only").raise_for_errors()
    assert "rci_reply" in result.value


def test_a_stored_payload(rm: Client) -> None:
    [device, *_] = ids(rm, "connected")
    rm.request(
        "POST", "/ws/v1/files/inventory/~/my_commands/state.xml", body=b"<rci_request><query_state/></rci_request>"
    )
    [result] = rm.sci.send_message(device, StoredPayload("/~/my_commands/state.xml"))
    assert result.value == rm.sci.send_message(device, {"rci_request": {"query_state": None}})[0].value


def test_what_the_service_refuses(rm: Client) -> None:
    with pytest.raises(BadRequest):
        rm.sci.request("no_such_operation", ALL)


def test_a_job_goes_on_without_its_program(rm: Client, simulator: Simulator, clock: Clock) -> None:
    [device, *_] = ids(rm, "connected")
    job = rm.sci.reboot([device, NOBODY], synchronous=False)
    assert (job.status(), job.done()) == ("in_progress", False)
    with pytest.raises(SCIError, match="in_progress"):
        list(job.results())
    with Client(simulator.url, auth=AUTH) as other:
        clock.advance(minutes=1)
        again = other.sci.job(str(job.id))
        assert again.wait(poll=0.001).status() == "complete"
        first, second = again.results()
        assert first == Result(device, {})
        assert str(second.error) == "303 Invalid target. Device not found."
        assert [one["jobId"] for one in other.sci.jobs()] == [str(job.id)]
        again.delete()
        assert list(other.sci.jobs()) == []
    for call in (job.status, job.done, job.delete):
        with pytest.raises(NotFound):
            call()


def test_waiting_sees_the_end(rm: Client, clock: Clock) -> None:
    job = rm.sci.start("reboot", ids(rm, "connected")[:3])
    passed: list[float] = []

    def progress(seconds: float) -> None:
        passed.append(seconds)
        clock.advance(seconds=1)

    job.wait(poll=0.001, progress=progress)
    assert 1 <= len(passed) <= 3
    assert len(list(job.results())) == 3


def test_on_a_loop(simulator: Simulator, clock: Clock) -> None:
    async def main() -> None:
        async with AsyncClient(simulator.url, auth=AUTH) as rm:
            found = await rm.devices.inventory.list(query="connection_status = 'connected'").first()
            assert found is not None
            device = found["id"]
            assert (await rm.sci.get_time(device))[0].text.startswith("Time: ")
            assert "Model" in (await rm.sci.cli(device, "show system"))[0].text
            assert [result.device_id async for result in rm.sci.stream("reboot", device)] == [device]
            job = await rm.sci.start(
                "data_service", device, {"requests": {"device_request": {"@target_name": "get_time"}}}
            )
            assert await job.status() == "in_progress"
            clock.advance(minutes=1)
            await job.wait(poll=0.001)
            assert [result.device_id async for result in job.results()] == [device]
            assert [one["jobId"] async for one in rm.sci.jobs()] == [str(job.id)]
            await job.delete()
            with pytest.raises(NotFound):
                await rm.sci.job(job.id).done()

    asyncio.run(main())


def test_a_stream_that_is_left_gives_back_its_slot(simulator: Simulator) -> None:
    from digirm import Throttle

    with Client(simulator.url, auth=AUTH, throttle=Throttle((1000, 1), concurrent=1)) as rm:
        for _ in range(3):
            results = rm.sci.stream("reboot", ALL)
            next(iter(results))
            results.close()


def test_nothing_of_this_is_imported_before_it_is_used(tmp_path: Path) -> None:
    named = "[name for name in sys.modules if 'digirm_runtime.sci' in name or 'xml' in name]"
    code = f"import digirm, sys; digirm.Client('http://localhost', auth=('a', 'b')); print({named})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert done.stdout == "[]\n"
