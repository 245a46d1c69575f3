"""Receiving over TCP: the steps of a session over blocking sockets, and over asyncio."""

from __future__ import annotations

import asyncio
import inspect
import os
import socket
import ssl
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, closing, suppress
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from digirm_runtime.push.events import Batch, Event
from digirm_runtime.push.framing import PushError
from digirm_runtime.push.session import Deliver, Open, Plan, Read, Wait, Write, session

if TYPE_CHECKING:
    from digirm_runtime.paging import AsyncListing, Listing
    from digirm_runtime.push.session import Step

#: So many bytes are read at a time, and kept by asyncio while a batch is worked on.
_CHUNK = 256 * 1024
#: Seconds that a blocking connection takes at most for the last it sends.
_LAST = 1.0
#: Seconds of silence before the system asks whether the peer is still there, and between further questions.
_KEEPALIVE = (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3))


#: What is done with a batch, which is acknowledged when that has returned.
Handler: TypeAlias = "Callable[[Batch], Awaitable[object] | object]"


class Address(NamedTuple):
    """Where to connect; `tls` None means in the clear."""

    host: str
    port: int
    tls: ssl.SSLContext | None


class Receiver:
    """The events of a monitor, for ever, as a service sends them over TCP.

    Iterating over it gives events, `batches()` what comes together. A batch is acknowledged when the next is asked for;
    one whose loop was left is not. Each iteration has a connection of its own; a service sends the events of a monitor
    to one of them (inferred).

    Raises PushError where the service refuses or does not speak the protocol.
    """

    def __init__(self, address: Address, plan: Plan, recorded: Listing[Event] | None = None) -> None:
        self._address = address
        self._plan = plan
        self._recorded = recorded
        self._lock = threading.Lock()
        self._wires: set[_Wire] = set()

    def __iter__(self) -> Generator[Event, None, None]:
        with closing(self.batches()) as batches:
            for batch in batches:
                yield from batch

    def batches(self) -> Generator[Batch, None, None]:
        """What comes together, and is acknowledged together."""
        wire = _Wire(self._address, self._plan.timeout)
        with self._lock:
            self._wires.add(wire)
        acks = bytearray()
        steps = session(self._plan, acks)
        try:
            if self._recorded is not None:
                with closing(self._recorded.pages()) as pages:
                    for page in pages:
                        yield Batch(events=page)
                        if wire.ended.is_set():
                            return
            step: Step = next(steps)
            while not wire.ended.is_set():
                try:
                    if isinstance(step, Deliver):
                        yield step.batch
                        data = None
                    else:
                        data = wire.do(step)
                except PushError as error:
                    if wire.ended.is_set():
                        return
                    step = steps.throw(error)
                else:
                    if data == b"" and wire.ended.is_set():
                        return
                    # Also of a batch that was the last, for its acknowledgement.
                    step = steps.send(data)
        finally:
            steps.close()
            wire.close(acks)
            with self._lock:
                self._wires.discard(wire)

    def close(self) -> None:
        """End every iteration that runs, from any thread, as soon as it is done with its batch."""
        with self._lock:
            for wire in self._wires:
                wire.end()


class _Wire:
    """One connection with blocking calls."""

    def __init__(self, address: Address, timeout: float) -> None:
        self.ended = threading.Event()
        self._address = address
        self._timeout = timeout
        self._socket: socket.socket | None = None
        self._idle = False  # waiting for the peer, with nothing to be sent

    def do(self, step: Step) -> bytes | None:
        """Carry a step out. Raises PushError."""
        self._idle = isinstance(step, Open | Read)
        try:
            match step:
                case Open():
                    self._open()
                case Write():
                    self._connected.settimeout(self._timeout)
                    self._connected.sendall(step.data)
                case Read():
                    self._go_on()
                    self._connected.settimeout(step.timeout)
                    return self._connected.recv(_CHUNK)
                case Wait():
                    self.ended.wait(step.seconds)
                case _:
                    self.close()
        except OSError as error:
            raise broken(error) from None
        finally:
            self._idle = False
        return None

    def _open(self) -> None:
        host, port, tls = self._address
        made = socket.create_connection((host, port), self._timeout)
        try:
            prepare(made)
            if tls is not None:
                made = tls.wrap_socket(made, server_hostname=host, do_handshake_on_connect=False)
        except BaseException:
            made.close()
            raise
        # Known before the handshake, so that `end` can wake it.
        self._socket = made
        self._go_on()
        if isinstance(made, ssl.SSLSocket):
            made.do_handshake()

    def _go_on(self) -> None:
        """Raise ConnectionError where `end` was called too early to wake what comes now."""
        if self.ended.is_set():
            raise ConnectionError("the connection is closed")

    @property
    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise ConnectionError("the connection is closed")
        return self._socket

    def end(self) -> None:
        """Wake whoever waits for the peer, for good. Else what is due can still be sent."""
        self.ended.set()
        if (connected := self._socket) is not None and self._idle:
            with suppress(OSError):
                # Not SSLSocket's own, which takes TLS away under who reads.
                socket.socket.shutdown(connected, socket.SHUT_RDWR)

    def close(self, last: bytes | bytearray = b"") -> None:
        """Give the connection back; what is sent `last` is lost where it does not go at once."""
        connected, self._socket = self._socket, None
        if connected is not None:
            with suppress(OSError), connected:
                if last:
                    connected.settimeout(_LAST)
                    connected.sendall(last)


