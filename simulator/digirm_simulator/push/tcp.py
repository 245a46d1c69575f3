"""One connection to a TCP monitor: who may connect, and blocks that stay in flight until they are acknowledged."""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import deque
from typing import TYPE_CHECKING, TypeVar

from digirm_runtime.push.framing import (
    JSON,
    OK,
    PLAIN,
    TO_SERVER,
    VERSION,
    XML,
    ZLIB,
    ConnectionRequest,
    ConnectionResponse,
    Decoder,
    Frame,
    PublishMessage,
    PublishMessageReceived,
    PushError,
)
from digirm_simulator.behaviours.monitors import ACTIVE
from digirm_simulator.push.outbox import Block, Outbox
from digirm_simulator.replies import Problem

if TYPE_CHECKING:
    from digirm_simulator.push import Pushes

_LOG = logging.getLogger(__name__)
_F = TypeVar("_F", bound=Frame)
BAD_REQUEST, FORBIDDEN = 400, 403
#: Bytes of a message that a peer sends: names and passwords are not long. So many bytes are read at a time.
_LONGEST, _CHUNK = 4096, 65536
#: Seconds for a request to connect, and for a peer to take what is sent.
_HANDSHAKE, _PATIENCE = 10.0, 30.0
#: So many blocks are sent before one is acknowledged.
_WINDOW = 16
#: Seconds between two looks at events that are not due yet: the simulated clock may go on at any speed.
POLL = 0.05


class Inbox:
    """What a peer sends, one message at a time."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader
        self._decoder = Decoder(TO_SERVER, max_message=_LONGEST)
        self._frames: deque[Frame] = deque()

    async def next(self, kind: type[_F]) -> _F:
        """The next message. Raises PushError for one of another kind, or none, and EOFError at the end."""
        while not self._frames:
            if self._decoder.fault is not None:
                raise self._decoder.fault
            data = await self._reader.read(_CHUNK)
            if not data:
                raise EOFError("the peer has left")
            self._frames += self._decoder.feed(data)
        frame = self._frames.popleft()
        if not isinstance(frame, kind):
            raise PushError(f"expected a {kind.__name__}")
        return frame


async def serve(pushes: Pushes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until either side ends it, or it breaks the protocol."""
    inbox = Inbox(reader)
    try:
        async with asyncio.timeout(_HANDSHAKE):
            try:
                asked = await inbox.next(ConnectionRequest)
                status = _status(pushes, asked)
            except PushError:
                asked, status = None, BAD_REQUEST
            if asked is None or status != OK:
                writer.write(ConnectionResponse(status).encode())
                await writer.drain()
                return
        await pushes.run(Session(Outbox(pushes.world, asked.monitor), inbox, writer))
    except (OSError, EOFError, PushError, TimeoutError) as error:
        # Timeouts and resets are how connections end.
        _LOG.info("a push connection ended: %s", error)
    finally:
        if writer.transport.get_write_buffer_size():
            # A peer that takes nothing would keep it open for ever.
            writer.transport.abort()
        writer.close()


def _status(pushes: Pushes, asked: ConnectionRequest) -> int:
    if asked.version != VERSION:
        return BAD_REQUEST
    pair = base64.b64encode(f"{asked.user}:{asked.password}".encode()).decode()
    try:
        pushes.accounts.check({"authorization": f"Basic {pair}"})
    except Problem:
        return FORBIDDEN
    found = Outbox(pushes.world, asked.monitor).definition()
    return OK if found is not None and found.get("type") == "tcp" else BAD_REQUEST


class Session:
    """The events of one monitor on their way to one peer."""

    def __init__(self, outbox: Outbox, inbox: Inbox, writer: asyncio.StreamWriter) -> None:
        self.outbox = outbox
        self.wake = asyncio.Event()
        self._inbox = inbox
        self._writer = writer
        self._flying: dict[int, Block] = {}
        self._arrived: set[int] = set()

    async def run(self) -> None:
        """Send until the connection ends. Raises OSError, EOFError, PushError and TimeoutError."""
        # Before the peer is told: whatever happens once it knows is for it.
        sent = self.outbox.open(ACTIVE)
        try:
            self._writer.write(ConnectionResponse(OK).encode())
            acknowledging = asyncio.create_task(self._acknowledge())
            sending = asyncio.create_task(self._send(sent))
            try:
                done, _ = await asyncio.wait((acknowledging, sending), return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                acknowledging.cancel()
                sending.cancel()
                await asyncio.gather(acknowledging, sending, return_exceptions=True)
        finally:
            self.outbox.close()

    async def _send(self, sent: int) -> None:
        number = 0
        while True:
            self.wake.clear()
            block = self.outbox.ready(sent) if len(self._flying) < _WINDOW else None
            if block is None:
                await wait(self.wake, POLL if self.outbox.is_waiting and len(self._flying) < _WINDOW else None)
                continue
            number = number % 0xFFFF + 1
            self._flying[number] = block
            sent = block.last
            compression, form = ZLIB if block.compressed else PLAIN, XML if block.form == "xml" else JSON
            self._writer.write(PublishMessage(number, block.events, block.payload, compression, form).encode())
            async with asyncio.timeout(_PATIENCE):
                await self._writer.drain()

    async def _acknowledge(self) -> None:
        while True:
            number, status = await self._inbox.next(PublishMessageReceived)
            if status != OK:
                # What it did not take, it gets when it connects again.
                raise PushError(f"block {number} was refused with {status}")
            if number in self._flying:
                self._arrived.add(number)
            # In order: what is behind a block that is missing is sent again with it.
            while self._flying and (first := next(iter(self._flying))) in self._arrived:
                self._arrived.discard(first)
                self.outbox.acknowledged(self._flying.pop(first).last)
            self.wake.set()


async def wait(event: asyncio.Event, seconds: float | None) -> None:
    """Wait for an event, or until a time is over."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return
