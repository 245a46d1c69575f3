"""The life of the fleet: devices connect, disconnect, report and drift in health as the clock goes on.

What a device is at a tick is computed (`rhythm`); what was applied so far is in the private table `x_life`: for each
device that lives the time of its first day (`anchor`), its next tick (`due`, both in epoch milliseconds), and in `held`
a connection that a test has laid down (1 connected, 0 not). So a data file goes on after a restart; of a pause of more
than a day, only the last day is lived. How often the devices of the service report is their owners' choice and not
public: the half hour is this simulator's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from digirm_runtime.query.values import from_milliseconds, milliseconds
from digirm_simulator import fleet
from digirm_simulator.collection import Collection
from digirm_simulator.rhythm import INTERVAL, TICKS, Day, Dice, moment_text
from digirm_simulator.store import Store
from digirm_simulator.world import NEVER, Change, World

NAME = "/devices/inventory"
TABLE = "id TEXT PRIMARY KEY, anchor INTEGER NOT NULL, due INTEGER NOT NULL, held INTEGER"

_MINUTE = 60_000
_DAY = TICKS * INTERVAL
#: At most so many devices, and so many milliseconds of their time, are in memory at once.
BATCH = 1000
SPAN = 12 * 60 * _MINUTE


class _Living(NamedTuple):
    """A row of the private table."""

    id: str
    anchor: int
    due: int
    held: int | None


def settle(world: World) -> None:
    """Give life to the devices that are stored, as a fleet that starts now. For the first state."""
    store, devices = world.store, world.resource(NAME)
    if devices is None:
        return
    born = milliseconds(world.now())
    with store.transaction() as connection:
        rows = []
        for (key,) in store.sql(f"SELECT id FROM {devices.collection.table} ORDER BY seq"):  # noqa: S608
            start = fleet.start(key, world.seed)
            if start.kind == "alive":
                due = born + start.phase
                rows.append((key, due - (start.slot + 1) * INTERVAL, due))
        connection.executemany("INSERT INTO x_life (id, anchor, due) VALUES (?, ?, ?)", rows)
        connection.execute("CREATE INDEX x_life_due ON x_life (due)")


class Life:
    """Brings the stored devices up to a time, and tells the world of what happened to them until then."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._devices = world.resource(NAME)
        self._next = 0
        if self._devices is not None:
            _skip(world.store, milliseconds(world.now()) - _DAY)
            world.observers.append(self._observe)

    def catch_up(self, now: datetime) -> None:
        """Let everything happen that is due until `now`; at once where nothing is.

        Changes are told in the order of their time, whether the clock went there in one step or in many, after the
        devices are stored as they are then. Safe to use from threads.
        """
        present = milliseconds(now)
        if present < self._next or self._devices is None:
            return
        # Batch by batch, so that others get at the store in between.
        while not self._is_done(present):
            pass

    def begin(self, key: str, now: datetime) -> None:
        """Let a device live from now on; within ten minutes it is connected."""
        due = milliseconds(now) + Dice(self._world.seed, key, "life").between(2 * _MINUTE, 10 * _MINUTE)
        with self._world.store.lock:
            self._world.store.sql("INSERT OR REPLACE INTO x_life (id, anchor, due) VALUES (?, ?, ?)", (key, due, due))
            self._next = min(self._next, due)

    def end(self, key: str) -> None:
        """Let a device stay as it is from now on."""
        self._world.store.sql("DELETE FROM x_life WHERE id = ?", (key,))

    def hold(self, key: str, connected: bool) -> None:
        """Keep the connection of a living device as it is until it begins anew; others do not change by themselves."""
        self._world.store.sql("UPDATE x_life SET held = ? WHERE id = ?", (connected, key))

    def _observe(self, _: World, change: Change) -> None:
        if change.name != NAME:
            return
        if change.kind == "delete":
            self.end(change.key)
        elif change.kind == "create" and change.by is not None:
            self.begin(change.key, change.at)

    def _is_done(self, present: int) -> bool:
        """Whether nothing is due; otherwise one batch is lived."""
        store = self._world.store
        with store.lock:
            with store.transaction():
                found: int | None = store.sql("SELECT min(due) FROM x_life")[0][0]
                due = NEVER if found is None else found
                if due <= present:
                    self._live(min(present, due + SPAN))
            # What was lived inside another's transaction may be undone with it: then all of it is due again.
            if not store.connection.in_transaction:
                self._next = due
            return due > present

    def _live(self, until: int) -> None:
        """One batch: the devices that are due first, until the time when one more would be due."""
        assert self._devices is not None
        store, collection = self._world.store, self._devices.collection
        full = store.sql("SELECT due FROM x_life WHERE due <= ? ORDER BY due LIMIT 1 OFFSET ?", (until, BATCH - 1))
        until = full[0][0] if full else until
        rows = store.sql("SELECT id, anchor, due, held FROM x_life WHERE due <= ?", (until,))
        changes: list[Change] = []
        next_ticks: list[tuple[int, str]] = []
        for device in map(_Living._make, rows):
            document = collection.get(device.id)
            if document is None:
                self.end(device.id)
                continue
            if lived := self._lived(device, document, until):
                collection.replace(lived[-1].after or {}, document)
                changes += lived
            next_ticks.append((device.due + ((until - device.due) // INTERVAL + 1) * INTERVAL, device.id))
        with store.transaction() as connection:
            connection.executemany("UPDATE x_life SET due = ? WHERE id = ?", next_ticks)
        self._tell(sorted(changes, key=lambda change: (change.at, change.key)), collection)

    def _tell(self, changes: Iterable[Change], collection: Collection) -> None:
        """Tell the world, one by one. A change shows how many alerts those before it have fired."""
        fired: dict[str, dict[str, Any]] = {}
        for change in changes:
            told = change
            if change.key in fired:
                before, after = ({**(state or {}), **fired[change.key]} for state in (change.before, change.after))
                told = change._replace(before=before, after=after)
            self._world.changed(told)
            if change.kind != "report":
                found = collection.get(change.key) or {}
                fired[change.key] = {"alerts": found["alerts"]} if "alerts" in found else {}

    def _lived(self, device: _Living, document: Mapping[str, Any], until: int) -> list[Change]:
        """What happens to one device, tick by tick."""
        seed, changes, day, today = self._world.seed, [], None, -1
        usual = fleet.start(device.id, seed).signal
        for moment in range(device.due, until + 1, INTERVAL):
            number, slot = divmod((moment - device.anchor) // INTERVAL, TICKS)
            if day is None or number != today:
                day, today = Day(seed, device.id, number), number
            connected = day.connected(slot) if device.held is None else bool(device.held)
            was = document.get("connection_status") == "connected"
            if not (was or connected):
                continue
            text = moment_text(moment)
            if not connected:
                kind, found = "disconnect", {"connection_status": "disconnected", "last_disconnect": text}
            else:
                kind, found = "report", {"health_status": day.health(slot), "last_update": text}
                if not was:
                    kind = "connect"
                    found |= {"connection_status": "connected", "last_connect": text}
                    if "last_connect" not in document:
                        found |= fleet.first_contact(device.id, seed, moment)
            after: dict[str, Any] = {**document, **found}
            if connected and fleet.is_cellular(after):
                after |= day.signal(slot, usual)
            changes.append(Change(kind, NAME, device.id, document, after, from_milliseconds(moment), None))
            document = after
        return changes


def _skip(store: Store, since: int) -> None:
    """Leave out the ticks before `since`."""
    store.sql(
        "UPDATE x_life SET due = due + ((?1 - due) / ?2 + 1) * ?2 WHERE due < ?1",
        (since, INTERVAL),
    )
