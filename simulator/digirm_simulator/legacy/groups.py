"""Group: the groups, to be read, and the root above them all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from digirm_runtime.wire import Response
from digirm_simulator.legacy.columns import GROUP, GROUPS
from digirm_simulator.legacy.listing import Table, one, page
from digirm_simulator.other import Asked
from digirm_simulator.replies import Problem
from digirm_simulator.world import COMPANY, World

_ABOVE_ROOT = 1


def ids(world: World) -> dict[str, int]:
    """The id of each group by its path, in lower case and without slashes at its ends."""
    groups = world.resource("/groups/inventory")
    documents = groups.collection.documents() if groups else ()
    return {_path(group).casefold(): GROUPS + group["id"] for group in documents if isinstance(group["id"], int)}


def read(asked: Asked) -> Response:
    """A page of groups, or the one whose id stands in the path."""
    documents = list(_documents(asked.world))
    if len(asked.path) == 1:
        return page(asked, Table.computed(documents), GROUP)
    for document in documents:
        if str(document["id"]) == asked.path[1]:
            return one(asked, GROUP, document)
    raise Problem(404, f"There is no group '{asked.path[1][:60]}'")


def _documents(world: World) -> Iterator[dict[str, Any]]:
    yield {"id": GROUPS, "name": COMPANY, "description": f"{COMPANY} root group", "path": "/", "parent": _ABOVE_ROOT}
    groups, known = world.resource("/groups/inventory"), ids(world)
    for group in groups.collection.documents() if groups else ():
        above, _, name = _path(group).rpartition("/")
        parent = known.get(above.casefold(), GROUPS)
        yield {
            "id": known.get(_path(group).casefold(), GROUPS),
            "name": name,
            "path": f"/{_path(group)}/",
            "parent": parent,
        }


def _path(group: Mapping[str, Any]) -> str:
    return str(group.get("path", "")).strip("/")


OBJECTS: Final = {"Group": {"GET": read}}
