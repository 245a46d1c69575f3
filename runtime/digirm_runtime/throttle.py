"""The throttle governor: keeps every client of one account within the account's limits.

A slot is free again one window after its *answer* came, so that jitter on the way cannot turn a rate that the server
allows into one that it refuses. Waiting is a step of the flow; this module only decides and wakes.
"""

from __future__ import annotations

import threading
import time
import weakref
from bisect import bisect_right
from collections import deque
from collections.abc import Callable

from digirm_runtime.options import Throttle


class Governor:
    """One account's limits, shared by its clients; safe to use from threads and event loops."""

    def __init__(self, throttle: Throttle, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._limits = {seconds: requests for requests, seconds in throttle.windows}
        self._concurrent = throttle.concurrent
        self._in_flight = 0
        self._answered: deque[float] = deque()
        self._closed_until = 0.0
        self._waiters: list[Callable[[], None]] = []

    def tighten(self, throttle: Throttle) -> None:
        """Take over whatever is stricter in `throttle`."""
        with self._lock:
            for requests, seconds in throttle.windows:
                self._limits[seconds] = min(requests, self._limits.get(seconds, requests))
            self._concurrent = min(self._concurrent, throttle.concurrent)

    def enter(self, wake: Callable[[], None]) -> float | None:
        """Take a slot and return None; or return how many seconds to wait at most before asking again.

        `wake` is called, from any thread, when asking earlier is worth it.
        """
        with self._lock:
            delay = self._delay(self._clock())
            if delay <= 0:
                self._in_flight += 1
                return None
            self._waiters.append(wake)
            return delay

    def leave(self) -> None:
        """Give a slot back: the answer came, or the request was given up."""
        with self._lock:
            self._in_flight -= 1
            if self._limits:
                self._answered.append(self._clock())
            waiters, self._waiters = self._waiters, []
        for wake in waiters:
            wake()

    def pause(self, seconds: float) -> None:
        """Let nobody start for a while: the server said that it was too much."""
        with self._lock:
            self._closed_until = max(self._closed_until, self._clock() + seconds)

    def forget(self, wake: Callable[[], None]) -> None:
        """Drop a waiter that gave up."""
        with self._lock:
            if wake in self._waiters:
                self._waiters.remove(wake)

    def _delay(self, now: float) -> float:
        longest = max(self._limits, default=0.0)
        while self._answered and self._answered[0] <= now - longest:
            self._answered.popleft()
        delay = max(0.0, self._closed_until - now)
        if self._in_flight >= self._concurrent:
            return max(delay, 60.0)
        answered = list(self._answered)
        for seconds, requests in self._limits.items():
            recent = answered[bisect_right(answered, now - seconds) :]
            over = len(recent) + self._in_flight - requests + 1
            if over > len(recent):
                delay = max(delay, seconds)
            elif over > 0:
                delay = max(delay, recent[over - 1] + seconds - now)
        return delay


_shared: weakref.WeakValueDictionary[tuple[str, str], Governor] = weakref.WeakValueDictionary()
_shared_lock = threading.Lock()


def governor(origin: str, account: str, throttle: Throttle) -> Governor:
    """The governor of an account at an origin, made at its first use, as strict as its strictest client asked."""
    with _shared_lock:
        found = _shared.get((origin, account))
        if found is None:
            found = _shared[origin, account] = Governor(throttle)
        else:
            found.tighten(throttle)
        return found
