"""The two faces of an API: nodes of the tree, and descriptors that give one typed body a blocking and an async look.

A generated class of bodies holds static functions that return `Operation[T]`. `get = call(Bodies.get)` on a blocking
node is a method that returns T; `get = acall(Bodies.get)` on an async node one that returns an awaitable of T. Names,
parameters and types come from the one body.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, ParamSpec, TypeVar, overload

from digirm_runtime.branch import Branch
from digirm_runtime.operation import CHECKED, Body, Endpoint, Operation, Param, Query
from digirm_runtime.options import Options

if TYPE_CHECKING:
    from inspect import Signature
    from typing import Self

    from digirm_runtime.client import AsyncClient, Client
    from digirm_runtime.created import Created
    from digirm_runtime.paging import AsyncListing, Listing
    from digirm_runtime.rows import AsyncRows, Rows
    from digirm_runtime.tree import Operation as Named

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
    "gone",
    "gone_keywords",
    "listing",
    "rows",
]

#: The descriptors of an operation's blocking and async face by its kind; those of every other kind are in `PLAIN`.
FACES = {"list": ("listing", "alisting"), "csv": ("rows", "arows")}
PLAIN = ("call", "acall")

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


class Annotation(str):
    """An annotation that `help()` shows without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


class Method(Generic[P, T, R]):
    """A descriptor: a body that makes an `Operation[T]`, and how a node's client runs it into an R.

    `runner` gives what runs operations on behalf of one client; `shown` is R in words, `{}` standing for T.
    """

    def __init__(
        self,
        make: Callable[P, Operation[T]],
        runner: Callable[[Any], Callable[[Operation[T]], R]],
        shown: str,
    ) -> None:
        # Functions that look for what a method wraps find the body behind it.
        self.__wrapped__ = make
        self.__name__ = make.__name__
        self.__doc__ = make.__doc__
        self._runner = runner
        self._shown = shown

    def __set_name__(self, owner: type, name: str) -> None:
        self.__name__ = name

    @property
    def __signature__(self) -> Signature:
        """What `help()` and completion show: the body's parameters, and what the caller gets for the result."""
        import inspect

        signature = inspect.signature(self.__wrapped__)
        made = _shown(signature.return_annotation).removeprefix("Operation[").removesuffix("]")
        return signature.replace(
            parameters=[param.replace(annotation=_shown(param.annotation)) for param in signature.parameters.values()],
            return_annotation=Annotation(self._shown.format(made)),
        )

    @overload
    def __get__(self, node: None, owner: type) -> Self: ...

    @overload
    def __get__(self, node: Api | AsyncApi, owner: type) -> Callable[P, R]: ...

    def __get__(self, node: Api | AsyncApi | None, owner: type) -> Self | Callable[P, R]:
        if node is None:
            return self
        method = self._method(self._runner(node._client))
        name = self.__name__
        method.__name__ = name
        method.__qualname__ = f"{owner.__qualname__}.{name}"
        method.__module__ = owner.__module__
        method.__doc__ = self.__doc__
        # The signature is asked for through what is wrapped, and so made when somebody looks at it.
        method.__wrapped__ = self  # type: ignore[attr-defined]
        # The next look-up finds the method itself.
        node.__dict__[name] = method
        return method

    def _method(self, run: Callable[[Operation[T]], R]) -> Callable[P, R]:
        make = self.__wrapped__

        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            return run(make(*args, **kwargs))

        return method


class _Gone(Method[P, T, R]):
    """A method that only the version before had: it warns, and sends what it always did."""

    def __init__(self, method: Method[P, T, R], message: str, *, checked: bool) -> None:
        super().__init__(method.__wrapped__, method._runner, method._shown)
        self._message = message
        self._checked = checked

    def _method(self, run: Callable[[Operation[T]], R]) -> Callable[P, R]:
        make, message, checked = self.__wrapped__, self._message, self._checked

        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            import warnings

            operation = make(*args, **kwargs)
            warnings.warn(message, DeprecationWarning, stacklevel=2)
            if not checked:
                operation.options = operation.options.unchecked()
            return run(operation)

        return method


