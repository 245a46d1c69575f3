"""Monitors: made, listed, polled, and received from.

`rm.push.create(...)` makes one; `receive` and `run` take what one of type `tcp` sends, `HttpReceiver` what one of type
`http` does, and `history` and `follow` ask for what a persistent one has recorded. What was received is acknowledged
when the caller is done with it, and so comes at least once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import aclosing, closing
from typing import TYPE_CHECKING, Any

from digirm_runtime.face import Api, AsyncApi, acall, alisting, call, listing
from digirm_runtime.options import check_seconds
from digirm_runtime.paging import AsyncListing, Listing
from digirm_runtime.push.events import Batch, Event
from digirm_runtime.push.framing import PushError
from digirm_runtime.push.http import HttpReceiver
from digirm_runtime.push.monitors import Calls, Follower
from digirm_runtime.push.receiving import Receiving, prepared
from digirm_runtime.push.tcp import AsyncReceiver, Handler, Receiver, ahandled, handled

if TYPE_CHECKING:
    from typing import Unpack

    from digirm_runtime.operation import Param
    from digirm_runtime.options import Options

__all__ = [
    "AsyncPush",
    "AsyncReceiver",
    "Batch",
    "Event",
    "HttpReceiver",
    "Push",
    "PushError",
    "Receiver",
    "Receiving",
]


class Push(Api):
    """Monitors, for a blocking client."""

    create = call(Calls.create)
    list = listing(Calls.list)
    get = call(Calls.get)
    delete = call(Calls.delete)
    history = listing(Calls.history)

    def follow(
        self, id: int | str, /, *, since: Param = None, every: float = 5.0, options: Options | None = None
    ) -> Generator[Event, None, None]:
        """What a persistent monitor has recorded since then, and on for ever, with a look `every` so many seconds.

        Without `since` it begins with all that is there. Raises what `history` does.
        """
        check_seconds("every", every)
        return self._follow(Follower(id, since, options), every)

    def _follow(self, follower: Follower, every: float) -> Generator[Event, None, None]:
        while True:
            with closing(Listing(self._client, follower.due()).pages()) as pages:
                for page in pages:
                    yield from follower.fresh(page)
            time.sleep(every)

    def receive(self, id: int | str, /, **how: Unpack[Receiving]) -> Receiver:
        """The events of a monitor of type `tcp` as they happen: iterate over it, or over its `batches()`.

        A batch is acknowledged when the next one is asked for. Raises CredentialsError where there is no user and
        password to send, as with an API key, ValueError and TypeError for settings that cannot be; while iterating
        PushError where the service refuses.
        """
        address, plan = prepared(self._client, id, how)
        since = how.get("since")
        recorded = None if since is None else Listing(self._client, Calls.history(id, since=since))
        return Receiver(address, plan, recorded)

    def run(self, id: int | str, handler: Callable[[Batch], Any], /, **how: Unpack[Receiving]) -> None:
        """Hand each batch to `handler`, which acknowledges it by returning; for ever, or until `handler` raises."""
        handled(self.receive(id, **how), handler)


class AsyncPush(AsyncApi):
    """`Push` for asyncio."""

    create = acall(Calls.create)
    list = alisting(Calls.list)
    get = acall(Calls.get)
    delete = acall(Calls.delete)
    history = alisting(Calls.history)

    def follow(
        self, id: int | str, /, *, since: Param = None, every: float = 5.0, options: Options | None = None
    ) -> AsyncGenerator[Event, None]:
        """What a persistent monitor has recorded since then, and on for ever, with a look `every` so many seconds.

        Without `since` it begins with all that is there. Raises what `history` does.
        """
        check_seconds("every", every)
        return self._follow(Follower(id, since, options), every)

    async def _follow(self, follower: Follower, every: float) -> AsyncGenerator[Event, None]:
        while True:
            async with aclosing(AsyncListing(self._client, follower.due()).pages()) as pages:
                async for page in pages:
                    for event in follower.fresh(page):
                        yield event
            await asyncio.sleep(every)

    def receive(self, id: int | str, /, **how: Unpack[Receiving]) -> AsyncReceiver:
        """The events of a monitor of type `tcp` as they happen: iterate over it, or over its `batches()`.

        A batch is acknowledged when the next one is asked for. Raises CredentialsError where there is no user and
        password to send, as with an API key, ValueError and TypeError for settings that cannot be; while iterating
        PushError where the service refuses.
        """
        address, plan = prepared(self._client, id, how)
        since = how.get("since")
        recorded = None if since is None else AsyncListing(self._client, Calls.history(id, since=since))
        return AsyncReceiver(address, plan, recorded)

    async def run(self, id: int | str, handler: Handler, /, **how: Unpack[Receiving]) -> None:
        """Hand each batch to `handler`, which acknowledges it by returning; for ever, or until `handler` raises.

        A handler may be async; one that blocks runs in a thread.
        """
        await ahandled(self.receive(id, **how), handler)
