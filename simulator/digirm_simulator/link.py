"""The connection of a device, as tests, commands and reboots change it."""

from __future__ import annotations

from typing import Any

from digirm_simulator import fleet
from digirm_simulator.life import NAME
from digirm_simulator.values import milliseconds, time_text
from digirm_simulator.world import Change, World


def switch(world: World, key: str, *, connected: bool) -> dict[str, Any] | None:
    """Let the device with this id connect or disconnect now; as it is then, None where there is no such device.

    One that lives changes that by itself again, unless a test holds it; the others when they are told to.
    """
    stored = world.resource(NAME)
    with world.store.transaction():
        stay(world, key)
        before = None if stored is None else stored.collection.get(key)
        status = "connected" if connected else "disconnected"
        if stored is None or before is None or before.get("connection_status") == status:
            return before
        now = world.now()
        text = time_text(now)
        times = {"last_connect": text, "last_update": text} if connected else {"last_disconnect": text}
        after = {**before, **times, "connection_status": status}
        if connected and "last_connect" not in before:
            after |= fleet.first_contact(key, world.seed, milliseconds(now))
        stored.collection.replace(after)
        world.changed(Change(status.removesuffix("ed"), NAME, key, before, after, now, None))
        return after


def reboot(world: World, key: str) -> None:
    """End the connection of a device, which is back within a minute."""
    now = milliseconds(world.now())
    back = now + world.random("reboot", key, now).randrange(20_000, 60_000)
    with world.store.transaction():
        switch(world, key, connected=False)
        world.store.sql("INSERT INTO x_device_returns VALUES (?, ?)", (key, back))
        world.wake(back)


def stay(world: World, key: str) -> None:
    """Let a device that reboots not come back from that."""
    world.store.sql("DELETE FROM x_device_returns WHERE device = ?", (key,))
