"""What a device does with each operation: what a test has scripted, or else what such a device would do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC
from typing import Any, NamedTuple

from digirm_runtime.xmltext import Value
from digirm_simulator import link
from digirm_simulator.sci import files, rci, xml
from digirm_simulator.sci.request import Addressed, Command, attribute, many
from digirm_simulator.sci.scripts import DeviceError, DeviceRequest, played
from digirm_simulator.world import World
from digirm_simulator.xmlchars import clean

NOT_FOUND = xml.error("Invalid target. Device not found.", 303)
NOT_CONNECTED = xml.error("Device Not Connected", 2001)
#: Of a device request for a target that nothing on the device has registered for.
_NO_TARGET = 2005


def number(operation: str) -> int:
    """The number of an operation, as jobs have it; the service's own numbers are not public."""
    return list(_OPERATIONS).index(operation)


class Result(NamedTuple):
    """What is inside the `<device>` of a reply, and whether it is a result and no error."""

    xml: str
    is_fine: bool


def run(world: World, command: Command, target: Addressed) -> Result:
    """Let one device do what is asked of it. No lock is held while a script runs."""
    if target.device is None:
        return Result(NOT_FOUND, is_fine=False)
    device = target.device
    try:
        if device.get("connection_status") != "connected":
            return _cached(world, command, device)
        if command.says("cache", "only"):
            return _cached(world, command, device)
        return Result(_done(world, command, device), is_fine=True)
    except DeviceError as error:
        return Result(error.xml(), is_fine=False)


def _done(world: World, command: Command, device: Mapping[str, Any]) -> str:
    scripts = world.scripts.get(device["id"], {})
    if command.operation in scripts:
        asked = DeviceRequest(device, command.operation, command.operation, dict(command.payload))
        return xml.inner(played(scripts[command.operation], asked))
    return _OPERATIONS[command.operation](world, command, device)


def _cached(world: World, command: Command, device: Mapping[str, Any]) -> Result:
    """What the service knows of a device that it does not ask."""
    commands = _rci(command)
    asks = command.operation == "send_message" and commands and all(name in rci.CACHED for name, _ in commands)
    if asks and (command.says("cache") or command.says("cache", "only")):
        return Result(_send_message(world, command, device), is_fine=True)
    return Result(NOT_CONNECTED, is_fine=False)


def _rci(command: Command) -> list[tuple[str, Value]]:
    """The commands of an `<rci_request>`."""
    request = command.payload.get("rci_request")
    if not isinstance(request, dict):
        return []
    return [(name, item) for name, value in request.items() if name[0] not in "@#" for item in many(value)]


def _send_message(world: World, command: Command, device: Mapping[str, Any]) -> str:
    commands = _rci(command)
    if not commands:
        raise DeviceError("Expected an rci_request with a command", 1)
    scripts = world.scripts.get(device["id"], {})
    answers = []
    for name, payload in commands:
        asked = DeviceRequest(device, command.operation, name, payload)
        if name in scripts:
            try:
                content = xml.inner(played(scripts[name], asked))
            except DeviceError as error:
                content = error.xml()
            answers.append(rci.wrapped(name, payload, content))
        else:
            answers.append(rci.answer(world, asked))
    return xml.wrap("rci_reply", {"version": "1.1"}, "".join(answers))


def _data_service(world: World, command: Command, device: Mapping[str, Any]) -> str:
    requests = command.payload.get("requests")
    sent = many(requests.get("device_request")) if isinstance(requests, dict) else []
    if not sent:
        raise DeviceError("Expected requests with a device_request", 1)
    return xml.wrap("requests", {}, "".join(_device_request(world, device, payload) for payload in sent))


def _device_request(world: World, device: Mapping[str, Any], payload: Value) -> str:
    name = attribute(payload, "target_name") or ""
    scripts = world.scripts.get(device["id"], {})
    if name in scripts:
        parts = played(scripts[name], DeviceRequest(device, "data_service", name, payload))
        status = parts.get("@status", "0")
        return xml.wrap("device_request", {"target_name": name, "status": str(status)}, xml.inner(parts))
    if name != "get_time":
        raise DeviceError(f"Nothing on the device is registered for '{name[:60]}'", _NO_TARGET)
    text = f"Time: {world.now().astimezone(UTC):%a %b %d %H:%M:%S %Y}\n"
    return xml.wrap("device_request", {"target_name": name, "status": "0"}, text)


def _cli(world: World, command: Command, device: Mapping[str, Any]) -> str:  # noqa: ARG001 - as the others
    said = command.text.strip()
    shown = {
        "show system": {
            "Model": device.get("type"),
            "Firmware Version": device.get("firmware_version"),
            "MAC Address": device.get("mac"),
            "Hostname": device.get("name"),
        },
        "show version": {"Firmware Version": device.get("firmware_version")},
    }
    if said not in shown:
        raise DeviceError(f"Unknown command: {said[:60]}" if said else "Expected a command", 1)
    lines = (f" {name:<18}: {value}\n" for name, value in shown[said].items() if value is not None)
    return xml.inner({"#text": clean("".join(lines))})


def _disconnect(world: World, command: Command, device: Mapping[str, Any]) -> str:  # noqa: ARG001 - as the others
    link.switch(world, device["id"], connected=False)
    return xml.wrap("disconnected", {}, "")


def _reboot(world: World, command: Command, device: Mapping[str, Any]) -> str:  # noqa: ARG001 - as the others
    link.reboot(world, device["id"])
    return ""


def _update_firmware(world: World, command: Command, device: Mapping[str, Any]) -> str:  # noqa: ARG001 - as the others
    if not ({"data", "file"} & command.payload.keys() or "filename" in command.attributes):
        raise DeviceError("Expected an image: data, file or filename", 1)
    return xml.wrap("submitted", {}, "")


def _firmware_targets(world: World, command: Command, device: Mapping[str, Any]) -> str:  # noqa: ARG001 - as the others
    about = {"name": "Firmware Image", "version": clean(str(device.get("firmware_version", "")))}
    return xml.inner({"targets": {"target": {"@number": "0", **about}}})


def _file_system(world: World, command: Command, device: Mapping[str, Any]) -> str:
    if not command.steps:
        raise DeviceError("Expected commands: ls, get_file, put_file or rm", 1)
    answers = (files.answer(world, device["id"], name, payload) for name, payload in command.steps)
    return xml.wrap("commands", {}, "".join(answers))


_OPERATIONS: Mapping[str, Callable[[World, Command, Mapping[str, Any]], str]] = {
    "cli": _cli,
    "data_service": _data_service,
    "disconnect": _disconnect,
    "file_system": _file_system,
    "query_firmware_targets": _firmware_targets,
    "reboot": _reboot,
    "send_message": _send_message,
    "update_firmware": _update_firmware,
}
