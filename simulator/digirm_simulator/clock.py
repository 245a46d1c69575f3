"""The simulator's time: real, accelerated, or stepped by a test."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta

# Room for arithmetic on times beyond it: Python's end in the year 9999.
_LAST = datetime(9000, 1, 1, tzinfo=UTC)


class Clock:
    """A clock that never goes back; safe to use from threads.

    It begins at `start` (default: the real time) and runs `speed` times as fast as real time; with a speed of 0 it
    stands still until it is advanced. Raises ValueError for a start without a time zone or beyond the year 8999, and
    for a speed that is negative or not finite.
    """

    def __init__(self, start: datetime | None = None, *, speed: float = 1.0) -> None:
        if not (math.isfinite(speed) and speed >= 0):
            raise ValueError(f"a clock cannot run at speed {speed!r}")
        if start is not None and start.utcoffset() is None:
            raise ValueError(f"{start!r} has no time zone; use datetime(..., tzinfo=UTC)")
        self._lock = threading.Lock()
        self._speed = float(speed)
        self._read = time.time()
        self._start = datetime.fromtimestamp(self._read, UTC) if start is None else start.astimezone(UTC)
        self._passed = 0.0
        if self._start >= _LAST:
            raise ValueError(f"{start!r} is beyond what this clock can show")

    @property
    def speed(self) -> float:
        """How many seconds pass in a real one."""
        return self._speed

    def now(self) -> datetime:
        """The time, aware and in UTC."""
        with self._lock:
            return self._go_on()

    def __call__(self) -> datetime:
        """As `now`."""
        return self.now()

    def advance(
        self, *, weeks: float = 0, days: float = 0, hours: float = 0, minutes: float = 0, seconds: float = 0
    ) -> datetime:
        """Go forward by a time and give the new one. Raises ValueError where that is nothing, or back, or too far."""
        try:
            step = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
        except OverflowError:
            raise ValueError("a clock cannot be advanced that far") from None
        if step <= timedelta(0):
            raise ValueError("a clock can only be advanced: give a time above zero, such as hours=3")
        with self._lock:
            if step >= _LAST - self._go_on():
                raise ValueError("a clock cannot be advanced that far")
            self._start += step
            return self._go_on()

    def _go_on(self) -> datetime:
        if not self._speed:
            return self._start
        # The system's clock may be set back: then no time has passed. A machine's sleep is time that passes.
        read = time.time()
        self._passed += max(0.0, read - self._read) * self._speed
        self._read = read
        left = (_LAST - self._start).total_seconds()
        return self._start + timedelta(seconds=min(self._passed, left))

    def __repr__(self) -> str:
        return f"<Clock {self.now().isoformat()} speed={self._speed:g}>"
