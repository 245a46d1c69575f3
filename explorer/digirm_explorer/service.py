"""The service that is explored: its address, the credentials, what is allowed, and the client that asks it."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from digirm_explorer.problems import Problem

if TYPE_CHECKING:
    from digirm_explorer.embedded import Embedded
    from digirm_explorer.knowledge import Knowledge
    from digirm_runtime.client import AsyncClient
    from digirm_runtime.credentials import Credentials
    from digirm_runtime.options import ApiKey

#: Seconds of silence of the service before a call counts as failed. Commands to devices take their time, and whoever
#: waits can stop them.
TIMEOUT = 120.0
_SOURCE = "typed into the page, in memory only"


class Service:
    """One service. Methods that are not async may wait for the simulator or the spec: they belong into threads."""

    def __init__(self, knowledge: Knowledge, url: str | None = None, embedded: Embedded | None = None) -> None:
        """Exactly one of `url` and `embedded` is given."""
        self._knowledge = knowledge
        self._url = url
        self._embedded = embedded
        #: Whether a real service takes writes.
        self.allowed = False
        self._typed: tuple[str, str] | ApiKey | None = None
        self._client: AsyncClient | None = None
        #: The clients that may hold connections, each with the number of its calls that are under way.
        self._open: dict[AsyncClient, int] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Its address, without credentials. Raises Problem where the simulator did not start."""
        if self._embedded is not None:
            return self._embedded.url()
        assert self._url is not None
        return self._url.rstrip("/")

    async def started(self) -> None:
        """Wait until the simulator is there, and keep no thread waiting. Raises Problem where it did not start."""
        if self._embedded is not None:
            await self._embedded.started()

    @property
    def writes(self) -> str:
        """`free`, `locked` or `confirmed`."""
        return "free" if self._embedded is not None else "confirmed" if self.allowed else "locked"

    def client(self) -> AsyncClient:
        """The client. Raises CredentialsError where no credentials are found, Problem, SpecError."""
        from digirm_runtime.calls.proof import PASSWORD, USER

        with self._lock:
            if self._client is None:
                auth: Any = self._typed
                if auth is None and self._embedded is not None:
                    auth = USER, PASSWORD
                self._client = self._knowledge.make_async(self.url, auth=auth, timeout=TIMEOUT)
                self._open[self._client] = 0
            return self._client

    @asynccontextmanager
    async def calling(self, client: AsyncClient) -> AsyncIterator[None]:
        """A call of this client is under way: it is not closed meanwhile, whoever signs in."""
        self._open[client] = self._open.get(client, 0) + 1
        try:
            yield
        finally:
            self._open[client] -= 1
            await self.tidy()

    async def tidy(self) -> None:
        """Close the clients whose credentials were put away, and whose last call has ended."""
        for client, calls in list(self._open.items()):
            if not calls and client is not self._client:
                del self._open[client]
                await client.aclose()

    def credentials(self) -> Credentials | None:
        """The credentials that calls have; None where there are none."""
        from digirm_runtime.calls.sending import credentials
        from digirm_runtime.errors import CredentialsError

        try:
            return credentials(self.client())
        except CredentialsError:
            return None

    def secrets(self) -> list[str]:
        """What of the credentials must not be shown; none before there is a client, which is not waited for."""
        from digirm_runtime.calls.sending import credentials

        client = self._client
        return [] if client is None else list(credentials(client).secrets())

    def exported(self) -> Credentials | None:
        """The credentials as exported calls name them: of a simulator that takes any, that it does."""
        from digirm_explorer.exporting import ANYBODY

        return ANYBODY if self._embedded is not None and self._typed is None else self.credentials()

    def sign_in(self, kind: str, name: str, secret: str) -> None:
        """Use these credentials from now on. Raises Problem for what cannot be any."""
        from digirm_runtime.credentials import basic
        from digirm_runtime.errors import CredentialsError
        from digirm_runtime.options import ApiKey

        try:
            if kind == "api_key":
                auth: tuple[str, str] | ApiKey = ApiKey(name, secret)
            else:
                basic(name, secret)
                auth = name, secret
        except CredentialsError as error:
            # What was typed is at fault, not what is missing.
            raise Problem("invalid", str(error)) from None
        self._use(auth)

    def sign_out(self) -> None:
        """Forget what was typed; what the environment and netrc have is used again."""
        self._use(None)

    def _use(self, auth: tuple[str, str] | ApiKey | None) -> None:
        with self._lock:
            self._typed = auth
            self._client = None

    def session(self) -> dict[str, Any]:
        """What the page shows of it. Raises Problem, SpecError."""
        return {
            "url": self.url,
            "embedded": self._embedded is not None,
            "spec": self._knowledge.info,
            "credentials": self._shown(),
            "writes": self.writes,
            "gauge": self.gauge(),
        }

    def _shown(self) -> dict[str, str] | None:
        found = self.credentials()
        if found is None:
            return None
        source = found.source
        if self._typed is not None:
            source = _SOURCE
        elif self._embedded is not None:
            source = "the simulator takes any"
        pair = found.user_password()
        if pair is not None:
            return {"kind": "password", "name": pair[0], "source": source}
        return {"kind": "api_key", "name": found.headers().get("x-api-key-id", ""), "source": source}

    def gauge(self) -> dict[str, Any] | None:
        """What is left of the account's allowance; None before there are credentials."""
        client = self._client
        left = None if client is None else client.allowance
        if left is None:
            return None
        return {
            "windows": [window._asdict() for window in left.windows],
            "concurrent": {"limit": left.concurrent, "left": left.concurrent_left},
            "paused": left.paused,
        }

    async def aclose(self) -> None:
        """Close all connections."""
        for client in list(self._open):
            await client.aclose()
