"""One test body for both faces: written once, as it reads with `AsyncClient`, and run over `Client` as well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Generator, Iterator
from typing import Any, Generic, NamedTuple, TypeVar

from digirm import AsyncClient, Client, Throttle
from digirm_runtime.branch import Branch
from digirm_runtime.errors import RemoteManagerError
from digirm_runtime.hooks import Event, Hooks
from digirm_runtime.paging import Listing
from digirm_runtime.rows import Rows
from tests.support.collection import Broken
from tests.support.leaks import AUTH, check_error, check_variables, leaks
from tests.support.server import Got
from tests.support.wire import Wire, WireServer

T = TypeVar("T")
Body = Callable[[Any], Coroutine[Any, Any, Any]]
#: One slot at a time: a slot that is not given back ends the test.
ONE_SLOT = Throttle((100_000, 1), concurrent=1)
FACES = ("blocking", "asyncio")


class Done(Generic[T]):
    """An awaitable that has its value already."""

    def __init__(self, value: T) -> None:
        self._value = value

    def __await__(self) -> Generator[Any, None, T]:
        return self._value
        yield


class Steps:
    """A blocking iterator with the look of an async generator."""

    def __init__(self, items: Iterator[Any]) -> None:
        self._items = items

    def __aiter__(self) -> Steps:
        return self

    async def __anext__(self) -> Any:
        try:
            return next(self._items)
        except StopIteration:
            raise StopAsyncIteration from None

    async def aclose(self) -> None:
        self._items.close()  # type: ignore[attr-defined]  # a generator


class Blocking:
    """A blocking client, node or result with the look of its async counterpart: what it gives can be awaited."""

    def __init__(self, thing: Any) -> None:
        self._thing = thing

    def __getattr__(self, name: str) -> Any:
        return _dressed(getattr(self._thing, name))

    def __getitem__(self, name: str) -> Any:
        return _dressed(self._thing[name])

    def __aiter__(self) -> Steps:
        return Steps(iter(self._thing))


def _dressed(value: Any) -> Any:
    if isinstance(value, Branch | Listing | Rows):
        return Blocking(value)
    if not callable(value):
        return value

    def call(*args: Any, **kwargs: Any) -> Any:
        result = value(*args, **kwargs)
        if isinstance(result, Listing | Rows):
            return Blocking(result)
        return Steps(result) if isinstance(result, Iterator) else Done(result)

    return call


def finish(body: Awaitable[T]) -> T:
    """The result of a body over `Blocking`, which never waits for a loop."""
    try:
        next(body.__await__())
    except StopIteration as stop:
        result: T = stop.value
        return result
    raise AssertionError("a body over a blocking client waited for an event loop")


def run(face: str, body: Body, url: str, **settings: Any) -> Any:
    """Run a body over a client of one face."""
    if face == "blocking":
        with Client(url, **settings) as client:
            return finish(body(Blocking(client)))

    async def main() -> Any:
        async with AsyncClient(url, **settings) as client:
            return await body(client)

    return asyncio.run(main())


class Outcome(NamedTuple):
    """What came of a body: its value or error, the requests that the server saw, and what the hooks were told."""

    value: Any
    error: RemoteManagerError | None
    got: list[Got]
    events: list[tuple[Any, ...]]

    @property
    def result(self) -> Any:
        """The value; raises the error."""
        if self.error is not None:
            raise self.error
        return self.value

    @property
    def failure(self) -> Any:
        """The error, of whatever type."""
        assert self.error is not None, f"no error, but {self.value!r}"
        return self.error


def outcome(face: str, body: Body, server: WireServer, **settings: Any) -> Outcome:
    """Run a body; whatever error comes of it and whatever the hooks see is searched for credentials."""
    events: list[tuple[Any, ...]] = []

    def note(kind: str) -> Callable[[Event], None]:
        def hook(event: Event) -> None:
            assert not leaks(f"{event!r} {event.url} {event.error!r}")
            events.append((kind, event.method, event.url, event.attempt, event.status, type(event.error)))

        return hook

    def retried(event: Event) -> None:
        note("retry")(event)
        server.listen()

    hooks = Hooks(on_request=note("request"), on_response=note("response"), on_retry=retried)
    value, caught = None, None
    try:
        value = run(face, body, server.url, **{"auth": AUTH, "throttle": ONE_SLOT, "hooks": hooks} | settings)
    except RemoteManagerError as error:
        check_error(error)
        check_variables(error)
        caught = error
    assert server.wait_until_idle(), "a closed client left a connection open"
    assert not server.outlasted, "the client stayed with a server that never ends"
    return Outcome(value, caught, server.got, events)


def same(body: Body, make: Callable[[], Callable[[Got], Wire]], **settings: Any) -> Outcome:
    """Run a body over both faces, each against a server of its own; both must leave the same trail.

    `make` gives a server's replies. Asserts that values, errors, events and request logs (method, target, headers in
    order, body) are the same.
    """
    found = []
    for face in FACES:
        reply = make()
        with WireServer(reply) as server:
            if isinstance(reply, Broken):
                reply.attach(server)
            found.append(outcome(face, body, server, **settings))
    blocking, on_a_loop = found
    assert trail(blocking.got) == trail(on_a_loop.got)
    assert blocking.events == on_a_loop.events
    assert blocking.value == on_a_loop.value
    assert type(blocking.error) is type(on_a_loop.error)
    if blocking.error is not None and on_a_loop.error is not None:
        # Only the words of a broken connection differ: they are the network library's.
        assert {**vars(blocking.error), "body": b""} == {**vars(on_a_loop.error), "body": b""}
        # How much of a body that drips has come by the deadline is a matter of moments.
        shorter, longer = sorted((getattr(one.error, "body", b"") for one in found), key=len)
        assert longer.startswith(shorter)
    return blocking


def trail(got: list[Got]) -> list[Any]:
    """What must be the same of each request: all but the server's own port."""
    return [
        (one.method, one.target, [(name, value) for name, value in one.headers.items() if name != "host"], one.body)
        for one in got
    ]
