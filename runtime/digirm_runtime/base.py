"""What the two clients share: where requests go, who asks, what is checked, and the flow of a call."""

from __future__ import annotations

from _thread import allocate_lock
from collections.abc import Callable, Mapping
from itertools import count
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple
from weakref import WeakKeyDictionary

from digirm_runtime.branch import Branch
from digirm_runtime.errors import BadRequest, CredentialsError, QueryError, RemoteManagerError
from digirm_runtime.operation import CHECKED, Operation, encode_body, encode_params
from digirm_runtime.options import NO_OPTIONS, ApiKey, Options, Throttle, Validate, check_seconds, check_validate

if TYPE_CHECKING:
    import httpx

    from digirm_runtime.drivers import Transport
    from digirm_runtime.flow import Flow
    from digirm_runtime.hooks import Hooks
    from digirm_runtime.package import Package
    from digirm_runtime.query.report import Report
    from digirm_runtime.selfdoc import Expectation
    from digirm_runtime.throttle import Allowance, Membership, Owner
    from digirm_runtime.wire import Handler, Response

DEFAULT_TIMEOUT = 30.0
DEFAULT_THROTTLE = Throttle((240, 60), (40, 10), concurrent=4, uploads=(60, 60))
VERSION = "0.1.0"
#: Longer addresses are refused by everyone: by most proxies from 8 KB on, and by httpx from here on, in characters.
MAX_URL = 65_536


class Reply(NamedTuple):
    """An answer with its surroundings: `status`, `headers` (lower-case names), and `data` decoded by content type."""

    status: int
    headers: dict[str, str]
    data: Any

    def __repr__(self) -> str:
        # Neither headers nor data belong in a log: both may hold secrets.
        return f"<Reply {self.status}>"


