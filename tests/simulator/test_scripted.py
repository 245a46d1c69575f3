"""Devices that answer as a test has told them to."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element, SubElement

import pytest

from digirm_simulator import Clock, Simulator
from digirm_simulator.sci.scripts import DeviceError, DeviceRequest
from tests.simulator.sci_support import DEVICE, device_request, rci, said
from tests.simulator.support import NOW, Api


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    made = Simulator(devices=0, clock=Clock(NOW, speed=0))
    made.devices.add(DEVICE)
    yield made
    made.close()


def element() -> Element:
    found = Element("when")
    SubElement(found, "day").text = "1 < 2"
    return found


@pytest.mark.parametrize(
    ("script", "content"),
    [
        ("a & b", ' status="0">a &amp; b</device_request>'),
        ("", ' status="0"/>'),
        (None, ' status="0"/>'),
        (7, ' status="0">7</device_request>'),
        ({"day": ["1", "2"]}, ' status="0"><day>1</day><day>2</day></device_request>'),
        ({"@status": 5, "#text": "no"}, ' status="5">no</device_request>'),
        (element(), ' status="0"><when><day>1 &lt; 2</day></when></device_request>'),
        (lambda request: f"{request.name} {request.text}", ' status="0">get_time x</device_request>'),
    ],
)
def test_what_a_script_may_give(simulator: Simulator, api: Api, script: Any, content: str) -> None:
    simulator.devices[DEVICE].on("get_time", script)
    found = said(api, "data_service", device_request("get_time", "x"))
    assert found == f'<requests><device_request target_name="get_time"{content}</requests>'


def test_what_a_script_is_given(simulator: Simulator, api: Api) -> None:
    seen: list[DeviceRequest] = []

    def answer(request: DeviceRequest) -> dict[str, Any]:
        seen.append(request)
        return {"done": None}

    simulator.devices[DEVICE].on("set_setting", answer).on("cli", answer)
    assert said(api, "send_message", rci("<set_setting><a><b>1</b></a></set_setting>")) == (
        '<rci_reply version="1.1"><set_setting><done/></set_setting></rci_reply>'
    )
    assert said(api, "cli", "<execute>x</execute>") == "<done/>"
    first, second = seen
    assert (first.device["id"], first.operation, first.name) == (DEVICE, "send_message", "set_setting")
    assert first.payload == {"a": {"b": "1"}}
    assert (second.operation, second.name, second.payload) == ("cli", "cli", {"execute": "x"})


def raising(_: DeviceRequest) -> str:
    raise DeviceError("Busy <now>", 2100)


@pytest.mark.parametrize(
    "script", [DeviceError("Busy <now>", 2100), raising, lambda _: DeviceError("Busy <now>", 2100)]
)
def test_errors_of_a_device(simulator: Simulator, api: Api, script: Any) -> None:
    error = '<error id="2100"><desc>Busy &lt;now&gt;</desc></error>'
    simulator.devices[DEVICE].on("get_time", script).on("reboot", script).on("query_state", script)
    assert said(api, "data_service", device_request("get_time")) == error
    assert said(api, "reboot") == error
    assert said(api, "send_message", rci("<query_state/>")) == (
        f'<rci_reply version="1.1"><query_state>{error}</query_state></rci_reply>'
    )


@pytest.mark.parametrize("script", [lambda _: 1 / 0, "\0", {"no name": "x"}, {"a": object()}, lambda: "too few"])
def test_a_script_that_fails_is_a_device_that_fails(
    simulator: Simulator, api: Api, caplog: pytest.LogCaptureFixture, script: Any
) -> None:
    simulator.devices[DEVICE].on("get_time", script)
    with caplog.at_level(logging.ERROR):
        assert said(api, "data_service", device_request("get_time")).startswith('<error id="2000"><desc>')
    assert DEVICE in caplog.text


def test_scripts_can_be_taken_away(simulator: Simulator, api: Api) -> None:
    device = simulator.devices[DEVICE].on("get_time", "x").on("reboot", "y")
    assert "x" in said(api, "data_service", device_request("get_time"))
    device.off("get_time").off("never there")
    assert "Time: " in said(api, "data_service", device_request("get_time"))
    simulator.devices[DEVICE].off()
    assert said(api, "reboot") == ""


def test_scripts_go_with_their_device(simulator: Simulator, api: Api) -> None:
    simulator.devices[DEVICE].on("get_time", "x")
    simulator.devices.remove(DEVICE)
    simulator.devices.add(DEVICE)
    assert "Time: " in said(api, "data_service", device_request("get_time"))


def test_a_device_is_still_a_dict(simulator: Simulator) -> None:
    device = simulator.devices[DEVICE]
    assert isinstance(device, dict)
    assert device == dict(device) == simulator.devices.get(DEVICE)
    simulator.put("/ws/v1/devices/inventory", {**device, "name": "x"})
    simulator.put("/ws/v1/devices/inventory", device)
    assert next(iter(simulator.devices)) == device


def test_others_are_served_while_a_script_runs(simulator: Simulator, api: Api) -> None:
    def asks_another(_: DeviceRequest) -> str:
        statuses: list[int] = []
        path = f"/ws/v1/devices/inventory/{DEVICE}"
        other = threading.Thread(target=lambda: statuses.append(api("PUT", path, {"name": "x"}).status))
        other.start()
        other.join(20)
        return str(statuses)

    simulator.devices[DEVICE].on("get_time", asks_another)
    assert "[200]" in said(api, "data_service", device_request("get_time"))
