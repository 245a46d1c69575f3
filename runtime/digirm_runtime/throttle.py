"""The throttle governor: keeps every client of one account within the account's limits.

A slot is free again one window after its *answer* came, so that jitter on the way cannot turn a rate that the server
allows into one that it refuses. Who waits is served in turn. Waiting itself is a step of the flow
(`digirm_runtime.drivers`); this module only decides and wakes.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from math import inf
from typing import TYPE_CHECKING, NamedTuple

from digirm_runtime.errors import RemoteManagerError, WouldWaitForItself
from digirm_runtime.limits import Limits
from digirm_runtime.limits import WindowLeft as WindowLeft
from digirm_runtime.lockout import Hall
from digirm_runtime.lockout import Slot as Slot
from digirm_runtime.lockout import Waiter as Waiter
from digirm_runtime.lockout import me as me
from digirm_runtime.options import Throttle

if TYPE_CHECKING:
    from digirm_runtime.lockout import Owner as Owner

#: How long after its turn a waiter may stay silent before the next one takes its place, in seconds.
PATIENCE = 1.0
#: How often at least a waiter looks whether it is its turn, in seconds.
POLL = 5.0
#: The longest time, in seconds, for which the service may tell a call without a deadline to wait.
LONGEST_WAIT = 60.0

_hall = Hall()


class Paused(RemoteManagerError):  # noqa: N818 - becomes a Throttled before anyone sees it
    """The service told the account to wait for longer than this call does."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"the service told this account to wait {seconds:.0f} s more")
        self.seconds = seconds


class Allowance(NamedTuple):
    """What is left of an account's limits: per window, and of the requests at one time.

    The service said to wait `paused` more seconds; 0 where it did not.
    """

    windows: tuple[WindowLeft, ...]
    concurrent: int
    concurrent_left: int
    paused: float


