"""Firmware updates, which run as jobs, and the firmware that an account keeps."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from digirm_runtime.query.values import from_milliseconds, instant, milliseconds
from digirm_runtime.wire import Response
from digirm_simulator.behaviours import jobs, timeline
from digirm_simulator.behaviours.jobs import NOT_CONNECTED, Plan
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.replies import Problem, dumps, empty_reply, json_reply
from digirm_simulator.resources import Resource, read_json
from digirm_simulator.values import time_text
from digirm_simulator.world import CUSTOMER_ID, Behaviour, Call, Change, World

NAME, HISTORY = "/firmware_updates/inventory", "/firmware_updates/history"
STORED = "/firmware/inventory"
_JOB_TYPE = "firmware_update"
_VERSION_LENGTH = 200
_VENDOR = re.compile(r"[0-9A-Fa-f]{1,8}")

# As recorded: the size of the image, that of one part, when parts are reported, and how long an unreachable device is
# waited for.
_SIZE, _PART, _EACH = 461_657, 23_552, timedelta(seconds=17)
_FIRST_PART = timedelta(seconds=2)
_PARTS = -(-_SIZE // _PART)
_LASTS = _FIRST_PART + _EACH * _PARTS
_UNREACHABLE = timedelta(milliseconds=253_950)

TABLES: Mapping[str, str] = {
    "firmware_updates": "seq INTEGER PRIMARY KEY AUTOINCREMENT, device TEXT NOT NULL, job INTEGER NOT NULL,"
    " at INTEGER NOT NULL, opened INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (device, at, seq), UNIQUE (job, device)"
}


def _updates(world: World) -> Resource:
    return required(world, NAME)


def _start(call: Call) -> Response:
    """Start an update for each device that the body names; one that is being updated is refused."""
    body = read_json(call.body)
    devices = jobs.targets(call, body)
    what = {name: body[name] for name in ("version", "file") if body.get(name) is not None}
    if len(what) != 1 or not all(isinstance(item, str) and 0 < len(item) <= _VERSION_LENGTH for item in what.values()):
        raise Problem(400, "Either 'version' or 'file' must say which firmware to install")
    updates = _updates(call.world)
    ready, answers = [], {}
    for device in devices:
        key = str(device["id"])
        if (updates.collection.get(key) or {}).get("status") == "active":
            problem = Problem(400, "An update of this device is active", {"device_id": key})
            if len(devices) == 1:
                raise problem
            answers[key] = problem.document()
        else:
            ready.append(device)
    if ready:
        job = jobs.start(call, _JOB_TYPE, f"Firmware update: {next(iter(what.values()))}", map(_plan, ready))
        for device in ready:
            answers[str(device["id"])] = _begin(call, str(device["id"]), job["id"], what)
    found = [answers[str(device["id"])] for device in devices]
    return json_reply({"count": len(found), "list": found}, 201 if len(ready) == len(devices) else 207)


def _plan(device: Mapping[str, Any]) -> Plan:
    if device.get("connection_status") == "connected":
        return Plan(str(device["id"]), _LASTS, "successful")
    return Plan(str(device["id"]), _UNREACHABLE, "failed", NOT_CONNECTED)


def _begin(call: Call, device: str, job: int, what: Mapping[str, str]) -> dict[str, Any]:
    """Store a new update: as the device's current one, and in its history."""
    sql, updates = call.world.store.sql, _updates(call.world)
    row = (device, job, milliseconds(call.now))
    [(number,)] = sql(
        "INSERT INTO x_firmware_updates (device, job, at, opened, body) VALUES (?, ?, ?, 1, '') RETURNING seq", row
    )
    document = {
        "customer_id": CUSTOMER_ID,
        "device_id": device,
        "id": number,
        "start_time": time_text(call.now),
        "status": "active",
        **what,
    }
    sql("UPDATE x_firmware_updates SET body = ? WHERE seq = ?", (dumps(document), number))
    if updates.collection.get(device) is None:
        updates.add(document, call.user.name)
    else:
        updates.change(device, document, call.user.name)
    return document


def observe(world: World, change: Change) -> None:
    """Bring the ends of a job's tasks into its updates, and a new version into its device."""
    if change.name != jobs.NAME or not change.after or change.after.get("job_type") != _JOB_TYPE:
        return
    rows = world.store.sql(
        "SELECT seq, body FROM x_firmware_updates WHERE job = ? AND opened = 1 ORDER BY seq", (change.after["id"],)
    )
    tasks = {task.device: task for task in jobs.tasks(world, change.after["id"])} if rows else {}
    for number, body in rows:
        document = json.loads(body)
        task = tasks[document["device_id"]]
        if task.end_time is not None:
            document |= {"end_time": task.end_time, "status": task.status}
            if task.error is not None:
                document["error_message"] = task.error
            world.store.sql(
                "UPDATE x_firmware_updates SET opened = 0, body = ? WHERE seq = ?", (dumps(document), number)
            )
            _finish(world, document, change.by)


def _finish(world: World, document: Mapping[str, Any], by: str | None) -> None:
    key, updates = document["device_id"], _updates(world)
    if (updates.collection.get(key) or {}).get("id") == document["id"]:
        updates.change(key, document, by)
    devices = world.resource("/devices/inventory")
    device = devices.collection.get(key) if devices else None
    if devices and device and document["status"] == "successful" and "version" in document:
        devices.change(key, device | {"firmware_version": document["version"]}, by)


def _history(call: Call) -> Response:
    _known(call)
    return timeline.page(call, timeline.stored("x_firmware_updates", "device = ?", (call.key,), down=True))


