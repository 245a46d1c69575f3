"""The clients. A generated package adds the tree of its API; both work alone through `request`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from digirm_runtime.base import BaseClient
from digirm_runtime.base import Reply as Reply
from digirm_runtime.operation import Operation
from digirm_runtime.options import Options

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from digirm_runtime.data import AsyncData, Data
    from digirm_runtime.legacy import AsyncLegacy, Legacy
    from digirm_runtime.push import AsyncPush, Push
    from digirm_runtime.sci import AsyncSci, Sci
    from digirm_runtime.storage import AsyncStorage, Storage
    from digirm_runtime.throttle import Owner
    from digirm_runtime.wire import AsyncResponse, Response


class Client(BaseClient):
    """A blocking client of one service and account; threads may share it.

    `url` defaults to DIGIRM_URL, then to the public service; `sim:` runs a simulator in this process.
    `auth` is `(user, password)`, `ApiKey(id, secret)` or an `httpx.Auth`; otherwise the environment and netrc are
    asked. `timeout` is how many seconds a connection may be silent; `transport` an httpx transport to send through.

    `validate` is what happens to a query, ordering, size or field list that the spec does not know: `error` refuses it
    where the spec is sure, `strict` always, `warn` logs, `off` does not look. `read_only` refuses every method but GET
    and HEAD. `throttle` is what the client keeps to, together with all clients of this account in the process; None
    keeps to nothing, and the default does not apply in process. `hooks` watch the calls. `actor` and `account_filter`
    are sent as the headers `Actor` and `account-filter`, which act for a subaccount: Digi's documentation prints these
    names without their values, and nobody has confirmed them.

    `expect` is the API version that the service should be of, and has to be the one that this client was made from.
    The first call below a category then asks for the category's own description, and a ContractWarning says where that
    is another one, or cannot be had; the call is made in any case. Calls that come meanwhile do not wait for it, and it
    takes a quarter of the call's deadline at most, or else its `timeout`. Without an answer the next call asks again,
    and then no other.

    Raises CredentialsError where there are no credentials, ValueError for an address that is none or an `expect` that
    is not this client's version.
    """

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        options: Options | None = None,
    ) -> Any:
        """Call any path: decoded JSON, None for an empty answer, else text or bytes by content type.

        Raises APIError, TransportError; before sending ValueError or TypeError for a path, header, parameter or body
        that cannot be sent, and RemoteManagerError where the client is read-only.
        """
        return self.fetch(method, path, params=params, body=body, options=options).data

    def fetch(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        options: Options | None = None,
        max_bytes: int | None = None,
    ) -> Reply:
        """`request` with status and headers. Raises TooLarge for a body of more than `max_bytes`, once unpacked."""
        from digirm_runtime.drivers import run

        return run(self._raw(method, path, params, body, options, max_bytes), self._transport)

    def _run(self, operation: Operation[Any], owner: Owner | None = None) -> Any:
        from digirm_runtime.drivers import run

        return run(self._flow(operation, operation.decode, owner=owner), self._transport)

    def _stream(self, operation: Operation[Any]) -> Response:
        from digirm_runtime.drivers import run

        response: Response = run(self._flow(operation, lambda response: response, stream=True), self._transport)
        return response

    @cached_property
    def legacy(self) -> Legacy:
        """The legacy objects below `/ws/`, by name: `rm.legacy.DeviceCore.list(condition=...)`."""
        from digirm_runtime.legacy import Legacy

        return Legacy(self)

    @cached_property
    def sci(self) -> Sci:
        """Commands to devices: `rm.sci.reboot(device)`."""
        from digirm_runtime.sci import Sci

        return Sci(self)

    @cached_property
    def data(self) -> Data:
        """Data streams in practice: uploads in batches, long histories, roll-ups."""
        from digirm_runtime.data import Data

        return Data(self)

    @cached_property
    def storage(self) -> Storage:
        """Files in practice: uploads, downloads and listings that go on where they broke off."""
        from digirm_runtime.storage import Storage

        return Storage(self)

    @cached_property
    def push(self) -> Push:
        """Monitors: made, listed, polled, and received from."""
        from digirm_runtime.push import Push

        return Push(self)

    def close(self) -> None:
        """Close the connections; a later call opens new ones. A simulator in this process ends with its client."""
        if self._lazy_transport is not None:
            self._lazy_transport.close()
        elif self._handler is not None:
            self._handler.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.close()


class AsyncClient(BaseClient):
    """`Client` for asyncio: the same arguments and methods, awaited; one client may serve several event loops."""

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        options: Options | None = None,
    ) -> Any:
        """Call any path: decoded JSON, None for an empty answer, else text or bytes by content type.

        Raises APIError, TransportError; before sending ValueError or TypeError for a path, header, parameter or body
        that cannot be sent, and RemoteManagerError where the client is read-only.
        """
        return (await self.fetch(method, path, params=params, body=body, options=options)).data

    async def fetch(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Any = None,
        options: Options | None = None,
        max_bytes: int | None = None,
    ) -> Reply:
        """`request` with status and headers. Raises TooLarge for a body of more than `max_bytes`, once unpacked."""
        from digirm_runtime.drivers import arun

        return await arun(self._raw(method, path, params, body, options, max_bytes), self._transport)

    async def _run(self, operation: Operation[Any], owner: Owner | None = None) -> Any:
        from digirm_runtime.drivers import arun

        return await arun(self._flow(operation, operation.decode, owner=owner), self._transport)

    async def _stream(self, operation: Operation[Any]) -> AsyncResponse:
        from digirm_runtime.drivers import arun

        flow = self._flow(operation, lambda response: response, stream=True)
        response: AsyncResponse = await arun(flow, self._transport)
        return response

    @cached_property
    def legacy(self) -> AsyncLegacy:
        """The legacy objects below `/ws/`, by name: `rm.legacy.DeviceCore.list(condition=...)`."""
        from digirm_runtime.legacy import AsyncLegacy

        return AsyncLegacy(self)

    @cached_property
    def sci(self) -> AsyncSci:
        """Commands to devices: `rm.sci.reboot(device)`."""
        from digirm_runtime.sci import AsyncSci

        return AsyncSci(self)

    @cached_property
    def data(self) -> AsyncData:
        """Data streams in practice: uploads in batches, long histories, roll-ups."""
        from digirm_runtime.data import AsyncData

        return AsyncData(self)

    @cached_property
    def storage(self) -> AsyncStorage:
        """Files in practice: uploads, downloads and listings that go on where they broke off."""
        from digirm_runtime.storage import AsyncStorage

        return AsyncStorage(self)

    @cached_property
    def push(self) -> AsyncPush:
        """Monitors: made, listed, polled, and received from."""
        from digirm_runtime.push import AsyncPush

        return AsyncPush(self)

    async def aclose(self) -> None:
        """Close the connections of the running event loop."""
        if self._lazy_transport is not None:
            await self._lazy_transport.aclose()
        elif self._handler is not None:
            self._handler.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.aclose()
