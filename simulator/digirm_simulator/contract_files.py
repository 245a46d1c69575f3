"""Reading contracts: from their folders here, from one of a user's own, and what is said of the behaviours.

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
  client may set; all where absent), `write_only` (keys that are taken and never given back), `indexed` (query fields
  that get an index, the most selective first) and `covering` (fields that each index carries too).
- A request has `method`, `params`, `query` (`fields`: the name of a set; `certainty` of the statement that this request
  takes these fields; `documented`: those that its documentation shows), and for the simulator alone: `does` (the name
  of a behaviour; what is usual for the path where absent), `creates` (`list` or `object`: what a POST that stores
  answers), `order` (the default order), `columns` (of a CSV answer; the fields where absent).

Every path, request and field has `certainty`: `recorded` (in a printed answer of the service), `documented`, or
`inferred`; `source`; and `year`, the year of the source where that is not the version's own (null: unknown).

A version that differs little from another one has `contract.json`: `base` (the folder of the other one, beside it, or
else a built-in version) and `without` (its categories that are gone); its own files add types and categories or replace
them.

`contract/behaviours/*.json` say of each behaviour, by name, what the simulator does (`text`), and how that is known
(`certainty`, `source`, `year`). Those whose name begins with `protocol.` belong to no single request.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from digirm_simulator.contract import (
    CERTAINTIES,
    Category,
    Contract,
    ContractError,
    Field,
    FieldType,
    Path,
    Request,
    Statement,
)

_BUILTIN = FilePath(__file__).parent / "contract"


def versions() -> list[str]:
    """The API versions whose contract comes with the simulator."""
    return sorted(folder.name for folder in _BUILTIN.iterdir() if folder.is_dir() and folder.name != "behaviours")


@cache
def builtin(version: str) -> Contract:
    """The contract of `version`. Raises ContractError, naming the versions that exist."""
    if version not in versions():
        raise ContractError(f"there is no contract for API version {version!r}; there is: {', '.join(versions())}")
    return load(_BUILTIN / version)


@cache
def statements() -> dict[str, Statement]:
    """What is said of each behaviour, by name. Raises ContractError for files that cannot be read."""
    found: dict[str, Statement] = {}
    for file in sorted((_BUILTIN / "behaviours").glob("*.json")):
        entries = _read(file, lambda raw: {name: _statement(entry) for name, entry in raw.items()})
        if twice := entries.keys() & found.keys():
            raise ContractError(f"{file}: {', '.join(sorted(twice))} stand in another file too")
        found |= entries
    return found


def load(folder: str | FilePath) -> Contract:
    """The contract in `folder`, whose name is the version, or that of specs which were crawled.

    Raises ContractError for what cannot be read.
    """
    root = FilePath(folder).resolve()
    if (root / "index.json").is_file():
        from digirm_simulator import contract_specs

        return contract_specs.load(root)
    return Contract(root.name, _folder(root)[1].values())


def _folder(root: FilePath, above: tuple[FilePath, ...] = ()) -> tuple[dict[str, FieldType], dict[str, Category]]:
    """The types and the categories of a contract folder by name, its base's among them, in the server's order."""
    manifest, types_file = root / "contract.json", root / "types.json"
    types: dict[str, FieldType] = {}
    found: dict[str, Category] = {}
    if manifest.is_file():
        base, without = _read(manifest, lambda raw: (str(raw["base"]), list(raw["without"])))
        below = _base(root, base)
        if below in above:
            raise ContractError(f"{manifest}: {base} is based on this folder itself")
        types, found = _folder(below, (*above, root))
        if unknown := set(without) - found.keys():
            raise ContractError(f"{manifest}: {base} has no category {', '.join(sorted(map(str, unknown)))}")
        found = {name: category for name, category in found.items() if name not in without}
    elif not types_file.is_file():
        raise ContractError(
            f"{root} is not a contract folder: it has no types.json, nor an index.json of crawled specs"
        )
    if types_file.is_file():
        types |= _read(types_file, _types)
    files = sorted(file for file in root.glob("*.json") if file not in (manifest, types_file))
    own = [_read(file, lambda raw: _category(raw, types)) for file in files]
    found |= {category.name: category for category in own}
    if not found:
        raise ContractError(f"{root} holds no category")
    return types, dict(sorted(found.items()))


def _base(root: FilePath, name: str) -> FilePath:
    """The folder that another one builds on: one beside it, or else a built-in version."""
    beside = root.parent / name
    if FilePath(name).name == name and name not in ("", "..", root.name) and beside.is_dir():
        return beside
    if name in versions():
        return _BUILTIN / name
    raise ContractError(f"{root / 'contract.json'}: there is no folder {name} beside it, nor a built-in version {name}")


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
        indexed=tuple(raw.get("indexed", ())),
        covering=tuple(raw.get("covering", ())),
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
        does=raw.get("does"),
    )


def _statement(raw: Mapping[str, Any]) -> Statement:
    return Statement(str(raw["text"]), _certainty(raw), str(raw["source"]), raw.get("year"))


def _certainty(raw: Mapping[str, Any]) -> str:
    if raw["certainty"] not in CERTAINTIES:
        raise ValueError(f"certainty {raw['certainty']!r} is none of {', '.join(CERTAINTIES)}")
    return str(raw["certainty"])
