"""The contract: what an API version offers, as data, and where each statement comes from.

The format of its files is described in `contract_files.py`, which reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from digirm_runtime.query.ast import Expr
    from digirm_runtime.query.language import Language
    from digirm_simulator.routing import Router

#: From strong to weak.
CERTAINTIES = ("recorded", "documented", "inferred")

# The longest query that is kept parsed.
_REMEMBERED = 2000

_OF_COLLECTION = {"GET": "list", "POST": "create", "DELETE": "delete_matching"}
_OF_OBJECT = {"GET": "read", "PUT": "update", "DELETE": "delete"}
_LIST_PARAMS = frozenset({"query", "orderby", "size", "cursor", "start_time", "end_time"})


class ContractError(ValueError):
    """A contract that does not exist or cannot be used; the text names file and place."""


class FieldType(NamedTuple):
    """A type of query field: how its values compare, and its operators in the server's order."""

    name: str
    compares: str
    operators: tuple[str, ...]


class Field(NamedTuple):
    """A query field; `shown` are the operators that its source itself shows."""

    name: str
    type: FieldType
    operators: tuple[str, ...]
    orderby: bool
    certainty: str
    source: str
    shown: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """The field as the service describes it."""
        return {
            "field": self.name,
            "operators": list(self.operators),
            "orderby": self.orderby,
            "type": self.type.name,
        }


class Request(NamedTuple):
    """One method of a path; `query` holds its fields by name, `query_certainty` how sure it is that they are its."""

    method: str
    params: tuple[str, ...]
    query: Mapping[str, Field]
    query_certainty: str
    documented: frozenset[str]
    certainty: str
    source: str
    creates: str | None
    order: str | None
    columns: tuple[str, ...] | None
    does: str | None = None

    def field_certainty(self, name: str) -> str:
        """How certain it is that this request knows the field: as the weaker of both statements."""
        here = "documented" if name in self.documented else self.query_certainty
        return max(self.query[name].certainty, here, key=CERTAINTIES.index)

    def document(self) -> dict[str, Any]:
        """The request as the service describes it; no `query` where it has no fields."""
        described: dict[str, Any] = {"method": self.method, "params": list(self.params)}
        if self.query:
            described["query"] = [field.document() for field in self.query.values()]
        return described


class Path(NamedTuple):
    """One path template with its requests by method."""

    template: str
    requests: Mapping[str, Request]
    certainty: str
    source: str
    multi_segment: tuple[str, ...]
    key: str | None
    item_of: str | None
    writable: tuple[str, ...] | None
    write_only: tuple[str, ...]
    indexed: tuple[str, ...] = ()
    covering: tuple[str, ...] = ()

    def document(self) -> dict[str, Any]:
        """The path as the service describes it."""
        return {"path": self.template, "requests": [request.document() for request in self.requests.values()]}


class Category(NamedTuple):
    """One category: its name, its own path, and every path that its self-documentation lists, in order.

    `crawled` is that self-documentation where it was crawled.
    """

    name: str
    path: str
    paths: tuple[Path, ...]
    crawled: dict[str, Any] | None = None


class Statement(NamedTuple):
    """What a behaviour of the simulator does, and how it is known that the service does so."""

    text: str
    certainty: str
    source: str
    year: int | None


class Contract:
    """The contract of one API version: `version`, `base_path`, and `categories` by name in the server's order."""

    def __init__(self, version: str, categories: Iterable[Category]) -> None:
        self.version = version
        self.categories: dict[str, Category] = {category.name: category for category in categories}
        bases = {category.path.rpartition("/")[0] for category in self.categories.values()}
        if len(bases) != 1:
            raise ContractError(f"contract {version}: the categories do not share one base path: {sorted(bases)}")
        self.base_path: str = bases.pop()
        self.paths: dict[str, Path] = {
            path.template: path for category in self.categories.values() for path in category.paths
        }

    def root_document(self) -> dict[str, Any]:
        """The answer of the base path: the categories."""
        return _listing({"path": category.path} for category in self.categories.values())

    def document(self, category: str) -> dict[str, Any]:
        """The self-documentation of one category."""
        found = self.categories[category]
        return found.crawled or _listing(path.document() for path in found.paths)

    def documents(self) -> dict[str, dict[str, Any]]:
        """The self-documentation of every category by name: what a crawl would capture."""
        return {name: self.document(name) for name in self.categories}

    def group_document(self, template: str) -> dict[str, Any] | None:
        """The self-documentation of a category's path or of a grouping node; None for a path that is neither."""
        for name, category in self.categories.items():
            if category.path == template:
                return self.document(name)
        path = self.paths.get(template)
        below = self._below(path) if path is not None else []
        return _listing(other.document() for other in (path, *below) if other is not None) if below else None

    def _below(self, path: Path) -> list[Path]:
        """The paths that a grouping node groups; none for other paths.

        A grouping node has nothing but a GET without parameters, and below it paths that go on with a word.
        """
        if "{" in path.template or set(path.requests) != {"GET"} or path.requests["GET"].params:
            return []
        below = [other for other in self.paths.values() if other.template.startswith(path.template + "/")]
        return [] if all(other.template.startswith(path.template + "/{") for other in below) else below

    def collection_of(self, path: Path) -> Path | None:
        """The stored collection that a path is, or whose object it addresses."""
        if path.key is not None:
            return path
        template, _, rest = path.template.rpartition("/{")
        found = self.paths.get(path.item_of or template)
        return None if found is None or found.key is None or "/" in rest or template.count("{") else found

    @cached_property
    def router(self) -> Router:
        """What finds the path of a request."""
        from digirm_simulator.routing import Router

        return Router(self.paths.values())

    @cached_property
    def language(self) -> Language:
        """The query language over this contract's fields, made when the first query comes."""
        from digirm_runtime import spec
        from digirm_runtime.query.language import Language

        return Language.from_spec(
            spec.from_documents(
                self.documents(), api_version=self.version, base_path=self.base_path, provenance="reconstructed"
            )
        )

    def parse(self, text: str) -> Expr:
        """The AST of a query. Raises QueryError."""
        return self._parsed(text) if len(text) <= _REMEMBERED else self.language.parse(text)

    @cached_property
    def _parsed(self) -> Callable[[str], Expr]:
        # Clients page with one query, and watch with one.
        return lru_cache(maxsize=256)(self.language.parse)

    @cached_property
    def does(self) -> dict[tuple[str, str], str]:
        """The name of the behaviour of each request, by path template and method."""
        return {
            (path.template, request.method): request.does or self._usual(path, request)
            for path in self.paths.values()
            for request in path.requests.values()
        }

    def _usual(self, path: Path, request: Request) -> str:
        """What a request does that says nothing about it."""
        method, args, listed = request.method, "{" in path.template, _LIST_PARAMS & set(request.params)
        if path.key is not None and method in _OF_COLLECTION:
            named = {"POST": bool(request.creates), "DELETE": bool(request.params)}
            return _OF_COLLECTION[method] if named.get(method, True) else "not_simulated"
        if path.key is None and self.collection_of(path) is not None:
            return _OF_OBJECT.get(method, "not_simulated")
        if method != "GET":
            return "not_simulated"
        if any(path.template == category.path for category in self.categories.values()) or self._below(path):
            return "describe"
        if args and not listed:
            return "nothing"
        return "csv" if "bulk" in path.template.split("/") else "list"


def _listing(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found = list(items)
    return {"count": len(found), "list": found}
