"""Connections by event loop, and fresh ones in place of those that cancelled calls have left behind.

A call that is cancelled at a bad moment leaves a connection in httpx's pool that is neither free nor ever closed: the
pool takes it for busy. After some cancelled calls new ones go to a pool of their own, and the old one is closed when
the last call on it has ended; otherwise a program that cancels often would in the end have no connection left.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    import asyncio

#: After so many cancelled calls a pool is replaced: few against the 100 connections that a pool has, many against the
#: connections that are made anew for it.
MOST_CANCELLED = 10


class Closable(Protocol):
    """What a pool is of: an asynchronous transport of httpx."""

    async def aclose(self) -> None:
        """Close the connections."""
        ...


T = TypeVar("T", bound=Closable)


class Pool(Generic[T]):
    """The connections of one transport. Only its event loop's thread touches it."""

    __slots__ = ("_home", "cancelled", "closed", "transport", "users")

    def __init__(self, home: _Home[T], transport: T) -> None:
        self._home = home
        self.transport = transport
        self.users = 0
        self.cancelled = 0
        self.closed = False

    def leave(self) -> None:
        """A call on it has ended."""
        self.users -= 1
        if not self.users and self._home.current is not self and not self.closed:
            self._home.drop(self)


class Lease(Generic[T]):
    """One call's use of a pool."""

    __slots__ = ("_over", "pool")

    def __init__(self, pool: Pool[T]) -> None:
        self.pool = pool
        self._over = False
        pool.users += 1

    def failed(self, error: BaseException) -> None:
        """Count a call that did not end by itself. One that reads no further (GeneratorExit) does no harm."""
        if not isinstance(error, Exception | GeneratorExit):
            self.pool.cancelled += 1

    def end(self) -> None:
        """The call is over; it may be said twice."""
        if not self._over:
            self._over = True
            self.pool.leave()


class _Home(Generic[T]):
    """What belongs to one event loop: its pool, and older ones until they are closed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self.current: Pool[T] | None = None
        self._older: set[Pool[T]] = set()
        self._closing: set[asyncio.Task[None]] = set()

    def renew(self, transport: T) -> Pool[T]:
        """Let new calls use another transport."""
        old, self.current = self.current, Pool(self, transport)
        if old is not None:
            self._older.add(old)
            if not old.users:
                self.drop(old)
        return self.current

    def drop(self, pool: Pool[T]) -> None:
        """Close a pool in a task of its own, which no cancelled call disturbs."""
        self._older.discard(pool)
        pool.closed = True
        if not self._loop.is_closed():
            task = self._loop.create_task(_close(pool.transport))
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    async def aclose(self) -> None:
        import asyncio

        pools = [pool for pool in (self.current, *self._older) if pool is not None]
        for pool in pools:
            pool.closed = True
        for pool in pools:
            await pool.transport.aclose()
        if self._closing:
            await asyncio.wait(set(self._closing))


async def _close(transport: Closable) -> None:
    # What does not close has nobody left whom that would concern.
    with suppress(Exception):
        await transport.aclose()


class Pools(Generic[T]):
    """The pools of one client; `make` makes a transport, `renews` says whether that can be done again."""

    def __init__(self, make: Callable[[], T], *, renews: bool) -> None:
        self._make = make
        self._renews = renews
        self._lock = threading.Lock()
        self._homes: dict[asyncio.AbstractEventLoop, _Home[T]] = {}

    def lease(self) -> Lease[T]:
        """A pool of the running event loop for one call."""
        import asyncio

        loop = asyncio.get_running_loop()
        home = self._homes.get(loop)
        pool = None if home is None else home.current
        if home is None or pool is None or (self._renews and pool.cancelled >= MOST_CANCELLED):
            transport = self._make()
            pool = (home or self._home(loop)).renew(transport)
        return Lease(pool)

    def _home(self, loop: asyncio.AbstractEventLoop) -> _Home[T]:
        with self._lock:
            # Connections of a loop that is closed cannot be closed any more: letting go of them frees their sockets.
            self._homes = {known: home for known, home in self._homes.items() if not known.is_closed()}
            home = self._homes[loop] = _Home(loop)
            return home

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        import asyncio

        with self._lock:
            home = self._homes.pop(asyncio.get_running_loop(), None)
        if home is not None:
            await home.aclose()
