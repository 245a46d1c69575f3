"""A synthetic fleet of devices: the same for the same seed; the first ones fit the documentation's examples."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from digirm_simulator.values import time_text

CUSTOMER_ID = 7493


class Model(NamedTuple):
    """A type of device: its OUI stands in the ids of its devices."""

    type: str
    sku: str
    serial: str
    oui: str
    vendor_id: int
    firmware: tuple[str, ...]
    cellular: bool


_MODELS = (
    Model("AcceleratedConcepts 6330-MX", "ASB-6330-MX00-OUS", "6330", "002704", 4261412874, ("20.11.32.168",), False),
    Model("TransPort WR54-DUAL-CELLULAR", "WR54-A206", "WR54-", "0040FF", 4261412873, ("4.8.0.10", "4.8.0.14"), True),
    Model("Digi IX14", "IX14-M601", "IX14-", "0004F3", 4261412874, ("20.11.32.168", "22.5.50.62"), True),
    Model("Digi EX50", "EX50-WXS6-GLB", "EX50-", "00409D", 4261412874, ("22.5.50.62", "22.2.9.85"), True),
    Model("Digi EX15", "EX15-WX01-GLB", "EX15-", "00409D", 4261412874, ("22.2.9.85",), True),
    Model("Digi TX64", "TX64-A141", "TX64-", "0040FF", 4261412874, ("22.5.50.62",), True),
    Model("ConnectPort X4", "X4-Z11-E", "X4-", "00042D", 4261412865, ("2.17.32.0",), False),
)
_GROUPS = ("demoGroup", "test/group", "Marvel", "Production", "Production/Region1", "Production/Region2", "Configs")
_TAGS = ("TestAutomations", "critical", "prod", "sensor", "Gold Plan")
_PLACES = (
    ("Rochester, MN", -92.506738, 44.067327),
    ("Minneapolis, MN", -93.265, 44.9778),
    ("Broadway, New York", -73.9857, 40.7589),
    ("Logroño, La Rioja", -2.4456, 42.4627),
    ("München", 11.582, 48.1351),
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
_CAPABILITIES = (
    "cli_service_available",
    "sm_compression_available",
    "sm_encryption_key_distribution_service_available",
    "sm_pack_available",
)


def device_mac(device_id: str) -> str:
    """The MAC address inside a device id: `00000000-00000000-0040FFFF-FF10A300` → `00:40:FF:10:A3:00`."""
    digits = device_id.replace("-", "")[-16:]
    mac = digits[:6] + digits[10:]
    return ":".join(mac[at : at + 2] for at in range(0, 12, 2))


def new_device(device_id: str) -> dict[str, Any]:
    """A device that was provisioned and has never connected."""
    return {
        **{f"{name}_uri": f"/ws/v1/devices/{name}/{device_id}" for name in ("channels", "management", "metrics")},
        "connection_status": "disconnected",
        "customer_id": CUSTOMER_ID,
        "firmware_status": "not_identified",
        "health_status": "unknown",
        "id": device_id,
        "mac": device_mac(device_id),
        "maintenance_mode": "off",
        "restricted_status": "unrestricted",
        "type": " ",
    }


def devices(count: int, seed: int, now: datetime) -> Iterator[dict[str, Any]]:
    """`count` devices. Device n is the same in a fleet of any size; times are relative to `now`."""
    for number in range(count):
        # Text seeds are hashed the same way in every process and version.
        yield _device(number, random.Random(f"{seed}/{number}"), seed, now)  # noqa: S311


def _device(number: int, rng: random.Random, seed: int, now: datetime) -> dict[str, Any]:
    model = _MODELS[number] if number < 2 else rng.choice(_MODELS)
    # Odd times a number, modulo a power of two, never gives the same id twice.
    serial = (number * 0x9E3779 + seed * 0x85EBCB + 0x10A300) % (1 << 24)
    device = new_device(f"00000000-00000000-{model.oui}FF-FF{serial:06X}")
    if number >= 2 and rng.random() < 0.08:
        return device | {"group": rng.choice(_GROUPS)}
    connected = number < 2 or rng.random() < 0.7
    place, longitude, latitude = _PLACES[0] if number < 2 else rng.choice(_PLACES)
    seen = now - timedelta(milliseconds=rng.randrange(60_000, 6 * 3_600_000))
    if not connected:
        seen -= timedelta(milliseconds=rng.randrange(3_600_000, 60 * 86_400_000))
    ip = f"10.20.1.{100 + number}" if number < 2 else _address(rng)
    device |= {
        "alerts": rng.choice((0, 0, 0, 1, 2)),
        "capabilities": dict.fromkeys(_CAPABILITIES, True),
        "connection_status": "connected" if connected else "disconnected",
        "contact": rng.choice(_PEOPLE),
        "firmware_status": rng.choice(("none", "up_to_date", "out_of_date")),
        "firmware_version": rng.choice(model.firmware),
        "group": "demoGroup" if number < 2 else rng.choice(_GROUPS),
        "health_status": rng.choice(("normal", "normal", "warning", "error")),
        "ip": ip,
        "last_connect": time_text(seen - timedelta(milliseconds=rng.randrange(1_000_000, 9 * 86_400_000))),
        "last_disconnect": time_text(seen - timedelta(milliseconds=rng.randrange(9 * 86_400_000, 20 * 86_400_000))),
        "last_update": time_text(seen),
        "location": place,
        "public_ip": ip,
        "registration_date": time_text(now - timedelta(minutes=rng.randrange(30 * 1440, 900 * 1440))),
        "serial_number": f"{model.serial}{serial:08d}",
        "sku": model.sku,
        "type": model.type,
        "vendor_id": model.vendor_id,
    }
    if number < len(_NAMES):
        device["name"] = _NAMES[number]
    elif rng.random() < 0.85:
        device["name"] = f"{rng.choice(_NAMES)} {number}"
    if tags := rng.sample(_TAGS, rng.choice((0, 1, 1, 2))):
        device["tags"] = tags
    if rng.random() < 0.5:
        device["compliant"] = rng.choice(("yes", "no"))
    if rng.random() < 0.3:
        device["description"] = f"{model.type} in {place}"
    if model.cellular:
        device |= _cellular(rng)
        device["geoposition"] = {"coordinates": [longitude, latitude], "type": "Point"}
    return device


def _cellular(rng: random.Random) -> dict[str, Any]:
    return {
        "carrier": rng.choice(_CARRIERS),
        "network": rng.choice(("LTE", "1XRTT, EVDO0", "5G NSA")),
        "signal_percent": rng.randrange(5, 100),
        "signal_quality": -rng.randrange(4, 20),
        "signal_strength": -rng.randrange(50, 120),
    }


def _address(rng: random.Random) -> str:
    network = rng.choice(("10.20.1", "192.168.1", "203.0.113", "172.20.10"))
    return f"{network}.{rng.randrange(1, 255)}"
