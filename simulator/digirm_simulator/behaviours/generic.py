"""What most requests do: lists, objects, CSV and self-documentation, as the contract describes them."""

from __future__ import annotations

from collections.abc import Mapping

from digirm_runtime.wire import Response
from digirm_simulator import listing
from digirm_simulator.replies import Problem, empty_reply, json_reply
from digirm_simulator.world import Behaviour, Call


def describe(call: Call) -> Response:
    """The self-documentation of a category or of a grouping node."""
    return json_reply(call.world.contract.group_document(call.path.template))


def list_stored(call: Call) -> Response:
    """One page of a collection; of an empty one where nothing of this kind is ever stored."""
    return listing.page(call, call.found.collection if call.found else None)


def csv(call: Call) -> Response:
    """All rows of the collection beside a `bulk` path."""
    source = call.world.resources.get(call.path.template.replace("/bulk", "/inventory"))
    return listing.bulk(call, source.collection if source else None)


def create(call: Call) -> Response:
    """Store what is sent."""
    return call.resource.create(call)


def read(call: Call) -> Response:
    """One object."""
    return call.resource.read(call)


def update(call: Call) -> Response:
    """Change the keys that are sent."""
    return call.resource.update(call)


def delete(call: Call) -> Response:
    """Remove one object."""
    return call.resource.delete(call)


def delete_matching(call: Call) -> Response:
    """Remove the objects that the parameters select; without any, nothing is."""
    collection = call.resource.collection
    where = listing.selection(call, collection.fields, collection.columns)
    if where is None:
        raise Problem(400, f"DELETE needs one of {', '.join(call.described.params)}")
    for key in collection.keys(where):
        call.resource.remove(key, call.user.name)
    return empty_reply()


def nothing(call: Call) -> Response:
    """An object of a kind that is never stored."""
    raise Problem(404, f"Nothing is stored at {call.raw_path}")


def not_simulated(call: Call) -> Response:
    """A write whose effect is not public is refused: no success is invented."""
    raise Problem(403, f"Not simulated: what {call.described.method} {call.path.template} does is not public")


BEHAVIOURS: Mapping[str, Behaviour] = {
    "create": create,
    "csv": csv,
    "delete": delete,
    "delete_matching": delete_matching,
    "describe": describe,
    "list": list_stored,
    "not_simulated": not_simulated,
    "nothing": nothing,
    "read": read,
    "update": update,
}
