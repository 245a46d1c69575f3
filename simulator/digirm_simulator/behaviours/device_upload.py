"""Devices from CSV: one per row, provisioned, or with `update` changed where they exist."""

from __future__ import annotations

import csv
import io
from typing import Any

from digirm_runtime.wire import Response
from digirm_simulator.behaviours.device_resource import LISTS, DeviceResource, device_id
from digirm_simulator.replies import Problem, json_reply
from digirm_simulator.resources import check_storable
from digirm_simulator.world import Call

_MAX_ROWS = 10_000
# Checked here: the csv module's own limit is of the whole process, and others set it.
_MAX_CELL = 100_000


def upload(call: Call) -> Response:
    """Take the rows of a CSV file whose header names fields; what fails is reported beside what does not.

    An empty cell says nothing, so that the answer of a bulk GET can be sent back. Raises Problem 400 for what is no
    such file.
    """
    devices = call.world.resource("/devices/inventory")
    if not isinstance(devices, DeviceResource):
        raise Problem(404, f"Nothing is stored at {call.raw_path}")
    may_update = call.params.flag("update")
    shown: list[dict[str, Any]] = []
    statuses: set[int] = set()
    for row in _rows(call.body, devices):
        try:
            with call.world.store.transaction():
                status, document = _take(row, devices, call, may_update)
        except Problem as problem:
            status = 207
            document = devices.refused(row, problem)
        shown.append(document)
        statuses.add(status)
    return json_reply({"count": len(shown), "list": shown}, max(statuses))


def _take(row: dict[str, Any], devices: DeviceResource, call: Call, may_update: bool) -> tuple[int, dict[str, Any]]:
    key = device_id(row.get("id"))
    if not may_update or devices.collection.get(key) is None:
        return 201, devices.make(row, call)
    document = devices.get(key)
    devices.apply(document, {name: value for name, value in row.items() if name != "id"}, call)
    devices.change(key, document, call.user.name)
    return 200, document


def _rows(body: bytes, devices: DeviceResource) -> list[dict[str, Any]]:
    try:
        text = body.decode("utf-8-sig")
        check_storable(text)
        header, *lines = (line for line in csv.reader(io.StringIO(text, newline=""), strict=True) if line)
    except (ValueError, csv.Error):
        raise Problem(400, "The body is not a CSV file with a header line, encoded as UTF-8") from None
    names = [name.strip() for name in header]
    if unknown := [name for name in names if name not in devices.known]:
        raise Problem(400, f"Unknown field '{unknown[0]}' in the header line")
    if "id" not in names or len(set(names)) != len(names):
        raise Problem(400, "The header line must name 'id', and each field once")
    if not 0 < len(lines) <= _MAX_ROWS:
        raise Problem(400, f"The body must hold 1 to {_MAX_ROWS} rows below its header line")
    for number, line in enumerate(lines, 2):
        if len(line) != len(names):
            raise Problem(400, f"Row {number} has {len(line)} cells; the header line has {len(names)}")
        if max(map(len, line)) > _MAX_CELL:
            raise Problem(400, f"A cell of row {number} has more than {_MAX_CELL} characters")
    writable = {"id", *devices.path.write_only, *(devices.path.writable or names)}
    return [
        {name: _value(name, cell) for name, cell in zip(names, line, strict=True) if cell and name in writable}
        for line in lines
    ]


def _value(name: str, cell: str) -> Any:
    """A cell as a bulk GET writes it."""
    if name in LISTS:
        return [tag.strip() for tag in cell.split(",") if tag.strip()]
    if name == "geoposition":
        try:
            latitude, longitude = (float(part) for part in cell.split(","))
            check_storable([latitude, longitude])
        except ValueError:
            raise Problem(400, "'geoposition' must be latitude, longitude") from None
        return {"coordinates": [longitude, latitude], "type": "Point"}
    return cell
