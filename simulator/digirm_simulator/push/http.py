"""The events of an HTTP monitor on their way to its address."""

from __future__ import annotations

import asyncio
import base64
import http.client
import ipaddress
import logging
import socket
import threading
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import SplitResult, urlsplit

from digirm_simulator.behaviours.monitors import ACTIVE, CONNECTING, DISABLED, token
from digirm_simulator.push.outbox import Block, Outbox
from digirm_simulator.push.tcp import POLL, wait
from digirm_simulator.values import milliseconds

if TYPE_CHECKING:
    from digirm_simulator.push import Pushes

_LOG = logging.getLogger(__name__)
#: Milliseconds of a monitor that names none, and the most that count.
_USUAL, _LONGEST = 5000, 60_000
#: Seconds before the first try that follows one that failed, and before a later one at most.
_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 30.0
#: A monitor whose events are not taken for so many milliseconds is disabled until it is changed.
_GIVE_UP = 24 * 3_600_000


def target(definition: Mapping[str, Any], hosts: Collection[str]) -> SplitResult | None:
    """Where a monitor's events go; None where it is no HTTP monitor, or to an address that nothing is sent to.

    That is any but loopback, unless `hosts` names it.
    """
    url = definition.get("url")
    if definition.get("type") != "http" or not isinstance(url, str):
        return None
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises ValueError for what is none
    except ValueError:
        return None
    host = parts.hostname or ""
    return parts if parts.scheme in ("http", "https") and (host in hosts or is_loopback(host)) else None


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Delivery:
    """Sends the events of one monitor, one block at a time, again and again until one is taken."""

    def __init__(self, outbox: Outbox, pushes: Pushes) -> None:
        self.outbox = outbox
        self.wake = asyncio.Event()
        self._pushes = pushes

    async def run(self) -> None:
        """Send until the monitor is changed or removed, or was not reached for a day."""
        sent = self.outbox.open(CONNECTING)
        status: str | None = None
        try:
            pause, block = _FIRST_PAUSE, None
            while True:
                self.wake.clear()
                block = block or self.outbox.ready(sent)
                if block is None:
                    await wait(self.wake, POLL if self.outbox.is_waiting else None)
                    continue
                if await self._is_taken(block):
                    self.outbox.acknowledged(block.last)
                    self.outbox.state(ACTIVE)
                    sent, pause, block = block.last, _FIRST_PAUSE, None
                    continue
                self.outbox.state(CONNECTING)
                if milliseconds(self._pushes.world.now()) - block.since >= _GIVE_UP:
                    status = DISABLED
                    return
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)
        finally:
            self.outbox.close(status)

    async def _is_taken(self, block: Block) -> bool:
        definition = self.outbox.definition() or {}
        parts = target(definition, self._pushes.hosts)
        if parts is None:
            return False
        headers = _headers(definition, block, token(self._pushes.world, self.outbox.monitor))
        send = Sending(parts, definition, headers, block.payload)
        self._pushes.sending.add(send)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pushes.pool, send.run)
        finally:
            self._pushes.sending.discard(send)


class Sending:
    """One request of its own connection; `abort` ends it from another thread."""

    def __init__(
        self, parts: SplitResult, definition: Mapping[str, Any], headers: dict[str, str], payload: bytes
    ) -> None:
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._patience = _seconds(definition.get("response_timeout"))
        self._connection = kind(parts.hostname or "", parts.port, timeout=_seconds(definition.get("connect_timeout")))
        self._method = "POST" if str(definition.get("method", "")).upper() == "POST" else "PUT"
        self._address = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._headers = headers
        self._payload = payload
        self._lock = threading.Lock()
        self._aborted = False

    def run(self) -> bool:
        """Send, and say whether it was taken: answered with 200."""
        try:
            self._connection.connect()
            with self._lock:
                if self._aborted:
                    return False
                self._connection.sock.settimeout(self._patience)
            self._connection.request(self._method, self._address, self._payload, self._headers)
            return self._connection.getresponse().status == 200
        except (OSError, http.client.HTTPException, ValueError) as error:
            # ValueError: a header or an address that no request can have.
            _LOG.info("a push was not taken: %s", error)
            return False
        finally:
            self._connection.close()

    def abort(self) -> None:
        """Let it fail now."""
        with self._lock:
            self._aborted = True
            if (open_socket := self._connection.sock) is not None:
                with suppress(OSError):
                    open_socket.shutdown(socket.SHUT_RDWR)


def _headers(definition: Mapping[str, Any], block: Block, secret: str) -> dict[str, str]:
    own = definition.get("headers")
    headers = {str(name): str(value) for name, value in own.items()} if isinstance(own, Mapping) else {}
    headers["Content-Type"] = f"application/{block.form}"
    if block.compressed:
        headers["Content-Encoding"] = "deflate"
    if secret:
        # `user:password`, as the older API describes it.
        headers["Authorization"] = f"Basic {base64.b64encode(secret.encode()).decode()}"
    return headers


def _seconds(sent: object) -> float:
    number = sent if isinstance(sent, int) and sent > 0 else _USUAL
    return min(number, _LONGEST) / 1000