class _GoneKeywords(Method[P, T, R]):
    """A method with keywords that only the version before had: one that is given warns, and is sent."""

    def __init__(self, method: Method[P, T, R], messages: Mapping[str, str]) -> None:
        super().__init__(method.__wrapped__, method._runner, method._shown)
        self._messages = messages

    def _method(self, run: Callable[[Operation[T]], R]) -> Callable[P, R]:
        make, messages = self.__wrapped__, self._messages

        def method(*args: P.args, **kwargs: P.kwargs) -> R:
            operation = make(*args, **kwargs)
            given = [name for name in messages if kwargs.get(name) is not None]
            if given:
                import warnings

                for name in given:
                    warnings.warn(messages[name], DeprecationWarning, stacklevel=2)
                if not CHECKED.isdisjoint(given):
                    # The checker refuses what the spec does not list.
                    operation.options = operation.options.unchecked()
            return run(operation)

        return method


def _shown(annotation: object) -> Annotation:
    """An annotation's text without the private names of modules: `_face.Options` -> `Options`."""
    import re

    return Annotation(re.sub(r"\b_\w+\.", "", str(annotation)))


def _run(client: Any) -> Callable[[Operation[Any]], Any]:
    run: Callable[[Operation[Any]], Any] = client._run
    return run


def _listing(client: Any) -> Callable[[Operation[Any]], Any]:
    from digirm_runtime.paging import Listing

    return partial(Listing, client)


def _alisting(client: Any) -> Callable[[Operation[Any]], Any]:
    from digirm_runtime.paging import AsyncListing

    return partial(AsyncListing, client)


def _rows(client: Any) -> Callable[[Operation[Any]], Any]:
    from digirm_runtime.rows import Rows

    return partial(Rows, client)


def _arows(client: Any) -> Callable[[Operation[Any]], Any]:
    from digirm_runtime.rows import AsyncRows

    return partial(AsyncRows, client)


def call(make: Callable[P, Operation[T]]) -> Method[P, T, T]:
    """A blocking method that returns the result."""
    return Method(make, _run, "{}")


def acall(make: Callable[P, Operation[T]]) -> Method[P, T, Awaitable[T]]:
    """A method that returns an awaitable of the result."""
    return Method(make, _run, "Awaitable[{}]")


def listing(make: Callable[P, Operation[T]]) -> Method[P, T, Listing[T]]:
    """A method that returns an iterable over all pages."""
    return Method(make, _listing, "Listing[{}]")


def alisting(make: Callable[P, Operation[T]]) -> Method[P, T, AsyncListing[T]]:
    """A method that returns an async iterable over all pages."""
    return Method(make, _alisting, "AsyncListing[{}]")


def rows(make: Callable[P, Operation[T]]) -> Method[P, T, Rows]:
    """A method that returns an iterable over CSV rows."""
    return Method(make, _rows, "Rows")


def arows(make: Callable[P, Operation[T]]) -> Method[P, T, AsyncRows]:
    """A method that returns an async iterable over CSV rows."""
    return Method(make, _arows, "AsyncRows")


def gone(method: Method[P, T, R], message: str, *, checked: bool = True) -> Method[P, T, R]:
    """The method as one that only the version before had. `checked` says whether the spec can judge its query."""
    return _Gone(method, message, checked=checked)


def gone_keywords(method: Method[P, T, R], messages: Mapping[str, str]) -> Method[P, T, R]:
    """The method with what to warn of by keywords that only the version before had."""
    return _GoneKeywords(method, messages)


def look(operation: Named, make: Callable[P, Operation[T]], *, awaited: bool) -> Method[P, T, Any]:
    """The descriptor of an operation of the tree, whose body is `make`."""
    method: Method[P, T, Any] = globals()[FACES.get(operation.kind, PLAIN)[awaited]](make)
    if operation.gone is not None:
        return gone(method, operation.gone.message, checked=operation.checked)
    messages = gone_messages(operation)
    return gone_keywords(method, messages) if messages else method


def gone_messages(operation: Named) -> dict[str, str]:
    """What to warn of by keywords that only the version before had."""
    return {param.name: param.gone.message for param in operation.params if param.gone is not None}


def __getattr__(name: str) -> Any:
    # The result classes are part of the face for annotations; importing them is left to their first use.
    if name in _RESULTS:
        from importlib import import_module

        return getattr(import_module(_RESULTS[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
