"""Jobs, and the tasks that they are made of: one per device, whose end and outcome are settled when it starts.

What a task is at any moment follows from the clock alone. `catch_up` writes down those that have ended since, and tells
of the change of their job; runs and firmware updates follow their job's changes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any, NamedTuple

from digirm_runtime.query.values import from_milliseconds, milliseconds
from digirm_runtime.wire import SIMULATOR_HEADER, Response
from digirm_simulator import listing
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.collection import Order
from digirm_simulator.replies import Problem, empty_reply, json_reply
from digirm_simulator.resources import Resource
from digirm_simulator.sql import ALL
from digirm_simulator.values import time_text
from digirm_simulator.world import CUSTOMER_ID, NEVER, Behaviour, Call, World

NAME = "/jobs/inventory"
NOT_CONNECTED = "Device Not Connected"
_MAX_TARGETS = 10_000
_XML_ROWS = 1000
_XML_NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NO_XML = re.compile(r"[^\t\n\r -\uD7FF\uE000-\uFFFD\U00010000-\U0010FFFF]")

TABLES: Mapping[str, str] = {
    # `opened` is 1 until the end of a task is written down. Times are milliseconds since 1970.
    "tasks": "job INTEGER NOT NULL, device TEXT NOT NULL, starts INTEGER NOT NULL, ends INTEGER NOT NULL,"
    " outcome TEXT NOT NULL, error TEXT, opened INTEGER NOT NULL, PRIMARY KEY (job, device),"
    " UNIQUE (opened, ends, job, device)"
}


class Plan(NamedTuple):
    """What will become of one device's task: after how long, and how it ends."""

    device: str
    lasts: timedelta
    outcome: str
    error: str | None = None


class Task(NamedTuple):
    """One device's part of a job; `status` is `active` until it has ended."""

    device: str
    status: str
    start_time: str
    end_time: str | None
    error: str | None

    def document(self) -> dict[str, Any]:
        """The task as JSON."""
        keys = ("device_id", "status", "start_time", "end_time", "error_message")
        return {key: value for key, value in zip(keys, self, strict=True) if value is not None}


def inventory(world: World) -> Resource:
    """The stored jobs. Raises Problem 403 under a contract that has none."""
    return required(world, NAME)


def targets(call: Call, body: Any) -> list[dict[str, Any]]:
    """The devices that a body names as `targets.devices`, each once. Raises Problem 400 and 404."""
    found = body.get("targets") if isinstance(body, dict) else None
    named = found.get("devices") if isinstance(found, dict) else None
    if not isinstance(named, list) or not named or not all(isinstance(device, str) for device in named):
        raise Problem(400, "'targets.devices' must be a list of device ids")
    if len(named) > _MAX_TARGETS:
        raise Problem(400, f"'targets.devices' has at most {_MAX_TARGETS} ids")
    devices = required(call.world, "/devices/inventory")
    found_devices = []
    for device in dict.fromkeys(device.upper() for device in named):
        if (document := devices.collection.get(device)) is None:
            raise Problem(400, f"There is no device '{device}'")
        found_devices.append(document)
    return found_devices


def start(call: Call, kind: str, description: str, plans: Iterable[Plan]) -> dict[str, Any]:
    """Start a job of type `kind` now; the stored job."""
    jobs, began = inventory(call.world), milliseconds(call.now)
    number, count = jobs.collection.next_number(), 0
    for plan in plans:
        ends = began + round(plan.lasts / timedelta(milliseconds=1))
        row = (number, plan.device, began, ends, plan.outcome, plan.error)
        call.world.store.sql("INSERT INTO x_tasks VALUES (?, ?, ?, ?, ?, ?, 1)", row)
        call.world.wake(ends)
        count += 1
    document = {
        "customer_id": CUSTOMER_ID,
        "description": description,
        "device_count": count,
        "id": number,
        "job_status": "in_progress",
        "job_submit_time": time_text(call.now),
        "job_type": kind,
        "username": call.user.name,
    }
    return jobs.add(document, call.user.name)


def tasks(world: World, job: int, device: str | None = None) -> list[Task]:
    """The tasks of a job, or that of one device, in the order of the devices' ids."""
    one = "" if device is None else " AND device = ?"
    rows = world.store.sql(
        f"SELECT device, opened, outcome, starts, ends, error FROM x_tasks WHERE job = ?{one} ORDER BY device",  # noqa: S608
        (job,) if device is None else (job, device),
    )
    return [
        Task(
            name,
            "active" if opened else outcome,
            time_text(from_milliseconds(starts)),
            None if opened else time_text(from_milliseconds(ends)),
            error if outcome == "failed" and not opened else None,
        )
        for name, opened, outcome, starts, ends, error in rows
    ]


