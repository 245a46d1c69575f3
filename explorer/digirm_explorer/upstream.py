"""One request to the service: sent once, under the throttle, and whatever came of it."""

from __future__ import annotations

import time
from contextlib import aclosing
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, NamedTuple

from digirm_runtime.calls.sending import asent
from digirm_runtime.errors import APIError, RemoteManagerError, TransportError
from digirm_runtime.flow import Send
from digirm_runtime.wire import AsyncResponse, Request, Response

if TYPE_CHECKING:
    from digirm_explorer.shelf import Kept
    from digirm_runtime.client import AsyncClient
    from digirm_runtime.flow import Flow
    from digirm_runtime.operation import Operation

#: Bytes of an answer with an error status that are read.
MOST_OF_ERROR = 8 << 20


class Received(NamedTuple):
    """An answer, its body kept beside it. `target` is what stood behind the host; `says` why the body is incomplete."""

    request: Request
    target: str
    status: int
    headers: dict[str, str]
    milliseconds: int
    says: str | None

    @property
    def reason(self) -> str:
        """What the status is called; HTTP/2 does not send it, and the service's own word adds nothing."""
        try:
            return HTTPStatus(self.status).phrase
        except ValueError:
            return ""

    @property
    def media_type(self) -> str:
        """The media type in lower case, without its parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str | None:
        """The encoding that the content type names."""
        return Response(self.status, self.headers).charset


class Attempt:
    """What a flow sent and got, also where it makes an error of the answer, and where it is cancelled.

    `request` is None as long as nothing has left.
    """

    def __init__(self) -> None:
        self.request: Request | None = None
        self.response: Response | None = None
        self._started = 0.0

    @property
    def milliseconds(self) -> int:
        """Since the request left."""
        return 0 if self.request is None else round((time.monotonic() - self._started) * 1000)

    def watch(self, flow: Flow[Any]) -> Flow[Any]:
        """The same flow."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Send):
                    self.request, self._started = step.request, time.monotonic()
                try:
                    value = yield step
                except RemoteManagerError as error:
                    step = flow.throw(error)
                    continue
                if isinstance(step, Send):
                    self.response = value
                step = flow.send(value)
        except StopIteration as stop:
            return stop.value
        finally:
            flow.close()


async def fetch(client: AsyncClient, operation: Operation[Any], kept: Kept, attempt: Attempt) -> Received:
    """Send a call once, and keep the body of its answer, of whatever status; `attempt` knows how far it came.

    Cancelling it ends the connection. Raises TransportError where no answer came, ValueError for what cannot be sent,
    and other errors of digirm's own where nothing was sent.
    """
    # Nothing is repeated: who looks at an answer wants to see the first.
    operation.options.retries = 0
    try:
        response: Response = await asent(client, operation, attempt.watch)
    except APIError:
        if attempt.response is None:
            raise  # the throttle's word, not the service's
        response = attempt.response
    assert attempt.request is not None
    says = await _keep(response, kept)
    return Received(
        attempt.request,
        attempt.request.url.removeprefix(client.url),
        response.status,
        response.headers,
        attempt.milliseconds,
        says,
    )


async def _keep(response: Response, kept: Kept) -> str | None:
    """Read a body to its end; why it is incomplete, None where it is not."""
    from digirm_explorer.shelf import MOST

    if not isinstance(response, AsyncResponse):
        body = response.read()
        kept.write(body)
        return None if len(body) <= MOST_OF_ERROR else "only the beginning of this long error was read"
    try:
        async with aclosing(response.achunks()) as chunks:
            async for chunk in chunks:
                if not kept.write(chunk):
                    return f"longer than {MOST >> 20} MiB: what is beyond was not read"
    except TransportError as error:
        return f"the answer broke off after {kept.size} bytes: {error}"
    finally:
        await response.aclose()
    return None
