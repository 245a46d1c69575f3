"""Objects in XML bodies: a `<Name>` with an element for each of its texts, or several of them in a `<list>`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from digirm_runtime.query.values import number
from digirm_simulator.replies import Problem

if TYPE_CHECKING:
    from digirm_runtime.xmltext import Value

_MAX_ITEMS = 10_000


def items_of(body: bytes, name: str) -> tuple[list[Mapping[str, Value]], bool]:
    """The objects called `name` of an XML body, and whether they came in a `list`. Raises Problem 400."""
    from digirm_runtime.xmltext import XMLError, parse

    try:
        root, value = parse(body, (name,))
    except XMLError as problem:
        raise Problem(400, f"The body is not valid XML: {problem}") from None
    if root == name:
        return [_elements(value, name)], False
    if root != "list":
        raise Problem(400, f"Expected <{name}> or <list>, not <{root[:60]}>")
    inside = _elements(value, root)
    found = inside.get(name, [])
    if inside.keys() - {name} or not isinstance(found, list) or not 1 <= len(found) <= _MAX_ITEMS:
        raise Problem(400, f"A <list> must hold 1 to {_MAX_ITEMS} <{name}>, and nothing else")
    return [_elements(item, name) for item in found], True


def _elements(value: Value, name: str) -> Mapping[str, Value]:
    if isinstance(value, str) and not value.strip():
        return {}
    if not isinstance(value, dict):
        raise Problem(400, f"<{name}> must hold elements")
    return value


def texts_of(item: Mapping[str, Value], known: Iterable[str]) -> dict[str, str]:
    """The elements of an object as text. Raises Problem 400 for one that is not known, or that has no single text."""
    found: dict[str, str] = {}
    names = set(known)
    for name, value in item.items():
        if name.startswith(("@", "#")):
            continue
        if name not in names:
            raise Problem(400, f"Unknown element <{name[:60]}>")
        if isinstance(value, dict):
            value = value.get("#text", "") if all(key.startswith(("@", "#")) for key in value) else [value]
        if not isinstance(value, str):
            raise Problem(400, f"<{name}> must be one text")
        if "\0" in value:
            raise Problem(400, f"<{name}> holds a NUL")
        found[name] = value
    return found


def decimal(text: str) -> int | float | None:
    """The number that an element holds, without the hexadecimal ones of queries; None for what is none."""
    return None if "x" in text.lower() else number(text)
