"""Clients made from a spec folder at run time: the tree, the checks and the results of a generated package, without it.

    from digirm_runtime import dynamic

    with dynamic.client("specs/9.1") as rm:
        for part in rm.parts.inventory.list(query="name contains 'gear'"):
            print(part["id"])

What is known only when types are generated is missing: static checkers see `Any`, items are dicts, and there are no
typed `fields`; `digirm_runtime.query.builder.field(name)` builds queries instead.
"""

from __future__ import annotations

import inspect
import textwrap
from _thread import allocate_lock
from collections.abc import Callable, Iterable
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from digirm_runtime import dispatch, face, naming, spec, tree
from digirm_runtime.branch import Branch
from digirm_runtime.client import AsyncClient, Client
from digirm_runtime.errors import SpecError
from digirm_runtime.operation import Endpoint, Operation
from digirm_runtime.package import Package
from digirm_runtime.query.language import Language
from digirm_runtime.text import printable

if TYPE_CHECKING:
    from os import PathLike

    from digirm_runtime.spec import Spec

#: How many specs a process remembers.
MAX_SPECS = 16
_PROBLEMS_SHOWN = 10
_WIDTH = 100


def client(specs_dir: str | PathLike[str], url: str | None = None, **settings: Any) -> DynamicClient:
    """A blocking client of the API that the spec in `specs_dir` describes; `url` and `settings` are those of `Client`.

    Raises SpecError for a folder that is no spec or is damaged, and what `Client` raises.
    """
    return opened(specs_dir).blocking(url, **settings)


def async_client(specs_dir: str | PathLike[str], url: str | None = None, **settings: Any) -> DynamicAsyncClient:
    """`client` for asyncio."""
    return opened(specs_dir).awaited(url, **settings)


class _Dynamic(Branch):
    """A client whose class learns the names of the spec's categories when it is asked for a name it does not have."""

    _api: ClassVar[Api]

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):
            self._api.grow(type(self))
            # Also where another thread has made the class grow since the name was looked for.
            if hasattr(type(self), name):
                return object.__getattribute__(self, name)
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}", name=name, obj=self)

    def __getitem__(self, wire: str) -> Any:
        """The child with this name on the wire. Raises KeyError with the names there are."""
        self._api.grow(type(self))
        return super().__getitem__(wire)

    def __dir__(self) -> Iterable[str]:
        self._api.grow(type(self))
        return super().__dir__()


class DynamicClient(_Dynamic, Client):
    """A blocking client made by `client`."""


class DynamicAsyncClient(_Dynamic, AsyncClient):
    """An async client made by `async_client`."""


class _Package(Package):
    """What a generated package knows of itself, made from the spec."""

    def __init__(self, folder: str, source: Spec) -> None:
        super().__init__(folder)
        self._spec = source

    @property
    def language(self) -> Language:
        """The query language."""
        if self._language is None:
            self._language = Language.from_spec(self._spec)
        return self._language

    @property
    def spec_info(self) -> dict[str, Any]:
        """As a generated package's manifest has it."""
        known = self._spec
        return {
            "api_version": known.api_version,
            "base_path": known.base_path,
            "provenance": known.provenance,
            "fingerprint": known.fingerprint,
            "categories": {category.name: category.fingerprint for category in known.categories},
        }


class _Child:
    """A descriptor like `cached_property`: a child node, whose class is made when it is first used."""

    def __init__(self, api: Api, node: tree.Node, above: tuple[str, ...], *, awaited: bool) -> None:
        self.__doc__ = f"`/{'/'.join(node.path)}`"
        self._api = api
        self._node = node
        self._names = (*above, node.attribute)
        self._awaited = awaited
        self._class: type[Any] | None = None

    def __get__(self, branch: Any, owner: type) -> Any:
        if branch is None:
            return self
        with self._api.lock:
            if self._class is None:
                self._class = self._api.node_class(self._node, self._names, awaited=self._awaited)
        client: Any = branch if isinstance(branch, _Dynamic) else branch._client
        # Threads that come at the same time get the same node.
        return branch.__dict__.setdefault(self._node.attribute, self._class(client))


