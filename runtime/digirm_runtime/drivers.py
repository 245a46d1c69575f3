"""The two drivers of the flow: one over blocking calls, one over asyncio. What sends is given to them."""

from __future__ import annotations

import threading
import time
from math import inf
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from digirm_runtime.errors import RemoteManagerError, TransportError, WouldWaitForItself
from digirm_runtime.flow import Acquire, Send, Wait
from digirm_runtime.lockout import Slot, Waiter, me
from digirm_runtime.throttle import LONGEST_WAIT

if TYPE_CHECKING:
    from collections.abc import Callable

    from digirm_runtime.flow import Flow, Step
    from digirm_runtime.wire import Response

T = TypeVar("T")

#: How many turns of the event loop a task that seems to wait for itself lets pass first.
TURNS = 50


class Transport(Protocol):
    """How requests leave; connections open at first use, and again after closing."""

    def send(self, step: Send) -> Response:
        """Send one request. Raises TransportError."""
        ...

    async def asend(self, step: Send) -> Response:
        """`send` on the running event loop."""
        ...

    def close(self) -> None:
        """Close the connections of blocking calls."""
        ...

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        ...


def run(flow: Flow[T], transport: Transport) -> T:
    """Drive a flow with blocking calls."""
    try:
        step = next(flow)
        while True:
            try:
                value = _do(step, transport)
            except RemoteManagerError as error:
                step = flow.throw(error)
            else:
                step = flow.send(value)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


async def arun(flow: Flow[T], transport: Transport) -> T:
    """Drive a flow on the running asyncio loop."""
    try:
        step = next(flow)
        while True:
            try:
                value = await _ado(step, transport)
            except RemoteManagerError as error:
                step = flow.throw(error)
            else:
                step = flow.send(value)
    except StopIteration as stop:
        result: T = stop.value
        return result
    finally:
        flow.close()


def _do(step: Step, transport: Transport) -> Any:
    if isinstance(step, Send):
        return transport.send(step)
    if isinstance(step, Wait):
        return time.sleep(step.seconds)
    return _acquire(step)


async def _ado(step: Step, transport: Transport) -> Any:
    if isinstance(step, Send):
        return await transport.asend(step)
    if isinstance(step, Wait):
        import asyncio

        return await asyncio.sleep(step.seconds)
    return await _aacquire(step)


def _acquire(step: Acquire) -> Slot:
    # A bare lock, for whose sake no code of Python's runs: the garbage collector may wake this thread from itself.
    asleep = threading.Lock()
    asleep.acquire()

    def wake() -> bool:
        if asleep.locked():
            asleep.release()
        return True

    waiter = _waiter(step, wake, blocks=True)
    try:
        while not isinstance(answer := step.governor.enter(waiter), Slot):
            asleep.acquire(timeout=_patience(answer, step, waiter))
    except BaseException:
        step.governor.forget(waiter)
        raise
    return answer


async def _aacquire(step: Acquire) -> Slot:
    import asyncio

    loop, woken = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> bool:
        try:
            loop.call_soon_threadsafe(woken.set)
        except RuntimeError:  # the loop was closed over a task that waited
            return False
        return True

    waiter = _waiter(step, wake, blocks=False)
    turns = TURNS
    try:
        while True:
            try:
                answer = step.governor.enter(waiter)
            except WouldWaitForItself:
                # A loop over a stream that was just left gives back its slot in one of the event loop's next turns.
                if not turns:
                    raise
                turns -= 1
                await asyncio.sleep(0)
                continue
            if isinstance(answer, Slot):
                return answer
            patience = _patience(answer, step, waiter)
            try:
                async with asyncio.timeout(patience):
                    await woken.wait()
            except TimeoutError:
                pass
            woken.clear()
    except BaseException:
        step.governor.forget(waiter)
        raise


def _waiter(step: Acquire, wake: Callable[[], bool], *, blocks: bool) -> Waiter:
    # Without a deadline nobody has said that they would wait for an hour.
    most = LONGEST_WAIT if step.until is None else inf
    return Waiter(wake, step.owner or me(), blocks=blocks, most=most, ahead=step.owner is not None)


def _patience(delay: float, step: Acquire, waiter: Waiter) -> float:
    """How long to wait for a slot. Raises TransportError where it cannot come before the deadline."""
    if step.on_wait is not None:
        step.on_wait(waiter.expected)
        step.on_wait = None
    if step.until is None:
        return delay
    left = step.until - time.monotonic()
    if left <= 0:
        raise TransportError("no request was free under the throttle before the deadline", sent=False)
    return min(delay, left)
