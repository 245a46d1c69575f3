"""A planned call as an operation, which every client can run; and what is sent of it, as it is and as it comes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.options import Options

if TYPE_CHECKING:
    from digirm_runtime.base import BaseClient
    from digirm_runtime.calls.known import Known
    from digirm_runtime.calls.planned import Planned
    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.credentials import Credentials
    from digirm_runtime.flow import Flow
    from digirm_runtime.wire import AsyncResponse, Request, Response


class _Exact(Endpoint):
    """An endpoint whose path is given, not made of a template and arguments."""

    __slots__ = ("_exact",)

    def __init__(
        self, path: str, method: str, kind: str, known: Known | None, accept: str, max_bytes: int | None
    ) -> None:
        named = None if known is None else known.named
        super().__init__(
            method,
            path,
            kind,
            listed=None if known is None else known.listed,
            element="list" if named is None else named.endpoint.element,
            uploads=named is not None and named.endpoint.uploads,
            accept=accept,
            max_bytes=max_bytes,
        )
        self._exact = path

    def path(self, args: Sequence[object]) -> str:  # noqa: ARG002
        """The path, whatever the arguments: there are none."""
        return self._exact


def operation(
    planned: Planned,
    known: Known | None,
    kind: str,
    *,
    accept: str,
    content: bytes | None = None,
    max_bytes: int | None = None,
) -> Operation[Any]:
    """The call as an operation of `kind`: `call`, or `list` for one that is walked page by page.

    The caller has judged it: queries are not checked again. `accept` is asked for where the call names nothing itself;
    `content` is that of the call's file; `max_bytes` bounds each answer. Raises ValueError without that content.
    """
    if planned.file is not None and content is None:
        raise ValueError("the content of the call's file is missing")
    return Operation(
        _Exact(planned.path, planned.method, kind, known, accept, max_bytes),
        (),
        planned.params,
        body=content if content is not None else planned.fields if planned.text is None else planned.text.encode(),
        options=Options(headers=planned.own_headers, validate="off"),
    )


def sent(client: Client, operation: Operation[Any], begin: Callable[[Response], Response]) -> Response:
    """Send a call; its answer, the body as it comes. `begin` gets it within the flow, which repeats what fails there.

    Raises APIError, TransportError, ValueError for what cannot be sent, and what `begin` raises.
    """
    from digirm_runtime.drivers import run

    answer: Response = run(client._flow(operation, begin, stream=True), client._transport)
    return answer


async def asent(
    client: AsyncClient, operation: Operation[Any], watch: Callable[[Flow[Any]], Flow[Any]]
) -> AsyncResponse:
    """Send a call; its answer, the body as it comes. `watch` makes the flow that is driven of the call's own.

    Raises APIError, TransportError, ValueError for what cannot be sent.
    """
    from digirm_runtime.drivers import arun

    answer: AsyncResponse = await arun(watch(client._flow(operation, _itself, stream=True)), client._transport)
    return answer


def prepared(client: BaseClient, operation: Operation[Any]) -> Request:
    """The request that an operation would send, with all its headers. Raises ValueError for what cannot be sent."""
    from digirm_runtime.flow import Acquire, Send

    flow = client._flow(operation, _itself)
    try:
        step = next(flow)
        while isinstance(step, Acquire):
            step = flow.send(_NoSlot())
        assert isinstance(step, Send)
        return step.request
    finally:
        flow.close()


def credentials(client: BaseClient) -> Credentials:
    """The credentials that a client's calls have."""
    return client._credentials


class _NoSlot:
    """Stands for a slot where nothing is sent."""

    def release(self, *, sent: bool = True) -> None:
        """Nothing was taken."""


def _itself(response: Response) -> Response:
    return response
