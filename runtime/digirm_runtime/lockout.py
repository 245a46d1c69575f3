"""Who holds the throttle's slots and who waits for one, in the whole process; and whether waiting could ever end.

A slot comes back when the thread or task that holds it goes on. One that waits for a slot itself does not: where all
slots are held by such, nobody would ever be served.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Iterator
from math import inf
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing import TypeAlias

    from digirm_runtime.throttle import Governor

#: A thread (not its number: that of one that ended is given to another), and the asyncio task that runs in it.
Owner: TypeAlias = tuple[object, Any]


class _Here(threading.local):
    def __init__(self) -> None:
        self.thread = object()


_here = _Here()


def me() -> Owner:
    """The running thread, and its running task where there is one."""
    asyncio = sys.modules.get("asyncio")
    try:
        task = None if asyncio is None else asyncio.current_task()
    except RuntimeError:
        task = None
    return _here.thread, task


class Slot:
    """Leave to have one request under way; `owner` is who will give it back."""

    __slots__ = ("_governor", "owner")

    def __init__(self, governor: Governor, owner: Owner) -> None:
        self._governor = governor
        self.owner = owner

    def release(self, *, sent: bool = True) -> None:
        """Give the slot back: the answer came, or the request was given up. A second time does nothing.

        One under which nothing was sent counts for no window.
        """
        self._governor.leave(self, sent=sent)

    def lost(self) -> bool:
        """Whether its holder can never go on: a task of an event loop that was closed."""
        task = self.owner[1]
        return task is not None and bool(task.get_loop().is_closed())


class Waiter:
    """Someone who wants a slot: `wake` is called, from any thread, when asking again is worth it.

    `owner` is on whose behalf; `blocks` says that the whole thread waits, and not one of its tasks; `ahead` that the
    owner goes on meanwhile, and can do without. `wake` returns False where nobody is left to be woken. `expected` is
    how long it will take, in seconds, where that is known; `most` how long the service may tell it to wait; `slot` what
    it was given.
    """

    __slots__ = ("ahead", "blocks", "expected", "most", "owner", "slot", "wake")

    def __init__(
        self, wake: Callable[[], bool], owner: Owner, *, blocks: bool, most: float = inf, ahead: bool = False
    ) -> None:
        self.wake = wake
        self.owner = owner
        self.blocks = blocks
        self.ahead = ahead
        self.most = most
        self.expected: float | None = None
        self.slot: Slot | None = None

    @property
    def stopped(self) -> object:
        """The thread or the task that does not go on before this has its slot."""
        return self.owner[0] if self.blocks else self.owner[1]

    def stops(self, slot: Slot) -> bool:
        """Whether a slot cannot come back before this waiter has its own."""
        stopped = self.stopped
        return stopped is not None and any(stopped is one for one in slot.owner)


class Hall:
    """What the governors of a process share: one lock, what is to be done once it is free, and who waits where.

    A slot or a place in a queue may be given up while the same thread is in here: by a stream or a task that the
    garbage collector ends. So that is written down (`after`), and done by whoever has the lock when giving it back.
    """

    def __init__(self) -> None:
        self.renew()

    def renew(self) -> None:
        """Begin anew, as a forked process must: what was locked, held or waited for, was so in its parent."""
        self.lock = threading.Lock()
        self._todo: deque[Callable[[], None]] = deque()
        self._waiting: dict[object, dict[Waiter, Governor]] = {}

    def after(self, todo: Callable[[], None]) -> None:
        """Do something under the lock, now or as soon as it is free."""
        self._todo.append(todo)
        self.work_off()

    def work_off(self) -> None:
        """Do what was left over; called after each use of the lock."""
        while self._todo and self.lock.acquire(blocking=False):
            try:
                while self._todo:
                    self._todo.popleft()()
            finally:
                self.lock.release()

    def add(self, waiter: Waiter, governor: Governor) -> None:
        """Note who waits where."""
        self._waiting.setdefault(waiter.stopped, {})[waiter] = governor

    def remove(self, waiter: Waiter) -> None:
        """The waiter waits no more."""
        same = self._waiting.get(waiter.stopped)
        if same is not None:
            same.pop(waiter, None)
            if not same:
                del self._waiting[waiter.stopped]

    def locked(self, start: Governor, *, ahead: bool) -> set[Governor]:
        """Where nobody will ever be served: `start` and those that its holders wait at; nothing if it moves.

        With `ahead` those who fetch ahead count as waiting for what they fetch.
        """
        found, todo = {start}, [start]
        while todo:
            for slot in todo.pop().held:
                new = [governor for governor in self._places(slot, ahead) if governor not in found]
                found.update(new)
                todo.extend(new)
        while moving := {governor for governor in found if self._moves(governor, found, ahead)}:
            found -= moving
        return found if start in found else set()

    def _moves(self, governor: Governor, locked: set[Governor], ahead: bool) -> bool:
        return not governor.full() or any(
            not any(place in locked for place in self._places(slot, ahead)) for slot in governor.held
        )

    def _places(self, slot: Slot, ahead: bool) -> Iterator[Governor]:
        for stopped in slot.owner:
            if stopped is not None:
                for waiter, governor in self._waiting.get(stopped, {}).items():
                    if ahead or not waiter.ahead:
                        yield governor
