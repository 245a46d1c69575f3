"""The next page, fetched while this one is used: in a thread for blocking code, in a task for asyncio."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Final, TypeVar

from digirm_runtime.errors import RemoteManagerError, WouldWaitForItself
from digirm_runtime.flow import Wait
from digirm_runtime.throttle import me

if TYPE_CHECKING:
    import asyncio

    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.flow import Flow
    from digirm_runtime.operation import Operation
    from digirm_runtime.throttle import Owner

T = TypeVar("T")

#: What `take` gives where nothing was fetched ahead. An answer can be None.
NOTHING: Final = object()
#: How long leaving a loop waits for the thread that fetches for it, in seconds. A request that takes longer ends alone.
PATIENCE = 1.0
#: How long code that uses a page lets the thread run first, in seconds: busy code gives it a turn every few
#: milliseconds only, and sending a request takes several.
HEAD_START = 0.002


class Ahead:
    """At most one call under way in a thread, made on behalf of the thread that starts it.

    The thread is a daemon: an interpreter that ends does not wait for it.
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._call: _Call | None = None

    def start(self, operation: Operation[Any] | None) -> None:
        """Begin a call; None begins nothing."""
        if operation is None:
            return
        call = _Call(self._client, operation)
        try:
            call.thread.start()
        except RuntimeError:  # no more threads: the page is fetched when its turn comes
            return
        self._call = call
        call.thread.join(HEAD_START)

    def take(self) -> Any:
        """The call's result, waited for; raises its error. NOTHING where none was begun, or where it could not run.

        It cannot where the throttle's slots are all held by the code that uses the page.
        """
        call, self._call = self._call, None
        if call is None:
            return NOTHING
        try:
            call.thread.join()
        except BaseException:
            call.stop.set()
            raise
        if isinstance(call.error, WouldWaitForItself):
            return NOTHING
        if call.error is not None:
            raise call.error
        return call.result

    def close(self) -> None:
        """Drop a call: nothing more is sent for it, and its thread ends with the answer that it may be waiting for."""
        call, self._call = self._call, None
        if call is None:
            return
        call.stop.set()
        # A garbage collector can close the loop from any thread.
        if call.thread is not threading.current_thread():
            call.thread.join(PATIENCE)


class _Call:
    """One call and its thread."""

    def __init__(self, client: Client, operation: Operation[Any]) -> None:
        self.stop = threading.Event()
        self.result: Any = None
        self.error: BaseException | None = None
        work = (client, operation, me())
        self.thread = threading.Thread(target=self._work, args=work, name="digirm-prefetch", daemon=True)

    def _work(self, client: Client, operation: Operation[Any], owner: Owner) -> None:
        from digirm_runtime.drivers import run

        try:
            flow = client._flow(operation, operation.decode, owner=owner)
            self.result = run(_while_wanted(flow, self.stop), client._transport)
        except BaseException as error:
            self.error = error


class _Unwanted(Exception):  # noqa: N818 - no error: nobody sees it
    """The call was dropped."""


def _while_wanted(flow: Flow[T], stop: threading.Event) -> Flow[T]:
    """A flow that ends before its next step once `stop` is set, and whose waits that cuts short."""
    try:
        step = next(flow)
        while True:
            if stop.wait(step.seconds if isinstance(step, Wait) else 0):
                raise _Unwanted
            try:
                value = None if isinstance(step, Wait) else (yield step)
            except RemoteManagerError as error:
                step = flow.throw(error)
            else:
                step = flow.send(value)
    except StopIteration as end:
        result: T = end.value
        return result
    finally:
        flow.close()


class AsyncAhead:
    """`Ahead` for asyncio: at most one task, cancelled when it is dropped."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._task: asyncio.Task[Any] | None = None

    def start(self, operation: Operation[Any] | None) -> None:
        """Begin a call; None begins nothing."""
        if operation is not None:
            import asyncio

            call = self._client._run(operation, owner=me())
            self._task = asyncio.create_task(call, name="digirm-prefetch")

    async def take(self) -> Any:
        """The call's result, waited for; raises its error. NOTHING where none was begun, or where it could not run."""
        task = self._task
        if task is None:
            return NOTHING
        try:
            return await task
        except WouldWaitForItself:
            return NOTHING
        finally:
            if task.done():
                self._task = None

    async def close(self) -> None:
        """Cancel a call, and wait until it has given back what it held."""
        import asyncio

        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # nobody will see it; asyncio would say so
