"""What the spec says of a composed request while it is being composed."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from digirm_explorer.composed import Composed, ComposedError, planned
from digirm_runtime import template

if TYPE_CHECKING:
    from digirm_explorer.knowledge import Knowledge

#: The command of an SCI request: the element within the outermost.
_COMMAND = re.compile(r"<sci_request\b[^>]*>\s*<([A-Za-z_]+)")
_SCI = "/ws/sci"


def judge(knowledge: Knowledge, url: str, data: dict[str, Any]) -> dict[str, Any]:
    """`Judged` of the page's `types.ts`. Raises ComposedError for what is no request at all."""
    composed, specs = Composed.read(data), knowledge.calls
    method = composed.method.strip().upper()
    try:
        plan = planned(composed, url, specs.base_path)
    except ComposedError as error:
        # A path whose placeholders are not filled yet is that of an operation all the same.
        return _judged(_operation(method, composed.path.strip(), composed.body), errors=[str(error)])
    # The editors list the faults of queries themselves, each at its place.
    found = specs.judge(plan.method, plan.path, plan.params, queries=False)
    if found.known is not None:
        operation: str | None = f"{found.known.method} {found.known.listed}"
    else:
        operation = _operation(plan.method, plan.path, composed.body)
    return _judged(operation, found.errors, found.warnings, plan.address)


def _operation(method: str, path: str, body: str) -> str | None:
    """The catalog's name of an operation that the spec does not have: one of the older API, or a command by SCI."""
    if "{" in path:
        return f"{method} {path}"
    if path.rstrip("/") == _SCI and (command := _COMMAND.search(body)):
        return f"{method} {_SCI} {command[1]}"
    pieces = template.split(path.rstrip("/"))
    fitting = [
        (len(template.args(segments)), id)
        for id, of, segments in _beside()
        if of == method and template.matches(segments, pieces)
    ]
    return min(fitting)[1] if fitting else None


@cache
def _beside() -> list[tuple[str, str, tuple[template.Segment, ...]]]:
    """Name, method and template of each operation beside v1."""
    from digirm_explorer import beside

    categories = (category for group in beside.groups() for category in group["categories"])
    operations = (operation for category in categories for operation in category["operations"])
    # A command's name says more than its path: those are told apart by the body.
    plain = (one for one in operations if one["id"] == f"{one['method']} {one['path']}")
    return [(one["id"], one["method"], template.parse(one["path"])) for one in plain]


def _judged(
    operation: str | None, errors: list[str], warnings: list[str] | None = None, address: str | None = None
) -> dict[str, Any]:
    return {"operation": operation, "errors": errors, "warnings": warnings or [], "address": address}
