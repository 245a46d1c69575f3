"""The contract: what an API version offers, as data, and where each statement comes from.

A folder `contract/<version>/` holds `types.json` and one JSON file per category.

`types.json` maps the name of a field type to `compares` (how values are compared: `number`, `text`, `timestamp`,
`boolean`, `group`, `tags`, `area`), its `operators` in the server's order, and where this is known from.

A category file has

- `path`, `description`, `notes` (sentences for people);
- `fields`: sets of query fields by name. A field has `field`, `type`, `orderby` (true where absent), `operators` beyond
  those of its type, `shown` (operators that the source itself shows), and, for people, `inferred`: those of its
  properties that are less certain than the field itself;
- `paths`, in the order in which the server lists them. A path has `path` (the template), `requests`, and for the
  simulator alone: `multi_segment` (arguments that take `/`), `key` (the field that names a stored object; its presence
  makes the path a stored collection), `item_of` (a second address of a collection's objects), `writable` (keys that a
  client may set; all where absent) and `write_only` (keys that are taken and never given back).
- A request has `method`, `params`, `query` (`fields`: the name of a set; `certainty` of the statement that this request
  takes these fields; `documented`: those that its documentation shows), and for the simulator alone: `creates` (`list`
  or `object`: what a POST that stores answers), `order` (the default order), `columns` (of a CSV answer; the
  fields where absent).

Every path, request and field has `certainty`: `recorded` (in a printed answer of the service), `documented`, or
`inferred`; `source`; and `year`, the year of the source where that is not the version's own (null: unknown).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple

#: From strong to weak.
CERTAINTIES = ("recorded", "documented", "inferred")

_BUILTIN = FilePath(__file__).parent / "contract"


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

    def document(self) -> dict[str, Any]:
        """The path as the service describes it."""
        return {"path": self.template, "requests": [request.document() for request in self.requests.values()]}


class Category(NamedTuple):
    """One category: its name, its own path, and every path that its self-documentation lists, in order."""

    name: str
    path: str
    paths: tuple[Path, ...]


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
        return _listing(path.document() for path in self.categories[category].paths)

    def documents(self) -> dict[str, dict[str, Any]]:
        """The self-documentation of every category by name: what a crawl would capture."""
        return {name: self.document(name) for name in self.categories}

    def group_document(self, template: str) -> dict[str, Any] | None:
        """The self-documentation of a category's path or of a grouping node; None for a path that is neither.

        A grouping node has nothing but a GET without parameters, and below it paths that go on with a word.
        """
        for name, category in self.categories.items():
            if category.path == template:
                return self.document(name)
        path = self.paths.get(template)
        if path is None or "{" in template or set(path.requests) != {"GET"} or path.requests["GET"].params:
            return None
        below = [other for other in self.paths.values() if other.template.startswith(template + "/")]
        if all(other.template.startswith(template + "/{") for other in below):
            return None
        return _listing(other.document() for other in (path, *below))


def _listing(items: Iterable[dict[str, Any]]) -> dict[str, Any]:
    found = list(items)
    return {"count": len(found), "list": found}


def versions() -> list[str]:
    """The API versions whose contract comes with the simulator."""
    return sorted(folder.name for folder in _BUILTIN.iterdir() if folder.is_dir())


def builtin(version: str) -> Contract:
    """The contract of `version`. Raises ContractError, naming the versions that exist."""
    if version not in versions():
        raise ContractError(f"no contract for API version {version!r}; there is: {', '.join(versions())}")
    return load(_BUILTIN / version)


def load(folder: str | FilePath) -> Contract:
    """The contract in `folder`, whose name is the version. Raises ContractError for what cannot be read."""
    root = FilePath(folder)
    if not (root / "types.json").is_file():
        raise ContractError(f"{root} is not a contract folder: it has no types.json")
    types = _read(root / "types.json", _types)
    files = sorted(file for file in root.glob("*.json") if file.name != "types.json")
    if not files:
        raise ContractError(f"{root} holds no category")
    return Contract(root.resolve().name, [_read(file, lambda raw: _category(raw, types)) for file in files])


def _read(file: FilePath, parse: Any) -> Any:
    try:
        return parse(json.loads(file.read_bytes()))
    except OSError as error:
        raise ContractError(f"cannot read {file}: {error.strerror}") from None
    except KeyError as error:
        raise ContractError(f"{file}: {error} is missing or unknown") from None
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ContractError(f"{file}: {error}") from None


def _types(raw: Mapping[str, Any]) -> dict[str, FieldType]:
    return {name: FieldType(name, entry["compares"], tuple(entry["operators"])) for name, entry in raw.items()}


def _category(raw: Mapping[str, Any], types: Mapping[str, FieldType]) -> Category:
    sets = {
        name: {item["field"]: _field(item, types) for item in items} for name, items in raw.get("fields", {}).items()
    }
    path = str(raw["path"])
    return Category(path.rpartition("/")[2], path, tuple(_path(item, sets) for item in raw["paths"]))


def _field(raw: Mapping[str, Any], types: Mapping[str, FieldType]) -> Field:
    kind = types[raw["type"]]
    return Field(
        name=raw["field"],
        type=kind,
        operators=tuple(dict.fromkeys([*kind.operators, *raw.get("operators", ()), *raw.get("shown", ())])),
        orderby=raw.get("orderby", True),
        certainty=_certainty(raw),
        source=raw["source"],
        shown=tuple(raw.get("shown", ())),
    )


def _path(raw: Mapping[str, Any], sets: Mapping[str, Mapping[str, Field]]) -> Path:
    requests = [_request(item, sets) for item in raw["requests"]]
    return Path(
        template=raw["path"],
        requests={request.method: request for request in requests},
        certainty=_certainty(raw),
        source=raw["source"],
        multi_segment=tuple(raw.get("multi_segment", ())),
        key=raw.get("key"),
        item_of=raw.get("item_of"),
        writable=tuple(raw["writable"]) if "writable" in raw else None,
        write_only=tuple(raw.get("write_only", ())),
    )


def _request(raw: Mapping[str, Any], sets: Mapping[str, Mapping[str, Field]]) -> Request:
    query = raw.get("query")
    return Request(
        method=raw["method"],
        params=tuple(raw["params"]),
        query=sets[query["fields"]] if query else {},
        query_certainty=_certainty(query) if query else "recorded",
        documented=frozenset(query.get("documented", ())) if query else frozenset(),
        certainty=_certainty(raw),
        source=raw["source"],
        creates=raw.get("creates"),
        order=raw.get("order"),
        columns=tuple(raw["columns"]) if "columns" in raw else None,
    )


def _certainty(raw: Mapping[str, Any]) -> str:
    if raw["certainty"] not in CERTAINTIES:
        raise ValueError(f"certainty {raw['certainty']!r} is none of {', '.join(CERTAINTIES)}")
    return str(raw["certainty"])
