"""The clients. A generated package adds the tree of its API; both work alone through `request`."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

from digirm_runtime.branch import Branch
from digirm_runtime.errors import CredentialsError, QueryError, RemoteManagerError
from digirm_runtime.operation import Operation, encode_params
from digirm_runtime.options import NO_OPTIONS, ApiKey, Options, Throttle, Validate, check_validate

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    import httpx

    from digirm_runtime.flow import Flow
    from digirm_runtime.package import Package
    from digirm_runtime.throttle import Governor
    from digirm_runtime.transport import Transport
    from digirm_runtime.wire import AsyncResponse, Handler, Request, Response

DEFAULT_TIMEOUT = 30.0
DEFAULT_THROTTLE = Throttle((240, 60), (40, 10), concurrent=4)
VERSION = "0.1.0"
_CHECKED = ("query", "orderby", "size", "fields")


class Reply(NamedTuple):
    """An answer with its surroundings: `status`, `headers` (lower-case names), and `data` decoded by content type."""

    status: int
    headers: dict[str, str]
    data: Any


class _Base(Branch):
    """What the two clients share: where requests go, who asks, what is checked, and the flow of a call."""

    _package: ClassVar[Package | None] = None

    def __init__(
        self,
        url: str | None = None,
        *,
        auth: tuple[str, str] | ApiKey | httpx.Auth | None = None,
        timeout: float = DEFAULT_TIMEOUT,
        transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = None,
        validate: Validate = "error",
        read_only: bool = False,
        throttle: Throttle | None = DEFAULT_THROTTLE,
    ) -> None:
        import os

        from digirm_runtime import credentials

        if url is not None and not url.strip():
            # An unset variable in a script must not mean the production service.
            raise ValueError("the URL is empty; leave it out for the default")
        address = url or os.environ.get("DIGIRM_URL") or credentials.DEFAULT_URL
        scheme = address.partition(":")[0]
        in_process = scheme not in ("http", "https")
        if not in_process:
            _check_address(address)
        check_validate(validate)
        self.url = address if in_process else address.rstrip("/")
        self._timeout = timeout
        self._validate = validate
        self._read_only = read_only
        self._foreign_auth: Any = None
        if in_process and auth is None:
            # A simulator in this process must never see the user's own credentials.
            self._credentials = credentials.Credentials(credentials.basic("sim", "sim"), f"{scheme}: (built in)")
        elif auth is None:
            self._credentials = credentials.discover(address)
        elif isinstance(auth, tuple | ApiKey) or not hasattr(auth, "auth_flow"):
            self._credentials = credentials.given(auth)
        else:
            self._foreign_auth = auth
            self._credentials = credentials.Credentials({}, "auth argument (httpx.Auth)")
        self._governor: Governor | None = None
        if throttle is not None and not (in_process and throttle is DEFAULT_THROTTLE):
            from digirm_runtime.throttle import governor

            account = self._credentials.account() if self._foreign_auth is None else f"auth-{id(auth)}"
            self._governor = governor(self.origin, account, throttle)
        self._transport_argument = transport
        self._handler: Handler | None = _open_handler(address) if in_process else None
        self._lazy_transport: Transport | None = None
        self._lock = allocate_lock()

    @property
    def origin(self) -> str:
        """Scheme, host and port of the service; the whole URL for one in this process."""
        from urllib.parse import urlsplit

        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else self.url

    @property
    def spec_info(self) -> dict[str, Any]:
        """Version, provenance and fingerprint of the spec behind this client."""
        if self._package is None:
            raise RemoteManagerError("this client was made without a spec")
        return self._package.spec_info

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}, {self._credentials!r}>"

    @property
    def _transport(self) -> Transport:
        # Threads that share a client must share its transport: one that lost a race would be closed in use.
        with self._lock:
            if self._lazy_transport is None:
                from digirm_runtime.transport import Transport

                self._lazy_transport = Transport(
                    self.origin, handler=self._handler, transport=self._transport_argument, auth=self._foreign_auth
                )
            return self._lazy_transport

    def _flow(self, operation: Operation[Any], decode: Callable[[Response], Any], stream: bool = False) -> Flow[Any]:
        """Check an operation and begin its flow. Raises ValueError or QueryError for what must not be sent."""
        endpoint, options = operation.endpoint, operation.options
        path = endpoint.path(operation.args)
        if endpoint.kind in ("update_all", "delete_all") and not any(
            value is not None and str(value).strip() for value in operation.params.values()
        ):
            raise ValueError(f"{endpoint.method} {endpoint.template} without a filter would reach everything")
        self._check(operation)
        return self._send(
            endpoint.method,
            path,
            operation.params,
            operation.body,
            options,
            decode,
            stream,
            endpoint.media_type or ("text/csv" if endpoint.kind == "csv" else None),
        )

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        options: Options,
        decode: Callable[[Response], Any],
        stream: bool = False,
        media_type: str | None = None,
    ) -> Flow[Any]:
        from urllib.parse import urlencode

        from digirm_runtime.flow import RETRIES, Plan, header_safe, perform
        from digirm_runtime.wire import Request

        if self._read_only and method not in ("GET", "HEAD"):
            raise RemoteManagerError(f"this client is read-only: {method} {path} was not sent")
        query = urlencode(encode_params(params or {}))
        shown = path + ("?" + query if query else "")
        content, kind = _encode_body(body, media_type)
        headers = {
            "accept": "application/json" if media_type is None else f"{media_type}, application/json;q=0.5",
            "user-agent": f"digirm/{VERSION}",
            **({"content-type": kind} if kind else {}),
            **header_safe(options.headers.items()),
            **self._credentials.headers(),
        }
        request: Request = Request(method, ("" if self._handler else self.url) + shown, headers, content)
        plan = Plan(
            timeout=self._timeout if options.timeout is None else options.timeout,
            retries=RETRIES if options.retries is None else options.retries,
            deadline=options.deadline,
            governor=self._governor,
            stream=stream,
        )
        return perform(request, plan, decode, shown)

    def _check(self, operation: Operation[Any]) -> None:
        asked = {name: operation.params[name] for name in _CHECKED if operation.params.get(name) is not None}
        validate = operation.options.validate or self._validate
        if not asked or validate == "off" or self._package is None:
            return
        report = self._package.language.check(
            f"{operation.endpoint.method} {operation.endpoint.listed}",
            asked.pop("query", None),
            orderby=asked.get("orderby"),
            size=asked.get("size"),
            fields=asked.get("fields"),
            strict=validate == "strict",
        )
        if not report.ok and validate != "warn":
            raise QueryError(report)
        if report.diagnostics:
            import logging

            logging.getLogger("digirm").warning("%s", report)

    def _raw(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        options: Options | None,
    ) -> Flow[Reply]:
        """The flow of a call to any path of this service."""
        from digirm_runtime.flow import decode_any

        if not path.startswith("/") or path.startswith("//") or any(ord(char) <= 32 for char in path):
            raise ValueError(f"a path begins with one '/' and holds no blanks: {path!r}")
        method = method.upper()
        required = method == "GET"

        def decode(response: Response) -> Reply:
            return Reply(response.status, response.headers, decode_any(response, required=required))

        return self._send(method, path, params, body, options or NO_OPTIONS, decode)

    def _open_stream(self, operation: Operation[Any]) -> Flow[tuple[Any, Callable[[], None]]]:
        governor = self._governor

        def release() -> None:
            if governor is not None:
                governor.leave()

        return self._flow(operation, lambda response: (response, release), stream=True)


def _open_handler(url: str) -> Handler:
    from digirm_runtime.transport import open_handler

    return open_handler(url)


def _check_address(address: str) -> None:
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ValueError("the service's URL is not valid") from None
    if "@" in parts.netloc:
        raise CredentialsError("credentials in a URL end up in logs: pass auth= instead")
    if not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"not the URL of a service: {address!r}")


def _encode_body(body: Any, media_type: str | None) -> tuple[bytes, str | None]:
    """(bytes, content type) of a body."""
    if body is None:
        return b"", None
    if isinstance(body, bytes | bytearray):
        return bytes(body), media_type or "application/octet-stream"
    if isinstance(body, str):
        return body.encode(), media_type or "application/json"
    import msgspec

    try:
        return msgspec.json.encode(body), "application/json"
    except (TypeError, ValueError) as error:
        raise TypeError(f"the body cannot be sent as JSON: {error}") from None


class Client(_Base):
    """A blocking client of one service and account; threads may share it.

    `url` defaults to DIGIRM_URL, then to the public service; `sim:` runs a simulator in this process.
    `auth` is `(user, password)`, `ApiKey(id, secret)` or an `httpx.Auth`; otherwise the environment and netrc are
    asked. `timeout` is how many seconds a connection may be silent; `transport` an httpx transport to send through.

    `validate` is what happens to a query, ordering, size or field list that the spec does not know: `error` refuses it
    where the spec is sure, `strict` always, `warn` logs, `off` does not look. `read_only` refuses every method but GET
    and HEAD. `throttle` is what the client keeps to, together with all clients of this account in the process; None
    keeps to nothing, and the default does not apply in process.

    Raises CredentialsError where there are no credentials, ValueError for an address that is none.
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
    ) -> Reply:
        """`request` with status and headers."""
        return self._transport.run(self._raw(method, path, params, body, options))

    def _run(self, operation: Operation[Any]) -> Any:
        return self._transport.run(self._flow(operation, operation.decode))

    def _stream(self, operation: Operation[Any]) -> tuple[Response, Callable[[], None]]:
        return self._transport.run(self._open_stream(operation))

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


class AsyncClient(_Base):
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
    ) -> Reply:
        """`request` with status and headers."""
        return await self._transport.arun(self._raw(method, path, params, body, options))

    async def _run(self, operation: Operation[Any]) -> Any:
        return await self._transport.arun(self._flow(operation, operation.decode))

    async def _stream(self, operation: Operation[Any]) -> tuple[AsyncResponse, Callable[[], None]]:
        return await self._transport.arun(self._open_stream(operation))

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
