"""The fleet as a test sees and changes it: `Simulator.devices`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Any

from digirm_simulator import fleet, link
from digirm_simulator.behaviours.device_resource import DeviceResource, device_id, every
from digirm_simulator.life import NAME, Life
from digirm_simulator.replies import Problem
from digirm_simulator.resources import check_storable
from digirm_simulator.rhythm import Day
from digirm_simulator.values import milliseconds, time_text
from digirm_simulator.world import World

if TYPE_CHECKING:
    from digirm_simulator.sci.scripts import Script

_STATUSES = ("connected", "disconnected")


class Device(dict[str, Any]):
    """A device as it is stored, a copy, and what the device itself answers to commands."""

    def __init__(self, document: dict[str, Any], scripts: dict[str, dict[str, Script]]) -> None:
        super().__init__(document)
        self._scripts = scripts

    def on(self, name: str, script: Script) -> Device:
        """Let the device answer a command so, from now on; the device.

        `name` is the target of a `device_request` (`get_time`), a command of an `rci_request` (`query_state`), or an
        operation (`reboot`). `script` is a text, a dict of elements, an Element, or a DeviceError; or a function that
        is given a DeviceRequest and gives, or raises, one of these.
        """
        self._scripts.setdefault(self["id"], {})[name] = script
        return self

    def off(self, name: str | None = None) -> Device:
        """Let the device answer a command as others do again; without a name, all commands."""
        if name is None:
            self._scripts.pop(self["id"], None)
        else:
            self._scripts.get(self["id"], {}).pop(name, None)
        return self


class Devices:
    """The devices of a simulator. What it gives are copies; what it changes, clients see, events and alerts included.

    A device that is added here stays as it is until it is changed here or by a client, or told to `live`. Ids that no
    device has raise KeyError, fields and values that no device can have ValueError. Raises LookupError where the
    simulator's contract has no devices.
    """

    def __init__(self, world: World, life: Life, catch_up: Callable[[], None]) -> None:
        found = world.resource(NAME)
        if not isinstance(found, DeviceResource):
            raise LookupError("the simulator's contract has no devices")
        self._world = world
        self._life = life
        self._catch_up = catch_up
        self._stored = found

    def __len__(self) -> int:
        count: int = self._world.store.sql(f"SELECT count(*) FROM {self._stored.collection.table}")[0][0]  # noqa: S608
        return count

    def __iter__(self) -> Iterator[Device]:
        """All devices as they are now, in the order of their creation."""
        self._catch_up()
        return map(self._given, every(self._stored.collection))

    def __contains__(self, id: object) -> bool:
        return isinstance(id, str) and self._find(id) is not None

    def __getitem__(self, id: str) -> Device:
        """The device with this id as it is now. Raises KeyError."""
        self._catch_up()
        return self._given(self._stored_as(id))

    def get(self, id: str) -> Device | None:
        """The device with this id as it is now; None where there is none."""
        self._catch_up()
        return None if (found := self._find(id)) is None else self._given(found)

    def add(self, id: str | None = None, **fields: Any) -> Device:
        """Add a device, with an id of the simulator's choice where none is given, and give it back as it is stored.

        It is connected, and looks like one that is, unless `connection_status="disconnected"` says otherwise: then it
        is one that never was. Raises ValueError for an id that exists or is none.
        """
        with self._changing():
            key = self._free_id() if id is None else _valid(id)
            document = fleet.new_device(key)
            if fields.get("connection_status", "connected") == "connected":
                now = self._world.now()
                text = time_text(now)
                document |= fleet.first_contact(key, self._world.seed, milliseconds(now))
                document |= {"connection_status": "connected", "health_status": "normal"}
                document |= {"last_connect": text, "last_update": text}
                if fleet.is_cellular(document):
                    document |= Day(self._world.seed, key, 0).signal(0, fleet.start(key, self._world.seed).signal)
            self._set(document, fields)
            try:
                return self._given(self._stored.add(document, None))
            except Problem as problem:
                raise ValueError(problem.message) from None

    def update(self, id: str, **fields: Any) -> Device:
        """Set fields of a device, None to unset one, and give it back. Raises KeyError, and ValueError.

        One that lives reports on: its signal, its health and its times are soon its own again.
        """
        with self._changing():
            document = self._stored_as(id)
            self._set(document, fields)
            if "connection_status" in fields:
                self._life.hold(document["id"], document["connection_status"] == "connected")
                link.stay(self._world, document["id"])
            self._stored.change(document["id"], document, None)
        return self._given(document)

    def remove(self, id: str) -> None:
        """Remove a device. Raises KeyError."""
        with self._changing():
            self._stored.remove(self._stored_as(id)["id"], None)

    def connect(self, id: str) -> Device:
        """Let a device be connected, and stay so. Raises KeyError."""
        return self._switch(id, connected=True)

    def disconnect(self, id: str) -> Device:
        """Let a device be disconnected, and stay so. Raises KeyError."""
        return self._switch(id, connected=False)

    def live(self, id: str) -> None:
        """Let a device connect within minutes, report, and come and go by itself from then on. Raises KeyError."""
        self._life.begin(self[id]["id"], self._world.now())

    def _switch(self, id: str, *, connected: bool) -> Device:
        with self._changing():
            key = self._stored_as(id)["id"]
            self._life.hold(key, connected)
            return self._given(link.switch(self._world, key, connected=connected) or {})

    def _given(self, document: dict[str, Any]) -> Device:
        return Device(document, self._world.scripts)

    def _set(self, document: dict[str, Any], fields: dict[str, Any]) -> None:
        for name, value in fields.items():
            if name not in self._stored.known or name in self._stored.path.write_only or name == "id":
                raise ValueError(f"a device has no field {name!r} that can be set")
            if value is None:
                document.pop(name, None)
            else:
                document[name] = time_text(value) if isinstance(value, datetime) else value
        if document.get("connection_status") not in _STATUSES:
            raise ValueError(f"'connection_status' must be one of {', '.join(_STATUSES)}")
        try:
            check_storable(document)
            json.dumps(document)
        except (TypeError, RecursionError) as error:
            raise ValueError(f"a device cannot hold this: {error}") from None

    def _free_id(self) -> str:
        table = self._stored.collection.table
        number: int = self._world.store.sql(f"SELECT coalesce(max(seq), 0) FROM {table}")[0][0]  # noqa: S608
        while (key := f"00000000-00000000-00409DFF-FF{number % (1 << 24):06X}") in self:
            number += 1
        return key

    def _changing(self) -> AbstractContextManager[object]:
        """A transaction that begins with the fleet as it is now: what was lived stays, whatever becomes of the rest."""
        self._catch_up()
        return self._world.store.transaction()

    def _stored_as(self, id: str) -> dict[str, Any]:
        if (found := self._find(id)) is None:
            raise KeyError(id)
        return found

    def _find(self, id: str) -> dict[str, Any] | None:
        return self._stored.collection.get(id) or self._stored.collection.get(id.upper())

    def __repr__(self) -> str:
        return f"<Devices: {len(self)}>"


def _valid(id: str) -> str:
    try:
        return device_id(id)
    except Problem:
        raise ValueError(f"{id!r} is no device id: it must read 00000000-00000000-00000000-00000000") from None
