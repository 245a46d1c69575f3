"""A synthetic fleet of devices: the same for the same seed; the first ones fit the documentation's examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from digirm_simulator.rhythm import INTERVAL, TICKS, Day, Dice, moment_text
from digirm_simulator.values import milliseconds
from digirm_simulator.world import CUSTOMER_ID


class Model(NamedTuple):
    """A type of device: its OUI stands in the ids of its devices."""

    type: str
    sku: str
    serial: str
    oui: str
    vendor_id: int
    firmware: tuple[str, ...]
    cellular: bool


class Place(NamedTuple):
    """Where a device stands."""

    name: str
    longitude: float
    latitude: float


MODELS = (
    Model("AcceleratedConcepts 6330-MX", "ASB-6330-MX00-OUS", "6330", "002704", 4261412874, ("20.11.32.168",), False),
    Model("TransPort WR54-DUAL-CELLULAR", "WR54-A206", "WR54-", "0040FF", 4261412873, ("4.8.0.10", "4.8.0.14"), True),
    Model("Digi IX14", "IX14-M601", "IX14-", "0004F3", 4261412874, ("20.11.32.168", "22.5.50.62"), True),
    Model("Digi EX50", "EX50-WXS6-GLB", "EX50-", "00409D", 4261412874, ("22.5.50.62", "22.2.9.85"), True),
    Model("Digi EX15", "EX15-WX01-GLB", "EX15-", "00409D", 4261412874, ("22.2.9.85",), True),
    Model("Digi TX64", "TX64-A141", "TX64-", "0040FF", 4261412874, ("22.5.50.62",), True),
    Model("ConnectPort X4", "X4-Z11-E", "X4-", "00042D", 4261412865, ("2.17.32.0",), False),
)
GROUPS = ("demoGroup", "test/group", "Marvel", "Production", "Production/Region1", "Production/Region2", "Configs")
_TAGS: tuple[tuple[str, ...], ...] = (
    (),
    ("TestAutomations",),
    ("critical",),
    ("prod",),
    ("sensor",),
    ("Gold Plan",),
    ("prod", "critical"),
    ("sensor", "TestAutomations"),
)
_PLACES = (
    Place("Rochester, MN", -92.506738, 44.067327),
    Place("Minneapolis, MN", -93.265, 44.9778),
    Place("Broadway, New York", -73.9857, 40.7589),
    Place("Logroño, La Rioja", -2.4456, 42.4627),
    Place("München", 11.582, 48.1351),
)
_NAMES = (
    "SilverSurfer",
    "GhostRider",
    "Fred's Device",
    "Vision",
    "Broadway router",
    "Warehouse gateway",
    "O'Brien's Van",
)
_CARRIERS = ("Bugs Bunny's Binary Bandwidth", "Daffy Duck's Digital Services", "Tweety Telecom")
_PEOPLE = ("Fred A Kulack", "Peggy Carter", "Pat O'Neil")
_NETWORKS = ("10.20.1", "192.168.1", "203.0.113", "172.20.10")
_CAPABILITIES = (
    "cli_service_available",
    "sm_compression_available",
    "sm_encryption_key_distribution_service_available",
    "sm_pack_available",
)
_HOUR = 3_600_000
_CELLULAR = tuple(model.type for model in MODELS if model.cellular)


def device_mac(device_id: str) -> str:
    """The MAC address inside a device id: `00000000-00000000-0040FFFF-FF10A300` → `00:40:FF:10:A3:00`."""
    high, low = device_id[-17:-9], device_id[-8:]
    return f"{high[:2]}:{high[2:4]}:{high[4:6]}:{low[2:4]}:{low[4:6]}:{low[6:]}"


def new_device(device_id: str) -> dict[str, Any]:
    """A device that was provisioned and has never connected."""
    return {
        "channels_uri": f"/ws/v1/devices/channels/{device_id}",
        "connection_status": "disconnected",
        "customer_id": CUSTOMER_ID,
        "firmware_status": "not_identified",
        "health_status": "unknown",
        "id": device_id,
        "mac": device_mac(device_id),
        "maintenance_mode": "off",
        "management_uri": f"/ws/v1/devices/management/{device_id}",
        "metrics_uri": f"/ws/v1/devices/metrics/{device_id}",
        "restricted_status": "unrestricted",
        "type": " ",
    }


class Start(NamedTuple):
    """How a device of the fleet starts.

    `kind` is `new` (never connected), `gone` (for good) or `alive`. Its ticks come `phase` milliseconds after the
    fleet's start and every INTERVAL from then on; the last one before the start was `slot` of its first day. `signal`
    is the percentage that is usual for it.
    """

    kind: str
    phase: int
    slot: int
    signal: int


def start(device_id: str, seed: int) -> Start:
    """How this device starts."""
    return _start(Dice(seed, device_id), _first(seed).get(device_id, len(_NAMES)))


def _start(dice: Dice, number: int) -> Start:
    luck, phase, slot, signal = dice.below(100), dice.between(1, INTERVAL), dice.below(TICKS), dice.between(20, 90)
    # The documentation's examples are alive, and its two recorded devices connected.
    kind = "alive" if number < len(_NAMES) or luck >= 16 else "new" if luck < 8 else "gone"
    return Start(kind, phase, 0 if number < 2 else slot, signal)


@lru_cache(maxsize=8)
def _first(seed: int) -> dict[str, int]:
    return {_identity(number, seed)[0]: number for number in range(len(_NAMES))}


def _identity(number: int, seed: int) -> tuple[str, Model, int]:
    """Id, model and serial number of device `number`."""
    # Odd times a number, modulo a power of two, never gives the same id twice.
    serial = (number * 0x9E3779 + seed * 0x85EBCB + 0x10A300) % (1 << 24)
    model = MODELS[number if number < 2 else (serial >> 8) % len(MODELS)]
    return f"00000000-00000000-{model.oui}FF-FF{serial:06X}", model, serial


def devices(count: int, seed: int, now: datetime) -> Iterator[dict[str, Any]]:
    """`count` devices. Device n is the same in a fleet of any size; times are relative to `now`."""
    present = milliseconds(now)
    for number in range(count):
        yield _device(number, seed, present)


def _device(number: int, seed: int, now: int) -> dict[str, Any]:
    device_id, model, serial = _identity(number, seed)
    dice = Dice(seed, device_id)
    begins = _start(dice, number)
    device = new_device(device_id)
    if begins.kind == "new":
        device["group"] = dice.pick(GROUPS)
        return device
    day = Day(seed, device_id, 0)
    device.update(_hardware(model, serial, dice))
    device.update(_times(begins, day, dice, now))
    place, longitude, latitude = _PLACES[0] if number < 2 else dice.pick(_PLACES)
    device["alerts"] = 0
    device["contact"] = dice.pick(_PEOPLE)
    device["group"] = dice.pick(GROUPS)
    device["health_status"] = day.health(begins.slot)
    device["location"] = place
    if number < len(_NAMES):
        device["name"] = _NAMES[number]
    elif dice.below(100) < 85:
        device["name"] = f"{dice.pick(_NAMES)} {number}"
    if tags := dice.pick(_TAGS):
        device["tags"] = list(tags)
    if dice.below(2):
        device["compliant"] = dice.pick(("yes", "no"))
    if dice.below(100) < 30:
        device["description"] = f"{model.type} in {place}"
    if model.cellular:
        device.update(day.signal(begins.slot, begins.signal))
        device["geoposition"] = {"coordinates": [longitude, latitude], "type": "Point"}
    if number < 2:
        ip = f"10.20.1.{100 + number}"
        device |= {"group": "demoGroup", "ip": ip, "public_ip": ip}
    return device


def _times(begins: Start, day: Day, dice: Dice, now: int) -> dict[str, Any]:
    """When it was connected, as its first day and the time since then tell."""
    tick = now + begins.phase - INTERVAL
    connected = begins.kind == "alive" and day.connected(begins.slot)
    recent = begins.kind == "alive" and bool(day.outage) and day.outage.start <= begins.slot
    if recent:
        lost = tick - (begins.slot - day.outage.start) * INTERVAL
    else:
        lost = tick - dice.between(24 * _HOUR, 60 * 24 * _HOUR)
    if connected:
        seen = tick
        back = lost + (len(day.outage) * INTERVAL if recent else dice.between(60_000, 8 * _HOUR))
    else:
        seen = lost - INTERVAL
        back = seen - dice.between(_HOUR, 9 * 24 * _HOUR)
    return {
        "connection_status": "connected" if connected else "disconnected",
        "last_connect": moment_text(back),
        "last_disconnect": moment_text(lost),
        "last_update": moment_text(seen),
        "registration_date": moment_text(now - dice.between(80 * 24 * 60, 900 * 24 * 60) * 60_000),
    }


def first_contact(device_id: str, seed: int, at: int) -> dict[str, Any]:
    """What a provisioned device tells of itself when it connects for the first time, at `at` (epoch milliseconds).

    Its model is one whose OUI stands in the id, where there is one.
    """
    dice = Dice(seed, device_id, "hardware")
    fitting = [model for model in MODELS if model.oui == device_id.replace("-", "")[16:22]]
    found = _hardware(dice.pick(fitting or MODELS), dice.below(1 << 24), dice)
    return {**found, "alerts": 0, "registration_date": moment_text(at)}


def _hardware(model: Model, serial: int, dice: Dice) -> dict[str, Any]:
    """What a device knows of itself."""
    ip = f"{dice.pick(_NETWORKS)}.{dice.between(1, 255)}"
    found: dict[str, Any] = {
        "capabilities": dict.fromkeys(_CAPABILITIES, True),
        "firmware_status": dice.pick(("none", "up_to_date", "out_of_date")),
        "firmware_version": dice.pick(model.firmware),
        "ip": ip,
        "public_ip": ip,
        "serial_number": f"{model.serial}{serial:08d}",
        "sku": model.sku,
        "type": model.type,
        "vendor_id": model.vendor_id,
    }
    if model.cellular:
        found["carrier"] = dice.pick(_CARRIERS)
        found["network"] = dice.pick(("LTE", "1XRTT, EVDO0", "5G NSA"))
    return found


def is_cellular(document: Mapping[str, Any]) -> bool:
    """Whether a device reports a signal."""
    return "signal_percent" in document or document.get("type") in _CELLULAR
