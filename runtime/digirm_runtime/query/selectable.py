"""What a spec says of the columns that `fields` can ask for. A self-documentation lists query fields, not columns.

Known are an operation's query fields and the properties of its documented answer, those of the operations beside it
that answer the same as JSON, and what `[[columns]]` of `overrides.toml` says.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from digirm_runtime.spec import Request, Spec

_BULK, _INVENTORY = "bulk", "inventory"


class Selectable:
    """The columns of the operations of one spec."""

    def __init__(self, spec: Spec) -> None:
        self._overrides = spec.overrides
        self._read = {
            path.template: request
            for category in spec.categories
            for path in category.paths
            for request in path.requests or ()
            if request.method == "GET"
        }

    def of(self, template: str, request: Request) -> list[Any]:
        """[certainty of the list of columns or None, the known columns that are no query fields of the request]."""
        entry = self._overrides.columns_entry(template) if request.method == "GET" else None
        found = set(entry.columns if entry else ())
        for path in {template, *beside(template)}:
            found.update(self._answered(path))
        return [entry.certainty if entry else None, sorted(found - {field.name for field in request.query})]

    def _answered(self, template: str) -> Iterable[str]:
        """What an answer of a path is known to hold: its query fields, and what is documented of it."""
        if template in self._read:
            yield from (field.name for field in self._read[template].query)
        entry = self._overrides.operation_entry("GET", template)
        if entry is not None and entry.schema is not None:
            yield from self._overrides.schemas[entry.schema].properties


def beside(template: str) -> Iterable[str]:
    """Where the objects of a bulk operation may be had as JSON: the inventory beside it, or its path without `bulk`."""
    segments = template.split("/")
    if _BULK in segments:
        yield "/".join(_INVENTORY if segment == _BULK else segment for segment in segments)
        yield "/".join(segment for segment in segments if segment != _BULK)
