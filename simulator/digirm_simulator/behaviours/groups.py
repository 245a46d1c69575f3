"""The tree of groups: those of the devices, and the groups above them."""

from __future__ import annotations

from digirm_simulator.behaviours.device_resource import add_group
from digirm_simulator.sql import ALL
from digirm_simulator.world import World


def seed(world: World) -> None:
    """Store the groups that the first devices are in."""
    if devices := world.resource("/devices/inventory"):
        found = {str(group).strip("/") for group, _ in devices.collection.tally(["group"], ALL) if group}
        for group in sorted(found - {""}):
            add_group(world, group, None)