def catch_up(world: World, now: datetime) -> int:
    """Write down the tasks that have ended by now; when the next one ends."""
    moment, sql = milliseconds(now), world.store.sql
    with world.store.transaction():
        due = sql("SELECT DISTINCT job FROM x_tasks WHERE opened = 1 AND ends <= ? ORDER BY job", (moment,))
        sql("UPDATE x_tasks SET opened = 0 WHERE opened = 1 AND ends <= ?", (moment,))
        for (job,) in due:
            _write_down(world, job, None)
        found: int | None = sql("SELECT min(ends) FROM x_tasks WHERE opened = 1")[0][0]
    return NEVER if found is None else found


def cancel(call: Call, job: int | str, device: str | None = None) -> bool:
    """End the open tasks of a job, or that of one device, as canceled; whether there were any."""
    one = "" if device is None else " AND device = ?"
    rows = call.world.store.sql(
        "UPDATE x_tasks SET opened = 0, outcome = 'canceled', ends = ?"  # noqa: S608
        f" WHERE opened = 1 AND job = ?{one} RETURNING device",
        (milliseconds(call.now), job) if device is None else (milliseconds(call.now), job, device),
    )
    if rows:
        _write_down(call.world, job, call.user.name)
    return bool(rows)


def forget(world: World, job: int) -> None:
    """Remove what is known of a job's tasks."""
    world.store.sql("DELETE FROM x_tasks WHERE job = ?", (job,))


def _write_down(world: World, job: int | str, by: str | None) -> None:
    """Bring the state of a job's tasks into the job."""
    jobs = inventory(world)
    document = jobs.collection.get(str(job))
    if document is None:
        return
    counts = "SELECT opened, outcome, count(*), max(ends) FROM x_tasks WHERE job = ? GROUP BY 1, 2"
    rows = world.store.sql(counts, (job,))
    ended = {outcome: count for opened, outcome, count, _ in rows if not opened}
    document |= {f"{outcome}_count": count for outcome, count in sorted(ended.items())}
    if not any(opened for opened, *_ in rows):
        document["job_status"] = "canceled" if "canceled" in ended else "complete"
        document["job_complete_time"] = time_text(from_milliseconds(max(ends for *_, ends in rows)))
    jobs.change(str(job), document, by)


def _cancel_one(call: Call) -> Response:
    jobs = inventory(call.world)
    document = jobs.get(call.key)
    if not cancel(call, call.key):
        raise Problem(400, f"Job '{call.key}' is {document.get('job_status')}: there is nothing to cancel")
    return json_reply(jobs.get(call.key))


def _cancel_matching(call: Call) -> list[dict[str, Any]]:
    """Cancel the jobs in progress that the query selects; the jobs. Raises Problem 400 without a query."""
    jobs = inventory(call.world)
    condition = listing.selection(call, jobs.collection.fields, jobs.collection.columns)
    if condition is None:
        raise Problem(400, "Parameter 'query' is required")
    return [jobs.get(key) for key in jobs.collection.keys(condition) if cancel(call, key)]


def _cancel_by_put(call: Call) -> Response:
    found = _cancel_matching(call)
    return json_reply({"count": len(found), "list": found})


def _cancel_by_delete(call: Call) -> Response:
    _cancel_matching(call)
    return empty_reply()


def _delete(call: Call) -> Response:
    jobs = inventory(call.world)
    cancel(call, call.key)
    return jobs.delete(call)


def _xml(call: Call) -> Response:
    rows = inventory(call.world).collection.page(ALL, [Order("seq", True)], None, _XML_ROWS)
    lines = (f"<job>{_elements(json.loads(row.body))}</job>" for row in rows)
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<list count="{len(rows)}">{"".join(lines)}</list>\n'
    return Response(200, {"content-type": "application/xml", SIMULATOR_HEADER: "simulator"}, text.encode())


def _elements(document: Mapping[str, Any]) -> str:
    named = ((name, value) for name, value in document.items() if _XML_NAME.fullmatch(name))
    return "".join(f"<{name}>{escape(_NO_XML.sub('', str(value)), quote=False)}</{name}>" for name, value in named)


BEHAVIOURS: Mapping[str, Behaviour] = {
    "jobs.cancel": _cancel_one,
    "jobs.cancel_matching": _cancel_by_put,
    "jobs.delete": _delete,
    "jobs.delete_matching": _cancel_by_delete,
    "jobs.xml": _xml,
}
