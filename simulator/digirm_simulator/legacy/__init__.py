"""The older API `/ws/<Object>`: views on what v1 stores, in XML or JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from digirm_runtime.wire import Response
from digirm_simulator.legacy import alerts, devices, files, groups, monitors, points, streams
from digirm_simulator.legacy.forms import result_reply
from digirm_simulator.other import Asked
from digirm_simulator.replies import Problem

Handler: TypeAlias = Callable[[Asked], Response]

_OBJECTS: Mapping[str, Mapping[str, Handler]] = {
    **alerts.OBJECTS,
    **devices.OBJECTS,
    **files.OBJECTS,
    **groups.OBJECTS,
    **monitors.OBJECTS,
    **points.OBJECTS,
    **streams.OBJECTS,
}
_SUFFIX = ".json"


def answer(asked: Asked) -> Response:
    """The answer, errors included. A write is kept whole or not at all; of a list, item by item."""
    asked = _plain(asked)
    name, method = asked.path[0], "GET" if asked.method == "HEAD" else asked.method
    handlers = _OBJECTS.get(name)
    try:
        if any("\0" in part for part in asked.path):
            raise Problem(400, "The path holds a NUL")
        if handlers is None:
            raise Problem(404, "There is no such object")
        if method not in handlers:
            raise Problem(405, "The object does not have this method")
        if method == "GET":
            return handlers[method](asked)
        if not asked.user.may_write:
            raise Problem(403, f"The role {asked.user.role} does not allow it")
        with asked.world.store.transaction():
            return handlers[method](asked)
    except Problem as problem:
        text = f"{asked.method} {name[:60]} error. {problem.message}"
        allowed = {"allow": ", ".join(handlers)} if handlers and problem.status == 405 else {}
        return result_reply(asked, [("error", text)], problem.status, allowed)


def _plain(asked: Asked) -> Asked:
    """A request that asks for JSON by `.json` behind the object's name, as if it did so by its header."""
    name, *rest = asked.path
    if rest == [_SUFFIX]:
        rest = []
    elif name.endswith(_SUFFIX):
        name = name.removesuffix(_SUFFIX)
    else:
        return asked
    return asked._replace(path=(name, *rest), headers={**asked.headers, "accept": "application/json"})
