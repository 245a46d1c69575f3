"""What waits to be sent of a monitor's events: it lies in the database, where a transaction that fails takes it back.

Events count as sent once they are acknowledged. Those of a persistent monitor stay, for its history and for whoever
connects later; of the others none is kept longer than it takes to send it, and none while nobody listens.
"""

from __future__ import annotations

import json
import uuid
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from digirm_runtime import xmltext
from digirm_runtime.xmlbuild import Part
from digirm_simulator.behaviours import monitors
from digirm_simulator.values import milliseconds, time_text
from digirm_simulator.world import World
from digirm_simulator.xmlchars import clean

#: Bytes of events in one block, and events.
_MOST_BYTES, _MOST_EVENTS = 1 << 20, 1000


class Block(NamedTuple):
    """Events that are sent together: the number of the last, and the time that they were due in epoch milliseconds."""

    last: int
    due: int
    events: int
    payload: bytes
    compressed: bool
    form: str


class Outbox:
    """The events of the monitor with this number. `is_waiting` says that there are some which are not due yet."""

    def __init__(self, world: World, monitor: int) -> None:
        self.monitor = monitor
        self.is_waiting = False
        self._world = world

    def definition(self) -> dict[str, Any] | None:
        """The monitor as it is now; None where it was removed."""
        found = self._world.resource(monitors.NAME)
        return None if found is None else found.collection.get(str(self.monitor))

    def open(self, status: str) -> int:
        """Listen from now on; the number of the last event that is not to be sent any more."""
        with self._world.store.transaction():
            self._set(status=status, last_connect=time_text(self._world.now()))
            return monitors.listen(self._world, self.monitor)

    def close(self, status: str | None = None) -> None:
        """Listen no longer. Without a status of its own, it is that of a monitor that nobody is connected to."""
        with self._world.store.transaction():
            monitors.unlisten(self._world, self.monitor)
            found = self.definition() or {}
            self._set(status=status or (monitors.SUSPENDED if found.get("persistent") else monitors.INACTIVE))

    def state(self, status: str) -> None:
        """Give the monitor a status."""
        with self._world.store.transaction():
            self._set(status=status)

    def ready(self, after: int) -> Block | None:
        """The next block of the events behind number `after`, if it is full or they are old enough."""
        with self._world.store.lock:
            found = self.definition() or {}
            size = max(1, min(int(found.get("batch_size") or 1), _MOST_EVENTS))
            rows = self._world.store.sql(
                "SELECT seq, at, body FROM x_monitor_events WHERE monitor = ? AND seq > ? ORDER BY seq LIMIT ?",
                (self.monitor, after, size),
            )
            now = milliseconds(self._world.now())
        self.is_waiting = bool(rows)
        if not rows:
            return None
        chosen: list[tuple[int, int, str]] = []
        length = 0
        for row in rows:
            length += len(row[2])
            if chosen and length > _MOST_BYTES:
                break
            chosen.append((row[0], row[1], row[2]))
        is_full = len(rows) == size or len(chosen) < len(rows)
        due = chosen[-1][1] if is_full else chosen[0][1] + 1000 * int(found.get("batch_duration") or 0)
        if not is_full and due > now:
            return None
        form = "xml" if found.get("format") == "xml" else "json"
        payload = rendered([body for *_, body in chosen], form)
        compressed = found.get("compression", "none") not in ("none", "", None)
        return Block(
            chosen[-1][0],
            due,
            len(chosen),
            zlib.compress(payload) if compressed else payload,
            compressed,
            form,
        )

    def acknowledged(self, last: int) -> None:
        """What was sent up to number `last` has arrived."""
        with self._world.store.transaction():
            found = self.definition()
            if found is None:
                return
            self._world.store.sql("INSERT OR REPLACE INTO x_monitor_sent VALUES (?, ?)", (self.monitor, last))
            if not found.get("persistent"):
                self._world.store.sql(
                    "DELETE FROM x_monitor_events WHERE monitor = ? AND seq <= ?", (self.monitor, last)
                )
            named = uuid.uuid5(uuid.NAMESPACE_OID, f"monitor/{self.monitor}/{last}")
            self._set(last_sent=time_text(self._world.now()), last_sent_uuid=str(named))

    def _set(self, **fields: Any) -> None:
        """Change what the service keeps of a monitor; that is no change of the monitor."""
        found, document = self._world.resource(monitors.NAME), self.definition()
        if found is not None and document is not None:
            found.collection.replace({**document, **fields})


def rendered(events: list[str], form: str) -> bytes:
    """Events, which are JSON texts, as a document.

    In JSON one event is an object (recorded), several are a list; in XML what is around an object are attributes
    (documented).
    """
    if form == "json":
        told = events[0] if len(events) == 1 else f"[{','.join(events)}]"
        return f'{{"Document":{{"Msg":{told}}}}}'.encode()
    return xmltext.build("Document", {"Msg": [_message(json.loads(event)) for event in events]}).encode()


def _message(event: Mapping[str, Any]) -> Part:
    return {f"@{name}" if isinstance(value, str) else name: _element(value) for name, value in event.items()}


def _element(value: Any) -> Part:
    """A JSON value as an element: names and characters that XML cannot have are left out."""
    if isinstance(value, Mapping):
        return {name: _element(item) for name, item in value.items() if _is_name(name)}
    if isinstance(value, list):
        return [_element(item) if not isinstance(item, list) else {"item": _element(item)} for item in value]
    return clean(value) if isinstance(value, str) else value


def _is_name(name: str) -> bool:
    return name.isidentifier() or name.replace("-", "_").isidentifier()
