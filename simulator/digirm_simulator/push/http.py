"""The events of an HTTP monitor on their way to its address."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import logging
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any
from urllib.parse import SplitResult, urlsplit

import h11

from digirm_simulator.behaviours.monitors import ACTIVE, CONNECTING, DISABLED, token
from digirm_simulator.push.outbox import Block, Outbox
from digirm_simulator.push.tcp import POLL, wait
from digirm_simulator.values import milliseconds
from digirm_simulator.world import World

_LOG = logging.getLogger(__name__)
#: Milliseconds of a monitor that names none, and the most that count.
_USUAL, _LONGEST = 5000, 60_000
#: Seconds before the first try that follows one that failed, and before a later one at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
#: A monitor whose events are not taken for so many milliseconds is disabled until it is changed.
_GIVE_UP = 24 * 3_600_000
_CHUNK = 65_536


def target(definition: Mapping[str, Any], hosts: Collection[str]) -> SplitResult | None:
    """Where a monitor's events go; None where it is no HTTP monitor, or to an address that nothing is sent to.

    That is any but loopback, unless `hosts` names it.
    """
    url = definition.get("url")
    if definition.get("type") != "http" or not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        is_port = parts.port != 0  # raises ValueError for what is none
    except ValueError:
        return None
    host = parts.hostname or ""
    is_ours = is_port and (host in hosts or is_loopback(host))
    return parts if is_ours and parts.scheme in ("http", "https") else None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


class Delivery:
    """Sends the events of one monitor, one block at a time, again and again until one is taken.

    `since` is when the monitor was changed or taken up, in epoch milliseconds: its day begins then.
    """

    def __init__(self, outbox: Outbox, world: World, hosts: Collection[str], since: int) -> None:
        self.outbox = outbox
        self.wake = asyncio.Event()
        self._world = world
        self._hosts = hosts
        self._since = since
        self._changed = asyncio.Event()
        self._trying: tuple[SplitResult, asyncio.Timeout] | None = None

    def changed(self, since: int) -> None:
        """The monitor was changed then: try again now, and end a request to an address that is its own no longer."""
        self._since = since
        self._changed.set()
        self.wake.set()
        if self._trying is not None:
            parts, limit = self._trying
            if parts != self._target() and limit.when() is None:
                limit.reschedule(0)

    async def run(self) -> None:
        """Send until the monitor is changed to another type or removed, or was not reached for a day."""
        sent = self.outbox.open(CONNECTING)
        status: str | None = None
        try:
            pause, block = _FIRST_PAUSE, None
            while True:
                self.wake.clear()
                if self._changed.is_set():
                    self._changed.clear()
                    # In the form and the size that it has now.
                    pause, block = _FIRST_PAUSE, None
                block = block or self.outbox.ready(sent)
                if block is None:
                    await wait(self.wake, POLL if self.outbox.is_waiting else None)
                    continue
                if await self._is_taken(block):
                    self.outbox.acknowledged(block.last)
                    self.outbox.state(ACTIVE)
                    sent, pause, block = block.last, _FIRST_PAUSE, None
                    self._since = self._now()
                    continue
                self.outbox.state(CONNECTING)
                if self._now() - max(block.due, self._since) >= _GIVE_UP:
                    status = DISABLED
                    return
                await wait(self._changed, pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            self.outbox.close(status)

    async def _is_taken(self, block: Block) -> bool:
        definition = self.outbox.definition() or {}
        parts = target(definition, self._hosts)
        if parts is None:
            return False
        try:
            # Without an end of its own: `changed` gives it one.
            async with asyncio.timeout(None) as limit:
                self._trying = parts, limit
                request = _request(definition, parts, block, token(self._world, self.outbox.monitor))
                return await _send(definition, parts, request, block.payload) == 200
        except (OSError, UnicodeError, h11.ProtocolError) as error:
            _LOG.info("a push was not taken: %s", error or type(error).__name__)
            return False
        finally:
            self._trying = None

    def _target(self) -> SplitResult | None:
        return target(self.outbox.definition() or {}, self._hosts)

    def _now(self) -> int:
        return milliseconds(self._world.now())


def _request(definition: Mapping[str, Any], parts: SplitResult, block: Block, secret: str) -> h11.Request:
    """The head of a request. Raises h11.LocalProtocolError for an address or a header that none can have."""
    headers = {"host": parts.netloc.rpartition("@")[2]}
    own = definition.get("headers")
    if isinstance(own, Mapping):
        # Blanks around a value are none of it, and not to be sent.
        headers |= {str(name).lower(): str(value).strip(" \t") for name, value in own.items()}
    # These are not for a monitor to say: how the body is sent, and that the protocol may be another one.
    for name in ("transfer-encoding", "upgrade"):
        headers.pop(name, None)
    headers |= {
        "connection": "close",
        "content-length": str(len(block.payload)),
        "content-type": f"application/{block.form}",
    }
    if block.compressed:
        headers["content-encoding"] = "deflate"
    if secret:
        # `user:password`, as the older API describes it.
        headers["authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    return h11.Request(
        method="POST" if str(definition.get("method", "")).upper() == "POST" else "PUT",
        target=((parts.path or "/") + (f"?{parts.query}" if parts.query else "")).encode("latin-1"),
        headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()],
    )


async def _send(definition: Mapping[str, Any], parts: SplitResult, request: h11.Request, body: bytes) -> int:
    """The status that a request is answered with. Raises OSError, and h11.ProtocolError for what is no answer."""
    secure = parts.scheme == "https"
    async with asyncio.timeout(_seconds(definition.get("connect_timeout"))):
        port = parts.port or (443 if secure else 80)
        reader, writer = await asyncio.open_connection(parts.hostname, port, ssl=secure or None)
    try:
        async with asyncio.timeout(_seconds(definition.get("response_timeout"))):
            peer = h11.Connection(h11.CLIENT)
            for part in (request, h11.Data(data=body), h11.EndOfMessage()):
                writer.write(peer.send(part) or b"")
            while not isinstance(event := peer.next_event(), h11.Response):
                if event is h11.NEED_DATA:
                    peer.receive_data(await reader.read(_CHUNK))
                elif not isinstance(event, h11.InformationalResponse):
                    raise h11.RemoteProtocolError(f"{event} is no answer")
            return event.status_code
    finally:
        # At once: neither side has anything to say any more.
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


def _seconds(sent: object) -> float:
    number = sent if isinstance(sent, int) and sent > 0 else _USUAL
    return min(number, _LONGEST) / 1000
