"""What the page's tree calls operations of v1: by `titles.toml`, else after their paths."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from digirm_runtime.tree import Operation

#: What a title says of a method by its name in a client; those that are not here stand for themselves.
_VERBS = {
    "list": "List",
    "get": "Get",
    "create": "Create",
    "update": "Change",
    "update_all": "Change several",
    "delete": "Delete",
    "delete_all": "Delete several",
    "describe": "Describe",
}
#: Segments that say nothing of what is behind them.
_PLAIN = frozenset(("inventory", "bulk"))


@cache
def known() -> Mapping[str, str]:
    """The titles, by method and path below the base path."""
    tables = tomllib.loads(Path(__file__).with_name("titles.toml").read_text("utf-8"))
    return {name: title for table in tables.values() for name, title in table.items()}


def title(operation: Operation, base_path: str) -> str:
    """What one operation is called."""
    from digirm_runtime import template

    below = operation.path.removeprefix(base_path)
    if found := known().get(f"{operation.method} {below.removeprefix('/')}"):
        return found
    segments = template.literals(template.parse(below))
    nouns = " ".join(word.replace("_", " ") for word in segments if word not in (*_PLAIN, operation.name))
    if operation.kind == "csv" and operation.name == "csv":
        return f"{heading(nouns)} as CSV"
    if operation.name not in _VERBS:
        return f"{heading(nouns)}: {operation.name.replace('_', ' ')}"
    one = " one of the" if operation.args and operation.name in ("get", "update", "delete") else ""
    return f"{_VERBS[operation.name]}{one} {nouns}"


def heading(name: str) -> str:
    """A name on the wire as a heading."""
    return f"{name[:1].upper()}{name[1:]}".replace("_", " ")
