"""What several behaviours look up."""

from __future__ import annotations

from digirm_simulator.replies import Problem
from digirm_simulator.resources import Resource
from digirm_simulator.world import World


def required(world: World, name: str) -> Resource:
    """A collection that a behaviour cannot do without. Raises Problem 403 under a contract that has none."""
    found = world.resource(name)
    if found is None:
        raise Problem(403, f"Not simulated: this contract has no {name.strip('/')}")
    return found


def in_group(device: object, group: object) -> bool:
    """Whether a device's group is `group` or below it; either may begin with a slash. Every group is below none."""
    own, wanted = (str(path or "").strip("/").casefold() for path in (device, group))
    return not wanted or own == wanted or own.startswith(wanted + "/")