def _known(call: Call) -> None:
    devices = call.world.resource("/devices/inventory")
    ever = call.world.store.sql("SELECT 1 FROM x_firmware_updates WHERE device = ? LIMIT 1", (call.key,))
    if not ever and (devices is None or devices.collection.get(call.key) is None):
        raise Problem(404, f"There is no device '{call.key}'")


def _forget(call: Call) -> Response:
    """Remove a device's updates that have ended, with their tasks."""
    _known(call)
    sql, updates = call.world.store.sql, _updates(call.world)
    gone = sql("DELETE FROM x_firmware_updates WHERE device = ? AND opened = 0 RETURNING job, seq", (call.key,))
    if gone:
        call.world.changed(Change("delete", HISTORY, call.key, {"device_id": call.key}, None, call.now, call.user.name))
    current = (updates.collection.get(call.key) or {}).get("id")
    for job, number in gone:
        sql("DELETE FROM x_tasks WHERE job = ? AND device = ?", (job, call.key))
        if number == current:
            updates.remove(call.key, call.user.name)
    return empty_reply()


def _cancel(call: Call) -> Response:
    updates = _updates(call.world)
    document = updates.get(call.key)
    [*open_jobs] = call.world.store.sql(
        "SELECT job FROM x_firmware_updates WHERE device = ? AND opened = 1", (call.key,)
    )
    if not open_jobs:
        raise Problem(400, f"The update of '{call.key}' is {document.get('status')}: there is nothing to cancel")
    jobs.cancel(call, open_jobs[0][0], call.key)
    return json_reply(updates.get(call.key))


def _progress(call: Call) -> Response:
    """What the device's current update has reported until now, or until its end."""
    document = _updates(call.world).get(call.key)
    began, ended = instant(document.get("start_time")), instant(document.get("end_time"))
    reports = [(timedelta(0), 0, "Getting Target Info")]
    if error := _error_of(call, document):
        reports.append((_UNREACHABLE, 0, error))
    else:
        reports.append((timedelta(seconds=1), 0, "Sending Download Request"))
        for part in range(1, _PARTS + 1):
            text = f"Sending Data: {min(part * _PART, _SIZE)} out of {_SIZE} bytes sent"
            reports.append((_FIRST_PART + (part - 1) * _EACH, 100 * part // _PARTS, text))
    until = from_milliseconds(ended) if ended is not None else call.now
    start = from_milliseconds(began) if began is not None else call.now
    progress = [
        {"message": message, "status": percent, "time": time_text(start + after)}
        for after, percent, message in reports
        if after <= until - start
    ]
    named = {name: document[name] for name in ("customer_id", "device_id", "id") if name in document}
    return json_reply({**named, "progress": progress})


def _error_of(call: Call, document: Mapping[str, Any]) -> str | None:
    """What an update fails with, or would have, had it not been canceled."""
    rows = call.world.store.sql(
        "SELECT t.error FROM x_firmware_updates u JOIN x_tasks t ON t.job = u.job AND t.device = u.device"
        " WHERE u.device = ? ORDER BY u.seq DESC LIMIT 1",
        (call.key,),
    )
    return rows[0][0] if rows else document.get("error_message")


def _vendor(call: Call) -> int:
    text = call.args["vendor_id"]
    if not _VENDOR.fullmatch(text):
        raise Problem(400, f"'{text}' is no vendor id: hexadecimal digits such as FE080003")
    return int(text, 16)


def _versions(call: Call) -> list[dict[str, Any]]:
    """The stored firmware of a vendor and type."""
    vendor, kind = _vendor(call), call.args["type"]
    found = required(call.world, STORED).collection.documents()
    return [item for item in found if item.get("vendor_id") == vendor and item.get("type") == kind]


def _list_type(call: Call) -> Response:
    found = _versions(call)
    return json_reply({"count": len(found), "list": found})


def _upload(call: Call) -> Response:
    """Keep what is known of an uploaded image; nothing gives back the image itself, so that it is not stored."""
    stored, version = required(call.world, STORED), _version(call)
    if any(document.get("firmware_version") == version for document in _versions(call)):
        raise Problem(400, f"Version '{version}' exists already")
    if not call.body:
        raise Problem(400, "The body must be the firmware's image")
    document: dict[str, Any] = {
        "customer_id": CUSTOMER_ID,
        "deprecated": call.params.flag("deprecated"),
        "file_size": len(call.body),
        "firmware_version": version,
        "id": stored.collection.next_number(),
        "production": call.params.flag("production"),
        "sha3_512": hashlib.sha3_512(call.body).hexdigest(),
        "sha_512": hashlib.sha512(call.body).hexdigest(),
        "type": call.args["type"],
        "update_time": time_text(call.now),
        "vendor_id": _vendor(call),
    }
    for name in ("filename", "information_link", "security_related"):
        if text := call.params.get(name):
            document[name] = text
    return json_reply(stored.add(document, call.user.name))


def _remove(call: Call) -> Response:
    version = _version(call)
    for document in _versions(call):
        if document.get("firmware_version") == version:
            required(call.world, STORED).remove(str(document["id"]), call.user.name)
            return empty_reply()
    raise Problem(404, f"There is no version '{version}'")


def _version(call: Call) -> str:
    version = (call.params.get("firmware_version") or "").strip()
    if not version:
        raise Problem(400, "Parameter 'firmware_version' is required")
    return version


BEHAVIOURS: Mapping[str, Behaviour] = {
    "firmware.of_type": _list_type,
    "firmware.remove": _remove,
    "firmware.upload": _upload,
    "firmware_updates.cancel": _cancel,
    "firmware_updates.forget": _forget,
    "firmware_updates.history": _history,
    "firmware_updates.progress": _progress,
    "firmware_updates.start": _start,
}
