"""Requests that are not waited for: a job each, with a task for each device, done as the clock goes on."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from digirm_runtime.query.values import from_milliseconds
from digirm_runtime.wire import Response
from digirm_runtime.xmltext import XMLError
from digirm_simulator.behaviours.commands import DONE, FAILED, OPEN, RUNNING, next_due
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.other import Asked
from digirm_simulator.paging import size_of
from digirm_simulator.replies import Problem
from digirm_simulator.sci import operations, xml
from digirm_simulator.sci.operations import Result
from digirm_simulator.sci.request import Addressed, Command, RefusedError, described
from digirm_simulator.sci.request import read as read_request
from digirm_simulator.sci.scripts import DEVICE_FAILED, failure
from digirm_simulator.sci.stored import filled_in
from digirm_simulator.values import milliseconds, time_text
from digirm_simulator.world import CUSTOMER_ID, NEVER, World

_LOG = logging.getLogger(__name__)
#: So many jobs are kept; the oldest that are complete go.
KEPT = 1000
#: Milliseconds that a device takes for a task, from and to.
_DELAY = (200, 3000)
_OF_REPLY = {"all": "0", "errors": "1", "summary": "2", "none": "3"}
_NEW, _ACTIVE, _COMPLETE = "0", "1", "2"


class _Task(NamedTuple):
    """What is asked of one device; `due` is in epoch milliseconds."""

    job: int
    number: int
    device: str
    due: int
    request: bytes


#: What makes a reply of the results.
Complete = Callable[[Command, Iterable[tuple[Addressed, Result]]], str]


def start(asked: Asked, targets: Sequence[Addressed]) -> int:
    """Store a job with a task for each target; its number."""
    world, now = asked.world, milliseconds(asked.now)
    sql = world.store.sql
    with world.store.transaction() as connection:
        row = (now, asked.user.name, asked.body)
        number = connection.execute("INSERT INTO x_sci_jobs (at, user, request) VALUES (?, ?, ?)", row).lastrowid
        dice = world.random("sci", number)
        rows = [(number, at, target.id, now + dice.randrange(*_DELAY), OPEN) for at, target in enumerate(targets)]
        connection.executemany("INSERT INTO x_sci_tasks (job, number, device, due, state) VALUES (?, ?, ?, ?, ?)", rows)
        for (old,) in sql(
            "SELECT id FROM x_sci_jobs WHERE id <= ? - ? AND NOT EXISTS"
            " (SELECT 1 FROM x_sci_tasks WHERE job = id AND state IN (?, ?))",
            (number, KEPT, OPEN, RUNNING),
        ):
            _forget(world, old)
        world.commands_due = min([world.commands_due, *(due for *_, due, _ in rows)])
    assert number is not None
    return number


def run_due(world: World, now: datetime) -> None:
    """Do the tasks that are due by now, one by one, without the store's lock; nothing where that goes on already.

    So the script of one may ask this simulator, itself or through a server, and no other is begun within it.
    """
    if not world.commanding.acquire(blocking=False):
        return
    try:
        while task := _taken(world, milliseconds(now)):
            _run(world, task)
    finally:
        world.commanding.release()


def _taken(world: World, moment: int) -> _Task | None:
    """The first task that is due, begun."""
    with world.store.lock:
        taken = world.store.sql(
            "UPDATE x_sci_tasks SET state = ?1 WHERE rowid = (SELECT rowid FROM x_sci_tasks"
            " WHERE state = ?2 AND due <= ?3 ORDER BY due, job, number LIMIT 1)"
            " RETURNING job, number, device, due, (SELECT request FROM x_sci_jobs WHERE id = job)",
            (RUNNING, OPEN, moment),
        )
        if not taken:
            world.commands_due = next_due(world)
            return None
        return _Task(*taken[0])


def _run(world: World, task: _Task) -> None:
    """Do a task that was begun, or let it wait."""
    try:
        result = _do(world, task.request, task.device)
    except KeyboardInterrupt:
        # The process is told to end: should it not, the task begins again.
        _note(world, task, OPEN, task.due)
        raise
    except BaseException as error:
        # A script's `pytest.fail()` or `sys.exit()`: for whoever asks first, and not for each who asks later.
        _note(world, task, FAILED, task.due, failure(error).xml())
        raise
    with world.store.lock:
        if result is not None:
            _note(world, task, DONE if result.is_fine else FAILED, task.due, result.xml)
        else:
            _note(world, task, OPEN, NEVER if _is_offline(_device(world, task.device)) else task.due)


def _note(world: World, task: _Task, state: int, due: int, reply: str | None = None) -> None:
    """Write what became of a task; of a job that was deleted meanwhile nothing is left to be written."""
    world.store.sql(
        "UPDATE x_sci_tasks SET state = ?, due = ?, ended = ?, reply = ? WHERE job = ? AND number = ? AND state = ?",
        (state, due, None if reply is None else due, reply, task.job, task.number, RUNNING),
    )


def _do(world: World, request: bytes, device: str) -> Result | None:
    """What a task comes to; None where it has to wait until its device connects."""
    found = _device(world, device)
    try:
        command = filled_in(world, read_request(request))
    except (RefusedError, XMLError) as error:
        # The file with its payload is there no longer.
        return Result(xml.error(str(error), 1), is_fine=False)
    if _is_offline(found) and command.says("allowOffline"):
        return None
    try:
        return operations.run(world, command, Addressed(device, found))
    except Exception:
        # Else the task would neither end nor begin again.
        _LOG.exception("%s for %s failed", command.operation, device)
        return Result(xml.error("The simulator failed; its log says why", DEVICE_FAILED), is_fine=False)


def _device(world: World, id: str) -> dict[str, Any] | None:
    return required(world, "/devices/inventory").collection.get(id.upper())


def _is_offline(device: dict[str, Any] | None) -> bool:
    return device is not None and device.get("connection_status") != "connected"


def read(asked: Asked, text: str, complete: Complete) -> Response:
    """What a job has come to: 200, and as long as it goes on 202 for HEAD. Raises Problem 404."""
    number, request = _found(asked.world, text)
    rows = asked.world.store.sql(
        "SELECT device, state, reply FROM x_sci_tasks WHERE job = ? ORDER BY number", (number,)
    )
    if any(state in (OPEN, RUNNING) for _, state, _ in rows):
        return xml.sci_reply("<status>in_progress</status>", 202 if asked.method == "HEAD" else 200)
    results = [
        (Addressed(device, _device(asked.world, device)), Result(reply or "", is_fine=state == DONE))
        for device, state, reply in rows
    ]
    return xml.sci_reply(f"<status>complete</status>{complete(read_request(request), results)}")


def delete(asked: Asked, text: str) -> Response:
    """Remove a job; what has not begun of it does not happen any more. Raises Problem 404."""
    with asked.world.store.transaction():
        number, _ = _found(asked.world, text)
        _forget(asked.world, number)
    return xml.sci_reply("")


def listed(asked: Asked) -> Response:
    """A page of the jobs, the oldest first, in the form of the older API. Raises Problem 400."""
    from digirm_simulator.legacy.forms import page_reply
    from digirm_simulator.legacy.listing import heading, start_of

    begin, size = start_of(asked.params.get("start")), size_of(asked.params.get("size"))
    sql = asked.world.store.sql
    with asked.world.store.lock:
        [(total,)] = sql("SELECT count(*) FROM x_sci_jobs")
        rows = sql("SELECT id, at, user, request FROM x_sci_jobs ORDER BY id LIMIT ? OFFSET ?", (size, begin))
        found = [_described(asked.world, *row) for row in rows]
    head = heading(total, begin, len(found), size)
    return page_reply(asked, "Job", head, found)


def _described(world: World, number: int, at: int, user: str, request: bytes) -> dict[str, str]:
    command = read_request(request)
    rows = world.store.sql("SELECT state, count(*), max(ended) FROM x_sci_tasks WHERE job = ? GROUP BY 1", (number,))
    counts = {state: count for state, count, _ in rows}
    left = counts.get(OPEN, 0) + counts.get(RUNNING, 0)
    total = sum(counts.values())
    targets, payload = described(request)
    found: dict[str, Any] = {
        "jobId": number,
        "cstId": CUSTOMER_ID,
        "usrId": user,
        "jobType": operations.number(command.operation),
        "jobSyncMode": 1,
        "jobReplyMode": _OF_REPLY[command.attributes.get("reply", "all")],
        "jobTargets": targets,
        "jobRequestPayload": payload,
        "jobDescription": command.operation,
        "jobStatus": _COMPLETE if not left else _NEW if left == total else _ACTIVE,
        "jobSubmitTime": time_text(from_milliseconds(at)),
        "jobTargetCount": total,
        "jobProgressSuccess": counts.get(DONE, 0),
        "jobProgressFailures": counts.get(FAILED, 0),
    }
    if not left:
        found["jobCompleteTime"] = time_text(from_milliseconds(max((ended for *_, ended in rows if ended), default=at)))
    return {name: str(value) for name, value in found.items()}


def _found(world: World, text: str) -> tuple[int, bytes]:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
    rows = world.store.sql("SELECT id, request FROM x_sci_jobs WHERE id = ?", (number,))
    if not rows:
        raise Problem(404, f"There is no job '{text[:60]}'")
    return rows[0]


def _forget(world: World, number: int) -> None:
    world.store.sql("DELETE FROM x_sci_tasks WHERE job = ?", (number,))
    world.store.sql("DELETE FROM x_sci_jobs WHERE id = ?", (number,))