class BaseClient(Branch):
    """A client without the methods that wait; `Client` and `AsyncClient` add those."""

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
        hooks: Hooks | None = None,
        actor: str | None = None,
        account_filter: str | None = None,
        expect: str | None = None,
    ) -> None:
        import os

        from digirm_runtime import credentials

        if url is not None and not url.strip():
            # An unset variable in a script must not mean the production service.
            raise ValueError("the URL is empty; leave it out for the default")
        address = url or os.environ.get("DIGIRM_URL") or credentials.DEFAULT_URL
        scheme = address.partition(":")[0].lower()
        in_process = scheme not in ("http", "https")
        if "@" in address.partition("?")[0]:
            raise CredentialsError("credentials in a URL end up in logs: pass auth= instead")
        if not in_process:
            _check_address(address)
        check_validate(validate)
        if timeout is None:
            raise ValueError("timeout must be a time in seconds: a service that says nothing must not stop a program")
        check_seconds("timeout", timeout)
        if throttle is not None and not isinstance(throttle, Throttle):
            raise TypeError(f"throttle must be a Throttle or None, not {throttle!r}")
        if in_process and transport is not None:
            raise ValueError(f"transport= sends over HTTP, and {scheme}: is a server in this process")
        self._expectation: Expectation | None = None
        if expect is not None:
            from digirm_runtime.selfdoc import Expectation

            self._expectation = Expectation(self, expect)
        self.url = address if in_process else address.rstrip("/")
        self._timeout = timeout
        self._validate = validate
        self._read_only = read_only
        self._hooks = hooks
        self._subaccount = _subaccount(actor, account_filter)
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
        self._membership: Membership | None = None
        if throttle is not None and not (in_process and throttle is DEFAULT_THROTTLE):
            from digirm_runtime.throttle import member

            account = self._credentials.account() if self._foreign_auth is None else _account_of(auth)
            self._membership = member(self._place(), account, throttle)
        self._transport_argument = transport
        self._handler: Handler | None = None
        if in_process:
            from digirm_runtime.handler import open_handler

            self._handler = open_handler(address)
        self._lazy_transport: Transport | None = None
        self._lock = allocate_lock()

    @property
    def origin(self) -> str:
        """Scheme, host and port of the service; the whole URL for one in this process."""
        from urllib.parse import urlsplit

        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}" if parts.netloc else self.url

    def _place(self) -> str:
        """The service for the throttle: one, however its address is spelt; each in-process server is its own."""
        from urllib.parse import urlsplit

        parts = urlsplit(self.url)
        if not parts.netloc:
            return self.url if "#" in self.url else f"{self.url} {id(self)}"
        return f"{parts.scheme}://{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"

    @property
    def spec_info(self) -> dict[str, Any]:
        """Version, provenance and fingerprint of the spec behind this client."""
        if self._package is None:
            raise RemoteManagerError("this client was made without a spec")
        return self._package.spec_info

    @property
    def credentials_source(self) -> str:
        """Where the credentials were found; safe to show."""
        return self._credentials.source

    @property
    def allowance(self) -> Allowance | None:
        """What is left of the account's requests now, for all its clients in this process; None without a throttle."""
        return None if self._membership is None else self._membership.governors[-1].left()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}, {self._credentials!r}>"

    @property
    def _transport(self) -> Transport:
        # Threads that share a client must share its transport: one that lost a race would be closed in use.
        with self._lock:
            if self._lazy_transport is None:
                self._lazy_transport = self._open_transport()
            return self._lazy_transport

    def _open_transport(self) -> Transport:
        if self._handler is not None:
            from digirm_runtime.handler import HandlerTransport

            return HandlerTransport(self._handler)
        from digirm_runtime.transport import HttpTransport

        return HttpTransport(self.origin, transport=self._transport_argument, auth=self._foreign_auth)

    def _flow(
        self,
        operation: Operation[Any],
        decode: Callable[[Response], Any],
        *,
        stream: bool = False,
        owner: Owner | None = None,
    ) -> Flow[Any]:
        """The flow of an operation. Raises ValueError or QueryError for what must not be sent."""
        endpoint = operation.endpoint
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
            operation.options,
            decode,
            stream=stream,
            owner=owner,
            uploads=endpoint.uploads,
            media_type=endpoint.media_type or ("text/csv" if endpoint.kind == "csv" else None),
            listed=endpoint.listed,
            accept=endpoint.accept,
            max_bytes=endpoint.max_bytes,
        )

    def _explained(self, flow: Flow[Any], query: Any, endpoint: str) -> Flow[Any]:
        """The same flow; where the service cannot parse the query, its error says so in the checker's words."""
        try:
            return (yield from flow)
        except BadRequest as error:
            from digirm_runtime.operation import encode_param
            from digirm_runtime.query import server

            language = None if self._package is None else self._package.language
            error.explain(server.read(error.error_message or "", encode_param("query", query), endpoint, language))
            raise

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        options: Options,
        decode: Callable[[Response], Any],
        *,
        stream: bool = False,
        owner: Owner | None = None,
        uploads: bool = False,
        media_type: str | None = None,
        listed: str | None = None,
        accept: str | None = None,
        max_bytes: int | None = None,
    ) -> Flow[Any]:
        from urllib.parse import urlencode

        from digirm_runtime.flow import READS, Plan, perform
        from digirm_runtime.secrets import shown
        from digirm_runtime.wire import Request

        if self._read_only and method not in READS:
            raise RemoteManagerError(f"this client is read-only: {method} {shown(path)} was not sent")
        query = urlencode(encode_params(params)) if params else ""
        bare = path
        if query:
            path = f"{path}{'&' if '?' in path else '?'}{query}"
        url = path if self._handler else self.url + path
        if len(url) > MAX_URL:
            raise ValueError(
                f"the URL of {method} {bare.partition('?')[0]} would have {len(url)} characters; {MAX_URL} can be "
                "sent: ask in several calls, such as any_of() with fewer values each"
            )
        content, kind = encode_body(body, media_type)
        headers = self._headers(options, media_type, kind, accept)
        request = Request(method, url, headers, content)
        membership = self._membership
        plan = Plan(
            timeout=self._timeout if options.timeout is None else options.timeout,
            retries=options.retries,
            deadline=options.deadline,
            idempotent=options.idempotent,
            governors=() if membership is None else membership.uploading if uploads else membership.governors,
            owner=owner,
            hooks=self._hooks,
            stream=stream,
            mask=self._credentials.mask,
            max_bytes=max_bytes,
        )
        flow = perform(request, plan, decode, shown(path))
        asked = (params or {}).get("query")
        if asked is not None:
            flow = self._explained(flow, asked, f"{method} {listed or bare}")
        return flow if self._expectation is None else self._expectation.before(flow, plan, self, bare, owner)

    def _headers(
        self, options: Options, media_type: str | None, kind: str | None, accept: str | None = None
    ) -> dict[str, str]:
        headers = {
            "accept": accept or ("application/json" if media_type is None else f"{media_type}, application/json;q=0.5"),
            "accept-encoding": "gzip",
            "user-agent": f"digirm/{VERSION}",
        }
        if kind:
            headers["content-type"] = kind
        headers |= self._subaccount
        if options.actor is not None or options.account_filter is not None:
            headers |= _subaccount(options.actor, options.account_filter)
        if options.headers:
            from digirm_runtime.flow import header_safe

            headers |= header_safe(options.headers.items())
        # Last: nothing may stand in for the credentials.
        return headers | self._credentials.headers()

    def _check(self, operation: Operation[Any]) -> None:
        asked = {name: operation.params[name] for name in CHECKED if operation.params.get(name) is not None}
        validate = operation.options.validate or self._validate
        if not asked or validate == "off" or self._package is None:
            return
        report = self._report(operation, asked, strict=validate == "strict")
        if not report.ok and validate != "warn":
            raise QueryError(report)
        if report.diagnostics:
            import logging

            logging.getLogger("digirm").warning("%s", report)

    def _report(self, operation: Operation[Any], asked: dict[str, Any], *, strict: bool) -> Report:
        assert self._package is not None
        return self._package.language.check(
            f"{operation.endpoint.method} {operation.endpoint.listed}",
            asked.get("query"),
            orderby=asked.get("orderby"),
            size=asked.get("size"),
            fields=asked.get("fields"),
            strict=strict,
        )

    def _raw(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any,
        options: Options | None,
        max_bytes: int | None = None,
    ) -> Flow[Reply]:
        """The flow of a call to any path of this service."""
        from digirm_runtime.flow import decode_any

        # Behind a '#' nothing would be sent, parameters included.
        if not path.startswith("/") or path.startswith("//") or _blank(path) or "#" in path:
            raise ValueError(f"a path begins with one '/' and holds no blanks and no '#': {path.partition('?')[0]!r}")
        if not (method.isascii() and method.isalpha()):
            raise ValueError(f"no such method: {method!r}")
        method = method.upper()
        required = method == "GET"

        def decode(response: Response) -> Reply:
            return Reply(response.status, response.headers, decode_any(response, required=required))

        return self._send(method, path, params, body, options or NO_OPTIONS, decode, max_bytes=max_bytes)


