"""How a monitor is received from, as steps: connect, ask, read, hand out, acknowledge, and begin again.

It is written once, as a generator that does no input or output; `digirm_runtime.push.tcp` carries its steps out, with
blocking sockets or with asyncio.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Generator
from typing import Any, TypeAlias

from digirm_runtime.flow import backoff
from digirm_runtime.push.events import Batch
from digirm_runtime.push.framing import (
    MAX_BODY,
    MAX_MESSAGE,
    OK,
    ConnectionRequest,
    ConnectionResponse,
    Decoder,
    PublishMessage,
    PublishMessageReceived,
    PushError,
)

log = logging.getLogger("digirm")

#: The first wait before connecting again and the longest, in seconds.
FIRST_DELAY = 0.5
LONGEST_DELAY = 60.0
#: Seconds in which a batch is dealt with so quickly that its acknowledgement goes together with those of others that
#: are here already: each that is sent alone wakes the peer.
QUICK = 0.001


class Open:
    """Connect; fails with PushError, as all steps do."""


class Close:
    """Give the connection back, if there is one."""


class Write:
    """Send `data`."""

    def __init__(self, data: bytes) -> None:
        self.data = data


class Read:
    """Wait for bytes, which are the result; none mean that the peer has closed. `timeout` None waits for ever."""

    def __init__(self, timeout: float | None) -> None:
        self.timeout = timeout


class Deliver:
    """Hand a batch out; done as soon as it may be acknowledged."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch


class Wait:
    """Let `seconds` pass."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds


Step: TypeAlias = Open | Close | Write | Read | Deliver | Wait


class Plan:
    """What a session must know: `where` in words, and times in seconds.

    `timeout` bounds connecting, the answer to the request, and each message from its first byte to its last.
    """

    def __init__(
        self,
        request: ConnectionRequest,
        where: str,
        *,
        timeout: float,
        reconnect: bool = True,
        max_message: int = MAX_MESSAGE,
        max_body: int = MAX_BODY,
        documented_ack: bool = False,
    ) -> None:
        self.request = request
        self.where = where
        self.timeout = timeout
        self.reconnect = reconnect
        self.max_message = max_message
        self.max_body = max_body
        self.documented_ack = documented_ack


def session(plan: Plan, acks: bytearray, clock: Callable[[], float] = time.monotonic) -> Generator[Step, Any, None]:
    """Receive for ever. Who ends it before sends what stands in `acks`: acknowledgements that are due.

    Raises PushError where the service refuses, or does not speak the protocol; without `plan.reconnect` also where the
    connection cannot be made, ends or is too slow. What was not acknowledged then, a persistent monitor sends again.
    """
    hello = plan.request.encode()
    failures = 0
    while True:
        begun = clock()
        done: list[int] = []
        failure = PushError("")
        acks.clear()
        try:
            yield Open()
            yield Write(hello)
            yield from _receive(plan, acks, clock, done)
        except PushError as error:
            failure = error
            failure.args = (f"monitor {plan.request.monitor} at {plan.where}: {error}",)
            if not (plan.reconnect and error.again):
                raise
        yield Close()
        if done or clock() - begun > LONGEST_DELAY:
            failures = 0
        delay = backoff(failures, FIRST_DELAY, LONGEST_DELAY)
        failures += 1
        log.warning("%s; connecting again in %.1f s", failure, delay)
        yield Wait(delay)


def _receive(plan: Plan, acks: bytearray, clock: Callable[[], float], done: list[int]) -> Generator[Step, Any, None]:
    """One connection, to its end, which is always a PushError. Blocks that were acknowledged are noted in `done`."""
    decoder = Decoder(max_message=plan.max_message)
    accepted = False
    until: float | None = clock() + plan.timeout
    while True:
        left = None if until is None else until - clock()
        if left is not None and left <= 0:
            raise PushError("the peer takes too long to send a message that it has begun", again=True)
        data: bytes = yield Read(left)
        if not data:
            early = " in the middle of a message" if decoder.partial else ""
            raise PushError(f"the peer closed the connection{early}", again=True)
        before = decoder.partial
        frames = decoder.feed(data)
        begun = clock()
        for frame in frames:
            if accepted and isinstance(frame, PublishMessage):
                yield Deliver(Batch(frame.body(plan.max_body), block=frame.block))
                acks += PublishMessageReceived(frame.block).encode(documented=plan.documented_ack)
                ended = clock()
                if ended - begun > QUICK:
                    yield Write(bytes(acks))
                    acks.clear()
                    ended = clock()
                begun = ended
                done[:] = (frame.block,)
            elif not accepted and isinstance(frame, ConnectionResponse):
                _judge(frame.status)
                accepted = True
            else:
                raise PushError(f"the peer sent a {type(frame).__name__} where none belongs")
        if acks:
            yield Write(bytes(acks))
            acks.clear()
        if decoder.fault is not None:
            raise decoder.fault
        if not decoder.partial:
            # Between two messages any silence is normal: nothing has happened. Before the answer it is not.
            until = None if accepted else until
        elif frames or not before:
            until = clock() + plan.timeout


def _judge(status: int) -> None:
    if status == OK:
        return
    reasons = {400: "it does not take the request", 403: "the credentials or the monitor's id are wrong"}
    raise PushError(
        f"the service refused the connection with {status}: {reasons.get(status, 'nobody has said what that means')}",
        status=status,
        again=status >= 500,
    )
