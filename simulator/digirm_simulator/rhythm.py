"""When a simulated device is connected and how well: what it is at any time, computed from the seed and its id alone.

A device's time goes in ticks of half an hour, each device at moments of its own. 48 ticks are a day of the device. One
hash makes a whole day, so that what happens in a tick does not depend on how the clock got there.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

#: Milliseconds between two ticks: connected devices report that often.
INTERVAL = 30 * 60 * 1000
#: Ticks of a device's day.
TICKS = 48

_HEALTH = ("normal",) * 5 + ("warning",) * 2 + ("error",)
# Of 256 days, how many have an outage; the longest lasts so many ticks.
_BAD_DAYS = 192
_LONGEST = 32
_MS_OF_DAY = 86_400_000


def moment_text(moment: int) -> str:
    """Epoch milliseconds as the service writes times: as `time_text`, but many times as fast."""
    days, rest = divmod(moment, _MS_OF_DAY)
    seconds, thousandths = divmod(rest, 1000)
    minutes, second = divmod(seconds, 60)
    return f"{_date(days)}T{minutes // 60:02}:{minutes % 60:02}:{second:02}.{thousandths:03}Z"


@lru_cache(maxsize=4096)
def _date(days: int) -> str:
    return (date(1970, 1, 1) + timedelta(days)).isoformat()


def _hash(*parts: object) -> bytes:
    return blake2b("/".join(map(str, parts)).encode(), digest_size=64).digest()


class Dice:
    """Whole numbers drawn from one hash of the parts: the same in every process, and much cheaper than a `Random`.

    512 bits are in it: enough for some fifty draws as a fleet needs them.
    """

    __slots__ = ("_left",)

    def __init__(self, *parts: object) -> None:
        self._left = int.from_bytes(_hash(*parts))

    def below(self, limit: int) -> int:
        """A number from 0 to `limit - 1`."""
        self._left, drawn = divmod(self._left, limit)
        return drawn

    def between(self, lowest: int, limit: int) -> int:
        """A number from `lowest` to `limit - 1`."""
        return lowest + self.below(limit - lowest)

    def pick(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[self.below(len(choices))]


class Day:
    """Day `number` of a device's life. A `slot` is a tick of it, 0 to 47; `outage` are those without a connection."""

    __slots__ = ("_noise", "outage")

    def __init__(self, seed: int, device_id: str, number: int) -> None:
        self._noise = noise = _hash(seed, device_id, number)
        bad, begins, lasts = noise[TICKS : TICKS + 3]
        # A day begins connected, so that a device which has just connected stays for a while.
        first = 1 + begins % (TICKS - 1)
        self.outage = range(first, min(first + 1 + lasts % _LONGEST, TICKS)) if bad < _BAD_DAYS else range(0)

    def connected(self, slot: int) -> bool:
        """Whether the device has a connection."""
        return slot not in self.outage

    def health(self, slot: int) -> str:
        """The health status: it may change once within a day, and from one to the next."""
        turn, before, after = self._noise[TICKS + 3 : TICKS + 6]
        return _HEALTH[(before if slot < turn % TICKS else after) % len(_HEALTH)]

    def signal(self, slot: int, usual: int) -> dict[str, int]:
        """The signal of a cellular device, in percent, dB and dBm, around the percentage that is usual for it."""
        drift, jitter = self._noise[TICKS + 6] // 10 - 12, self._noise[slot] // 20 - 6
        percent = min(max(usual + drift + jitter, 1), 100)
        return {
            "signal_percent": percent,
            "signal_quality": percent * 17 // 100 - 20,
            "signal_strength": percent * 70 // 100 - 120,
        }
