"""Monitors that push: over TCP to who connects, over HTTP to the addresses that they name.

One thread with an event loop does it, from the first time that there is something to do. Events are in the database
once the change that they tell of is kept; whoever changes something only wakes this thread, and waits for nothing.
"""

from __future__ import annotations

import asyncio
import logging
import socket
import sys
import threading
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from digirm_simulator.access import Accounts
from digirm_simulator.behaviours import monitors
from digirm_simulator.push.outbox import Outbox
from digirm_simulator.values import milliseconds
from digirm_simulator.world import World

if TYPE_CHECKING:
    from digirm_simulator.push.http import Delivery
    from digirm_simulator.push.tcp import Session

_LOG = logging.getLogger(__name__)


class Pushes:
    """Sends the events of monitors. `hosts` are those beside loopback that HTTP monitors may name."""

    def __init__(self, world: World, accounts: Accounts, hosts: Iterable[str] = ()) -> None:
        self.world = world
        self.accounts = accounts
        self.hosts = frozenset(host.lower() for host in hosts)
        self._port: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self._closed = False
        # Of the loop's thread only.
        self._running: dict[int, tuple[Session | Delivery, asyncio.Task[None]]] = {}
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def port(self) -> int | None:
        """The TCP port on which TCP monitors are served; None where they are not."""
        return self._port

    def listen(self, port: int) -> None:
        """Serve TCP monitors on a port of loopback; 0 takes a free one. Raises OSError where it cannot be used."""
        bound = _bound(port)
        self._port = bound.getsockname()[1]
        bound.listen()
        bound.setblocking(False)
        loop = self._started()
        assert loop is not None
        asyncio.run_coroutine_threadsafe(self._serve(bound), loop).result()

    def told(self, monitor: int) -> None:
        """A monitor has an event, which is kept or undone with the transaction that this is called in."""
        if monitor in self.world.listening:
            self._soon(self._wake, monitor)

    def changed(self, monitor: int) -> None:
        """A monitor was made, changed or removed, in the transaction that this is called in."""
        definition = Outbox(self.world, monitor).definition()
        if definition is not None and self._is_http(definition):
            # From now on and not from when there is time to send: what happens meanwhile is for it.
            monitors.listen(self.world, monitor)
        else:
            if definition is not None and definition.get("type") == "http" and definition.get("url"):
                _LOG.warning("monitor %s is not pushed: its url is neither on loopback nor a push host", monitor)
            if self._loop is None:
                return
        if self._started() is not None:
            self._soon(self._settle, monitor, milliseconds(self.world.now()))

    def close(self) -> None:
        """End all connections; what is not acknowledged of persistent monitors is sent when somebody connects again."""
        with self._lock:
            self._closed = True
            loop, thread = self._loop, self._thread
        if loop is not None and thread is not None:
            asyncio.run_coroutine_threadsafe(self._end(), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()
            self._loop = None

    async def run(self, session: Session | Delivery) -> None:
        """Run what sends the events of a monitor, in place of what did so before."""
        monitor = session.outbox.monitor
        while (former := self._running.get(monitor)) is not None:
            former[1].cancel()
            # Its own `run` takes it out.
            await asyncio.wait((former[1],))
            await asyncio.sleep(0)
        task = asyncio.create_task(session.run())
        self._running[monitor] = session, task
        # The monitor may have gone before this was known to run.
        asyncio.get_running_loop().call_soon(self._settle, monitor)
        try:
            await task
        except asyncio.CancelledError:
            await asyncio.wait((task,))
        finally:
            del self._running[monitor]

    def _started(self) -> asyncio.AbstractEventLoop | None:
        """The loop of the thread, which is started where it was not; None after the end."""
        with self._lock:
            if self._loop is None and not self._closed:
                # Not that of Windows, one of whose tasks accepts for ever: `_end` waits for them all.
                self._loop = asyncio.SelectorEventLoop()
                self._thread = threading.Thread(
                    target=self._loop.run_forever, name="digirm-simulator-push", daemon=True
                )
                self._thread.start()
            return None if self._closed else self._loop

    def _soon(self, call: Callable[..., None], *args: int) -> None:
        with suppress(RuntimeError):  # the loop has ended
            if self._loop is not None:
                self._loop.call_soon_threadsafe(call, *args)

    def _wake(self, monitor: int) -> None:
        if (found := self._running.get(monitor)) is not None:
            found[0].wake.set()

    def _settle(self, monitor: int, changed: int | None = None) -> None:
        """Bring what runs in line with a definition as it is now, which was `changed` then, in epoch milliseconds."""
        from digirm_simulator.push.http import Delivery
        from digirm_simulator.push.tcp import Session

        outbox = Outbox(self.world, monitor)
        definition = outbox.definition()
        kind = None
        if definition is not None:
            kind = Session if definition.get("type") == "tcp" else Delivery if self._is_http(definition) else None
        found = self._running.get(monitor)
        if found is not None and kind is type(found[0]) and (changed is None or not found[1].done()):
            found[0].wake.set()
            if changed is not None and isinstance(found[0], Delivery):
                found[0].changed(changed)
            return
        if found is not None:
            found[1].cancel()
        if kind is Delivery:
            since = milliseconds(self.world.now()) if changed is None else changed
            self._keep(self.run(Delivery(outbox, self.world, self.hosts, since)))

    async def _serve(self, bound: socket.socket) -> None:
        from digirm_simulator.push import tcp

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            # Here and not only there: what is cancelled before it has begun ends nothing.
            self._keep(tcp.serve(self, reader, writer)).add_done_callback(lambda _: writer.close())

        self._server = await asyncio.start_server(connected, sock=bound)

    def _keep(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run something as a task that is known until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _end(self) -> None:
        # Those of the loop itself take in who has just connected: they go on to their end, and may begin more of ours.
        # A server that is closed before that would leave these connections open.
        while others := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in self._tasks:
                task.cancel()
            await asyncio.wait(others)
        if self._server is not None:
            self._server.close()
        # Names are looked up in threads.
        await asyncio.get_running_loop().shutdown_default_executor()
        # Connections close one turn after they are told to.
        for _ in range(2):
            await asyncio.sleep(0)

    def _is_http(self, definition: Mapping[str, Any]) -> bool:
        from digirm_simulator.push.http import target

        return target(definition, self.hosts) is not None


def _bound(port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        if sys.platform != "win32":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        made.close()
        raise OSError(f"cannot push on port {port}: {getattr(error, 'strerror', None) or error}") from None
    return made
