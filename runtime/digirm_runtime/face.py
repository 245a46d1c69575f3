"""The two faces of an API: nodes of the tree, and descriptors that give one typed body a blocking and an async look.

A generated class of bodies holds static functions that return `Operation[T]`. `get = call(Bodies.get)` on a blocking
node is a method that returns T; `get = acall(Bodies.get)` on an async node one that returns an awaitable of T. Names,
parameters and types come from the one body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from digirm_runtime.branch import Branch
from digirm_runtime.operation import Body, Endpoint, Operation, Param, Query
from digirm_runtime.options import Options

if TYPE_CHECKING:
    from typing import Self

    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.created import Created
    from digirm_runtime.paging import AsyncListing, Listing
    from digirm_runtime.rows import AsyncRows, Rows

__all__ = [
    "Api",
    "AsyncApi",
    "AsyncListing",
    "AsyncRows",
    "Body",
    "Created",
    "Endpoint",
    "Listing",
    "Operation",
    "Options",
    "Param",
    "Query",
    "Rows",
    "acall",
    "alisting",
    "arows",
    "call",
    "listing",
    "rows",
]

_RESULTS = {
    "AsyncListing": "digirm_runtime.paging",
    "AsyncRows": "digirm_runtime.rows",
    "Created": "digirm_runtime.created",
    "Listing": "digirm_runtime.paging",
    "Rows": "digirm_runtime.rows",
}

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class Api(Branch):
    """A node of a blocking client."""

    def __init__(self, client: Client) -> None:
        self._client = client


class AsyncApi(Branch):
    """A node of an async client."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client


class Method(Generic[P, T, R]):
    """A descriptor: a body that makes an `Operation[T]`, and how a node's client runs it into an R."""

    def __init__(self, make: Callable[P, Operation[T]], run: Callable[[Any, Operation[T]], R]) -> None:
        self._make = make
        self._run = run
        self._name = make.__name__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, node: None, owner: type) -> Self: ...

    @overload
    def __get__(self, node: Api | AsyncApi, owner: type) -> Callable[P, R]: ...

    def __get__(self, node: Api | AsyncApi | None, owner: type) -> Self | Callable[P, R]:
        if node is None:
            return self
        client, make, run = node._client, self._make, self._run

        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            return run(client, make(*args, **kwargs))

        update_wrapper(method, make)
        # The next look-up finds the method itself.
        node.__dict__[self._name] = method
        return method


def _run(client: Any, operation: Operation[Any]) -> Any:
    return client._run(operation)


def _listing(client: Any, operation: Operation[Any]) -> Any:
    from digirm_runtime.paging import Listing

    return Listing(client, operation)


def _alisting(client: Any, operation: Operation[Any]) -> Any:
    from digirm_runtime.paging import AsyncListing

    return AsyncListing(client, operation)


def _rows(client: Any, operation: Operation[Any]) -> Any:
    from digirm_runtime.rows import Rows

    return Rows(client, operation)


def _arows(client: Any, operation: Operation[Any]) -> Any:
    from digirm_runtime.rows import AsyncRows

    return AsyncRows(client, operation)


def call(make: Callable[P, Operation[T]]) -> Method[P, T, T]:
    """A blocking method that returns the result."""
    return Method(make, _run)


def acall(make: Callable[P, Operation[T]]) -> Method[P, T, Awaitable[T]]:
    """A method that returns an awaitable of the result."""
    return Method(make, _run)


def listing(make: Callable[P, Operation[T]]) -> Method[P, T, Listing[T]]:
    """A method that returns an iterable over all pages."""
    return Method(make, _listing)


def alisting(make: Callable[P, Operation[T]]) -> Method[P, T, AsyncListing[T]]:
    """A method that returns an async iterable over all pages."""
    return Method(make, _alisting)


def rows(make: Callable[P, Operation[T]]) -> Method[P, T, Rows]:
    """A method that returns an iterable over CSV rows."""
    return Method(make, _rows)


def arows(make: Callable[P, Operation[T]]) -> Method[P, T, AsyncRows]:
    """A method that returns an async iterable over CSV rows."""
    return Method(make, _arows)


def __getattr__(name: str) -> Any:
    # The result classes are part of the face for annotations; importing them is left to their first use.
    if name in _RESULTS:
        from importlib import import_module

        return getattr(import_module(_RESULTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
