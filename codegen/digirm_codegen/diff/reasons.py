"""Why a name of the client vanished or changed: the findings that explain it, found by request."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from digirm_codegen.diff.documents import address
from digirm_runtime import naming

if TYPE_CHECKING:
    from digirm_codegen.diff.findings import Finding
    from digirm_codegen.diff.surface import Kind, Lost

#: Ids of findings that say that a whole request is away.
_WHOLE = ("category-removed", "category-unavailable", "path-removed", "method-removed")
#: Ids of other findings that explain what was lost, by kind. A parameter decides what a method is called and returns.
_REASONS: dict[Kind, tuple[str, ...]] = {
    "method": ("parameter-removed", "parameter-added"),
    "argument": ("parameter-removed",),
    "field": ("field-removed",),
    "operator": ("operator-removed", "field-type-changed", "field-removed"),
    "type": (),
    "changed": ("parameter-removed", "parameter-added", "field-type-changed", "operator-removed", "operator-added"),
}
_KNOWN = frozenset((*_WHOLE, *(id for ids in _REASONS.values() for id in ids)))
#: In place of a name: whatever it is.
_ANY = "\0"


class Reasons:
    """Findings by the request and the name that they are about."""

    def __init__(self, findings: Iterable[Finding]) -> None:
        self._findings = [finding for finding in findings if finding.id in _KNOWN]
        self._categories: dict[str, list[int]] = {}
        #: By method, address from the category on, and name; an empty method is every method of that address.
        self._places: dict[tuple[str, str, str], list[int]] = {}
        for position, finding in enumerate(self._findings):
            if not finding.path:
                self._categories.setdefault(finding.category, []).append(position)
                continue
            names = {finding.name, naming.snake(finding.name) or finding.name, _ANY} if finding.name else {"", _ANY}
            for below in _addresses(finding):
                for name in names:
                    self._places.setdefault((finding.method, below, name), []).append(position)

    def of(self, one: Lost) -> list[Finding]:
        """Those that explain a name, in order."""
        if one.kind not in _REASONS or (one.name.startswith("models.") and one.kind != "type"):
            return []
        ids = {*_WHOLE, *_REASONS[one.kind]}
        found = (self._findings[position] for position in sorted(set(self._at(one))))
        return [finding for finding in found if finding.id in ids]

    def _at(self, one: Lost) -> Iterator[int]:
        # A Python name has an underscore behind it where the bare one is a keyword.
        names = {"", one.wire, one.wire.rstrip("_")} if one.wire else {_ANY}
        for request in one.requests:
            method, _, path = request.partition(" ")
            place = address(path)
            yield from self._categories.get(path.removeprefix("/").partition("/")[0], ())
            for name in names:
                yield from self._places.get((method, place, name), ())
                yield from self._places.get(("", place, name), ())


def _addresses(finding: Finding) -> Iterator[str]:
    """What a finding's path may be below the base path, which may be that of either version."""
    path = address(finding.path)
    start = (path + "/").find(f"/{finding.category}/")
    if start < 0:
        yield path
    while start >= 0:
        yield path[start:]
        start = (path + "/").find(f"/{finding.category}/", start + 1)
