"""What a compiled query costs over dicts, against a comprehension that somebody wrote by hand for that one query."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.harness import Row, paired, timed
from digirm.query import predicate
from digirm_runtime.text import time_text

DEVICES = 100_000
NOW = datetime(2024, 6, 1, 12, tzinfo=UTC)
QUERY = "connection_status = 'connected' and last_update > -1d and (name contains 'x' or signal_percent > 50)"

Device = dict[str, Any]


def rows(rounds: int) -> list[Row]:
    """`select`, and the predicate called for each row; both find what the comprehension finds."""
    devices = fleet(DEVICES)
    selects = predicate("devices/inventory", QUERY, now=NOW)
    expected = by_hand(devices)
    assert 0 < len(expected) < DEVICES
    assert selects.select(devices) == list(filter(selects.matches, devices)) == expected
    subjects: list[tuple[str, Callable[[], object], float | None]] = [
        ("predicate over 100,000 device dicts, `p.select(rows)`", lambda: selects.select(devices), 1.3),
        ("the same, `filter(p.matches, rows)`", lambda: list(filter(selects.matches, devices)), None),
        (
            "the same, `[row for row in rows if p(row)]`",
            lambda: [device for device in devices if selects(device)],
            None,
        ),
    ]
    return [
        Row(what, "comprehension by hand", paired(timed(run), timed(lambda: by_hand(devices)), rounds), target)
        for what, run, target in subjects
    ]


def by_hand(devices: list[Device]) -> list[Device]:
    """The query as a comprehension: text in any case, missing values, any ISO 8601 time."""
    since = NOW - timedelta(days=1)
    return [
        device
        for device in devices
        if isinstance(status := device.get("connection_status"), str)
        and status.casefold() == "connected"
        and (updated := moment(device.get("last_update"))) is not None
        and updated > since
        and (
            (isinstance(name := device.get("name"), str) and "x" in name.casefold())
            or (isinstance(signal := device.get("signal_percent"), (int, float)) and signal > 50)
        )
    ]


def moment(text: str | None) -> datetime | None:
    """An ISO 8601 time, in UTC where it names no zone; None for what is none."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo is not None else found.replace(tzinfo=UTC)


def fleet(count: int) -> list[Device]:
    """Devices with the keys of an inventory; some values are missing, null, empty or written in another way."""
    rng = random.Random(7)
    return [_device(rng, number) for number in range(count)]


def _device(rng: random.Random, number: int) -> Device:
    updated = NOW - timedelta(seconds=rng.randrange(2 * 86_400), milliseconds=rng.randrange(1000))
    device: Device = {
        "id": f"00000000-00000000-0040FFFF-FF{number:06X}",
        "type": rng.choice(["Digi EX50", "Digi IX20", "ConnectPort X4"]),
        "connection_status": rng.choices(["connected", "Connected", "disconnected"], [70, 5, 25])[0],
        "customer_id": 7493,
        "group": rng.choice(["Configs", "Lab/North", ""]),
        "ip": f"10.20.{number % 256}.{rng.randrange(256)}",
        "tags": ["a", "b"][: rng.randrange(3)],
        "name": f"{rng.choice(['Box', 'Vision', 'silver', 'Änne'])}-{number}",
        "signal_percent": rng.randrange(101),
        "last_update": time_text(updated),
    }
    odd = rng.random()
    if odd < 0.05:
        del device["last_update"], device["name"], device["signal_percent"]
    elif odd < 0.08:
        device |= {"last_update": updated.replace(microsecond=0).isoformat(), "name": None, "signal_percent": 60.5}
    elif odd < 0.09:
        device |= {"last_update": "", "name": ""}
    return device
