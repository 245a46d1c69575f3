"""One connection to a TCP monitor: who may connect, and blocks that stay in flight until they are acknowledged."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import TYPE_CHECKING

from digirm_simulator.behaviours.monitors import ACTIVE
from digirm_simulator.push import frames
from digirm_simulator.push.frames import FrameError
from digirm_simulator.push.outbox import Block, Outbox
from digirm_simulator.replies import Problem

if TYPE_CHECKING:
    from digirm_simulator.push import Pushes

_LOG = logging.getLogger(__name__)
#: Seconds for a request to connect, and for a peer to take what is sent.
_HANDSHAKE, _PATIENCE = 10.0, 30.0
#: So many blocks are sent before one is acknowledged.
_WINDOW = 16
#: Seconds between two looks at events that are not due yet: the simulated clock may go on at any speed.
POLL = 0.05


async def serve(pushes: Pushes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Serve one connection until either side ends it, or it breaks the protocol."""
    try:
        async with asyncio.timeout(_HANDSHAKE):
            try:
                asked = await frames.read_connect(reader)
                status = _status(pushes, asked)
            except FrameError:
                asked, status = None, frames.BAD_REQUEST
            if asked is None or status != frames.OK:
                writer.write(frames.response(status))
                await writer.drain()
                return
        await pushes.run(Session(Outbox(pushes.world, asked.monitor), reader, writer))
    except (OSError, EOFError, FrameError, TimeoutError) as error:
        # Timeouts and resets are how connections end.
        _LOG.info("a push connection ended: %s", error)
    finally:
        if writer.transport.get_write_buffer_size():
            # A peer that takes nothing would keep it open for ever.
            writer.transport.abort()
        writer.close()


def _status(pushes: Pushes, asked: frames.Connect) -> int:
    pair = base64.b64encode(f"{asked.user}:{asked.password}".encode()).decode()
    try:
        pushes.accounts.check({"authorization": f"Basic {pair}"})
    except Problem:
        return frames.FORBIDDEN
    found = Outbox(pushes.world, asked.monitor).definition()
    return frames.OK if found is not None and found.get("type") == "tcp" else frames.BAD_REQUEST


class Session:
    """The events of one monitor on their way to one peer."""

    def __init__(self, outbox: Outbox, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.outbox = outbox
        self.wake = asyncio.Event()
        self._reader = reader
        self._writer = writer
        self._flying: dict[int, Block] = {}
        self._arrived: set[int] = set()

    async def run(self) -> None:
        """Send until the connection ends. Raises OSError, EOFError, FrameError and TimeoutError."""
        # Before the peer is told: whatever happens once it knows is for it.
        sent = self.outbox.open(ACTIVE)
        try:
            self._writer.write(frames.response(frames.OK))
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
            self._writer.write(
                frames.publish(number, block.events, block.payload, compressed=block.compressed, form=block.form)
            )
            async with asyncio.timeout(_PATIENCE):
                await self._writer.drain()

    async def _acknowledge(self) -> None:
        while True:
            number, status = await frames.read_received(self._reader)
            if status != frames.OK:
                # What it did not take, it gets when it connects again.
                raise FrameError(f"block {number} was refused with {status}")
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
