"""The connection of a device, as commands change it."""

from __future__ import annotations

from digirm_simulator.fleet_api import switch
from digirm_simulator.values import milliseconds
from digirm_simulator.world import World


def disconnect(world: World, key: str) -> None:
    """End the connection of a device; one that lives connects again by itself, the others when they are told to."""
    switch(world, key, connected=False)


def reboot(world: World, key: str) -> None:
    """End the connection of a device, which is back within a minute."""
    now = milliseconds(world.now())
    back = now + world.random("reboot", key, now).randrange(20_000, 60_000)
    with world.store.transaction():
        disconnect(world, key)
        world.store.sql("INSERT OR REPLACE INTO x_device_returns VALUES (?, ?)", (key, back))
        world.wake(back)