_foreign_accounts: WeakKeyDictionary[Any, str] = WeakKeyDictionary()
_numbers = count()


def _account_of(auth: Any) -> str:
    """An account for an `httpx.Auth`, whose credentials nobody can see: one for each such object."""
    try:
        return _foreign_accounts.setdefault(auth, f"auth {next(_numbers)}")
    except TypeError:  # it cannot be referred to weakly, or has no hash
        return f"auth {next(_numbers)}"


def _subaccount(actor: str | None, account_filter: str | None) -> dict[str, str]:
    """The headers that act for a subaccount: Digi's documentation prints their names, nothing public their values."""
    if actor is None and account_filter is None:
        return {}
    from digirm_runtime.flow import header_safe

    given = (("Actor", actor), ("account-filter", account_filter))
    return header_safe((name, value) for name, value in given if value is not None)


def _blank(text: str) -> bool:
    """Whether a text holds blanks or control characters."""
    return any(char <= " " or char == "\x7f" for char in text)


def _check_address(address: str) -> None:
    from urllib.parse import urlsplit

    try:
        address.encode()  # half of a surrogate pair is nothing that can be sent
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        raise ValueError("the service's URL is not valid") from None
    if "@" in parts.netloc:
        raise CredentialsError("credentials in a URL end up in logs: pass auth= instead")
    # A name of more than 253 characters is none (RFC 1035).
    if not parts.hostname or len(parts.hostname) > 253 or _blank(address) or parts.query or parts.fragment:
        raise ValueError(f"not the URL of a service: {address[:200]!r}")
