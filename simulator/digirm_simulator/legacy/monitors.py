"""Monitor: the definitions of monitors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from digirm_runtime.wire import Response
from digirm_runtime.xmltext import Value
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.behaviours.monitors import NAME, NUMBERS
from digirm_simulator.legacy.columns import CUSTOMER, MONITOR, MONITOR_WRITABLE
from digirm_simulator.legacy.forms import result_reply
from digirm_simulator.legacy.listing import Table, as_call, one, page
from digirm_simulator.other import Asked
from digirm_simulator.replies import Problem
from digirm_simulator.xmlobjects import decimal, items_of, texts_of

_OBJECT = "Monitor"
_KNOWN = frozenset({*(column.name for column in MONITOR), *MONITOR_WRITABLE, CUSTOMER.name})


def read(asked: Asked) -> Response:
    """A page of monitors, or the one whose id stands in the path."""
    monitors = required(asked.world, NAME)
    if len(asked.path) > 1:
        return one(asked, MONITOR, monitors.get(asked.path[1]))
    return page(asked, Table.stored(monitors.collection), MONITOR)


def create(asked: Asked) -> Response:
    """Store monitors."""
    monitors, call = required(asked.world, NAME), as_call(asked, NAME)
    items, _ = items_of(asked.body, _OBJECT)
    made = [monitors.make(_changes(item), call) for item in items]
    locations = [f"{_OBJECT}/{document['id']}" for document in made]
    return result_reply(asked, [("location", text) for text in locations], 201, {"location": f"/ws/{locations[0]}"})


def update(asked: Asked) -> Response:
    """Change the monitor in the path, or those that the body names by `monId`."""
    monitors, call = required(asked.world, NAME), as_call(asked, NAME)
    items, _ = items_of(asked.body, _OBJECT)
    for item in items:
        key = asked.path[1] if len(asked.path) > 1 else item.get("monId")
        if not isinstance(key, str) or not key.strip():
            raise Problem(400, "<monId> is required")
        document = monitors.get(key.strip())
        monitors.apply(document, _changes(item), call)
        monitors.change(key.strip(), document, asked.user.name)
    return result_reply(asked, [("message", f"{len(items)} items updated")])


def delete(asked: Asked) -> Response:
    """Remove the monitor in the path."""
    if len(asked.path) < 2:
        raise Problem(400, "The path must end with the id of a monitor")
    required(asked.world, NAME).remove(asked.path[1], asked.user.name)
    return result_reply(asked, [("message", "1 items deleted")])


def _changes(item: Mapping[str, Value]) -> dict[str, Any]:
    """What an object sets, with v1's names. Raises Problem 400."""
    found: dict[str, Any] = {}
    for name, text in texts_of(item, _KNOWN).items():
        if (key := MONITOR_WRITABLE.get(name)) is None:
            continue
        value: Any = text.strip()
        if key == "topics":
            value = _topics(value)
        elif key in NUMBERS:
            value = decimal(value)
            if value is None:
                raise Problem(400, f"<{name}> must be a whole number")
        elif key == "persistent":
            value = value.lower() == "true"
        elif key == "compression":
            # Documented as the older name of the same.
            value = "zlib" if value.lower() == "gzip" else value.lower()
        elif key in ("format", "type"):
            value = value.lower()
        found[key] = value
    return found


def _topics(text: str) -> list[str]:
    """The topics of a list with commas; those inside brackets belong to a topic: `[group=a,b]DeviceCore[C,U]`."""
    topics, depth = [""], 0
    for char in text:
        depth += {"[": 1, "]": -1}.get(char, 0)
        if char == "," and depth <= 0:
            topics.append("")
        else:
            topics[-1] += char
    return [topic.strip() for topic in topics if topic.strip()]


OBJECTS: Final = {_OBJECT: {"GET": read, "POST": create, "PUT": update, "DELETE": delete}}
