"""What device commands (SCI) leave in the state: jobs with their tasks, files and settings of devices, and returns."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from digirm_simulator import link
from digirm_simulator.values import milliseconds
from digirm_simulator.world import NEVER, Change, World

_DEVICES = "/devices/inventory"
#: States of a task.
OPEN, RUNNING, DONE, FAILED = range(4)

TABLES: Mapping[str, str] = {
    "sci_jobs": "id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, user TEXT NOT NULL, request BLOB NOT NULL",
    # One per target; `due` is when it is done, in milliseconds since 1970, or never until its device connects.
    "sci_tasks": "job INTEGER NOT NULL, number INTEGER NOT NULL, device TEXT NOT NULL, due INTEGER NOT NULL,"
    " state INTEGER NOT NULL, ended INTEGER, reply TEXT, PRIMARY KEY (job, number), UNIQUE (state, due, job, number)",
    "device_files": "device TEXT NOT NULL, path TEXT NOT NULL, modified INTEGER NOT NULL, content BLOB NOT NULL,"
    " PRIMARY KEY (device, path)",
    # Groups of settings as JSON, by name and index.
    "device_settings": "device TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (device, name)",
    # The devices that are about to connect again after a reboot.
    "device_returns": "device TEXT PRIMARY KEY, due INTEGER NOT NULL",
}


def next_due(world: World) -> int:
    """When the next task of a job is to be done."""
    found: int | None = world.store.sql("SELECT min(due) FROM x_sci_tasks WHERE state = ?", (OPEN,))[0][0]
    return NEVER if found is None else found


def resume(world: World) -> None:
    """Take up what was going on when the state was left: what a task had begun, it begins again."""
    world.store.sql("UPDATE x_sci_tasks SET state = ? WHERE state = ?", (OPEN, RUNNING))
    world.commands_due = next_due(world)


def observe(world: World, change: Change) -> None:
    """A device that connects gets what waits for it; one that is removed takes what is its own with it."""
    if change.name != _DEVICES:
        return
    if change.after is None or (_is_connected(change.after) and not _is_connected(change.before)):
        now = milliseconds(change.at)
        # A task has the id as it was asked for.
        moved = world.store.sql(
            "UPDATE x_sci_tasks SET due = ?1 WHERE state = ?2 AND due = ?3 AND upper(device) = ?4 RETURNING job",
            (now, OPEN, NEVER, change.key.upper()),
        )
        if moved:
            world.commands_due = min(world.commands_due, now)
    if change.after is None:
        for table in ("files", "settings", "returns"):
            world.store.sql(f"DELETE FROM x_device_{table} WHERE device = ?", (change.key,))  # noqa: S608
        world.scripts.pop(change.key, None)


def _is_connected(device: Mapping[str, Any] | None) -> bool:
    return device is not None and device.get("connection_status") == "connected"


def catch_up(world: World, now: datetime) -> int:
    """Connect the devices whose reboot is over; when the next one is."""
    moment, sql = milliseconds(now), world.store.sql
    with world.store.transaction():
        for (key,) in sql("DELETE FROM x_device_returns WHERE due <= ? RETURNING device", (moment,)):
            link.switch(world, key, connected=True)
        found: int | None = sql("SELECT min(due) FROM x_device_returns")[0][0]
    return NEVER if found is None else found
