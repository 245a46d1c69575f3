"""What an account may send, in sliding windows: as its clients ask, and lower where the service refuses.

The service does not say which limit a refused request ran into. What is learnt here therefore stays close to what it
has allowed: a refusal lowers a window to what it held, and from time to time one window tries a little more.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Iterable
from math import inf
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from digirm_runtime.options import Throttle

#: Added to each window, in seconds: a server may count in whole milliseconds, and its clock may run a little faster.
MARGIN = 0.002
#: How often one window tries a limit that is larger by a tenth of what was asked for, in seconds.
RECOVERY = 30.0
#: A window that nobody asked for, in seconds: what it holds is only ever limited by a lesson.
SHORTEST = 1.0


class WindowLeft(NamedTuple):
    """What is left of a window: `left` of `limit` requests in `seconds`.

    The next one is free in `free_in` seconds, as far as that is known; 0 where one is free now.
    """

    seconds: float
    limit: int
    left: int
    free_in: float


class Window:
    """At most so many requests in `seconds`: `asked` by the clients, `limit` as experience has lowered it.

    `proven` is the most that the service is known to allow: a window that holds less cannot be why it refused.
    `implied` marks one that no client asked for.
    """

    __slots__ = ("asked", "implied", "limit", "proven", "seconds")

    def __init__(self, asked: int, seconds: float, *, implied: bool = False) -> None:
        self.asked = self.limit = asked
        self.implied = implied
        self.proven = 0
        self.seconds = seconds + MARGIN


class Limits:
    """The windows of one account, and when what they hold was answered. Times are those of the caller's clock."""

    def __init__(self) -> None:
        self._windows: dict[float, Window] = {}
        self._answered: deque[float] = deque()
        self._tries_at = inf  # when a window tries more; never where none was lowered
        self._turn = 0
        self._trial: tuple[Window, int] | None = None  # the window that tries more, and its limit before
        self._pressed = False  # whether somebody had to wait for a window since
        self._lesson: list[
            tuple[Window, int, int]
        ] = []  # the windows of the last refusals, their limits, what they held

    @property
    def most(self) -> int:
        """How many can be under way at all, where no limit is lowered."""
        return min((window.asked for window in self._windows.values()), default=2**31)

    def adopt(self, throttles: Iterable[Throttle]) -> None:
        """Take over what the clients ask for: of each limit the strictest."""
        before, self._windows = self._windows, {}
        for throttle in throttles:
            for requests, seconds in throttle.windows:
                window = self._windows.setdefault(seconds, Window(requests, seconds))
                window.asked = window.limit = min(window.asked, requests)
        if self._windows and min(self._windows) > SHORTEST:
            self._windows[SHORTEST] = Window(self._windows[min(self._windows)].asked, SHORTEST, implied=True)
        for seconds, window in self._windows.items():
            if seconds in before:
                window.proven = before[seconds].proven
                if before[seconds].limit < before[seconds].asked:
                    window.limit = min(window.limit, before[seconds].limit)

    def settle(self, now: float) -> None:
        """Let time do its work: forget what is too old to count, try more where a limit was lowered."""
        while now >= self._tries_at:
            self._try_more()
        longest = max((window.seconds for window in self._windows.values()), default=60.0)
        while self._answered and self._answered[0] <= now - longest:
            self._answered.popleft()

    def idle(self) -> bool:
        """Whether nothing that it remembers matters any more."""
        return not self._answered and self._tries_at == inf

    def answered(self, moment: float) -> None:
        """A request was allowed and answered: it counts from now."""
        self._answered.append(moment)
        for window in self._windows.values():
            window.proven = max(window.proven, self._count(moment, window))

    def delay(self, now: float, under_way: int) -> float:
        """Seconds until one more may start; `inf` where one of those under way must be answered first."""
        delay = 0.0
        for window in self._windows.values():
            free = window.limit - under_way
            if free <= 0:
                return inf
            if len(self._answered) >= free:
                delay = max(delay, self._answered[-free] + window.seconds - now)
        self._pressed |= delay > 0
        return delay

    def left(self, now: float, under_way: int) -> tuple[WindowLeft, ...]:
        """What is left of each window that the clients asked for, the shortest first."""
        found = []
        for seconds, window in sorted(self._windows.items()):
            if window.implied:
                continue
            free = window.limit - under_way
            left = max(0, free - self._count(now, window))
            wait = 0.0
            if not left:
                # One that is under way frees its place a window after its answer, whenever that comes.
                wait = self._answered[-free] + window.seconds - now if free > 0 else seconds
            found.append(WindowLeft(seconds, window.limit, left, wait))
        return tuple(found)

    def refused(self, now: float, under_way: int, *, again: bool) -> None:
        """One of those under way was too much; `again` says that another one of them was so before."""
        if again:
            # Several refused at once teach one lesson: each, that one less was allowed than it seemed.
            self._lesson = [(window, before, held - 1) for window, before, held in self._lesson]
        else:
            # The others under way count as allowed until they are refused too.
            held = {window: self._count(now, window) + under_way - 1 for window in self._windows.values()}
            trial, self._trial = self._trial, None
            if trial is not None and held[trial[0]] >= trial[1]:
                self._lesson = [(trial[0], trial[1] + 1, trial[1])]
            else:
                blamed = [window for window in held if held[window] >= window.proven] or list(held)
                self._lesson = [(window, window.limit, held[window]) for window in blamed]
        for window, before, allowed in self._lesson:
            # Half of what it was is low enough for once: others may be using the account. One more than what stays
            # under way is always allowed.
            lower = min(before - 1, max(allowed, before // 2))
            window.limit = min(before, max(1, under_way, lower))
            window.proven = min(window.proven, max(allowed, 0))
        self._tries_at = now + RECOVERY if any(self._lowered()) else inf

    def _lowered(self) -> Iterable[Window]:
        return (window for window in self._windows.values() if window.limit < window.asked)

    def _try_more(self) -> None:
        """Raise one window, in turn: of two raised at once, the one would hide what the other may."""
        if self._trial is not None and self._pressed and self._trial[0].proven <= self._trial[1]:
            # Another window was in the way: nothing is known of this one.
            self._trial[0].limit = self._trial[1]
        self._trial, self._pressed = None, False
        lowered = list(self._lowered())
        if not lowered:
            self._tries_at = inf
            return
        window = lowered[self._turn % len(lowered)]
        self._trial = window, window.limit
        window.limit = min(window.asked, window.limit + max(1, window.asked // 10))
        self._turn += 1
        self._tries_at += RECOVERY

    def _count(self, now: float, window: Window) -> int:
        return len(self._answered) - bisect_right(self._answered, now - window.seconds)
