"""Alarm and AlarmStatus: the definitions of alerts, to be read, and their states, to be acknowledged and reset."""

from __future__ import annotations

from typing import Final

from digirm_runtime.query.values import milliseconds
from digirm_runtime.wire import Response
from digirm_simulator.behaviours.alerts import NAME, STATES, set_state
from digirm_simulator.behaviours.lookup import required
from digirm_simulator.legacy.columns import ALARM, ALARM_STATUS
from digirm_simulator.legacy.forms import result_reply
from digirm_simulator.legacy.listing import Table, one, page
from digirm_simulator.other import Asked
from digirm_simulator.replies import Problem
from digirm_simulator.xmlobjects import items_of, texts_of

_KNOWN = frozenset(column.name for column in ALARM_STATUS)
#: What may be set, and the state in v1.
_STATES: Final = {"0": "reset", "2": "acknowledged"}


def alarms(asked: Asked) -> Response:
    """A page of definitions, or the one whose id stands in the path."""
    found = required(asked.world, NAME)
    if len(asked.path) > 1:
        return one(asked, ALARM, found.get(asked.path[1]))
    return page(asked, Table.stored(found.collection), ALARM)


def states(asked: Asked) -> Response:
    """A page of states, or that of an alert at the source that the path names."""
    found = required(asked.world, STATES)
    if len(asked.path) > 1:
        return one(asked, ALARM_STATUS, found.get(_key(asked)))
    return page(asked, Table.stored(found.collection), ALARM_STATUS)


def settle(asked: Asked) -> Response:
    """Acknowledge (2) or reset (0) an alert at a source."""
    found = required(asked.world, STATES)
    items, _ = items_of(asked.body, "AlarmStatus")
    status = _STATES.get(texts_of({**items[0], "id": ""}, _KNOWN).get("almsStatus", "").strip())
    if status is None or len(items) > 1:
        raise Problem(400, "<almsStatus> must be 2 (acknowledge) or 0 (reset)")
    before = found.get(_key(asked))
    alert = required(asked.world, NAME).get(str(before.get("id")))
    set_state(asked.world, alert, str(before.get("source")), status, milliseconds(asked.now), asked.user.name)
    return result_reply(asked, [("message", "1 items updated")])


def _key(asked: Asked) -> str:
    """The key in v1 of the state that a path names: alert and source."""
    if len(asked.path) < 3:
        raise Problem(400, "The path must end with the ids of an alert and of its source")
    return f"{asked.path[1]}_{'/'.join(asked.path[2:])}"


OBJECTS: Final = {"Alarm": {"GET": alarms}, "AlarmStatus": {"GET": states, "PUT": settle}}
