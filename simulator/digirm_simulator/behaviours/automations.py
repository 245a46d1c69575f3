"""Automations: definitions, and runs of them over devices, which are jobs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from digirm_runtime.wire import Response
from digirm_simulator.behaviours import jobs
from digirm_simulator.behaviours.jobs import NOT_CONNECTED, Plan, Task
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.replies import Problem, dumps, empty_reply, json_reply
from digirm_simulator.resources import Resource, read_json
from digirm_simulator.values import time_text
from digirm_simulator.world import CUSTOMER_ID, Behaviour, Call, Change, World

NAME, RUNS, SCHEDULES = "/automations/inventory", "/automations/runs/inventory", "/automations/schedules/inventory"
_JOB_TYPE = "automation"
_FIRST = ("Reboot script", "Nightly scan")
_UNREACHABLE = timedelta(seconds=30)

TABLES: Mapping[str, str] = {
    "runs": "run INTEGER PRIMARY KEY, job INTEGER NOT NULL UNIQUE, steps TEXT NOT NULL",
}


def seed(world: World) -> None:
    """Two automations to begin with."""
    if found := world.resource(NAME):
        found.collection.insert(
            {"customer_id": CUSTOMER_ID, "id": number, "name": name} for number, name in enumerate(_FIRST, 1)
        )


class Automations(Resource):
    """Automations: a name, and steps where they were sent."""

    def apply(self, document: dict[str, Any], changes: Any, call: Call) -> None:
        """Bring what was sent into one. Raises Problem 400 for what cannot be taken."""
        super().apply(document, changes, call)
        if not isinstance(document.get("name", ""), str):
            raise Problem(400, "'name' must be a text")
        steps = document.get("steps", [])
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise Problem(400, "'steps' must be a list of objects")


RESOURCES: Mapping[str, type[Resource]] = {NAME: Automations}


def _delete(call: Call) -> Response:
    """Remove an automation, and its runs and schedules where the parameters say so."""
    automations = required(call.world, NAME)
    automations.get(call.key)
    for flag, name in (("delete_runs", RUNS), ("delete_schedules", SCHEDULES)):
        resource = call.world.resource(name)
        if call.params.flag(flag) and resource is not None:
            found = [item for item in resource.collection.documents() if str(item.get("automation_id")) == call.key]
            for key in (str(item["id"]) for item in found):
                if name == RUNS:
                    _remove_run(call, key)
                else:
                    resource.remove(key, call.user.name)
    return automations.delete(call)


def _run(call: Call) -> Response:
    """Start a run of an automation, named by `id` or `name`, over the devices of `targets.devices`."""
    body = read_json(call.body)
    automation = _automation(call, body)
    devices = jobs.targets(call, body)
    runs = required(call.world, RUNS)
    number = runs.collection.next_number()
    text = f"Automation: {automation.get('name', automation['id'])}"
    job = jobs.start(call, _JOB_TYPE, text, [_plan(call.world, number, device) for device in devices])
    row = (number, job["id"], dumps(automation.get("steps", [])))
    call.world.store.sql("INSERT OR REPLACE INTO x_runs VALUES (?, ?, ?)", row)
    document = {
        "automation_id": automation["id"],
        "customer_id": CUSTOMER_ID,
        "device_count": len(devices),
        "id": number,
        "job_id": job["id"],
        "name": automation.get("name"),
        "start_time": time_text(call.now),
        "status": "active",
        "username": call.user.name,
    }
    present = {name: value for name, value in document.items() if value is not None}
    return json_reply(runs.add(present, call.user.name), 201)


def _automation(call: Call, body: Any) -> dict[str, Any]:
    automations = required(call.world, NAME)
    named = body if isinstance(body, dict) else {}
    for name in ("id", "name"):
        if isinstance(value := named.get(name), int | str) and not isinstance(value, bool):
            for item in automations.collection.documents():
                if str(item.get(name)) == str(value):
                    return item
            raise Problem(400, f"There is no automation with {name} '{value}'")
    raise Problem(400, "'id' or 'name' must say which automation to run")


def _plan(world: World, run: int, device: Mapping[str, Any]) -> Plan:
    key = str(device["id"])
    if device.get("connection_status") != "connected":
        return Plan(key, _UNREACHABLE, "failed", NOT_CONNECTED)
    return Plan(key, timedelta(milliseconds=world.random("run", run, key).randrange(2_000, 90_000)), "successful")


def observe(world: World, change: Change) -> None:
    """Bring the state of a job into its run."""
    if change.name != jobs.NAME or not change.after or change.after.get("job_type") != _JOB_TYPE:
        return
    runs, job = world.resource(RUNS), change.after
    found = world.store.sql("SELECT run FROM x_runs WHERE job = ?", (job["id"],))
    document = runs.collection.get(str(found[0][0])) if found and runs is not None else None
    if document is None or runs is None or change.kind != "update":
        return
    document |= {name: value for name, value in job.items() if name.endswith("_count")}
    if "job_complete_time" in job:
        document["end_time"] = job["job_complete_time"]
        failed = bool(job.get("failed_count"))
        document["status"] = "canceled" if job["job_status"] == "canceled" else "failed" if failed else "successful"
    runs.change(str(document["id"]), document, change.by)


def _job(call: Call) -> int:
    """The job of the run that a path names as `id`. Raises Problem 404."""
    document = required(call.world, RUNS).get(call.args["id"])
    found = call.world.store.sql("SELECT job FROM x_runs WHERE run = ?", (str(document["id"]),))
    return int(found[0][0]) if found else 0


def _cancel(call: Call) -> Response:
    runs, job = required(call.world, RUNS), _job(call)
    if not jobs.cancel(call, job):
        raise Problem(400, f"Run '{call.key}' is not active: there is nothing to cancel")
    return json_reply(runs.get(call.key))


def _delete_run(call: Call) -> Response:
    _remove_run(call, call.key)
    return empty_reply()


def _remove_run(call: Call, key: str) -> None:
    """Remove a run with what is known of its devices; one that is active is canceled first. Raises Problem 404."""
    runs = required(call.world, RUNS)
    runs.get(key)
    for (job,) in call.world.store.sql("SELECT job FROM x_runs WHERE run = ?", (key,)):
        jobs.cancel(call, job)
        jobs.forget(call.world, job)
    call.world.store.sql("DELETE FROM x_runs WHERE run = ?", (key,))
    runs.remove(key, call.user.name)


def _status(call: Call) -> Response:
    found = [task.document() for task in jobs.tasks(call.world, _job(call))]
    return json_reply({"count": len(found), "list": found})


def _task(call: Call) -> Task:
    found = jobs.tasks(call.world, _job(call), call.args["device_id"].upper())
    if not found:
        raise Problem(404, f"Run '{call.args['id']}' has no device '{call.args['device_id']}'")
    return found[0]


def _device_status(call: Call) -> Response:
    return json_reply(_task(call).document())


def _results(call: Call) -> Response:
    """What became of each step on one device: what a step gives out is not simulated."""
    task = _task(call)
    rows = call.world.store.sql("SELECT steps FROM x_runs WHERE run = ?", (call.args["id"],))
    steps = json.loads(rows[0][0]) if rows else []
    if task.status != "successful":
        # A device that cannot be reached fails at the first step, and none is tried after it.
        steps = steps[:1] if task.status == "failed" else []
    results = [{**step, "status": task.status} for step in steps]
    return json_reply({**task.document(), "results": results})


BEHAVIOURS: Mapping[str, Behaviour] = {
    "automations.cancel": _cancel,
    "automations.delete": _delete,
    "automations.delete_run": _delete_run,
    "automations.device_status": _device_status,
    "automations.results": _results,
    "automations.run": _run,
    "automations.status": _status,
}
