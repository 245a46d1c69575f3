"""How often and how many at once."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from digirm_simulator.replies import Problem


class Slot:
    """One of the requests that may run at the same time."""

    __slots__ = ("_leave",)

    def __init__(self, leave: Callable[[], None]) -> None:
        self._leave: Callable[[], None] | None = leave

    def leave(self) -> None:
        """Give it back; a second time does nothing."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()

    def until_last(self, chunks: Iterable[bytes]) -> Held:
        """A streamed body that gives the slot back before its last chunk, or when it is closed."""
        return Held(chunks, self)


class Held:
    """A streamed body that holds a slot.

    A client that has seen the last byte may ask again at once, and must then find the slot free: so one chunk is
    always read ahead.
    """

    def __init__(self, chunks: Iterable[bytes], slot: Slot) -> None:
        self.source = chunks
        self._slot = slot
        self._chunks = self._read()

    @property
    def delay(self) -> float:
        """Seconds that the source makes its reader wait; one who waits otherwise sets it to 0."""
        found: float = getattr(self.source, "delay", 0.0)
        return found

    @delay.setter
    def delay(self, seconds: float) -> None:
        self.source.delay = seconds  # type: ignore[attr-defined]

    def __iter__(self) -> Iterator[bytes]:
        return self._chunks

    def _read(self) -> Iterator[bytes]:
        try:
            chunks = iter(self.source)
            current = next(chunks, None)
            while current is not None:
                try:
                    following = next(chunks, None)
                except Exception:
                    # What came before a failure goes out before it is told.
                    self._slot.leave()
                    yield current
                    raise
                if following is None:
                    self._slot.leave()
                yield current
                current = following
        finally:
            self.close()

    def close(self) -> None:
        """Give back the slot and what the body holds, read to its end or not."""
        self._slot.leave()
        close = getattr(self.source, "close", None)
        if close is not None:
            close()

    def __del__(self) -> None:
        # A body that nobody read must not hold its slot for ever.
        self._slot.leave()


class Throttle:
    """Sliding windows of (requests, seconds), which hold all at once, and a limit of concurrent requests.

    One throttle is one account: all its users share it. Refused requests do not count.
    Raises ValueError for limits that are not positive.
    """

    def __init__(
        self,
        windows: Iterable[tuple[int, float]] = (),
        concurrent: int | None = None,
        clock: Callable[[], datetime] | None = None,
    ) -> None:
        limits = list(windows)
        if any(count < 1 or seconds <= 0 for count, seconds in limits):
            raise ValueError("a throttle is a number of requests and a number of seconds, both positive")
        if concurrent is not None and concurrent < 1:
            raise ValueError("a throttle lets at least one request run at a time")
        if limits and clock is None:
            raise ValueError("the windows of a throttle need a clock")
        self._windows = [(count, seconds, deque[float](maxlen=count)) for count, seconds in limits]
        self._concurrent = concurrent
        self._clock = clock
        self._running = 0
        self._lock = threading.Lock()

    @property
    def running(self) -> int:
        """How many requests hold a slot."""
        return self._running

    def enter(self) -> Slot:
        """Take a slot, and a place in every window. Raises Problem 429 where there is none."""
        with self._lock:
            now = self._clock().timestamp() if self._windows and self._clock is not None else 0.0
            for count, seconds, times in self._windows:
                if len(times) == count and now - times[0] < seconds:
                    raise Problem(429, f"Too many requests: at most {count} in {seconds:g} seconds")
            if self._concurrent is not None and self._running >= self._concurrent:
                raise Problem(429, f"Too many requests at the same time: at most {self._concurrent}")
            for _, _, times in self._windows:
                times.append(now)
            self._running += 1
        return Slot(self._left)

    def _left(self) -> None:
        with self._lock:
            self._running -= 1