class Governor:
    """One account's limits, shared by its clients; safe to use from threads and event loops."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._throttles: weakref.WeakSet[Throttle] = weakref.WeakSet()
        self._known = -1  # how many throttles the limits were made from
        self._limits = Limits()
        self._most = 1  # how many can be under way when no limit is lowered
        #: The slots that are given out; changed under the lock only.
        self.held: set[Slot] = set()
        self._closed_until = -inf
        self._queue: OrderedDict[Waiter, None] = OrderedDict()
        self._due = -inf  # when the first of the queue should ask
        _governors.add(self)

    def renew(self) -> None:
        """Forget who holds and waits: a forked process has none of them. What was sent still counts."""
        self._known = -1
        self.held = set()
        self._queue = OrderedDict()

    def join(self, throttle: Throttle) -> None:
        """Keep to `throttle` as well, for as long as it lives: of each limit the strictest holds."""
        with _hall.lock:
            self._throttles.add(throttle)
            self._known = -1
        _hall.work_off()

    def idle(self) -> bool:
        """Whether nobody uses it, and nothing that it remembers matters any more."""
        with _hall.lock:
            now = self._clock()
            self._settle(now)
            idle = (
                not (self._throttles or self.held or self._queue) and self._limits.idle() and now >= self._closed_until
            )
        _hall.work_off()
        return idle

    def left(self) -> Allowance:
        """What may still be sent now."""
        with _hall.lock:
            now = self._clock()
            self._settle(now)
            held = len(self.held)
            windows = self._limits.left(now, held)
            left = Allowance(windows, self._most, max(0, self._most - held), max(0.0, self._closed_until - now))
        _hall.work_off()
        return left

    def full(self) -> bool:
        """Whether nobody is served before a slot comes back, however long it takes. The lock must be held."""
        if len(self.held) < self._most:
            return False
        for slot in [slot for slot in self.held if slot.lost()]:
            self._end(slot, self._clock())
        return len(self.held) >= self._most

    def enter(self, waiter: Waiter) -> Slot | float:
        """A slot; or how many seconds to wait at most before asking again.

        Raises WouldWaitForItself and Paused.
        """
        try:
            with _hall.lock:
                return self._enter(waiter, self._clock())
        finally:
            _hall.work_off()

    def leave(self, slot: Slot, *, sent: bool = True) -> None:
        """Take a slot back; where something was sent, the windows count it from now."""
        _hall.after(partial(self._end, slot, self._clock() if sent else None))

    def forget(self, waiter: Waiter) -> None:
        """Drop a waiter that gave up, with what it may have been given meanwhile."""
        _hall.after(partial(self._give_up, waiter))

    def refuse(self, seconds: float, *, told: bool) -> None:
        """The server refused a request, still under way here, as one too many: nobody starts for `seconds`.

        Where it did not say how long (`told`), the account has lower limits than assumed, or others use it.
        """
        with _hall.lock:
            now = self._clock()
            self._settle(now)
            if not told:
                # Several that are under way are refused at once; after a pause it is another matter.
                self._limits.refused(now, len(self.held), again=now < self._closed_until)
            self._closed_until = max(self._closed_until, now + seconds)
        _hall.work_off()

    def _enter(self, waiter: Waiter, now: float) -> Slot | float:
        self._settle(now)
        delay = self._delay(now)
        if self._closed_until - now > waiter.most:
            self._drop(waiter)
            raise Paused(self._closed_until - now)
        while self._queue and next(iter(self._queue)) is not waiter and now > self._due + PATIENCE:
            # It was called and did not come: its event loop is blocked, or gone.
            self._pop_first()
            self._due = now + min(delay, POLL)
        first = not self._queue or next(iter(self._queue)) is waiter
        if first and delay <= 0:
            waiter.slot = slot = Slot(self, me() if waiter.ahead else waiter.owner)
            self.held.add(slot)
            self._drop(waiter)
            return slot
        if waiter not in self._queue:
            self._queue[waiter] = None
            _hall.add(waiter, self)
        if delay == inf:
            self._refuse_lockout(waiter)
        if not first:
            return min(max(self._due - now, 0.0) + PATIENCE, POLL)
        self._due = now + min(delay, POLL)
        waiter.expected = delay if delay < inf else None
        return min(delay, POLL)

    def _refuse_lockout(self, waiter: Waiter) -> None:
        """Raise WouldWaitForItself where nobody would be served any more, and this waiter holds what others need."""
        locked = _hall.locked(self, ahead=waiter.ahead)
        if any(waiter.stops(slot) for governor in locked for slot in governor.held):
            self._drop(waiter)
            what = f"all {len(self.held)} requests that the throttle allows at a time are open in"
            whose = "this very thread" if waiter.blocks else "this very task"
            if not all(waiter.stops(slot) for slot in self.held):
                whose = "threads or tasks that wait for one more"
            raise WouldWaitForItself(f"{what} {whose}: end one (a stream that is not read to its end?) first")
        if not waiter.ahead:
            # Whoever waits for what is fetched ahead for it does better to ask by itself.
            for governor in _hall.locked(self, ahead=True):
                governor.call_ahead()

    def call_ahead(self) -> None:
        """Let those ask again who fetch ahead. The lock must be held."""
        for waiter in self._queue:
            if waiter.ahead:
                waiter.wake()

    def _end(self, slot: Slot, moment: float | None) -> None:
        if slot in self.held:
            self.held.remove(slot)
            if moment is not None:
                self._limits.answered(moment)
            self._call_next()

    def _give_up(self, waiter: Waiter) -> None:
        self._drop(waiter)
        if waiter.slot is not None:
            self._end(waiter.slot, None)

    def _settle(self, now: float) -> None:
        """Bring limits and memory up to date: clients that came or went, time that passed."""
        if len(self._throttles) != self._known:
            throttles = list(self._throttles)
            self._known = len(throttles)
            if throttles:
                self._limits.adopt(throttles)
                self._most = min(self._limits.most, *(throttle.concurrent for throttle in throttles))
        self._limits.settle(now)

    def _delay(self, now: float) -> float:
        if self.full():
            return inf
        return max(self._closed_until - now, self._limits.delay(now, len(self.held)))

    def _drop(self, waiter: Waiter) -> None:
        if waiter in self._queue:
            first = next(iter(self._queue)) is waiter
            del self._queue[waiter]
            _hall.remove(waiter)
            if first:
                self._call_next()

    def _pop_first(self) -> None:
        _hall.remove(self._queue.popitem(last=False)[0])

    def _call_next(self) -> None:
        while self._queue and not next(iter(self._queue)).wake():
            self._pop_first()
        self._due = self._clock()


_governors: weakref.WeakSet[Governor] = weakref.WeakSet()


class Governors:
    """The two buckets of one account: every request, and uploads of device data, which take a slot of both.

    Digi documents limits for web services and for data uploads, and not whether an upload counts as both: it is taken
    to, which can only be too careful.
    """

    __slots__ = ("__weakref__", "requests", "uploads")

    def __init__(self) -> None:
        self.requests = Governor()
        self.uploads = Governor()


class Membership:
    """A client's part in the limits of its account: what it asked for holds as long as this lives."""

    __slots__ = ("_requests", "_uploads", "governors", "uploading")

    def __init__(self, governors: Governors, throttle: Throttle) -> None:
        # Copies: one Throttle may be given to clients of many accounts, and live for ever.
        self._requests = Throttle(*throttle.windows, concurrent=throttle.concurrent)
        self._uploads = Throttle(*([throttle.uploads] if throttle.uploads else []), concurrent=1)
        governors.requests.join(self._requests)
        self.governors: tuple[Governor, ...] = (governors.requests,)
        self.uploading: tuple[Governor, ...] = self.governors
        if throttle.uploads:
            governors.uploads.join(self._uploads)
            # The scarcer one first: who waits for it should hold nothing.
            self.uploading = (governors.uploads, governors.requests)


_accounts: dict[tuple[str, str], Governors] = {}
_accounts_most = 64  # so many are remembered before those that nobody uses are forgotten
_accounts_lock = threading.Lock()


def member(origin: str, account: str, throttle: Throttle) -> Membership:
    """Join the limits of an account at an origin.

    They are remembered beyond their last client: a new one must not begin at nought.
    """
    global _accounts_most
    with _accounts_lock:
        found = _accounts.get((origin, account))
        if found is None:
            if len(_accounts) >= _accounts_most:
                for key, old in list(_accounts.items()):
                    if old.requests.idle() and old.uploads.idle():
                        del _accounts[key]
                _accounts_most = max(64, 2 * len(_accounts))
            found = _accounts[origin, account] = Governors()
        return Membership(found, throttle)


def _forked() -> None:
    """In a forked process: threads that held a lock, a slot or a place in a queue do not exist here."""
    global _accounts_lock
    _accounts_lock = threading.Lock()
    _hall.renew()
    for governor in list(_governors):
        governor.renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
