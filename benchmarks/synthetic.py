"""A synthetic API of any size, built as Remote Manager is: inventories, single objects, bulk rows, histories.

The same sizes give the same bytes, in every process.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from pathlib import Path
from typing import Any

from digirm_codegen import spec_files
from digirm_codegen.spec_files import Capture
from digirm_runtime.spec import normalise

BASE_PATH = "/ws/v1"
PATHS_PER_CATEGORY = 20
_NOUNS = ("sensors", "gateways", "sites", "alarms", "batches", "carriers", "reports", "licenses", "policies", "ports")
_KINDS = ("events", "profiles", "links", "images", "plans")
_FIRST = ("signal", "battery", "last", "carrier", "device", "vendor", "radio", "cell", "network", "health", "update")
_SECOND = ("status", "time", "id", "name", "level", "count", "type", "address", "version", "percent", "description")
_TEXT = ("=", "contains", "startsWith", "endsWith", "<>", "<", "<=", ">", ">=")
_NUMERIC = ("=", "<>", "<", "<=", ">", ">=")
_FILTERS = ("group", "child_groups", "orderby", "tag", "query")


def capture(paths: int, fields: int) -> Capture:
    """An API of `paths` paths, with `fields` query fields spread evenly over the lists among them, if there are any."""
    lists = sum(_is_list(path) for _, path in _places(paths))
    shares = iter([fields // lists + (number < fields % lists) for number in range(lists)] if lists else [])
    items: dict[str, list[dict[str, Any]]] = {}
    for category, path in _places(paths):
        items.setdefault(category, []).append(_item(path, next(shares) if _is_list(path) else 0))
    return Capture(
        api_version=f"synthetic-{paths}",
        base_path=BASE_PATH,
        provenance="live",
        documents={name: normalise({"count": len(found), "list": found}) for name, found in items.items()},
        unavailable={},
    )


def write(folder: Path, paths: int, fields: int) -> Capture:
    """Write that API as the specs folder `folder`, and return it."""
    made = capture(paths, fields)
    spec_files.write(folder, spec_files.render(made))
    return made


def _places(paths: int) -> Iterator[tuple[str, str]]:
    """(category, path) of so many paths."""
    return islice(((name, path) for name in _categories() for path in _paths(name)), paths)


def _categories() -> Iterator[str]:
    for number in count(1):
        for noun in _NOUNS:
            yield noun if number == 1 else f"{noun}_{number}"


def _paths(category: str) -> Iterator[str]:
    def every() -> Iterator[str]:
        top = f"{BASE_PATH}/{category}"
        yield top
        yield from (f"{top}/inventory", f"{top}/inventory/{{id}}", f"{top}/bulk")
        for kind in _KINDS:
            yield from (f"{top}/{kind}", f"{top}/{kind}/inventory", f"{top}/{kind}/inventory/{{id}}")
            yield from (f"{top}/{kind}/bulk", f"{top}/{kind}/history/{{id}}")

    return islice(every(), PATHS_PER_CATEGORY)


def _is_list(path: str) -> bool:
    return path.endswith(("/inventory", "/bulk"))


def _item(path: str, fields: int) -> dict[str, Any]:
    query = [_field(number) for number in range(fields)]
    match path.split("/")[-2:]:
        case [_, "inventory"]:
            get = {"method": "GET", "params": [*_FILTERS, "cursor", "size"], "query": query}
            return {"path": path, "requests": [get, {"method": "POST", "params": []}]}
        case [_, "bulk"]:
            return {"path": path, "requests": [{"method": "GET", "params": [*_FILTERS, "fields"], "query": query}]}
        case ["inventory", "{id}"]:
            return {"path": path, "requests": [{"method": one, "params": []} for one in ("DELETE", "GET", "PUT")]}
        case ["history", "{id}"]:
            params = ["start_time", "end_time", "order", "cursor", "size"]
            return {"path": path, "requests": [{"method": "GET", "params": params}]}
        case _:
            return {"path": path, "requests": [{"method": "GET", "params": []}]}


def _field(number: int) -> dict[str, Any]:
    numeric = number % 3 == 2
    round_, place = divmod(number, len(_FIRST) * len(_SECOND))
    name = f"{_FIRST[place % len(_FIRST)]}_{_SECOND[place // len(_FIRST)]}" + (f"_{round_}" if round_ else "")
    return {
        "field": name,
        "operators": list(_NUMERIC if numeric else _TEXT),
        "orderby": number % 5 != 4,
        "type": "Numeric" if numeric else "Text",
    }