class AsyncReceiver:
    """`Receiver` for `async for`, on asyncio.

    A loop that is left early gives its connection back when its iterator is closed: at once within
    `async with contextlib.aclosing(...)`, else as soon as the event loop gets to it.
    """

    def __init__(self, address: Address, plan: Plan, recorded: AsyncListing[Event] | None = None) -> None:
        self._address = address
        self._plan = plan
        self._recorded = recorded
        self._dealt = False

    async def __aiter__(self) -> AsyncGenerator[Event, None]:
        async with aclosing(self.batches()) as batches:
            async for batch in batches:
                for event in batch:
                    yield event

    async def batches(self) -> AsyncGenerator[Batch, None]:
        """What comes together, and is acknowledged together."""
        wire = _AsyncWire(self._address, self._plan.timeout)
        acks = bytearray()
        steps = session(self._plan, acks)
        try:
            if self._recorded is not None:
                async with aclosing(self._recorded.pages()) as pages:
                    async for page in pages:
                        yield Batch(events=page)
            step: Step = next(steps)
            while True:
                try:
                    if isinstance(step, Deliver):
                        try:
                            yield step.batch
                        except GeneratorExit:
                            if self._dealt:
                                with suppress(PushError):  # of what follows the batch
                                    steps.send(None)
                            raise
                        data = None
                    else:
                        data = await wire.do(step)
                except PushError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(data)
        finally:
            steps.close()
            wire.close(acks)

    def dealt(self) -> None:
        """Acknowledge the batch that is out although its loop is about to be left."""
        self._dealt = True


class _AsyncWire:
    """One connection on the running event loop."""

    def __init__(self, address: Address, timeout: float) -> None:
        self._address = address
        self._timeout = timeout
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def do(self, step: Step) -> bytes | None:
        """Carry a step out. Raises PushError."""
        try:
            match step:
                case Open():
                    async with asyncio.timeout(self._timeout):
                        await self._open()
                case Write():
                    writer = self._connected[1]
                    writer.write(step.data)
                    # An acknowledgement is nearly always gone by now.
                    if writer.transport.get_write_buffer_size():
                        async with asyncio.timeout(self._timeout):
                            await writer.drain()
                case Read(timeout=None):
                    return await self._connected[0].read(_CHUNK)
                case Read():
                    async with asyncio.timeout(step.timeout):
                        return await self._connected[0].read(_CHUNK)
                case Wait():
                    await asyncio.sleep(step.seconds)
                case _:
                    self.close()
        except OSError as error:
            raise broken(error) from None
        return None

    async def _open(self) -> None:
        host, port, tls = self._address
        self._reader, self._writer = await asyncio.open_connection(host, port, ssl=tls, limit=_CHUNK)
        prepare(self._writer.get_extra_info("socket"))

    @property
    def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._reader is None or self._writer is None:
            raise ConnectionError("the connection is closed")
        return self._reader, self._writer

    def close(self, last: bytes | bytearray = b"") -> None:
        """Give the connection back; what is sent `last` is lost where it does not go at once."""
        writer, self._reader, self._writer = self._writer, None, None
        if writer is not None:
            if last:
                writer.write(last)
            writer.transport.abort()


def prepare(connected: socket.socket) -> None:
    """Have the system notice a peer that is gone: a monitor may be silent for hours."""
    with suppress(OSError):
        connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, seconds in _KEEPALIVE:
            if hasattr(socket, name):
                connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), seconds)


def broken(error: OSError) -> PushError:
    """What a connection failed of; a certificate that is refused stays so."""
    if isinstance(error, TimeoutError) and not error.errno:
        return PushError("the peer takes too long", again=True)
    if isinstance(error, ssl.SSLCertVerificationError):
        return PushError(f"the certificate is not trusted: {error.verify_message}")
    if isinstance(error, ConnectionError) and error.errno:
        return PushError(os.strerror(error.errno), again=True)  # asyncio's own words leave out what was wrong
    return PushError(error.strerror or str(error), again=True)


def handled(receiver: Receiver, handler: Callable[[Batch], object]) -> None:
    """Hand each batch to `handler`, and acknowledge it when that has returned."""
    with closing(receiver.batches()) as batches:
        for batch in batches:
            handler(batch)


async def ahandled(receiver: AsyncReceiver, handler: Handler) -> None:
    """`handled` on the running event loop."""
    async with aclosing(receiver.batches()) as batches:
        async for batch in batches:
            await handle(handler, batch, receiver.dealt)


async def handle(handler: Handler, batch: Batch, dealt: Callable[[], None] | None = None) -> None:
    """Call a handler, awaiting one that is async; a blocking one runs in a thread, so as not to keep the loop.

    A thread cannot be cancelled: where this is, that is raised when the handler is done, and `dealt` is called before
    where it has returned and not raised.
    """
    if inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(getattr(handler, "__call__", None)):  # noqa: B004
        result = handler(batch)
    else:
        running = asyncio.create_task(asyncio.to_thread(handler, batch))
        try:
            result = await asyncio.shield(running)
        except asyncio.CancelledError:
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait((running,))
            if dealt is not None and running.exception() is None and not inspect.isawaitable(running.result()):
                dealt()
            raise
    if inspect.isawaitable(result):
        await result
