"""The blocking and the async face of the legacy API: one list of calls, run in two ways."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from digirm_runtime.branch import Branch
from digirm_runtime.legacy.calls import Calls
from digirm_runtime.paging import AsyncListing, Listing

if TYPE_CHECKING:
    from inspect import Signature
    from typing import Self

    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.operation import Operation

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")


class _Call(Generic[P, T, R]):
    """A descriptor: a method of `Calls`, and what runs the operation that it makes."""

    def __init__(
        self, make: Callable[Concatenate[Calls, P], Operation[T]], run: Callable[[Any, Operation[T]], R]
    ) -> None:
        self.__wrapped__ = make
        self.__name__ = make.__name__
        self.__doc__ = make.__doc__
        self._run = run

    @property
    def __signature__(self) -> Signature:
        """The call's parameters, for `help()`."""
        import inspect

        signature = inspect.signature(self.__wrapped__)
        return signature.replace(parameters=list(signature.parameters.values())[1:])

    @overload
    def __get__(self, node: None, owner: type) -> Self: ...

    @overload
    def __get__(self, node: LegacyObject | AsyncLegacyObject, owner: type) -> Callable[P, R]: ...

    def __get__(self, node: LegacyObject | AsyncLegacyObject | None, owner: type) -> Self | Callable[P, R]:
        if node is None:
            return self

        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            return self._run(node._client, self.__wrapped__(node._calls, *args, **kwargs))

        method.__name__, method.__doc__ = self.__name__, self.__doc__
        method.__qualname__ = f"{owner.__name__}.{self.__name__}"
        method.__wrapped__ = self  # type: ignore[attr-defined]
        return method


def _run(client: Any, operation: Operation[T]) -> T:
    result: T = client._run(operation)
    return result


def _arun(client: Any, operation: Operation[T]) -> Awaitable[T]:
    result: Awaitable[T] = client._run(operation)
    return result


class LegacyObject(Branch):
    """One object below `/ws/`, such as DeviceCore."""

    def __init__(self, client: Client, name: str) -> None:
        self._client = client
        self._name = name
        self._calls = Calls(name)

    list = _Call(Calls.list, Listing[dict[str, Any]])
    get = _Call(Calls.get, _run)
    create = _Call(Calls.create, _run)
    update = _Call(Calls.update, _run)
    delete = _Call(Calls.delete, _run)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} /ws/{self._name}>"


class AsyncLegacyObject(Branch):
    """`LegacyObject` for asyncio."""

    def __init__(self, client: AsyncClient, name: str) -> None:
        self._client = client
        self._name = name
        self._calls = Calls(name)

    list = _Call(Calls.list, AsyncListing[dict[str, Any]])
    get = _Call(Calls.get, _arun)
    create = _Call(Calls.create, _arun)
    update = _Call(Calls.update, _arun)
    delete = _Call(Calls.delete, _arun)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} /ws/{self._name}>"


class _Names(Branch, Generic[T]):
    """Objects by their names: `legacy.DeviceCore`, `legacy["XbeeCore"]`."""

    def __init__(self, make: Callable[[str], T]) -> None:
        self._make = make
        self._made: dict[str, T] = {}

    def __getitem__(self, name: str) -> T:
        """Any object. Raises ValueError for a name that none can have."""
        found = self._made.get(name)
        if found is None:
            found = self._made.setdefault(name, self._make(name))
        return found

    def __getattr__(self, name: str) -> T:
        # Objects begin with a capital; whatever Python or a tool looks for does not.
        if not name[:1].isupper():
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}; objects begin with a capital")
        try:
            return self[name]
        except ValueError as error:
            raise AttributeError(str(error), name=name, obj=self) from None


class Legacy(_Names[LegacyObject]):
    """The legacy API of a blocking client. A node for every name there may be: what the service lacks answers 404."""

    def __init__(self, client: Client) -> None:
        super().__init__(partial(LegacyObject, client))


class AsyncLegacy(_Names[AsyncLegacyObject]):
    """`Legacy` for asyncio."""

    def __init__(self, client: AsyncClient) -> None:
        super().__init__(partial(AsyncLegacyObject, client))
