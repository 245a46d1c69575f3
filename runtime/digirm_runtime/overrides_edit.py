"""`[[add]]`, `[[remove]]` and `[[replace]]` of `overrides.toml`, applied to crawled documents before they are read.

The documents that were crawled stay as they are: what is edited is copied first. Removals come first, then
replacements, then additions, each kind in the file's order.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from digirm_runtime.overrides import CertaintyEntry
from digirm_runtime.overrides_check import Stale

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from digirm_runtime.overrides import AddEntry, Overrides, RemoveEntry, ReplaceEntry


class Edited(NamedTuple):
    """Documents by category with the edits applied, overrides that say how sure those are, and edits that could not."""

    documents: Mapping[str, Any]
    overrides: Overrides
    stale: tuple[Stale, ...]


def apply(documents: Mapping[str, Any], overrides: Overrides, base_path: str) -> Edited:
    """Apply the edits of `overrides` to normalised documents; the result is normalised again."""
    if not (overrides.add or overrides.remove or overrides.replace):
        return Edited(documents, overrides, ())
    from digirm_runtime.spec import normalise

    copied = _Copy(documents, base_path)
    stale: list[Stale] = []
    sure: list[CertaintyEntry] = []
    for i, gone in enumerate(overrides.remove):
        if not copied.remove(gone):
            what = f" operator {gone.operator!r}" if gone.operator else ""
            stale.append(Stale(("remove", i), f"remove: {gone.shown()}{what} is not in the spec", gone.path))
    for i, other in enumerate(overrides.replace):
        if copied.replace(other):
            sure.append(_sure(other))
        else:
            stale.append(Stale(("replace", i), f"replace: {other.shown()} is not in the spec", other.path))
    for i, new in enumerate(overrides.add):
        problem = copied.add(new)
        if problem:
            stale.append(Stale(("add", i), f"add: {new.shown()}: {problem}", new.path))
        elif not new.parameter:
            sure.append(_sure(new))
    edited = {name: normalise(doc) if name in copied.touched else doc for name, doc in copied.documents.items()}
    # Before the file's own, so that what is said there of the same field stands.
    known = msgspec.structs.replace(overrides, certainty=(*sure, *overrides.certainty))
    return Edited(edited, known, tuple(stale))


def _sure(entry: AddEntry | ReplaceEntry) -> CertaintyEntry:
    return CertaintyEntry(
        path=entry.path,
        method=entry.method,
        fields=(entry.field,) if entry.field else (),
        certainty=entry.certainty,
        source=entry.source,
        reason=entry.reason,
    )


class _Copy:
    """Documents that are copied where they are edited, with their entries found by path."""

    def __init__(self, documents: Mapping[str, Any], base_path: str) -> None:
        self.documents = dict(documents)
        self.base_path = base_path
        self.touched: set[str] = set()
        self.places: dict[str, set[str]] = {}
        for name, document in documents.items():
            for item in _dicts(document, "list"):
                if isinstance(path := item.get("path"), str):
                    self.places.setdefault(path, set()).add(name)

    def touch(self, name: str) -> dict[str, Any]:
        """The document of a category, from now on one that may be changed."""
        if name not in self.touched:
            self.documents[name] = copy.deepcopy(self.documents[name])
            self.touched.add(name)
        document: dict[str, Any] = self.documents[name]
        return document

    def items(self, path: str) -> list[dict[str, Any]]:
        """The entries of a path: one, or several where the server listed it twice."""
        names = sorted(self.places.get(path, ()))
        return [item for name in names for item in _dicts(self.touch(name), "list") if item.get("path") == path]

    def requests(self, path: str, method: str) -> list[dict[str, Any]]:
        """The descriptions of a request."""
        return [
            request for item in self.items(path) for request in _dicts(item, "requests") if _method(request) == method
        ]

    def remove(self, entry: RemoveEntry) -> bool:
        """Take an entry out wherever it is listed; False where it is nowhere."""
        if not entry.method:
            holders = [self.touch(name) for name in self.places.pop(entry.path, ())]
            return _drop(holders, "list", lambda item: _is(item, "path", entry.path))
        requests = self.requests(entry.path, entry.method)
        if entry.parameter:
            return _drop(requests, "params", lambda name: bool(name == entry.parameter))
        if entry.operator:
            fields = [field for request in requests for field in _fields(request, entry.field)]
            return _drop(fields, "operators", lambda operator: bool(operator == entry.operator))
        if entry.field:
            return _drop(requests, "query", lambda field: _is(field, "field", entry.field))
        return _drop(
            self.items(entry.path),
            "requests",
            lambda request: isinstance(request, dict) and _method(request) == entry.method,
        )

    def replace(self, entry: ReplaceEntry) -> bool:
        """Put other values in place; False where what they belong to is nowhere."""
        found = self.requests(entry.path, entry.method)
        if entry.field:
            found = [field for request in found for field in _fields(request, entry.field)]
        values = {"params": entry.params, "type": entry.type, "operators": entry.operators, "orderby": entry.orderby}
        for described in found:
            for key, value in values.items():
                if value is not None:
                    described[key] = list(value) if isinstance(value, tuple) else value
        return bool(found)

    def add(self, entry: AddEntry) -> str:
        """Add an entry; why it cannot be, or nothing."""
        if not entry.method:
            return self.add_path(entry.path)
        if not (items := self.items(entry.path)):
            return "the path is not in the spec"
        requests = self.requests(entry.path, entry.method)
        if not (entry.parameter or entry.field):
            if requests:
                return "it is in the spec already"
            _listed(items[0], "requests").append({"method": entry.method, "params": list(entry.params)})
            return ""
        if not requests:
            return "the request is not in the spec"
        known = _fields(requests[0], entry.field) if entry.field else entry.parameter in _listed(requests[0], "params")
        if known:
            return "it is in the spec already"
        if entry.parameter:
            _listed(requests[0], "params").append(entry.parameter)
        else:
            field = {"field": entry.field, "operators": list(entry.operators), "orderby": entry.orderby}
            _listed(requests[0], "query").append({**field, "type": entry.type})
        return ""

    def add_path(self, path: str) -> str:
        from digirm_runtime.spec_reader import check_path

        if path in self.places:
            return "it is in the spec already"
        try:
            check_path(path, self.base_path)
        except ValueError as error:
            return f"the path {error}"
        category = path.removeprefix(self.base_path + "/").partition("/")[0]
        if not isinstance(self.documents.get(category), dict):
            return f"there is no category {category!r}"
        _listed(self.touch(category), "list").append({"path": path})
        self.places[path] = {category}
        return ""


def _dicts(holder: Any, key: str) -> list[dict[str, Any]]:
    """The objects of the list under `key`; none where there is no such list."""
    listed = holder.get(key) if isinstance(holder, dict) else None
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _listed(holder: dict[str, Any], key: str) -> list[Any]:
    """The list under `key`, made where there is none."""
    if not isinstance(holder.get(key), list):
        holder[key] = []
    listed: list[Any] = holder[key]
    return listed


def _drop(holders: list[dict[str, Any]], key: str, gone: Callable[[Any], bool]) -> bool:
    """Whether something was taken out of the lists under `key`."""
    dropped = 0
    for holder in holders:
        if isinstance(listed := holder.get(key), list):
            holder[key] = [item for item in listed if not gone(item)]
            dropped += len(listed) - len(holder[key])
    return dropped > 0


def _is(item: Any, key: str, value: str) -> bool:
    return isinstance(item, dict) and item.get(key) == value


def _method(request: dict[str, Any]) -> str:
    method = request.get("method")
    return method.upper() if isinstance(method, str) else ""


def _fields(request: dict[str, Any], name: str) -> list[dict[str, Any]]:
    return [field for field in _dicts(request, "query") if field.get("field") == name]