class Api:
    """One spec's client classes; what they consist of is made when it is first used, and then shared."""

    def __init__(self, folder: Path, source: Spec) -> None:
        self._folder = folder
        #: What the folder holds.
        self.spec = source
        self._package = _Package(str(folder), source)
        self.lock = allocate_lock()
        shared = {"_api": self, "_package": self._package, "__module__": __name__}
        self.blocking: type[DynamicClient] = type("DynamicClient", (DynamicClient,), shared | self._doc("blocking"))
        self.awaited: type[DynamicAsyncClient] = type(
            "DynamicAsyncClient", (DynamicAsyncClient,), shared | self._doc("awaited")
        )
        self._grown: set[type] = set()

    def _doc(self, flavour: str) -> dict[str, str]:
        version, provenance = _printable(self.spec.api_version), _printable(self.spec.provenance)
        return {"__doc__": f"Client of API version {version} ({provenance} spec), {flavour}."}

    @property
    def language(self) -> Language:
        """The query language, by which the clients check. Raises SpecError."""
        return self._package.language

    @cached_property
    def _tree(self) -> tree.Tree:
        found = tree.for_client(self.spec)
        problems = [*self.spec.problems, *found.problems]
        if problems:
            import logging

            shown = "".join(f"\n  {_printable(problem)}" for problem in problems[:_PROBLEMS_SHOWN])
            more = f"\n  and {len(problems) - _PROBLEMS_SHOWN} more" if len(problems) > _PROBLEMS_SHOWN else ""
            logging.getLogger("digirm").warning(
                "parts of the spec in %s cannot be used:%s%s", self._folder, shown, more
            )
        return found

    def grow(self, owner: type[_Dynamic]) -> None:
        """Give a client's class its categories, where it has not got them yet."""
        with self.lock:
            if owner in self._grown:
                return
            categories = self._tree.categories
            for name, child in self._children(categories, (), awaited=issubclass(owner, AsyncClient)).items():
                setattr(owner, name, child)
            owner._children = {node.wire: node.attribute for node in categories}
            self._grown.add(owner)

    def _children(self, nodes: list[tree.Node], above: tuple[str, ...], *, awaited: bool) -> dict[str, Any]:
        return {node.attribute: _Child(self, node, above, awaited=awaited) for node in nodes}

    def node_class(self, node: tree.Node, names: tuple[str, ...], *, awaited: bool) -> type[Any]:
        """The class of a node; `names` are the attributes that lead to it."""
        base = face.AsyncApi if awaited else face.Api
        members: dict[str, Any] = {
            operation.name: face.look(operation, _body(operation, self.spec.provenance), awaited=awaited)
            for operation in node.operations
        }
        members |= self._children(node.children, names, awaited=awaited)
        members["_children"] = {child.wire: child.attribute for child in node.children}
        members["__module__"] = __name__
        members["__doc__"] = f"`/{'/'.join(node.path)}`"
        return type(f"{'Async' * awaited}{naming.camel(names)}Api", (base,), members)


def _body(operation: tree.Operation, provenance: str) -> Callable[..., Operation[Any]]:
    """What makes an operation of a method's arguments, as a generated body does; TypeError for wrong ones.

    Nothing is compiled: names come from the spec, and stay data.
    """
    endpoint = Endpoint(operation.method, operation.template, operation.kind, **dispatch.endpoint_settings(operation))
    signature = inspect.Signature(
        [
            inspect.Parameter(
                parameter.name,
                getattr(inspect.Parameter, parameter.kind),
                default=inspect.Parameter.empty if parameter.required else parameter.default,
                annotation=parameter.annotation,
            )
            for parameter in dispatch.parameters(operation)
        ],
        return_annotation=f"Operation[{dispatch.result(operation, dispatch.UNTYPED)}]",
    )
    keywords = {name for name, parameter in signature.parameters.items() if parameter.kind is parameter.KEYWORD_ONLY}
    positional = [name for name in signature.parameters if name not in keywords]
    args = [arg.name for arg in operation.args]
    params = [(param.wire, param.name) for param in operation.params]
    settings = dispatch.settings(operation)

    def make(*given: Any, **named: Any) -> Operation[Any]:
        if len(given) == len(positional) and keywords.issuperset(named):
            # The usual call: to bind it would take most of the time of all this.
            values = dict(zip(positional, given, strict=True)) | named
        else:
            try:
                values = signature.bind(*given, **named).arguments
            except TypeError as error:
                raise TypeError(f"{operation.name}() {error}") from None
        return Operation(
            endpoint,
            tuple([values[name] for name in args]),
            {wire: values.get(name) for wire, name in params},
            body=values.get("body"),
            **{name: values[name] for name in settings if name in values},
        )

    make.__name__ = operation.name
    make.__doc__ = "\n\n".join(
        textwrap.fill(_printable(text), _WIDTH, break_long_words=False, break_on_hyphens=False)
        for text in dispatch.doc(operation, provenance)
    )
    make.__signature__ = signature  # type: ignore[attr-defined]
    return make


def _printable(text: str) -> str:
    """A server's text on one line, safe to print."""
    return printable(" ".join(text.split()))


def opened(specs_dir: str | PathLike[str]) -> Api:
    """A spec folder with what is made of it, read once as long as its files stay the same. Raises SpecError."""
    folder = Path(specs_dir).absolute()
    return _open(folder, _fingerprint(folder))


@lru_cache(MAX_SPECS)
def _open(folder: Path, _fingerprint: str) -> Api:
    return Api(folder, spec.load(folder))


def _fingerprint(folder: Path) -> str:
    """The fingerprint of what a spec folder holds, overrides included: one that was edited is read anew."""
    import hashlib

    whole = hashlib.sha256()
    try:
        for file in sorted(folder.iterdir()):
            if file.suffix in (".json", ".toml") and file.is_file():
                with file.open("rb") as content:
                    digest = hashlib.file_digest(content, "sha256").hexdigest()
                whole.update(f"{digest} {file.name}\n".encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise SpecError(f"cannot read {folder}: {error.strerror}") from None
    return whole.hexdigest()
